// `npm test`: the gates, the build, then every test lane; ends with the true totals of all lanes.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { finish, record, root, total } from './results.mjs';
import { findVulkan } from './vulkan.mjs';

const folder = join(root, '.cache', 'test-results');

/** @param {string[]} command @param {Record<string, string>} env added to that of this process */
function run(command, env = {}) {
  const [program, ...args] = command;
  const done = spawnSync(program, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  return done.status === 0;
}

/** @param {string} lane @param {string} config @param {Record<string, string>} env */
function vitest(lane, config, env = {}) {
  const report = join(folder, `${lane}-report.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const ended = run(['npx', 'vitest', 'run', '--config', config, ...reporters], env);
  try {
    const counts = JSON.parse(readFileSync(report, 'utf8'));
    const failures = counts.testResults.flatMap(file => {
      const name = relative(root, file.name);
      const failed = file.assertionResults.filter(test => test.status === 'failed');
      // A file that failed to load, or around its tests, may have no failed test.
      if (file.status === 'failed' && failed.length === 0) return [{ name, message: file.message }];
      return failed.map(test => ({
        name: `${name} > ${test.fullName}`,
        message: test.failureMessages.join('\n'),
      }));
    });
    // An error that nobody waited for is of no test.
    if (!ended && failures.length === 0)
      failures.push({ name: 'vitest', message: 'ended with an error: see above' });
    record(lane, {
      passed: counts.numPassedTests,
      failed: failures.length,
      skipped: counts.numPendingTests + counts.numTodoTests,
      failures,
    });
  } catch (error) {
    console.error(`vitest left no report of the lane ${lane}: ${error.message}`);
  }
}

function webgpu() {
  const found = findVulkan();
  if ('env' in found) {
    vitest('webgpu', 'test/webgpu/vitest.config.ts', found.env);
  } else {
    console.log(`WebGPU tests skipped: ${found.reason}.`);
    record('webgpu', { passed: 0, failed: 0, skipped: 1 });
  }
}

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

const gates = run(['npm', 'run', '--silent', 'check']) && run(['npm', 'run', '--silent', 'build']);
record('gates', {
  passed: gates ? 1 : 0,
  failed: gates ? 0 : 1,
  skipped: 0,
  failures: gates ? [] : [{ name: 'check and build', message: 'see above' }],
});

if (gates) {
  vitest('unit', 'vitest.config.ts');
  run(['node', 'scripts/test-host.mjs']);
  vitest('ui', 'test/ui/vitest.config.ts');
  webgpu();
}

finish(total(gates ? ['gates', 'unit', 'webgpu', 'host', 'ui'] : ['gates']));
