import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import { LratError } from '../base/errors.ts';
import { writeError, writeFileAtomic } from '../base/files.ts';
import { deviceWishes } from '../engine/device-wish.ts';
import { recipeSchema } from './recipe.ts';

/** `run.json`: what was asked for. Paths inside the workspace are relative to it. */
export const runSchema = z.strictObject({
  version: z.literal(1),
  kind: z.literal('training'),
  id: z.string(),
  created: z.string(),
  pairs: z.string(),
  pairsHash: z.string(),
  /** Folder of the model that training starts from. */
  base: z.string(),
  /** SHA-256 of its files; null for one that was made for this run and lies in its folder. */
  baseHash: z.string().nullable().default(null),
  out: z.string(),
  recipe: recipeSchema,
  /** Where it was to compute, if that was told. */
  device: z.enum(deviceWishes).optional(),
  lineage: z.record(z.string(), z.string()),
  versions: z.record(z.string(), z.string()),
});
export type RunRecord = z.infer<typeof runSchema>;

/** `run.json` of work that is no training: what was asked for, as far as it takes to tell of it and to do it again. */
export const workSchema = z.strictObject({
  version: z.literal(1),
  kind: z.enum(['judging', 'mining', 'evaluation']),
  id: z.string(),
  created: z.string(),
  name: z.string(),
  title: z.string(),
  request: z.record(z.string(), z.json()),
});
export type WorkRecord = z.infer<typeof workSchema>;
export type WorkKind = WorkRecord['kind'];

const recordSchema = z.discriminatedUnion('kind', [runSchema, workSchema]);

const statusSchema = z.strictObject({
  version: z.literal(1),
  state: z.enum(['running', 'stopped', 'finished', 'failed']),
  pid: z.int(),
  /** Tells the process from a later one of the same number; null where the system does not say. */
  started: z.string().nullable(),
  step: z.int(),
  steps: z.int(),
  /** Whether its process has a session of its own, so that it goes on when what started it closes. */
  background: z.boolean().default(false),
  updated: z.string(),
  error: z.string().nullable(),
  /** Mean over the steps of the epoch so far; null before the first step. */
  loss: z.number().nullable().default(null),
  /** What was last measured on held-out questions. */
  figures: z.record(z.string(), z.number()).default({}),
});
type StatusRecord = z.infer<typeof statusSchema>;

/** `crashed`: it says that it runs, and its process is gone. */
export type RunState = StatusRecord['state'] | 'crashed';

export interface RunStatus extends Omit<StatusRecord, 'state'> {
  readonly state: RunState;
}

export interface StepMetric {
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  readonly learningRate: number;
  readonly gradientNorm: number;
  readonly rowsPerSecond: number;
  readonly tokensPerSecond: number;
  /** Resident memory of the process in bytes; runs of older versions have none. */
  readonly memory?: number;
}

/** Figures measured after a step; those of step 0 are the base's. */
export interface FiguresMetric {
  readonly step: number;
  readonly epoch: number;
  readonly figures: Readonly<Record<string, number>>;
}

/** One line of `metrics.jsonl`. */
export type Metric = StepMetric | FiguresMetric;

/** Where a run stands. */
export interface RunPosition {
  readonly step: number;
  readonly steps: number;
  readonly loss: number | null;
  readonly figures: Readonly<Record<string, number>>;
}

/** A name for a run that sorts by time. */
export function newRunId(): string {
  const time = new Date().toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
  return `${time}-${randomUUID().slice(0, 6)}`;
}

/** `.lrat/runs/<id>`: everything that is known of a run, so that it can be watched from elsewhere and resumed. */
export class RunFolder {
  readonly path: string;
  #metrics: string[] = [];

  constructor(path: string) {
    this.path = path;
  }

  /** The folder for a model that was made for this run. */
  get base(): string {
    return join(this.path, 'base');
  }

  /** The workspace that it belongs to. */
  get workspace(): string {
    return resolve(this.path, '..', '..', '..');
  }

  /** What came of it, once it is finished: of a training how the model compares with its base on held-out questions. */
  get result(): string {
    return join(this.path, 'result.json');
  }

  /** What was measured on each question, for comparisons with other runs. */
  get scores(): string {
    return join(this.path, 'scores.json');
  }

  get metrics(): string {
    return join(this.path, 'metrics.jsonl');
  }

  get logFile(): string {
    return join(this.path, 'log.txt');
  }

  get checkpoints(): string {
    return join(this.path, 'checkpoints');
  }

  writeRecord(record: RunRecord | WorkRecord): void {
    this.#make();
    writeFileAtomic(join(this.path, 'run.json'), `${JSON.stringify(record, null, 2)}\n`);
  }

