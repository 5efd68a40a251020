import * as vscode from 'vscode';
import { firstWords } from '../base/text.ts';
import type { Transcript, TranscriptWords } from '../jobs/transcript.ts';
import type { StepKind } from '../protocol.ts';
import { language } from './figures.ts';
import { outcomeWord } from './trajectory-tree.ts';
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

  /** Opens the transcript of a trajectory. */
  async open({ log, trajectory }: { log: string; trajectory: string }): Promise<void> {
    const { question } = await this.#workspace.inspector.ask('head', log, trajectory);
    const uri = transcriptUri(log, trajectory, question ?? trajectory);
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.languages.setTextDocumentLanguage(document, transcriptLanguage);
    await vscode.window.showTextDocument(document);
  }

  read(uri: vscode.Uri): Promise<Transcript> {
    const { log, trajectory } = placeOf(uri);
    return this.#workspace.inspector.ask('transcript', log, trajectory, transcriptWords());
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
      return new vscode.DocumentSymbol(`[${step}] ${kindWord(kind)}`, name, kinds[kind], whole, heading);
    });
  }

  dispose(): void {
    this.#registered.dispose();
    this.#changed.dispose();
  }
}

/** What the worker that writes transcripts cannot know: the words in the reader's language. */
function transcriptWords(): TranscriptWords {
  return {
    language,
    outcomes: {
      correct: outcomeWord('correct'),
      incorrect: outcomeWord('incorrect'),
      unknown: outcomeWord('unknown'),
    },
    kinds: {
      think: kindWord('think'),
      search: kindWord('search'),
      browse: kindWord('browse'),
      tool: kindWord('tool'),
      answer: kindWord('answer'),
    },
    tokens: vscode.l10n.t('{0} tokens', '{0}'),
    postBrowseTokens: vscode.l10n.t('post-browse, {0} tokens', '{0}'),
    unknownDocument: vscode.l10n.t('document unknown'),
    cut: vscode.l10n.t('cut after {0} characters; the log has the rest', '{0}'),
  };
}

function kindWord(kind: StepKind): string {
  switch (kind) {
    case 'think':
      return vscode.l10n.t('think');
    case 'search':
      return vscode.l10n.t('search');
    case 'browse':
      return vscode.l10n.t('browse');
    case 'tool':
      return vscode.l10n.t('tool');
    case 'answer':
      return vscode.l10n.t('answer');
  }
}

function transcriptUri(log: string, trajectory: string, title: string): vscode.Uri {
  const name = firstWords(title.replace(/[^\p{L}\p{N}]+/gu, ' '), 60).replace('…', '') || 'trajectory';
  const query = JSON.stringify({ log, trajectory });
  return vscode.Uri.from({ scheme: transcriptScheme, path: `/${name}.txt`, query });
}

/** Which trajectory a transcript is of. */
export function placeOf(uri: vscode.Uri): { log: string; trajectory: string } {
  return JSON.parse(uri.query) as { log: string; trajectory: string };
}
