import { clip } from '../base/text.ts';
import { documentKey, isUrl } from './document-key.ts';
import {
  type FilePart,
  fileKey,
  filesAsked,
  hasExtension,
  type Lines,
  overlap,
  spanned,
  WorkingFolder,
} from './files.ts';
import { type Keeping, keepTexts } from './keeping.ts';
import { joinThinks } from './markup.ts';
import type {
  AnswerStep,
  BrowseStep,
  Candidate,
  SearchStep,
  Skipped,
  Step,
  ThinkStep,
  ToolStep,
} from './model.ts';
import { commandFolder, commandLine, fileCommand, shellOutput } from './shell.ts';
import {
  type Page,
  type ResultList,
  readBrowseOutput,
  readCodeSearchOutput,
  readFileOutput,
  readSearchOutput,
  type SearchOutput,
  showsFolder,
} from './tool-output.ts';
import type { ToolKind, ToolKinds } from './tools.ts';
import { field, isFields, namesOf, parseArguments, textField } from './values.ts';
import { Waiting } from './waiting.ts';

const queryFields = [
  'query',
  'queries',
  'user_query',
  'q',
  'search_query',
  'search_queries',
  'keywords',
  'keyword',
  'question',
  'input',
  'pattern',
  'regex',
  'search_term',
  'glob_pattern',
  'file_name',
];
const documentFields = ['docid', 'doc_id', 'docids', 'doc_ids', 'document_id', 'document_ids', 'id', 'ids'];
const addressFields = ['url', 'urls', 'link', 'links', 'href', 'uri', 'page_url', 'website'];
const pagingFields = [
  'page',
  'page_number',
  'offset',
  'start',
  'start_index',
  'start_line',
  'line',
  'lineno',
  'loc',
  'cursor',
  'pattern',
];

/** A tool call as a log shows it. */
export interface Call {
  /** What pairs it with its result; null if the log pairs them by order. */
  readonly id: string | null;
  readonly name: string;
  /** An object, or its text. */
  readonly arguments: unknown;
  /** What kind of tool it is, where the log says so itself; else it is told by the name. */
  readonly kind?: ToolKind;
}

/** A tool's answer as a log shows it. */
export interface Result {
  readonly id: string | null;
  readonly output: unknown;
  /** Set if the log itself marks the call as failed. */
  readonly failed?: boolean;
  /** Set if the log never shows what such a call gives: that nothing is there says nothing then. */
  readonly unshown?: boolean;
}

/** What a list showed of a file. */
interface ListedPart {
  readonly id: string;
  readonly lines: Lines | null;
  readonly list: number;
}

interface PendingCall extends Call {
  /** Step of the call. */
  readonly step: number;
  readonly turn: number;
}

/** A step that may still grow. */
type Draft =
  | ThinkStep
  | SearchStep
  | ToolStep
  | AnswerStep
  | (Omit<BrowseStep, 'doc' | 'text' | 'reasoning'> & {
      doc: string | null;
      /** What each part of it showed. */
      readonly texts: string[];
      /** Of a file: what of it was opened. */
      file?: FilePart;
      /** Turns after which a reasoning about this document follows: its own, and those that paged on in it. */
      readonly turns: Set<number>;
    });
type BrowseDraft = Extract<Draft, { kind: 'browse' }>;

/**
 * Turns what a log shows, in its order, into steps, by the rules that hold for every format: several queries are
 * several searches; several documents are several browses that share the reasoning after them; results find their
 * calls by id, else by order; paging on in a document is the same browse; the post-browse reasoning is that of the
 * next assistant turn, if it has one.
 */
