import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LratError } from '../../../src/base/errors.ts';
import { type Progress, unwatched } from '../../../src/base/progress.ts';
import { buildStatic, staticEncoder } from '../../../src/encoder/static.ts';
import { corpusFingerprint } from '../../../src/retrieval/corpus.ts';
import { DenseIndex, DenseRetriever } from '../../../src/retrieval/dense.ts';
import { corpora, plainWords, queries } from './corpora.ts';

const encoder = staticEncoder('small', buildStatic(plainWords, [], { dimension: 10, seed: 7 }));

/** Numbers of few bits, whose products and sums are exact: the order of summing does not matter, and scores tie. */
const vectors = (dimension: number) =>
  fc.array(fc.integer({ min: -3, max: 3 }), { minLength: dimension, maxLength: dimension });
const tables = fc
  .integer({ min: 1, max: 9 })
  .chain(dimension => fc.tuple(fc.array(vectors(dimension), { maxLength: 23 }), vectors(dimension)));

const idsOf = (rows: readonly unknown[]) => rows.map((_, i) => `d${i}`);
const indexOf = (rows: readonly number[][], dimension: number) =>
  DenseIndex.of(idsOf(rows), Float32Array.from(rows.flat()), dimension);

describe('the dense index', () => {
  it('agrees with brute force, ties included, for every k', () =>
    fc.assert(
      fc.property(tables, fc.nat(30), ([rows, vector], k) => {
        const expected = rows
          .map((row, i) => ({ id: `d${i}`, score: row.reduce((sum, x, j) => sum + x * vector[j]!, 0) }))
          .sort((a, b) => b.score - a.score)
          .slice(0, k);
        const hits = indexOf(rows, vector.length).search(Float32Array.from(vector), k);
        // `+ 0`: a sum of zeros may be −0.
        expect(hits.map(({ id, score }) => ({ id, score: score + 0 }))).toEqual(
          expected.map(({ id, score }) => ({ id, score: score + 0 })),
        );
      }),
      { numRuns: 500 },
    ));

  it('gives several vectors at once the lists of each alone, to the last bit', async () => {
    // Numbers whose sums are rounded, so that another order of summing would show.
    const number = fc.float({ noNaN: true, min: -1, max: 1 });
    const table = fc.integer({ min: 1, max: 9 }).chain(dimension => {
      const vector = fc.array(number, { minLength: dimension, maxLength: dimension });
      return fc.tuple(
        fc.array(vector, { maxLength: 11 }),
        fc.array(vector, { maxLength: 6 }),
        fc.constant(dimension),
      );
    });
    await fc.assert(
      fc.asyncProperty(table, fc.nat(12), async ([rows, several, dimension], k) => {
        const index = indexOf(rows, dimension);
        const lists = await index.searchAll(Float32Array.from(several.flat()), k);
        expect(lists).toEqual(several.map(vector => index.search(Float32Array.from(vector), k)));
      }),
      { numRuns: 300 },
    );
  });

  it('gives equal rows equal scores wherever they stand', () => {
    const row = Array.from({ length: 37 }, (_, i) => Math.fround(Math.sin(i)));
    const rows = Array.from({ length: 11 }, () => row);
    const hits = indexOf(rows, 37).search(Float32Array.from(row, Math.cos), 11);
    expect(hits.map(({ id }) => id)).toEqual(idsOf(rows));
    expect(new Set(hits.map(({ score }) => score)).size).toBe(1);
  });

  it('refuses vectors that do not fit', async () => {
    expect(() => DenseIndex.of(['a'], new Float32Array(3), 2)).toThrow(RangeError);
    expect(() => indexOf([[1, 2]], 2).search(new Float32Array(3), 1)).toThrow(RangeError);
    expect(() => indexOf([[1, 2]], 2).search(new Float32Array(2), 1.5)).toThrow(RangeError);
    await expect(indexOf([[1, 2]], 2).searchAll(new Float32Array(3), 1)).rejects.toThrow(RangeError);
  });
});

