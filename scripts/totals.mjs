// Adds up the lanes named on the command line and ends with their totals on a line of their own.
import { line, total } from './results.mjs';

const sum = total(process.argv.slice(2));
console.log(line(sum));
process.exit(sum.failed === 0 ? 0 : 1);
