import type { Outcome, Step } from './model.ts';
import type { ToolKinds } from './tools.ts';

/** How sure a format is that a record is one of its own, from 0 to 1, and by what it knows. */
export interface Detection {
  readonly score: number;
  readonly reason: string;
}

export interface ReadContext {
  readonly tools: ToolKinds;
}

/** Names of members that lead to a value: `['result']`, `['values', 'messages']`, or `[]` for the record itself. */
export type JsonPath = readonly string[];

/** A trajectory before it has a name in its log and its steps have their places in it. */
export interface ReadResult {
  /** Where the record keeps the list that step numbers count in; null if it has none (all in one text). */
  readonly stepList: JsonPath | null;
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
}

/** One kind of log. `record` is anything that JSON can say; neither method may throw, whatever it is. */
export interface LogFormat {
  readonly name: string;
  /** Null if the record is certainly none of this format. */
  detect(record: unknown): Detection | null;
  read(record: unknown, context: ReadContext): ReadResult;
}
