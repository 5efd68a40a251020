import { normaliseText } from '../base/text.ts';
import type { TokenCounter } from '../base/tokenizer.ts';
import type { Outcome, Step, Trajectory } from './model.ts';

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

/** The outline of a trajectory, lengths counted in the counter's tokens. `log` as in `BrowseKey`. */
export function outlineOf(log: string, trajectory: Trajectory, counter: TokenCounter): TrajectoryOutline {
  // A think is most often the reasoning of the browses before it: the same text is counted once.
  const counted = new Map<string, number>();
  const tokens = (text: string): number => {
    const known = counted.get(text);
    if (known !== undefined) return known;
    const count = counter.count(text);
    counted.set(text, count);
    return count;
  };
  const outline = (entry: Step): OutlineStep => {
    const { kind, step, turn } = entry;
    switch (kind) {
      case 'think':
        return { kind, step, turn, tokens: tokens(entry.text) };
      case 'search':
        return {
          kind,
          step,
          turn,
          part: entry.part,
          query: entry.query,
          documents: entry.candidates.map(candidate => candidate.id),
        };
      case 'browse':
        return {
          kind,
          step,
          turn,
          part: entry.part,
          doc: entry.doc,
          reasoningTokens: entry.reasoning === null ? null : tokens(entry.reasoning),
        };
      case 'tool':
      case 'answer':
        return { kind, step, turn };
    }
  };
  const { id, queryId, question, outcome, steps } = trajectory;
  return { log, trajectory: id, queryId, question, outcome, steps: steps.map(outline) };
}

/**
 * What makes two trajectories runs on the same question: its normalised text; without one, its id; null if neither is
 * known. The text comes first because benchmarks number their questions from 0 alike, and because logs of one
 * benchmark may name the ids or not.
 */
export function questionKey(asked: {
  readonly queryId: string | null;
  readonly question: string | null;
}): string | null {
  const text = normaliseText(asked.question ?? '');
  if (text !== '') return `question ${text}`;
  return asked.queryId === null ? null : `id ${asked.queryId}`;
}
