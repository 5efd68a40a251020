import * as vscode from 'vscode';
import { firstWords } from '../base/text.ts';
import { type TrajectoryPlace, type TrajectoryViews, titleLength } from './trajectory-view.ts';
import { serveWebview, tabIcon } from './webview.ts';
import type { LratWorkspace } from './workspace.ts';

export const compareViewType = 'lrat.compare';

/** Panels that show two trajectories side by side. */
export class CompareViews implements vscode.WebviewPanelSerializer {
  readonly #extension: vscode.Uri;
  readonly #workspace: LratWorkspace;
  readonly #views: TrajectoryViews;
  readonly #log: vscode.LogOutputChannel;

  constructor(
    extension: vscode.Uri,
    workspace: LratWorkspace,
    views: TrajectoryViews,
    log: vscode.LogOutputChannel,
  ) {
    this.#extension = extension;
    this.#workspace = workspace;
    this.#views = views;
    this.#log = log;
  }

  open(left: TrajectoryPlace, right: TrajectoryPlace, question: string): void {
    const panel = vscode.window.createWebviewPanel(
      compareViewType,
      vscode.l10n.t('Compare: {0}', firstWords(question, titleLength)),
      vscode.ViewColumn.Active,
      { enableScripts: true, enableFindWidget: true },
    );
    this.#fill(panel, left, right);
  }

  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const { left, right } = (state ?? {}) as { left?: TrajectoryPlace; right?: TrajectoryPlace };
    if (isPlace(left) && isPlace(right)) this.#fill(panel, left, right);
    // A state that an older version left says nothing: an empty tab helps nobody.
    else panel.dispose();
  }

  #fill(panel: vscode.WebviewPanel, ...places: [TrajectoryPlace, TrajectoryPlace]): void {
    const { inspector, onDidChange } = this.#workspace;
    const [left, right] = places.map(({ log, trajectory }) => [log, trajectory] as const);
    panel.iconPath = tabIcon(this.#extension);
    const { listener, send } = serveWebview(
      panel.webview,
      this.#extension,
      'compare',
      {
        'compare.head': () => inspector.ask('compare', left!, right!),
        'compare.rows': ({ from, to }) => inspector.ask('compareRows', left!, right!, from, to),
        'compare.open': async ({ side, step }) => {
          await this.#views.openStep(places[side], step);
          return null;
        },
      },
      this.#log,
    );
    const changes = onDidChange(() => send('changed', null));
    panel.onDidDispose(() => {
      listener.dispose();
      changes.dispose();
    });
  }
}

function isPlace(place: Partial<TrajectoryPlace> | undefined): place is TrajectoryPlace {
  return typeof place?.log === 'string' && typeof place.trajectory === 'string';
}
