/** Texts of nearly one length, which go through a model together. */
export interface Bucket {
  /** Positions of the texts. */
  readonly members: readonly number[];
  /** Rows of the batch, one for each member. */
  readonly texts: number;
  /** Tokens of a row, padding included; at least one. */
  readonly length: number;
}

/**
 * Puts texts into batches by their lengths, for a model that takes batches of any size: with the fewest tokens altogether,
 * padding included, where each batch counts as some tokens more.
 * @param lengths in tokens @param most tokens of a batch, padding included; a longer text has a batch to itself
 * @param perBatch as many tokens as take the time of an empty batch
 */
export function batchesByLength(lengths: readonly number[], most: number, perBatch: number): Bucket[] {
  const order = [...lengths.keys()].sort((a, b) => lengths[a]! - lengths[b]!);
  // The least cost of the shortest texts, so many of them, and where the last of their batches begins.
  const costs = [0];
  const begins = [0];
  for (let end = 1; end <= order.length; end++) {
    const longest = lengths[order[end - 1]!]!;
    let best = Number.POSITIVE_INFINITY;
    for (let begin = end - 1; begin >= 0; begin--) {
      const tokens = (end - begin) * longest;
      if (tokens > most && begin < end - 1) break;
      const cost = costs[begin]! + tokens + perBatch;
      if (cost < best) {
        best = cost;
        begins[end] = begin;
      }
    }
    costs[end] = best;
  }
  const batches: Bucket[] = [];
  for (let end = order.length; end > 0; end = begins[end]!) {
    const members = order.slice(begins[end], end);
    batches.push({ members, texts: members.length, length: Math.max(1, lengths[members.at(-1)!]!) });
  }
  return batches;
}
