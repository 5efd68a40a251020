import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ensureWorkspace } from '../../src/workspace/paths.ts';
import { writeMadeLogs } from './cases.ts';

/** What a child process says of a case, or of the index of those before it: at its beginning, and at its end. */
export interface Line {
  readonly number: number;
  readonly fixture: string;
  readonly changes: readonly string[];
  readonly outcome?: keyof Totals;
  /** Whether it is the index that is spoken of. */
  readonly isIndex?: boolean;
  readonly failure?: string;
  /** Of the processor: other work on the machine is no fault of the case. */
  readonly ms?: number;
  /** Milliseconds that passed, whoever had the processor. */
  readonly clock?: number;
  /** The most that the process has ever had. */
  readonly kilobytes?: number;
}

export interface Failure {
  readonly number: number;
  readonly fixture: string;
  readonly changes: readonly string[];
  readonly what: string;
}

/** Numbers of cases. */
export interface Totals {
  /** Gave at least one trajectory. */
  trajectory: number;
  /** Gave none, and at least one problem. */
  problem: number;
  /** Were taken for no log, with a reason. */
  unrecognised: number;
}

export interface FuzzReport {
  readonly totals: ReadonlyMap<string, Totals>;
  readonly failures: readonly Failure[];
  readonly slowest: { readonly number: number; readonly fixture: string; readonly ms: number };
  /** Milliseconds that the slowest index took of the processor. */
  readonly slowestIndex: number;
  /** Of the largest process. */
  readonly mebibytes: number;
}

export interface FuzzOptions {
  readonly seed: number;
  readonly cases: number;
  readonly processes: number;
  readonly onDone?: (done: number) => void;
  readonly onFailure?: (failure: Failure) => void;
}

/** Milliseconds of the processor that reading a log may take, and those that may pass where nothing else runs. */
const longest = { ms: 5000, clock: 15_000 };
/** The same for an index of all logs that are indexed together. */
const longestIndex = { ms: 20_000, clock: 60_000 };
/** Mebibytes that a process may have. */
const most = 1024;

/** What a case or an index may take, in milliseconds; more of them may pass as long as others want the processors, too. */
function limitsOf({ isIndex }: Line): typeof longest {
  const { ms, clock } = isIndex ? longestIndex : longest;
  return { ms, clock: clock * Math.max(1, loadavg()[0]! / availableParallelism()) };
}

/** What took longer than it may, or undefined. */
function overrun(line: Line): string | undefined {
  const { ms = 0, clock = 0 } = line;
  const limits = limitsOf(line);
  if (ms > limits.ms) return `took ${Math.round(ms)} ms of the processor`;
  return clock > limits.clock ? `took ${Math.round(clock)} ms` : undefined;
}

/** Runs cases in processes of their own, which are replaced when a case kills one, or takes too long or too much. */
export async function fuzz({ seed, cases, processes, onDone, onFailure }: FuzzOptions): Promise<FuzzReport> {
  const folder = mkdtempSync(join(tmpdir(), 'lrat-fuzz-'));
  const totals = new Map<string, Totals>();
  const failures: Failure[] = [];
  let slowest = { number: -1, fixture: '', ms: 0 };
  let slowestIndex = 0;
  let mebibytes = 0;
  let done = 0;

  const fail = (failure: Failure): void => {
    failures.push(failure);
    onFailure?.(failure);
  };
  const finish = (line: Line, failure = line.failure ?? overrun(line)): void => {
    const { number, fixture, changes, outcome, isIndex = false, ms = 0, kilobytes = 0 } = line;
    mebibytes = Math.max(mebibytes, kilobytes / 1024);
    if (failure !== undefined) fail({ number, fixture, changes, what: failure });
    if (isIndex) {
      slowestIndex = Math.max(slowestIndex, ms);
      return;
    }
    if (failure === undefined && outcome !== undefined) {
      const of = totals.get(fixture) ?? { trajectory: 0, problem: 0, unrecognised: 0 };
      totals.set(fixture, of);
      of[outcome]++;
    }
    if (ms > slowest.ms) slowest = { number, fixture, ms };
    onDone?.(++done);
  };

  /** Runs every `processes`th case from one on; returns the case to go on with, or `cases`. */
  const run = async (from: number): Promise<number> => {
    const own = join(folder, String(from % processes));
    // Made here: where writing is confined, nothing can be waited for until it is on the disk.
    ensureWorkspace(own);
    const args = [own, join(folder, 'made'), seed, from, cases, processes].map(String);
    const program = join(import.meta.dirname, 'child.ts');
    const flags = [
      ...['--disable-warning=ExperimentalWarning', '--disable-warning=SecurityWarning'],
      '--max-old-space-size=768',
      // Whatever a log says, nothing is written elsewhere: an attempt is an error, and that a failure.
      ...['--permission', '--allow-worker', '--allow-fs-read=*', `--allow-fs-write=${own}/*`],
    ];
    const child = spawn(process.execPath, [...flags, program, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let open: Line | null = null;
    let next = from;
    let words = '';
    let why: string | null = null;
    const kill = (reason: string): void => {
      why = reason;
      child.kill('SIGKILL');
    };
    let timer: NodeJS.Timeout | undefined;
    child.stderr.on('data', data => (words = `${words}${data}`.slice(-2000)));
    const ended = new Promise<number | null>(resolve => child.on('close', resolve));
    for await (const text of createInterface({ input: child.stdout })) {
      const line = JSON.parse(text) as Line;
      clearTimeout(timer);
      if (line.ms === undefined) {
        open = line;
        const { clock } = limitsOf(line);
        timer = setTimeout(() => kill(`did not end in ${Math.round(clock)} ms`), clock);
        continue;
      }
      open = null;
      next = line.number + processes;
      const isTooMuch = line.kilobytes! > most * 1024;
      finish(line, isTooMuch ? `took ${Math.round(line.kilobytes! / 1024)} MiB` : undefined);
      if (isTooMuch) kill('too much memory');
    }
    clearTimeout(timer);
    const code = await ended;
    if (open === null) {
      if (code === 0 || why !== null) return next;
      finish({ number: next, fixture: 'none', changes: [] }, `the case could not be made: ${words}`);
      return next + processes;
    }
    finish(open, why ?? `the process died (${code}): ${words}`);
    return open.number + processes;
  };

  try {
    await writeMadeLogs(join(folder, 'made'));
    await Promise.all(
      Array.from({ length: processes }, async (_, first) => {
        for (let next = first; next < cases; ) next = await run(next);
      }),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { totals, failures, slowest, slowestIndex, mebibytes };
}
