import { join } from 'node:path';
import * as vscode from 'vscode';
import { InspectorClient } from './inspector.ts';

/** Milliseconds without a further change before views are refreshed. */
const settling = 300;

/** The folder that LRAT works in: the first of the window. Opens nothing before it is asked. */
export class LratWorkspace implements vscode.Disposable {
  readonly folder: vscode.WorkspaceFolder;
  readonly inspector: InspectorClient;
  readonly #changed = new vscode.EventEmitter<void>();
  /** Index or labels are no longer what they were. */
  readonly onDidChange = this.#changed.event;
  readonly #watcher: vscode.FileSystemWatcher;
  #timer: NodeJS.Timeout | undefined;

  constructor(folder: vscode.WorkspaceFolder, person: string) {
    this.folder = folder;
    this.inspector = new InspectorClient({ workspace: folder.uri.fsPath, person });
    this.#watcher = vscode.workspace.createFileSystemWatcher(
      new vscode.RelativePattern(folder, '.lrat/{labels.jsonl,config.json}'),
    );
    const soon = () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.refresh(), settling);
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

  /** Reads index and labels again, and tells every view. */
  async refresh(): Promise<void> {
    await this.inspector.ask('refresh');
    this.#changed.fire();
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#watcher.dispose();
    this.#changed.dispose();
    this.inspector.dispose();
  }
}
