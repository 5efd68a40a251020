import * as vscode from 'vscode';
import { LratError } from '../base/errors.ts';
import { firstWords } from '../base/text.ts';
import type { LogPlace, LogView } from '../protocol.ts';
import { isArchive } from '../trajectory/log.ts';
import { Revealer } from './revealer.ts';
import { showLog } from './show-text.ts';
import { serveWebview, tabIcon } from './webview.ts';
import type { LratWorkspace } from './workspace.ts';

export const trajectoryViewType = 'lrat.trajectory';

/** Characters of a question in the title of a tab. */
export const titleLength = 40;

/** Which trajectory a view shows. */
export interface TrajectoryPlace {
  readonly log: string;
  readonly trajectory: string;
}

/** A trajectory on the screen, or in a tab behind another. */
interface OpenView {
  readonly place: TrajectoryPlace;
  readonly panel: vscode.WebviewPanel;
  readonly revealer: Revealer<number>;
}

/** The trajectory view: as a panel for any trajectory, and as an editor for a log that holds one. */
export class TrajectoryViews implements vscode.CustomReadonlyEditorProvider, vscode.WebviewPanelSerializer {
  readonly #extension: vscode.Uri;
  readonly #workspace: LratWorkspace;
  readonly #log: vscode.LogOutputChannel;
  readonly #shown = new vscode.EventEmitter<TrajectoryPlace>();
  /** A trajectory is looked at. */
  readonly onDidShow = this.#shown.event;
  /** What is open; one trajectory may be so more than once: as a panel, as an editor, in a split. */
  readonly #open = new Set<OpenView>();

  constructor(extension: vscode.Uri, workspace: LratWorkspace, log: vscode.LogOutputChannel) {
    this.#extension = extension;
    this.#workspace = workspace;
    this.#log = log;
  }

  /** Shows a trajectory, in the panel that has it if there is one. */
  open(place: TrajectoryPlace, title: string, step?: number): void {
    const open = [...this.#open].filter(view => isSame(view.place, place));
    const shown = open.find(({ panel }) => panel.visible) ?? open.at(-1);
    shown?.panel.reveal();
    const { revealer } = shown ?? this.#fill(this.#newPanel(title), place);
    if (step !== undefined) revealer.reveal(step);
  }

  #newPanel(title: string): vscode.WebviewPanel {
    return vscode.window.createWebviewPanel(
      trajectoryViewType,
      firstWords(title, titleLength),
      vscode.ViewColumn.Active,
      { enableScripts: true, enableFindWidget: true },
    );
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
    const entries = await this.#workspace.inspector
      .ask('trajectoriesOf', document.uri.fsPath)
      // The list tells in the view what is wrong.
      .catch(() => []);
    const [first] = entries;
    if (first !== undefined && entries.length === 1) {
      this.#fill(panel, { log: first.log, trajectory: first.trajectory });
    } else this.#fillList(panel, document.uri);
  }

