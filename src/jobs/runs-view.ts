import { resolve } from 'node:path';
import { describeError, LratError } from '../base/errors.ts';
import { unwatched } from '../base/progress.ts';
import type { ComparedRun, RunsView, TrainingCurves } from '../protocol.ts';
import type { RunFolder } from '../training/run-folder.ts';
import { compareRuns } from './compare-runs.ts';
import { curvesOf, MetricsReader, type RunSummary, runFolder, summarise } from './runs.ts';

/**
 * Two finished trainings or evaluations with all that a view shows of them, the older first. What was measured on
 * different things is told as a problem: the settings and the curves are shown all the same.
 *
 * @throws LratError if either is no run of the workspace, or neither a training nor an evaluation
 */
export async function viewRuns(workspace: string, ids: readonly [string, string]): Promise<RunsView> {
  const [a, b] = ids
    .map(id => summarise(runFolder(workspace, id).path))
    // Names of folders tell the second only.
    .sort((one, other) => (one.created < other.created ? -1 : 1)) as [RunSummary, RunSummary];
  const sides = [sideOf(a), sideOf(b)] as const;
  const folders = [runFolder(workspace, a.id), runFolder(workspace, b.id)] as const;
  const measured = await compareRuns({ workspace, runs: [a.id, b.id] }, unwatched).catch((error: unknown) => {
    if (error instanceof LratError) return error;
    throw error;
  });
  const areTrainings = a.kind === 'training' && b.kind === 'training';
  return {
    sides,
    ...(measured instanceof LratError
      ? { result: null, problem: describeError(measured) }
      : { result: measured, problem: null }),
    settings: differences(settingsOf(folders[0]), settingsOf(folders[1])),
    curves: areTrainings ? [await curves(folders[0], a.steps), await curves(folders[1], b.steps)] : null,
  };
}

function sideOf({ id, kind, name, title, created, path }: RunSummary): ComparedRun {
  if (kind === 'training' || kind === 'evaluation') return { id, kind, name, title, created };
  throw new LratError('is neither a training nor an evaluation.', {
    place: path,
    remedy: 'Choose two runs that measured something.',
  });
}

async function curves(folder: RunFolder, steps: number): Promise<TrainingCurves> {
  const metrics = new MetricsReader(folder);
  await metrics.update();
  return { steps, ...curvesOf(metrics.steps) };
}

/** What was asked for, by name. What every run has to itself is left out: its name, its model, its time. */
function settingsOf(folder: RunFolder): ReadonlyMap<string, string | number> {
  const record = folder.read();
  if (record.kind !== 'training') return flattened(record.request);
  const { pairs, pairsHash, base, baseHash, recipe, lineage, versions } = record;
  const isNew = resolve(folder.workspace, base) === folder.base;
  return flattened({
    ...{ pairs, pairsHash, ...(!isNew && { base, baseHash }) },
    ...recipe,
    ...lineage,
    ...versions,
  });
}

function flattened(settings: Readonly<Record<string, unknown>>): ReadonlyMap<string, string | number> {
  return new Map(
    Object.entries(settings).flatMap(([name, value]) =>
      value === undefined || value === null
        ? []
        : [[name, typeof value === 'string' || typeof value === 'number' ? value : JSON.stringify(value)]],
    ),
  );
}

function differences(
  one: ReadonlyMap<string, string | number>,
  other: ReadonlyMap<string, string | number>,
): RunsView['settings'] {
  return [...new Set([...one.keys(), ...other.keys()])]
    .map(name => ({ name, values: [one.get(name) ?? null, other.get(name) ?? null] as const }))
    .filter(({ values }) => values[0] !== values[1]);
}
