import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.ts';
import {
  describeDifference,
  interval,
  pairedDifference,
  type ValuesByQuestion,
  wilson,
} from '../../../src/evaluation/bootstrap.ts';

/** One question per value. */
const each = (values: readonly number[]): ValuesByQuestion =>
  new Map(values.map((value, i) => [`q${i}`, [value]]));
const normals = (count: number, seed: number) => {
  const random = Random.seeded(seed);
  return Array.from({ length: count }, () => random.normal());
};
const widthOf = ({ low, high }: { low: number; high: number }) => high - low;

describe('interval', () => {
  it('has the ends of the distribution that resampling ones and zeros has, the binomial one', () => {
    // Chosen so that no step of the distribution lies near the two tails.
    const [n, ones] = [80, 9];
    const { mean, low, high } = interval(
      each(Array.from({ length: n }, (_, i) => (i < ones ? 1 : 0))),
      Random.seeded(1),
    );
    expect(mean).toBe(ones / n);
    const tail = (q: number) => {
      let [term, sum, successes] = [(1 - mean) ** n, 0, 0];
      for (; sum + term < q; successes++) {
        sum += term;
        term *= ((n - successes) / (successes + 1)) * (mean / (1 - mean));
      }
      return successes / n;
    };
    expect(low).toBeCloseTo(tail(0.025), 6);
    expect(high).toBeCloseTo(tail(0.975), 6);
  });

  it('is that of the normal distribution for many questions', () => {
    const values = normals(1000, 2);
    const mean = values.reduce((sum, value) => sum + value) / values.length;
    const error = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0)) / values.length;
    const found = interval(each(values), Random.seeded(3));
    expect(found.mean).toBeCloseTo(mean, 12);
    expect(found.low).toBeGreaterThan(mean - 2.03 * error);
    expect(found.low).toBeLessThan(mean - 1.89 * error);
    expect(found.high).toBeGreaterThan(mean + 1.89 * error);
    expect(found.high).toBeLessThan(mean + 2.03 * error);
  });

  it('depends on the seed, and on nothing else', () => {
    const values = each(normals(30, 4));
    expect(interval(values, Random.seeded(5))).toEqual(interval(values, Random.seeded(5)));
    expect(interval(values, Random.seeded(5))).not.toEqual(interval(values, Random.seeded(6)));
  });

  it('is no narrower for values that repeat within their question, as independent ones would make it', () => {
    const values = normals(40, 7);
    const once = interval(each(values), Random.seeded(8));
    const repeated = interval(
      new Map(values.map((value, i) => [`q${i}`, Array(9).fill(value)])),
      Random.seeded(8),
    );
    const independent = interval(
      each(values.flatMap(value => Array<number>(9).fill(value))),
      Random.seeded(8),
    );
    expect(widthOf(repeated)).toBeCloseTo(widthOf(once), 9);
    // A ninth of the variance is a third of the width.
    expect(widthOf(repeated) / widthOf(independent)).toBeGreaterThan(2.7);
    expect(widthOf(repeated) / widthOf(independent)).toBeLessThan(3.3);
  });

  it('gives each question the same say, however many values it has', () => {
    expect(
      interval(
        new Map([
          ['a', [1, 1, 1]],
          ['b', [0]],
        ]),
        Random.seeded(1),
      ).mean,
    ).toBe(0.5);
  });

  it('refuses to speak of nothing', () => {
    expect(() => interval(new Map(), Random.seeded(1))).toThrow(RangeError);
    expect(() => interval(new Map([['a', []]]), Random.seeded(1))).toThrow(RangeError);
  });
});