  /** The trajectories of a log; one of them opens in the same place and leads back. */
  #fillList(panel: vscode.WebviewPanel, uri: vscode.Uri): void {
    const { inspector, onDidChange } = this.#workspace;
    const path = uri.fsPath;
    const leave = () => {
      listener.dispose();
      changes.dispose();
      closed.dispose();
    };
    const { listener, send } = serveWebview(
      panel.webview,
      this.#extension,
      'list',
      {
        'list.log': () => this.#logView(path),
        'list.pairs': () => this.#pairsOf(path),
        'list.open': async ({ trajectory }) => {
          const entries = await inspector.ask('trajectoriesOf', path);
          const entry = entries.find(each => each.trajectory === trajectory);
          if (entry === undefined) {
            throw new LratError(`no longer has a trajectory ${trajectory}.`, {
              place: path,
              remedy: 'Index again.',
            });
          }
          leave();
          this.#fill(panel, { log: entry.log, trajectory }, () => this.#fillList(panel, uri));
          return null;
        },
        'list.index': async () => {
          await vscode.commands.executeCommand('lrat.index');
          return null;
        },
        'open.log': async ({ line, column }) => {
          await showLog(uri, line, column);
          return null;
        },
        'open.text': async () => {
          await showLog(uri);
          return null;
        },
      },
      this.#log,
    );
    const changes = onDidChange(() => send('changed', null));
    const closed = panel.onDidDispose(leave);
  }

  async #logView(path: string): Promise<LogView> {
    const { inspector } = this.#workspace;
    const [found, file] = await Promise.all([
      inspector.ask('trajectoriesOf', path),
      inspector.ask('fileAt', path),
    ]);
    const common = (name: 'agent' | 'retriever') =>
      found.every(entry => entry[name] === found[0]![name]) ? (found[0]?.[name] ?? null) : null;
    return {
      log: file?.log ?? vscode.workspace.asRelativePath(path),
      isRead: file !== null,
      isArchive: isArchive(path),
      entries: found.map(({ trajectory, question, outcome, searches, browses, noPairs }) => ({
        ...{ trajectory, question, outcome, searches, browses, noPairs },
      })),
      agent: common('agent'),
      retriever: common('retriever'),
      problems: file?.problems.map(({ place, reason }) => ({ place, reason })) ?? [],
    };
  }

  async #pairsOf(path: string): Promise<[trajectory: string, pairs: number][]> {
    const { inspector } = this.#workspace;
    const file = await inspector.ask('fileAt', path);
    const counts = file === null ? [] : await inspector.ask('pairCounts', file.log);
    return counts.map(([, trajectory, pairs]) => [trajectory, pairs]);
  }

  /** @param back shows the list that the trajectory was opened from */
  #fill(panel: vscode.WebviewPanel, place: TrajectoryPlace, back?: () => void): OpenView {
    const { inspector, onDidChange } = this.#workspace;
    const { log, trajectory } = place;
    panel.iconPath = tabIcon(this.#extension);
    const { listener, send } = serveWebview(
      panel.webview,
      this.#extension,
      'trajectory',
      {
        'trajectory.head': () => inspector.ask('head', log, trajectory),
        'trajectory.steps': ({ from, to, words }) => inspector.ask('steps', log, trajectory, from, to, words),
        'trajectory.find': ({ text }) => inspector.ask('find', log, trajectory, text),
        'trajectory.label': async ({ step, doc, label }) => {
          await this.#workspace.label({ log, trajectory, step, doc }, label);
          return null;
        },
        'trajectory.undo': async () => {
          await this.#workspace.undo();
          return null;
        },
        'trajectory.missed': async () => revealer.missed(),
        'trajectory.inList': async () => back !== undefined,
        'open.list': async () => {
          leave();
          back?.();
          return null;
        },
        'open.pair': async ({ step, doc }) => {
          await vscode.commands.executeCommand('lrat.openPairs', { log, trajectory, step, doc });
          return null;
        },
        'open.log': async stands => {
          await this.openLog(log, stands);
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
          // The log may no longer hold what was indexed, which is when one wants to see its text.
          const start = await inspector.ask('positionOf', log, trajectory).catch(() => undefined);
          await this.openLog(log, start ?? { line: 1, column: 1, member: null });
          return null;
        },
      },
      this.#log,
    );
    const changes = onDidChange(() => send('changed', null));
    const revealer = new Revealer<number>(panel, step => send('reveal', { step }));
    const shown = panel.onDidChangeViewState(() => {
      if (panel.active) this.#shown.fire(place);
    });
    this.#shown.fire(place);
    const view = { place, panel, revealer };
    this.#open.add(view);
    const leave = () => {
      listener.dispose();
      changes.dispose();
      shown.dispose();
      revealer.dispose();
      closed.dispose();
      this.#open.delete(view);
    };
    const closed = panel.onDidDispose(leave);
    return view;
  }

  /** Opens a log as text at a place. What stands in an archive has no text that an editor could show: it is named. */
  async openLog(log: string, { line, column, member }: LogPlace): Promise<void> {
    if (member === null) {
      await showLog(vscode.Uri.file(await this.#workspace.inspector.ask('pathOf', log)), line, column);
      return;
    }
    void vscode.window.showInformationMessage(
      vscode.l10n.t('{0} is an archive: this stands in its member {1}, at line {2}.', log, member, line),
    );
  }
}

function isSame(one: TrajectoryPlace, other: TrajectoryPlace): boolean {
  return one.log === other.log && one.trajectory === other.trajectory;
}
