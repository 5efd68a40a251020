import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { TokenCounter } from '../../src/base/tokenizer.ts';
import { declaredFormat } from '../../src/trajectory/declared.ts';
import { decryption } from '../../src/trajectory/encryption.ts';
import type { ReadContext, RecordFormat, RecordResult } from '../../src/trajectory/format.ts';
import { formats } from '../../src/trajectory/formats/index.ts';
import { lengthKeeping } from '../../src/trajectory/keeping.ts';
import { type LogRecord, readLog, readRecord } from '../../src/trajectory/log.ts';
import type { Position, Step, Trajectory } from '../../src/trajectory/model.ts';
import { Archive } from '../../src/trajectory/source/archive.ts';
import { BufferBytes } from '../../src/trajectory/source/bytes.ts';
import { parsePieces } from '../../src/trajectory/source/json-pieces.ts';
import { toolKinds } from '../../src/trajectory/tools.ts';
import { asList } from '../../src/trajectory/values.ts';
import { digestOf, type TrajectoryDigest } from '../../src/workspace/digest.ts';
import { unpackPlaces, unpackSteps } from '../../src/workspace/packed-steps.ts';
import { reading } from './cases.ts';

/** What reading a log gave. */
export interface Outcome {
  readonly trajectories: number;
  readonly problems: readonly { readonly place: string; readonly reason: string }[];
  /** Why the file is no log, or null. */
  readonly unrecognised: string | null;
}

type TrajectoryRecord = Extract<LogRecord, { kind: 'trajectory' }>;

/** So many trajectories of a log are looked at closely, and so many bytes: each is read again from its whole record. */
const closely = { trajectories: 40, bytes: 4 << 20 };
/** So many steps of a trajectory have their line and column counted again. */
const countedAgain = 50;

/** Reads a log, whatever is in it, and fails if anything that comes out is not as it must be for every file. */
export function checkLog(path: string, counter: TokenCounter): Outcome {
  const records = [...readLog(path, reading)];
  const trajectories = records.filter(record => record.kind === 'trajectory');
  const problems = records.filter(record => record.kind === 'problem');
  const strangers = records.filter(record => record.kind === 'unrecognised');

  demand(records.length > 0, 'the log gives nothing at all, not even a reason');
  for (const { reason } of [...problems, ...strangers]) {
    demand(typeof reason === 'string' && reason.trim() !== '', 'a reason is empty');
    demand(reason.length < 2000, `a reason is ${reason.length} units long`);
  }
  for (const { place } of problems) demand(typeof place === 'string', 'the place of a problem is no text');
  demand(strangers.length === 0 || records.length === 1, 'what is no log gives more than that');
  demand(
    new Set(trajectories.map(({ trajectory }) => trajectory.id)).size === trajectories.length,
    'ids repeat',
  );
  for (const [i, { trajectory }] of trajectories.entries())
    demand(trajectory.ordinal === i, `ordinal ${i} is ${trajectory.ordinal}`);

  const file = readFileSync(path);
  const sources = new Map<string | undefined, Source>();
  const looks = Math.min(closely.trajectories, Math.ceil(closely.bytes / (file.length + 1)));
  const apart = Math.max(1, trajectories.length / looks);
  for (let i = 0; i < trajectories.length; i += apart) {
    const record = trajectories[Math.floor(i)]!;
    const { member } = record;
    const source = sources.get(member) ?? new Source(member === undefined ? file : unpacked(path, member));
    sources.set(member, source);
    checkShape(record.trajectory);
    checkPlaces(record, source);
    checkAgain(path, record);
    const digest = digestOf(record, counter, undefined);
    checkDigest(record, digest, counter);
    // Once a file is enough: it reads the record once more.
    if (i === 0) checkLengths(record, source.bytes, digest, counter);
  }
  return {
    trajectories: trajectories.length,
    problems: problems.map(({ place, reason }) => ({ place, reason })),
    unrecognised: strangers[0]?.reason ?? null,
  };
}

function unpacked(path: string, name: string): Buffer {
  const descriptor = openSync(path, 'r');
  try {
    const archive = new Archive(descriptor, fstatSync(descriptor).size);
    return archive.unpack(archive.members.find(member => member.name === name)!);
  } finally {
    closeSync(descriptor);
  }
}

