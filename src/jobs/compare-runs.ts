import { setImmediate as breathe } from 'node:timers/promises';
import { LratError } from '../base/errors.ts';
import type { Job } from '../base/progress.ts';
import { Random } from '../base/random.ts';
import { interval, pairedDifference, type ValuesByQuestion } from '../evaluation/bootstrap.ts';
import type { Evaluation } from '../evaluation/evaluate.ts';
import { type KeptScores, readScores } from '../evaluation/scores.ts';
import { runFolder, summarise } from './runs.ts';

/** Two runs on the same questions, side by side. */
export type RunComparison = Pick<Evaluation, 'metrics' | 'queries' | 'questions' | 'rows' | 'differences'>;

interface Measured {
  readonly name: string;
  readonly values: KeptScores['retrievers'][string];
}

/**
 * Compares two finished trainings or evaluations that were measured on the same questions and documents. Of a training
 * its model counts, of an evaluation every retriever; all are set against the model of the first run, or the first
 * retriever of an evaluation, with paired differences.
 *
 * @throws LratError if either kept no scores, or they were measured on different things.
 */
export async function compareRuns(
  { workspace, runs: [first, second] }: { workspace: string; runs: readonly [string, string] },
  job: Job,
): Promise<RunComparison> {
  const [a, b] = [first, second].map(id => measuredBy(workspace, id)) as [Side, Side];
  if (first === second || a.scores.basis !== b.scores.basis) {
    throw new LratError(
      first === second
        ? 'is one run: there is nothing to compare.'
        : `was measured on other questions or documents than ${first}.`,
      {
        place: b.path,
        remedy: 'Compare runs with the same held-out pairs, or measure both with `lrat eval`.',
      },
    );
  }
  const taken = new Set(a.measured.map(({ name }) => name));
  const others = b.measured.map(each =>
    taken.has(each.name) ? { ...each, name: `${each.name} (${second})` } : each,
  );
  const all = [...a.measured, ...others];
  const baseline = all[0]!;
  const metrics = Object.keys(baseline.values).filter(metric => all.every(({ values }) => metric in values));
  if (metrics.length === 0) {
    throw new LratError(`was measured by other metrics than ${first}.`, {
      place: b.path,
      remedy: 'Measure both with the same cut-offs: `lrat eval -k`.',
    });
  }
  const byMetric = async <Value>(work: (metric: string, random: Random) => Value) => {
    const values: Record<string, Value> = {};
    for (const metric of metrics) {
      await breathe();
      job.signal.throwIfAborted();
      values[metric] = work(metric, Random.seeded(0));
    }
    return values;
  };
  const rows: RunComparison['rows'][number][] = [];
  const differences: RunComparison['differences'][number][] = [];
  for (const { name: retriever, values } of all) {
    const of = (metric: string) => byQuestion(values[metric]!);
    rows.push({ retriever, metrics: await byMetric((metric, random) => interval(of(metric), random)) });
    if (retriever === baseline.name) continue;
    differences.push({
      retriever,
      baseline: baseline.name,
      metrics: await byMetric((metric, random) =>
        pairedDifference(of(metric), byQuestion(baseline.values[metric]!), random),
      ),
    });
  }
  const questions = baseline.values[metrics[0]!]!.length;
  return { metrics, queries: a.scores.queries, questions, rows, differences };
}

interface Side {
  readonly path: string;
  readonly scores: KeptScores;
  readonly measured: readonly Measured[];
}

function measuredBy(workspace: string, id: string): Side {
  const folder = runFolder(workspace, id);
  const { kind, name } = summarise(folder.path);
  const scores = readScores(folder.scores);
  const measured = Object.entries(scores.retrievers).map(([retriever, values]) => ({
    name: retriever,
    values,
  }));
  if (kind !== 'training') return { path: folder.path, scores, measured };
  const [trained] = measured.filter(({ name }) => name === trainedName);
  return { path: folder.path, scores, measured: [{ name, values: trained!.values }] };
}

/** What a training's own model is called in its scores. */
export const trainedName = 'trained';

/** The questions of one basis come in one order, so their place names them. */
function byQuestion(values: readonly number[]): ValuesByQuestion {
  return new Map(values.map((value, i) => [String(i), [value]]));
}
