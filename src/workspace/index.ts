import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { errorCode, LratError } from '../base/errors.ts';
import { type Job, unwatched } from '../base/progress.ts';
import { fingerprint } from '../base/text.ts';
import type { TokenCounter } from '../base/tokenizer.ts';
import { isUnfinished, type RecordPlace, readRecord } from '../trajectory/log.ts';
import type { Outcome, Position, Problem, Trajectory } from '../trajectory/model.ts';
import { type OutcomeSource, References } from '../trajectory/outcome.ts';
import { type OutlineStep, outlineOf, type TrajectoryOutline } from '../trajectory/outline.ts';
import type { Config } from './config.ts';
import { below, modifiedAt } from './discovery.ts';
import {
  type Reading,
  type Survey,
  TooMuch,
  type UpdateOptions,
  type UpdateReport,
  updateIndex,
  updatePaths,
} from './indexing.ts';
import { LogNames } from './log-names.ts';
import type { ReadSettings } from './log-parts.ts';
import { type PackedStep, unpackNumbers, unpackPlaces, unpackSteps } from './packed-steps.ts';
import { ensureWorkspace, type WorkspacePaths } from './paths.ts';
import { guarded, openDatabase, setAside, UnusableIndex } from './schema.ts';

export { TooMuch, type UpdateOptions, type UpdateReport } from './indexing.ts';
export type { ReadSettings } from './log-parts.ts';

/** One line of the index's account: the trajectories of one retriever with one outcome (LRAT.md, Table 1). */
export interface Group {
  readonly retriever: string | null;
  readonly outcome: Outcome;
  readonly n: number;
  /** Mean number of searches `S`, of browses `B`, and of both. */
  readonly searches: number;
  readonly browses: number;
  /** `B / S` of the means; null without a search. */
  readonly ratio: number | null;
  readonly steps: number;
}

export interface IndexStatus {
  readonly trajectories: number;
  readonly searches: number;
  readonly browses: number;
  readonly problems: readonly Problem[];
  /** Files that were come across and hold no log of a known format; `notLogs` has their reasons. */
  readonly notLogs: number;
  readonly groups: readonly Group[];
}

/** A trajectory as lists show it. */
export interface TrajectoryEntry {
  readonly log: string;
  readonly trajectory: string;
  readonly ordinal: number;
  readonly format: string;
  readonly queryId: string | null;
  readonly question: string | null;
  readonly agent: string | null;
  readonly retriever: string | null;
  readonly outcome: Outcome;
  readonly outcomeSource: OutcomeSource;
  readonly completed: boolean;
  readonly searches: number;
  readonly browses: number;
  /** Why it can give no pairs, or null if it can. */
  readonly noPairs: string | null;
}

/** What the index knows of a file. */
export interface KnownFile {
  /** The name by which people and labels know it. */
  readonly log: string;
  /** What of it could not be used; nothing less than why it is no log of a known format. */
  readonly problems: readonly Problem[];
}

/** One place where a log shows a text of a document. */
export interface Sighting {
  readonly log: string;
  readonly trajectory: string;
  /** Index among the trajectory's steps. */
  readonly position: number;
  readonly shows: 'document' | 'extract' | 'snippet';
  /** Number of the document; see `documentKey`. */
  readonly document: number;
  /** Characters; a snippet may have none, and show a title only. */
  readonly size: number;
}

export interface ShownProblems {
  /** Leaves out what may be none: that a log ends too early which was written to only just now. */
  readonly settled?: boolean;
}

/** A problem's reason, and the stamp of the log that it is of, if it is of one. */
interface StampedReason {
  readonly reason: string;
  readonly stamp: string | null;
}

export interface TrajectoryFilter {
  readonly outcome?: Outcome;
  readonly retriever?: string;
  readonly log?: string;
}

const keysAtOnce = 256;

/** The columns of packed steps, where they were asked for. */
interface Packed {
  readonly steps: Uint8Array;
  readonly documents: Uint8Array;
}

