import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** Something to measure: a command in a process of its own, and what it gets done. */
export interface Figure {
  readonly title: string;
  /** Program and arguments; it runs in the folder of the bench. */
  readonly command: readonly string[];
  /** Makes everything as the command is to find it; before every run, outside the clock. */
  readonly prepare?: () => void;
  /** What a run has shown, by unit, from its seconds and the JSON object that it prints. */
  readonly figures: (seconds: number, answer: Answer) => Readonly<Record<string, number>>;
  /** Figures of the same group by whose time this one's is divided. */
  readonly peers?: readonly Figure[];
}

export type Answer = Readonly<Record<string, number>>;

interface Run {
  readonly seconds: number;
  /** Greatest resident memory in bytes; null for a program that does not tell. */
  readonly peak: number | null;
  readonly figures: Readonly<Record<string, number>>;
}

/** The runs of a figure: the greatest peak, the medians of all else. */
export interface Result extends Run {
  readonly fastest: number;
  readonly slowest: number;
}

/** Runs figures in turn, round after round, so that what else the machine does falls on all of them alike. */
export async function measure(
  figures: readonly Figure[],
  rounds: number,
  folder: string,
): Promise<ReadonlyMap<Figure, Result>> {
  const runs = new Map<Figure, Run[]>(figures.map(figure => [figure, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [figure, done] of runs) {
      figure.prepare?.();
      done.push(await runOnce(figure, folder));
    }
  }
  return new Map([...runs].map(([figure, done]) => [figure, summary(done)]));
}

/** Runs a piece of work in this process so many times; seconds, the median. For what is too short for a process of its own. */
export async function medianSeconds(times: number, work: () => unknown): Promise<number> {
  const seconds: number[] = [];
  for (let i = 0; i < times; i++) {
    const started = performance.now();
    await work();
    seconds.push((performance.now() - started) / 1000);
  }
  return median(seconds);
}

/** The one in the middle. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

function summary(runs: readonly Run[]): Result {
  const seconds = runs.map(run => run.seconds);
  const peaks = runs.flatMap(({ peak }) => peak ?? []);
  const units = Object.keys(runs[0]!.figures);
  return {
    seconds: median(seconds),
    fastest: Math.min(...seconds),
    slowest: Math.max(...seconds),
    peak: peaks.length === 0 ? null : Math.max(...peaks),
    figures: Object.fromEntries(units.map(unit => [unit, median(runs.map(run => run.figures[unit]!))])),
  };
}

/** Loaded into every Node before its own code: tells its peak on descriptor 3 when it ends. */
const peakTeller = fileURLToPath(new URL('./tell-peak.mjs', import.meta.url));

async function runOnce({ command, figures }: Figure, folder: string): Promise<Run> {
  const [program, ...args] = command;
  const isNode = program === process.execPath;
  const started = performance.now();
  const child = spawn(program!, isNode ? ['--import', peakTeller, ...args] : args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, NODE_NO_WARNINGS: '1', ORT_DISABLE_TELEMETRY: '1' },
  });
  const ended = new Promise<number | null>((resolve, reject) =>
    child.on('error', reject).on('close', resolve),
  );
  const [code, answer, complaint, peak] = await Promise.all([
    ended,
    ...[child.stdout!, child.stderr!, child.stdio[3]!].map(stream => text(stream as NodeJS.ReadableStream)),
  ]);
  const seconds = (performance.now() - started) / 1000;
  if (code !== 0) throw new Error(`${command.join(' ')} failed:\n${complaint}`);
  return { seconds, peak: peak === '' ? null : Number(peak), figures: figures(seconds, JSON.parse(answer!)) };
}
