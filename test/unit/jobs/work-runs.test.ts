import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Job, unwatched } from '../../../src/base/progress.ts';
import { buildIndex } from '../../../src/jobs/index.ts';
import { writeSeenCorpus } from '../../../src/jobs/mine.ts';
import { isResumable, listRuns, readResult, runFolder } from '../../../src/jobs/runs.ts';
import {
  recordedEvaluation,
  recordedJudging,
  recordedMining,
  resumeJudging,
} from '../../../src/jobs/work-runs.ts';
import { simulatedWorkspace } from '../../ui/world.ts';

const made: string[] = [];
const world = async (): Promise<string> => {
  const folder = await simulatedWorkspace(4);
  made.push(folder);
  return folder;
};
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});
const newest = async (workspace: string) => (await listRuns(workspace)).runs[0]!;
const labelLines = (workspace: string) => {
  const path = join(workspace, '.lrat', 'labels.jsonl');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').length : 0;
};

/** A job that is stopped at its second report. */
function soonStopped(): Job {
  const controller = new AbortController();
  let reports = 0;
  return {
    signal: controller.signal,
    report: () => {
      if (++reports === 2) controller.abort();
    },
  };
}

describe('judging, mining and measuring', () => {
  it('are runs that tell what came of them', async () => {
    const workspace = await world();
    await buildIndex({ workspace, paths: [], answers: undefined }, unwatched);

    const judged = await recordedJudging({ workspace, judge: 'rules' }, unwatched);
    expect(await newest(workspace)).toMatchObject({
      kind: 'judging',
      name: 'rules',
      state: 'finished',
      counts: { relevant: judged.relevant, irrelevant: judged.irrelevant },
    });

    const out = join(workspace, 'mined.jsonl');
    const mined = await recordedMining({ workspace, outcome: 'all', out }, unwatched);
    const corpus = join(workspace, 'corpus.jsonl');
    await writeSeenCorpus({ workspace, out: corpus }, unwatched);
    const measured = await recordedEvaluation(
      { workspace, models: ['bm25'], corpus, judged: { pairs: out } },
      unwatched,
    );
    const { runs, problems } = await listRuns(workspace);
    expect(problems).toEqual([]);
    const byKind = new Map(runs.map(run => [run.kind, run]));
    expect(byKind.get('mining')).toMatchObject({ name: 'mined', counts: { pairs: mined.rows } });
    const evaluation = byKind.get('evaluation')!;
    expect(evaluation).toMatchObject({ name: 'bm25', state: 'finished' });
    expect(Object.keys(evaluation.figures)).toEqual([measured.metrics[0]]);
    // Newest first, though all began within a second or two.
    expect(runs.map(({ kind }) => kind)).toEqual(['evaluation', 'mining', 'judging']);
    for (const { step, steps } of runs) expect(step).toBe(steps);
    expect(readResult(runFolder(workspace, evaluation.id))).toMatchObject({
      questions: measured.questions,
      rows: measured.rows,
    });
  });

  it('a stopped judging goes on where it stopped, in the same run', async () => {
    const [stopped, whole] = [await world(), await world()];
    for (const workspace of [stopped, whole]) {
      await buildIndex({ workspace, paths: [], answers: undefined }, unwatched);
    }
    await recordedJudging({ workspace: whole, judge: 'rules' }, unwatched);

    await expect(recordedJudging({ workspace: stopped, judge: 'rules' }, soonStopped())).rejects.toThrow();
    const run = await newest(stopped);
    expect(run.state).toBe('stopped');
    expect(isResumable(run)).toBe(true);
    const before = labelLines(stopped);
    expect(before).toBeLessThan(labelLines(whole));
    const rest = await resumeJudging(stopped, run.id, unwatched);
    expect(rest.already).toBe(before);
    expect(labelLines(stopped)).toBe(labelLines(whole));
    expect((await listRuns(stopped)).runs.map(({ id, state }) => [id, state])).toEqual([
      [run.id, 'finished'],
    ]);
    await expect(resumeJudging(stopped, run.id, unwatched)).rejects.toThrow('is finished');
  });

  it('that fail say why, and what is no judging cannot be resumed as one', async () => {
    const workspace = await world();
    rmSync(join(workspace, '.lrat'), { recursive: true, force: true });
    mkdirSync(join(workspace, '.lrat'));
    const out = join(workspace, 'mined.jsonl');
    await expect(recordedMining({ workspace, outcome: 'all', out }, unwatched)).rejects.toThrow();
    const run = await newest(workspace);
    expect(run).toMatchObject({ state: 'failed', error: expect.stringContaining('lrat index') });
    expect(isResumable(run)).toBe(false);
    await expect(resumeJudging(workspace, run.id, unwatched)).rejects.toThrow('is no judging');
  });

  it('leave no trace in a folder that is no workspace', async () => {
    const workspace = mkdtempSync(join(tmpdir(), 'lrat-none-'));
    made.push(workspace);
    const asked = { workspace, models: ['bm25'], corpus: 'none.jsonl', judged: { pairs: 'none.jsonl' } };
    await expect(recordedEvaluation(asked, unwatched)).rejects.toThrow();
    expect(existsSync(join(workspace, '.lrat'))).toBe(false);
  });
});
