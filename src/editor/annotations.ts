import { existsSync, statSync } from 'node:fs';
import * as vscode from 'vscode';
import { describeError } from '../base/errors.ts';
import type { Job } from '../base/progress.ts';
import type { BrowseMark, CandidateMark } from '../jobs/transcript.ts';
import type { DropReasonName, Fate, LabelValue } from '../protocol.ts';
import { isCandidateLog, textEndings } from '../trajectory/log.ts';
import type { BrowseKey } from '../trajectory/outline.ts';
import { decimal, whole } from './figures.ts';
import { labelWord } from './labels-tree.ts';
import { onSetting, setting } from './settings.ts';
import { type Transcripts, transcriptScheme } from './transcript.ts';
import type { LratWorkspace } from './workspace.ts';

/** A log above this is shown without annotations, in bytes; VS Code does not even hand such a text to extensions. */
const largestLog = 50 * 2 ** 20;

/** What stands in a document. */
export interface Marks {
  readonly browses: readonly BrowseMark[];
  readonly candidates: readonly CandidateMark[];
}

const none: Marks = { browses: [], candidates: [] };

/** CodeLenses, hovers and decorations on the browses of transcripts and of raw logs. */
export class Annotations implements vscode.CodeLensProvider, vscode.HoverProvider, vscode.Disposable {
  readonly #workspace: LratWorkspace;
  readonly #transcripts: Transcripts;
  readonly #log: vscode.LogOutputChannel;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.#changed.event;
  readonly #decorations: Readonly<Record<Decoration, vscode.TextEditorDecorationType>>;
  readonly #registered: vscode.Disposable;
  /** By document, with the version of the text that the marks belong to. */
  readonly #known = new Map<string, { readonly version: number; readonly marks: Promise<Marks> }>();

  constructor(
    extension: vscode.Uri,
    workspace: LratWorkspace,
    transcripts: Transcripts,
    log: vscode.LogOutputChannel,
  ) {
    this.#workspace = workspace;
    this.#transcripts = transcripts;
    this.#log = log;
    this.#decorations = decorationTypes(extension);
    const selector: vscode.DocumentSelector = [
      { scheme: transcriptScheme },
      {
        scheme: 'file',
        pattern: new vscode.RelativePattern(workspace.folder, `**/*{${textEndings.join()}}`),
      },
    ];
    this.#registered = vscode.Disposable.from(
      vscode.languages.registerCodeLensProvider(selector, this),
      vscode.languages.registerHoverProvider(selector, this),
      vscode.window.onDidChangeVisibleTextEditors(() => this.#decorateAll()),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.#known.delete(uri.toString())),
      workspace.onDidChange(() => this.#refresh()),
      onSetting('annotations.enabled', () => this.#refresh()),
      ...Object.values(this.#decorations),
    );
    this.#decorateAll();
  }

  /** The browses and candidates of a document; none where it is no log of the index, too large, or not to be annotated. */
  marks(document: vscode.TextDocument): Promise<Marks> {
    const name = document.uri.toString();
    const known = this.#known.get(name);
    if (known?.version === document.version) return known.marks;
    const marks = this.#read(document).catch((error: unknown) => {
      this.#log.warn(describeError(error));
      return none;
    });
    this.#known.set(name, { version: document.version, marks });
    return marks;
  }

  async #read(document: vscode.TextDocument): Promise<Marks> {
    const { uri, isDirty } = document;
    if (!setting('annotations.enabled') || !isAnnotated(document)) return none;
    if (uri.scheme === transcriptScheme) return this.#transcripts.read(uri);
    const stats = statSync(uri.fsPath, { throwIfNoEntry: false });
    const isIndexed = existsSync(this.#workspace.inHome('index.db'));
    // In a text that is being changed the index's places mean nothing.
    if (isDirty || !isIndexed || stats === undefined || stats.size > largestLog) return none;
    return { browses: await this.#workspace.inspector.ask('marksOf', uri.fsPath), candidates: [] };
  }

  async provideCodeLenses(document: vscode.TextDocument): Promise<vscode.CodeLens[]> {
    const { browses } = await this.marks(document);
    return browses.flatMap(mark => lensesOf(mark, nameAmong(mark, browses), rangeOf(document, mark)));
  }

  async provideHover(
    document: vscode.TextDocument,
    position: vscode.Position,
  ): Promise<vscode.Hover | undefined> {
    const { browses } = await this.marks(document);
    const mark = browses.findLast(
      ({ line, column }) => line === position.line && column <= position.character,
    );
    if (mark === undefined) return undefined;
    const text = describe(mark, nameAmong(mark, browses));
    // In a log these keys write what they say.
    if (document.uri.scheme === transcriptScheme) text.appendMarkdown('\n\n').appendText(keyWords());
    return new vscode.Hover(text, rangeOf(document, mark));
  }

  #refresh(): void {
    this.#known.clear();
    this.#changed.fire();
    this.#decorateAll();
  }

  #decorateAll(): void {
    for (const editor of vscode.window.visibleTextEditors) void this.#decorate(editor);
  }