describe('pairedDifference', () => {
  it('is 0 with p 1 for the same results', () => {
    const values = each(normals(50, 9));
    expect(pairedDifference(values, values, Random.seeded(1))).toEqual({ mean: 0, low: 0, high: 0, p: 1 });
  });

  it('finds a difference that is small beside the spread between questions', () => {
    const hardness = normals(200, 10);
    const noise = normals(200, 11);
    const a = each(hardness.map((value, i) => value + 0.1 + 0.3 * noise[i]!));
    const difference = pairedDifference(a, each(hardness), Random.seeded(12));
    expect(difference.low).toBeGreaterThan(0);
    expect(difference.low).toBeLessThan(0.1);
    expect(difference.high).toBeGreaterThan(0.1);
    expect(difference.p).toBeLessThan(0.001);
    // Unpaired it would be lost: the interval of either side alone is wider than the difference.
    expect(widthOf(interval(a, Random.seeded(12)))).toBeGreaterThan(0.2);
  });

  it('has the p that counting all signs gives', () => {
    const differences = normals(10, 13).map(value => value + 0.5);
    const sum = (signs: number) =>
      differences.reduce((total, d, i) => total + ((signs >> i) & 1 ? d : -d), 0);
    const observed = sum(2 ** 10 - 1);
    let asFar = 0;
    for (let signs = 0; signs < 2 ** 10; signs++)
      if (Math.abs(sum(signs)) >= Math.abs(observed) - 1e-9) asFar++;
    const exact = asFar / 2 ** 10;
    const { p } = pairedDifference(each(differences), each(differences.map(() => 0)), Random.seeded(14));
    // Four standard errors of 10,000 draws.
    expect(Math.abs(p - exact)).toBeLessThan(4 * Math.sqrt((exact * (1 - exact)) / 10_000));
  });

  it('calls a true null significant about as often as it may', () => {
    let found = 0;
    for (let trial = 0; trial < 100; trial++) {
      const values = normals(12, 1000 + trial);
      const { p } = pairedDifference(each(values), each(values.map(() => 0)), Random.seeded(trial));
      if (p < 0.05) found++;
    }
    // Binomial(100, 0.05): more than 12 in one run of a thousand.
    expect(found).toBeLessThanOrEqual(12);
    expect(found).toBeGreaterThanOrEqual(1);
  });

  it('pairs by question, not by order, and only the same questions', () => {
    const a = new Map([
      ['x', [3]],
      ['y', [1]],
    ]);
    const b = new Map([
      ['y', [0]],
      ['x', [2]],
    ]);
    expect(pairedDifference(a, b, Random.seeded(1))).toMatchObject({ mean: 1, low: 1, high: 1 });
    expect(() => pairedDifference(a, new Map([['x', [2]]]), Random.seeded(1))).toThrow(RangeError);
    expect(() =>
      pairedDifference(
        a,
        new Map([
          ['x', [2]],
          ['z', [2]],
        ]),
        Random.seeded(1),
      ),
    ).toThrow(RangeError);
  });
});

describe('wilson', () => {
  it('satisfies its own equation, and stays within 0 and 1', () => {
    // The ends are the rates r whose normal test just does not reject: |k/n − r| = z √(r (1 − r) / n).
    for (const [k, n] of [
      [8, 10],
      [1, 3],
      [415, 830],
    ] as const) {
      const { mean, low, high } = wilson(k, n);
      expect(mean).toBe(k / n);
      for (const end of [low, high]) {
        expect(Math.abs(k / n - end)).toBeCloseTo(1.9599639845 * Math.sqrt((end * (1 - end)) / n), 8);
      }
    }
    // Published: 0 of 10 gives [0, 0.2775].
    expect(wilson(0, 10).low).toBe(0);
    expect(wilson(0, 10).high).toBeCloseTo(0.2775, 4);
    expect(wilson(10, 10).high).toBeCloseTo(1, 12);
    expect(wilson(10, 10).high).toBeLessThanOrEqual(1);
    expect(() => wilson(0, 0)).toThrow(RangeError);
  });
});

describe('describeDifference', () => {
  it('says what differs, and what does not', () => {
    expect(describeDifference({ mean: 0.078, low: 0.048, high: 0.108, p: 0.0001 })).toBe(
      '+7.8 [4.8, 10.8], p < 0.001',
    );
    expect(describeDifference({ mean: 0.009, low: -0.007, high: 0.025, p: 0.27 })).toBe(
      '+0.9 [−0.7, 2.5], not significant',
    );
    expect(describeDifference({ mean: -0.03, low: -0.06, high: -0.0001, p: 0.0312 })).toBe(
      '−3.0 [−6.0, 0.0], p = 0.031',
    );
    expect(describeDifference({ mean: -1.25, low: -2, high: -0.5, p: 0.002 }, { scale: 1, digits: 2 })).toBe(
      '−1.25 [−2.00, −0.50], p = 0.002',
    );
  });
});
