import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openTokenCounter } from '../../src/base/tokenizer.ts';
import { mine } from '../../src/mining/mine.ts';
import { readLog } from '../../src/trajectory/log.ts';
import type { Trajectory } from '../../src/trajectory/model.ts';
import { type LabelLookup, outlineOf } from '../../src/trajectory/outline.ts';

const data = join(import.meta.dirname, '../../../shared/data/lrat');
const present = existsSync(data);
if (!present) console.warn(`Skipped: the real logs are not at ${data}.`);

function trajectoryIn(path: string): Trajectory {
  const records = [...readLog(path)];
  expect(records.map(record => record.kind)).toEqual(['trajectory']);
  return (records[0] as { trajectory: Trajectory }).trajectory;
}

async function realLogs() {
  const counter = await openTokenCounter('words');
  const folder = join(data, 'trajectories');
  return readdirSync(folder)
    .sort()
    .map(name => outlineOf(name, trajectoryIn(join(folder, name)), counter));
}

function givenLabels(): LabelLookup {
  const lines = readFileSync(join(data, 'labels.jsonl'), 'utf8').trim().split('\n');
  const labels = new Map(
    lines.map(line => JSON.parse(line)).map(({ log, step, label }) => [`${log} ${step}`, label]),
  );
  return ({ log, step }) => labels.get(`${log} ${step}`) ?? 'unknown';
}

describe.skipIf(!present)('the published trajectories', () => {
  it('give, in mode released, the rows and weights of the released builder', async () => {
    const golden = JSON.parse(readFileSync(join(data, 'golden_released.json'), 'utf8'));
    const mined = await mine(await realLogs(), givenLabels(), { mode: 'released', outcome: 'all' });

    expect([mined.trajectories, mined.searches, mined.browses]).toEqual([7, 75, 17]);
    expect(mined.halfLife).toBe(golden.half_life);
    expect(mined.muRaw).toBeCloseTo(golden.mu_raw, 12);
    const rows = mined.pairs.map(pair => ({
      log: pair.log,
      browse_step: pair.browseStep,
      query: pair.query,
      pos_id: [pair.positive],
      neg_id: pair.negatives,
      reasoning_len: pair.reasoningTokens,
      satisfied: pair.satisfied,
      reweight_rate: pair.weight,
    }));
    const order = (row: { log: string; browse_step: number }) =>
      `${row.log} ${String(row.browse_step).padStart(4, '0')}`;
    const inOrder = <Row extends { log: string; browse_step: number }>(list: Row[]) =>
      list.toSorted((a, b) => (order(a) < order(b) ? -1 : 1));
    const near = (value: number) => expect.closeTo(value, 9);
    expect(inOrder(rows)).toEqual(
      inOrder(golden.rows as typeof rows).map(row => ({ ...row, reweight_rate: near(row.reweight_rate) })),
    );
  });

  it('give, in mode attributed, the query whose list showed the document', async () => {
    const outlines = await realLogs();
    const labelOf = givenLabels();
    const mined = await mine(outlines, labelOf, { mode: 'attributed', outcome: 'all' });
    for (const pair of mined.pairs) {
      const outline = outlines.find(({ log }) => log === pair.log)!;
      const lists = outline.steps.filter(step => step.kind === 'search' && step.step < pair.browseStep);
      const listing = lists.filter(step => step.kind === 'search' && step.documents.includes(pair.positive));
      expect(listing.at(-1)).toMatchObject({ step: pair.searchStep, query: pair.query });
    }
    // Labels.jsonl calls 10 of the 17 browses relevant; every document was listed before it was opened.
    expect(mined.pairs).toHaveLength(10);
    expect(mined.dropped).toMatchObject({ irrelevant: 7, neverListed: 0, unknown: 0 });
    expect(mined.pairs.reduce((sum, pair) => sum + pair.weight, 0)).toBeCloseTo(10, 9);
  });
});
