import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { setImmediate as breathe, setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { describeError, errorCode, LratError } from '../base/errors.ts';
import {
  type FiguresMetric,
  parseMetric,
  RunFolder,
  type RunRecord,
  type RunState,
  type StepMetric,
  type WorkKind,
} from '../training/run-folder.ts';
import type { Problem } from '../trajectory/model.ts';
import { existingWorkspace } from './workspace.ts';

export type RunKind = 'training' | WorkKind;

/** What a list of runs tells of one. */
export interface RunSummary {
  readonly id: string;
  readonly path: string;
  readonly kind: RunKind;
  /** Of a training and of mining what comes of it: the model, the pairs; of judging and measuring who is judging or measured. */
  readonly name: string;
  /** What is done with what, for people. */
  readonly title: string;
  readonly created: string;
  /** Folder of the model that comes of a training; null for all else. */
  readonly out: string | null;
  readonly state: RunState;
  readonly step: number;
  readonly steps: number;
  readonly loss: number | null;
  /** Last measured on held-out questions, as rates from 0 to 1. */
  readonly figures: Readonly<Record<string, number>>;
  /** What came of judging or mining, in numbers. */
  readonly counts: Readonly<Record<string, number>>;
  readonly error: string | null;
  readonly pid: number | null;
  /** Whether it goes on when the window or terminal that started it closes. */
  readonly background: boolean;
}

export interface RunList {
  /** Newest first. */
  readonly runs: readonly RunSummary[];
  /** Folders among the runs whose records cannot be read. */
  readonly problems: readonly Problem[];
}

/** Runs that are read before others get their turn. */
const listed = 20;

/**
 * The runs of a workspace, whoever started them; whether those that say they run still do is looked up.
 * @param known runs that need not be read again, by the name of their folder
 */
export async function listRuns(
  workspace: string,
  known: ReadonlyMap<string, RunSummary> = new Map(),
): Promise<RunList> {
  const { runs: home } = existingWorkspace(workspace);
  const runs: RunSummary[] = [];
  const problems: Problem[] = [];
  const names = existsSync(home) ? readdirSync(home).sort().reverse() : [];
  for (const [i, id] of names.entries()) {
    if (i % listed === listed - 1) await breathe();
    try {
      runs.push(known.get(id) ?? summarise(join(home, id)));
    } catch (error) {
      if (!existsSync(join(home, id))) continue;
      problems.push({ log: relative(workspace, join(home, id)), place: '', reason: describeError(error) });
    }
  }
  // Names of folders tell the second only.
  runs.sort((a, b) => (a.created === b.created ? 0 : a.created < b.created ? 1 : -1));
  return { runs, problems };
}

/** @throws LratError if the folder holds no run that can be read. */
export function summarise(path: string): RunSummary {
  const folder = new RunFolder(path);
  const record = folder.read();
  const status = folder.readStatus();
  const isTraining = record.kind === 'training';
  return {
    id: record.id,
    path,
    kind: record.kind,
    name: isTraining ? basename(record.out) : record.name,
    title: isTraining ? titleOf(folder, record) : record.title,
    created: record.created,
    out: isTraining ? resolve(folder.workspace, record.out) : null,
    // The status is written right after the record: without one the process ended in between.
    state: status?.state ?? 'crashed',
    step: status?.step ?? 0,
    steps: status?.steps ?? 0,
    loss: status?.loss ?? null,
    figures: record.kind === 'evaluation' ? measuredLast(folder) : (status?.figures ?? {}),
    counts: record.kind === 'judging' || record.kind === 'mining' ? readCounts(folder) : {},
    error: status?.error ?? null,
    pid: status?.pid ?? null,
    background: status?.background ?? false,
  };
}

/** Whether a run can go on: one that has ended without finishing, and that keeps what it had done. */
export function isResumable({ kind, state }: Pick<RunSummary, 'kind' | 'state'>): boolean {
  return (kind === 'training' || kind === 'judging') && state !== 'running' && state !== 'finished';
}

function titleOf(folder: RunFolder, { base, pairs }: RunRecord): string {
  const isNew = resolve(folder.workspace, base) === folder.base;
  // The training part of a pair file is named by the file, with a hash (`splitPairs`).
  const set = basename(pairs, '.jsonl').replace(/-[0-9a-f]{12}-train$/, '');
  return `${isNew ? 'static encoder' : basename(base)} on ${set} pairs`;
}

/** Where the pair file of the questions that a training keeps out has to be; null if it keeps none. */
export function heldOutPath(folder: RunFolder): string | null {
  // `splitPairs` names the two files alike.
  const train = resolve(folder.workspace, folder.readRecord().pairs);
  const path = train.replace(/-train\.jsonl$/, '-held-out.jsonl');
  return path === train ? null : path;
}

/** The pair file of the questions that a training keeps out; null if it keeps none, or the file is gone. */
export function heldOutPairs(folder: RunFolder): string | null {
  const path = heldOutPath(folder);
  return path !== null && existsSync(path) ? path : null;
}

/** The folder of a run of the workspace. @throws LratError if there is none of that id. */
export function runFolder(workspace: string, id: string): RunFolder {
  const path = join(existingWorkspace(workspace).runs, basename(id));
  if (existsSync(join(path, 'run.json'))) return new RunFolder(path);
  throw new LratError('is no run of this workspace.', {
    place: path,
    remedy: '`lrat runs` lists those there are.',
  });
}

/** Seconds that a run gets to end its step and to save before it is ended by force. */
const grace = 30;

/**
 * Asks a run to stop, so that it keeps a checkpoint; what has not ended after the grace period is ended by force, with
 * the processes that it started. A run that does not run is left alone.
 * @returns its state after that
 */
export async function stopRun(folder: RunFolder, graceSeconds = grace): Promise<RunState> {
  const status = folder.readStatus();
  if (status?.state !== 'running') return status?.state ?? 'crashed';
  signal(status.pid, 'SIGINT', folder);
  const deadline = performance.now() + graceSeconds * 1000;
  while (performance.now() < deadline) {
    await sleep(100);
    const { state } = folder.readStatus() ?? status;
    if (state !== 'running') return state;
  }
  try {
    // A run in the background leads a group of its own.
    process.kill(-status.pid, 'SIGKILL');
  } catch {
    signal(status.pid, 'SIGKILL', folder);
  }
  return 'crashed';
}

function signal(pid: number, name: NodeJS.Signals, folder: RunFolder): void {
  try {
    process.kill(pid, name);
  } catch (cause) {
    if (errorCode(cause) === 'ESRCH') return;
    throw new LratError(`runs in process ${pid}, which cannot be told to stop from here.`, {
      place: folder.path,
      remedy: 'Stop it as the user who started it.',
      cause,
    });
  }
}

/** @throws LratError if a run is running */
export function refuseRunning(folder: RunFolder): void {
  if (folder.readStatus()?.state !== 'running') return;
  throw new LratError('is running.', { place: folder.path, remedy: 'Stop it first.' });
}

/**
 * Removes a run with its checkpoints and metrics; the model that came of it stays.
 * @throws LratError if it is running
 */
export async function deleteRun(folder: RunFolder): Promise<void> {
  refuseRunning(folder);
  await rm(folder.path, { recursive: true, force: true });
}

const estimateSchema = z.object({ mean: z.number(), low: z.number(), high: z.number() });
const resultSchema = z.object({
  version: z.literal(1),
  metrics: z.array(z.string()),
  questions: z.number(),
  rows: z.array(z.object({ retriever: z.string(), metrics: z.record(z.string(), estimateSchema) })),
  differences: z.array(
    z.object({
      retriever: z.string(),
      baseline: z.string(),
      metrics: z.record(z.string(), estimateSchema.extend({ p: z.number() })),
    }),
  ),
});

/** How BM25, the base and the trained model compare on held-out questions (`result.json`). */
export type RunResult = z.infer<typeof resultSchema>;

const countsSchema = z.object({ version: z.literal(1), counts: z.record(z.string(), z.number()) });

/** What came of judging or mining; nothing while it goes on. */
function readCounts(folder: RunFolder): Readonly<Record<string, number>> {
  return readResultFile(folder, countsSchema)?.counts ?? {};
}

/** The first figure of the retriever that was named last: the one that is set against the baseline. */
function measuredLast(folder: RunFolder): Readonly<Record<string, number>> {
  const result = readResult(folder);
  const metric = result?.metrics[0];
  const estimate = metric === undefined ? undefined : result?.rows.at(-1)?.metrics[metric];
  return metric === undefined || estimate === undefined ? {} : { [metric]: estimate.mean };
}

/** What came of a training or an evaluation, or null while nothing did. @throws LratError if it cannot be read. */
export function readResult(folder: RunFolder): RunResult | null {
  return readResultFile(folder, resultSchema);
}

function readResultFile<Result>(folder: RunFolder, schema: z.ZodType<Result>): Result | null {
  if (!existsSync(folder.result)) return null;
  try {
    return schema.parse(JSON.parse(readFileSync(folder.result, 'utf8')));
  } catch (cause) {
    throw new LratError('cannot be read as the result of a run.', {
      place: folder.result,
      remedy: 'Do the work again; a model is measured again with `lrat eval`.',
      cause,
    });
  }
}

/** The last lines of a text file, of which no more than `bytes` are read; none if there is no file. */
export async function readTail(path: string, lines: number, bytes = 65_536): Promise<string[]> {
  const size = (await stat(path).catch(() => null))?.size ?? 0;
  if (size === 0) return [];
  const start = Math.max(0, size - bytes);
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    const all = buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n');
    // The first is a part of a line unless the reading began at the file's beginning.
    return (start === 0 ? all : all.slice(1)).slice(-lines);
  } finally {
    await file.close();
  }
}

