import * as vscode from 'vscode';
import { formatNumber } from '../evaluation/table.ts';
import type { RunSummary } from '../jobs/runs.ts';
import type { Problem } from '../trajectory/model.ts';
import type { RunWatch } from './run-watch.ts';

export type RunNode =
  | { readonly kind: 'run'; readonly run: RunSummary }
  | { readonly kind: 'runProblem'; readonly problem: Problem };

/** The runs of the workspace, newest first, and those whose records cannot be read. */
export class RunTree implements vscode.TreeDataProvider<RunNode> {
  readonly #watch: RunWatch;
  readonly onDidChangeTreeData: vscode.Event<void>;

  constructor(watch: RunWatch) {
    this.#watch = watch;
    this.onDidChangeTreeData = watch.onDidChange;
  }

  async getChildren(node?: RunNode): Promise<RunNode[]> {
    if (node !== undefined) return [];
    const { runs, problems } = await this.#watch.list();
    return [
      ...runs.map((run): RunNode => ({ kind: 'run', run })),
      ...problems.map((problem): RunNode => ({ kind: 'runProblem', problem })),
    ];
  }

  getTreeItem(node: RunNode): vscode.TreeItem {
    if (node.kind === 'run') return runItem(node.run);
    const { log, reason } = node.problem;
    const item = new vscode.TreeItem(log);
    item.description = reason;
    item.tooltip = reason;
    item.iconPath = new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
    return item;
  }
}

function runItem(run: RunSummary): vscode.TreeItem {
  const item = new vscode.TreeItem(run.name);
  item.id = run.id;
  item.description = describe(run);
  item.tooltip = [
    `${run.name}: ${run.title}`,
    vscode.l10n.t('Run {0}, started {1}', run.id, new Date(run.created).toLocaleString()),
    item.description,
    ...(run.error === null ? [] : [run.error]),
  ].join('\n');
  item.iconPath = stateIcon(run.state);
  item.accessibilityInformation = { label: `${run.name}, ${run.title}, ${item.description}` };
  item.contextValue = `run.${run.kind}.${run.state}`;
  item.command = {
    command: 'lrat.openRun',
    title: vscode.l10n.t('Open Run'),
    arguments: [{ kind: 'run', run } satisfies RunNode],
  };
  return item;
}

function describe(run: RunSummary): string {
  return [
    kindWord(run.kind),
    stateWord(run.state),
    ...(run.state === 'finished' || run.steps === 0 ? [] : [`${run.step}/${run.steps}`]),
    headline(run),
  ]
    .filter(part => part !== null)
    .join(' · ');
}

/** What a run is told by: what came of it, else the first figure measured on held-out questions, else the loss. */
export function headline({ figures, loss, counts }: RunSummary): string | null {
  if (Object.keys(counts).length > 0) {
    return countNames()
      .filter(([name]) => (counts[name] ?? 0) > 0)
      .map(([name, word]) => `${counts[name]!.toLocaleString()} ${word}`)
      .join(', ');
  }
  const [measured] = Object.entries(figures);
  if (measured !== undefined) return `${measured[0]} ${formatNumber(measured[1])}`;
  return loss === null ? null : vscode.l10n.t('loss {0}', loss.toFixed(3));
}

/** The numbers that judging and mining end with, as people read them. */
export function countNames(): readonly (readonly [string, string])[] {
  return [
    ['pairs', vscode.l10n.t('pairs')],
    ['relevant', vscode.l10n.t('relevant')],
    ['irrelevant', vscode.l10n.t('irrelevant')],
    ['unknown', vscode.l10n.t('unknown')],
    ['already', vscode.l10n.t('judged before')],
    ['byPeople', vscode.l10n.t('labelled by people')],
  ];
}

export function kindWord(kind: RunSummary['kind']): string {
  switch (kind) {
    case 'training':
      return vscode.l10n.t('training');
    case 'judging':
      return vscode.l10n.t('judging');
    case 'mining':
      return vscode.l10n.t('mining');
    case 'evaluation':
      return vscode.l10n.t('evaluation');
  }
}

export function stateWord(state: RunSummary['state']): string {
  switch (state) {
    case 'running':
      return vscode.l10n.t('running');
    case 'stopped':
      return vscode.l10n.t('stopped');
    case 'finished':
      return vscode.l10n.t('finished');
    case 'failed':
      return vscode.l10n.t('failed');
    case 'crashed':
      return vscode.l10n.t('crashed');
  }
}

function stateIcon(state: RunSummary['state']): vscode.ThemeIcon {
  switch (state) {
    case 'running':
      return new vscode.ThemeIcon('play-circle', new vscode.ThemeColor('charts.blue'));
    case 'stopped':
      return new vscode.ThemeIcon('debug-pause', new vscode.ThemeColor('charts.yellow'));
    case 'finished':
      return new vscode.ThemeIcon('pass', new vscode.ThemeColor('testing.iconPassed'));
    case 'failed':
      return new vscode.ThemeIcon('error', new vscode.ThemeColor('testing.iconFailed'));
    case 'crashed':
      return new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
  }
}
