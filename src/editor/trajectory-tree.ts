import { dirname } from 'node:path';
import * as vscode from 'vscode';
import type { Problem } from '../trajectory/model.ts';
import type { TrajectoryEntry } from '../workspace/index.ts';
import type { LratWorkspace } from './workspace.ts';

/** What the tree can be grouped by. */
export const groupings = ['folder', 'retriever', 'outcome', 'question'] as const;
export type Grouping = (typeof groupings)[number];

export function groupingWord(grouping: Grouping): string {
  switch (grouping) {
    case 'folder':
      return vscode.l10n.t('folder');
    case 'retriever':
      return vscode.l10n.t('retriever');
    case 'outcome':
      return vscode.l10n.t('outcome');
    case 'question':
      return vscode.l10n.t('question');
  }
}

/** More trajectories than this are shown in pages of so many. */
const pageSize = 1000;

export type TreeNode =
  | { readonly kind: 'group'; readonly name: string; readonly entries: readonly TrajectoryEntry[] }
  | { readonly kind: 'page'; readonly name: string; readonly entries: readonly TrajectoryEntry[] }
  | { readonly kind: 'trajectory'; readonly entry: TrajectoryEntry }
  | { readonly kind: 'problems'; readonly problems: readonly Problem[] }
  | { readonly kind: 'problem'; readonly problem: Problem };

/** The trajectories of the workspace, grouped, and what could not be read. */
export class TrajectoryTree implements vscode.TreeDataProvider<TreeNode> {
  readonly #workspace: LratWorkspace;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.#changed.event;
  #grouping: Grouping;
  #filter = '';

  constructor(workspace: LratWorkspace, grouping: Grouping) {
    this.#workspace = workspace;
    this.#grouping = grouping;
    workspace.onDidChange(() => this.#changed.fire());
  }

  get grouping(): Grouping {
    return this.#grouping;
  }

  set grouping(grouping: Grouping) {
    this.#grouping = grouping;
    this.#changed.fire();
  }

  /** Only trajectories whose question, log or agent holds these words are shown. */
  get filter(): string {
    return this.#filter;
  }

  set filter(words: string) {
    this.#filter = words;
    this.#changed.fire();
  }

  async getChildren(node?: TreeNode): Promise<TreeNode[]> {
    switch (node?.kind) {
      case undefined:
        return this.#roots();
      case 'group':
        return pages(node.entries);
      case 'page':
        return node.entries.map(entry => ({ kind: 'trajectory', entry }));
      case 'problems':
        return node.problems.map(problem => ({ kind: 'problem', problem }));
      default:
        return [];
    }
  }

  async #roots(): Promise<TreeNode[]> {
    const { inspector } = this.#workspace;
    const [all, status] = await Promise.all([
      inspector.ask('trajectories', {}, { offset: 0, limit: -1 }),
      inspector.ask('status'),
    ]);
    const words = this.#filter.toLowerCase();
    const shown = words === '' ? all : all.filter(entry => searched(entry).includes(words));
    const groups = Map.groupBy(shown, entry => groupOf(entry, this.#grouping));
    const nodes: TreeNode[] =
      groups.size === 1 && this.#grouping === 'folder'
        ? pages(shown)
        : [...groups].map(([name, entries]) => ({ kind: 'group', name, entries }));
    return status.problems.length === 0 ? nodes : [...nodes, { kind: 'problems', problems: status.problems }];
  }

  getTreeItem(node: TreeNode): vscode.TreeItem {
    switch (node.kind) {
      case 'group':
      case 'page': {
        const item = new vscode.TreeItem(node.name, vscode.TreeItemCollapsibleState.Collapsed);
        item.description = String(node.entries.length);
        return item;
      }
      case 'trajectory':
        return trajectoryItem(node.entry);
      case 'problems': {
        const item = new vscode.TreeItem(
          vscode.l10n.t('Problems'),
          vscode.TreeItemCollapsibleState.Collapsed,
        );
        item.description = String(node.problems.length);
        item.iconPath = new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
        return item;
      }
      case 'problem': {
        const { log, place, reason } = node.problem;
        const item = new vscode.TreeItem(log);
        item.description = place === '' ? reason : `${place}: ${reason}`;
        item.tooltip = `${log}${place === '' ? '' : `, ${place}`}\n${reason}`;
        item.iconPath = new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
        return item;
      }
    }
  }
}

function trajectoryItem(entry: TrajectoryEntry): vscode.TreeItem {
  const item = new vscode.TreeItem(entry.question ?? entry.trajectory);
  item.id = JSON.stringify([entry.log, entry.trajectory]);
  const counts = [
    vscode.l10n.t('{0} searches', entry.searches),
    vscode.l10n.t('{0} browses', entry.browses),
    ...(entry.noPairs === null ? [] : [vscode.l10n.t('no pairs')]),
  ];
  item.description = counts.join(' · ');
  const lines = [
    entry.question ?? entry.trajectory,
    entry.log,
    entry.outcome,
    entry.agent,
    entry.retriever,
    entry.noPairs,
  ];
  item.tooltip = lines.filter(line => line !== null).join('\n');
  item.iconPath = outcomeIcon(entry.outcome);
  item.accessibilityInformation = {
    label: `${entry.question ?? entry.trajectory}, ${entry.outcome}, ${counts.join(', ')}`,
  };
  item.contextValue = 'trajectory';
  item.command = {
    command: 'lrat.openTrajectory',
    title: vscode.l10n.t('Open Trajectory'),
    arguments: [{ kind: 'trajectory', entry } satisfies TreeNode],
  };
  return item;
}

function outcomeIcon(outcome: TrajectoryEntry['outcome']): vscode.ThemeIcon {
  switch (outcome) {
    case 'correct':
      return new vscode.ThemeIcon('pass', new vscode.ThemeColor('testing.iconPassed'));
    case 'incorrect':
      return new vscode.ThemeIcon('error', new vscode.ThemeColor('testing.iconFailed'));
    case 'unknown':
      return new vscode.ThemeIcon('circle-outline', new vscode.ThemeColor('descriptionForeground'));
  }
}

function pages(entries: readonly TrajectoryEntry[]): TreeNode[] {
  if (entries.length <= pageSize) return entries.map(entry => ({ kind: 'trajectory', entry }));
  return Array.from({ length: Math.ceil(entries.length / pageSize) }, (_, i) => {
    const page = entries.slice(i * pageSize, (i + 1) * pageSize);
    return { kind: 'page', name: `${i * pageSize + 1} – ${i * pageSize + page.length}`, entries: page };
  });
}

function groupOf(entry: TrajectoryEntry, grouping: Grouping): string {
  switch (grouping) {
    case 'folder':
      return dirname(entry.log);
    case 'retriever':
      return entry.retriever ?? vscode.l10n.t('retriever not named');
    case 'outcome':
      return entry.outcome;
    case 'question':
      return entry.question ?? entry.queryId ?? vscode.l10n.t('question not known');
  }
}

function searched({ question, log, trajectory, agent }: TrajectoryEntry): string {
  return [question, log, trajectory, agent].join('\n').toLowerCase();
}
