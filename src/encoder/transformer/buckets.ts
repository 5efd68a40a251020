/** Texts of nearly one length, which go through a model together. */
export interface Bucket {
  /** Positions of the texts. */
  readonly members: readonly number[];
  /** Rows of the batch: at least as many as members. */
  readonly texts: number;
  /** Tokens of a row, padding included. */
  readonly length: number;
}

/**
 * Puts texts into batches by their lengths, so that little is padding and few shapes are needed: a shape has a graph of its
 * own.
 * @param lengths in tokens @param longest that a row may be, none of them longer
 * @param budget tokens of a batch, padding included; a longer text has a batch to itself
 */
export function buckets(lengths: readonly number[], longest: number, budget: number): Bucket[] {
  const byLength = new Map<number, number[]>();
  const longestFirst = [...lengths.keys()].sort((a, b) => lengths[b]! - lengths[a]!);
  for (const text of longestFirst) {
    const length = rowLength(lengths[text]!, longest);
    const same = byLength.get(length);
    if (same === undefined) byLength.set(length, [text]);
    else same.push(text);
  }
  return [...byLength].flatMap(([length, texts]) => {
    const full = Math.max(1, Math.floor(budget / length));
    return Array.from({ length: Math.ceil(texts.length / full) }, (_, i) => {
      const members = texts.slice(i * full, (i + 1) * full);
      return { members, texts: Math.min(full, roundedUp(members.length, 1)), length };
    });
  });
}

/** Tokens of a row for texts of up to so many. */
export function rowLength(tokens: number, longest: number): number {
  return Math.min(longest, roundedUp(tokens, 8));
}

/** The next size of which there are four per doubling, and which is a multiple of `unit`. */
export function roundedUp(size: number, unit: number): number {
  const step = Math.max(unit, 2 ** (Math.ceil(Math.log2(Math.max(size, 1))) - 3));
  return Math.ceil(size / step) * step;
}
