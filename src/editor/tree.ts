import * as vscode from 'vscode';
import type { Job } from '../base/progress.ts';

/** What a tree says when it is filtered and sorted. */
export interface TreeWords<Order extends string> {
  /** Asks for the words of the filter. */
  readonly filter: string;
  /** Asks for the order. */
  readonly sort: string;
  /** Every order there is, as people read it. */
  readonly orders: Readonly<Record<Order, string>>;
}

/** A tree of the activity bar, which can be filtered and sorted. */
export abstract class SortedTree<Node, Order extends string> implements vscode.TreeDataProvider<Node> {
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #filled = new vscode.EventEmitter<{ readonly isEmpty: boolean }>();
  readonly onDidChangeTreeData = this.#changed.event;
  /** The view has been given the nodes without a parent, or there are none to give. */
  readonly onDidFill = this.#filled.event;
  readonly words: TreeWords<Order>;
  #order: Order;
  #filter = '';

  constructor(words: TreeWords<Order>, order: Order) {
    this.words = words;
    this.#order = order;
  }

  protected abstract childrenOf(node?: Node): Promise<Node[]>;
  abstract getTreeItem(node: Node): vscode.TreeItem;

  async getChildren(node?: Node): Promise<Node[]> {
    let isEmpty = true;
    try {
      const nodes = await this.childrenOf(node);
      isEmpty = nodes.length === 0;
      return nodes;
    } finally {
      // Once they are there: a view that gets a message or a welcome before its nodes hides itself, and with it the
      // keyboard's focus.
      if (node === undefined) setTimeout(() => this.#filled.fire({ isEmpty }));
    }
  }

  get order(): Order {
    return this.#order;
  }

  set order(order: Order) {
    this.#order = order;
    this.changed();
  }

  /** Only what holds these words is shown; empty for all. */
  get filter(): string {
    return this.#filter;
  }

  set filter(words: string) {
    this.#filter = words;
    this.changed();
  }

  /** What the tree shows is no longer what it showed. */
  protected changed(): void {
    this.#changed.fire();
  }
}

/** The order of a tree that the workspace remembers. */
export function orderOf<Order extends string>(memory: vscode.Memento, tree: string, otherwise: Order): Order {
  return memory.get<Order>(`order${tree}`, otherwise);
}

/**
 * The commands that filter and sort a tree, by name. The filter stands in the title of the view; a keybinding can give
 * the words or the order as its argument.
 */
export function treeCommands<Node, Order extends string>(
  name: 'Trajectories' | 'Labels' | 'Runs',
  tree: SortedTree<Node, Order>,
  view: Pick<vscode.TreeView<Node>, 'description'>,
  memory: vscode.Memento,
): Record<string, (job: Job, argument?: unknown) => Promise<unknown>> {
  const setContext = (key: string, value: boolean) =>
    vscode.commands.executeCommand('setContext', `lrat.${key}${name}`, value);
  // A welcome is for a view that stays empty: while the nodes come it would take the focus, and lose it when it goes.
  tree.onDidFill(({ isEmpty }) => void setContext('empty', isEmpty));
  const filter = async (words: string) => {
    tree.filter = words;
    view.description = words === '' ? '' : vscode.l10n.t('filter: {0}', words);
    await setContext('filtered', words !== '');
  };
  return {
    [`lrat.filter${name}`]: async (_, argument) => {
      const words =
        typeof argument === 'string'
          ? argument
          : await vscode.window.showInputBox({ prompt: tree.words.filter, value: tree.filter });
      if (words !== undefined) await filter(words.trim());
    },
    [`lrat.unfilter${name}`]: () => filter(''),
    [`lrat.sort${name}`]: async (_, argument) => {
      const order = await choose(tree.words.sort, tree.words.orders, tree.order, argument);
      if (order === undefined) return;
      tree.order = order;
      await memory.update(`order${name}`, order);
    },
  };
}

/** One of several names: the one that is given already, else what the user picks, who sees which is in force. */
export async function choose<Name extends string>(
  question: string,
  names: Readonly<Record<Name, string>>,
  now: Name,
  given: unknown,
): Promise<Name | undefined> {
  if (typeof given === 'string' && Object.hasOwn(names, given)) return given as Name;
  const items = (Object.entries(names) as [Name, string][]).map(([name, label]) => ({
    ...{ name, label },
    ...(name === now && { description: vscode.l10n.t('now') }),
  }));
  const choice = await vscode.window.showQuickPick(items, { placeHolder: question });
  return choice?.name;
}
