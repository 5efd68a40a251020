import { resolve } from 'node:path';
import * as vscode from 'vscode';
import { describeError } from '../base/errors.ts';
import { type Job, unwatched } from '../base/progress.ts';
import { isArchive } from '../trajectory/log.ts';
import type { Problem } from '../trajectory/model.ts';
import type { TrajectoryEntry } from '../workspace/index.ts';
import type { CompareViews } from './compare-view.ts';
import { whole } from './figures.ts';
import { withJob } from './job.ts';
import type { LabelNode } from './labels-tree.ts';
import { runCommandLine } from './process.ts';
import type { RunWatch } from './run-watch.ts';
import { showLog } from './show-text.ts';
import { groupingWords, outcomeWord, type TrajectoryTree, type TreeNode } from './trajectory-tree.ts';
import { type TrajectoryViews, trajectoryViewType } from './trajectory-view.ts';
import { choose } from './tree.ts';
import type { LratWorkspace } from './workspace.ts';

type Node = TreeNode | LabelNode;

/** What the commands work on. */
export interface Parts {
  readonly workspace: LratWorkspace;
  readonly watch: RunWatch;
  readonly tree: TrajectoryTree;
  readonly views: TrajectoryViews;
  readonly compareViews: CompareViews;
  readonly memory: vscode.Memento;
  readonly log: vscode.LogOutputChannel;
}

/** Every command of the manifest, which all say that there is no folder, while there is none. */
export function registerWithoutFolder({ extension }: vscode.ExtensionContext): vscode.Disposable {
  const say = () =>
    vscode.window.showInformationMessage(vscode.l10n.t('Open a folder that holds search-agent logs first.'));
  const { commands } = extension.packageJSON.contributes as { commands: readonly { command: string }[] };
  return vscode.Disposable.from(
    ...commands.map(({ command }) => vscode.commands.registerCommand(command, say)),
  );
}

/** Registers the commands on trajectories and logs, and those on LRAT as a whole. */
export function registerCommands(parts: Parts): vscode.Disposable {
  const { workspace, watch, tree, views, compareViews, memory, log } = parts;
  const trajectoryOf = (node: Node | undefined) => (node?.kind === 'trajectory' ? node.entry : undefined);
  const commands: Record<string, (job: Job, node?: Node, selected?: readonly Node[]) => Promise<unknown>> = {
    'lrat.index': async () => {
      requireTrust();
      const work = (job: Job) => runCommandLine(['index', '--workspace', workspace.path], job);
      await withJob(vscode.l10n.t('Indexing logs'), work);
      await workspace.refresh();
      return workspace.inspector.ask('status');
    },
    'lrat.refresh': () => Promise.all([workspace.refresh(), watch.refresh()]),
    'lrat.groupTrajectories': async (_, argument) => {
      const question = vscode.l10n.t('Group trajectories by');
      const grouping = await choose(question, groupingWords(), tree.grouping, argument);
      if (grouping === undefined) return;
      tree.grouping = grouping;
      await memory.update('grouping', grouping);
    },
    'lrat.openTrajectory': async (_, node) => {
      // The explorer gives a file, of any ending: the view says what is in it, or that the index does not have it.
      const given: unknown = node;
      if (given instanceof vscode.Uri)
        return vscode.commands.executeCommand('vscode.openWith', given, trajectoryViewType);
      const entry = trajectoryOf(node);
      if (entry !== undefined) views.open(entry, entry.question ?? entry.trajectory);
    },
    'lrat.openLog': async (_, node) => {
      if (node?.kind === 'problem' || node?.kind === 'notLog') return openProblem(workspace, node.problem);
      const browse = node?.kind === 'browse' ? node.browse.key : undefined;
      const place = browse ?? trajectoryOf(node);
      if (place === undefined) return;
      const { log, trajectory } = place;
      await views.openLog(log, await workspace.inspector.ask('positionOf', log, trajectory, browse));
    },
    'lrat.revealLog': async (_, node) => {
      const entry = trajectoryOf(node);
      if (entry === undefined) return;
      const path = await workspace.inspector.ask('pathOf', entry.log);
      await vscode.commands.executeCommand('revealInExplorer', vscode.Uri.file(path));
    },
    'lrat.copyLogPath': async (_, node) => {
      const entry = trajectoryOf(node);
      if (entry === undefined) return;
      await vscode.env.clipboard.writeText(await workspace.inspector.ask('pathOf', entry.log));
    },
    'lrat.compareTrajectories': async (_, node, selected) => {
      const chosen = (selected ?? []).flatMap(each => trajectoryOf(each) ?? []);
      const left = chosen[0] ?? trajectoryOf(node) ?? (await pickTrajectory(await tree.entries()));
      if (left === undefined) return;
      const right = chosen.length === 2 ? chosen[1] : await pickTrajectory(await tree.entries(), left);
      if (right !== undefined) compareViews.open(left, right, left.question ?? left.trajectory);
    },
    'lrat.openTrajectoryAtCursor': async () => {
      const editor = vscode.window.activeTextEditor;
      if (editor === undefined) return;
      const { line, character } = editor.selection.active;
      const path = editor.document.uri.fsPath;
      const at = await workspace.inspector.ask('stepAt', path, line + 1, character + 1);
      if (at !== null) return views.openStep(at, at.step);
      return vscode.window.showInformationMessage(
        vscode.l10n.t('There is no trajectory at the cursor, or the log is not in the index.'),
      );
    },
    'lrat.showLog': async () => log.show(),
  };
  return registerAll(commands, log);
}