  /** @throws LratError if there is no such run, or its record cannot be read. */
  read(): RunRecord | WorkRecord {
    return readJson(join(this.path, 'run.json'), recordSchema);
  }

  /** The record of a training. @throws LratError if there is no such run, or it is none. */
  readRecord(): RunRecord {
    const record = this.read();
    if (record.kind === 'training') return record;
    throw new LratError(`is no training but ${record.kind}.`, {
      place: this.path,
      remedy: '`lrat runs` tells which runs are trainings.',
    });
  }

  writeStatus(state: StatusRecord['state'], position: RunPosition, error: string | null = null): void {
    const record: StatusRecord = {
      version: 1,
      state,
      pid: process.pid,
      started: startOf(process.pid),
      background: process.env.LRAT_BACKGROUND === '1',
      ...position,
      updated: new Date().toISOString(),
      error,
    };
    // To wait for the disk each time would hold up the work that is told of; the last word must last.
    writeFileAtomic(join(this.path, 'status.json'), `${JSON.stringify(record, null, 2)}\n`, {
      isLasting: state !== 'running',
    });
  }

  /** What the run last said of itself, or null if it never did; whether its process still lives is looked up. */
  readStatus(): RunStatus | null {
    const path = join(this.path, 'status.json');
    // Where the power went a moment after it was written, a status may be empty.
    if (!existsSync(path) || statSync(path).size === 0) return null;
    const status = readJson(path, statusSchema);
    const gone = status.state === 'running' && !lives(status.pid, status.started);
    return gone ? { ...status, state: 'crashed' } : status;
  }

  log(line: string): void {
    this.#append(this.logFile, `${new Date().toISOString()} ${line}\n`);
  }

  /** Kept in memory until `flush`: a write per step would cost more than the step. */
  addMetric(metric: Metric): void {
    this.#metrics.push(`${JSON.stringify(metric)}\n`);
  }

  flush(): void {
    if (this.#metrics.length > 0) this.#append(this.metrics, this.#metrics.join(''));
    this.#metrics = [];
  }

  readMetrics(): Metric[] {
    if (!existsSync(this.metrics)) return [];
    return readFileSync(this.metrics, 'utf8').split('\n').flatMap(parseMetric);
  }

  /** Forgets the metrics after `step`, which will be run again. */
  rewindMetrics(step: number): void {
    const kept = this.readMetrics().filter(metric => metric.step <= step);
    writeFileAtomic(this.metrics, kept.map(metric => `${JSON.stringify(metric)}\n`).join(''));
  }

  /** Where the checkpoint after a step is, or has to be written. */
  checkpoint(step: number): string {
    return this.#stateFile('step', step);
  }

  /** Paths of the checkpoints, newest first. */
  listCheckpoints(): string[] {
    return this.#stateFiles('step');
  }

  /** Where the parameters after a step are, while they have to be kept because they were the best that were measured. */
  best(step: number): string {
    return this.#stateFile('best', step);
  }

  /** Paths of the states that were the best when they were measured, newest first. */
  listBest(): string[] {
    return this.#stateFiles('best');
  }

  removeCheckpoints(): void {
    rmSync(this.checkpoints, { recursive: true, force: true });
  }

  #stateFile(kind: 'step' | 'best', step: number): string {
    return join(this.checkpoints, `${kind}-${String(step).padStart(9, '0')}.safetensors`);
  }

  #stateFiles(kind: 'step' | 'best'): string[] {
    if (!existsSync(this.checkpoints)) return [];
    return readdirSync(this.checkpoints)
      .filter(name => name.startsWith(`${kind}-`) && name.endsWith('.safetensors'))
      .sort()
      .reverse()
      .map(name => join(this.checkpoints, name));
  }

  #make(): void {
    try {
      mkdirSync(this.path, { recursive: true });
    } catch (error) {
      throw writeError(this.path, error);
    }
  }

  #append(path: string, text: string): void {
    try {
      appendFileSync(path, text);
    } catch (error) {
      throw writeError(path, error);
    }
  }
}

/** A line of `metrics.jsonl`; nothing for the empty end, or a line that a crash cut off: its step will be run again. */
export function parseMetric(line: string): Metric[] {
  try {
    return [JSON.parse(line) as Metric];
  } catch {
    return [];
  }
}

function readJson<T>(path: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new LratError('cannot be read as a record of a run.', {
      place: path,
      remedy: 'Name the folder of a run, such as .lrat/runs/<id>, or start the training anew.',
      cause,
    });
  }
}

function lives(pid: number, started: string | null): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // A process of another user may not be signalled, but is there.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return started === null || startOf(pid) === started;
}

/** When a process started, in the system's own units since its boot (Linux: field 22 of /proc/<pid>/stat); null elsewhere. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}
