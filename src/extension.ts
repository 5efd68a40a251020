import * as vscode from 'vscode';
import { Annotations, annotationCommands } from './editor/annotations.ts';
import { registerAll, registerCommands, registerWithoutFolder } from './editor/commands.ts';
import { CompareViews, compareViewType } from './editor/compare-view.ts';
import { copyDiagnostics, rememberLines } from './editor/diagnostics.ts';
import { evaluateCommands } from './editor/evaluate-command.ts';
import { Explanations } from './editor/explain.ts';
import { exportCommands } from './editor/export-command.ts';
import { LogFollower } from './editor/follow.ts';
import { judgeCommands } from './editor/judge-command.ts';
import { labelCommands } from './editor/label-commands.ts';
import { LabelTree } from './editor/labels-tree.ts';
import { mineCommands } from './editor/mine-command.ts';
import { Notes } from './editor/notes.ts';
import { PairsViews, pairsViewType } from './editor/pairs-view.ts';
import { RunComparisons, runComparisonType } from './editor/run-comparison.ts';
import { RunViews, runViewType } from './editor/run-view.ts';
import { RunWatch } from './editor/run-watch.ts';
import { RunTree } from './editor/runs-tree.ts';
import { ApiKeys } from './editor/secrets.ts';
import { onSetting, personName } from './editor/settings.ts';
import { StatusBar, tellEnds } from './editor/status-bar.ts';
import { LratTasks } from './editor/tasks.ts';
import { TerminalLinks } from './editor/terminal-links.ts';
import { runCommands } from './editor/train-command.ts';
import type { TreeNode } from './editor/trajectory-tree.ts';
import { type Grouping, TrajectoryTree } from './editor/trajectory-tree.ts';
import { TrajectoryViews, trajectoryViewType } from './editor/trajectory-view.ts';
import { Transcripts } from './editor/transcript.ts';
import { orderOf, treeCommands } from './editor/tree.ts';
import { browsesWord } from './editor/words.ts';
import { LratWorkspace } from './editor/workspace.ts';
import type { BrowsePlace } from './protocol.ts';