describe('the dense retriever', () => {
  it('ranks by the cosine of the encoder’s vectors', () =>
    fc.assert(
      fc.asyncProperty(corpora, queries, async (documents, query) => {
        const retriever = await DenseRetriever.build(encoder, documents, unwatched);
        const hits = await retriever.search(query, 30);
        const [vector] = await encode([query], 'query');
        const rows = await encode(
          documents.map(({ text }) => text),
          'document',
        );
        const cosines = new Map(
          documents.map(({ id }, i) => [id, rows[i]!.reduce((sum, x, j) => sum + x * vector![j]!, 0)]),
        );
        // A query that the encoder knows no word of finds nothing.
        const found = vector!.some(x => x !== 0) ? documents : [];
        expect(hits.map(({ id }) => id).sort()).toEqual(found.map(({ id }) => id).sort());
        hits.forEach(({ id, score }, i) => {
          expect(score).toBeCloseTo(cosines.get(id)!, 9);
          expect(score).toBeLessThanOrEqual(hits[i - 1]?.score ?? 1 + 1e-6);
        });
      }),
      { numRuns: 60 },
    ));

  it('answers several queries as it does each alone', () =>
    fc.assert(
      fc.asyncProperty(corpora, fc.array(queries, { maxLength: 5 }), async (documents, several) => {
        const retriever = await DenseRetriever.build(encoder, documents, unwatched);
        const alone = await Promise.all(several.map(query => retriever.search(query, 5)));
        expect(await retriever.searchAll(several, 5)).toEqual(alone);
      }),
      { numRuns: 60 },
    ));

  it('reports its progress and stops when it is told to', async () => {
    const documents = Array.from({ length: 1000 }, (_, i) => ({
      id: `${i}`,
      text: `${plainWords[i % 10]!} `.repeat(100),
    }));
    const reports: Progress[] = [];
    await DenseRetriever.build(encoder, documents, {
      ...unwatched,
      report: progress => reports.push(progress),
    });
    const counts = reports.map(({ done }) => done);
    expect([counts[0], counts.at(-1)]).toEqual([0, 1000]);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(counts.length).toBeGreaterThan(2);

    const stop = new AbortController();
    const seen: number[] = [];
    const stopped = DenseRetriever.build(encoder, documents, {
      signal: stop.signal,
      report: ({ done }) => {
        seen.push(done);
        if (done > 0) stop.abort();
      },
    });
    await expect(stopped).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
    expect(seen.length).toBe(2);
  });

  it('refuses a model that gives no numbers', async () => {
    const broken = buildStatic(plainWords, [], { dimension: 10, seed: 7 });
    broken.table.data.fill(Number.NaN);
    const built = DenseRetriever.build(
      staticEncoder('broken', broken),
      [{ id: 'a', text: 'gold' }],
      unwatched,
    );
    await expect(built).rejects.toThrow(/broken gives vectors that are no finite numbers/);
  });

  it('refuses two documents of one id', async () => {
    const twice = ['a', 'a'].map(id => ({ id, text: 'gold' }));
    await expect(DenseRetriever.build(encoder, twice, unwatched)).rejects.toThrow(LratError);
  });
});

describe('the fingerprint of a corpus', () => {
  it('changes with every id, every text, and the order', async () => {
    const corpus = [
      { id: 'a', text: 'gold' },
      { id: 'b', text: 'salt' },
    ];
    const others = [
      [],
      corpus.slice(1),
      [...corpus].reverse(),
      [{ id: 'ag', text: 'old' }, corpus[1]!],
      [{ id: 'a', text: 'gold.' }, corpus[1]!],
    ];
    const prints = await Promise.all([corpus, ...others].map(corpusFingerprint));
    expect(new Set(prints).size).toBe(prints.length);
    expect(await corpusFingerprint(structuredClone(corpus))).toBe(prints[0]);
  });
});

/** One array per text. */
async function encode(texts: string[], kind: 'query' | 'document'): Promise<number[][]> {
  const flat = await encoder.encode(texts, kind);
  return texts.map((_, i) => [...flat.subarray(i * encoder.dimension, (i + 1) * encoder.dimension)]);
}
