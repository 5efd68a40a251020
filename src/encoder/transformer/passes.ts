import type { Bucket } from './buckets.ts';

/** Shares of attention, of a head and a layer, that are too many for one bucket. */
const manyShares = 2 ** 20;
/** The part of all shares that a bucket has then at most, where it can be: on a GPU those of a bucket are there at once. */
const greatestPart = 1 / 4;

/**
 * Buckets of a pass by its texts: more save little padding, and make products smaller. Few numbers, as each needs a graph.
 * @param isEven whether all are of nearly one length @param shares of attention that they have together
 */
function bucketsFor(texts: number, isEven: boolean, shares: number, most: number): number {
  if (texts >= 8 && shares > manyShares) return Math.min(most, texts >= 16 ? 16 : 8);
  if (isEven || texts < 4) return 1;
  return Math.min(most, texts >= 32 ? 8 : 4);
}

/** Texts of nearly one length, which have so little more padding as one bucket, are not divided. */
const negligible = 1.01;

/**
 * Divides texts into passes, and each pass into buckets so that as little as possible is padding.
 * @param lengths in tokens @param tokensPerPass padding included; a longer text has a pass to itself @param mostBuckets of a
 * pass
 * @returns passes of nearly equal numbers of tokens; each has 16, eight or four buckets where it may, or one if more would save neither
 * padding nor memory
 */
export function layOut(lengths: readonly number[], tokensPerPass: number, mostBuckets: number): Bucket[][] {
  const intoBuckets = (members: readonly number[]) => cutByLength(members, lengths, mostBuckets);
  const longestFirst = [...lengths.keys()].sort((a, b) => lengths[b]! - lengths[a]!);
  const whole = intoBuckets(longestFirst);
  if (padded(whole) <= tokensPerPass || lengths.length === 1) return [whole];
  const passes: Bucket[][] = [];
  // What padding adds is not known beforehand: a pass that has become too large is divided again.
  const waiting = divide(longestFirst, lengths, Math.ceil(padded(whole) / tokensPerPass)).reverse();
  for (let members = waiting.pop(); members !== undefined; members = waiting.pop()) {
    const buckets = intoBuckets(members);
    if (members.length > 1 && padded(buckets) > tokensPerPass)
      waiting.push(...divide(members, lengths, 2).reverse());
    else passes.push(buckets);
  }
  return passes;
}

/** Rows of a block, about: products are large enough, and the processor's cache holds what is computed of them. */
const usualBlock = 512;

/**
 * How tokens of a pass go through layers in blocks of one size.
 * @returns rows of a block, and of padding that the last one needs. Only a single bucket may need none: several have one key,
 * and so one program, with padding.
 */
export function intoBlocks(buckets: readonly Bucket[]): { readonly block: number; readonly filling: number } {
  const tokens = padded(buckets);
  if (buckets.length === 1) {
    const least = Math.min(tokens, usualBlock / 2);
    for (let block = Math.min(tokens, usualBlock); block >= least; block--)
      if (tokens % block === 0) return { block, filling: 0 };
  }
  const count = Math.max(1, Math.round(tokens / usualBlock));
  const block = Math.floor(tokens / count) + 1;
  return { block, filling: count * block - tokens };
}

function padded(buckets: readonly Bucket[]): number {
  return buckets.reduce((sum, { members, length }) => sum + members.length * length, 0);
}

/** `parts` runs of nearly equal sums of lengths, none of them empty. */
function divide(members: readonly number[], lengths: readonly number[], parts: number): number[][] {
  const share = members.reduce((sum, member) => sum + lengths[member]!, 0) / parts;
  const runs: number[][] = [];
  let sum = 0;
  for (const member of members) {
    if (runs.length === 0 || (sum >= share * runs.length && runs.length < parts)) runs.push([]);
    runs.at(-1)!.push(member);
    sum += lengths[member]!;
  }
  return runs.length > 1 || members.length === 1 ? runs : [[members[0]!], members.slice(1)];
}

/** Cuts texts, the longest first, where it leaves the least padding. */
function cutByLength(members: readonly number[], lengths: readonly number[], mostBuckets: number): Bucket[] {
  const length = (i: number) => Math.max(1, lengths[members[i]!]!);
  const tokens = members.reduce((sum, _, i) => sum + length(i), 0);
  const isEven = members.length * length(0) <= negligible * tokens;
  const shares = members.reduce((sum, _, i) => sum + length(i) ** 2, 0);
  const count = bucketsFor(members.length, isEven, shares, mostBuckets);
  const most = shares > manyShares ? shares * greatestPart : Number.POSITIVE_INFINITY;
  return cut(members, length, count, most) ?? cut(members, length, count, Number.POSITIVE_INFINITY)!;
}

/**
 * @param length of the i-th text @param most shares of attention of a bucket
 * @returns null if it cannot be
 */
function cut(
  members: readonly number[],
  length: (i: number) => number,
  count: number,
  most: number,
): Bucket[] | null {
  const tooMany = (start: number, end: number) => (end - start) * length(start) ** 2 > most;
  // least[k][end]: padded tokens of the first `end` texts in k + 1 buckets; a bucket is as long as its first text.
  const least: Float64Array[] = [
    Float64Array.from({ length: members.length + 1 }, (_, end) =>
      tooMany(0, end) ? Number.POSITIVE_INFINITY : end * length(0),
    ),
  ];
  const cuts: Int32Array[] = [];
  for (let k = 1; k < count; k++) {
    const best = new Float64Array(members.length + 1).fill(Number.POSITIVE_INFINITY);
    const starts = new Int32Array(members.length + 1);
    for (let start = k; start < members.length; start++) {
      const before = least[k - 1]![start]!;
      for (let end = start + 1; end <= members.length && !tooMany(start, end); end++) {
        const total = before + (end - start) * length(start);
        if (total < best[end]!) [best[end], starts[end]] = [total, start];
      }
    }
    least.push(best);
    cuts.push(starts);
  }
  if (least.at(-1)!.at(-1) === Number.POSITIVE_INFINITY) return null;
  const buckets: Bucket[] = [];
  let end = members.length;
  for (let k = count - 1; k >= 0; k--) {
    const start = k === 0 ? 0 : cuts[k - 1]![end]!;
    buckets.unshift({ members: members.slice(start, end), texts: end - start, length: length(start) });
    end = start;
  }
  return buckets;
}