export class TrajectoryBuilder {
  readonly #tools: ToolKinds;
  readonly #documentId: (id: string, listed: ReadonlySet<string>) => string;
  readonly #keeping: Keeping;
  readonly #drafts: Draft[] = [];
  /** The last that was done, other than to think. */
  #last: Draft | null = null;
  /** Documents that were opened since the last search, by their keys, and the last of them. */
  readonly #open = new Map<string | null, BrowseDraft>();
  #lastOpen: BrowseDraft | null = null;
  /** Calls without a result yet, by id. */
  readonly #pending = new Waiting<PendingCall>();
  readonly #listed = new Set<string>();
  /** Ids of listed documents by their normalised address: a list may name both, and a browse either. */
  readonly #idByAddress = new Map<string, string>();
  /** What lists showed of each file by which key, and which list was the last to do so. */
  readonly #listedParts = new Map<string, Map<string, ListedPart>>();
  #fileLists = 0;
  readonly #folder = new WorkingFolder();
  readonly #otherTools = new Set<string>();
  readonly #skipped: Skipped[] = [];
  /** How many searches and browses there are at each step. */
  readonly #searchParts = new Map<number, number>();
  readonly #browseParts = new Map<number, number>();
  #turn = -1;
  /** The turn that the same agent took after each turn. */
  readonly #following = new Map<number, number>();

  constructor(
    tools: ToolKinds,
    documentId = (id: string, _listed: ReadonlySet<string>) => id,
    keeping = keepTexts,
  ) {
    this.#tools = tools;
    this.#documentId = documentId;
    this.#keeping = keeping;
  }

  /**
   * Begins the next assistant turn, and returns its number.
   * @param after the turn before it of the same agent, if several take turns at once; null if this is its first
   */
  turn(after: number | null = this.#turn): number {
    this.#turn++;
    if (after !== null) this.#following.set(after, this.#turn);
    return this.#turn;
  }

  /** Where the agent works from here on: file names are relative to it. */
  workIn(folder: string): void {
    this.#folder.moveTo(folder);
  }

  think(step: number, text: string | null): void {
    if (text === null || text.trim() === '') return;
    this.#add({ kind: 'think', step, turn: this.#turn, position: null, text: text.trim() });
  }

  answer(step: number, text: string): void {
    this.#add({ kind: 'answer', step, turn: this.#turn, position: null, text });
  }

  /** Something that the agent did, of which no more than a name is known. */
  tool(step: number, name: string): void {
    this.#add({ kind: 'tool', step, turn: Math.max(this.#turn, 0), position: null, name });
  }

  /** Something that is left out, and what it is: `an image`. */
  skip(step: number | null, reason: string): void {
    // Reasons quote the log, and there is no telling how much.
    this.#skipped.push({ step, reason: clip(reason, 200) || 'something without a name' });
  }

  call(step: number, call: Call, turn = this.#turn): void {
    this.#pending.add(call.id, { ...call, step, turn: Math.max(turn, 0) });
  }

  /** Pairs a result with its call; false if there is no call that it could answer. */
  result(step: number, result: Result): boolean {
    const call =
      result.id === null ? this.#pending.take() : (this.#pending.take(result.id) ?? this.#pending.take(null));
    if (call === undefined) return false;
    this.#execute(step, call, result);
    return true;
  }

