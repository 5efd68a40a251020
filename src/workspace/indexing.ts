import { realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { errorCode, LratError } from '../base/errors.ts';
import type { Job } from '../base/progress.ts';
import { isCandidateLog } from '../trajectory/log.ts';
import type { References } from '../trajectory/outcome.ts';
import { below, type Discovery, discover, foundFile, reaches } from './discovery.ts';
import { nameLogs } from './log-names.ts';
import { readLogs } from './log-readers.ts';
import type { ReadSettings } from './read-worker.ts';
import { transaction } from './schema.ts';
import { IndexWriter, type LogFile } from './writer.ts';

export interface UpdateOptions {
  /** Reads all files anew. */
  readonly force?: boolean;
  /** Threads that read. */
  readonly threads?: number;
}

/** What an update has done. Counts are of files. */
export interface UpdateReport {
  /** Files that may be logs. */
  readonly found: number;
  /** New or changed, and read. */
  readonly read: number;
  readonly unchanged: number;
  /** No longer there, and taken out of the index. */
  readonly removed: number;
  /** Bytes of the files that were read. */
  readonly bytes: number;
}

/** A folder that is searched, or a file that a person named; and the root that it belongs to. */
interface Scope {
  readonly path: string;
  readonly isFile: boolean;
  readonly root: Root;
}

interface Root {
  readonly id: number;
  readonly path: string;
  readonly walked: boolean;
}

/** What is gathered before it is written: short transactions leave room for another process. */
const batch = { parts: 256, milliseconds: 200 };

/** How logs are to be read. */
export interface Reading {
  readonly settings: ReadSettings;
  /** Stands for the settings: logs that were read with others are read again. */
  readonly fingerprint: string;
  readonly references: References | null;
}

/** Brings the index up to date with what lies in some folders and files; with all that it knows if none are named. */
export async function updateIndex(
  database: DatabaseSync,
  roots: readonly string[],
  { settings, fingerprint, references }: Reading,
  job: Job,
  { force = false, threads = 2 }: UpdateOptions,
): Promise<UpdateReport> {
  const scopes = transaction(database, () =>
    roots.length === 0 ? knownScopes(database) : scopesOf(database, roots),
  );
  const writer = new IndexWriter(database);
  const changed: LogFile[] = [];
  let [found, removed] = [0, 0];
  for (const scope of scopes) {
    const discovery = await search(scope, job);
    const files = discovery.files.map((file): LogFile => {
      const stamp = `${file.stamp} ${fingerprint}`;
      return {
        ...file,
        stamp,
        root: scope.root.id,
        below: below(scope.root.path, file.path)!,
        given: scope.isFile,
      };
    });
    found += files.length;
    const stored = storedLogs(database, scope);
    changed.push(...files.filter(file => force || stored.get(file.below)?.stamp !== file.stamp));
    removed += transaction(database, () => {
      noteUnreadable(database, writer, scope, discovery);
      noteGiven(database, scope);
      return removeGone(writer, scope, stored, files, discovery);
    });
  }

  const bytes = changed.reduce((sum, file) => sum + file.size, 0);
  try {
    await readInto(database, writer, changed, { settings, threads, force, job });
  } finally {
    transaction(database, () => {
      writer.abandon();
      rename(database);
      noteAnswers(database, writer, references);
    });
  }
  return { found, read: changed.length, unchanged: found - changed.length, removed, bytes };
}

/** Reads files and writes what they hold. What was written when it is stopped stays. */
async function readInto(
  database: DatabaseSync,
  writer: IndexWriter,
  files: readonly LogFile[],
  { settings, threads, force, job }: { settings: ReadSettings; threads: number; force: boolean; job: Job },
): Promise<void> {
  if (files.length === 0) return;
  let done = 0;
  let parts: Parameters<IndexWriter['write']>[] = [];
  let since = performance.now();
  const flush = (): void => {
    transaction(database, () => {
      for (const part of parts) writer.write(...part);
    });
    parts = [];
    since = performance.now();
    job.report({ task: 'Indexing', done, total: files.length, unit: 'files' });
  };
  const largeFirst = files.toSorted((a, b) => b.size - a.size);
  for await (const { file, part } of readLogs(
    largeFirst,
    settings,
    Math.min(threads, files.length),
    job.signal,
  )) {
    parts.push([file, part, stamp => !force && stamp === file.stamp]);
    if (part.isLast) done++;
    if (parts.length >= batch.parts || performance.now() - since >= batch.milliseconds) flush();
  }
  flush();
}

async function search({ path, isFile }: Scope, job: Job): Promise<Discovery> {
  if (!isFile) return discover(path, job.signal);
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return { files: stats === undefined ? [] : [foundFile(path, stats)], unreadable: [] };
}

/** Where the given folders and files belong, roots made for those that belong nowhere yet. */
function scopesOf(database: DatabaseSync, given: readonly string[]): Scope[] {
  const scopes = given.map(path => {
    const [real, stats] = existing(path);
    return { path: real, isFile: !stats.isDirectory() };
  });
  for (const { path, isFile } of scopes) {
    const folder = isFile ? dirname(path) : path;
    const isKnown = rootsOf(database).some(root => belongsTo(root, path, isFile));
    if (isKnown) continue;
    const insert =
      'INSERT INTO roots (path, walked) VALUES (?, ?) ON CONFLICT (path) DO UPDATE SET walked = 1';
    database.prepare(insert).run(folder, isFile ? 0 : 1);
    if (!isFile) absorb(database, rootsOf(database).find(root => root.path === folder)!);
  }
  const roots = rootsOf(database);
  const placed = scopes.map(scope => ({
    ...scope,
    root: roots.find(root => belongsTo(root, scope.path, scope.isFile))!,
  }));
  // A folder within another one that is searched anyway is not searched twice.
  return placed.filter(
    (scope, i) =>
      !placed.some(
        (other, j) =>
          i !== j &&
          !other.isFile &&
          ((scope.path === other.path && j < i) || (!scope.isFile && reaches(other.path, scope.path))),
      ),
  );
}

/** Everything that has been indexed before. */
function knownScopes(database: DatabaseSync): Scope[] {
  return rootsOf(database).flatMap((root): Scope[] => {
    const files = database.prepare('SELECT path FROM logs WHERE root = ? AND given = 1').all(root.id);
    const given = files.map(({ path }) => ({ path: join(root.path, path as string), isFile: true, root }));
    return root.walked ? [{ path: root.path, isFile: false, root }, ...given] : given;
  });
}

function existing(path: string): [string, Stats] {
  const remedy = 'Name a folder with logs, or a log.';
  try {
    const real = realpathSync(resolve(path));
    const stats = statSync(real);
    if (stats.isDirectory() || stats.isFile()) return [real, stats];
  } catch (cause) {
    throw new LratError(
      errorCode(cause) === 'ENOENT'
        ? 'there is no such file or folder.'
        : `cannot be read (${errorCode(cause) ?? String(cause)}).`,
      { place: path, remedy, cause },
    );
  }
  throw new LratError('is neither a folder nor a regular file.', { place: path, remedy });
}

function rootsOf(database: DatabaseSync): Root[] {
  return database
    .prepare('SELECT id, path, walked FROM roots ORDER BY path')
    .all()
    .map(({ id, path, walked }) => ({ id: id as number, path: path as string, walked: walked === 1 }));
}

/** Whether a folder or a file has its place under a root: the search of the root comes by it, or it is a file beside others. */
function belongsTo(root: Root, path: string, isFile: boolean): boolean {
  if (!isFile) return root.walked && (root.path === path || reaches(root.path, path));
  if (root.path === dirname(path)) return true;
  return root.walked && reaches(root.path, path) && isCandidateLog(path);
}

/** Takes the roots that lie in a new one into it. */
function absorb(database: DatabaseSync, root: Root): void {
  for (const inner of rootsOf(database)) {
    if (inner.id === root.id || !reaches(root.path, inner.path)) continue;
    const way = `${below(root.path, inner.path)}/`;
    database
      .prepare('UPDATE logs SET root = ?, path = ? || path, name = ? || path WHERE root = ?')
      .run(root.id, way, way, inner.id);
    database
      .prepare('UPDATE problems SET root = ?, path = ? || path WHERE root = ?')
      .run(root.id, way, inner.id);
    database.prepare('DELETE FROM roots WHERE id = ?').run(inner.id);
  }
}

interface StoredLog {
  readonly ids: number[];
  stamp: string | null;
  given: boolean;
}

/** What the index has of the files of a scope, by path below the root. */
function storedLogs(database: DatabaseSync, { path, isFile, root }: Scope): Map<string, StoredLog> {
  const logs = new Map<string, StoredLog>();
  const way = path === root.path ? '' : below(root.path, path)!;
  const rows = database
    .prepare('SELECT id, path, state, stamp, given FROM logs WHERE root = ?')
    .iterate(root.id);
  for (const row of rows) {
    const of = row.path as string;
    if (isFile ? of !== way : !of.startsWith(way === '' ? '' : `${way}/`)) continue;
    const log = logs.get(of) ?? { ids: [], stamp: null, given: false };
    log.ids.push(row.id as number);
    if (row.state !== 'reading') log.stamp = row.stamp as string;
    log.given ||= row.given === 1;
    logs.set(of, log);
  }
  return logs;
}

/** Takes out the logs that are no longer there. Of what cannot be searched nothing is known, so it stays. */
function removeGone(
  writer: IndexWriter,
  { isFile, root }: Scope,
  stored: ReadonlyMap<string, StoredLog>,
  files: readonly LogFile[],
  { unreadable }: Discovery,
): number {
  const there = new Set(files.map(file => file.below));
  const unknown = unreadable.map(({ path }) => path);
  let removed = 0;
  for (const [path, log] of stored) {
    const absolute = join(root.path, path);
    if (there.has(path) || unknown.some(folder => folder === absolute || below(folder, absolute) !== null))
      continue;
    // A file that was named may lie where no search comes by; its own scope looks after it.
    if (log.given && !isFile && statSync(absolute, { throwIfNoEntry: false }) !== undefined) continue;
    for (const id of log.ids) writer.remove(id);
    removed++;
  }
  return removed;
}

function noteUnreadable(
  database: DatabaseSync,
  writer: IndexWriter,
  { path, isFile, root }: Scope,
  { unreadable }: Discovery,
): void {
  if (isFile) return;
  const way = path === root.path ? '' : below(root.path, path)!;
  const within = way === '' ? '' : " AND (path = ?2 OR substr(path, 1, length(?2) + 1) = ?2 || '/')";
  database
    .prepare(`DELETE FROM problems WHERE log IS NULL AND root = ?1${within}`)
    .run(...(way === '' ? [root.id] : [root.id, way]));
  for (const { path, reason } of unreadable) {
    writer.problem(root.id, below(root.path, path) ?? basename(path), null, '', reason);
  }
}

/** Remembers that a person named this file: it stays in the index wherever it lies, and is a problem if it is no log. */
function noteGiven(database: DatabaseSync, { path, isFile, root }: Scope): void {
  if (isFile)
    database
      .prepare('UPDATE logs SET given = 1 WHERE root = ? AND path = ?')
      .run(root.id, below(root.path, path)!);
}

/** The root of problems that are of no log's folder. */
const nowhere = 0;

/** Notes what is wrong with the reference answers, and where they do not fit the logs. */
function noteAnswers(database: DatabaseSync, writer: IndexWriter, references: References | null): void {
  database.prepare('DELETE FROM problems WHERE root = ?').run(nowhere);
  if (references === null) return;
  const runs = database.prepare(
    "SELECT query_id AS queryId, question FROM trajectories JOIN logs ON logs.id = log WHERE state = 'log'",
  );
  const asked = runs.iterate() as Iterable<{ queryId: string | null; question: string | null }>;
  const problems = [...references.problems, ...references.mismatches(asked)];
  for (const { log, place, reason } of problems) writer.problem(nowhere, log, null, place, reason);
}

/** Gives every log the name that it has among those that are there now. */
function rename(database: DatabaseSync): void {
  const rows = database.prepare(
    "SELECT logs.id, roots.path AS root, logs.path, name FROM logs JOIN roots ON roots.id = root WHERE state <> 'reading'",
  );
  const logs = rows.all().map(row => row as { id: number; root: string; path: string; name: string });
  const update = database.prepare('UPDATE logs SET name = ? WHERE id = ?');
  for (const [log, name] of nameLogs(logs)) if (name !== log.name) update.run(name, log.id);
}
