import { isUtf8 } from 'node:buffer';
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { errorCode, LratError } from '../base/errors.ts';
import { clip } from '../base/text.ts';
import { declaredFormat, type FormatDefinition } from './declared.ts';
import { decryption } from './encryption.ts';
import type {
  LogFormat,
  ReadContext,
  ReadResult,
  RecordFormat,
  RecordResult,
  SessionFormat,
} from './format.ts';
import { formats as knownFormats } from './formats/index.ts';
import { keepTexts, lengthKeeping } from './keeping.ts';
import type { Position, Step, Trajectory } from './model.ts';
import { type Recognition, recognise } from './recognise.ts';
import { Archive, isZip } from './source/archive.ts';
import { BufferBytes, type Bytes } from './source/bytes.ts';
import { isEventStream, streamEvents } from './source/events.ts';
import { FileBytes } from './source/file-bytes.ts';
import { elementsOf, JsonFault, parsePieces } from './source/json-pieces.ts';
import { jsonErrorAt } from './source/json-syntax.ts';
import { type Place, PlaceCounter, placeAt, skipSpace } from './source/positions.ts';
import { JsonRecord, type SourceRecord, TextRecord } from './source/record.ts';
import { heaviest, isTooHeavy, isTooHeavyYaml, weightOf } from './source/weight.ts';
import { isCassette, yamlRecord } from './source/yaml.ts';
import { type ToolNames, toolKinds } from './tools.ts';
import { asList } from './values.ts';

/** How logs are read. Plain data: it travels to threads. */
export interface ReadOptions {
  /** Names of the tools that search and browse; `defaultToolNames` if not given. */
  readonly toolNames?: ToolNames;
  /** Formats that a person described, besides those that are known. */
  readonly formats?: readonly FormatDefinition[];
  /** Path of the file with the canary that encrypted logs were made with (see `decryption`); null if there is none. */
  readonly canaryFile?: string | null;
  /** Whether texts that tools showed in a large document may be kept as blanks of the same length. */
  readonly lengthsWillDo?: boolean;
}

/** Is told, while a log is read, how it is understood. */
export interface Explainer {
  /** What the file, or a member of an archive, is cut into records as. */
  source(what: string, member: string | undefined): void;
  /** What each record looks like. */
  record(record: SourceRecord, recognition: Recognition, member: string | undefined): void;
  /** Which format a record is read as: of a session also those that do not look like it by themselves. */
  reads(record: SourceRecord, format: LogFormat): void;
}

/** What reading needs, made of the options once. */
interface Reading extends ReadContext {
  readonly formats: readonly LogFormat[];
  readonly explainer: Explainer | undefined;
  readonly lengthsWillDo: boolean;
}

function readingOf(
  { toolNames, formats: declared = [], canaryFile, lengthsWillDo = false }: ReadOptions,
  explainer?: Explainer,
): Reading {
  const formats = [...declared.map(declaredFormat), ...knownFormats];
  return {
    ...{ tools: toolKinds(toolNames), decrypt: decryption(canaryFile), keeping: keepTexts },
    ...{ formats, explainer, lengthsWillDo },
  };
}

/** Where a trajectory's record stands: which of those in it, if it holds several, and in what member of an archive. */
export interface RecordPlace extends Position {
  /** 0-based position among the trajectories of the same record. */
  readonly part: number;
}

/** What a log gives, in its order. */
export type LogRecord =
  /** A trajectory, and where its record stands in the file. */
  | ({ readonly kind: 'trajectory'; readonly trajectory: Trajectory } & RecordPlace)
  /** Something that could not be used. `place` is `line 7`, `record 3`, or empty for the whole file. */
  | { readonly kind: 'problem'; readonly place: string; readonly reason: string }
  /** The file may be sound, but is no log of a known format. It comes alone. */
  | { readonly kind: 'unrecognised'; readonly reason: string };

type ProblemRecord = Extract<LogRecord, { kind: 'problem' }>;

/** A longer line is refused, in bytes; the lines after it are read. */
export const longestLine = 64 * 2 ** 20;
/** A larger record is refused, in bytes: it is held as a value. Files may have any size. */
export const largestRecord = 512 * 2 ** 20;
/** A larger document is not parsed in one go but by pieces, in bytes. */
const largeDocument = 16 * 2 ** 20;
/** A larger text, or YAML, is refused, in bytes. */
const largestText = 64 * 2 ** 20;
/**
 * A file none of whose first records is a trajectory is taken for no log: after so many records, so many faults, or so
 * many bytes of memory that the records take while they wait. Traces may begin with thousands of metrics.
 */