/** The browses of a trajectory; documents by their numbers in the index. */
interface BrowsesOf {
  readonly name: string;
  readonly browses: readonly { readonly step: number; readonly document: number | null }[];
}

/** Of a row of `logs`: a file that nobody named, and that is no log. */
const isStranger = "state = 'unrecognised' AND given = 0";

/** How a workspace's logs are read: the part of its configuration that the index depends on. */
export function readSettings(config: Config, paths: WorkspacePaths): ReadSettings {
  const { toolNames, formats, canaryFile, tokenizer, answers } = config;
  const folder = resolve(paths.workspace, tokenizer);
  return {
    toolNames,
    formats,
    canaryFile: canaryFile === null ? null : resolve(paths.workspace, canaryFile),
    // A tokenizer is a folder if there is one of its name, and else one of those that need none.
    tokenizer: existsSync(folder) ? folder : tokenizer,
    answers: answers === null ? null : resolve(paths.workspace, answers),
  };
}

/**
 * What the logs of a workspace hold, in `.lrat/index.db`. It keeps who listed and opened what and where that stands in
 * which log, but no texts; it can be deleted at any time, and is made again from the logs.
 */
export class TrajectoryIndex {
  readonly #path: string;
  readonly #settings: ReadSettings;
  readonly #notify: (message: string) => void;
  #database: DatabaseSync;
  #statements = new Map<string, StatementSync>();
  #keys: (string | undefined)[] = [];
  /** What the last update has seen, and the settings that it read by. */
  #survey: (Survey & { readonly fingerprint: string }) | undefined;
  #lastBrowses: { readonly key: string; readonly found: readonly BrowsesOf[] } | undefined;

  private constructor(path: string, settings: ReadSettings, notify: (message: string) => void) {
    this.#path = path;
    this.#settings = settings;
    this.#notify = notify;
    this.#database = this.#open();
  }

  /**
   * Opens a workspace's index, an empty one if there is none. One that is damaged or of another version is set aside;
   * `notify` is told.
   */
  static open(
    paths: WorkspacePaths,
    settings: ReadSettings,
    notify: (message: string) => void,
  ): TrajectoryIndex {
    ensureWorkspace(paths.workspace);
    return new TrajectoryIndex(paths.index, settings, notify);
  }

  /** How its logs are read. */
  get settings(): ReadSettings {
    return this.#settings;
  }