  /** All steps, in the log's order; the calls that were never answered stand where they were made. */
  build(): {
    readonly steps: Step[];
    readonly noPairs: string | null;
    readonly skipped: readonly Skipped[];
  } {
    for (const call of this.#pending) this.#execute(call.step, call, null);
    const thinks = new Map<number, string[]>();
    for (const draft of this.#drafts) {
      if (draft.kind !== 'think') continue;
      const pieces = thinks.get(draft.turn);
      if (pieces === undefined) thinks.set(draft.turn, [draft.text]);
      else pieces.push(draft.text);
    }
    const reasoningAfter = (turn: number): readonly string[] => {
      const next = this.#following.get(turn);
      return (next === undefined ? undefined : thinks.get(next)) ?? [];
    };
    const steps = this.#drafts
      .map((draft): Step => {
        if (draft.kind !== 'browse') return draft;
        const { turns, texts, file: _, ...browse } = draft;
        const text = texts.filter(part => part !== '').join('\n\n');
        return { ...browse, text, reasoning: joinThinks([...turns].flatMap(reasoningAfter)) };
      })
      .sort((a, b) => a.step - b.step);
    return { steps, noPairs: reasonForNoPairs(steps, this.#otherTools), skipped: this.#skipped };
  }

  #add(draft: Draft): void {
    this.#drafts.push(draft);
    if (draft.kind !== 'think') this.#last = draft;
    if (draft.kind === 'search') {
      this.#open.clear();
      this.#lastOpen = null;
    } else if (draft.kind === 'browse') {
      this.#open.set(draft.doc, draft);
      this.#lastOpen = draft;
    }
  }

  #execute(step: number, call: PendingCall, result: Result | null): void {
    const input = parseArguments(call.arguments);
    const kind = call.kind ?? this.#kindOf(call, input, result);
    if (kind === 'search') this.#search(step, call, input, result, readSearchOutput);
    else if (kind === 'code-search') {
      const [searched] = filesAsked(input);
      const file = searched !== undefined && hasExtension(searched.path) ? searched.path : null;
      this.#search(step, call, input, result, output => this.#listFiles(output, file));
    } else if (kind === 'browse') this.#browse(step, call, input, result);
    else if (kind === 'shell' && this.#run(step, call, input, result)) return;
    else if (kind === 'in-page' && this.#pageOn(call, null, result)) return;
    else {
      this.#otherTools.add(call.name);
      this.#add({ kind: 'tool', step, turn: call.turn, position: null, name: call.name });
    }
  }

  /** An editor tool does what its command says: `{command: "view"}` opens a file, or lists what is in a folder. */
  #kindOf({ name }: Call, input: unknown, result: Result | null): ToolKind {
    const command = /edit/i.test(name) ? field(input, 'command') : undefined;
    if (typeof command !== 'string') return this.#tools(name);
    return result !== null && showsFolder(result.output) ? 'other' : this.#tools(`${name}.${command}`);
  }

  /** Searches or reads files as a command line does. False if it does neither. */
  #run(step: number, call: PendingCall, input: unknown, result: Result | null): boolean {
    const command = fileCommand(commandLine(input) ?? '', commandFolder(input));
    if (command === null) return false;
    const { folder } = command;
    const written = result === null ? null : { ...result, output: shellOutput(result.output) };
    if (command.kind === 'code-search') {
      const { query, path } = command;
      const file = path !== null && hasExtension(path) ? path : null;
      this.#search(step, call, { query }, written, output => this.#listFiles(output, file, folder));
    } else {
      const { paths, lines } = command;
      for (const path of paths) this.#openFile(step, call, { path, lines }, written, folder);
    }
    return true;
  }

  #search(
    step: number,
    call: PendingCall,
    input: unknown,
    result: Result | null,
    read: (output: unknown) => SearchOutput,
  ): void {
    const asked = namesIn(input, queryFields);
    const { lists, error } = result === null ? unanswered : read(result.output);
    // An output tells what was executed: some clients run only the first of the queries they were given. One that shows
    // nothing of any query, as an error does, is the outcome of all of them.
    const isOfAll = lists.every(({ query, candidates }) => query === null && candidates.length === 0);
    const executed = isOfAll
      ? Array.from({ length: Math.max(asked.length, lists.length, 1) }, () => nothingListed)
      : lists;
    for (let i = executed.length; i < asked.length; i++)
      this.skip(step, 'a query to which the log shows no list');
    executed.forEach((list, i) => {
      const aligned = asked.length === executed.length ? asked[i] : undefined;
      const query = this.#keeping.name(aligned ?? list.query ?? asked[i] ?? '');
      const candidates = list.candidates.map(candidate => {
        const kept = this.#keeping.candidate(candidate);
        this.#remember(kept.id, candidate.url);
        return kept;
      });
      this.#add({
        kind: 'search',
        step,
        turn: call.turn,
        position: null,
        part: this.#nextPart(step, this.#searchParts),
        query,
        candidates,
        error: error ?? (result?.failed === true && list.candidates.length === 0 ? 'the tool failed' : null),
      });
    });
  }

  /** The next `part` at a step: parallel calls may have their results in one. */
  #nextPart(step: number, parts: Map<number, number>): number {
    const part = parts.get(step) ?? 0;
    parts.set(step, part + 1);
    return part;
  }

  /** The list of a code search, its files by their paths in the folder that the agent works in. */
  #listFiles(output: unknown, searched: string | null, folder: string | null = null): SearchOutput {
    const { entries, error } = readCodeSearchOutput(output, searched);
    const list = this.#fileLists++;
    const candidates = entries.map(({ path, lines, snippet, score }, i): Candidate => {
      const part = { path: this.#folder.pathOf(path, folder), lines };
      const id = fileKey(part);
      const parts = this.#listedParts.get(part.path) ?? new Map<string, ListedPart>();
      this.#listedParts.set(part.path, parts.set(id, { id, lines, list }));
      return { id, rank: i + 1, title: null, snippet, url: null, score };
    });
    return { lists: [{ query: null, candidates }], error };
  }

  #remember(id: string, url: string | null): void {
    this.#listed.add(id);
    if (url === null) return;
    const address = documentKey({ url });
    if (address !== null && !this.#idByAddress.has(address)) this.#idByAddress.set(address, id);
  }

  #browse(step: number, call: PendingCall, input: unknown, result: Result | null): void {
    const pages = result === null || result.unshown === true ? [] : readBrowseOutput(result.output);
    const asked = this.#documents(input);
    const files = asked.length === 0 ? filesAsked(input) : [];
    if (files.length > 0) {
      for (const file of files) this.#openFile(step, call, file, result);
      return;
    }
    if (asked.length === 1 && pagesOn(input) && this.#pageOn(call, asked[0]!, result)) return;
    const asksForExtract = textField(input, 'prompt', 'info_to_extract') !== null;
    const opened = asked.length > 0 ? asked : pages.map(page => page.doc);
    (opened.length > 0 ? opened : [null]).forEach((doc, i) => {
      const page = pageOf(pages, doc, i, opened.length);
      const shown = doc ?? page?.doc ?? null;
      this.#add({
        kind: 'browse',
        step,
        turn: call.turn,
        position: null,
        part: this.#nextPart(step, this.#browseParts),
        doc: shown === null ? null : this.#keeping.name(shown),
        texts: [this.#keeping.text(page?.text ?? '')],
        shows: asksForExtract ? 'extract' : (page?.shows ?? 'document'),
        error:
          result === null
            ? unanswered.error
            : (page?.error ?? (result.failed === true ? 'the tool failed' : null)),
        turns: new Set([call.turn]),
      });
    });
  }

  /** Opens a file or lines of it; what is read on in it, with nothing done in between, is the same browse. */
  #openFile(
    step: number,
    call: PendingCall,
    file: FilePart,
    result: Result | null,
    folder: string | null = null,
  ): void {
    const { text, error } =
      result === null
        ? { text: '', error: unanswered.error }
        : result.unshown === true
          ? { text: '', error: null }
          : readFileOutput(result.output);
    const failure = error ?? (result?.failed === true ? 'the tool failed' : null);
    const { lines } = file;
    const path = this.#folder.pathOf(file.path, folder);
    const listed = this.#listedPart({ path, lines });
    const last = this.#last;
    const goesOn = last?.kind === 'browse' && last.file?.path === path && last.error === null;
    if (goesOn && failure === null && (listed === null || listed === last.doc)) {
      const wasListed = this.#listedPart(last.file!) !== null;
      last.file = { path, lines: spanned(last.file!.lines, lines) };
      if (!wasListed) last.doc = fileKey(last.file);
      last.texts.push(this.#keeping.text(text));
      last.turns.add(call.turn);
      return;
    }
    this.#add({
      kind: 'browse',
      step,
      turn: call.turn,
      position: null,
      part: this.#nextPart(step, this.#browseParts),
      doc: listed ?? fileKey({ path, lines }),
      file: { path, lines },
      texts: [this.#keeping.text(text)],
      shows: 'document',
      error: failure,
      turns: new Set([call.turn]),
    });
  }

  /**
   * The key under which a list showed a file: that of a passage that overlaps what is opened (any, if that is the whole
   * file), else that of the file. Of several the last list tells, and in it the first. Null if no list showed it.
   */
  #listedPart({ path, lines }: FilePart): string | null {
    let [passage, whole]: (ListedPart | undefined)[] = [];
    for (const part of this.#listedParts.get(path)?.values() ?? []) {
      if (part.lines === null) whole = part;
      else if (lines !== null && !overlap(part.lines, lines)) continue;
      else if (passage === undefined || part.list > passage.list) passage = part;
    }
    return (lines === null ? (whole ?? passage) : (passage ?? whole))?.id ?? null;
  }

  /** Keys of the documents that a call names. */
  #documents(input: unknown): string[] {
    const ids = namesIn(input, documentFields);
    const names = ids.length > 0 ? ids : namesIn(input, addressFields);
    return names.flatMap(name => {
      const key =
        ids.length > 0 && !isUrl(name) ? this.#documentId(name, this.#listed) : documentKey({ url: name });
      return key === null ? [] : [this.#listed.has(key) ? key : (this.#idByAddress.get(key) ?? key)];
    });
  }

  /** Goes on in a document that is open: the last one, or the one named. False if there is none. */
  #pageOn(call: PendingCall, doc: string | null, result: Result | null): boolean {
    const open = doc === null ? this.#lastOpen : this.#open.get(doc);
    if (!open) return false;
    const more =
      result === null || result.unshown === true
        ? ''
        : readBrowseOutput(result.output)
            .map(page => page.text)
            .join('\n\n');
    open.texts.push(this.#keeping.text(more));
    open.turns.add(call.turn);
    return true;
  }
}

