// `npm test`: the gates, the build, then every test lane; ends with the true totals of all lanes.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { line, record, root, total } from './results.mjs';

const folder = join(root, '.cache', 'test-results');

/** @param {string[]} command */
function run(command) {
  const [program, ...args] = command;
  const done = spawnSync(program, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
  return done.status === 0;
}

/** @param {string} lane @param {string} config */
function vitest(lane, config) {
  const report = join(folder, `${lane}-report.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  run(['npx', 'vitest', 'run', '--config', config, ...reporters]);
  try {
    const counts = JSON.parse(readFileSync(report, 'utf8'));
    // A file that failed to load has no failed test of its own.
    const broken = counts.testResults.filter(
      file => file.status === 'failed' && file.assertionResults.length === 0,
    );
    record(lane, {
      passed: counts.numPassedTests,
      failed: counts.numFailedTests + broken.length,
      skipped: counts.numPendingTests + counts.numTodoTests,
    });
  } catch (error) {
    console.error(`vitest left no report of the lane ${lane}: ${error.message}`);
  }
}

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

const gates = run(['npm', 'run', '--silent', 'check']) && run(['npm', 'run', '--silent', 'build']);
record('gates', { passed: gates ? 1 : 0, failed: gates ? 0 : 1, skipped: 0 });

if (gates) {
  vitest('unit', 'vitest.config.ts');
  run(['node', 'scripts/test-host.mjs']);
  vitest('ui', 'test/ui/vitest.config.ts');
}

const sum = total(['gates', 'unit', 'host', 'ui']);
console.log(line(sum));
process.exit(sum.failed === 0 ? 0 : 1);
