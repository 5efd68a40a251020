import type { Keeping } from './keeping.ts';
import type { Outcome, Skipped, Step } from './model.ts';
import type { JsonPath } from './source/positions.ts';
import type { Stretch } from './source/record.ts';
import type { ToolKinds } from './tools.ts';

/** How sure a format is that a record is one of its own, from 0 to 1, and by what it knows. */
export interface Detection {
  readonly score: number;
  readonly reason: string;
}

export interface ReadContext {
  readonly tools: ToolKinds;
  readonly decrypt: Decrypt;
  /** What a format keeps of texts that go through it step by step; of records that do not, all is in memory anyway. */
  readonly keeping: Keeping;
}

/** Decrypts texts, all of one record; says why if it cannot. What it returns is kept in memory only. */
export type Decrypt = (texts: readonly string[]) => readonly string[] | Refusal;

/** Said in the place of a trajectory that is there and cannot be read: why, and what helps. */
export interface Refusal {
  readonly refused: string;
}

/** A trajectory before it has a name in its log and its steps have their places in it. */
export interface ReadResult {
  /** What the log itself calls the run (a session, a trace), where that is not the id of its question. */
  readonly name?: string | null;
  readonly queryId: string | null;
  readonly question: string | null;
  readonly agent: string | null;
  readonly retriever: string | null;
  readonly answer: string | null;
  readonly references: readonly string[];
  readonly completed: boolean;
  readonly outcome: Outcome;
  /** In order; every `position` is null. */
  readonly steps: readonly Step[];
  readonly noPairs: string | null;
  /** What was there and could not be used. */
  readonly skipped: readonly Skipped[];
}

/** What a record format reads from one record. */
export interface RecordResult extends ReadResult {
  /** Where the record keeps the list that step numbers count in; null if it has none (all in one text). */
  readonly stepList: JsonPath | null;
  /** Where in the list step 0 stands, if not at its begin: several trajectories may share one (`samples.*.messages`). */
  readonly firstStep?: number;
  /** Where each step number stands, if no one list holds them all. */
  readonly stepPaths?: readonly JsonPath[];
  /** Of a record that is a text, or holds one: where in it each step number stands. */
  readonly stretches?: readonly Stretch[];
  /** Where the record holds the text, if it is none itself; the same for all trajectories of a record. */
  readonly textPath?: JsonPath;
}

/** What all kinds of log have in common. Records are anything that JSON can say, or a text; no method may throw. */
interface Format {
  readonly name: string;
  /** Null if the record is certainly none of this format. */
  detect(record: unknown): Detection | null;
}

/** A kind of log whose every record is a trajectory of its own, or holds several. */
export interface RecordFormat extends Format {
  readonly unit: 'record';
  read(record: unknown, context: ReadContext): RecordResult | readonly RecordResult[] | Refusal;
}

/**
 * A kind of log whose records belong together: the lines of a session, the spans of a dump, the events of a stream. Once
 * one record is known for certain, all others of its file that are of no other format are read with it.
 */
export interface SessionFormat extends Format {
  readonly unit: 'session';
  /** Where a record keeps the list that step numbers count in, over all records; null if the records themselves count. */
  readonly elements: JsonPath | null;
  /** @param records all of the file, in its order */
  read(records: readonly unknown[], context: ReadContext): readonly ReadResult[];
}

export type LogFormat = RecordFormat | SessionFormat;
