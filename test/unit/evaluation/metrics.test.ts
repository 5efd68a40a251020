import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  measure,
  metricNames,
  normalisedGain,
  recall,
  reciprocalRank,
} from '../../../src/evaluation/metrics.ts';

const gains = (entries: Record<string, number>) => new Map(Object.entries(entries));

describe('metrics', () => {
  it('give the values worked out by hand', () => {
    const relevant = gains({ a: 3, b: 2, c: 1, d: 0 });
    const ranked = ['x', 'b', 'd', 'a', 'y', 'c'];
    expect(recall(ranked, relevant, 4)).toBeCloseTo(2 / 3);
    expect(recall(ranked, relevant, 10)).toBe(1);
    expect(reciprocalRank(ranked, relevant, 4)).toBe(1 / 2);
    // DCG: 2/log2(3) + 3/log2(5) = 1.26186 + 1.29203; ideal: 3 + 2/log2(3) + 1/log2(4) = 4.76186.
    expect(normalisedGain(ranked, relevant, 4)).toBeCloseTo(2.55389 / 4.76186, 5);
  });

  it('are 0 where nothing relevant is within the cut-off, or nothing is relevant', () => {
    const late = ['x', 'y', 'a'];
    expect(Object.values(measure(late, gains({ a: 1 }), [2]))).toEqual([0, 0, 0]);
    expect(Object.values(measure(late, gains({ a: 0, b: -1 }), [3]))).toEqual([0, 0, 0]);
    expect(Object.values(measure([], gains({ a: 1 }), [3]))).toEqual([0, 0, 0]);
  });

  it('measure evidence recall where nothing is cut off: listed again and again over many searches, each counts once', () => {
    const listed = [...Array.from({ length: 500 }, (_, i) => `x${i}`), 'a', 'x1', 'a', 'b'];
    expect(recall(listed, gains({ a: 1, b: 1, c: 1, d: 1 }), Number.POSITIVE_INFINITY)).toBe(2 / 4);
  });

  it('count a document once that a ranking lists twice', () => {
    expect(recall(['a', 'a'], gains({ a: 1, b: 1 }), 2)).toBe(1 / 2);
    expect(normalisedGain(['a', 'a'], gains({ a: 1 }), 2)).toBe(1);
  });

  it('come by name for each cut-off', () => {
    const names = ['recall@1', 'MRR@1', 'nDCG@1', 'recall@5', 'MRR@5', 'nDCG@5'];
    expect(metricNames([1, 5])).toEqual(names);
    expect(Object.keys(measure(['a'], gains({ a: 1 }), [1, 5]))).toEqual(names);
  });

  it('equal their definitions on any ranking', () => {
    const document = fc.constantFrom(...'abcdefgh');
    const judged = fc.uniqueArray(fc.tuple(document, fc.integer({ min: -1, max: 3 })), {
      selector: ([id]) => id,
      maxLength: 5,
    });
    const ranking = fc.uniqueArray(document);
    fc.assert(
      fc.property(judged, ranking, fc.integer({ min: 1, max: 9 }), (entries, ranked, k) => {
        const relevant = new Map(entries);
        const good = entries.filter(([, gain]) => gain > 0).map(([id]) => id);
        const ranks = good.map(id => ranked.indexOf(id) + 1).filter(rank => rank >= 1 && rank <= k);
        expect(recall(ranked, relevant, k)).toBeCloseTo(ranks.length / Math.max(1, good.length), 12);
        expect(reciprocalRank(ranked, relevant, k)).toBeCloseTo(
          ranks.length === 0 ? 0 : 1 / Math.min(...ranks),
          12,
        );
        // The ideal is the best of all orders, found by trying them.
        const gainOf = (order: readonly string[]) => {
          let sum = 0;
          for (let rank = 1; rank <= Math.min(k, order.length); rank++) {
            sum += Math.max(relevant.get(order[rank - 1]!) ?? 0, 0) * (Math.LN2 / Math.log(rank + 1));
          }
          return sum;
        };
        const best = Math.max(...permutations(good).map(gainOf));
        expect(normalisedGain(ranked, relevant, k)).toBeCloseTo(best === 0 ? 0 : gainOf(ranked) / best, 12);
      }),
    );
  });
});

function permutations(items: readonly string[]): string[][] {
  if (items.length === 0) return [[]];
  return items.flatMap(item =>
    permutations(items.filter(other => other !== item)).map(rest => [item, ...rest]),
  );
}
