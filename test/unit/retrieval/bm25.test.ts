import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { LratError } from '../../../src/base/errors.ts';
import { type Progress, unwatched } from '../../../src/base/progress.ts';
import { anseriniBm25, Bm25Index, type Bm25Parameters, luceneBm25 } from '../../../src/retrieval/bm25.ts';
import type { Document, Hit } from '../../../src/retrieval/retriever.ts';
import { corpora, queries } from './corpora.ts';

const folder = mkdtempSync(join(tmpdir(), 'lrat-bm25-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The formula as it stands in the docstring, document by document, for texts that need no analysis. */
function reference(documents: readonly Document[], query: string, { k1, b }: Bm25Parameters): Hit[] {
  const split = (text: string) => text.split(' ').filter(word => word !== '');
  const texts = documents.map(({ text }) => split(text));
  const filled = texts.filter(words => words.length > 0);
  const mean = filled.flat().length / filled.length;
  const score = (words: string[]) =>
    split(query)
      .map(term => {
        const n = texts.filter(other => other.includes(term)).length;
        const frequency = words.filter(word => word === term).length;
        const idf = Math.log(1 + (filled.length - n + 0.5) / (n + 0.5));
        return frequency === 0
          ? 0
          : (idf * frequency) / (frequency + k1 * (1 - b + (b * words.length) / mean));
      })
      .reduce((sum, part) => sum + part, 0);
  return documents
    .map(({ id }, i) => ({ id, score: score(texts[i]!) }))
    .filter(hit => hit.score > 0)
    .sort((x, y) => y.score - x.score);
}

const parameters: fc.Arbitrary<Bm25Parameters> = fc.oneof(
  fc.constantFrom(luceneBm25, anseriniBm25, { k1: 0, b: 0.5 }, { k1: 2, b: 0 }, { k1: 2, b: 1 }),
  fc.record({
    k1: fc.double({ min: 0, max: 3, noNaN: true }),
    b: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
);

describe('BM25', () => {
  it('gives the scores of the formula, by hand', async () => {
    const documents = [
      { id: 'a', text: 'gold gold fish' },
      { id: 'b', text: 'gold' },
      { id: 'c', text: 'moon bird' },
    ];
    const hits = await Bm25Index.build(documents).search('gold', 10);
    // N = 3, n = 2: idf = ln(1 + 1.5 / 2.5) = ln 1.6; mean length 2.
    // a: f = 2, length 3: 2 / (2 + 1.2 · (0.25 + 0.75 · 1.5)) = 2 / 3.65. b: f = 1, length 1: 1 / (1 + 1.2 · 0.625) = 1 / 1.75.
    expect(hits.map(({ id }) => id)).toEqual(['b', 'a']);
    expect(hits[0]!.score).toBeCloseTo(Math.log(1.6) / 1.75, 12);
    expect(hits[1]!.score).toBeCloseTo((Math.log(1.6) * 2) / 3.65, 12);
  });

  it('agrees with a plain reference: documents, order and scores', () =>
    fc.assert(
      fc.asyncProperty(
        corpora,
        fc.array(queries, { minLength: 1, maxLength: 4 }),
        parameters,
        fc.nat(30),
        async (documents, several, settings, k) => {
          const index = Bm25Index.build(documents, settings);
          // Several queries on one index: a search must leave nothing behind.
          for (const query of several) {
            const hits = await index.search(query, k);
            const expected = reference(documents, query, settings).slice(0, k);
            expect(hits.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
            hits.forEach(({ score }, i) => {
              expect(score).toBeCloseTo(expected[i]!.score, 12);
            });
          }
        },
      ),
      { numRuns: 300 },
    ));

  it('finds the forms of a word', async () => {
    const index = Bm25Index.build([
      { id: 'a', text: 'Rivers flow.' },
      { id: 'b', text: 'Naïve cafés' },
    ]);
    expect((await index.search('the flowing RIVER', 5)).map(({ id }) => id)).toEqual(['a']);
    expect((await index.search('cafe', 5)).map(({ id }) => id)).toEqual(['b']);
  });

  it('orders equal scores by position in the corpus', async () => {
    const documents = Array.from({ length: 50 }, (_, i) => ({ id: `d${49 - i}`, text: 'salt and iron' }));
    const hits = await Bm25Index.build(documents).search('iron salt', 7);
    expect(hits.map(({ id }) => id)).toEqual(documents.slice(0, 7).map(({ id }) => id));
  });

  it('finds nothing for a query without known terms, in an empty corpus, or among empty documents', async () => {
    const index = Bm25Index.build([
      { id: 'a', text: 'gold' },
      { id: 'b', text: '' },
      { id: 'c', text: 'the' },
    ]);
    expect(await index.search('', 10)).toEqual([]);
    expect(await index.search('the silver', 10)).toEqual([]);
    expect(await index.search('gold', 0)).toEqual([]);
    expect((await index.search('gold', 1000)).map(({ id }) => id)).toEqual(['a']);
    expect(await Bm25Index.build([]).search('gold', 10)).toEqual([]);
    expect(await Bm25Index.build([{ id: 'a', text: '' }]).search('gold', 10)).toEqual([]);
  });

  it('does not mistake a word for a property that every object has', async () => {
    const index = Bm25Index.build([{ id: '__proto__', text: 'constructor toString' }]);
    expect((await index.search('constructor', 3)).map(({ id }) => id)).toEqual(['__proto__']);
    expect(await index.search('hasOwnProperty', 3)).toEqual([]);
  });

  it('refuses two documents of one id, and parameters that mean nothing', () => {
    const twice = ['a', 'b', 'a'].map(id => ({ id, text: 'gold' }));
    expect(() => Bm25Index.build(twice)).toThrow(LratError);
    expect(() => Bm25Index.build(twice)).toThrow("'a'");
    expect(() => Bm25Index.build([], { k1: -1, b: 0.5 })).toThrow(RangeError);
    expect(() => Bm25Index.build([], { k1: 1, b: Number.NaN })).toThrow(RangeError);
  });

  it('is the same when its building is watched', () =>
    fc.assert(
      fc.asyncProperty(corpora, queries, parameters, async (documents, query, settings) => {
        const watched = await Bm25Index.buildWatched(documents, settings, unwatched);
        expect(await watched.search(query, 10)).toEqual(
          await Bm25Index.build(documents, settings).search(query, 10),
        );
      }),
      { numRuns: 40 },
    ));

  it('reports how far its building is, lets others run, and stops when told to', async () => {
    const documents = Array.from({ length: 1000 }, (_, i) => ({ id: `${i}`, text: 'salt and iron' }));
    const reports: Progress[] = [];
    let turns = 0;
    const count = () => {
      turns++;
      turn = setImmediate(count);
    };
    let turn = setImmediate(count);
    await Bm25Index.buildWatched(documents, luceneBm25, {
      ...unwatched,
      report: progress => reports.push(progress),
    });
    clearImmediate(turn);
    expect(turns).toBeGreaterThan(10);
    expect(reports.map(({ done }) => done)).toEqual(
      reports.map(({ done }) => done).toSorted((a, b) => a - b),
    );
    expect(reports[0]!.done).toBe(0);
    expect(reports.at(-1)).toMatchObject({ done: 1000, total: 1000 });

    const stop = new AbortController();
    let taken = 0;
    const counted = function* () {
      for (const document of documents) {
        if (++taken === 100) stop.abort();
        yield document;
      }
    };
    await expect(
      Bm25Index.buildWatched(counted(), luceneBm25, { ...unwatched, signal: stop.signal }),
    ).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
    expect(taken).toBeLessThan(300);
  });

  it('is the same after saving and loading', () =>
    fc.assert(
      fc.asyncProperty(corpora, queries, parameters, async (documents, query, settings) => {
        const path = join(folder, 'same.bm25');
        const built = Bm25Index.build(documents, settings);
        built.save(path);
        const loaded = Bm25Index.load(path);
        expect([loaded.size, loaded.parameters]).toEqual([documents.length, settings]);
        expect(await loaded.search(query, 10)).toEqual(await built.search(query, 10));
        const other = Bm25Index.build(documents, anseriniBm25);
        expect(await Bm25Index.load(path, anseriniBm25).search(query, 10)).toEqual(
          await other.search(query, 10),
        );
        expect(readdirSync(folder)).toEqual(['same.bm25']);
      }),
      { numRuns: 40 },
    ));
});
