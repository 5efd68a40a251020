import { openTokenCounter, type TokenCounter } from '../base/tokenizer.ts';
import { type ReadOptions, readLog } from '../trajectory/log.ts';
import { References } from '../trajectory/outcome.ts';
import { digestOf, type TrajectoryDigest } from './digest.ts';

/** How logs are to be read; whoever changes any of it must read them again. */
export interface ReadSettings extends Required<Omit<ReadOptions, 'lengthsWillDo'>> {
  /** Name of the token counter; a folder by its absolute path. */
  readonly tokenizer: string;
  /** Absolute path of a file of reference answers, or null. */
  readonly answers: string | null;
}

/** A part of what a log gives, in its order. */
export interface LogPart {
  readonly trajectories: readonly TrajectoryDigest[];
  readonly problems: readonly { readonly place: string; readonly reason: string }[];
  /** Why the file is no log, or null. */
  readonly unrecognised: string | null;
  readonly isLast: boolean;
}

/** A part is given when it has so many trajectories or steps. */
const full = { trajectories: 64, steps: 4096 };

/** Reads logs into what the index keeps of them, part by part. Opening it loads the tokenizer: keep it. */
export class LogPartReader {
  readonly #settings: ReadSettings;
  readonly #counter: TokenCounter;
  readonly #references: References | undefined;

  private constructor(settings: ReadSettings, counter: TokenCounter) {
    const { answers } = settings;
    this.#settings = settings;
    this.#counter = counter;
    this.#references = answers === null ? undefined : References.read(answers);
  }

  static async open(settings: ReadSettings): Promise<LogPartReader> {
    return new LogPartReader(settings, await openTokenCounter(settings.tokenizer));
  }

  /** Reads a log. */
  *parts(path: string): Generator<LogPart> {
    let trajectories: TrajectoryDigest[] = [];
    let problems: { place: string; reason: string }[] = [];
    let unrecognised: string | null = null;
    let steps = 0;
    const part = (isLast: boolean): LogPart => ({ trajectories, problems, unrecognised, isLast });
    try {
      for (const record of readLog(path, { ...this.#settings, lengthsWillDo: true })) {
        if (record.kind === 'unrecognised') unrecognised = record.reason;
        else if (record.kind === 'problem') problems.push({ place: record.place, reason: record.reason });
        else {
          trajectories.push(digestOf(record, this.#counter, this.#references));
          steps += record.trajectory.steps.length;
          if (trajectories.length < full.trajectories && steps < full.steps) continue;
          yield part(false);
          trajectories = [];
          problems = [];
          steps = 0;
        }
      }
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      problems.push({ place: '', reason: `could not be read to its end (${what}); what was read is kept.` });
    }
    yield part(true);
  }
}
