import * as vscode from 'vscode';
import type { LabelCounts } from '../jobs/inspect.ts';
import { type QueuedBrowse, type QueueName, type QueueOrder, queueNames } from '../jobs/label-queue.ts';
import type { BrowseKey } from '../trajectory/outline.ts';
import { onSetting, setting } from './settings.ts';
import type { LratWorkspace } from './workspace.ts';

/** A longer queue is shown in pages of so many. */
const pageSize = 100;

type Browse = QueuedBrowse & { readonly title: string | null };

export type LabelNode =
  | { readonly kind: 'queue'; readonly queue: QueueName; readonly count: number }
  | { readonly kind: 'queuePage'; readonly queue: QueueName; readonly from: number; readonly to: number }
  | { readonly kind: 'browse'; readonly queue: QueueName; readonly browse: Browse }
  | { readonly kind: 'agreement'; readonly agreement: LabelCounts['agreements'][number] };

/** What waits for a person, and how the judges agree with people. */
export class LabelTree implements vscode.TreeDataProvider<LabelNode>, vscode.Disposable {
  readonly #workspace: LratWorkspace;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #counted = new vscode.EventEmitter<LabelCounts>();
  /** The counts that were last shown. */
  readonly onDidCount = this.#counted.event;
  readonly #listeners: vscode.Disposable;
  #order: QueueOrder;

  constructor(workspace: LratWorkspace, order: QueueOrder) {
    this.#workspace = workspace;
    this.#order = order;
    const again = () => this.#changed.fire();
    this.#listeners = vscode.Disposable.from(
      workspace.onDidChange(again),
      onSetting('labels.lowConfidence', again),
    );
  }

  get order(): QueueOrder {
    return this.#order;
  }

  set order(order: QueueOrder) {
    this.#order = order;
    this.#changed.fire();
  }

  async getChildren(node?: LabelNode): Promise<LabelNode[]> {
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
    const counts = await this.#workspace.inspector.ask('labelCounts', setting('labels.lowConfidence'));
    this.#counted.fire(counts);
    if (counts.browses === 0) return [];
    return [
      ...queueNames.map((queue): LabelNode => ({ kind: 'queue', queue, count: counts[queue] })),
      ...counts.agreements.map((agreement): LabelNode => ({ kind: 'agreement', agreement })),
    ];
  }

  async #page(queue: QueueName, from: number): Promise<LabelNode[]> {
    const low = setting('labels.lowConfidence');
    const { inspector } = this.#workspace;
    const browses = await inspector.ask('queuedBrowses', low, queue, this.#order, from, pageSize);
    return browses.map(browse => ({ kind: 'browse', queue, browse }));
  }

  getTreeItem(node: LabelNode): vscode.TreeItem {
    switch (node.kind) {
      case 'queue':
        return queueItem(node.queue, node.count);
      case 'queuePage': {
        const name = `${node.from + 1} – ${node.to}`;
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
    this.#changed.dispose();
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

function queueItem(queue: QueueName, count: number): vscode.TreeItem {
  const { name, meaning, icon } = queueWords(queue);
  const item = new vscode.TreeItem(
    name,
    count === 0 ? vscode.TreeItemCollapsibleState.None : vscode.TreeItemCollapsibleState.Collapsed,
  );
  item.id = queue;
  item.description = count.toLocaleString();
  item.tooltip = meaning;
  item.iconPath = new vscode.ThemeIcon(count === 0 ? 'pass' : icon);
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
          setting('labels.lowConfidence'),
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
    [source.name, labelWord(label), ...(confidence === undefined ? [] : [confidence.toFixed(2)])].join(' '),
  );
  item.description = said.length > 0 ? said.join(' · ') : tokensWord(reasoningTokens);
  item.tooltip = [
    name,
    ...(question === null ? [] : [question]),
    vscode.l10n.t('{0}, step {1}', key.log, key.step),
    vscode.l10n.t('post-browse reasoning: {0}', tokensWord(reasoningTokens)),
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

function agreementItem({
  judge,
  kappa,
  observed,
  compared,
}: LabelCounts['agreements'][number]): vscode.TreeItem {
  const item = new vscode.TreeItem(vscode.l10n.t('Agreement with {0}', judge.name));
  const value = kappa === null ? vscode.l10n.t('not defined') : kappa.toFixed(2);
  item.description = compared === 0 ? vscode.l10n.t('nothing to compare') : `κ ${value} · n ${compared}`;
  item.tooltip =
    observed === null
      ? vscode.l10n.t('No browse has been decided by both a person and this judge.')
      : vscode.l10n.t(
          'Cohen’s kappa: agreement of people and the judge beyond chance, on {0} browses that both have decided; {1} % of their labels are equal. 1 is full agreement, 0 is chance. Kappa is not defined where chance alone would always agree.',
          compared,
          (100 * observed).toFixed(0),
        );
  item.iconPath = new vscode.ThemeIcon('law');
  return item;
}

function tokensWord(tokens: number | null): string {
  return tokens === null ? vscode.l10n.t('no reasoning') : vscode.l10n.t('{0} tokens', tokens);
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
