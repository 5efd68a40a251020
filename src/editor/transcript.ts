import * as vscode from 'vscode';
import type { Transcript } from '../jobs/transcript.ts';
import type { LratWorkspace } from './workspace.ts';

export const transcriptScheme = 'lrat-transcript';
/** Of the documents, so that folding, outline and word wrap can be theirs alone. */
export const transcriptLanguage = 'lrat-transcript';

/** A trajectory's transcript as a document that can be read and searched, and not written. */
export class Transcripts
  implements
    vscode.TextDocumentContentProvider,
    vscode.FoldingRangeProvider,
    vscode.DocumentSymbolProvider,
    vscode.Disposable
{
  readonly #workspace: LratWorkspace;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.#changed.event;
  readonly #registered: vscode.Disposable;

  constructor(workspace: LratWorkspace) {
    this.#workspace = workspace;
    const selector = { scheme: transcriptScheme };
    this.#registered = vscode.Disposable.from(
      vscode.workspace.registerTextDocumentContentProvider(transcriptScheme, this),
      vscode.languages.registerFoldingRangeProvider(selector, this),
      vscode.languages.registerDocumentSymbolProvider(selector, this),
      // A log that has grown has more to read.
      workspace.onDidChange(() => {
        for (const { uri } of vscode.workspace.textDocuments)
          if (uri.scheme === transcriptScheme) this.#changed.fire(uri);
      }),
    );
  }

  /** Opens the transcript of a trajectory, at a step if one is named. */
  async open({ log, trajectory }: { log: string; trajectory: string }, step?: number): Promise<void> {
    const { question } = await this.#workspace.inspector.ask('head', log, trajectory);
    const uri = transcriptUri(log, trajectory, question ?? trajectory);
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.languages.setTextDocumentLanguage(document, transcriptLanguage);
    const { steps } = await this.read(uri);
    const line = step === undefined ? 0 : (steps.find(each => each.step === step)?.line ?? 0);
    await vscode.window.showTextDocument(document, { selection: new vscode.Range(line, 0, line, 0) });
  }

  read(uri: vscode.Uri): Promise<Transcript> {
    const { log, trajectory } = placeOf(uri);
    return this.#workspace.inspector.ask('transcript', log, trajectory);
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    return (await this.read(uri)).text;
  }

  async provideFoldingRanges({ uri }: vscode.TextDocument): Promise<vscode.FoldingRange[]> {
    const { steps } = await this.read(uri);
    return steps
      .filter(({ line, end }) => end > line)
      .map(({ line, end }) => new vscode.FoldingRange(line, end));
  }

  async provideDocumentSymbols(document: vscode.TextDocument): Promise<vscode.DocumentSymbol[]> {
    const { steps } = await this.read(document.uri);
    const kinds = {
      think: vscode.SymbolKind.String,
      search: vscode.SymbolKind.Array,
      browse: vscode.SymbolKind.File,
      tool: vscode.SymbolKind.Method,
      answer: vscode.SymbolKind.Key,
    };
    return steps.map(({ kind, step, name, line, end }) => {
      const whole = document.validateRange(new vscode.Range(line, 0, end, Number.MAX_SAFE_INTEGER));
      const heading = document.lineAt(whole.start.line).range;
      return new vscode.DocumentSymbol(`[${step}] ${kind}`, name, kinds[kind], whole, heading);
    });
  }

  dispose(): void {
    this.#registered.dispose();
    this.#changed.dispose();
  }
}

function transcriptUri(log: string, trajectory: string, title: string): vscode.Uri {
  const name =
    title
      .replace(/[^\p{L}\p{N}]+/gu, ' ')
      .trim()
      .slice(0, 60)
      .trim() || 'trajectory';
  const query = JSON.stringify({ log, trajectory });
  return vscode.Uri.from({ scheme: transcriptScheme, path: `/${name}.txt`, query });
}

/** Which trajectory a transcript is of. */
export function placeOf(uri: vscode.Uri): { log: string; trajectory: string } {
  return JSON.parse(uri.query) as { log: string; trajectory: string };
}
