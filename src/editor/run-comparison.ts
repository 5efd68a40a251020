import * as vscode from 'vscode';
import { firstWords } from '../base/text.ts';
import type { RunsView } from '../protocol.ts';
import { settingWord } from './figures.ts';
import { escaped, markdownOf, markdownTable } from './markdown.ts';
import type { RunViews } from './run-view.ts';
import { titleLength } from './trajectory-view.ts';
import { serveWebview, tabIcon } from './webview.ts';
import type { LratWorkspace } from './workspace.ts';

export const runComparisonType = 'lrat.compareRuns';

/** Panels that show two runs side by side, found again after a reload by the runs' ids. */
export class RunComparisons implements vscode.WebviewPanelSerializer {
  readonly #extension: vscode.Uri;
  readonly #workspace: LratWorkspace;
  readonly #views: RunViews;
  readonly #log: vscode.LogOutputChannel;

  constructor(
    extension: vscode.Uri,
    workspace: LratWorkspace,
    views: RunViews,
    log: vscode.LogOutputChannel,
  ) {
    this.#extension = extension;
    this.#workspace = workspace;
    this.#views = views;
    this.#log = log;
  }

  open(one: string, other: string): void {
    const panel = vscode.window.createWebviewPanel(
      runComparisonType,
      vscode.l10n.t('Compare'),
      vscode.ViewColumn.Active,
      { enableScripts: true, enableFindWidget: true },
    );
    this.#fill(panel, [one, other]);
  }

  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const [one, other] = (state as { runs?: unknown[] } | undefined)?.runs ?? [];
    if (typeof one === 'string' && typeof other === 'string') this.#fill(panel, [one, other]);
    // A state that an older version left says nothing: an empty tab helps nobody.
    else panel.dispose();
  }

  #fill(panel: vscode.WebviewPanel, ids: readonly [string, string]): void {
    const { inspector } = this.#workspace;
    panel.iconPath = tabIcon(this.#extension);
    const { listener } = serveWebview(
      panel.webview,
      this.#extension,
      'runs',
      {
        'runs.view': async () => {
          const view = await inspector.ask('runs', ids);
          panel.title = firstWords(titleOf(view), titleLength);
          return view;
        },
        'runs.open': async ({ side }) => {
          const { id, name } = (await inspector.ask('runs', ids)).sides[side];
          this.#views.open(id, name);
          return null;
        },
        'runs.copy': async () => {
          await vscode.env.clipboard.writeText(describe(await inspector.ask('runs', ids)));
          return null;
        },
      },
      this.#log,
    );
    panel.onDidDispose(() => listener.dispose());
  }
}

function titleOf({ sides: [older, newer] }: RunsView): string {
  return vscode.l10n.t('{0} against {1}', newer.name, older.name);
}

/** The comparison as Markdown, for an issue or a notebook. */
function describe(view: RunsView): string {
  const { sides, result, problem, settings } = view;
  const title = titleOf(view);
  const differing = markdownTable(
    [vscode.l10n.t('Setting'), ...sides.map(({ name, id }) => `${name} (${id})`)],
    settings.map(({ name, values }) => [
      name,
      ...values.map(value => (value === null ? '–' : settingWord(value))),
    ]),
  );
  return [
    result === null ? `# ${escaped(title)}\n\n${escaped(problem ?? '')}\n` : markdownOf(title, result),
    ...(settings.length === 0 ? [] : [differing, '']),
  ].join('\n');
}