  /** Stands for the settings and what lies at the paths that they name. */
  get fingerprint(): string {
    return settingsFingerprint(this.#settings);
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  /**
   * Brings the index up to date with what lies in some folders and files, or in all that it knows if none are named.
   * Files that have not changed are not read. When it is stopped, what it has read stays.
   */
  async update(
    roots: readonly string[],
    job: Job = unwatched,
    options: UpdateOptions = {},
  ): Promise<UpdateReport> {
    const reading = this.#reading();
    const update = async () => {
      this.#lastBrowses = undefined;
      this.#survey = undefined;
      const { report, survey } = await updateIndex(this.#database, roots, reading, job, options);
      this.#survey = { ...survey, fingerprint: reading.fingerprint };
      return report;
    };
    try {
      return await update();
    } catch (error) {
      if (!(error instanceof UnusableIndex)) throw asLratError(error, this.#path);
      this.#replace(error);
      return update();
    }
  }

  /**
   * Brings the index up to date with what lies at some paths: files and folders that are new, have changed or are gone.
   * Gives what `update` with the roots of the last one would, at the cost of these paths alone. Null if only `update` can
   * tell, which is so before the first one, and where links lead elsewhere or the settings have changed.
   */
  async updatePaths(
    paths: readonly string[],
    job: Job = unwatched,
    options: UpdateOptions = {},
  ): Promise<UpdateReport | null> {
    const [survey, reading] = [this.#survey, this.#reading()];
    if (survey?.fingerprint !== reading.fingerprint) return null;
    this.#lastBrowses = undefined;
    try {
      const report = await updatePaths(this.#database, survey, paths, reading, job, options);
      if (report === null) this.#survey = undefined;
      return report;
    } catch (error) {
      if (!(error instanceof TooMuch)) this.#survey = undefined;
      if (error instanceof UnusableIndex) this.#replace(error);
      else throw asLratError(error, this.#path);
      return null;
    }
  }

  #reading(): Reading {
    const { answers } = this.#settings;
    return {
      settings: this.#settings,
      references: answers === null ? null : References.read(answers),
      fingerprint: this.fingerprint,
    };
  }

  /** Totals, means and problems: the same for the same logs, in whatever order they were read. */
  status(shown: ShownProblems = {}): IndexStatus {
    const groups = this.#all(
      `SELECT retriever, outcome, count(*) AS n, sum(searches) AS searches, sum(browses) AS browses
       FROM trajectories JOIN logs ON logs.id = log WHERE state = 'log'
       GROUP BY retriever, outcome ORDER BY retriever, outcome`,
    ) as { retriever: string | null; outcome: Outcome; n: number; searches: number; browses: number }[];
    const total = (name: 'n' | 'searches' | 'browses') => groups.reduce((sum, group) => sum + group[name], 0);
    return {
      trajectories: total('n'),
      searches: total('searches'),
      browses: total('browses'),
      problems: this.problems(shown),
      notLogs: this.#get(`SELECT count(*) AS n FROM logs WHERE ${isStranger}`)!.n as number,
      groups: groups.map(({ retriever, outcome, n, searches, browses }) => ({
        ...{ retriever, outcome, n },
        searches: searches / n,
        browses: browses / n,
        ratio: searches === 0 ? null : browses / searches,
        steps: (searches + browses) / n,
      })),
    };
  }

  /** What could not be used, in order of log; a log that can give no pairs is among it. */
  problems({ settled = false }: ShownProblems = {}): Problem[] {
    const rows = this.#all(
      `SELECT log, place, reason, stamp FROM (
         SELECT coalesce(name, problems.path) AS log, place, problems.reason, stamp, problems.rowid AS row
         FROM problems LEFT JOIN logs ON logs.id = log WHERE log IS NULL OR state <> 'reading'
         UNION ALL SELECT name, '', reason, stamp, 0 FROM logs WHERE state = 'unrecognised' AND given = 1)
       ORDER BY log, row`,
    );
    const shown = settled ? rows.filter(row => !isAwaited(row as unknown as StampedReason)) : rows;
    return shown.map(({ stamp: _, ...row }) => row as unknown as Problem);
  }

  /** Whether there are problems that settled ones do not count: the rest of a log is awaited. */
  isAwaiting(): boolean {
    const rows = this.#all(
      "SELECT problems.reason, stamp FROM problems JOIN logs ON logs.id = log WHERE state <> 'reading'",
    );
    return rows.some(row => isAwaited(row as unknown as StampedReason));
  }

  /** The files that hold no log of a known format, and why, in order; those that a person named are problems instead. */
  notLogs(): Problem[] {
    const rows = this.#all(
      `SELECT name AS log, '' AS place, reason FROM logs WHERE ${isStranger} ORDER BY name`,
    );
    return rows.map(row => ({ ...row }) as unknown as Problem);
  }

  /** What the index knows of a file, by its path on the disk, and of its problems the settled ones; null if nothing. */
  fileAt(path: string): KnownFile | null {
    const real = realPath(path);
    for (const root of this.#all('SELECT id, path FROM roots')) {
      const way = below(root.path as string, real);
      if (way === null) continue;
      const row = this.#get(
        "SELECT id, name, reason, stamp FROM logs WHERE root = ? AND path = ? AND state <> 'reading'",
        root.id as number,
        way,
      );
      if (row === undefined) continue;
      const log = row.name as string;
      const problems = this.#all(
        'SELECT place, reason FROM problems WHERE log = ? ORDER BY rowid',
        row.id as number,
      );
      const settled = problems.filter(
        ({ reason }) => !isAwaited({ reason, stamp: row.stamp } as StampedReason),
      );
      const known = [...(row.reason === null ? [] : [{ place: '', reason: row.reason }]), ...settled];
      return { log, problems: known.map(problem => ({ log, ...problem }) as Problem) };
    }
    return null;
  }

