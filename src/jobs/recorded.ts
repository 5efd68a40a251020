import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describeError } from '../base/errors.ts';
import { writeFileAtomic } from '../base/files.ts';
import type { Job, Progress } from '../base/progress.ts';
import { type KeptScores, writeScores } from '../evaluation/scores.ts';
import { newRunId, RunFolder, type RunState, type WorkRecord } from '../training/run-folder.ts';
import { workspacePaths } from '../workspace/paths.ts';

/** What is kept of work that is no training; what is undefined in the request is left out. */
export interface Work extends Pick<WorkRecord, 'kind' | 'name' | 'title'> {
  readonly request: Readonly<Record<string, unknown>>;
}

interface Kept {
  readonly scores?: KeptScores;
  /** What whoever looks should know of the result; it stands in the log. */
  readonly notices?: readonly string[];
  readonly [name: string]: unknown;
}

/** Milliseconds between two statuses: enough for whoever watches, nothing beside the work. */
const interval = 500;

/**
 * Does work as a run of the workspace, so that it can be watched, stopped and looked up from elsewhere. In a folder
 * that is no workspace yet nothing is kept: looking at models must not make one.
 *
 * @param resultOf what of the work's answer is kept as `result.json`, and of what was measured as `scores.json`
 */
export function recorded<Result>(
  workspace: string,
  { kind, name, title, request }: Work,
  job: Job,
  work: (job: Job) => Promise<Result>,
  resultOf: (result: Result) => Kept,
): Promise<Result> {
  const { home, runs } = workspacePaths(workspace);
  if (!existsSync(home)) return work(job);
  const id = newRunId();
  const folder = new RunFolder(join(runs, id));
  folder.writeRecord({
    version: 1,
    ...{ kind, id, name, title },
    created: new Date().toISOString(),
    request: JSON.parse(JSON.stringify(request)),
  });
  return proceed(folder, job, work, resultOf);
}

/** Goes on with work that is recorded in a folder. */
export async function proceed<Result>(
  folder: RunFolder,
  job: Job,
  work: (job: Job) => Promise<Result>,
  resultOf: (result: Result) => Kept,
): Promise<Result> {
  let last: Progress | undefined;
  let written = performance.now();
  const tell = (state: Exclude<RunState, 'crashed'>, error: string | null = null) =>
    folder.writeStatus(
      state,
      { step: last?.done ?? 0, steps: last?.total ?? 0, loss: null, figures: {} },
      error,
    );
  const report = (progress: Progress) => {
    job.report(progress);
    if (progress.task !== last?.task) folder.log(progress.task);
    last = progress;
    if (performance.now() - written < interval) return;
    written = performance.now();
    tell('running');
  };
  tell('running');
  try {
    const result = await work({ signal: job.signal, report });
    const { scores, notices = [], ...kept } = resultOf(result);
    for (const notice of notices) folder.log(notice);
    if (scores !== undefined) writeScores(folder.scores, scores);
    writeFileAtomic(folder.result, `${JSON.stringify({ version: 1, ...kept }, null, 2)}\n`);
    folder.log('Finished');
    // The last report comes before the last piece of work.
    if (last?.total !== undefined) last = { ...last, done: last.total };
    tell('finished');
    return result;
  } catch (error) {
    const isStop = job.signal.aborted || (error instanceof Error && error.name === 'AbortError');
    folder.log(isStop ? 'Stopped' : describeError(error));
    if (isStop) tell('stopped');
    else tell('failed', describeError(error));
    throw error;
  }
}
