import { dirname } from 'node:path';
import * as vscode from 'vscode';
import { holds, oneLine } from '../base/text.ts';
import type { Problem } from '../trajectory/model.ts';
import type { TrajectoryEntry } from '../workspace/index.ts';
import { whole } from './figures.ts';
import { SortedTree } from './tree.ts';
import { browsesWord, pairsWord, searchesWord } from './words.ts';
import type { LratWorkspace } from './workspace.ts';

/** What the tree can be grouped by. */
export type Grouping = 'folder' | 'retriever' | 'outcome' | 'question';

/** The groupings as people read them. */
export function groupingWords(): Readonly<Record<Grouping, string>> {
  return {
    folder: vscode.l10n.t('folder'),
    retriever: vscode.l10n.t('retriever'),
    outcome: vscode.l10n.t('outcome'),
    question: vscode.l10n.t('question'),
  };
}

/** What the trajectories of the tree can be sorted by; counts start with the greatest. */
export type TrajectoryOrder = 'place' | 'searches' | 'browses' | 'pairs' | 'outcome';

/** More trajectories than this are shown in pages of so many. */
const pageSize = 1000;

export type TreeNode =
  | { readonly kind: 'group' | 'page'; readonly name: string; readonly entries: readonly TrajectoryEntry[] }
  | { readonly kind: 'trajectory'; readonly entry: TrajectoryEntry }
  | { readonly kind: 'problems'; readonly problems: readonly Problem[] }
  /** Files that hold no log of a known format: told apart from problems, as most are no logs at all. */
  | { readonly kind: 'notLogs'; readonly count: number }
  | { readonly kind: 'problem' | 'notLog'; readonly problem: Problem };

/** The trajectories of the workspace, grouped and sorted, and what could not be read. */
export class TrajectoryTree extends SortedTree<TreeNode, TrajectoryOrder> {
  readonly #workspace: LratWorkspace;
  #grouping: Grouping;
  /** Asked for once until the index changes. */
  #entries: Promise<readonly TrajectoryEntry[]> | undefined;
  /** Pairs of each; undefined until mining, which takes its time, has counted them. */
  #pairs: ReadonlyMap<TrajectoryEntry, number> | undefined;
  #counting: Promise<void> | undefined;
  #parents = new Map<string, TreeNode>();
  #shown = 0;
  #columns: Columns = { searches: 1, browses: 1, pairs: 1 };

  constructor(workspace: LratWorkspace, grouping: Grouping, order: TrajectoryOrder) {
    const words = {
      filter: vscode.l10n.t('Show trajectories whose question, log or agent holds'),
      sort: vscode.l10n.t('Sort trajectories by'),
      orders: {
        place: vscode.l10n.t('place in the logs'),
        searches: vscode.l10n.t('searches, most first'),
        browses: vscode.l10n.t('browses, most first'),
        pairs: vscode.l10n.t('pairs, most first'),
        outcome: vscode.l10n.t('outcome'),
      },
    };
    super(words, order);
    this.#workspace = workspace;
    this.#grouping = grouping;
    workspace.onDidChange(change => {
      // A label changes no trajectory, and there may be very many of them.
      if (change === 'index') this.#entries = undefined;
      this.#counting = undefined;
      this.changed();
    });
  }

  /** How many trajectories are shown. */
  get shown(): number {
    return this.#shown;
  }

  get grouping(): Grouping {
    return this.#grouping;
  }

  set grouping(grouping: Grouping) {
    this.#grouping = grouping;
    this.changed();
  }

  protected async childrenOf(node?: TreeNode): Promise<TreeNode[]> {
    switch (node?.kind) {
      case undefined:
        return this.#roots();
      case 'group':
        return this.#pages(node.entries, node);
      case 'page':
        return this.#leaves(node.entries, node);
      case 'problems':
        return node.problems.map(problem => ({ kind: 'problem', problem }));
      case 'notLogs': {
        const files = await this.#workspace.inspector.ask('notLogs');
        return files.map(problem => ({ kind: 'notLog', problem }));
      }
      default:
        return [];
    }
  }

  getParent(node: TreeNode): TreeNode | undefined {
    return this.#parents.get(idOf(node));
  }

  /** All trajectories of the workspace, in order of place. */
  entries(): Promise<readonly TrajectoryEntry[]> {
    this.#entries ??= this.#workspace.inspector.ask('trajectories', {}, { offset: 0, limit: -1 });
    return this.#entries;
  }

