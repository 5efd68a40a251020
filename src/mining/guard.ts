import type { LabelLookup, TrajectoryOutline } from '../trajectory/outline.ts';
import { labelOfBrowse, type UnweightedPair } from './rule.ts';

/** A negative that was taken out of a pair, and why. */
export interface GuardRemoval {
  readonly log: string;
  readonly trajectory: string;
  readonly searchStep: number;
  readonly searchPart: number;
  readonly document: string;
  /** `relevant`: a trajectory of the same question found it so. `sameText`: it says what a relevant document says. */
  readonly because: 'relevant' | 'sameText';
}

/**
 * Keeps documents that are relevant to a question from being negatives of its pairs: those that any trajectory of the
 * question found relevant, and those whose text is the same as the text of one of them.
 */
export class FalseNegativeGuard {
  readonly #relevant = new Map<string, Set<string>>();
  readonly #texts = new Map<string, Set<string>>();
  readonly #textKey: (doc: string) => string | undefined;

  /** `textKey` gives the fingerprint of a document's normalised text. */
  constructor(textKey: (doc: string) => string | undefined) {
    this.#textKey = textKey;
  }

  /** Learns what a trajectory of the question found relevant. */
  learn(question: string, outline: TrajectoryOutline, labelOf: LabelLookup): void {
    for (const step of outline.steps) {
      if (step.kind !== 'browse' || step.doc === null) continue;
      if (labelOfBrowse(outline, step, labelOf) !== 'relevant') continue;
      add(this.#relevant, question, step.doc);
      const text = this.#textKey(step.doc);
      if (text !== undefined) add(this.#texts, question, text);
    }
  }

  /** The negatives of a pair that may stand; the others are added to `removals`. All trajectories must be known. */
  allowed(question: string, pair: UnweightedPair, removals: GuardRemoval[]): string[] {
    const relevant = this.#relevant.get(question);
    const texts = this.#texts.get(question);
    return pair.negatives.filter(document => {
      const text = this.#textKey(document);
      const because = relevant?.has(document)
        ? 'relevant'
        : text !== undefined && texts?.has(text)
          ? 'sameText'
          : null;
      if (because === null) return true;
      const { log, trajectory, searchStep, searchPart } = pair;
      removals.push({ log, trajectory, searchStep, searchPart, document, because });
      return false;
    });
  }
}

function add(sets: Map<string, Set<string>>, key: string, value: string): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([value]));
  else set.add(value);
}
