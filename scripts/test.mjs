// `npm test`: the gates, the build, then every test lane; ends with the true totals of all lanes.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { line, record, root, total } from './results.mjs';

/** @param {string[]} command */
function run(command) {
  const [program, ...args] = command;
  const done = spawnSync(program, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
  return done.status === 0;
}

rmSync(join(root, '.cache', 'test-results'), { recursive: true, force: true });
mkdirSync(join(root, '.cache', 'test-results'), { recursive: true });

const gates = run(['npm', 'run', '--silent', 'check']) && run(['npm', 'run', '--silent', 'build']);
record('gates', { passed: gates ? 1 : 0, failed: gates ? 0 : 1, skipped: 0 });

if (gates) {
  const report = join(root, '.cache', 'test-results', 'vitest-report.json');
  run(['npx', 'vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]);
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
      readFileSync(report, 'utf8'),
    );
    // A file that failed to load has no failed test of its own.
    const broken = testResults.filter(
      file => file.status === 'failed' && file.assertionResults.length === 0,
    ).length;
    record('unit', {
      passed: numPassedTests,
      failed: numFailedTests + broken,
      skipped: numPendingTests + numTodoTests,
    });
  } catch (error) {
    console.error(`vitest left no report: ${error.message}`);
  }
  run(['node', 'scripts/test-host.mjs']);
}

const sum = total(['gates', 'unit', 'host']);
console.log(line(sum));
process.exit(sum.failed === 0 ? 0 : 1);