const patience = { records: 20_000, faults: 100, weight: 64 * 2 ** 20 };
/** Elements of a large list by which it is told whether it is itself a record. */
const firstElements = 100;
/** So much of a file is looked at to tell what it is, in bytes. */
const looked = 1 << 16;

/** Endings of logs that are JSON; an editor can show those as trajectories in the place of their text. */
export const jsonEndings: readonly string[] = ['.json', '.jsonl', '.ndjson', '.traj'];
/** Endings of logs that an editor shows as text. */
export const textEndings: readonly string[] = [...jsonEndings, '.yaml', '.yml', '.txt', '.log'];
/** Endings of all logs; the others are archives. */
export const logEndings: readonly string[] = [...textEndings, '.eval'];

/** Ends the reason of a problem that is none if the log is still being written. */
const whenWhole = 'when it is whole.';

/** Whether a problem may go away by itself, because the log is still being written. */
export function isUnfinished(reason: string): boolean {
  return reason.endsWith(whenWhole);
}

/** Whether a file's name says that it may be a log. Files that a person names are read whatever they are called. */
export function isCandidateLog(path: string): boolean {
  return logEndings.includes(extname(path).toLowerCase());
}

/** Whether a name promises JSON: then anything else in it is a fault, and not just no log. */
function promisesJson(path: string): boolean {
  return jsonEndings.includes(extname(path).toLowerCase());
}

/**
 * Reads a log: one JSON record, a list of records, JSON Lines, a recorded event stream, a cassette of HTTP traffic, a
 * text, or an archive of any of these; which of them, and the records' format, is told by the content. Large files are
 * streamed. Nothing is thrown for what is wrong with the file: each problem is a record of its own, and the rest is read.
 */
