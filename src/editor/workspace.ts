import { isAbsolute, join, relative } from 'node:path';
import * as vscode from 'vscode';
import { describeError } from '../base/errors.ts';
import type { Change } from '../jobs/inspect.ts';
import { InspectorClient } from '../jobs/inspector-client.ts';
import type { BrowseKey } from '../trajectory/outline.ts';

/** Milliseconds without a further change before views are refreshed. */
const settling = 300;

/** The folder that LRAT works in: the first of the window. Opens nothing before it is asked. */
export class LratWorkspace implements vscode.Disposable {
  readonly folder: vscode.WorkspaceFolder;
  readonly inspector: InspectorClient;
  readonly #changed = new vscode.EventEmitter<Change>();
  /** Index or labels are no longer what they were. */
  readonly onDidChange = this.#changed.event;
  readonly #opened = new vscode.EventEmitter<void>();
  /** The index begins to be read, for the first time or again. */
  readonly onDidOpen = this.#opened.event;
  readonly #watcher: vscode.FileSystemWatcher;
  #timer: NodeJS.Timeout | undefined;

  constructor(folder: vscode.WorkspaceFolder, person: string) {
    this.folder = folder;
    this.inspector = new InspectorClient(
      { workspace: folder.uri.fsPath, person },
      () => this.#opened.fire(),
      // The same trajectories, with other weights.
      () => this.#changed.fire('labels'),
    );
    this.#watcher = vscode.workspace.createFileSystemWatcher(
      new vscode.RelativePattern(folder, '.lrat/{labels.jsonl,config.json,index.db}'),
    );
    const soon = () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => {
        this.notice().catch(error => vscode.window.showErrorMessage(describeError(error)));
      }, settling);
    };
    this.#watcher.onDidChange(soon);
    this.#watcher.onDidCreate(soon);
    this.#watcher.onDidDelete(soon);
  }

  get path(): string {
    return this.folder.uri.fsPath;
  }

  /** Path of something in `.lrat`. */
  inHome(...names: string[]): string {
    return join(this.path, '.lrat', ...names);
  }

  /** A path as it is remembered and shown: relative to the folder where it lies in it. */
  within(path: string): string {
    const inside = relative(this.path, path);
    return inside.startsWith('..') || isAbsolute(inside) ? path : inside;
  }

  /** Takes in what changed on the disk or through the inspector, and tells every view. */
  async refresh(): Promise<void> {
    let change: Change | null = null;
    try {
      change = await this.inspector.refresh();
    } finally {
      this.#changed.fire(change ?? 'labels');
    }
  }

  /** Labels given from now on carry this name, and those that do are told to be one's own. */
  signAs(person: string): void {
    this.inspector.signAs(person);
    this.#changed.fire('labels');
  }

  /** Sets a person's label of a browse, or takes it back. */
  async label(browse: BrowseKey, label: 'relevant' | 'irrelevant' | null): Promise<void> {
    await this.inspector.ask('label', browse, label);
    // The walkthrough ticks its step off.
    void vscode.commands.executeCommand('setContext', 'lrat.labelled', true);
    await this.refresh();
  }

  /** Sets a person's note on a browse, or takes it back. */
  async note(browse: BrowseKey, note: string | null): Promise<void> {
    await this.inspector.ask('note', browse, note);
    await this.refresh();
  }

  /** Takes the last label or note of this session back; says which browse it was about, or null if there is none. */
  async undo(): Promise<BrowseKey | null> {
    const browse = await this.inspector.ask('undo');
    if (browse !== null) await this.refresh();
    return browse;
  }

  /** Takes in what may have changed on the disk, perhaps by our own hand: then the views know already. */
  async notice(): Promise<void> {
    const change = await this.inspector.refresh();
    if (change !== null) this.#changed.fire(change);
  }

  /** Has every view ask anew: what there is to say has changed with time alone. */
  retell(): void {
    this.#changed.fire('index');
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#watcher.dispose();
    this.#changed.dispose();
    this.#opened.dispose();
    this.inspector.dispose();
  }
}
