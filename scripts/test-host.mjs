// The host lane: the tests of test/host inside a real VS Code extension host. With LRAT_VSCODE set to the path of a
// desktop VS Code, the same files run there.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runTests } from '@vscode/test-electron';
import { build } from 'esbuild';
import { runLog } from '../test/host/logs.ts';
import { setUp, unsupported } from './host/code-server.mjs';
import { record, root } from './results.mjs';

const desktop = process.env.LRAT_VSCODE;
const reason = desktop === undefined ? unsupported() : null;
if (reason !== null) {
  console.log(`Host tests skipped: ${reason}; set LRAT_VSCODE to the path of a desktop VS Code to run them.`);
  record('host', { passed: 0, failed: 0, skipped: 1 });
  process.exit(0);
}
if (desktop === undefined) setUp();

const tests = join(root, 'out', 'host', 'index.cjs');
await build({
  entryPoints: [join(root, 'test', 'host', 'index.ts')],
  outfile: tests,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  external: ['vscode', 'mocha'],
  sourcemap: 'inline',
  // What the tests take from src finds its threads where the built extension has them.
  define: { 'import.meta.url': 'importMetaUrl' },
  banner: {
    js: `const importMetaUrl = ${JSON.stringify(pathToFileURL(join(root, 'dist', 'extension.cjs')).href)};`,
  },
  logLevel: 'warning',
});

// A window of each kind: a folder that begins empty, one whose index is there before the window is, and none.
const folders = { folder: makeFolder(), indexed: makeFolder(), none: null };
const visits = [{ doc: '101', reasoning: 'The page names the Aare.' }];
const log = runLog('Which river runs through Brugg?', visits);
writeFileSync(join(folders.indexed, 'run.json'), JSON.stringify(log, null, 1));
// What opens the index without being asked: a watcher that speaks of the log, which is new, and a log in an editor.
const quiet = { 'lrat.followLogs': false, 'lrat.annotations.enabled': false };
mkdirSync(join(folders.indexed, '.vscode'));
writeFileSync(join(folders.indexed, '.vscode', 'settings.json'), JSON.stringify(quiet));
execFileSync(process.execPath, [join(root, 'bin', 'lrat.mjs'), 'index', '--workspace', folders.indexed]);

mkdirSync(join(root, '.cache', 'test-results'), { recursive: true });
const totals = { passed: 0, failed: 0, skipped: 0, failures: [] };
for (const [kind, folder] of Object.entries(folders)) {
  const report = join(root, '.cache', 'test-results', `host-report-${kind}.json`);
  rmSync(report, { force: true });
  try {
    await runTests({
      vscodeExecutablePath: desktop ?? join(root, 'scripts', 'host', 'vscode-shim.mjs'),
      extensionDevelopmentPath: root,
      extensionTestsPath: tests,
      launchArgs: folder === null ? [] : [folder],
      extensionTestsEnv: { LRAT_TEST_REPORT: report, LRAT_TEST_WINDOW: kind },
    });
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  } finally {
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
  }
  if (existsSync(report)) {
    const { passed, failed, skipped, failures } = JSON.parse(readFileSync(report, 'utf8'));
    totals.passed += passed;
    totals.failed += failed;
    totals.skipped += skipped;
    totals.failures.push(...failures);
  } else {
    totals.failed++;
    totals.failures.push({ name: `window "${kind}"`, message: 'the host tests left no report' });
    process.exitCode = 1;
  }
}
record('host', totals);

function makeFolder() {
  return mkdtempSync(join(tmpdir(), 'lrat-workspace-'));
}
