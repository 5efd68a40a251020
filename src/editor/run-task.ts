import * as vscode from 'vscode';
import { LratError } from '../base/errors.ts';
import type { RunSummary } from '../jobs/runs.ts';
import type { RunViews } from './run-view.ts';
import type { RunWatch } from './run-watch.ts';
import type { LratTaskDefinition } from './task-definition.ts';
import type { LratTasks } from './tasks.ts';

/** What starts runs. */
export interface RunStarter {
  readonly watch: RunWatch;
  readonly views: RunViews;
  readonly tasks: LratTasks;
}

/**
 * Starts a run as a task, whose process goes on without the window, and shows it once it is there.
 *
 * @param accepts whether a run is the one that was asked for; `isNew` if it was not there before
 * @throws LratError if the task ends without one
 */
export async function startRun(
  { watch, views, tasks }: RunStarter,
  definition: LratTaskDefinition,
  name: string,
  accepts: (run: RunSummary, isNew: boolean) => boolean,
): Promise<RunSummary> {
  const before = new Set((await watch.look()).runs.map(({ id }) => id));
  const task = tasks.make(definition, name);
  task.presentationOptions = { reveal: vscode.TaskRevealKind.Never, showReuseMessage: false };
  const listeners: vscode.Disposable[] = [];
  let execution: vscode.TaskExecution | undefined;
  const ended = new Promise<void>(done => {
    listeners.push(
      vscode.tasks.onDidEndTask(event => {
        if (event.execution === execution) done();
      }),
    );
  });
  try {
    execution = await vscode.tasks.executeTask(task);
    const run = await watch.appears(run => accepts(run, !before.has(run.id)), ended);
    if (run !== undefined) {
      views.open(run.id, run.name);
      return run;
    }
  } finally {
    for (const listener of listeners) listener.dispose();
  }
  throw new LratError(vscode.l10n.t('The task ended before its run began. Its terminal says why.'));
}
