import { userInfo } from 'node:os';
import * as vscode from 'vscode';
import { registerCommands, registerWithoutFolder } from './editor/commands.ts';
import { type Grouping, TrajectoryTree } from './editor/trajectory-tree.ts';
import { TrajectoryViews, trajectoryViewType } from './editor/trajectory-view.ts';
import { LratWorkspace } from './editor/workspace.ts';

/** The composition root of the editor: builds the parts and hands them to each other. */
export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel('LRAT', { log: true });
  context.subscriptions.push(log);
  const folder = vscode.workspace.workspaceFolders?.[0];
  if (folder === undefined) {
    context.subscriptions.push(registerWithoutFolder());
    return;
  }
  const workspace = new LratWorkspace(folder, userInfo().username);
  const tree = new TrajectoryTree(workspace, context.workspaceState.get<Grouping>('grouping', 'folder'));
  const views = new TrajectoryViews(context.extensionUri, workspace, log);
  context.subscriptions.push(
    workspace,
    vscode.window.createTreeView('lrat.trajectories', { treeDataProvider: tree, showCollapseAll: true }),
    vscode.window.registerCustomEditorProvider(trajectoryViewType, views, {
      supportsMultipleEditorsPerDocument: true,
    }),
    vscode.window.registerWebviewPanelSerializer(trajectoryViewType, views),
    registerCommands({ workspace, tree, views, memory: context.workspaceState, log }),
  );
}
