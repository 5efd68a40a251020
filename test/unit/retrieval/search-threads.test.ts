import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.ts';
import { DenseIndex } from '../../../src/retrieval/dense.ts';
import { pack, precisions, sharedVectors } from '../../../src/retrieval/vectors.ts';

const dimension = 13;
const random = Random.seeded(5);
const normals = (count: number) => Float32Array.from({ length: count * dimension }, () => random.normal());
const idsOf = (count: number) => Array.from({ length: count }, (_, i) => `d${i}`);

/** The lists of the queries one by one. */
function alone(index: DenseIndex, queries: Float32Array, k: number) {
  return Array.from({ length: queries.length / dimension }, (_, i) =>
    index.search(queries.subarray(i * dimension, (i + 1) * dimension), k),
  );
}

describe('the search in threads', () => {
  // The last block of documents is short; 131 queries take two blocks with padding.
  const [documents, queries] = [normals(5000), normals(131)];

  it.each(precisions)('gives the lists of each query alone, whatever the threads: %s', async precision => {
    const vectors = sharedVectors(precision, 5000, dimension);
    const packed = pack(documents, dimension, precision);
    vectors.numbers.set(packed.numbers);
    vectors.scales.set(packed.scales);
    const index = new DenseIndex(idsOf(5000), vectors);
    const expected = alone(index, queries, 10);
    for (const threads of [0, 1, 2, 3]) {
      expect(await index.searchAll(queries, 10, threads)).toEqual(expected);
    }
  });

  it('puts equal documents in order of the corpus, however many there are', async () => {
    // Ten documents again and again: more alike at the border of the list than are kept for a second look.
    const some = normals(10);
    const copies = Float32Array.from({ length: 3000 * dimension }, (_, i) => some[i % some.length]!);
    const index = DenseIndex.of(idsOf(3000), copies, dimension);
    expect(await index.searchAll(queries, 25, 2)).toEqual(alone(index, queries, 25));
    const best = (await index.searchAll(queries, 25, 2))[0]!.map(({ id }) => Number(id.slice(1)));
    expect(best.map((position, rank) => position - 10 * rank)).toEqual(best.map(() => best[0]));
  });

  it('settles what 32 bits cannot tell apart', async () => {
    // Steps of 2⁻²² about ½: their products with the query differ by less than a sum in 32 bits is off.
    const near = (dimensions: number) =>
      Float32Array.from({ length: 2000 * dimensions }, () => 0.5 + 2 ** -22 * (random.uniform() - 0.5));
    const index = DenseIndex.of(idsOf(2000), near(dimension), dimension);
    const query = Float32Array.from({ length: dimension }, () => random.uniform());
    expect(await index.searchAll(query, 7, 2)).toEqual([index.search(query, 7)]);
  });

  it('is the same for any numbers, sizes and k', async () => {
    const rows = fc.array(
      fc.array(fc.integer({ min: -2, max: 2 }), { minLength: dimension, maxLength: dimension }),
      { maxLength: 60 },
    );
    await fc.assert(
      fc.asyncProperty(rows, rows, fc.integer({ min: 0, max: 70 }), async (documents, queries, k) => {
        const index = DenseIndex.of(idsOf(documents.length), Float32Array.from(documents.flat()), dimension);
        const asked = Float32Array.from(queries.flat());
        expect(await index.searchAll(asked, k, 1)).toEqual(alone(index, asked, k));
      }),
      { numRuns: 60 },
    );
  });

  it('finds nothing where there is nothing', async () => {
    const index = DenseIndex.of([], new Float32Array(0), dimension);
    expect(await index.searchAll(queries.subarray(0, dimension), 3, 2)).toEqual([[]]);
    expect(await index.searchAll(new Float32Array(0), 3, 2)).toEqual([]);
  });

  it('takes turns when it is asked twice at once', async () => {
    const index = DenseIndex.of(idsOf(5000), documents, dimension);
    const expected = alone(index, queries, 3);
    const both = await Promise.all([index.searchAll(queries, 3, 2), index.searchAll(queries, 3, 2)]);
    expect(both).toEqual([expected, expected]);
  });

  it('lets its process end', () => {
    const source = `
      import { DenseIndex } from ${JSON.stringify(new URL('../../../src/retrieval/dense.ts', import.meta.url).href)};
      const index = DenseIndex.of(['a', 'b'], new Float32Array([1, 0, 0, 1]), 2);
      console.log(JSON.stringify(await index.searchAll(new Float32Array([0, 1]), 1, 2)));
    `;
    const child = spawnSync(process.execPath, ['--eval', source], {
      encoding: 'utf8',
    });
    expect([child.status, child.stdout]).toEqual([0, '[[{"id":"b","score":1}]]\n']);
  });
});