/** Bytes that are read, and lines that are parsed, before others get their turn. */
const chunk = 256 * 1024;

/** A run's metrics as they grow: each look reads only what is new. */
export class MetricsReader {
  readonly #path: string;
  #file = { ino: 0, read: 0 };
  #rest: Buffer = Buffer.alloc(0);
  #steps: StepMetric[] = [];
  #figures: FiguresMetric[] = [];
  #last: Promise<void> = Promise.resolve();

  constructor(folder: RunFolder) {
    this.#path = folder.metrics;
  }

  get steps(): readonly StepMetric[] {
    return this.#steps;
  }

  get figures(): readonly FiguresMetric[] {
    return this.#figures;
  }

  /** Reads what is new. Looks at the same time take turns. */
  update(): Promise<void> {
    const next = this.#last.then(() => this.#read());
    this.#last = next.catch(() => {});
    return next;
  }

  async #read(): Promise<void> {
    let file: Awaited<ReturnType<typeof open>>;
    try {
      file = await open(this.#path);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
      this.#forget(0);
      return;
    }
    try {
      const { ino, size } = await file.stat();
      // A resumed run writes the file anew, without the steps that it runs again.
      if (ino !== this.#file.ino || size < this.#file.read) this.#forget(ino);
      const buffer = Buffer.alloc(Math.min(chunk, size - this.#file.read));
      while (this.#file.read < size) {
        const { bytesRead } = await file.read(buffer, 0, buffer.length, this.#file.read);
        if (bytesRead === 0) break;
        this.#file.read += bytesRead;
        this.#take(Buffer.concat([this.#rest, buffer.subarray(0, bytesRead)]));
      }
    } finally {
      await file.close();
    }
  }

  #take(bytes: Buffer): void {
    const end = bytes.lastIndexOf(10) + 1;
    // A line that is still being written is taken when it is whole.
    this.#rest = bytes.subarray(end);
    for (const metric of bytes.toString('utf8', 0, end).split('\n').flatMap(parseMetric)) {
      if ('figures' in metric) this.#figures.push(metric);
      else this.#steps.push(metric);
    }
  }

  #forget(ino: number): void {
    this.#file = { ino, read: 0 };
    this.#rest = Buffer.alloc(0);
    this.#steps = [];
    this.#figures = [];
  }
}

/** What is drawn of a step, or the means of several steps that share a point; `step` is the last of them. */
export interface MetricPoint {
  readonly step: number;
  readonly loss: number;
  readonly learningRate: number;
  readonly gradientNorm: number;
}

/** Points of a curve that a view gets at most. */
const pointLimit = 600;

/** What is drawn of a training's steps. */
export function curvesOf(steps: readonly StepMetric[]): { points: MetricPoint[]; stepsPerPoint: number } {
  return {
    points: thinOut(steps, pointLimit),
    stepsPerPoint: Math.max(1, Math.ceil(steps.length / pointLimit)),
  };
}

/** At most `limit` points: where there are more steps, neighbours are averaged. */
export function thinOut(steps: readonly StepMetric[], limit: number): MetricPoint[] {
  const size = Math.ceil(steps.length / limit);
  return Array.from({ length: Math.ceil(steps.length / Math.max(1, size)) }, (_, i) => {
    const some = steps.slice(i * size, (i + 1) * size);
    const mean = (value: (metric: StepMetric) => number) =>
      some.reduce((sum, metric) => sum + value(metric), 0) / some.length;
    return {
      step: some.at(-1)!.step,
      loss: mean(({ loss }) => loss),
      learningRate: mean(({ learningRate }) => learningRate),
      gradientNorm: mean(({ gradientNorm }) => gradientNorm),
    };
  });
}

/** What is going on in a run now. Speeds are those of the last steps. */
export interface RunPace {
  readonly rowsPerSecond: number;
  readonly tokensPerSecond: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** Bytes; null in runs of older versions. */
  readonly memory: number | null;
  /** Of computation, without the measuring between epochs. */
  readonly secondsLeft: number;
}

/** Steps that the speeds are averaged over. */
const recent = 50;

/** The pace of a run after its last step, or null before the first. */
export function paceOf(metrics: readonly StepMetric[], steps: number, batchSize: number): RunPace | null {
  const last = metrics.at(-1);
  if (last === undefined) return null;
  const some = metrics.slice(-recent);
  // Speeds average by time, so their harmonic mean; 0 is a speed that was rounded away.
  const speed = (value: (metric: StepMetric) => number) =>
    some.length / some.reduce((sum, metric) => sum + 1 / Math.max(0.5, value(metric)), 0);
  const rowsPerSecond = speed(metric => metric.rowsPerSecond);
  return {
    rowsPerSecond,
    tokensPerSecond: speed(metric => metric.tokensPerSecond),
    gradientNorm: last.gradientNorm,
    learningRate: last.learningRate,
    memory: last.memory ?? null,
    secondsLeft: ((steps - last.step) * batchSize) / rowsPerSecond,
  };
}
