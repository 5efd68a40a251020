import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { unwatched } from '../../../src/base/progress.ts';
import { exportPairs } from '../../../src/jobs/export.ts';
import { type Layout, layouts } from '../../../src/mining/export.ts';
import type { PairRow } from '../../../src/mining/pair.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lrat-export-'));
});
beforeEach(() => {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true }));

type Line = Record<string, unknown>;

/** What is exported of rows, read back. */
async function exported(rows: readonly object[], layout: Layout) {
  const pairs = join(folder, 'pairs.jsonl');
  const out = join(folder, 'out.jsonl');
  writeFileSync(pairs, rows.map(row => `${JSON.stringify(row)}\n`).join(''));
  const result = await exportPairs({ pairs, layout, out }, unwatched);
  const text = readFileSync(out, 'utf8');
  expect(text.endsWith('\n')).toBe(true);
  const lines: Line[] = text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line));
  return { result, lines };
}

const row = (more: Partial<PairRow> = {}): PairRow => ({
  query: 'bog\u2028of Maine',
  pos: ['Orono Bog'],
  neg: ['Sphagnum', 'Crystal Bog'],
  pos_id: ['c'],
  neg_id: ['b', 'a'],
  reasoning_len: 4,
  satisfied: true,
  reweight_rate: 1.25,
  mode: 'attributed',
  log: '7.json',
  trajectory: '7',
  query_id: '7',
  search_step: 3,
  browse_step: 5,
  question: 'Which bog?',
  pre_search_reasoning: 'Landmarks, then.',
  previous_queries: ['bog maine'],
  ...more,
});

/** Rows as mining makes them, or as other builders do: several positives, none negative, judged irrelevant. */
const rows: fc.Arbitrary<PairRow[]> = fc
  .array(
    fc
      .record({
        query: fc.string(),
        pos: fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 3 }),
        neg: fc.array(fc.string(), { maxLength: 14 }),
        satisfied: fc.boolean(),
        reweight_rate: fc.double({ min: 0, max: 2, noNaN: true }).map(Math.abs),
        question: fc.option(fc.string()),
      })
      .map(drawn =>
        row({
          ...drawn,
          pos_id: drawn.pos.map((_, i) => `p${i}`),
          neg_id: drawn.neg.map((_, i) => `n${i}`),
        }),
      ),
    { minLength: 1, maxLength: 12 },
  )
  .map(drawn => [row(), ...drawn]);

/** `load_dataset('json')` makes columns: every row has the same, each of one type. */
function expectColumns(lines: readonly Line[]): void {
  const types = (line: Line) =>
    Object.entries(line).map(([name, value]) => [name, Array.isArray(value) ? 'array' : typeof value]);
  for (const line of lines) {
    expect(types(line)).toEqual(types(lines[0]!));
    expect(Object.values(line)).not.toContain(null);
  }
}

const strings = (value: unknown): string[] => {
  expect(Array.isArray(value)).toBe(true);
  for (const each of value as unknown[]) expect(each).toBeTypeOf('string');
  return value as string[];
};

/** As SentenceTransformerDataCollator reads a line: a label, and texts in the order of their columns. */
function readForSentenceTransformers(line: Line) {
  const { label, ...rest } = line;
  expect(label).toBeTypeOf('number');
  expect(line).not.toHaveProperty('score');
  expect(line).not.toHaveProperty('dataset_name');
  const [query, positive, ...negatives] = strings(Object.values(rest));
  expect(Object.keys(rest)).toEqual(['anchor', 'positive', ...negatives.map((_, i) => `negative_${i + 1}`)]);
  return { query, positives: [positive], negatives, weight: label };
}

/** As AbsEmbedderTrainDataset reads a line, with a group of 8. */
function readForFlagEmbedding(line: Line) {
  // These would change how the row is trained on.
  for (const name of ['prompt', 'type', 'batch_size', 'pos_scores', 'neg_scores'])
    expect(line).not.toHaveProperty(name);
  const negatives = strings(line.neg);
  expect(Number.isFinite(Math.ceil(7 / negatives.length))).toBe(true);
  return { query: line.query, positives: strings(line.pos), negatives, weight: line.reweight_rate };
}

/** As Tevatron's TrainDataset reads a line that carries its passages; `title` would go before the text. */
function readForTevatron(line: Line) {
  const texts = (passages: unknown) =>
    (passages as Record<string, string>[]).map(passage => {
      expect(Object.keys(passage)).toEqual(['docid', 'text']);
      return passage.text!;
    });
  const negatives = texts(line.negative_passages);
  // random.choices fails on an empty list.
  expect(negatives.length).toBeGreaterThan(0);
  expect(line).not.toHaveProperty('positive_document_ids');
  return {
    query: line.query,
    positives: strings(texts(line.positive_passages)),
    negatives: strings(negatives),
    weight: line.reweight_rate,
  };
}

