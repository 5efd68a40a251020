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
  return Array.from({ length: queries.length / index.dimension }, (_, i) =>
    index.search(queries.subarray(i * index.dimension, (i + 1) * index.dimension), k),
  );
}

/** Rows of normal numbers that are changed by row and column. */
function rowsOf(count: number, columns: number, change: (x: number, row: number, column: number) => number) {
  return Float32Array.from({ length: count * columns }, (_, i) =>
    change(random.normal(), Math.floor(i / columns), i % columns),
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

  /** Documents and queries whose scores are hard to tell from 8 bits, or to hold in them. */
  const kinds: Record<string, (x: number, row: number, column: number) => number> = {
    'a few long dimensions': (x, _, column) => (column % 16 === 3 ? 300 : 1) * x,
    'dimensions of all lengths': (x, _, column) => x * 10 ** ((column % 9) - 4),
    'vectors of all lengths': (x, row) => x * 10 ** ((row % 11) - 5),
    'one vector far longer than the others': (x, row) => (row === 80 ? 1e6 : 1) * x,
    'groups of short vectors': (x, row) => (Math.floor(row / 24) % 2 === 0 ? 100 : 1) * x,
    'a direction in common': (x, _, column) => x + 30 * (column % 3),
    'all but one direction in common': (x, row, column) => 1 + 1e-7 * x * Number(column === row % 2),
    'clusters of near vectors': (x, row, column) => Math.sin(1 + (row % 40) * (column + 1)) + 1e-4 * x,
    'vectors of zeros': (x, row) => (row % 3 === 0 ? x : 0),
    'one number': () => -3,
    'huge numbers': x => 1e37 * x,
    'tiny numbers': x => 1e-42 * x,
  };
  it.each(Object.entries(kinds))('gives the lists of each query alone, of %s', async (_, change) => {
    for (const columns of [1, 13, 64]) {
      // Three blocks, of which the last groups are not full.
      const index = DenseIndex.of(idsOf(2501), rowsOf(2501, columns, change), columns);
      const asked = rowsOf(7, columns, change);
      for (const k of [1, 10, 400, 2000]) {
        expect(await index.searchAll(asked, k, 2)).toEqual(alone(index, asked, k));
      }
    }
  });

  it('decides between more documents than it can list', async () => {
    // A long one among eight of a block, so that the others, which are near to each other, are not told apart.
    const rows = rowsOf(80_000, dimension, (x, row) =>
      Math.floor(row / 79) % 8 === 0 ? -100 : 1 + 2 ** -20 * x,
    );
    const index = DenseIndex.of(idsOf(80_000), rows, dimension);
    const asked = rowsOf(2, dimension, x => 1 + 0.1 * x);
    expect(await index.searchAll(asked, 12, 2)).toEqual(alone(index, asked, 12));
  });

  it('passes over no document that is taken for as much less than it is as can be', async () => {
    // Eight documents of a block share a scale; one of each eight competes. In every second group it is taken for less: in
    // even rounds because of all the numbers that round to zero in the query, in odd ones because another document is
    // long, so that its numbers are rounded by up to half a step. The others are taken for almost what they are.
    for (let round = 0; round < 20; round++) {
      const along = round % 2 === 0 ? 0.0038 : 0;
      const long = (round % 2 === 0 ? 5 : 100) * (1 + random.uniform());
      const rows = new Float32Array(2400 * 17);
      for (let row = 0; row < 2400; row++) {
        const place = Math.floor(row / 3) % 16;
        const vector = rows.subarray(17 * row, 17 * (row + 1));
        vector[0] = 9;
        if (place % 8 === 5) vector[0] = 10 + 0.5 * random.uniform();
        if (place === 5 && along > 0) {
          vector[0]! -= 16 * along * long;
          vector.fill(long, 1);
        }
        if (place === 0 && along === 0) vector[0] = -long;
      }
      const index = DenseIndex.of(idsOf(2400), rows, 17);
      const asked = Float32Array.of(1, ...Array.from({ length: 16 }, () => along));
      for (const k of [15, 30, 60, 120]) {
        expect(await index.searchAll(asked, k, 0)).toEqual(alone(index, asked, k));
      }
    }
  });

  it('finds out that it took the best of some documents for the best of all', async () => {
    // Every fifth document is better than all others: those that are looked at first.
    const rows = rowsOf(5000, 1, (x, row) => (row % 5 === 0 ? 10 : 0) + x);
    const index = DenseIndex.of(idsOf(5000), rows, 1);
    const asked = Float32Array.of(1, 2, 3);
    expect(await index.searchAll(asked, 100, 1)).toEqual(alone(index, asked, 100));
  });

  it('passes over no document for the sake of one that is no number', async () => {
    const rows = rowsOf(3000, dimension, (x, row, column) => {
      if (column !== 4) return x;
      return row === 500 ? Number.POSITIVE_INFINITY : row === 700 ? Number.NaN : x;
    });
    const index = DenseIndex.of(idsOf(3000), rows, dimension);
    expect(await index.searchAll(queries, 20, 2)).toEqual(alone(index, queries, 20));
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