  /** Names of all logs, in order. */
  logs(): string[] {
    return this.#all("SELECT name FROM logs WHERE state = 'log' ORDER BY name").map(
      ({ name }) => name as string,
    );
  }

  /** All logs by name, each with a number that is another one once it has been read anew. */
  readings(): Map<string, number> {
    const rows = this.#all("SELECT name, id FROM logs WHERE state = 'log'");
    return new Map(rows.map(({ name, id }) => [name as string, id as number]));
  }

  /**
   * The outlines of all trajectories, by log and then by place in it. With a counter, reasoning is counted anew in its
   * tokens, for which the logs are read; without one, lengths are those of the workspace's tokenizer.
   */
  *outlines(filter: TrajectoryFilter = {}, counter?: TokenCounter): Generator<TrajectoryOutline> {
    for (const row of this.#selected(filter, {}, true)) {
      const { log, trajectory, queryId, question, outcome } = row;
      if (counter !== undefined) {
        yield outlineOf(log, this.trajectory(log, trajectory), counter);
        continue;
      }
      const steps = this.#outline(row.steps, row.documents);
      yield { log, trajectory, queryId, question, outcome, steps };
    }
  }

  /** The trajectory of a log that begins at a 1-based line or before it, the nearest one; null if none does. */
  trajectoryAt(log: string, line: number): string | null {
    const row = this.#get(
      `SELECT trajectories.name FROM logs JOIN trajectories ON log = logs.id
       WHERE logs.name = ? AND state = 'log' AND line <= ? ORDER BY line DESC, ordinal DESC LIMIT 1`,
      ...[log, line],
    );
    return row === undefined ? null : (row.name as string);
  }

  /** A number that is another one once another connection has changed the index. */
  changes(): number {
    return Number(this.#get('PRAGMA data_version')!.data_version);
  }

  /** A page of the list of trajectories, in the order of `outlines`. */
  listTrajectories(
    filter: TrajectoryFilter = {},
    page: { offset?: number; limit?: number } = {},
  ): TrajectoryEntry[] {
    return [...this.#selected(filter, page)];
  }

  /** A whole trajectory, read again from its log. Raises LratError if the log has changed since. */
  trajectory(log: string, trajectory: string): Trajectory {
    const { path, place, ordinal, outcome } = this.place(log, trajectory);
    return { ...readRecord(path, place, this.#settings, { id: trajectory, ordinal }), outcome };
  }

  /** Where a trajectory stands, and what the index alone knows of it. */
  place(
    log: string,
    trajectory: string,
  ): {
    readonly path: string;
    readonly place: RecordPlace;
    readonly ordinal: number;
    readonly outcome: Outcome;
  } {
    const row = this.#get(
      `SELECT roots.path AS root, logs.path, offset, length, ordinal, line, column, part, member, outcome
       FROM logs JOIN roots ON roots.id = root JOIN trajectories ON trajectories.log = logs.id
       WHERE logs.name = ? AND state = 'log' AND trajectories.name = ?`,
      log,
      trajectory,
    );
    if (row === undefined) {
      throw new LratError(`has no trajectory ${trajectory} in the index.`, {
        place: log,
        remedy: 'Index again.',
      });
    }
    const { root, path, ordinal, outcome, ...place } = row;
    return {
      path: join(root as string, path as string),
      place: placed<RecordPlace>(place),
      ordinal: ordinal as number,
      outcome: outcome as Outcome,
    };
  }

  /** The path of a log on the disk, by its name; also of a file that is no log. */
  pathOf(log: string): string {
    const row = this.#get(
      "SELECT roots.path AS root, logs.path FROM logs JOIN roots ON roots.id = root WHERE name = ? AND state <> 'reading'",
      log,
    );
    if (row !== undefined) return join(row.root as string, row.path as string);
    throw unknownLog(log);
  }

  /** The name of the log that is meant by a file name, the end of a path, or a path. Raises LratError unless it is one. */
  findLog(given: string): string {
    const matching = new LogNames(this.logs()).matching(given);
    if (matching.length === 1) return matching[0]!;
    if (matching.length === 0) throw unknownLog(given);
    throw new LratError(`could be any of ${matching.length} logs: ${matching.slice(0, 10).join(', ')}.`, {
      place: given,
      remedy: 'Name it by more of its path.',
    });
  }

  /** Where a step stands in its log; null if the format does not tell. */
  position(log: string, trajectory: string, step: number): Position | null {
    const row = this.#get(
      `SELECT member, steps, places FROM logs JOIN trajectories ON log = logs.id JOIN packed ON trajectory = trajectories.id
       WHERE logs.name = ? AND state = 'log' AND trajectories.name = ?`,
      ...[log, trajectory],
    );
    if (row === undefined) return null;
    const places = unpackPlaces(row.places as Uint8Array);
    for (const packed of unpackSteps(row.steps as Uint8Array)) {
      const place = places.next().value as Position | null;
      if (packed.step === step && place !== null) return placed<Position>({ ...place, member: row.member });
    }
    return null;
  }

  /** The documents that a step opened, by trajectory; of all trajectories of the log if none is named. */
  browsesAt(log: string, step: number, trajectory?: string): { trajectory: string; doc: string | null }[] {
    return this.#browsesOf(log, trajectory).flatMap(({ name, browses }) =>
      browses
        .filter(browse => browse.step === step)
        .map(({ document }) => ({
          trajectory: name,
          doc: document === null ? null : this.documentKey(document),
        })),
    );
  }

  /** The browses of a log's trajectories, or of one of them; the last answer is kept, as labels come log by log. */
  #browsesOf(log: string, trajectory: string | undefined): readonly BrowsesOf[] {
    const key = JSON.stringify([log, trajectory, this.changes()]);
    if (this.#lastBrowses?.key !== key) {
      const rows = this.#all(
        `SELECT trajectories.name, steps, documents FROM logs JOIN trajectories ON log = logs.id
           JOIN packed ON trajectory = trajectories.id
         WHERE logs.name = ?1 AND state = 'log' AND (?2 IS NULL OR trajectories.name = ?2) ORDER BY ordinal`,
        ...[log, trajectory ?? null],
      );
      const found = rows.map(({ name, steps, documents }): BrowsesOf => {
        const numbers = unpackNumbers(documents as Uint8Array);
        const browses = [...unpackSteps(steps as Uint8Array)].flatMap(packed =>
          packed.kind === 'browse'
            ? [{ step: packed.step, document: packed.document === null ? null : numbers[packed.document]! }]
            : [],
        );
        return { name: name as string, browses };
      });
      this.#lastBrowses = { key, found };
    }
    return this.#lastBrowses.found;
  }

  /** How many trajectories a log has, by its name. */
  trajectoriesIn(log: string): number {
    return this.#get(
      "SELECT count(*) AS n FROM logs JOIN trajectories ON log = logs.id WHERE logs.name = ? AND state = 'log'",
      log,
    )!.n as number;
  }

  /** Every text of a document that the logs show, in the order of `outlines`. */
  *sightings(): Generator<Sighting> {
    for (const { log, trajectory, steps, documents } of this.#selected({}, {}, true)) {
      const numbers = unpackNumbers(documents);
      let position = -1;
      for (const step of unpackSteps(steps)) {
        position++;
        if (step.kind === 'search') {
          for (const { document, size } of step.candidates) {
            yield { log, trajectory, position, shows: 'snippet', document: numbers[document]!, size };
          }
        } else if (step.kind === 'browse' && step.document !== null && step.size > 0 && !step.failed) {
          const shows = step.isExtract ? 'extract' : 'document';
          yield { log, trajectory, position, shows, document: numbers[step.document]!, size: step.size };
        }
      }
    }
  }

  documentKey(document: number): string {
    if (this.#keys[document] === undefined) {
      // Documents have their numbers in the order in which they were first seen: the neighbours are asked for next.
      const first = document - (document % keysAtOnce);
      const keys = this.#all(
        'SELECT id, key FROM documents WHERE id BETWEEN ? AND ?',
        ...[first, first + keysAtOnce - 1],
      );
      for (const { id, key } of keys) this.#keys[id as number] = key as string;
    }
    return this.#keys[document]!;
  }

  #outline(steps: Uint8Array, documents: Uint8Array): OutlineStep[] {
    const numbers = unpackNumbers(documents);
    return Array.from(unpackSteps(steps), (packed: PackedStep): OutlineStep => {
      const { kind, step, turn } = packed;
      switch (kind) {
        case 'think':
          return { kind, step, turn, tokens: packed.tokens };
        case 'search': {
          const listed = packed.candidates.map(({ document }) => this.documentKey(numbers[document]!));
          return { kind, step, turn, part: packed.part, query: packed.query, documents: listed };
        }
        case 'browse': {
          const doc = packed.document === null ? null : this.documentKey(numbers[packed.document]!);
          return { kind, step, turn, part: packed.part, doc, reasoningTokens: packed.tokens };
        }
        default:
          return { kind, step, turn };
      }
    });
  }

  /**
   * Rows are given one by one, all of one state of the index, whatever other processes write meanwhile.
   *
   * @param packed whether the packed steps are read too
   */
  *#selected(
    { outcome, retriever, log }: TrajectoryFilter,
    { offset = 0, limit = -1 }: { offset?: number; limit?: number } = {},
    packed = false,
  ): Generator<TrajectoryEntry & Packed> {
    const statement = this.#guarded(() =>
      // Prepared anew, because several of them may be under way. A cross join is one whose order SQLite keeps: taken log
      // by log the rows come at once, and not only when all of them, with their steps, have been sorted.
      this.#database.prepare(
        `SELECT logs.name AS log, trajectories.name AS trajectory, ordinal, format, query_id AS queryId,
           question, agent, retriever, outcome, outcome_source AS outcomeSource, completed, searches, browses,
           no_pairs AS noPairs${packed ? ', steps, documents' : ''}
         FROM logs CROSS JOIN trajectories ON log = logs.id
           ${packed ? 'CROSS JOIN packed ON trajectory = trajectories.id' : ''}
         WHERE state = 'log' AND (?1 IS NULL OR outcome = ?1) AND (?2 IS NULL OR retriever = ?2)
           AND (?3 IS NULL OR logs.name = ?3)
         ORDER BY logs.name, ordinal LIMIT ?4 OFFSET ?5`,
      ),
    );
    const rows = statement.iterate(outcome ?? null, retriever ?? null, log ?? null, limit, offset);
    for (;;) {
      const { value, done } = this.#guarded(() => rows.next());
      if (done === true) return;
      yield { ...value, completed: value.completed === 1 } as unknown as TrajectoryEntry & Packed;
    }
  }

  #open(): DatabaseSync {
    try {
      return openDatabase(this.#path);
    } catch (error) {
      if (!(error instanceof UnusableIndex)) throw asLratError(error, this.#path);
      this.#setAside(error);
      return openDatabase(this.#path);
    }
  }

  #replace(why: UnusableIndex): void {
    this.#database.close();
    this.#statements.clear();
    this.#keys = [];
    this.#setAside(why);
    this.#database = openDatabase(this.#path);
  }

  #setAside(why: UnusableIndex): void {
    const aside = setAside(this.#path);
    this.#notify(
      `${this.#path} could not be used: ${why.message}. It was set aside as ${aside}; the logs are read anew.`,
    );
  }

  #all(sql: string, ...values: (string | number | null)[]) {
    return this.#guarded(() => this.#statement(sql).all(...values));
  }

  #get(sql: string, ...values: (string | number | null)[]) {
    return this.#guarded(() => this.#statement(sql).get(...values));
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const made = this.#guarded(() => this.#database.prepare(sql));
    this.#statements.set(sql, made);
    return made;
  }

  /** Damage that turns up while reading: the index is set aside, and the user asked to make it again. */
  #guarded<Result>(work: () => Result): Result {
    try {
      return guarded(work);
    } catch (error) {
      if (!(error instanceof UnusableIndex)) throw asLratError(error, this.#path);
      this.#replace(error);
      throw new LratError(`could not be used: ${error.message}. It was set aside.`, {
        place: this.#path,
        remedy: 'Run `lrat index`: it is made again from the logs.',
        cause: error,
      });
    }
  }
}

