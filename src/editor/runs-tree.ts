import * as vscode from 'vscode';
import { holds } from '../base/text.ts';
import type { RunSummary } from '../jobs/runs.ts';
import type { Problem } from '../trajectory/model.ts';
import { decimal, moment, percent, whole } from './figures.ts';
import type { RunWatch } from './run-watch.ts';
import { SortedTree } from './tree.ts';
import { pairsWord } from './words.ts';

export type RunNode =
  | { readonly kind: 'run'; readonly run: RunSummary }
  | { readonly kind: 'runProblem'; readonly problem: Problem };

/** What the runs can be sorted by; those that are equal in it are newest first. */
export type RunOrder = 'newest' | 'result' | 'kind' | 'state';

/** The runs of the workspace, and those whose records cannot be read. */
export class RunTree extends SortedTree<RunNode, RunOrder> {
  readonly #watch: Pick<RunWatch, 'list' | 'onDidChange'>;

  constructor(watch: Pick<RunWatch, 'list' | 'onDidChange'>, order: RunOrder) {
    const words = {
      filter: vscode.l10n.t('Show runs whose name, title, kind, state or id holds'),
      sort: vscode.l10n.t('Sort runs by'),
      orders: {
        newest: vscode.l10n.t('start, newest first'),
        result: vscode.l10n.t('result on held-out questions, best first'),
        kind: vscode.l10n.t('kind'),
        state: vscode.l10n.t('state'),
      },
    };
    super(words, order);
    this.#watch = watch;
    watch.onDidChange(() => this.changed());
  }

  protected async childrenOf(node?: RunNode): Promise<RunNode[]> {
    if (node !== undefined) return [];
    const { runs, problems } = await this.#watch.list();
    const shown = runs.filter(run =>
      holds(this.filter, [run.name, run.title, kindWord(run.kind), stateWord(run.state), run.id]),
    );
    const broken = problems.filter(({ log, reason }) => holds(this.filter, [log, reason]));
    return [
      ...shown.toSorted(comparisons[this.order]).map((run): RunNode => ({ kind: 'run', run })),
      ...broken.map((problem): RunNode => ({ kind: 'runProblem', problem })),
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

const kinds: readonly RunSummary['kind'][] = ['training', 'evaluation', 'judging', 'mining'];
/** What needs a person first. */
const states: readonly RunSummary['state'][] = ['running', 'crashed', 'failed', 'stopped', 'finished'];

/** Sorting is stable, and runs come newest first. */
const comparisons: Readonly<Record<RunOrder, (a: RunSummary, b: RunSummary) => number>> = {
  newest: () => 0,
  result: compareResults,
  kind: (a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind),
  state: (a, b) => states.indexOf(a.state) - states.indexOf(b.state),
};

/** By the figure that the tree tells; figures of one metric stand together, and runs without any come last. */
function compareResults(a: RunSummary, b: RunSummary): number {
  const [[metricA, valueA], [metricB, valueB]] = [headFigure(a), headFigure(b)];
  if (metricA === metricB) return valueB - valueA;
  if (metricA === '' || metricB === '') return metricA === '' ? 1 : -1;
  return metricA < metricB ? -1 : 1;
}

function headFigure({ figures }: RunSummary): readonly [metric: string, value: number] {
  return Object.entries(figures)[0] ?? ['', 0];
}

function runItem(run: RunSummary): vscode.TreeItem {
  const item = new vscode.TreeItem(run.name);
  item.id = run.id;
  item.description = describe(run);
  item.tooltip = [
    `${run.name}: ${run.title}`,
    vscode.l10n.t('Run {0}, started {1}', run.id, moment(run.created)),
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
    ...(run.state === 'finished' || run.steps === 0 ? [] : [`${whole(run.step)}/${whole(run.steps)}`]),
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
      .map(([name, word]) =>
        name === 'pairs' ? pairsWord(counts[name]!) : `${whole(counts[name]!)} ${word}`,
      )
      .join(', ');
  }
  const [measured] = Object.entries(figures);
  if (measured !== undefined) return `${measured[0]} ${percent(measured[1])}`;
  return loss === null ? null : vscode.l10n.t('loss {0}', decimal(loss, 3));
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
