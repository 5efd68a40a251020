import * as vscode from 'vscode';
import { LratError } from '../base/errors.ts';
import type { Job } from '../base/progress.ts';
import type { BrowseMark } from '../jobs/transcript.ts';
import type { BrowseKey } from '../trajectory/outline.ts';
import { type Annotations, browseName, isAnnotated, placeOf } from './annotations.ts';
import { personName } from './settings.ts';
import type { LratWorkspace } from './workspace.ts';

interface Note extends vscode.CommentThread {
  /** The browse that it is about. */
  lratKey?: BrowseKey;
  /** What it shows. */
  lratSaid?: string;
}

/** Notes of people on browses, as comments beside transcripts and logs. They stand in the labels. */
export class Notes implements vscode.Disposable {
  readonly #workspace: LratWorkspace;
  readonly #annotations: Annotations;
  readonly #controller: vscode.CommentController;
  /** By document and browse. */
  readonly #threads = new Map<string, Map<string, Note>>();
  readonly #registered: vscode.Disposable;

  constructor(workspace: LratWorkspace, annotations: Annotations) {
    this.#workspace = workspace;
    this.#annotations = annotations;
    this.#controller = vscode.comments.createCommentController(
      'lrat.notes',
      vscode.l10n.t('Notes on browses'),
    );
    this.#controller.options = { placeHolder: vscode.l10n.t('Why is it relevant, or not?') };
    this.#controller.commentingRangeProvider = {
      provideCommentingRanges: async document => {
        const { browses } = await annotations.marks(document);
        return [...new Map(browses.map(mark => [mark.line, lineOf(mark)])).values()];
      },
    };
    this.#registered = vscode.Disposable.from(
      this.#controller,
      vscode.window.onDidChangeVisibleTextEditors(() => this.#showAll()),
      vscode.workspace.onDidCloseTextDocument(document => this.#hide(document)),
      annotations.onDidChangeCodeLenses(() => this.#showAll()),
    );
    this.#showAll();
  }

  commands(): Record<string, (job: Job, argument?: unknown) => Promise<unknown>> {
    return {
      'lrat.saveNote': async (_, argument) => {
        const { thread, text } = argument as vscode.CommentReply;
        const { lratKey } = thread as Note;
        await this.#save(lratKey ?? (await this.#browseOf(thread)), text.trim());
        // A thread that was begun here has done its work: what is read back from the labels has one of its own.
        if (lratKey === undefined) thread.dispose();
      },
      'lrat.deleteNote': async (_, argument) => {
        const { lratKey } = argument as Note;
        if (lratKey !== undefined) await this.#save(lratKey, '');
      },
    };
  }

  #save(key: BrowseKey, text: string): Promise<void> {
    return this.#workspace.note(key, text === '' ? null : text);
  }

  /** The browse of a thread that a person has just begun: that of its line, or which of them the person says. */
  async #browseOf({ uri, range }: vscode.CommentThread): Promise<BrowseKey> {
    const { browses } = await this.#annotations.marks(await vscode.workspace.openTextDocument(uri));
    const line = browses.filter(mark => mark.line === range?.end.line);
    const [first] = line;
    if (first === undefined) {
      throw new LratError(vscode.l10n.t('There is no browse in this line any more. The note is not saved.'), {
        place: vscode.workspace.asRelativePath(uri),
        remedy: vscode.l10n.t('Copy its text, and write it at the line of the browse.'),
      });
    }
    if (line.length === 1) return first.key;
    const editor = vscode.window.activeTextEditor;
    const cursor = editor?.document.uri.toString() === uri.toString() ? editor.selection.active : undefined;
    const near = cursor && line.findLast(mark => placeOf(mark).isBeforeOrEqual(cursor));
    const items = line.map(mark => ({ label: browseName(mark, line), mark }));
    // What the cursor is on comes first.
    items.sort((a, b) => Number(b.mark === near) - Number(a.mark === near));
    const choice = await vscode.window.showQuickPick(items, {
      placeHolder: vscode.l10n.t('Several browses stand in this line. Which one is the note on?'),
    });
    if (choice === undefined) throw new DOMException('No browse was chosen.', 'AbortError');
    return choice.mark.key;
  }

  #showAll(): void {
    for (const { document } of vscode.window.visibleTextEditors)
      if (isAnnotated(document)) void this.#show(document);
  }

  /** Brings the threads of a document up to date. What is the same stays, with the reply that may be being written. */
  async #show(document: vscode.TextDocument): Promise<void> {
    const { browses } = await this.#annotations.marks(document);
    if (document.isClosed) return;
    const name = document.uri.toString();
    const before = this.#threads.get(name) ?? new Map<string, Note>();
    const now = new Map<string, Note>();
    for (const mark of browses) {
      if (mark.label.notes.length === 0) continue;
      const key = JSON.stringify(mark.key);
      const thread = before.get(key) ?? this.#begin(document, mark);
      before.delete(key);
      now.set(key, thread);
      update(thread, mark);
    }
    for (const gone of before.values()) gone.dispose();
    this.#threads.set(name, now);
  }

  #hide({ uri }: vscode.TextDocument): void {
    const name = uri.toString();
    for (const thread of this.#threads.get(name)?.values() ?? []) thread.dispose();
    this.#threads.delete(name);
  }

  #begin({ uri }: vscode.TextDocument, mark: BrowseMark): Note {
    const thread: Note = this.#controller.createCommentThread(uri, lineOf(mark), []);
    thread.lratKey = mark.key;
    return thread;
  }

  dispose(): void {
    this.#registered.dispose();
  }
}

/** Says in a thread what is noted on its browse, touching only what differs. */
function update(thread: Note, mark: BrowseMark): void {
  const { key, label } = mark;
  const range = lineOf(mark);
  if (thread.range?.isEqual(range) !== true) thread.range = range;
  const said = JSON.stringify([label.notes, personName()]);
  if (thread.lratSaid === said) return;
  thread.lratSaid = said;
  thread.comments = label.notes.map(({ name, text }) => ({
    // Somebody's text: shown as text.
    body: new vscode.MarkdownString().appendText(text),
    mode: vscode.CommentMode.Preview,
    author: { name },
  }));
  const isOwn = label.notes.some(({ name }) => name === personName());
  // Only one's own can be deleted.
  thread.contextValue = isOwn ? 'note' : '';
  thread.label = isOwn
    ? vscode.l10n.t('Note on step {0}; a reply takes the place of yours', key.step)
    : vscode.l10n.t('Note on step {0}', key.step);
}

function lineOf({ line }: BrowseMark): vscode.Range {
  return new vscode.Range(line, 0, line, 0);
}
