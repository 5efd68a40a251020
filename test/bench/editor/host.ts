import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTests } from '@vscode/test-electron';
import { build } from 'esbuild';
import { setUp } from '../../../scripts/host/code-server.mjs';

/**
 * What the extension costs its host, as JSON: `node test/bench/editor/host.ts LOGS`. Runs `host-suite.ts` in a fresh real
 * extension host, in a folder beside the logs that it indexes.
 */
const bench = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(dirname(bench)));
const [logs = '.'] = process.argv.slice(2);
const home = mkdtempSync(join(tmpdir(), 'lrat-bench-host-'));
try {
  setUp();
  const suite = join(root, 'out', 'bench', 'host-suite.cjs');
  await build({
    entryPoints: [join(bench, 'host-suite.ts')],
    outfile: suite,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['vscode'],
  });
  const report = join(home, 'report.json');
  // What the workbench says goes to where people look, not into the figures.
  const { log } = console;
  console.log = console.error;
  const write = process.stdout.write;
  process.stdout.write = process.stderr.write.bind(process.stderr);
  const code = await runTests({
    vscodeExecutablePath: process.env.LRAT_VSCODE ?? join(root, 'scripts', 'host', 'vscode-shim.mjs'),
    extensionDevelopmentPath: root,
    extensionTestsPath: suite,
    launchArgs: [logs],
    extensionTestsEnv: { LRAT_BENCH_REPORT: report },
  });
  process.stdout.write = write;
  console.log = log;
  if (code !== 0) throw new Error(`The host ended with code ${code}.`);
  console.log(readFileSync(report, 'utf8'));
} finally {
  rmSync(home, { recursive: true, force: true });
}