/** The composition root of the editor: builds the parts and hands them to each other. */
export function activate(context: vscode.ExtensionContext): void {
  const channel = vscode.window.createOutputChannel('LRAT', { log: true });
  const { log, lines } = rememberLines(channel);
  context.subscriptions.push(channel);
  const folder = vscode.workspace.workspaceFolders?.[0];
  if (folder === undefined) {
    context.subscriptions.push(registerWithoutFolder(context));
    return;
  }
  const folders = vscode.workspace.workspaceFolders?.length ?? 0;
  if (folders > 1) log.info(`Works in ${folder.uri.fsPath}, the first of ${folders} folders of this window.`);
  const { workspaceState: memory } = context;
  const workspace = new LratWorkspace(folder, personName());
  const tree = new TrajectoryTree(
    workspace,
    memory.get<Grouping>('grouping', 'folder'),
    orderOf(memory, 'Trajectories', 'place'),
  );
  const views = new TrajectoryViews(context.extensionUri, workspace, log);
  const compareViews = new CompareViews(context.extensionUri, workspace, views, log);
  const watch = new RunWatch(workspace, log);
  const runViews = new RunViews(context.extensionUri, workspace, watch, log);
  const comparisons = new RunComparisons(context.extensionUri, workspace, runViews, log);
  const keys = new ApiKeys(context.secrets);
  const tasks = new LratTasks(folder, keys);
  const explanations = new Explanations(workspace);
  const runs = new RunTree(watch, orderOf(memory, 'Runs', 'newest'));
  const runView = vscode.window.createTreeView('lrat.runs', { treeDataProvider: runs, canSelectMany: true });
  context.subscriptions.push(
    watch,
    runView,
    registerAll(treeCommands('Runs', runs, runView, memory), log),
    vscode.window.registerWebviewPanelSerializer(runViewType, runViews),
    vscode.window.registerWebviewPanelSerializer(runComparisonType, comparisons),
    vscode.tasks.registerTaskProvider('lrat', tasks),
    registerAll(runCommands({ workspace, watch, views: runViews, comparisons, tasks, memory }), log),
    new StatusBar(workspace, watch),
    new LogFollower(workspace, log),
    tellEnds(watch, id => runViews.shows(id)),
    vscode.window.registerTerminalLinkProvider(new TerminalLinks(workspace, watch, runViews, views)),
    explanations,
    registerAll<TreeNode | vscode.Uri>({ 'lrat.explainLog': (_, target) => explanations.open(target) }, log),
    registerAll({ 'lrat.copyDiagnostics': () => copyDiagnostics(context, workspace, watch, lines) }, log),
  );
  const pairs = new PairsViews(context.extensionUri, workspace, views, log);
  context.subscriptions.push(
    vscode.window.registerWebviewPanelSerializer(pairsViewType, pairs),
    registerAll<BrowsePlace>({ 'lrat.openPairs': async (_, browse) => pairs.open(browse) }, log),
  );
  const transcripts = new Transcripts(workspace);
  const annotations = new Annotations(context.extensionUri, workspace, transcripts, log);
  const notes = new Notes(workspace, annotations);
  context.subscriptions.push(
    transcripts,
    annotations,
    notes,
    registerAll(annotationCommands(workspace, annotations, transcripts), log),
    // The editor keeps what was typed only if the command fails.
    registerAll(notes.commands(), log, { fails: true }),
  );
  const labels = new LabelTree(workspace, orderOf(memory, 'Labels', 'place'));
  const labelView = vscode.window.createTreeView('lrat.labels', { treeDataProvider: labels });
  context.subscriptions.push(
    labels,
    labelView,
    labels.onDidCount(({ waiting }) => {
      const tooltip = vscode.l10n.t('{0} without a label', browsesWord(waiting));
      labelView.badge = waiting === 0 ? undefined : { value: waiting, tooltip };
    }),
    registerAll(labelCommands({ workspace, tree: labels, treeView: labelView, views }), log),
    registerAll(treeCommands('Labels', labels, labelView, memory), log),
    registerAll(judgeCommands({ workspace, keys, memory }), log),
    registerAll(mineCommands(workspace), log),
    registerAll(evaluateCommands({ workspace, watch, views: runViews, tasks, memory }), log),
    registerAll(exportCommands(workspace), log),
  );
  const treeView = vscode.window.createTreeView('lrat.trajectories', {
    treeDataProvider: tree,
    showCollapseAll: true,
    canSelectMany: true,
  });
  context.subscriptions.push(
    workspace,
    // The menus of texts offer LRAT only where there is something to go to.
    workspace.onDidOpen(() => void vscode.commands.executeCommand('setContext', 'lrat.indexed', true)),
    onSetting('person', () => workspace.signAs(personName())),
    treeView,
    registerAll(treeCommands('Trajectories', tree, treeView, memory), log),
    tree.onDidFill(() => {
      // A view that says something keeps its welcome to itself.
      treeView.message = tree.shown === 0 ? '' : vscode.l10n.t('Searches · browses · pairs');
    }),
    // What is looked at is selected in the tree, if that is on the screen.
    views.onDidShow(async ({ log: name, trajectory }) => {
      const node = treeView.visible ? await tree.find(name, trajectory) : undefined;
      if (node !== undefined) await treeView.reveal(node, { select: true, focus: false });
    }),
    vscode.window.registerCustomEditorProvider(trajectoryViewType, views, {
      supportsMultipleEditorsPerDocument: true,
    }),
    vscode.window.registerWebviewPanelSerializer(trajectoryViewType, views),
    vscode.window.registerWebviewPanelSerializer(compareViewType, compareViews),
    registerCommands({ workspace, watch, tree, views, compareViews, memory, log }),
  );
}