/** A row of the database as a place: what stands in no archive has no member. */
function placed<Place extends Position>({ member, ...place }: object & { member?: unknown }): Place {
  return { ...place, ...(typeof member === 'string' && { member }) } as unknown as Place;
}

/** Raised whenever readers give something else for the same log: all logs are read again. */
const readerVersion = 2;

/** Stands for everything about the settings that what is read depends on. */
function settingsFingerprint({ toolNames, formats, canaryFile, tokenizer, answers }: ReadSettings): string {
  const definition = stampOf(join(tokenizer, 'tokenizer.json'));
  // Not what it holds: nothing that is made of a canary is written down.
  const canary = canaryFile === null ? null : [canaryFile, stampOf(canaryFile)];
  const given = answers === null ? null : fingerprint(readFileSync(answers, 'utf8'));
  return fingerprint(
    JSON.stringify([readerVersion, toolNames, formats, canary, tokenizer, definition, given]),
  );
}

/** So many milliseconds after it was last written to, a log that ends too early is a problem. */
export const awaited = 10_000;

/** Whether a problem is that of a log whose rest may be about to come. */
function isAwaited({ reason, stamp }: StampedReason): boolean {
  return stamp !== null && isUnfinished(reason) && Math.abs(Date.now() - modifiedAt(stamp)) < awaited;
}

