import * as vscode from 'vscode';
import type { BrowsePlace } from '../protocol.ts';
import { Revealer } from './revealer.ts';
import type { TrajectoryViews } from './trajectory-view.ts';
import { serveWebview, tabIcon } from './webview.ts';
import type { LratWorkspace } from './workspace.ts';

export const pairsViewType = 'lrat.pairs';

/** The panel of pairs and weights; a workspace has one. */
export class PairsViews implements vscode.WebviewPanelSerializer {
  readonly #extension: vscode.Uri;
  readonly #workspace: LratWorkspace;
  readonly #trajectories: TrajectoryViews;
  readonly #log: vscode.LogOutputChannel;
  #open: { readonly panel: vscode.WebviewPanel; readonly revealer: Revealer<BrowsePlace> } | undefined;

  constructor(
    extension: vscode.Uri,
    workspace: LratWorkspace,
    trajectories: TrajectoryViews,
    log: vscode.LogOutputChannel,
  ) {
    this.#extension = extension;
    this.#workspace = workspace;
    this.#trajectories = trajectories;
    this.#log = log;
  }

  /** @param browse whose row to show */
  open(browse?: BrowsePlace): void {
    if (this.#open === undefined) {
      const title = vscode.l10n.t('Pairs and Weights');
      this.#fill(
        vscode.window.createWebviewPanel(pairsViewType, title, vscode.ViewColumn.Active, {
          enableScripts: true,
        }),
      );
    } else this.#open.panel.reveal();
    if (browse !== undefined) this.#open?.revealer.reveal(browse);
  }

  async deserializeWebviewPanel(panel: vscode.WebviewPanel): Promise<void> {
    this.#fill(panel);
  }

  #fill(panel: vscode.WebviewPanel): void {
    const { inspector, onDidChange } = this.#workspace;
    const run = async (command: string, argument?: unknown) => {
      await vscode.commands.executeCommand(command, argument);
      return null;
    };
    panel.iconPath = tabIcon(this.#extension);
    const { listener, send } = serveWebview(
      panel.webview,
      this.#extension,
      'pairs',
      {
        'pairs.head': ({ mode, against }) => inspector.ask('pairsHead', mode, against),
        'pairs.rows': ({ from, to, ...query }) => inspector.ask('pairsRows', query, from, to),
        'pairs.titles': ({ browses }) => inspector.ask('titles', browses),
        'pairs.detail': ({ mode, browse }) => inspector.ask('pairsDetail', mode, browse),
        'pairs.find': ({ browse, ...query }) => inspector.ask('pairsFind', query, browse),
        'pairs.label': async ({ browse, label }) => {
          await this.#workspace.label(browse, label);
          return null;
        },
        'pairs.undo': () => run('lrat.undoLabel'),
        'pairs.missed': async () => revealer.missed(),
        'pairs.openStep': async browse => {
          await this.#trajectories.openStep(browse, browse.step);
          return null;
        },
        'pairs.openLog': async ({ log, place }) => {
          await this.#trajectories.openLog(log, place);
          return null;
        },
        'pairs.train': ({ mode }) => run('lrat.train', { mode }),
        'pairs.export': ({ mode }) => run('lrat.exportPairs', mode),
        'pairs.judge': () => run('lrat.judge'),
      },
      this.#log,
    );
    const changes = onDidChange(() => send('changed', null));
    const revealer = new Revealer<BrowsePlace>(panel, browse => send('revealBrowse', browse));
    this.#open = { panel, revealer };
    panel.onDidDispose(() => {
      listener.dispose();
      changes.dispose();
      revealer.dispose();
      this.#open = undefined;
    });
  }
}
