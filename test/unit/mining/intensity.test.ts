import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { intensityScale, relevanceIntensity } from '../../../src/mining/intensity.ts';

describe('relevance intensity', () => {
  it('is one half of the longest at the half-life, by hand', () => {
    // Median 2; 1 − 2^(−l/2) for l = 1, 2, 4 is 0.292893…, 0.5, 0.75.
    const scale = intensityScale([4, 1, 2]);
    expect(scale.halfLife).toBe(2);
    expect(scale.muRaw).toBeCloseTo((1 - Math.SQRT1_2 + 0.5 + 0.75) / 3, 12);
    expect(relevanceIntensity(2, scale)).toBeCloseTo(0.5 / scale.muRaw!, 12);
  });

  it('takes the mean of the middle two of an even number', () => {
    expect(intensityScale([1, 10, 4, 3]).halfLife).toBe(3.5);
  });

  it('gives 1 where there is no length, and never NaN', () => {
    const nothing = { halfLife: null, muRaw: null };
    expect(intensityScale([])).toEqual(nothing);
    expect(intensityScale([null, 0, 0])).toEqual(nothing);
    expect(relevanceIntensity(0, nothing)).toBe(1);
    expect(relevanceIntensity(5, nothing)).toBe(1);
    expect(intensityScale([null, 7, 0])).toEqual({ halfLife: 7, muRaw: 0.5 });
    expect(relevanceIntensity(null, { halfLife: 7, muRaw: 0.5 })).toBe(1);
  });

  it('averages to 1, grows with length, and does not depend on the unit', () =>
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 60 }), lengths => {
        const scale = intensityScale(lengths);
        const weights = lengths.map(length => relevanceIntensity(length, scale));
        expect(weights.reduce((a, b) => a + b) / weights.length).toBeCloseTo(1, 9);
        const doubled = intensityScale(lengths.map(length => 2 * length));
        lengths.forEach((length, i) => {
          expect(relevanceIntensity(2 * length, doubled)).toBeCloseTo(weights[i]!, 9);
          lengths.forEach((other, j) => {
            if (length < other) expect(weights[i]!).toBeLessThanOrEqual(weights[j]!);
          });
        });
      }),
      { numRuns: 100 },
    ));
});