/** What changes with a file; null if there is none. */
function stampOf(path: string): readonly number[] | null {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? null : [stats.mtimeMs, stats.size];
}

/** Where links lead, as roots are stored; the path itself where nothing is. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function unknownLog(name: string): LratError {
  return new LratError('is no log that has been indexed.', {
    place: name,
    remedy: 'Run `lrat index` first, or name the log by its path as `lrat index` was given it.',
  });
}

const diskFull: [string, string] = [
  'cannot grow: the disk is full.',
  'Free space and run the command again; what was indexed is kept.',
];

/** SQLite's errors that a user can do something about, by code; an extended code stands before its plain one. */
const remedies: Readonly<Record<number, [string, string]>> = {
  5: [
    'is in use by another process that does not finish.',
    'Wait until it is done, and run the command again.',
  ],
  8: ['cannot be written.', 'Give this user permission to write it, or choose another workspace.'],
  10: ['could not be read or written.', 'Check the disk, and run the command again.'],
  13: diskFull,
  14: ['cannot be opened.', 'Give this user permission to write in its folder, or choose another workspace.'],
  // SQLITE_IOERR_SHMSIZE: the file of shared memory beside the database finds no room.
  4874: diskFull,
};

function asLratError(cause: unknown, path: string): unknown {
  const code = cause instanceof Error && 'errcode' in cause ? (cause.errcode as number) : undefined;
  const [message, remedy] =
    (code === undefined ? undefined : (remedies[code] ?? remedies[code & 0xff])) ?? [];
  if (message === undefined || remedy === undefined) return cause;
  return new LratError(`${message} (${errorCode(cause) ?? 'SQLite'})`, { place: path, remedy, cause });
}