  /** The node of a trajectory with all that it lies in made known, or undefined if the tree does not show it. */
  async find(log: string, trajectory: string): Promise<TreeNode | undefined> {
    const look = async (parent?: TreeNode): Promise<TreeNode | undefined> => {
      for (const node of await this.childrenOf(parent)) {
        const isIt = ({ log: l, trajectory: t }: TrajectoryEntry) => l === log && t === trajectory;
        if (node.kind === 'trajectory' && isIt(node.entry)) return node;
        if ((node.kind === 'group' || node.kind === 'page') && node.entries.some(isIt)) return look(node);
      }
      return undefined;
    };
    return look();
  }

  async #roots(): Promise<TreeNode[]> {
    const [all, status] = await Promise.all([this.entries(), this.#workspace.inspector.ask('status')]);
    this.#counting ??= this.#count();
    if (this.order === 'pairs') await this.#counting;
    const shown = all.filter(({ question, log, trajectory, agent }) =>
      holds(this.filter, [question, log, trajectory, agent]),
    );
    const problems = status.problems.filter(({ log, reason }) => holds(this.filter, [log, reason]));
    this.#shown = shown.length;
    const digits = (count: (entry: TrajectoryEntry) => number) =>
      whole(shown.reduce((most, entry) => Math.max(most, count(entry)), 0)).length;
    this.#columns = {
      searches: digits(entry => entry.searches),
      browses: digits(entry => entry.browses),
      pairs: digits(entry => this.#pairsOf(entry) ?? 0),
    };
    this.#sort(shown);
    this.#parents = new Map();
    const groups = Map.groupBy(shown, entry => groupOf(entry, this.#grouping));
    const nodes: TreeNode[] =
      groups.size === 1 && this.#grouping === 'folder'
        ? this.#pages(shown)
        : [...groups].map(([name, entries]) => ({ kind: 'group', name, entries }));
    if (problems.length > 0) nodes.push({ kind: 'problems', problems });
    if (status.notLogs > 0 && this.filter === '') nodes.push({ kind: 'notLogs', count: status.notLogs });
    return nodes;
  }

  /** Counts all pairs in one go, off this thread; the tree is there without them, and shows them once they come. */
  async #count(): Promise<void> {
    const asked = this.#workspace.inspector.ask('pairCountsInOrder').catch(() => undefined);
    const [entries, counts] = [await this.entries(), await asked];
    // Of another state of the index, whose change is about to be told.
    if (counts?.length !== entries.length) return;
    const before = this.#pairs;
    this.#pairs = new Map(entries.map((entry, i) => [entry, counts[i]!]));
    if (before === undefined || entries.some((entry, i) => before.get(entry) !== counts[i])) this.changed();
  }

  #sort(entries: TrajectoryEntry[]): void {
    const by: Record<Exclude<TrajectoryOrder, 'place'>, (entry: TrajectoryEntry) => number> = {
      searches: entry => -entry.searches,
      browses: entry => -entry.browses,
      pairs: entry => -(this.#pairsOf(entry) ?? 0),
      outcome: ({ outcome }) => ['correct', 'incorrect', 'unknown'].indexOf(outcome),
    };
    if (this.order === 'place') return;
    const rank = by[this.order];
    entries.sort((a, b) => rank(a) - rank(b));
  }

  /** Pairs of a trajectory; undefined while they are not counted yet. */
  #pairsOf(entry: TrajectoryEntry): number | undefined {
    return entry.noPairs !== null ? 0 : this.#pairs?.get(entry);
  }

  #leaves(entries: readonly TrajectoryEntry[], parent?: TreeNode): TreeNode[] {
    return entries.map(entry => this.#in(parent, { kind: 'trajectory', entry }));
  }

  #pages(entries: readonly TrajectoryEntry[], parent?: TreeNode): TreeNode[] {
    if (entries.length <= pageSize) return this.#leaves(entries, parent);
    return Array.from({ length: Math.ceil(entries.length / pageSize) }, (_, i) => {
      const page = entries.slice(i * pageSize, (i + 1) * pageSize);
      const name = `${whole(i * pageSize + 1)} – ${whole(i * pageSize + page.length)}`;
      return this.#in(parent, { kind: 'page', name, entries: page });
    });
  }

