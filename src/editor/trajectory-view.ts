import * as vscode from 'vscode';
import { LratError } from '../base/errors.ts';
import { serveWebview } from './webview.ts';
import type { LratWorkspace } from './workspace.ts';

export const trajectoryViewType = 'lrat.trajectory';

/** Which trajectory a view shows. */
export interface TrajectoryPlace {
  readonly log: string;
  readonly trajectory: string;
}

/** The trajectory view: as a panel for any trajectory, and as an editor for a log that holds one. */
export class TrajectoryViews implements vscode.CustomReadonlyEditorProvider, vscode.WebviewPanelSerializer {
  readonly #extension: vscode.Uri;
  readonly #workspace: LratWorkspace;
  readonly #log: vscode.LogOutputChannel;
  readonly #panels = new Map<string, { panel: vscode.WebviewPanel; reveal: (step: number) => void }>();

  constructor(extension: vscode.Uri, workspace: LratWorkspace, log: vscode.LogOutputChannel) {
    this.#extension = extension;
    this.#workspace = workspace;
    this.#log = log;
  }

  /** Shows a trajectory, in the panel that has it if there is one. */
  open(place: TrajectoryPlace, title: string, step?: number): void {
    const open = this.#panels.get(keyOf(place));
    if (open !== undefined) {
      open.panel.reveal();
      if (step !== undefined) open.reveal(step);
      return;
    }
    const panel = vscode.window.createWebviewPanel(
      trajectoryViewType,
      readableTitle(title),
      vscode.ViewColumn.Active,
      {
        enableScripts: true,
        enableFindWidget: true,
      },
    );
    this.#fill(panel, place);
    if (step !== undefined) this.#panels.get(keyOf(place))?.reveal(step);
  }

  /** Shows a step of a trajectory that may not be open yet. */
  async openStep(place: TrajectoryPlace, step: number): Promise<void> {
    const { log, trajectory } = place;
    const { question } = await this.#workspace.inspector.ask('head', log, trajectory);
    this.open({ log, trajectory }, question ?? trajectory, step);
  }

  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const { log, trajectory } = (state ?? {}) as Partial<TrajectoryPlace>;
    if (typeof log === 'string' && typeof trajectory === 'string') this.#fill(panel, { log, trajectory });
    // A state that an older version left says nothing: an empty tab helps nobody.
    else panel.dispose();
  }

  openCustomDocument(uri: vscode.Uri): vscode.CustomDocument {
    return { uri, dispose: () => {} };
  }

  async resolveCustomEditor(document: vscode.CustomDocument, panel: vscode.WebviewPanel): Promise<void> {
    const { inspector } = this.#workspace;
    const entries = await inspector.ask('trajectoriesOf', document.uri.fsPath);
    const [first] = entries;
    if (first === undefined) {
      throw new LratError('is not in the index.', {
        place: document.uri.fsPath,
        remedy: 'Run “LRAT: Index Workspace” first; the tree then says why a log is not read.',
      });
    }
    this.#fill(panel, { log: first.log, trajectory: first.trajectory });
  }

  #fill(panel: vscode.WebviewPanel, place: TrajectoryPlace): void {
    const { inspector, onDidChange } = this.#workspace;
    const { log, trajectory } = place;
    panel.iconPath = vscode.Uri.joinPath(this.#extension, 'media', 'lrat.svg');
    // A view that is not loaded, or was thrown away while hidden, hears nothing: it is told once it has its trajectory.
    let loaded = false;
    let awaited: number | undefined;
    const reveal = (step: number) => {
      if (loaded) send('reveal', { step });
      else awaited = step;
    };
    const { listener, send } = serveWebview(
      panel.webview,
      this.#extension,
      'trajectory',
      {
        'trajectory.head': async () => {
          const head = await inspector.ask('head', log, trajectory);
          // After the answer.
          setImmediate(() => {
            loaded = panel.visible;
            if (awaited !== undefined) send('reveal', { step: awaited });
            awaited = undefined;
          });
          return head;
        },
        'trajectory.steps': ({ from, to }) => inspector.ask('steps', log, trajectory, from, to),
        'trajectory.find': ({ text }) => inspector.ask('find', log, trajectory, text),
        'trajectory.label': async ({ step, doc, label }) => {
          await inspector.ask('label', { log, trajectory, step, doc }, label);
          // The walkthrough ticks its step off.
          void vscode.commands.executeCommand('setContext', 'lrat.labelled', true);
          await this.#workspace.refresh();
          return null;
        },
        'trajectory.undo': async () => {
          await inspector.ask('undo');
          await this.#workspace.refresh();
          return null;
        },
        'open.pair': async ({ step, doc }) => {
          await vscode.commands.executeCommand('lrat.openPairs', { log, trajectory, step, doc });
          return null;
        },
        'open.log': async ({ line, column }) => {
          await this.openLog(log, line, column);
          return null;
        },
        'open.transcript': async () => {
          await vscode.commands.executeCommand('lrat.openTranscript', { entry: { log, trajectory } });
          return null;
        },
        'open.compare': async () => {
          const entries = await inspector.ask('trajectories', { log }, { offset: 0, limit: -1 });
          const entry = entries.find(each => each.trajectory === trajectory);
          await vscode.commands.executeCommand('lrat.compareTrajectories', { kind: 'trajectory', entry });
          return null;
        },
        'open.text': async () => {
          await this.openLog(log, 1, 1);
          return null;
        },
      },
      this.#log,
    );
    const changes = onDidChange(() => send('changed', null));
    const shown = panel.onDidChangeViewState(() => {
      if (!panel.visible) loaded = false;
    });
    this.#panels.set(keyOf(place), { panel, reveal });
    panel.onDidDispose(() => {
      listener.dispose();
      changes.dispose();
      shown.dispose();
      this.#panels.delete(keyOf(place));
    });
  }

  /** Opens a log as text at a place that counts from 1. */
  async openLog(log: string, line: number, column: number): Promise<void> {
    const uri = vscode.Uri.file(await this.#workspace.inspector.ask('pathOf', log));
    const position = new vscode.Position(line - 1, column - 1);
    await vscode.window.showTextDocument(uri, {
      selection: new vscode.Range(position, position),
      preview: true,
    });
  }
}

/** A question as the title of a tab: its first words, on one line. */
export function readableTitle(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  if (line.length <= 40) return line;
  const cut = line.slice(0, 40);
  const end = cut.lastIndexOf(' ');
  return `${end > 20 ? cut.slice(0, end) : cut}…`;
}

function keyOf({ log, trajectory }: TrajectoryPlace): string {
  return JSON.stringify([log, trajectory]);
}