describe('every layout', () => {
  it('of a trainer gives back query, documents and weight as its loader reads them', () =>
    fc.assert(
      fc.asyncProperty(rows, async drawn => {
        const kept = drawn.filter(({ satisfied, neg }) => satisfied && neg.length > 0);
        for (const [layout, read] of [
          ['flagembedding', readForFlagEmbedding],
          ['tevatron', readForTevatron],
        ] as const) {
          const { result, lines } = await exported(drawn, layout);
          expectColumns(lines);
          expect(lines.map(read)).toEqual(
            kept.map(each => ({
              query: each.query,
              positives: each.pos,
              negatives: each.neg,
              weight: each.reweight_rate,
            })),
          );
          const irrelevant = drawn.filter(({ satisfied }) => !satisfied).length;
          expect(result.leftOut).toEqual({
            irrelevant,
            withoutNegatives: drawn.length - irrelevant - kept.length,
          });
          expect(result.rows).toBe(kept.length);
        }
      }),
      { numRuns: 100 },
    ));

  it('of sentence-transformers has one positive a line, the weight shared, and as many negatives in each', () =>
    fc.assert(
      fc.asyncProperty(rows, async drawn => {
        const { lines, result } = await exported(drawn, 'sentence-transformers');
        expectColumns(lines);
        const kept = drawn.filter(({ satisfied, neg }) => satisfied && neg.length > 0);
        const widest = Math.max(...kept.map(({ neg }) => neg.length));
        const width = widest > 9 ? 9 : widest;
        const read = lines.map(readForSentenceTransformers);
        for (const each of kept) {
          const own = read.splice(0, each.pos.length);
          expect(own.flatMap(({ positives }) => positives)).toEqual(each.pos);
          for (const { query, negatives } of own) {
            expect(query).toBe(each.query);
            expect(negatives.slice(0, each.neg.length)).toEqual(each.neg.slice(0, width));
            expect(negatives.length).toBe(width);
            for (const negative of negatives) expect(each.neg).toContain(negative);
          }
          const weight = own.reduce((sum, { weight }) => sum + (weight as number), 0);
          expect(weight).toBeCloseTo(each.reweight_rate, 9);
        }
        expect(read).toEqual([]);
        expect(result.columns).toEqual({
          negatives: width,
          repeating: kept.filter(({ neg }) => neg.length < width).length,
          cut: kept.flatMap(({ neg }) => neg.slice(width)).length,
        });
      }),
      { numRuns: 100 },
    ));

  it('of LRAT is the rows as they were, irrelevant ones included', async () => {
    const drawn = [row(), row({ neg: [], neg_id: [] }), row({ satisfied: false })];
    const { result, lines } = await exported(drawn, 'lrat');
    expect(lines).toEqual(drawn);
    expect(result).toMatchObject({ rows: 3, leftOut: { irrelevant: 0, withoutNegatives: 0 }, columns: null });
  });

  it('keeps rows without negatives where none has any: there are those of the batch', async () => {
    const drawn = [row({ neg: [], neg_id: [] }), row({ query: 'q', neg: [], neg_id: [] })];
    const { lines } = await exported(drawn, 'sentence-transformers');
    expect(lines.map(line => Object.keys(line))).toEqual([
      ['anchor', 'positive', 'label'],
      ['anchor', 'positive', 'label'],
    ]);
    for (const layout of layouts) expect((await exported(drawn, layout)).result.rows).toBe(2);
  });

  it('names each query for Tevatron by its row, since a question has many', async () => {
    const { lines } = await exported([row({ satisfied: false }), row(), row()], 'tevatron');
    expect(lines.map(line => line.query_id)).toEqual(['2', '3']);
  });
});

describe('an export that cannot be', () => {
  const pairs = () => join(folder, 'pairs.jsonl');
  const out = () => join(folder, 'out.jsonl');
  const attempt = (layout: Layout, target = out(), job = unwatched) =>
    exportPairs({ pairs: pairs(), layout, out: target }, job);

  it('leaves what was there, and names file, line and remedy', async () => {
    writeFileSync(out(), 'before');
    writeFileSync(pairs(), `${JSON.stringify(row())}\n{"query":"q","pos":[]}\n`);
    await expect(attempt('tevatron')).rejects.toMatchObject({
      name: 'LratError',
      place: `${pairs()}, line 2`,
      remedy: expect.any(String),
    });
    writeFileSync(pairs(), `${JSON.stringify(row({ satisfied: false }))}\n`);
    await expect(attempt('flagembedding')).rejects.toMatchObject({
      name: 'LratError',
      place: pairs(),
      remedy: expect.any(String),
    });
    const stopped = { report: () => {}, signal: AbortSignal.abort() };
    await expect(attempt('lrat', out(), stopped)).rejects.toMatchObject({ name: 'AbortError' });
    expect(readdirSync(folder).sort()).toEqual(['out.jsonl', 'pairs.jsonl']);
    expect(readFileSync(out(), 'utf8')).toBe('before');
  });

  it('never replaces the pairs themselves, by whatever name', async () => {
    const text = `${JSON.stringify(row())}\n`;
    writeFileSync(pairs(), text);
    symlinkSync(pairs(), out());
    for (const target of [pairs(), join(folder, 'x', '..', 'pairs.jsonl'), out()]) {
      await expect(attempt('tevatron', target)).rejects.toThrow(/the pairs itself/);
    }
    expect(readFileSync(pairs(), 'utf8')).toBe(text);
  });
});