const unanswered = { lists: [], error: 'the log shows no result' };
const nothingListed: ResultList = { query: null, candidates: [] };

/** The texts or numbers in the first of the fields that has any; a bare text is itself the value. */
function namesIn(input: unknown, fields: readonly string[]): string[] {
  if (!isFields(input)) return namesOf(input);
  for (const name of fields) {
    const names = namesOf(field(input, name));
    if (names.length > 0) return names;
  }
  return [];
}

/** Whether a call asks for another place in a document than its beginning. */
function pagesOn(input: unknown): boolean {
  return pagingFields.some(name => {
    const value = field(input, name);
    if (typeof value === 'string') return value.trim() !== '' && value !== '0' && value !== '1';
    return typeof value === 'number' && value > (name.startsWith('page') ? 1 : 0);
  });
}

/** The page that shows a document: by its name, by its place if all are there, or the only one. */
function pageOf(pages: readonly Page[], doc: string | null, part: number, opened: number): Page | undefined {
  const named = doc === null ? undefined : pages.find(page => page.doc === doc);
  if (named !== undefined) return named;
  return pages.length === opened ? pages[part] : undefined;
}

/**
 * Null exactly if a browse with a readable reasoning opens a document that a search before it listed: what any mode of
 * mining needs for a pair.
 */
