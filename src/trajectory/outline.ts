import type { Outcome } from './model.ts';

/** What a judge or a person says of a browse. */
export type Label = 'relevant' | 'irrelevant' | 'unknown';

/** Names one browse: the log, the trajectory in it, the step, and the document (a step may open several). */
export interface BrowseKey {
  /** Path of the log, relative to the folder that was indexed, with `/` between names. */
  readonly log: string;
  /** `Trajectory.id`. */
  readonly trajectory: string;
  readonly step: number;
  /** Document key; null if the log does not tell which document was opened. */
  readonly doc: string | null;
}

/** The label of a browse; `unknown` where nobody and nothing has judged it. */
export type LabelLookup = (browse: BrowseKey) => Label;

/** A trajectory without its texts: who listed and opened what, in order. The index keeps these; mining needs no more. */
export interface TrajectoryOutline {
  readonly log: string;
  readonly trajectory: string;
  readonly queryId: string | null;
  readonly question: string | null;
  readonly outcome: Outcome;
  readonly steps: readonly OutlineStep[];
}

/** Fields as in the steps of `model.ts`. */
export type OutlineStep =
  | { readonly kind: 'think'; readonly step: number; readonly turn: number; readonly tokens: number }
  | {
      readonly kind: 'search';
      readonly step: number;
      readonly turn: number;
      readonly part: number;
      readonly query: string;
      /** Document keys in list order. */
      readonly documents: readonly string[];
    }
  | {
      readonly kind: 'browse';
      readonly step: number;
      readonly turn: number;
      readonly part: number;
      readonly doc: string | null;
      /** Tokens of the post-browse reasoning, special tokens excluded; null if unknown. */
      readonly reasoningTokens: number | null;
    }
  | { readonly kind: 'tool' | 'answer'; readonly step: number; readonly turn: number };
