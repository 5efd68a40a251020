import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { LratError } from '../base/errors.ts';
import type { Job } from '../base/progress.ts';
import { clip } from '../base/text.ts';
import { attributions } from '../mining/attributed.ts';
import { Coverage, type PathUse, type UnreadField } from '../trajectory/declared-coverage.ts';
import { readLog } from '../trajectory/log.ts';
import type { BrowseStep, Position, SearchStep, Skipped, Step, Trajectory } from '../trajectory/model.ts';
import { outlineOf } from '../trajectory/outline.ts';
import type { Recognition } from '../trajectory/recognise.ts';
import { readConfig } from '../workspace/config.ts';
import { readSettings } from '../workspace/index.ts';
import { workspacePaths } from '../workspace/paths.ts';

export interface DiagnosisRequest {
  readonly workspace: string;
  /** Path of the log. */
  readonly log: string;
  /** The trajectory that is shown step by step; undefined for the first. */
  readonly trajectory?: string | undefined;
}

/** Records of a log that look alike. */
export interface RecordShape {
  readonly records: number;
  /** Where the first of them stands. */
  readonly first: string;
  readonly kind: Recognition['kind'];
  /** Why they are taken for what they are taken for, or what they are if that is unknown. */
  readonly reason: string;
  /** Every format that they could be of, the likeliest first. */
  readonly claims: readonly { readonly format: string; readonly score: number; readonly reason: string }[];
}

/** What a step was read as. */
export interface StepAccount {
  readonly step: number;
  readonly kind: Step['kind'];
  readonly line: number | null;
  readonly column: number | null;
  readonly member: string | null;
  /** The beginning of its text, its query, the key of its document, or the name of its tool. */
  readonly what: string;
  /** Of a search: so many candidates. Of a browse: characters of the post-browse reasoning, null if that is unknown. */
  readonly size: number | null;
  /** Of a browse: the search that it belongs to (as in the mode `attributed`), null if none before it listed its document. */
  readonly listed: Listing | null;
  readonly error: string | null;
}

/** Where a document was listed that is opened. */
export interface Listing {
  /** Of the search: its step, and which search of that step. */
  readonly step: number;
  readonly part: number;
  /** 1-based. */
  readonly rank: number;
}

export interface TrajectoryAccount {
  readonly trajectory: string;
  readonly format: string;
  /** Where its first step stands, as line and column, after the name of the member of an archive. */
  readonly place: string;
  readonly question: string | null;
  readonly agent: string | null;
  readonly outcome: Trajectory['outcome'];
  readonly searches: number;
  readonly candidates: number;
  readonly browses: number;
  /** Browses whose document a search before them listed: only they can give pairs. */
  readonly listed: number;
  /** Why it gives no pairs, or null. */
  readonly noPairs: string | null;
  readonly skipped: readonly Skipped[];
}

/** How a log is understood: what it was cut into, what each record was taken for, and what was read and what was not. */
export interface Diagnosis {
  readonly log: string;
  readonly bytes: number;
  readonly sources: readonly { readonly member: string | null; readonly what: string }[];
  readonly shapes: readonly RecordShape[];
  /** Why it is no log, or null if it is one. */
  readonly unrecognised: string | null;
  /** So many in all; the accounts are of the first of them. */
  readonly trajectories: number;
  readonly accounts: readonly TrajectoryAccount[];
  /** The steps of one trajectory; null if there is none. */
  readonly shown: { readonly trajectory: string; readonly steps: readonly StepAccount[] } | null;
  readonly problems: readonly { readonly place: string; readonly reason: string }[];
  /** Why trajectories can give no pairs, over all of them. */
  readonly noPairs: readonly { readonly reason: string; readonly trajectories: number }[];
  /** What was not read into a step, over all trajectories. */
  readonly skipped: readonly SkippedInAll[];
  /** Of formats that the configuration describes: fields that hold something and are not read. */
  readonly unread: readonly (UnreadField & { readonly format: string })[];
  /** Of the same: the paths that were followed and led to nothing that can be read. */
  readonly inVain: readonly (PathUse & { readonly format: string })[];
}

export interface SkippedInAll {
  readonly reason: string;
  readonly times: number;
  readonly trajectories: number;
}

/** A log may hold any number of them. */
const kept = { accounts: 1000, problems: 1000, shapes: 200, sources: 1000, reasons: 1000 };
/** Characters of a step's text. */
const shownText = 200;

/**
 * Reads a log as indexing does, and tells how each part of it is understood. Writes nothing.
 *
 * @throws LratError if there is no such file, or no such trajectory in it
 */