  async #decorate(editor: vscode.TextEditor): Promise<void> {
    const { document } = editor;
    if (!isAnnotated(document)) return;
    const { browses, candidates } = await this.marks(document);
    const options: Record<Decoration, vscode.DecorationOptions[]> = {
      ...{ relevant: [], irrelevant: [], unknown: [] },
      ...{ positive: [], negative: [], aside: [] },
    };
    for (const mark of browses) {
      options[mark.label.value].push({
        range: rangeOf(document, mark),
        renderOptions: { after: { contentText: weightWord(mark.weight) } },
      });
    }
    for (const { line, fate, weight } of candidates) {
      const decoration = decorationOf(fate);
      if (decoration === null) continue;
      const { range } = document.lineAt(line);
      options[decoration].push({ range, renderOptions: { after: { contentText: weightWord(weight) } } });
    }
    for (const name of Object.keys(options) as Decoration[])
      editor.setDecorations(this.#decorations[name], options[name]);
  }

  dispose(): void {
    this.#registered.dispose();
    this.#changed.dispose();
  }
}

/** Whether browses may stand in a document: it is a transcript, or called like a log. */
export function isAnnotated({ uri }: vscode.TextDocument): boolean {
  return uri.scheme === transcriptScheme || (uri.scheme === 'file' && isCandidateLog(uri.fsPath));
}

type Decoration = LabelValue | 'positive' | 'negative' | 'aside';

function decorationOf(fate: Fate): Decoration | null {
  return fate === 'listed' ? null : fate;
}

/** A gutter icon of its own shape for each, a tint of the line, a mark in the overview ruler. */
function decorationTypes(extension: vscode.Uri): Record<Decoration, vscode.TextEditorDecorationType> {
  const make = (icon: string, colour: string, tint: string | null) =>
    vscode.window.createTextEditorDecorationType({
      isWholeLine: true,
      gutterIconPath: vscode.Uri.joinPath(extension, 'media', 'gutter', `${icon}.svg`),
      gutterIconSize: '70%',
      overviewRulerColor: new vscode.ThemeColor(colour),
      overviewRulerLane: vscode.OverviewRulerLane.Left,
      ...(tint !== null && { backgroundColor: new vscode.ThemeColor(tint) }),
      after: { margin: '0 0 0 1.5em', color: new vscode.ThemeColor('editorCodeLens.foreground') },
    });
  return {
    relevant: make('positive', 'charts.green', 'diffEditor.insertedLineBackground'),
    irrelevant: make('irrelevant', 'charts.red', 'diffEditor.removedLineBackground'),
    unknown: make('unknown', 'charts.yellow', null),
    positive: make('positive', 'charts.green', null),
    negative: make('negative', 'charts.red', null),
    aside: make('aside', 'charts.yellow', null),
  };
}

export function placeOf({ line, column }: BrowseMark): vscode.Position {
  return new vscode.Position(line, column);
}

function rangeOf(document: vscode.TextDocument, { line, column }: BrowseMark): vscode.Range {
  return document.validateRange(new vscode.Range(line, column, line, column));
}

