import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coarsen, coarseQuery, coarseRoom, together } from '../../../src/retrieval/coarse-vectors.ts';
import { sharedVectors } from '../../../src/retrieval/vectors.ts';

/** Multiples of 2⁻³⁰ of up to 20 bits, of lengths as different as 2⁻¹⁰ and 2²⁰, or near to one number. */
const factor = fc.integer({ min: -30, max: 0 }).map(exponent => 2 ** exponent);
const whole = fc.integer({ min: -(2 ** 20), max: 2 ** 20 });
const tables = fc.integer({ min: 1, max: 20 }).chain(dimension => {
  const row = <T>(number: fc.Arbitrary<T>) =>
    fc.array(number, { minLength: dimension, maxLength: dimension });
  return fc.record({
    factors: row(factor),
    common: row(fc.constantFrom(0, 0, 1, -1000)),
    rows: fc.array(fc.tuple(row(whole), fc.constantFrom(1, 1, 0, 2 ** -10)), { minLength: 1, maxLength: 30 }),
    query: row(whole),
  });
});

/** Without rounding, in units of 2⁻⁸⁰. */
function exactProduct(a: ArrayLike<number>, b: ArrayLike<number>): bigint {
  let sum = 0n;
  for (let i = 0; i < a.length; i++) sum += BigInt(a[i]! * 2 ** 40) * BigInt(b[i]! * 2 ** 40);
  return sum;
}

describe('vectors in 8 bits', () => {
  it('say of every score where it lies at most and at least', () =>
    fc.assert(
      fc.property(tables, fc.constantFrom(64, 127), ({ factors, common, rows, query }, reach) => {
        const dimension = factors.length;
        const documents = rows.map(([numbers, length]) =>
          numbers.map((x, i) => Math.fround((x * length + common[i]! * 2 ** 10) * factors[i]!)),
        );
        const vectors = sharedVectors('fp32', documents.length, dimension);
        vectors.numbers.set(documents.flat());
        const coarse = coarseRoom(vectors);
        for (let block = 0; block < coarse.blocks; block++) coarsen(vectors, coarse, block);

        const asked = Float64Array.from(query, (x, i) => Math.fround(x * factors[i]!));
        const numbers = new Int8Array(2 * dimension);
        const { scale, offset, norm, rest } = coarseQuery(asked, coarse.centre, reach, numbers, 2);
        expect(Math.max(...numbers.map(Math.abs))).toBeLessThanOrEqual(reach);
        for (const [position, document] of documents.entries()) {
          const group = Math.floor(position / together);
          let product = 0;
          for (let i = 0; i < dimension; i++) {
            const number = coarse.numbers[position * dimension + i]!;
            expect(number).toBeGreaterThan(0);
            product += (number - 128) * numbers[2 * i]!;
          }
          const taken = offset + scale * coarse.scales[group]! * product;
          const error = scale * (rest * coarse.norms[group]! + norm * coarse.rests[group]!);
          const score = Number(exactProduct(document, asked)) * 2 ** -80;
          expect(Math.abs(score - taken)).toBeLessThanOrEqual(error);
        }
      }),
      { numRuns: 500 },
    ));

  it('hold each document in one block, in whole groups', () => {
    const vectors = sharedVectors('fp32', 2500, 1);
    vectors.numbers.set(Float32Array.from({ length: 2500 }, (_, i) => i));
    const coarse = coarseRoom(vectors);
    for (let block = 0; block < coarse.blocks; block++) coarsen(vectors, coarse, block);
    expect([coarse.blocks, coarse.blockSize % together]).toEqual([3, 0]);
    for (let i = 0; i < 2500; i++) {
      const row = (i % 3) * coarse.blockSize + Math.floor(i / 3);
      const group = Math.floor(row / together);
      const about = coarse.centre[0]! + coarse.scales[group]! * (coarse.numbers[row]! - 128);
      expect(Math.abs(about - i)).toBeLessThanOrEqual(coarse.rests[group]!);
    }
  });
});