export async function diagnose(
  { workspace, log, trajectory }: DiagnosisRequest,
  job: Job,
): Promise<Diagnosis> {
  const path = resolve(log);
  const paths = workspacePaths(workspace);
  const settings = readSettings(readConfig(paths), paths);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new LratError('does not exist.', { place: path, remedy: 'Name a log.' });
  const sources: Diagnosis['sources'][number][] = [];
  const shapes = new Map<string, { shape: RecordShape; records: number }>();
  const coverages = new Map(settings.formats.map(format => [format.name, new Coverage(format)]));
  const noPairs = new Tally();
  const skipped = new Tally();
  const accounts: TrajectoryAccount[] = [];
  const problems: Diagnosis['problems'][number][] = [];
  let unrecognised: string | null = null;
  let shown: Diagnosis['shown'] = null;
  let trajectories = 0;
  const records = readLog(path, settings, job.signal, {
    source: (what, member) => {
      if (sources.length < kept.sources) sources.push({ what, member: member ?? null });
    },
    record: ({ place, line }, recognition, member) => {
      const { kind, reason } = recognition;
      const name = recognition.kind === 'known' ? recognition.format.name : '';
      const key = JSON.stringify([kind, name, reason]);
      const known = shapes.get(key);
      if (known !== undefined) known.records++;
      else if (shapes.size < kept.shapes) {
        const claims = recognition.claims.map(({ format, score, reason }) => ({
          format: format.name,
          score,
          reason,
        }));
        const first = [member, place || `line ${line}`].filter(part => part !== undefined).join(', ');
        shapes.set(key, { shape: { records: 1, first, kind, reason, claims }, records: 1 });
      }
    },
    reads: ({ value }, format) => coverages.get(format.name)?.add(value),
  });
  for (const record of records) {
    if (record.kind === 'unrecognised') unrecognised = record.reason;
    else if (record.kind === 'problem') {
      if (problems.length < kept.problems) problems.push({ place: record.place, reason: record.reason });
    } else {
      const found = record.trajectory;
      const listings = listingsOf(found);
      if (++trajectories <= kept.accounts) accounts.push(accountOf(found, record, listings.size));
      const isWanted = trajectory === undefined ? shown === null : found.id === trajectory;
      if (isWanted) {
        const steps = found.steps.map(step => stepAccount(step, listings.get(step) ?? null));
        shown = { trajectory: found.id, steps };
      }
      if (found.noPairs !== null) noPairs.add(found.noPairs, 1);
      for (const [reason, those] of Map.groupBy(found.skipped, ({ reason }) => reason))
        skipped.add(reason, those.length);
      if (trajectories % 100 === 0) {
        job.report({ task: 'Reading', done: trajectories, total: undefined, unit: 'trajectories' });
      }
    }
  }
  if (trajectory !== undefined && shown === null) {
    const some = accounts.slice(0, 5).map(({ trajectory }) => trajectory);
    throw new LratError(`holds no trajectory “${trajectory}”.`, {
      place: path,
      remedy:
        some.length === 0
          ? 'It holds none at all.'
          : `It holds ${some.join(', ')}${trajectories > some.length ? ', …' : ''}.`,
    });
  }
  return {
    log: path,
    bytes: stats.size,
    sources,
    shapes: [...shapes.values()].map(({ shape, records }) => ({ ...shape, records })),
    unrecognised,
    trajectories,
    accounts,
    shown,
    problems,
    noPairs: noPairs.counts.map(({ reason, trajectories }) => ({ reason, trajectories })),
    skipped: skipped.counts,
    unread: [...coverages].flatMap(([format, { unread }]) => unread.map(field => ({ format, ...field }))),
    inVain: [...coverages].flatMap(([format, { paths }]) =>
      paths.filter(({ found }) => found === 0).map(path => ({ format, ...path })),
    ),
  };
}

/** Counts by reason. Reasons may quote the log: above a number of them the others count together. */
class Tally {
  readonly #counts = new Map<string, { times: number; trajectories: number }>();

  get counts(): readonly SkippedInAll[] {
    return [...this.#counts].map(([reason, count]) => ({ reason, ...count }));
  }

  /** Once for each trajectory. */
  add(reason: string, times: number): void {
    const key = this.#counts.has(reason) || this.#counts.size < kept.reasons ? reason : 'other reasons';
    const count = this.#counts.get(key) ?? { times: 0, trajectories: 0 };
    this.#counts.set(key, { times: count.times + times, trajectories: count.trajectories + 1 });
  }
}

/** Where the documents that a trajectory opens were listed, by their browses; without those that no list showed. */
function listingsOf(found: Trajectory): ReadonlyMap<Step, Listing> {
  // Lengths decide nothing here.
  const { steps } = outlineOf('', found, { name: 'none', count: () => 0 });
  const own = new Map(steps.map((outlined, i) => [outlined, found.steps[i]!]));
  const listings = new Map<Step, Listing>();
  for (const { browse, search } of attributions(steps)) {
    if (search === null) continue;
    const { candidates } = own.get(search) as SearchStep;
    const { rank } = candidates.find(({ id }) => id === browse.doc)!;
    listings.set(own.get(browse) as BrowseStep, { step: search.step, part: search.part, rank });
  }
  return listings;
}

/** @param record where the record stands that it was read from @param listed browses whose document was listed */
function accountOf(found: Trajectory, record: Position, listed: number): TrajectoryAccount {
  const { line, column, member } = found.steps.find(({ position }) => position !== null)?.position ?? record;
  const searches = found.steps.filter(step => step.kind === 'search');
  return {
    trajectory: found.id,
    format: found.format,
    place: [member, `${line}:${column}`].filter(part => part !== undefined).join(', '),
    question: found.question === null ? null : clip(found.question, shownText),
    agent: found.agent,
    outcome: found.outcome,
    searches: searches.length,
    candidates: searches.reduce((sum, { candidates }) => sum + candidates.length, 0),
    browses: found.steps.filter(({ kind }) => kind === 'browse').length,
    listed,
    noPairs: found.noPairs,
    skipped: found.skipped,
  };
}

function stepAccount(step: Step, listed: Listing | null): StepAccount {
  const { kind, position } = step;
  return {
    step: step.step,
    kind,
    line: position?.line ?? null,
    column: position?.column ?? null,
    member: position?.member ?? null,
    what: clip(whatOf(step), shownText),
    size:
      kind === 'search'
        ? step.candidates.length
        : kind === 'browse'
          ? (step.reasoning?.length ?? null)
          : null,
    listed,
    error: 'error' in step ? step.error : null,
  };
}

function whatOf(step: Step): string {
  switch (step.kind) {
    case 'search':
      return step.query;
    case 'browse':
      return step.doc ?? '';
    case 'tool':
      return step.name;
    default:
      return step.text;
  }
}