/** What tells a browse from the others of its line; nothing if it stands there alone. */
function nameAmong(mark: BrowseMark, browses: readonly BrowseMark[]): string[] {
  const line = browses.filter(({ line }) => line === mark.line);
  return line.length > 1 ? [browseName(mark, line)] : [];
}

/** Step and document of a browse, and its trajectory where `among` has several. */
export function browseName({ key }: BrowseMark, among: readonly BrowseMark[]): string {
  const isOther = among.some(other => other.key.trajectory !== key.trajectory);
  return [
    ...(isOther ? [key.trajectory] : []),
    vscode.l10n.t('step {0}', key.step),
    key.doc ?? vscode.l10n.t('document unknown'),
  ].join(' · ');
}

function lensesOf(mark: BrowseMark, name: readonly string[], range: vscode.Range): vscode.CodeLens[] {
  const { key, label } = mark;
  const lens = (title: string, command: string, ...given: unknown[]) =>
    new vscode.CodeLens(range, { title, command, arguments: given });
  return [
    lens(summary(mark, name), 'lrat.openBrowse', key),
    ...(label.value === 'unknown'
      ? [
          lens(vscode.l10n.t('Relevant'), 'lrat.setLabel', { key, label: 'relevant' }),
          lens(vscode.l10n.t('Irrelevant'), 'lrat.setLabel', { key, label: 'irrelevant' }),
        ]
      : [
          ...(label.isOwn ? [] : [lens(vscode.l10n.t('Accept'), 'lrat.acceptLabel', { key })]),
          lens(vscode.l10n.t('Flip'), 'lrat.flipLabel', { key }),
          ...(label.isOwn ? [lens(vscode.l10n.t('Clear'), 'lrat.clearLabel', { key })] : []),
        ]),
  ];
}

/** The label with a shape, who gave it, how sure, and what it weighs; the browse's name first where it needs one. */
function summary({ label, weight, noPair }: BrowseMark, name: readonly string[]): string {
  return [
    ...name,
    `${shapes[label.value]} ${label.value === 'unknown' ? vscode.l10n.t('unlabelled') : labelWord(label.value)}`,
    ...(label.by === null ? [] : [label.by === 'person' ? vscode.l10n.t('by {0}', label.name) : label.name]),
    ...(label.confidence === null ? [] : [decimal(label.confidence, 2)]),
    weight === null
      ? vscode.l10n.t('no pair: {0}', noPair === null ? '' : reasonWord(noPair))
      : vscode.l10n.t('weight {0}', decimal(weight, 2)),
  ].join(' · ');
}

/** Why a browse gave no pair. */
function reasonWord(reason: DropReasonName): string {
  switch (reason) {
    case 'irrelevant':
      return vscode.l10n.t('irrelevant');
    case 'unknown':
      return vscode.l10n.t('label unknown');
    case 'noDocument':
      return vscode.l10n.t('document not told by the log');
    case 'neverListed':
      return vscode.l10n.t('never listed');
    case 'notInList':
      return vscode.l10n.t('not in the lists that this mode looks at');
    case 'reread':
      return vscode.l10n.t('read again, merged');
    case 'otherOutcome':
      return vscode.l10n.t('outcome not asked for');
    case 'noText':
      return vscode.l10n.t('no text for the document');
  }
}

const shapes: Record<LabelValue, string> = { relevant: '●', irrelevant: '✕', unknown: '○' };

function weightWord(weight: number | null): string {
  return weight === null ? '' : `w ${decimal(weight, 2)}`;
}

/** The judge's words are data: they are put in as text, not as Markdown. */
function describe(mark: BrowseMark, name: readonly string[]): vscode.MarkdownString {
  const { label, tokens, weight } = mark;
  const text = new vscode.MarkdownString();
  text.appendText(summary(mark, name));
  if (label.reason !== null) text.appendMarkdown('\n\n').appendText(label.reason);
  for (const { name, text: note } of label.notes)
    text.appendMarkdown('\n\n').appendText(vscode.l10n.t('Note by {0}: {1}', name, note));
  if (tokens !== null && weight !== null) {
    text
      .appendMarkdown('\n\n')
      .appendText(
        vscode.l10n.t('{0} tokens of post-browse reasoning → weight {1}', whole(tokens), decimal(weight, 3)),
      );
  }
  return text;
}

