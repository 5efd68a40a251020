// Adds up the lanes named on the command line and ends with what failed and their totals on a line of their own.
import { finish, total } from './results.mjs';

finish(total(process.argv.slice(2)));
