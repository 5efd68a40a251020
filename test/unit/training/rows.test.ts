import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.ts';
import { drawEpoch, stepsPerEpoch } from '../../../src/training/batches.ts';
import { lossTerms } from '../../../src/training/loss.ts';
import { readTrainingSet } from '../../../src/training/rows.ts';

const folder = mkdtempSync(join(tmpdir(), 'lrat-rows-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'pairs.jsonl');

const read = (rows: readonly object[]) => {
  writeFileSync(path, rows.map(row => `${JSON.stringify(row)}\n`).join(''));
  return readTrainingSet(path);
};
const pair = (query: string, pos: string, neg: string[], more: object = {}) => ({
  query,
  pos: [`text of ${pos}`],
  pos_id: [pos],
  neg: neg.map(id => `text of ${id}`),
  neg_id: neg,
  reweight_rate: 1,
  ...more,
});

describe('the rows of a training', () => {
  it('never have a known positive as a negative: by query, question, id or text', async () => {
    const set = await read([
      pair('Who  SANG?', 'a', ['b', 'x']),
      pair('who sang?', 'b', ['a', 'y']),
      pair('another', 'c', ['d', 'z'], { question: 'Q1' }),
      pair('one more', 'd', ['c', 'e'], { question: 'q1 ' }),
      // A copy of e's text under another id, and another text under d's id.
      {
        ...pair('third', 'e', ['f', 'g'], { question: 'q1' }),
        neg: ['TEXT  of e', 'another page'],
        neg_id: ['e2', 'd'],
      },
    ]);
    const negatives = set.rows.map(row => row.negatives.map(i => set.documents[i]!.id));
    expect(negatives).toEqual([['x'], ['y'], ['z'], [], []]);
    expect(set.dropped).toEqual({ 'negatives that are known positives': 7 });
  });

  it('mask known positives among the documents of other rows', async () => {
    const set = await read([
      pair('one', 'a', ['n1'], { question: 'q' }),
      pair('two', 'b', ['n2'], { question: 'q' }),
      { ...pair('three', 'c', ['n1']), pos: ['text of a'] },
    ]);
    const draws = set.rows.map(row => ({ row, positive: row.positives[0]!, negatives: row.negatives }));
    const { bias, documents } = lossTerms([draws], { weighted: true, normalisation: 'rows' });
    const ids = documents.map(i => set.documents[i]!.id);
    const counts = set.rows.map((_, i) =>
      Object.fromEntries(
        ids.flatMap((id, j) => {
          const value = bias[i * ids.length + j]!;
          return value < -1e8 ? [] : [[id, Math.round(Math.exp(value))]];
        }),
      ),
    );
    // n1 stands in the batch twice and counts twice; c has the text of a, so each is the other's copy.
    expect(counts).toEqual([
      { a: 1, n1: 2, n2: 1 },
      { b: 1, n1: 2, n2: 1 },
      { b: 1, c: 1, n1: 2, n2: 1 },
    ]);
  });

  it('leave out what was judged irrelevant, and say so', async () => {
    const set = await read([pair('q', 'a', ['b']), pair('q', 'b', ['a'], { satisfied: false })]);
    expect(set.rows).toHaveLength(1);
    expect(set.rows[0]!.negatives).toHaveLength(1);
    expect(set.dropped).toEqual({ 'judged irrelevant': 1 });
    await expect(read([pair('q', 'b', ['a'], { satisfied: false })])).rejects.toThrow(/no row to train on/);
  });
});

describe('the batches of an epoch', () => {
  const recipe = { batchSize: 5, groupSize: 4, accumulation: 1, together: false };
  const rows = Array.from({ length: 23 }, (_, i) =>
    pair(
      `q${i}`,
      `p${i}`,
      Array.from({ length: i % 6 }, (_, k) => `n${i}-${k}`),
    ),
  );

  it('hold each row once, with as many negatives as wanted, without replacement where there are enough', async () => {
    const set = await read(rows);
    const batches = drawEpoch(set, { ...recipe, accumulation: 2 }, Random.seeded(1));
    expect(batches.map(step => step.map(batch => batch.length))).toEqual([[5, 5], [5, 5], [3]]);
    expect(stepsPerEpoch(23, { batchSize: 5, accumulation: 2 })).toBe(3);
    const draws = batches.flat(2);
    expect(new Set(draws.map(draw => draw.row)).size).toBe(23);
    for (const { row, positive, negatives } of draws) {
      expect(row.positives).toContain(positive);
      expect(negatives).toHaveLength(row.negatives.length === 0 ? 0 : 3);
      for (const negative of negatives) expect(row.negatives).toContain(negative);
      if (row.negatives.length >= 3) expect(new Set(negatives).size).toBe(3);
    }
  });

  it('hold the rows of a trajectory together when asked', async () => {
    const set = await read(rows.map((row, i) => ({ ...row, log: 'log', trajectory: `t${i % 4}` })));
    const order = drawEpoch(set, { ...recipe, together: true }, Random.seeded(1))
      .flat(2)
      .map(({ row }) => row.trajectory);
    expect(order.filter((trajectory, i) => trajectory !== order[i - 1])).toHaveLength(4);
    const mixed = drawEpoch(set, recipe, Random.seeded(1))
      .flat(2)
      .map(({ row }) => row.trajectory);
    expect(mixed.filter((trajectory, i) => trajectory !== mixed[i - 1]).length).toBeGreaterThan(8);
  });

  it('follow from the state of the random numbers alone, and differ from epoch to epoch', async () => {
    const set = await read(rows);
    const random = Random.seeded(7);
    const first = drawEpoch(set, recipe, random);
    const state = random.state();
    const second = drawEpoch(set, recipe, random);
    expect(drawEpoch(set, recipe, Random.seeded(7))).toEqual(first);
    expect(drawEpoch(set, recipe, Random.restored(state))).toEqual(second);
    expect(second).not.toEqual(first);
  });
});