/** What the manifest binds in a transcript; the user may have bound it otherwise. */
function keyWords(): string {
  return vscode.l10n.t(
    'Keys: r relevant, i irrelevant, a accept, f flip, c clear, u undo; b and Shift+B next and previous browse',
  );
}

/** The commands that label the browse of a lens, or at the cursor. */
export function annotationCommands(
  workspace: LratWorkspace,
  annotations: Annotations,
  transcripts: Transcripts,
): Record<string, (job: Job, argument?: unknown) => Promise<unknown>> {
  const onMark =
    (work: (mark: BrowseMark) => Promise<unknown>) =>
    async (_: Job, argument?: unknown): Promise<unknown> => {
      const mark = await markAt(annotations, (argument as { key?: BrowseKey } | undefined)?.key);
      if (mark !== undefined) return work(mark);
      return say(vscode.l10n.t('There is no browse at the cursor.'));
    };
  const label = (mark: BrowseMark, value: 'relevant' | 'irrelevant' | null) =>
    workspace.label(mark.key, value);
  return {
    'lrat.openTranscript': async (_, argument) => {
      const place = (argument as { entry?: { log: string; trajectory: string } } | undefined)?.entry;
      if (place !== undefined) await transcripts.open(place);
    },
    'lrat.setLabel': async (job, argument) => {
      const { key, label: value } = argument as { key?: BrowseKey; label: 'relevant' | 'irrelevant' };
      if (key !== undefined) return workspace.label(key, value);
      return onMark(mark => label(mark, value))(job);
    },
    'lrat.acceptLabel': onMark(async mark => {
      const { value } = mark.label;
      if (value !== 'unknown') return label(mark, value);
      return say(
        vscode.l10n.t('No judge has labelled this browse. Say whether it is relevant or irrelevant.'),
      );
    }),
    'lrat.flipLabel': onMark(async mark => {
      const { value } = mark.label;
      if (value !== 'unknown') return label(mark, value === 'relevant' ? 'irrelevant' : 'relevant');
      return say(
        vscode.l10n.t('There is no label to flip. Say whether the browse is relevant or irrelevant.'),
      );
    }),
    'lrat.clearLabel': onMark(async mark => {
      if (mark.label.by === 'person') return label(mark, null);
      return say(vscode.l10n.t('There is no label of a person to clear.'));
    }),
    'lrat.nextBrowse': () => step(annotations, 1),
    'lrat.previousBrowse': () => step(annotations, -1),
  };
}

function say(words: string): Thenable<unknown> {
  return vscode.window.showInformationMessage(words);
}

/** The browse of a key in the active document, or the last one that begins before the cursor. */
async function markAt(annotations: Annotations, key: BrowseKey | undefined): Promise<BrowseMark | undefined> {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) return undefined;
  const { browses } = await annotations.marks(editor.document);
  return browses.findLast(mark =>
    key === undefined
      ? placeOf(mark).isBeforeOrEqual(editor.selection.active)
      : JSON.stringify(mark.key) === JSON.stringify(key),
  );
}

/** Puts the cursor on the next browse in a direction. */
async function step(annotations: Annotations, direction: 1 | -1): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) return;
  const { browses } = await annotations.marks(editor.document);
  const { active } = editor.selection;
  const next =
    direction === 1
      ? browses.find(mark => placeOf(mark).isAfter(active))
      : browses.findLast(mark => placeOf(mark).isBefore(active));
  if (next === undefined) {
    void say(
      direction === 1
        ? vscode.l10n.t('There is no browse after the cursor.')
        : vscode.l10n.t('There is no browse before the cursor.'),
    );
    return;
  }
  const range = rangeOf(editor.document, next);
  editor.selection = new vscode.Selection(range.start, range.start);
  editor.revealRange(range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}
