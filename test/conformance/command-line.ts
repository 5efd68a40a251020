import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const launcher = join(root, 'bin/lrat.mjs');

/** Builds the command line where it has not been built yet; before all tests, because files are tested side by side. */
export default function setup(): void {
  if (existsSync(join(root, 'dist/cli.mjs'))) return;
  const { status, stderr } = spawnSync(process.execPath, ['esbuild.mjs'], { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the command line could not be built:\n${stderr}`);
}

/** The real logs and their labels. */
export const data = join(root, '../shared/data');
export const hasData = existsSync(data);
if (!hasData) console.warn(`Skipped where real logs are needed: they are not at ${data}.`);

/** How a command ended and what it said. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  /** User and group to run as; only root may choose. */
  readonly user?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** A command that is under way, in a process group of its own. */
export class Running {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  #stderr = '';

  constructor(args: readonly string[], { cwd, user, env }: RunOptions = {}) {
    this.#child = spawn(process.execPath, [launcher, ...args], {
      cwd,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(user !== undefined && { uid: user, gid: user }),
      env: { ...process.env, ...env },
    });
    let stdout = '';
    this.#child.stdout!.setEncoding('utf8').on('data', words => (stdout += words));
    this.#child.stderr!.setEncoding('utf8').on('data', words => (this.#stderr += words));
    this.ended = new Promise((done, fail) => {
      this.#child.on('error', fail);
      this.#child.on('close', code => done({ code, stdout, stderr: this.#stderr }));
    });
  }

  /** Waits until it has said something on standard error. */
  async says(pattern: RegExp): Promise<void> {
    const ended = this.ended.then(({ code, stderr }) => {
      if (!pattern.test(stderr)) throw new Error(`ended with ${code} and did not say ${pattern}: ${stderr}`);
    });
    while (!pattern.test(this.#stderr)) {
      await Promise.race([ended, new Promise<void>(done => this.#child.stderr!.once('data', () => done()))]);
    }
  }

  /** Ctrl-C as a terminal gives it: to every process of the group. */
  interrupt(): void {
    process.kill(-this.#child.pid!, 'SIGINT');
  }
}

/** Runs `lrat` to its end. */
export function lrat(args: readonly string[], options?: RunOptions): Promise<Ended> {
  return new Running(args, options).ended;
}

/** Runs `lrat … --json`, which must end well and print one JSON object and nothing else on standard output. */
export async function answer(args: readonly string[], options?: RunOptions) {
  const { code, stdout, stderr } = await lrat([...args, '--json'], options);
  if (code !== 0) throw new Error(`lrat ${args.join(' ')} ended with ${code}: ${stderr}`);
  if (!/^\{.*\}\n$/.test(stdout)) throw new Error(`not one line with an object: ${stdout.slice(0, 500)}`);
  return JSON.parse(stdout);
}
