import { basename, extname, relative } from 'node:path';
import * as z from 'zod';
import { LratError } from '../base/errors.ts';
import type { Job } from '../base/progress.ts';
import { scoresOf } from '../evaluation/scores.ts';
import { readConfig } from '../workspace/config.ts';
import { type JudgeRequest, type JudgeResult, judgeWorkspace } from './judge.ts';
import { type EvaluateRequest, type EvaluateResult, evaluateModels } from './measure.ts';
import { type MineRequest, type MineResult, minePairs } from './mine.ts';
import { proceed, recorded } from './recorded.ts';
import { refuseRunning, runFolder } from './runs.ts';
import { existingWorkspace } from './workspace.ts';

/** What a stopped judging needs to go on. */
const judgingSchema = z.object({
  judge: z.enum(['rules', 'openai']),
  url: z.string().optional(),
  model: z.string().optional(),
  concurrency: z.number().optional(),
});

/** Judges as a run of the workspace. */
export function recordedJudging(request: JudgeRequest, job: Job): Promise<JudgeResult> {
  const paths = existingWorkspace(request.workspace);
  const { judge: usual } = readConfig(paths);
  const judge = request.judge ?? usual.kind;
  const name = judge === 'rules' ? judge : (request.model ?? usual.model ?? judge);
  const endpoint = judge === 'rules' ? {} : { url: request.url ?? usual.url, model: name };
  return recorded(
    paths.workspace,
    {
      kind: 'judging',
      name,
      title: 'browses that nobody has judged',
      request: { judge, ...endpoint, concurrency: request.concurrency },
    },
    job,
    watched => judgeWorkspace(request, watched),
    countsOfJudging,
  );
}

/** Goes on with a judging that was stopped, failed or crashed: what it has labelled is left alone. */
export async function resumeJudging(workspace: string, id: string, job: Job): Promise<JudgeResult> {
  const folder = runFolder(workspace, id);
  refuseRunning(folder);
  const record = folder.read();
  const asked = judgingSchema.safeParse('request' in record ? record.request : undefined);
  if (record.kind !== 'judging' || !asked.success) {
    throw new LratError('is no judging that can go on.', {
      place: folder.path,
      remedy: '`lrat runs` tells which runs are.',
    });
  }
  if (folder.readStatus()?.state === 'finished') {
    throw new LratError('is finished.', { place: folder.path, remedy: 'Judge anew with `lrat judge`.' });
  }
  return proceed(
    folder,
    job,
    watched => judgeWorkspace({ workspace, ...asked.data }, watched),
    countsOfJudging,
  );
}

function countsOfJudging({ relevant, irrelevant, unknown, already, byPeople }: JudgeResult) {
  return { counts: { relevant, irrelevant, unknown, already, byPeople } };
}

/** Mines as a run of the workspace. */
export function recordedMining(request: MineRequest, job: Job): Promise<MineResult> {
  const paths = existingWorkspace(request.workspace);
  const { workspace } = paths;
  const { mode = readConfig(paths).mining.mode, outcome, labels, corpus, tokenizer, out } = request;
  return recorded(
    workspace,
    {
      kind: 'mining',
      name: basename(out, extname(out)),
      title: `${mode} pairs in ${relative(workspace, out)}`,
      request: { mode, outcome, labels, corpus, tokenizer, out },
    },
    job,
    watched => minePairs(request, watched),
    ({ rows }) => ({ counts: { pairs: rows } }),
  );
}

/** Measures as a run of the workspace. */
export function recordedEvaluation(request: EvaluateRequest, job: Job): Promise<EvaluateResult> {
  const { workspace } = existingWorkspace(request.workspace);
  const { models, corpus, judged, cutoffs, k1, b, seed } = request;
  return recorded(
    workspace,
    {
      kind: 'evaluation',
      name: models.map(model => basename(model)).join(', '),
      title: `on ${basename(corpus)}, by ${Object.values(judged)
        .map(path => basename(path))
        .join(' and ')}`,
      request: { models, corpus, ...judged, cutoffs, k1, b, seed },
    },
    job,
    watched => evaluateModels(request, watched),
    evaluation => {
      const { metrics, queries, questions, withoutRelevant, rows, differences, basis, notices } = evaluation;
      const scores = scoresOf(evaluation, basis);
      return { metrics, queries, questions, withoutRelevant, rows, differences, scores, notices };
    },
  );
}
