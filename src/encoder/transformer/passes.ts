import type { Bucket } from './buckets.ts';

/**
 * Buckets of a pass by its texts: more save little padding, and make products smaller. Few numbers, as each needs a graph.
 */
function bucketsFor(texts: number): number {
  if (texts >= 32) return 8;
  return texts >= 4 ? 4 : 1;
}

/** Texts of nearly one length, which have so little more padding as one bucket, are not divided. */
const negligible = 1.01;

/**
 * Divides texts into passes, and each pass into buckets so that as little as possible is padding.
 * @param lengths in tokens @param tokensPerPass padding included; a longer text has a pass to itself
 * @returns passes of nearly equal numbers of tokens; each has eight or four buckets, or one if more would save no padding
 */
export function layOut(lengths: readonly number[], tokensPerPass: number): Bucket[][] {
  const longestFirst = [...lengths.keys()].sort((a, b) => lengths[b]! - lengths[a]!);
  const whole = intoBuckets(longestFirst, lengths);
  if (padded(whole) <= tokensPerPass || lengths.length === 1) return [whole];
  const passes: Bucket[][] = [];
  // What padding adds is not known beforehand: a pass that has become too large is divided again.
  const waiting = divide(longestFirst, lengths, Math.ceil(padded(whole) / tokensPerPass)).reverse();
  for (let members = waiting.pop(); members !== undefined; members = waiting.pop()) {
    const buckets = intoBuckets(members, lengths);
    if (members.length > 1 && padded(buckets) > tokensPerPass)
      waiting.push(...divide(members, lengths, 2).reverse());
    else passes.push(buckets);
  }
  return passes;
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
function intoBuckets(members: readonly number[], lengths: readonly number[]): Bucket[] {
  const length = (i: number) => Math.max(1, lengths[members[i]!]!);
  const tokens = members.reduce((sum, _, i) => sum + length(i), 0);
  const isEven = members.length * length(0) <= negligible * tokens;
  const count = isEven ? 1 : bucketsFor(members.length);
  // least[k][end]: padded tokens of the first `end` texts in k + 1 buckets; a bucket is as long as its first text.
  const least: Float64Array[] = [
    Float64Array.from({ length: members.length + 1 }, (_, end) => end * length(0)),
  ];
  const cuts: Int32Array[] = [];
  for (let k = 1; k < count; k++) {
    const best = new Float64Array(members.length + 1).fill(Number.POSITIVE_INFINITY);
    const cut = new Int32Array(members.length + 1);
    for (let start = k; start < members.length; start++) {
      const before = least[k - 1]![start]!;
      for (let end = start + 1; end <= members.length; end++) {
        const total = before + (end - start) * length(start);
        if (total < best[end]!) [best[end], cut[end]] = [total, start];
      }
    }
    least.push(best);
    cuts.push(cut);
  }
  const buckets: Bucket[] = [];
  let end = members.length;
  for (let k = count - 1; k >= 0; k--) {
    const start = k === 0 ? 0 : cuts[k - 1]![end]!;
    buckets.unshift({ members: members.slice(start, end), texts: end - start, length: length(start) });
    end = start;
  }
  return buckets;
}
