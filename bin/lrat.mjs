#!/usr/bin/env node
// Starts the command line under the project's own Node: it needs node:sqlite, which the Node in the path may lack.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cli = join(root, 'dist', 'cli.mjs');
if (!existsSync(cli)) {
  console.error(
    'lrat: the command line is not built yet. Run `npm run setup && npm run build` in its folder first.',
  );
  process.exit(1);
}
const own = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
const child = spawn(
  existsSync(own) ? own : process.execPath,
  ['--disable-warning=ExperimentalWarning', cli, ...process.argv.slice(2)],
  {
    stdio: 'inherit',
    // onnxruntime-node sends telemetry on Linux unless this is set before it loads.
    env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
  },
);
// The terminal sends Ctrl-C to both; the child decides what it means.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
