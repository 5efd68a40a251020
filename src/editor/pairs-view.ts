import * as vscode from 'vscode';
import type { PairKey } from '../protocol.ts';
import type { TrajectoryViews } from './trajectory-view.ts';
import { serveWebview } from './webview.ts';
import type { LratWorkspace } from './workspace.ts';

export const pairsViewType = 'lrat.pairs';

/** The panel that answers what will be trained on, and what became of the rest: one for the workspace. */
export class PairsView implements vscode.WebviewPanelSerializer {
  readonly #extension: vscode.Uri;
  readonly #workspace: LratWorkspace;
  readonly #trajectories: TrajectoryViews;
  readonly #log: vscode.LogOutputChannel;
  #open: { readonly panel: vscode.WebviewPanel; readonly reveal: (key: PairKey) => void } | undefined;
  /** The row that was asked for before the view could show one. */
  #wanted: PairKey | undefined;

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

  /** Shows the panel, with the row of a browse selected if one is named. */
  open(key?: unknown): void {
    const wanted = isPairKey(key) ? key : undefined;
    if (this.#open !== undefined) {
      this.#open.panel.reveal();
      if (wanted !== undefined) this.#open.reveal(wanted);
      return;
    }
    this.#wanted = wanted;
    this.#fill(
      vscode.window.createWebviewPanel(
        pairsViewType,
        vscode.l10n.t('Pairs and weights'),
        vscode.ViewColumn.Active,
        { enableScripts: true },
      ),
    );
  }

  async deserializeWebviewPanel(panel: vscode.WebviewPanel): Promise<void> {
    this.#fill(panel);
  }

  #fill(panel: vscode.WebviewPanel): void {
    const { inspector, onDidChange } = this.#workspace;
    panel.iconPath = vscode.Uri.joinPath(this.#extension, 'media', 'lrat.svg');
    const { listener, send } = serveWebview(
      panel.webview,
      this.#extension,
      'pairs',
      {
        'pairs.wanted': async () => {
          const wanted = this.#wanted ?? null;
          this.#wanted = undefined;
          return wanted;
        },
        'pairs.summary': ({ mode, against }) => inspector.ask('pairSummary', mode, against),
        'pairs.rows': ({ query, from, to }) => inspector.ask('pairRows', query, from, to),
        'pairs.titles': ({ keys }) => inspector.ask('pairTitles', keys),
        'pairs.position': ({ query, key }) => inspector.ask('pairPosition', query, key),
        'pairs.detail': ({ mode, key }) => inspector.ask('pairDetail', mode, key),
        'pairs.preview': ({ mode, halfLife }) => inspector.ask('pairPreview', mode, halfLife),
        'pairs.label': async ({ key, label }) => {
          const { log, trajectory, step, doc } = key;
          await inspector.ask('label', { log, trajectory, step, doc }, label);
          await this.#workspace.refresh();
          return null;
        },
        'pairs.undo': async () => {
          await inspector.ask('undo');
          await this.#workspace.refresh();
          return null;
        },
        'pairs.openStep': async ({ log, trajectory, step }) => {
          const entries = await inspector.ask('trajectories', { log }, { offset: 0, limit: -1 });
          const entry = entries.find(each => each.trajectory === trajectory);
          this.#trajectories.open({ log, trajectory }, entry?.question ?? trajectory, step);
          return null;
        },
        'pairs.openLog': async ({ log, line, column }) => {
          await this.#trajectories.openLog(log, line, column);
          return null;
        },
        'pairs.run': async ({ command }) => {
          await vscode.commands.executeCommand(command === 'index' ? 'lrat.index' : 'lrat.judge');
          return null;
        },
      },
      this.#log,
    );
    const changes = onDidChange(() => send('changed', null));
    this.#open = { panel, reveal: key => send('revealPair', key) };
    panel.onDidDispose(() => {
      listener.dispose();
      changes.dispose();
      this.#open = undefined;
    });
  }
}

function isPairKey(value: unknown): value is PairKey {
  const { log, trajectory, step } = (value ?? {}) as Partial<PairKey>;
  return typeof log === 'string' && typeof trajectory === 'string' && typeof step === 'number';
}
