import * as vscode from 'vscode';
import type { LabelCounts } from '../jobs/inspect.ts';
import { type QueuedBrowse, type QueueName, type QueueOrder, queueNames } from '../jobs/label-queue.ts';
import type { BrowseKey } from '../trajectory/outline.ts';
import { decimal, range, ungrouped, whole } from './figures.ts';
import { onSetting, setting } from './settings.ts';
import { SortedTree } from './tree.ts';
import { browsesWord, tokensWord } from './words.ts';
import type { LratWorkspace } from './workspace.ts';

/** A longer queue is shown in pages of so many. */
const pageSize = 100;

type Browse = QueuedBrowse & { readonly title: string | null };

export type LabelNode =
  | { readonly kind: 'queue'; readonly queue: QueueName; readonly count: number; readonly of: number }
  | { readonly kind: 'queuePage'; readonly queue: QueueName; readonly from: number; readonly to: number }
  | { readonly kind: 'browse'; readonly queue: QueueName; readonly browse: Browse }
  | { readonly kind: 'agreement'; readonly agreement: LabelCounts['agreements'][number] };

/** What waits for a person, and how the judges agree with people. */
export class LabelTree extends SortedTree<LabelNode, QueueOrder> implements vscode.Disposable {
  readonly #workspace: LratWorkspace;
  readonly #counted = new vscode.EventEmitter<LabelCounts>();
  /** The counts that were last shown. */
  readonly onDidCount = this.#counted.event;
  readonly #listeners: vscode.Disposable;

  constructor(workspace: LratWorkspace, order: QueueOrder) {
    const words = {
      filter: vscode.l10n.t('Show browses whose question, document key, log, judge or reason holds'),
      sort: vscode.l10n.t('Sort browses by'),
      orders: {
        place: vscode.l10n.t('place in the logs'),
        confidence: vscode.l10n.t('confidence, lowest first'),
        reasoning: vscode.l10n.t('length of the reasoning, longest first'),
      },
    };
    super(words, order);
    this.#workspace = workspace;
    const again = () => this.changed();
    this.#listeners = vscode.Disposable.from(
      workspace.onDidChange(again),
      onSetting('labels.lowConfidence', again),
    );
  }

  protected async childrenOf(node?: LabelNode): Promise<LabelNode[]> {
    switch (node?.kind) {
      case undefined:
        return this.#roots();
      case 'queue':
        return node.count <= pageSize ? this.#page(node.queue, 0) : pagesOf(node);
      case 'queuePage':
        return this.#page(node.queue, node.from);
      default:
        return [];
    }
  }

  async #roots(): Promise<LabelNode[]> {
    const low = setting('labels.lowConfidence');
    const counts = await this.#workspace.inspector.ask('labelCounts', low, this.filter);
    this.#counted.fire(counts);
    await this.#welcome(counts);
    if (counts.browses === 0) return [];
    return [
      ...queueNames.map(
        (queue): LabelNode => ({ kind: 'queue', queue, count: counts.found[queue], of: counts[queue] }),
      ),
      ...counts.agreements.map((agreement): LabelNode => ({ kind: 'agreement', agreement })),
    ];
  }

  /** An index without browses is no folder without an index: the next step is another. */
  async #welcome({ browses }: LabelCounts): Promise<void> {
    const isIndexed = browses === 0 && (await this.#workspace.inspector.ask('status')).trajectories > 0;
    await vscode.commands.executeCommand('setContext', 'lrat.withoutBrowses', isIndexed);
  }

  async #page(queue: QueueName, from: number): Promise<LabelNode[]> {
    const low = setting('labels.lowConfidence');
    const { inspector } = this.#workspace;
    const browses = await inspector.ask('queuedBrowses', low, queue, this.order, this.filter, from, pageSize);
    return browses.map(browse => ({ kind: 'browse', queue, browse }));
  }

  getTreeItem(node: LabelNode): vscode.TreeItem {
    switch (node.kind) {
      case 'queue':
        return queueItem(node);
      case 'queuePage': {
        const name = `${whole(node.from + 1)} – ${whole(node.to)}`;
        return new vscode.TreeItem(name, vscode.TreeItemCollapsibleState.Collapsed);
      }
      case 'browse':
        return browseItem(node);
      case 'agreement':
        return agreementItem(node.agreement);
    }
  }

  dispose(): void {
    this.#listeners.dispose();
    this.#counted.dispose();
  }
}

function pagesOf({ queue, count }: LabelNode & { kind: 'queue' }): LabelNode[] {
  return Array.from({ length: Math.ceil(count / pageSize) }, (_, page) => ({
    kind: 'queuePage',
    queue,
    from: page * pageSize,
    to: Math.min(count, (page + 1) * pageSize),
  }));
}

function queueItem({ queue, count, of }: LabelNode & { kind: 'queue' }): vscode.TreeItem {
  const { name, meaning, icon } = queueWords(queue);
  const item = new vscode.TreeItem(
    name,
    count === 0 ? vscode.TreeItemCollapsibleState.None : vscode.TreeItemCollapsibleState.Collapsed,
  );
  item.id = queue;
  item.description = count === of ? whole(count) : vscode.l10n.t('{0} of {1}', whole(count), whole(of));
  item.tooltip = meaning;
  item.iconPath = new vscode.ThemeIcon(of === 0 ? 'pass' : icon);
  item.contextValue = 'queue';
  return item;
}

