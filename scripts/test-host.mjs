// The host lane: the tests of test/host inside a real VS Code extension host. With LRAT_VSCODE set to the path of a
// desktop VS Code, the same files run there.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runTests } from '@vscode/test-electron';
import { build } from 'esbuild';
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

const folder = mkdtempSync(join(tmpdir(), 'lrat-workspace-'));
const report = join(root, '.cache', 'test-results', 'host-report.json');
mkdirSync(join(root, '.cache', 'test-results'), { recursive: true });
rmSync(report, { force: true });
let code = 1;
try {
  code = await runTests({
    vscodeExecutablePath: desktop ?? join(root, 'scripts', 'host', 'vscode-shim.mjs'),
    extensionDevelopmentPath: root,
    extensionTestsPath: tests,
    launchArgs: [folder],
    extensionTestsEnv: { LRAT_TEST_REPORT: report },
  });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
try {
  record('host', JSON.parse(readFileSync(report, 'utf8')));
} catch {
  console.error('The host tests left no report.');
  record('host', { passed: 0, failed: 1, skipped: 0 });
}
process.exit(code);