export function* readLog(
  path: string,
  options: ReadOptions = {},
  signal?: AbortSignal,
  explainer?: Explainer,
): Generator<LogRecord> {
  let descriptor: number;
  try {
    descriptor = openLog(path);
  } catch (error) {
    yield problem('', openFailure(error));
    return;
  }
  try {
    for (const record of new LogReader(path, descriptor, readingOf(options, explainer)).read()) {
      signal?.throwIfAborted();
      yield record;
    }
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Reads one trajectory again, by its place in its log. Without an identity it is named as if it stood alone. Raises
 * LratError if the log no longer holds it there.
 */
export function readRecord(
  path: string,
  { part, member, ...place }: RecordPlace,
  options: ReadOptions = {},
  identity?: Pick<Trajectory, 'id' | 'ordinal'>,
): Trajectory {
  const { offset, length } = place;
  const gone = (reason: string, cause?: unknown): LratError =>
    new LratError(`does not hold the trajectory that was indexed at byte ${offset}: ${reason}`, {
      place: path,
      remedy: 'Index again.',
      cause,
    });
  let descriptor: number;
  try {
    descriptor = openLog(path);
  } catch (error) {
    throw gone(openFailure(error), error);
  }
  try {
    const { size } = fstatSync(descriptor);
    if (member === undefined && offset + length > size) throw gone('the file ends before it does.');
    const stretch =
      member === undefined
        ? new FileBytes(descriptor, length, place)
        : FileBytes.of(unpackNamed(descriptor, size, member).subarray(offset, offset + length), place);
    let at = 0;
    let reason = 'it gives no trajectory.';
    for (const record of new StretchReader(path, stretch, readingOf(options), member).read()) {
      if (record.kind !== 'trajectory') reason = record.reason;
      else if (at++ === part) {
        const { trajectory } = record;
        const { id, ordinal } = identity ?? trajectory;
        return { ...trajectory, id, ordinal };
      }
    }
    throw gone(reason);
  } catch (error) {
    if (error instanceof LratError) throw error;
    throw gone(openFailure(error), error);
  } finally {
    closeSync(descriptor);
  }
}

/** Opens a file for reading. A pipe in its place must not be waited for: nobody may ever write to it. */
function openLog(path: string): number {
  return openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
}

function unpackNamed(descriptor: number, size: number, name: string): Buffer {
  const archive = new Archive(descriptor, size);
  const member = archive.members.find(other => other.name === name);
  if (member === undefined) throw new Error(`it has no member ${name}`);
  return archive.unpack(member);
}

/** A record when its format has been looked for. */
interface ExaminedRecord {
  readonly kind: 'record';
  readonly record: SourceRecord;
  readonly recognition: Recognition;
}

/** Whether a file is an archive, as its content tells; what cannot be read is none. */
export function isArchive(path: string): boolean {
  let descriptor: number;
  try {
    descriptor = openLog(path);
  } catch {
    return false;
  }
  try {
    const head = Buffer.alloc(4);
    return fstatSync(descriptor).isFile() && isZip(head.subarray(0, readSync(descriptor, head)));
  } finally {
    closeSync(descriptor);
  }
}

/** Reads a whole file, unpacked if it is an archive. */
class LogReader {
  readonly #path: string;
  readonly #descriptor: number;
  readonly #reading: Reading;
  readonly #before: BigIntStats;

  constructor(path: string, descriptor: number, reading: Reading) {
    this.#path = path;
    this.#descriptor = descriptor;
    this.#reading = reading;
    this.#before = fstatSync(descriptor, { bigint: true });
  }

  *read(): Generator<LogRecord> {
    if (!this.#before.isFile()) {
      yield problem('', this.#before.isDirectory() ? openFailures.EISDIR! : 'is no regular file.');
      return;
    }
    const file = new FileBytes(this.#descriptor, Number(this.#before.size));
    const reader = new StretchReader(this.#path, file, this.#reading);
    let isLog = true;
    try {
      for (const record of isZip(file.head) ? this.#archive() : reader.read()) {
        isLog = record.kind !== 'unrecognised';
        yield record;
      }
    } catch (error) {
      // What a file had when it was looked at may be gone when it is read.
      if (!this.#hasChanged()) throw error;
    }
    if (isLog && this.#hasChanged())
      yield problem('', `changed while it was read; what was read is kept. Index again ${whenWhole}`);
  }

  #hasChanged(): boolean {
    const { size, mtimeNs, ino } = this.#before;
    const now = statSync(this.#path, { bigint: true, throwIfNoEntry: false });
    return now === undefined || now.size !== size || now.mtimeNs !== mtimeNs || now.ino !== ino;
  }

  /** Members that are no logs are nobody's concern, unless there is nothing else. */
  *#archive(): Generator<LogRecord> {
    let archive: Archive;
    try {
      archive = new Archive(this.#descriptor, Number(this.#before.size));
    } catch (error) {
      yield problem('', `is no sound archive (${messageOf(error)}). Restore it, or unpack it.`);
      return;
    }
    const ids = new UniqueIds();
    let ordinal = 0;
    let isSilent = true;
    for (const member of archive.members) {
      const { name } = member;
      if (!isCandidateLog(name)) continue;
      let bytes: Buffer;
      try {
        bytes = archive.unpack(member);
      } catch (error) {
        isSilent = false;
        yield problem(clip(name, 200), `${messageOf(error)}, and was left out. Unpack the archive.`);
        continue;
      }
      const reader = new StretchReader(this.#path, FileBytes.of(bytes), this.#reading, name);
      for (const record of reader.read(ids, ordinal)) {
        if (record.kind === 'unrecognised') continue;
        isSilent = false;
        if (record.kind === 'trajectory') ordinal++;
        yield record.kind === 'trajectory'
          ? record
          : { ...record, place: [clip(name, 200), record.place].filter(Boolean).join(', ') };
      }
    }
    if (isSilent) yield { kind: 'unrecognised', reason: 'is an archive without a log of a known format.' };
  }
}

/** The ids that have been given in a log: several runs on one question may share it, and the second is `<id>#2`. */
class UniqueIds {
  /** The last number behind each. */
  readonly #given = new Map<string, number>();

  unique(id: string): string {
    let times = (this.#given.get(id) ?? 0) + 1;
    while (times > 1 && this.#given.has(`${id}#${times}`)) times++;
    this.#given.set(id, times);
    const unique = times === 1 ? id : `${id}#${times}`;
    if (times > 1) this.#given.set(unique, 1);
    return unique;
  }
}

/** The records of one session, and where each of its elements stands. */
interface Session {
  readonly format: SessionFormat;
  readonly values: unknown[];
  readonly positions: Position[];
  /** Bytes of memory, roughly. */
  weight: number;
}

/** Reads a stretch of bytes that is one log: a file, a member of an archive, or what one trajectory was read from. */
class StretchReader {
  readonly #path: string;
  readonly #file: FileBytes;
  readonly #reading: Reading;
  readonly #member: string | undefined;
  readonly #sessions = new Map<SessionFormat, Session>();
  /** Whether a session has more than can be held: then nothing more is read. */
  #isFull = false;
  /** How many records each format has read. */
  readonly #counts = new Map<LogFormat, number>();
  /** Why records were refused, the place of the first, and how many: all of a file mostly for the same reason. */
  readonly #refused = new Map<string, { readonly first: string; readonly count: number }>();
  #ids = new UniqueIds();
  #ordinal = 0;
  /** Trajectories given so far. */
  #given = 0;

  constructor(path: string, file: FileBytes, reading: Reading, member?: string) {
    this.#path = path;
    this.#file = file;
    this.#reading = reading;
    this.#member = member;
  }

  /** @param ids given before in the same file @param ordinal of the first trajectory */
  *read(ids = new UniqueIds(), ordinal = 0): Generator<LogRecord> {
    this.#ids = ids;
    this.#ordinal = ordinal;
    const { head } = this.#file;
    if (head[0] === 0xff && head[1] === 0xfe) {
      yield problem('', 'is UTF-16 text. Convert it to UTF-8.');
      return;
    }
    const isJson = promisesJson(this.#name);
    if (head.subarray(0, looked).includes(0)) {
      const reason = 'is a binary file, not JSON. Unpack it, or leave it out.';
      yield isJson ? problem('', reason) : { kind: 'unrecognised', reason };
      return;
    }
    // Only a file begins with a byte order mark; elsewhere it is a letter, also where a trajectory is read again.
    const isMarked =
      this.#file.start.offset === 0 && head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf;
    const start = isMarked ? 3 : 0;
    const text = head.toString('utf8', start, looked);
    if (/^\s*[[{]/.test(text) || isJson || text.trim() === '') yield* this.#json(start, isJson);
    else if (isEventStream(text)) {
      this.#explain('a recorded event stream: each event is a record');
      yield* this.#trajectories(this.#events(start));
    } else yield* this.#text(start, text);
  }

  #explain(what: string): void {
    this.#reading.explainer?.source(what, this.#member);
  }

  get #name(): string {
    return this.#member ?? this.#path;
  }

  *#json(start: number, isPromised: boolean): Generator<LogRecord> {
    const shape = this.#shape(start);
    if (shape === 'empty') {
      yield isPromised
        ? problem('', `is empty. Delete it, or index again ${whenWhole}`)
        : { kind: 'unrecognised', reason: 'is empty.' };
    } else if (shape === 'lines') {
      this.#explain('JSON Lines: each line is a record');
      yield* this.#trajectories(this.#lines(start));
    } else yield* this.#document(start, shape === 'either', isPromised);
  }

  /** Whether the stretch is JSON Lines or one JSON document, told by its first two lines that are not blank. */
  #shape(start: number): 'empty' | 'lines' | 'document' | 'either' {
    let first: Buffer | null | undefined;
    for (const { bytes } of this.#file.lines(start, longestLine)) {
      if (bytes !== null && isBlank(bytes)) continue;
      if (first === undefined) {
        first = bytes === null ? null : Buffer.from(bytes);
        continue;
      }
      // A line too long to be kept, and something after it: no document is broken up so late.
      if (first === null) return 'lines';
      const text = first.toString('utf8').trimEnd();
      if (jsonErrorAt(text) === null) return 'lines';
      // The first line is no record by itself: it begins a document if the second one continues it.
      const next = bytes?.toString('utf8').trim() ?? '';
      if (!/^[[{]/.test(next)) return 'document';
      const error = jsonErrorAt(`${text}\n${next}`);
      if (error !== null && error <= text.length + 1) return 'lines';
      return jsonErrorAt(next) === null ? 'either' : 'document';
    }
    if (first === undefined) return 'empty';
    return first === null && isJsonLines(this.#name) ? 'lines' : 'document';
  }

  *#document(start: number, orLines: boolean, isPromised: boolean): Generator<LogRecord> {
    const bytes = this.#file.from(start);
    const begin = placeAt(bytes, skipSpace(bytes, 0), {
      ...this.#file.start,
      offset: this.#file.start.offset + start,
    });
    if (this.#file.size > largeDocument) {
      yield* this.#largeDocument(begin);
      return;
    }
    const all = this.#file.rest(start);
    if (isTooHeavy(new BufferBytes(all))) {
      yield problem('', tooHeavy);
      return;
    }
    const text = all.toString('utf8');
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      if (orLines) yield* this.#trajectories(this.#lines(start));
      else {
        const fault = documentFault(all, text, this.#file.start);
        yield isPromised || fault.kind === 'unrecognised'
          ? fault
          : { kind: 'unrecognised', reason: fault.reason };
      }
      return;
    }
    const place = isJsonLines(this.#name) ? 'line 1' : '';
    const own = new BufferBytes(trimmed(all, this.#file.start).bytes);
    const whole = new JsonRecord(value, own, begin, place);
    // A list is a list of records, unless it is itself a record: a list of messages.
    const isList = Array.isArray(value) && recognise(value, this.#reading.formats).kind === 'unknown';
    this.#explain(isList ? 'a JSON list: each element is a record' : 'one JSON document');
    const records = isList ? elements(whole, own, value as unknown[]) : [whole];
    yield* this.#trajectories(withFaults(records, all));
  }

  /** A document that is too large to be held as one text: a list is read element by element, all else by pieces. */
  *#largeDocument(begin: Place): Generator<LogRecord> {
    const bytes = this.#file.from(begin.offset - this.#file.start.offset);
    try {
      if (bytes.at(0) === 0x5b && !this.#isRecord(bytes)) {
        this.#explain('a large JSON list: each element is a record');
        yield* this.#trajectories(this.#elements(bytes, begin));
        return;
      }
      if (bytes.length > largestRecord) {
        yield problem('', `is one record above ${mebibytes(largestRecord)}. Write its parts as JSON Lines.`);
        return;
      }
      if (isTooHeavy(bytes)) {
        yield problem('', tooHeavy);
        return;
      }
      this.#explain('one large JSON document, read by pieces');
      const { value, end } = parsePieces(bytes, 0);
      if (skipSpace(bytes, end) < bytes.length) throw new JsonFault(end, 'something follows its end');
      yield* this.#trajectories([new JsonRecord(value, bytes, begin, '')]);
    } catch (error) {
      if (!(error instanceof JsonFault)) throw error;
      const { line, column } = placeAt(bytes, error.index, begin);
      const place = `line ${line}, column ${column}`;
      yield problem(place, `is not JSON from here on (${error.message}). Mend the file or leave it out.`);
    }
  }

  /** Whether a large list is itself a record, told by its first elements. */
  #isRecord(bytes: Bytes): boolean {
    const first: unknown[] = [];
    let weight = 0;
    for (const { from, end } of elementsOf(bytes, 0)) {
      if (end - from > longestLine || first.length >= firstElements) break;
      weight += weightOf(new BufferBytes(bytes.slice(from, end)));
      if (weight > heaviest) break;
      try {
        first.push(parsePieces(bytes, from).value);
      } catch (error) {
        if (!(error instanceof JsonFault)) throw error;
      }
    }
    return recognise(first, this.#reading.formats).kind !== 'unknown';
  }

  *#elements(bytes: Bytes, begin: Place): Generator<SourceRecord | ProblemRecord> {
    const places = new PlaceCounter(bytes, begin);
    let number = 0;
    for (const { from, end } of elementsOf(bytes, 0)) {
      const place = `record ${++number}`;
      const at = places.at(from);
      if (end - from > longestLine) {
        yield problem(place, tooLong(end - from));
        continue;
      }
      const own = new BufferBytes(bytes.slice(from, end));
      if (isTooHeavy(own)) {
        yield problem(place, tooHeavy);
        continue;
      }
      const text = own.text(0, own.length);
      let item: SourceRecord | ProblemRecord;
      try {
        item = new JsonRecord(JSON.parse(text), own, at, place);
      } catch {
        const fault = excerpt(text, jsonErrorAt(text) ?? text.length);
        item = problem(place, `is not JSON (${fault}) and was left out. Mend it.`);
      }
      yield item;
    }
  }

  *#lines(start: number): Generator<SourceRecord | ProblemRecord> {
    for (const line of this.#file.lines(start, longestLine)) {
      const place = `line ${line.number}`;
      if (line.bytes === null) {
        yield problem(place, tooLong(line.length));
        continue;
      }
      const column = line.number === this.#file.start.line ? this.#file.start.column : 1;
      const own = trimmed(line.bytes, { offset: line.offset, line: line.number, column });
      if (own.bytes.length === 0) continue;
      const bytes = new BufferBytes(own.bytes);
      if (isTooHeavy(bytes)) {
        yield problem(place, tooHeavy);
        continue;
      }
      const text = own.bytes.toString('utf8');
      let item: SourceRecord | ProblemRecord;
      try {
        item = new JsonRecord(JSON.parse(text), bytes, own, place);
      } catch {
        item = problem(place, lineFault(text, own.column, line.ended));
      }
      const sound = isUtf8(own.bytes);
      yield item;
      if (!sound) yield problem(place, notUtf8);
    }
  }

  *#events(start: number): Generator<SourceRecord | ProblemRecord> {
    for (const event of streamEvents(this.#file, start, longestLine)) {
      if ('value' in event) yield event;
      else yield problem(`line ${event.line}`, event.isHeavy ? tooHeavy : tooLong(event.length));
    }
  }

  /** A text that is no JSON: YAML, or the agent's own words. */
  *#text(start: number, head: string): Generator<LogRecord> {
    const isYaml = isCassette(head);
    const looksKnown = isYaml || recognise(head, this.#reading.formats).kind !== 'unknown';
    if (!looksKnown) {
      yield { kind: 'unrecognised', reason: 'is a text of no known format.' };
      return;
    }
    if (this.#file.size > largestText) {
      yield problem('', `is one text above ${mebibytes(largestText)}. Split it.`);
      return;
    }
    this.#explain(isYaml ? 'a cassette of HTTP traffic (YAML)' : 'a text');
    const bytes = this.#file.rest(start);
    const text = bytes.toString('utf8');
    if (isYaml && isTooHeavyYaml(text)) {
      yield problem('', tooHeavy);
      return;
    }
    const place = { ...this.#file.start, offset: this.#file.start.offset + start };
    const record = isYaml ? yamlRecord(bytes, place) : new TextRecord(text, text, bytes, place, '');
    if ('fault' in record) yield problem('', `${record.fault}. Mend the file or leave it out.`);
    else yield* this.#trajectories(withFaults([record], bytes));
  }

  /**
   * Reads those records that are trajectories. Until the first one turns up nothing is said of the others: a file of
   * other things is no log, and what is wrong with it is no concern of ours.
   */
  *#trajectories(items: Iterable<SourceRecord | ProblemRecord>): Generator<LogRecord> {
    const confirmed = new Set<LogFormat>();
    const waiting: (ExaminedRecord | ProblemRecord)[] = [];
    let isLog = false;
    let [faults, weight] = [0, 0];
    for (const item of items) {
      const examined = 'kind' in item ? item : this.#examine(item);
      if (examined.kind === 'record') {
        const { recognition } = examined;
        if (recognition.kind === 'known' && recognition.certain) confirmed.add(recognition.format);
        isLog ||= confirmed.size > 0 || recognition.kind === 'ambiguous';
      }
      if (isLog) {
        for (const each of [...waiting.splice(0), examined]) {
          yield* this.#read(each, confirmed);
          if (this.#isFull) break;
        }
        if (this.#isFull) break;
        continue;
      }
      if (examined.kind === 'record') weight += examined.record.length + examined.record.weight;
      else faults++;
      waiting.push(examined.kind === 'record' ? { ...examined, record: examined.record.kept() } : examined);
      if (waiting.length >= patience.records || faults >= patience.faults || weight >= patience.weight) break;
    }
    if (isLog) {
      for (const session of this.#sessions.values()) yield* this.#session(session);
      for (const [reason, { first, count }] of this.#refused) {
        const all = count === 1 ? '' : ` This is so of ${count} records.`;
        yield problem(first, `was refused: ${reason}.${all}`);
      }
      if (this.#given === 0 && this.#refused.size === 0 && this.#sessions.size > 0)
        yield problem('', 'looks like a log of a known format, but no trajectory is in it.');
      if (this.#counts.size > 1) yield problem('', severalFormats(this.#counts));
      return;
    }
    const problems = waiting.filter(item => item.kind === 'problem');
    if (problems.length === 0 || problems.length < waiting.length) {
      yield {
        kind: 'unrecognised',
        reason: notALog(
          waiting.filter(item => item.kind === 'record'),
          this.#reading.formats,
        ),
      };
      return;
    }
    yield* problems;
    if (problems.length >= patience.faults) {
      yield problem('', `none of the first ${problems.length} lines is JSON; the rest was not read.`);
    }
  }

  #examine(record: SourceRecord): ExaminedRecord {
    const recognition = recognise(record.value, this.#reading.formats);
    this.#reading.explainer?.record(record, recognition, this.#member);
    return { kind: 'record', record, recognition };
  }

  *#read(item: ExaminedRecord | ProblemRecord, confirmed: ReadonlySet<LogFormat>): Generator<LogRecord> {
    if (item.kind === 'problem') {
      yield item;
      return;
    }
    const { recognition, record } = item;
    if (recognition.kind === 'ambiguous') {
      yield problem(record.place, recognition.reason);
      return;
    }
    const isKnown =
      recognition.kind === 'known' && (recognition.certain || confirmed.has(recognition.format));
    const format = isKnown ? recognition.format : this.#sessionOf(confirmed);
    if (format === null) {
      const reason = `is no trajectory of a known format but ${recognition.reason}, and was left out.`;
      yield problem(record.place, reason);
      return;
    }
    this.#reading.explainer?.reads(record, format);
    if (isKnown) this.#counts.set(format, (this.#counts.get(format) ?? 0) + 1);
    if (format.unit === 'session') yield* this.#gather(format, record);
    else yield* this.#record(format, record);
  }

  /** The session to which a record belongs that says nothing of itself: that of the file, if it is the only one. */
  #sessionOf(confirmed: ReadonlySet<LogFormat>): SessionFormat | null {
    const [format, ...others] = confirmed;
    return format?.unit === 'session' && others.length === 0 ? format : null;
  }

  *#gather(format: SessionFormat, record: SourceRecord): Generator<LogRecord> {
    const session = this.#sessions.get(format) ?? { format, values: [], positions: [], weight: 0 };
    this.#sessions.set(format, session);
    session.weight += record.weight;
    if (session.weight > heaviest) {
      this.#isFull = true;
      const reason =
        'what belongs together is more than can be held in memory; from here on it was left out. Split the file.';
      yield problem(record.place, reason);
      return;
    }
    session.values.push(record.value);
    const { offset, length, line, column } = record;
    if (format.elements === null) session.positions.push({ offset, length, line, column });
    else for (const position of record.positions(format.elements)) session.positions.push(position);
  }

  *#session({ format, values, positions }: Session): Generator<LogRecord> {
    const { offset, line, column } = this.#file.start;
    for (const result of format.read(values, this.#reading)) {
      const place = { offset, length: this.#file.size, line, column, part: this.#given };
      yield this.#trajectory(format, result, place, positions, '');
    }
  }

  *#record(format: RecordFormat, record: SourceRecord): Generator<LogRecord> {
    const { offset, length, line, column, place } = record;
    const isMeasured = this.#reading.lengthsWillDo && length > largeDocument;
    const keeping = isMeasured ? lengthKeeping() : keepTexts;
    const read = format.read(record.value, { ...this.#reading, keeping });
    if ('refused' in read) {
      const { first, count } = this.#refused.get(read.refused) ?? { first: place, count: 0 };
      this.#refused.set(read.refused, { first, count: count + 1 });
      return;
    }
    const results = asList(read) as readonly RecordResult[];
    const paths = new Map(
      results.flatMap(({ stepList }) => (stepList ? [[JSON.stringify(stepList), stepList]] : [])),
    );
    const found = record.lists([...paths.values()]);
    const lists = new Map([...paths.keys()].map((key, i) => [key, found[i]!]));
    const byPath = together(
      results.map(({ stepPaths = [] }) => stepPaths),
      paths => record.places(paths),
    );
    const byStretch = together(
      results.map(({ stretches = [] }) => stretches),
      stretches => record.stretches(stretches, results[0]?.textPath),
    );
    for (const [part, result] of results.entries()) {
      const { stepList, stepPaths, firstStep, stretches, textPath: _, ...own } = result;
      const positions = stepPaths
        ? byPath[part]!
        : stretches
          ? byStretch[part]!
          : stepList
            ? lists.get(JSON.stringify(stepList))!
            : [];
      yield this.#trajectory(
        format,
        own,
        { offset, length, line, column, part },
        positions,
        place,
        firstStep,
      );
    }
  }

  /**
   * Gives a trajectory its name, and its steps their places; a step without one of its own has that of the record.
   * @param positions of all steps @param firstStep where in them its own begin
   */
  #trajectory(
    format: LogFormat,
    { name, steps, ...read }: ReadResult,
    place: RecordPlace,
    positions: readonly (Position | undefined)[],
    recordPlace: string,
    firstStep = 0,
  ): LogRecord {
    const member = this.#member === undefined ? {} : { member: this.#member };
    const { part, ...own } = place;
    const placed = (step: Step): Step => ({
      ...step,
      position: { ...(positions[firstStep + step.step] ?? own), ...member },
    });
    const id = read.queryId ?? name ?? (recordPlace === '' ? stem(this.#name) : recordPlace);
    this.#given++;
    return {
      kind: 'trajectory',
      trajectory: {
        ...read,
        id: this.#ids.unique(id),
        ordinal: this.#ordinal++,
        format: format.name,
        steps: steps.map(placed),
      },
      ...place,
      ...member,
    };
  }
}

/**
 * What is found for the elements of several lists in one pass, list by list: a pass may go through a whole record. The
 * trajectories of a record may share one list, which counts once.
 */
function together<Item, Found>(
  lists: readonly (readonly Item[])[],
  find: (items: readonly Item[]) => readonly Found[],
): Found[][] {
  const distinct = [...new Set(lists)];
  const items = distinct.flat();
  const found = items.length === 0 ? [] : find(items);
  let at = 0;
  const each = new Map(
    distinct.map(list => {
      at += list.length;
      return [list, found.slice(at - list.length, at)];
    }),
  );
  return lists.map(list => each.get(list)!);
}

function severalFormats(counts: ReadonlyMap<LogFormat, number>): string {
  const each = [...counts].map(([{ name }, count]) => `${count} of ${name}`);
  return `holds records of several formats (${each.join(', ')}); each was read as what it is. Check that they belong together.`;
}

function notALog(records: readonly ExaminedRecord[], formats: readonly LogFormat[]): string {
  const [first] = records;
  if (first === undefined) return 'is an empty list, no log.';
  const which =
    records.length === 1
      ? 'it is'
      : `none of its first ${records.length} records is a trajectory; the first is`;
  const known = formats.map(({ name }) => name).join(', ');
  return `is no log of a known format: ${which} ${first.recognition.reason}. Formats tried: ${known}.`;
}

function* elements(list: SourceRecord, bytes: Bytes, values: readonly unknown[]): Generator<SourceRecord> {
  const positions = list.positions([]);
  for (const [index, value] of values.entries()) {
    const { offset, length, line, column } = positions[index]!;
    const own = bytes.slice(offset - list.offset, offset - list.offset + length);
    yield new JsonRecord(value, new BufferBytes(own), { offset, line, column }, `record ${index + 1}`);
  }
}

/** Records, and after them what is wrong with the bytes that they were read from. */
function* withFaults(
  records: Iterable<SourceRecord>,
  bytes: Buffer,
): Generator<SourceRecord | ProblemRecord> {
  yield* records;
  if (!isUtf8(bytes)) yield problem('', notUtf8);
}

/** A text's bytes without the white space around them, and where they begin. */
function trimmed(bytes: Buffer, start: Place): Place & { readonly bytes: Buffer } {
  let [from, to] = [0, bytes.length];
  while (from < to && isSpace(bytes[from]!)) from++;
  while (to > from && isSpace(bytes[to - 1]!)) to--;
  const own = bytes.subarray(from, to);
  return { bytes: own, ...(from === 0 ? start : placeAt(new BufferBytes(bytes), from, start)) };
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every(isSpace);
}

function isSpace(c: number): boolean {
  return c === 0x20 || (c >= 0x09 && c <= 0x0d);
}

/** What is wrong with a file that is no JSON. Comments and trailing commas make it a configuration file, not a log. */
function documentFault(
  bytes: Buffer,
  text: string,
  start: Place,
): Exclude<LogRecord, { kind: 'trajectory' }> {
  const at = jsonErrorAt(text) ?? text.length;
  const isComment = /^\/[/*]/.test(text.slice(at, at + 2));
  const isTrailingComma =
    /^[\]}]/.test(text.slice(at, at + 1)) && /,\s*$/.test(text.slice(Math.max(0, at - 200), at));
  if (isComment || isTrailingComma)
    return { kind: 'unrecognised', reason: 'is JSON with comments or trailing commas, not a log.' };
  const isCutOff = at >= text.length;
  const index = isCutOff ? bytes.length : Buffer.byteLength(text.slice(0, at));
  const { line, column } = placeAt(new BufferBytes(bytes), index, start);
  const place = `line ${line}, column ${column}`;
  return isCutOff
    ? problem(
        place,
        `the JSON ends too early: the file was cut off, or is still being written. Restore it, or index again ${whenWhole}`,
      )
    : problem(place, `is not JSON from here on (${excerpt(text, at)}). Mend the file or leave it out.`);
}

function lineFault(text: string, column: number, ended: boolean): string {
  const at = jsonErrorAt(text) ?? text.length;
  const where = `at column ${column + at}`;
  if (at < text.length) return `is not JSON ${where} (${excerpt(text, at)}) and was left out. Mend the line.`;
  return ended
    ? `ends too early, ${where}: the JSON was cut off, and was left out. Mend the line.`
    : `ends too early, ${where}, without a line end: it is probably still being written. Index again ${whenWhole}`;
}

function tooLong(length: number): string {
  const [limit, has] = [longestLine, length].map(mebibytes);
  return `is longer than ${limit} (it has ${has}) and was left out. Split the record.`;
}

const tooHeavy = 'has more values than can be held in memory, and was left out. Split it.';

function excerpt(text: string, at: number): string {
  return JSON.stringify(text.slice(at, at + 20));
}

const notUtf8 = 'has bytes that are not UTF-8; they were read as �. Convert it to UTF-8.';

function problem(place: string, reason: string): ProblemRecord {
  return { kind: 'problem', place, reason };
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}

/** The name decides only what the content leaves open: whether a file of one line is one record or the first of many. */
function isJsonLines(path: string): boolean {
  return /\.(?:jsonl|ndjson)$/i.test(path);
}

function stem(path: string): string {
  return basename(path, extname(path));
}

const openFailures: Readonly<Record<string, string>> = {
  EACCES: 'cannot be read: permission denied. Give this user permission to read it.',
  EPERM: 'cannot be read: permission denied. Give this user permission to read it.',
  ENOENT: 'does not exist.',
  EISDIR: 'is a folder, not a file.',
  EMFILE: 'cannot be opened: too many files are open. Raise the limit of open files.',
};

function openFailure(error: unknown): string {
  return openFailures[errorCode(error) ?? ''] ?? `cannot be read (${messageOf(error)}).`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
