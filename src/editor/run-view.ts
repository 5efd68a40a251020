import { existsSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import * as vscode from 'vscode';
import { LratError } from '../base/errors.ts';
import {
  curvesOf,
  isResumable,
  MetricsReader,
  paceOf,
  type RunSummary,
  readResult,
  readTail,
  runFolder,
} from '../jobs/runs.ts';
import type { RunView } from '../protocol.ts';
import type { RunFolder } from '../training/run-folder.ts';
import { settingWord, ungrouped, whole } from './figures.ts';
import type { RunWatch } from './run-watch.ts';
import { countNames } from './runs-tree.ts';
import { showText } from './show-text.ts';
import { serveWebview, tabIcon } from './webview.ts';
import type { LratWorkspace } from './workspace.ts';

export const runViewType = 'lrat.run';

/** Lines of the log that a view shows. */
const logLines = 200;

/** The panels that show runs: one for each, found again after a reload by the run's id. */
export class RunViews implements vscode.WebviewPanelSerializer {
  readonly #extension: vscode.Uri;
  readonly #workspace: LratWorkspace;
  readonly #watch: RunWatch;
  readonly #log: vscode.LogOutputChannel;
  readonly #panels = new Map<string, vscode.WebviewPanel>();

  constructor(
    extension: vscode.Uri,
    workspace: LratWorkspace,
    watch: RunWatch,
    log: vscode.LogOutputChannel,
  ) {
    this.#extension = extension;
    this.#workspace = workspace;
    this.#watch = watch;
    this.#log = log;
  }

  /** Shows a run, in the panel that has it if there is one. */
  open(id: string, title: string): void {
    const open = this.#panels.get(id);
    if (open !== undefined) {
      open.reveal();
      return;
    }
    const panel = vscode.window.createWebviewPanel(runViewType, title, vscode.ViewColumn.Active, {
      enableScripts: true,
    });
    this.#fill(panel, id);
  }

  /** Whether a run is on the screen. */
  shows(id: string): boolean {
    return this.#panels.get(id)?.visible === true;
  }

  async openLog(id: string): Promise<void> {
    const { logFile } = runFolder(this.#workspace.path, id);
    if (!existsSync(logFile)) {
      throw new LratError(vscode.l10n.t('is not there: the run ended before its first line.'), {
        place: logFile,
      });
    }
    await showText(vscode.Uri.file(logFile));
  }

  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const { run } = (state ?? {}) as { run?: unknown };
    if (typeof run === 'string') this.#fill(panel, run);
    // A state that an older version left says nothing: an empty tab helps nobody.
    else panel.dispose();
  }

  #fill(panel: vscode.WebviewPanel, id: string): void {
    panel.iconPath = tabIcon(this.#extension);
    let metrics: MetricsReader | undefined;
    const command = (name: string) => async () => {
      const { runs } = await this.#watch.look();
      const run = runs.find(each => each.id === id);
      if (run !== undefined) await vscode.commands.executeCommand(name, { kind: 'run', run });
      return null;
    };
    const { listener, send } = serveWebview(
      panel.webview,
      this.#extension,
      'run',
      {
        'run.state': async () => {
          const folder = runFolder(this.#workspace.path, id);
          metrics ??= new MetricsReader(folder);
          await metrics.update();
          const { runs } = await this.#watch.list();
          const run = runs.find(each => each.id === id);
          if (run === undefined) throw new LratError('cannot be read.', { place: folder.path });
          return viewOf(run, folder, metrics);
        },
        'run.stop': command('lrat.stopRun'),
        'run.resume': command('lrat.resumeRun'),
        'run.openLog': command('lrat.showRunLog'),
      },
      this.#log,
    );
    const changes = this.#watch.onDidChange(() => {
      if (panel.visible) send('changed', null);
    });
    const shown = panel.onDidChangeViewState(() => {
      if (panel.visible) send('changed', null);
    });
    this.#panels.set(id, panel);
    panel.onDidDispose(() => {
      listener.dispose();
      changes.dispose();
      shown.dispose();
      this.#panels.delete(id);
    });
  }
}

async function viewOf(run: RunSummary, folder: RunFolder, metrics: MetricsReader): Promise<RunView> {
  const { id, kind, state, background, error, created, step, steps, loss, counts } = run;
  const common = {
    ...{ id, kind, state, background, error, created, step, steps, loss },
    title: `${run.name}: ${run.title}`,
    canResume: isResumable(run),
    counts: countNames().flatMap(([name, word]) => (name in counts ? [[word, counts[name]!] as const] : [])),
    ...curvesOf(metrics.steps),
    heldOut: metrics.figures.map(({ step, figures }) => ({ step, figures })),
    result: kind === 'training' || kind === 'evaluation' ? readResult(folder) : null,
    log: await readTail(folder.logFile, logLines),
  };
  const record = folder.read();
  if (record.kind !== 'training') {
    const settings = Object.entries(record.request).map(
      ([name, value]) => [name, settingWord(value)] as const,
    );
    return { ...common, settings, pace: null };
  }
  const { pairs, base, out, recipe } = record;
  const isNew = resolve(folder.workspace, base) === folder.base;
  return {
    ...common,
    settings: [
      [vscode.l10n.t('Pairs'), pairs],
      [vscode.l10n.t('Base'), isNew ? vscode.l10n.t('a new static encoder') : base],
      [vscode.l10n.t('Model'), relative(folder.workspace, resolve(folder.workspace, out))],
      [vscode.l10n.t('Epochs'), ungrouped(recipe.epochs)],
      [vscode.l10n.t('Batch'), vscode.l10n.t('{0} rows', whole(recipe.batchSize))],
      [
        vscode.l10n.t('Learning rate'),
        vscode.l10n.t('{0}, {1} decay', ungrouped(recipe.learningRate), recipe.decay),
      ],
      [vscode.l10n.t('Temperature'), ungrouped(recipe.temperature)],
      [vscode.l10n.t('Group'), vscode.l10n.t('{0} documents', whole(recipe.groupSize))],
      [vscode.l10n.t('Weights'), recipe.weighted ? vscode.l10n.t('of the pairs') : vscode.l10n.t('all 1')],
      [vscode.l10n.t('Seed'), ungrouped(recipe.seed)],
    ],
    pace: paceOf(metrics.steps, run.steps, recipe.batchSize),
  };
}