function reasonForNoPairs(steps: readonly Step[], otherTools: ReadonlySet<string>): string | null {
  const traced = tracedBrowses(steps);
  if (traced.some(({ reasoning }) => reasoning !== null)) return null;
  const searches = steps.filter(step => step.kind === 'search');
  const browses = steps.filter(step => step.kind === 'browse');
  const others =
    otherTools.size === 0
      ? ''
      : ` It calls other tools (${[...otherTools].slice(0, 8).join(', ')}); if one of them searches or opens documents, add its name to the tool names.`;
  if (searches.length === 0 && browses.length === 0)
    return `no searches: the agent calls no search tool.${others}`;
  if (searches.length === 0)
    return `no searches: the agent opens documents but calls no search tool.${others}`;
  if (browses.length === 0)
    return `search-only: the agent opens no documents, so nothing tells which results it found useful.${others}`;
  if (searches.every(search => search.candidates.length === 0)) {
    return 'no candidate lists: the searches show no document ids or addresses, so no browse can be traced to a list.';
  }
  if (browses.every(browse => browse.doc === null))
    return 'the log does not tell which documents were opened.';
  if (browses.every(browse => browse.reasoning === null)) {
    return 'no reasoning recorded: no browse is followed by a readable reasoning, so its relevance is unknown.';
  }
  return traced.length === 0
    ? 'no listed document opened: no document that was opened is in the list of a search before it.'
    : 'no reasoning about a listed document: no browse of what a search had listed is followed by a readable reasoning, so its relevance is unknown.';
}

/** The browses that open what a search before them listed. */
function tracedBrowses(steps: readonly Step[]): BrowseStep[] {
  const listed = new Set<string>();
  const traced: BrowseStep[] = [];
  for (const step of steps) {
    if (step.kind === 'search') for (const { id } of step.candidates) listed.add(id);
    else if (step.kind === 'browse' && step.doc !== null && listed.has(step.doc)) traced.push(step);
  }
  return traced;
}
