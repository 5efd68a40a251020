import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unwatched } from '../../../src/base/progress.ts';
import { compareRuns } from '../../../src/jobs/compare-runs.ts';
import { listRuns } from '../../../src/jobs/runs.ts';
import { viewRuns } from '../../../src/jobs/runs-view.ts';
import { recordedEvaluation, recordedMining } from '../../../src/jobs/work-runs.ts';

const workspace = mkdtempSync(join(tmpdir(), 'lrat-compare-'));
afterAll(() => rmSync(workspace, { recursive: true, force: true }));
const inside = (name: string) => join(workspace, name);

/** Measures BM25 and gives the run's id. */
async function measure(queries: string, parameters: { k1?: number; b?: number; cutoffs?: number[] } = {}) {
  const before = new Set((await listRuns(workspace)).runs.map(({ id }) => id));
  const result = await recordedEvaluation(
    {
      ...{ workspace, models: ['bm25'], corpus: inside('corpus.jsonl') },
      ...{ judged: { queries: inside(queries), qrels: inside('qrels.txt') }, cutoffs: [1], ...parameters },
    },
    unwatched,
  );
  const { runs } = await listRuns(workspace);
  return { id: runs.find(({ id }) => !before.has(id))!.id, result };
}

describe('two runs on the same questions', () => {
  beforeAll(() => {
    mkdirSync(inside('.lrat'));
    // “mill” stands once in a short document and twice in a long one: length normalisation decides which is first.
    const filler = Array.from({ length: 60 }, (_, i) => `word${i}`).join(' ');
    const texts = { short: 'mill', long: `mill mill ${filler}`, lake: 'a bridge over a lake' };
    const lines = Object.entries(texts).map(([docid, text]) => `${JSON.stringify({ docid, text })}\n`);
    writeFileSync(inside('corpus.jsonl'), lines.join(''));
    writeFileSync(inside('queries.tsv'), '1\tmill\n2\tlake\n');
    writeFileSync(inside('fewer.tsv'), '1\tmill\n');
    writeFileSync(inside('qrels.txt'), '1 0 long 1\n2 0 lake 1\n');
  });

  it('are compared question by question', async () => {
    const usual = await measure('queries.tsv');
    const blind = await measure('queries.tsv', { b: 0 });
    const { rows, differences, questions } = await compareRuns(
      { workspace, runs: [usual.id, blind.id] },
      unwatched,
    );
    const recall = (i: number) => rows[i]!.metrics['recall@1']!;
    expect(questions).toBe(2);
    // With length counted the short document comes first, without it the long one: one of two questions, then both.
    expect([recall(0).mean, recall(1).mean]).toEqual([0.5, 1]);
    expect(recall(0)).toEqual(usual.result.rows[0]!.metrics['recall@1']);
    expect(differences).toHaveLength(1);
    expect(differences[0]!.baseline).toBe(rows[0]!.retriever);
    expect(differences[0]!.retriever).not.toBe(rows[0]!.retriever);
    expect(differences[0]!.metrics['recall@1']!.mean).toBe(0.5);
  });

  it('are viewed with what was asked for otherwise, the older first', async () => {
    const usual = await measure('queries.tsv');
    const blind = await measure('queries.tsv', { b: 0 });
    const view = await viewRuns(workspace, [blind.id, usual.id]);
    expect(view.sides.map(({ id }) => id)).toEqual([usual.id, blind.id]);
    expect(view.settings).toEqual([{ name: 'b', values: [null, 0] }]);
    expect(view).toMatchObject({ problem: null, curves: null });
    expect(view.result!.differences[0]!.metrics['recall@1']!.mean).toBe(0.5);

    const fewer = await measure('fewer.tsv');
    const other = await viewRuns(workspace, [usual.id, fewer.id]);
    expect(other).toMatchObject({ result: null, problem: expect.stringContaining('other questions') });
    expect(other.settings.map(({ name }) => name)).toEqual(['queries']);
  });

  it('must be two, of the same questions, the same metrics, and measured at all', async () => {
    const { id } = await measure('queries.tsv');
    const fewer = await measure('fewer.tsv');
    const deeper = await measure('queries.tsv', { cutoffs: [3] });
    const compare = (one: string, other: string) => compareRuns({ workspace, runs: [one, other] }, unwatched);
    await expect(compare(id, id)).rejects.toThrow('one run');
    await expect(compare(id, fewer.id)).rejects.toThrow('other questions');
    await expect(compare(id, deeper.id)).rejects.toThrow('other metrics');
    await expect(
      recordedMining({ workspace, outcome: 'all', out: inside('pairs.jsonl') }, unwatched),
    ).rejects.toThrow();
    const mining = (await listRuns(workspace)).runs.find(({ kind }) => kind === 'mining')!;
    await expect(compare(id, mining.id)).rejects.toThrow('measured nothing');
  });
});