  #in(parent: TreeNode | undefined, node: TreeNode): TreeNode {
    if (parent !== undefined) this.#parents.set(idOf(node), parent);
    return node;
  }

  getTreeItem(node: TreeNode): vscode.TreeItem {
    switch (node.kind) {
      case 'group':
      case 'page': {
        const item = new vscode.TreeItem(node.name, vscode.TreeItemCollapsibleState.Collapsed);
        item.id = idOf(node);
        item.description = whole(node.entries.length);
        return item;
      }
      case 'trajectory':
        return trajectoryItem(node.entry, this.#pairsOf(node.entry), this.#columns);
      case 'problems': {
        const item = new vscode.TreeItem(
          vscode.l10n.t('Problems'),
          vscode.TreeItemCollapsibleState.Collapsed,
        );
        item.description = whole(node.problems.length);
        item.iconPath = new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
        return item;
      }
      case 'notLogs': {
        const item = new vscode.TreeItem(
          vscode.l10n.t('Files in no known format'),
          vscode.TreeItemCollapsibleState.Collapsed,
        );
        item.id = idOf(node);
        item.description = whole(node.count);
        item.iconPath = new vscode.ThemeIcon('question', new vscode.ThemeColor('descriptionForeground'));
        return item;
      }
      case 'notLog': {
        const { log, reason } = node.problem;
        const item = new vscode.TreeItem(log);
        item.contextValue = 'problem';
        item.command = openAsText(node);
        item.description = reason;
        item.tooltip = `${log}\n${reason}`;
        item.iconPath = new vscode.ThemeIcon('json', new vscode.ThemeColor('descriptionForeground'));
        return item;
      }
      case 'problem': {
        const { log, place, reason } = node.problem;
        const item = new vscode.TreeItem(log);
        item.contextValue = 'problem';
        item.command = openAsText(node);
        item.description = place === '' ? reason : `${place}: ${reason}`;
        item.tooltip = `${log}${place === '' ? '' : `, ${place}`}\n${reason}`;
        item.iconPath = new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
        return item;
      }
    }
  }
}

function openAsText(node: TreeNode): vscode.Command {
  return { command: 'lrat.openLog', title: vscode.l10n.t('Open Raw Log at This Place'), arguments: [node] };
}

/** Digits of the counts before the questions, so that they stand below each other. */
type Columns = Readonly<Record<'searches' | 'browses' | 'pairs', number>>;

/** The counts come first: a question takes all of a narrow side bar, and nothing behind it would be seen. */
function trajectoryItem(
  entry: TrajectoryEntry,
  pairs: number | undefined,
  columns: Columns,
): vscode.TreeItem {
  const question = entry.question ?? entry.trajectory;
  // Figure spaces are as wide as digits.
  const numbers = [
    whole(entry.searches).padStart(columns.searches, '\u2007'),
    whole(entry.browses).padStart(columns.browses, '\u2007'),
    (pairs === undefined ? '…' : whole(pairs)).padStart(columns.pairs, '\u2007'),
  ];
  const item = new vscode.TreeItem(`${numbers.join(' · ')}\u2002${oneLine(question)}`);
  item.id = keyOf(entry);
  const counts = [
    searchesWord(entry.searches),
    browsesWord(entry.browses),
    ...(pairs === undefined ? [] : [pairsWord(pairs)]),
  ];
  const lines = [
    question,
    counts.join(', '),
    entry.log,
    outcomeWord(entry.outcome),
    entry.agent,
    entry.retriever,
    entry.noPairs,
  ];
  item.tooltip = lines.filter(line => line !== null).join('\n');
  item.iconPath = outcomeIcon(entry.outcome);
  item.accessibilityInformation = {
    label: `${question}, ${outcomeWord(entry.outcome)}, ${counts.join(', ')}`,
  };
  item.contextValue = 'trajectory';
  item.command = {
    command: 'lrat.openTrajectory',
    title: vscode.l10n.t('Open Trajectory'),
    arguments: [{ kind: 'trajectory', entry } satisfies TreeNode],
  };
  return item;
}

export function outcomeWord(outcome: TrajectoryEntry['outcome']): string {
  switch (outcome) {
    case 'correct':
      return vscode.l10n.t('correct');
    case 'incorrect':
      return vscode.l10n.t('incorrect');
    case 'unknown':
      return vscode.l10n.t('outcome unknown');
  }
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

/** Names a node across refreshes, so that VS Code keeps what is open and selected. */
function idOf(node: TreeNode): string {
  switch (node.kind) {
    case 'trajectory':
      return keyOf(node.entry);
    case 'group':
      return `group ${node.name}`;
    case 'page':
      return `page ${node.name} ${keyOf(node.entries[0]!)}`;
    case 'problems':
    case 'notLogs':
      return node.kind;
    case 'problem':
    case 'notLog':
      return `${node.kind} ${JSON.stringify(node.problem)}`;
  }
}

function keyOf({ log, trajectory }: TrajectoryEntry): string {
  return JSON.stringify([log, trajectory]);
}

function groupOf(entry: TrajectoryEntry, grouping: Grouping): string {
  switch (grouping) {
    case 'folder':
      return dirname(entry.log);
    case 'retriever':
      return entry.retriever ?? vscode.l10n.t('retriever not named');
    case 'outcome':
      return outcomeWord(entry.outcome);
    case 'question':
      return entry.question ?? entry.queryId ?? vscode.l10n.t('question not known');
  }
}