/** Opens a log at what is wrong with it; an archive as its trajectories, or as how it is read if it has none. */
async function openProblem(workspace: LratWorkspace, { log, place }: Problem): Promise<void> {
  // A log that could not be read at all is known by its path alone.
  const { inspector } = workspace;
  const path = await inspector.ask('pathOf', log).catch(() => resolve(workspace.path, log));
  const uri = vscode.Uri.file(path);
  // What stands in an archive can be read in its trajectories alone.
  if (isArchive(path) && (await inspector.ask('trajectoriesOf', path)).length > 0)
    await vscode.commands.executeCommand('vscode.openWith', uri, trajectoryViewType);
  else await showLog(uri, Number(/\bline (\d+)/.exec(place)?.[1] ?? 1));
}

/** Lets the user choose a trajectory; those of the same question as another one come first. */
async function pickTrajectory(
  entries: readonly TrajectoryEntry[],
  beside?: TrajectoryEntry,
): Promise<TrajectoryEntry | undefined> {
  const isSame = (entry: TrajectoryEntry) =>
    beside?.question != null ? entry.question === beside.question : entry.queryId === beside?.queryId;
  const others = entries.filter(entry => entry.log !== beside?.log || entry.trajectory !== beside.trajectory);
  const items = others.map(entry => ({
    entry,
    label: entry.question ?? entry.trajectory,
    description: outcomeWord(entry.outcome),
    detail: entry.log,
  }));
  const same = beside === undefined ? [] : items.filter(({ entry }) => isSame(entry));
  const title = (label: string) => ({ label, kind: vscode.QuickPickItemKind.Separator });
  const choice = await vscode.window.showQuickPick<vscode.QuickPickItem & { entry?: TrajectoryEntry }>(
    same.length === 0
      ? items
      : [
          title(vscode.l10n.t('Of the same question')),
          ...same,
          title(vscode.l10n.t('Others')),
          ...items.filter(({ entry }) => !isSame(entry)),
        ],
    {
      placeHolder:
        beside === undefined ? vscode.l10n.t('Trajectory to compare') : vscode.l10n.t('Compare with…'),
      matchOnDetail: true,
    },
  );
  return choice?.entry;
}

/**
 * Registers commands by name; all go through `guarded`.
 * @param fails whether a command that fails, or is cancelled, also fails for who called it
 */
export function registerAll<Argument>(
  commands: Readonly<
    Record<string, (job: Job, argument?: Argument, selected?: readonly Argument[]) => Promise<unknown>>
  >,
  log: vscode.LogOutputChannel,
  { fails = false } = {},
): vscode.Disposable {
  return vscode.Disposable.from(
    ...Object.entries(commands).map(([name, run]) =>
      vscode.commands.registerCommand(name, (argument?: Argument, selected?: readonly Argument[]) =>
        guarded(log, job => run(job, argument, Array.isArray(selected) ? selected : undefined), fails),
      ),
    ),
  );
}

/** Viewing works in a workspace that nobody trusts; starting processes on its files does not. */
export function requireTrust(): void {
  if (!vscode.workspace.isTrusted) {
    throw new Error(
      vscode.l10n.t('This needs a trusted workspace: it starts a process on the workspace’s files.'),
    );
  }
}

/**
 * What every command goes through: the status bar says that it is at work, a cancelled command stays silent, a failed one
 * gives a short message whose details are in the log. What takes long is shown by `withJob` besides.
 */
async function guarded(
  log: vscode.LogOutputChannel,
  run: (job: Job) => Promise<unknown>,
  fails: boolean,
): Promise<unknown> {
  return vscode.window.withProgress(
    { location: vscode.ProgressLocation.Window, title: 'LRAT' },
    async progress => {
      try {
        return await run({
          ...unwatched,
          report: ({ task, done, total, unit }) =>
            progress.report({
              message: `${task} ${whole(done)}${total === undefined ? '' : `/${whole(total)}`} ${unit}`,
            }),
        });
      } catch (error) {
        if (error instanceof Error && error.name === 'AbortError') {
          if (fails) throw error;
          return undefined;
        }
        log.error(error instanceof Error ? error : String(error));
        const show = vscode.l10n.t('Show log');
        void vscode.window.showErrorMessage(describeError(error), show).then(choice => {
          if (choice === show) log.show();
        });
        if (fails) throw error;
        return undefined;
      }
    },
  );
}
