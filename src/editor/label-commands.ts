import * as vscode from 'vscode';
import type { Job } from '../base/progress.ts';
import { type QueueOrder, queueOrders } from '../jobs/label-queue.ts';
import type { BrowseKey } from '../trajectory/outline.ts';
import type { LabelNode, LabelTree } from './labels-tree.ts';
import { setting } from './settings.ts';
import type { TrajectoryViews } from './trajectory-view.ts';
import type { LratWorkspace } from './workspace.ts';

/** What the commands on labels work with. */
export interface LabelParts {
  readonly workspace: LratWorkspace;
  readonly tree: LabelTree;
  readonly treeView: vscode.TreeView<LabelNode>;
  readonly views: TrajectoryViews;
  readonly memory: vscode.Memento;
}

type Command = (job: Job, argument?: unknown) => Promise<unknown>;

/** The commands on labels, by name. */
export function labelCommands({
  workspace,
  tree,
  treeView,
  views,
  memory,
}: LabelParts): Record<string, Command> {
  const { inspector } = workspace;
  /** The browse that was opened last, so that the next one is another. */
  let last: BrowseKey | null = null;
  const open = async (key: BrowseKey) => {
    last = key;
    await views.openStep(key, key.step);
  };
  const onBrowse =
    (label: 'relevant' | 'irrelevant' | null): Command =>
    async (_, argument) => {
      const node = (argument ?? treeView.selection[0]) as LabelNode | undefined;
      if (node?.kind !== 'browse') return;
      await inspector.ask('label', node.browse.key, label);
      await workspace.refresh();
    };
  return {
    'lrat.openBrowse': async (_, key) => open(key as BrowseKey),
    'lrat.labelRelevant': onBrowse('relevant'),
    'lrat.labelIrrelevant': onBrowse('irrelevant'),
    'lrat.labelClear': onBrowse(null),
    'lrat.nextUnlabelled': async () => {
      const next = await inspector.ask('nextUnlabelled', last, setting('labels.lowConfidence'), tree.order);
      if (next !== null) return open(next.key);
      return vscode.window.showInformationMessage(vscode.l10n.t('No browse waits for a label.'));
    },
    'lrat.undoLabel': async () => {
      const key = await inspector.ask('undo');
      if (key === null) {
        return vscode.window.showInformationMessage(
          vscode.l10n.t('There is no label of this session to undo.'),
        );
      }
      await workspace.refresh();
      return key;
    },
    'lrat.sortLabels': async (_, argument) => {
      const order = isOrder(argument) ? argument : await pickOrder(tree.order);
      if (order === undefined) return;
      tree.order = order;
      await memory.update('labelOrder', order);
    },
  };
}

function isOrder(argument: unknown): argument is QueueOrder {
  return queueOrders.some(order => order === argument);
}

async function pickOrder(now: QueueOrder): Promise<QueueOrder | undefined> {
  const names: Record<QueueOrder, string> = {
    place: vscode.l10n.t('Place in the logs'),
    confidence: vscode.l10n.t('Confidence, lowest first'),
    reasoning: vscode.l10n.t('Length of the reasoning, longest first'),
  };
  const choice = await vscode.window.showQuickPick(
    queueOrders.map(order => ({ label: names[order], order, picked: order === now })),
    { placeHolder: vscode.l10n.t('Sort browses by') },
  );
  return choice?.order;
}