/** Types as the model has them: what a log says must not get through as something else. */
function checkShape(trajectory: Trajectory): void {
  const { id, format, queryId, question, agent, retriever, answer, noPairs, references, skipped } =
    trajectory;
  for (const text of [id, format]) demand(typeof text === 'string' && text !== '', 'a name is missing');
  for (const text of [queryId, question, agent, retriever, answer, noPairs])
    demand(text === null || typeof text === 'string', `a text is a ${typeof text}`);
  demand(
    references.every(reference => typeof reference === 'string'),
    'a reference is no text',
  );
  demand(
    ['correct', 'incorrect', 'unknown'].includes(trajectory.outcome),
    `the outcome is ${trajectory.outcome}`,
  );
  demand(typeof trajectory.completed === 'boolean', 'completed is no truth value');
  for (const { step, reason } of skipped) {
    demand(step === null || isCount(step), `something skipped stands at step ${step}`);
    demand(
      typeof reason === 'string' && reason !== '' && reason.length < 2000,
      'something is skipped for no reason',
    );
  }
  for (const step of trajectory.steps) checkStep(step);
}

function checkStep(step: Step): void {
  demand(isCount(step.step) && isCount(step.turn), `step ${step.step} of turn ${step.turn}`);
  if (step.kind === 'think') demand(isText(step.text) && step.text.trim() !== '', 'a think says nothing');
  else if (step.kind === 'answer') demand(isText(step.text), 'an answer is no text');
  else if (step.kind === 'tool') demand(isText(step.name), 'a tool has no name');
  else demand(isCount(step.part) && (step.error === null || isText(step.error)), 'an error is no text');
  if (step.kind === 'search') {
    demand(isText(step.query), 'a query is no text');
    for (const { id, rank, title, snippet, url, score } of step.candidates) {
      demand(isText(id) && id !== '' && isText(snippet), 'a candidate has no id or no text');
      demand(isCount(rank) && rank > 0, `a rank is ${rank}`);
      demand((title === null || isText(title)) && (url === null || isText(url)), 'a title is no text');
      demand(score === null || Number.isFinite(score), `a score is ${score}`);
    }
  } else if (step.kind === 'browse') {
    const { doc, text, reasoning, shows } = step;
    demand(isText(text) && (doc === null || (isText(doc) && doc !== '')), 'a document has no name or text');
    demand(reasoning === null || (isText(reasoning) && reasoning !== ''), 'a reasoning is empty');
    demand(['document', 'extract'].includes(shows), `a browse shows ${shows}`);
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Steps stand in the file, within their record, by their numbers, and where their line and column say. */
function checkPlaces(record: TrajectoryRecord, source: Source): void {
  source.check(record, true);
  const end = record.offset + record.length;
  let last: Position | null = null;
  // Those that are told in another order than they happened in keep the numbers of their places.
  const steps = record.trajectory.steps.toSorted((a, b) => a.step - b.step);
  for (const [i, { step, position }] of steps.entries()) {
    demand(position !== null, `step ${step} has no place`);
    demand(position.member === record.member, `step ${step} stands in ${position.member}`);
    source.check(position, i < countedAgain);
    demand(
      position.offset >= record.offset && position.offset + position.length <= end,
      `step ${step} at ${position.offset} + ${position.length} is outside its record`,
    );
    // What has no place of its own has that of its record.
    if (position.offset === record.offset && position.length === record.length) continue;
    demand(last === null || position.offset >= last.offset, `step ${step} stands before an earlier one`);
    last = position;
  }
}

/** The bytes that positions are in. */
class Source {
  readonly bytes: Buffer;
  readonly #text: string;
  readonly #lineStarts: number[] = [0];

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.#text = bytes.toString('utf8');
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) this.#lineStarts.push(at + 1);
  }

  check({ offset, length, line, column }: Position, exactly: boolean): void {
    const numbers = [offset, length, line - 1, column - 1];
    demand(numbers.every(isCount), `a place is ${JSON.stringify({ offset, length, line, column })}`);
    const size = this.bytes.length;
    demand(offset + length <= size, `a place ends at ${offset + length}, the log at ${size}`);
    if (!exactly) return;
    const start = this.#lineStarts[line - 1];
    const next = this.#lineStarts[line] ?? Infinity;
    demand(start !== undefined && offset >= start && offset < next, `byte ${offset} is not on line ${line}`);
    // What is no UTF-8 has no columns to speak of.
    if (this.#text.includes('\ufffd')) return;
    const before = this.bytes.toString('utf8', start, offset).replace(line === 1 ? /^\ufeff/ : '', '');
    demand(before.length + 1 === column, `byte ${offset} is in column ${before.length + 1}, not ${column}`);
  }
}

/** Each trajectory can be read again by its place. */
function checkAgain(path: string, { kind: _, trajectory, ...place }: TrajectoryRecord): void {
  const { id, ordinal } = trajectory;
  const again = readRecord(path, place, reading, { id, ordinal });
  demand(isDeepStrictEqual(again, trajectory), 'read again, a trajectory is another one');
}

/** What the index keeps of it says the same. */
function checkDigest(record: TrajectoryRecord, digest: TrajectoryDigest, counter: TokenCounter): void {
  const key = (document: number | null): string | null =>
    document === null ? null : digest.documents[document]!;
  const { steps } = record.trajectory;
  const kept = Array.from(unpackSteps(digest.steps), packed => {
    if (packed.kind === 'search')
      return {
        ...packed,
        candidates: packed.candidates.map(({ document, ...rest }) => ({ ...rest, id: key(document) })),
      };
    return packed.kind === 'browse' ? { ...packed, document: key(packed.document) } : packed;
  });
  const wanted = steps.map(entry => {
    const { kind, step, turn } = entry;
    if (kind === 'think') return { kind, step, turn, tokens: counter.count(entry.text) };
    if (kind === 'search') {
      const candidates = entry.candidates.map(({ id, rank, snippet }) => ({
        rank,
        size: snippet.length,
        id,
      }));
      const query = entry.query.toWellFormed();
      return { kind, step, turn, part: entry.part, query, candidates, failed: entry.error !== null };
    }
    if (kind !== 'browse') return { kind, step, turn };
    const { part, doc, reasoning, text, shows, error } = entry;
    const tokens = reasoning === null ? null : counter.count(reasoning);
    const rest = { size: text.length, isExtract: shows === 'extract', failed: error !== null };
    return { kind, step, turn, part, document: doc, tokens, ...rest };
  });
  demand(isDeepStrictEqual(kept, wanted), 'the packed steps are others');
  const places = steps.map(({ position }) => {
    const { member: _, ...own } = position!;
    return own;
  });
  demand(isDeepStrictEqual([...unpackPlaces(digest.places)], places), 'the packed places are others');
}

const recordFormats: ReadonlyMap<string, RecordFormat> = new Map(
  [...reading.formats.map(declaredFormat), ...formats].flatMap(format =>
    format.unit === 'record' ? [[format.name, format]] : [],
  ),
);
const measuring: Omit<ReadContext, 'keeping'> = {
  tools: toolKinds(undefined),
  decrypt: decryption(reading.canaryFile),
};

/** As the index reads a large document, by pieces and keeping lengths for texts, it keeps the same of it. */
function checkLengths(
  record: TrajectoryRecord,
  bytes: Buffer,
  wanted: TrajectoryDigest,
  counter: TokenCounter,
): void {
  const { trajectory, offset, length, part } = record;
  const format = recordFormats.get(trajectory.format);
  const own = bytes.subarray(offset, offset + length);
  // Texts and YAML are not read by pieces.
  if (format === undefined || !/^\s*[[{]/.test(own.toString('latin1', 0, 100))) return;
  const { value } = parsePieces(new BufferBytes(own), 0, 0);
  const results = asList(format.read(value, { ...measuring, keeping: lengthKeeping() }));
  const { steps, ...read } = results[part] as RecordResult;
  const placed = steps.map((step, i) => ({ ...step, position: trajectory.steps[i]!.position }));
  const measured = { ...record, trajectory: { ...trajectory, ...read, steps: placed } };
  demand(isDeepStrictEqual(digestOf(measured, counter, undefined), wanted), 'by its lengths it is another');
}

/** Fails with what is wrong unless it holds. */
export function demand(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise);
}