function queueWords(queue: QueueName): { name: string; meaning: string; icon: string } {
  switch (queue) {
    case 'waiting':
      return {
        name: vscode.l10n.t('Waiting'),
        meaning: vscode.l10n.t(
          'Browses that nobody has labelled. In the mode “attributed” they give no pairs.',
        ),
        icon: 'inbox',
      };
    case 'lowConfidence':
      return {
        name: vscode.l10n.t('Low confidence'),
        meaning: vscode.l10n.t(
          'Labels of a judge with a confidence below {0}. No person has looked at them yet.',
          ungrouped(setting('labels.lowConfidence')),
        ),
        icon: 'question',
      };
    case 'disagreement':
      return {
        name: vscode.l10n.t('Disagreement'),
        meaning: vscode.l10n.t(
          'People and a judge, or two people, say different things. The newest person counts.',
        ),
        icon: 'git-compare',
      };
  }
}

function browseItem(node: LabelNode & { kind: 'browse' }): vscode.TreeItem {
  const { key, question, reasoningTokens, given, title } = node.browse;
  const name = title ?? key.doc ?? vscode.l10n.t('document unknown');
  const item = new vscode.TreeItem(name);
  item.id = `${node.queue} ${JSON.stringify(key)}`;
  const said = given.map(({ source, label, confidence }) =>
    [source.name, labelWord(label), ...(confidence === undefined ? [] : [decimal(confidence, 2)])].join(' '),
  );
  item.description = said.length > 0 ? said.join(' · ') : reasoningWord(reasoningTokens);
  item.tooltip = [
    name,
    ...(question === null ? [] : [question]),
    vscode.l10n.t('{0}, step {1}', key.log, key.step),
    vscode.l10n.t('post-browse reasoning: {0}', reasoningWord(reasoningTokens)),
    ...said,
    ...given.flatMap(({ reason }) => reason ?? []),
  ].join('\n');
  item.iconPath = labelIcon(given.at(-1)?.label ?? 'unknown');
  item.contextValue = 'labelledBrowse';
  item.accessibilityInformation = { label: `${name}, ${item.description}` };
  item.command = {
    command: 'lrat.openBrowse',
    title: vscode.l10n.t('Open the browse'),
    arguments: [key satisfies BrowseKey],
  };
  return item;
}

/** The figure comes first: a narrow side bar cuts what stands behind. */
function agreementItem(agreement: LabelCounts['agreements'][number]): vscode.TreeItem {
  const { judge, kappa, interval, observed, compared } = agreement;
  const number = (value: number) => decimal(value, 2);
  const bounds = interval && range(number(interval.low), number(interval.high));
  const value = kappa === null ? vscode.l10n.t('not defined') : number(kappa);
  const item = new vscode.TreeItem(
    ['κ', value, bounds, `n ${whole(compared)}`].filter(part => part !== null).join(' '),
  );
  item.id = `agreement ${JSON.stringify(judge)}`;
  item.description = judge.name;
  const lines = [
    vscode.l10n.t('Agreement of people with {0}', judge.name),
    vscode.l10n.t('Cohen’s kappa: {0}', value),
    bounds === null
      ? vscode.l10n.t('No interval: resampling takes labels that agree and labels that differ.')
      : interval?.over.unit === 'questions'
        ? vscode.l10n.t(
            '95 % interval: {0}, by bootstrap over {1} questions',
            bounds,
            whole(interval.over.count),
          )
        : vscode.l10n.t('95 % interval: {0}, by bootstrap over the browses: there are few questions', bounds),
    observed === null
      ? vscode.l10n.t('No browse has been decided by both a person and this judge.')
      : vscode.l10n.t(
          'On {0} that both have decided; {1} % of their labels are equal.',
          browsesWord(compared),
          whole(100 * observed),
        ),
    vscode.l10n.t(
      'Kappa is agreement beyond chance: 1 is full agreement, 0 is chance. It is not defined where chance alone would always agree.',
    ),
  ];
  item.tooltip = lines.join('\n');
  item.accessibilityInformation = { label: lines.slice(0, 4).join(', ') };
  item.iconPath = new vscode.ThemeIcon('law');
  return item;
}

function reasoningWord(tokens: number | null): string {
  return tokens === null ? vscode.l10n.t('no reasoning') : tokensWord(tokens);
}

/** A label in the reader's language. */
export function labelWord(label: 'relevant' | 'irrelevant' | 'unknown'): string {
  switch (label) {
    case 'relevant':
      return vscode.l10n.t('relevant');
    case 'irrelevant':
      return vscode.l10n.t('irrelevant');
    case 'unknown':
      return vscode.l10n.t('unknown');
  }
}

function labelIcon(label: 'relevant' | 'irrelevant' | 'unknown'): vscode.ThemeIcon {
  switch (label) {
    case 'relevant':
      return new vscode.ThemeIcon('circle-filled', new vscode.ThemeColor('charts.green'));
    case 'irrelevant':
      return new vscode.ThemeIcon('close', new vscode.ThemeColor('charts.red'));
    case 'unknown':
      return new vscode.ThemeIcon('circle-outline', new vscode.ThemeColor('descriptionForeground'));
  }
}
