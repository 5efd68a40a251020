import { closeSync, fstatSync, openSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import * as z from 'zod';
import { errorCode, LratError } from '../base/errors.ts';
import { AtomicFile, writeFileAtomic } from '../base/files.ts';
import { type Job, unwatched } from '../base/progress.ts';
import { fingerprint } from '../base/text.ts';
import type { Outcome } from '../trajectory/model.ts';
import { FileBytes } from '../trajectory/source/file-bytes.ts';
import type { MiningResult } from './mine.ts';
import type { MiningMode, Pair, PairRow } from './pair.ts';
import type { DropReason } from './rule.ts';

/** Characters of rows that are written at a time, while the next ones are made. */
const writtenAtOnce = 2 ** 20;

/** Where a pair file's contents come from. */
export interface PairSources {
  /** A document's text. Mining has made sure that it is there (`MiningSettings.textKeys`). */
  readonly text: (doc: string) => string | undefined;
  /** The reasoning directly before the pair's search. */
  readonly preSearchReasoning: (pair: Pair) => string | null | Promise<string | null>;
}

/** How a set of pairs was made, as far as mining itself does not know it. */
export interface PairSetSettings {
  readonly mode: MiningMode;
  readonly outcome: Outcome | 'all';
  /** Name of the token counter. */
  readonly tokenizer: string;
  /** Labels file, or null for the workspace's own labels. */
  readonly labels: string | null;
  /** Who judged, as the labels name their sources. */
  readonly judges: readonly string[];
  /** Corpus file, or null where the texts are what the logs show. */
  readonly corpus: string | null;
  /** Version of LRAT. */
  readonly lrat: string;
}

/** The record beside a pair file (`pairs.jsonl` has `pairs.meta.json`): what it is and how it was made. */
export interface PairSetRecord extends PairSetSettings {
  readonly version: 1;
  /** ISO 8601. */
  readonly created: string;
  readonly rows: number;
  readonly halfLife: number | null;
  readonly muRaw: number | null;
  readonly trajectories: number;
  readonly searches: number;
  readonly browses: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
  readonly corrected: number;
  readonly withoutNegatives: number;
  /** Negatives that the false-negative guard took out. */
  readonly guarded: number;
  /** Documents without a text, and the first of them. */
  readonly withoutText: { readonly count: number; readonly first: readonly string[] };
}

export function pairRecordPath(path: string): string {
  return `${path.replace(/\.jsonl$/, '')}.meta.json`;
}

/** Writes mined pairs as rows, texts filled in, and the record beside them; both whole or not at all. */
export async function writePairs(
  path: string,
  mined: MiningResult,
  sources: PairSources,
  settings: PairSetSettings,
  job: Job = unwatched,
): Promise<PairSetRecord> {
  const file = new AtomicFile(path);
  let rows = '';
  try {
    for (const [done, pair] of mined.pairs.entries()) {
      if (done % 64 === 0) {
        job.report({ task: 'Writing pairs', done, total: mined.pairs.length, unit: 'rows' });
        await breathe();
        job.signal.throwIfAborted();
      }
      rows += `${JSON.stringify(await rowOf(pair, sources))}\n`;
      if (rows.length < writtenAtOnce) continue;
      await file.writeSoon(rows);
      rows = '';
    }
    await file.writeSoon(rows);
    await file.settle();
  } catch (error) {
    await file.settle().catch(() => {});
    file.discard();
    throw error;
  }
  file.commit();
  const { trajectories, searches, browses, halfLife, muRaw, dropped, corrected, withoutNegatives } = mined;
  const record: PairSetRecord = {
    version: 1,
    created: new Date().toISOString(),
    ...settings,
    rows: mined.pairs.length,
    ...{ halfLife, muRaw, trajectories, searches, browses, dropped, corrected, withoutNegatives },
    guarded: mined.guarded.length,
    withoutText: { count: mined.withoutText.length, first: mined.withoutText.slice(0, 20) },
  };
  writeFileAtomic(pairRecordPath(path), `${JSON.stringify(record, null, 2)}\n`);
  return record;
}

async function rowOf(pair: Pair, sources: PairSources): Promise<PairRow> {
  const text = (doc: string): string => {
    const found = sources.text(doc);
    if (found !== undefined) return found;
    throw new LratError(`the text of document ${doc} is gone since the pairs were mined.`, {
      remedy: 'Leave the corpus and the logs as they are while pairs are mined, and mine again.',
    });
  };
  return {
    query: pair.query,
    pos: [text(pair.positive)],
    neg: pair.negatives.map(text),
    pos_id: [pair.positive],
    neg_id: pair.negatives,
    reasoning_len: pair.reasoningTokens,
    satisfied: pair.satisfied,
    reweight_rate: pair.weight,
    mode: pair.mode,
    log: pair.log,
    trajectory: pair.trajectory,
    query_id: pair.queryId,
    search_step: pair.searchStep,
    browse_step: pair.browseStep,
    question: pair.question,
    pre_search_reasoning: await sources.preSearchReasoning(pair),
    previous_queries: pair.previousQueries,
  };
}

/** What to tell the user of the documents that mining had to leave out for want of a text; null if none. */
export function missingTextNotice(withoutText: readonly string[], corpus: string | null): string | null {
  if (withoutText.length === 0) return null;
  const first = withoutText.slice(0, 5).join(', ');
  const which = withoutText.length > 5 ? `${first}, …` : first;
  const remedy = corpus === null ? 'Name a corpus file that has them (--corpus).' : `Add them to ${corpus}.`;
  const what =
    withoutText.length === 1
      ? '1 document has no text and was'
      : `${withoutText.length} documents have no text and were`;
  return `${what} left out (${which}). ${remedy}`;
}

const texts = z.array(z.string());
const ids = z.array(z.union([z.string(), z.number()]).transform(String));
/** Keys beyond the released data set's may be missing: rows come from other builders too. */
const rowSchema = z
  .object({
    query: z.string(),
    pos: texts.min(1),
    neg: texts.default([]),
    pos_id: ids.optional(),
    neg_id: ids.optional(),
    reasoning_len: z.number().nonnegative().nullable().default(null),
    satisfied: z.boolean().default(true),
    reweight_rate: z.number().nonnegative().default(1),
    mode: z.enum(['paper', 'released', 'attributed']).nullable().default(null),
    log: z.string().nullable().default(null),
    trajectory: z.string().nullable().default(null),
    query_id: z.string().nullable().default(null),
    search_step: z.number().nullable().default(null),
    browse_step: z.number().nullable().default(null),
    question: z.string().nullable().default(null),
    pre_search_reasoning: z.string().nullable().default(null),
    previous_queries: texts.default([]),
  })
  .transform(row => ({
    ...row,
    // Without an id a document is known by its text.
    pos_id: row.pos_id ?? row.pos.map(fingerprint),
    neg_id: row.neg_id ?? row.neg.map(fingerprint),
  }))
  .refine(row => row.pos_id.length === row.pos.length && row.neg_id.length === row.neg.length, {
    message: 'there are not as many ids as texts',
  });

/** A longer line is no row, in bytes. */
const longestRow = 256 * 2 ** 20;

/** Streams the rows of a pair file: our own, or any with the keys of the released data set. */
export function* readPairs(path: string): Generator<PairRow> {
  const descriptor = opening(path, () => openSync(path, 'r'));
  try {
    const file = opening(path, () => new FileBytes(descriptor, fstatSync(descriptor).size));
    for (const { bytes, number } of file.lines(0, longestRow)) {
      const place = `${path}, line ${number}`;
      if (bytes === null) throw new LratError('the line is too long to be a row of pairs.', { place });
      const line = bytes.toString('utf8').trim();
      if (line !== '') yield parseRow(line, place);
    }
  } finally {
    closeSync(descriptor);
  }
}

function opening<T>(path: string, open: () => T): T {
  try {
    return open();
  } catch (cause) {
    throw new LratError(`could not be opened (${errorCode(cause) ?? String(cause)}).`, {
      place: path,
      remedy: 'Name a file that `lrat mine --out` has written.',
      cause,
    });
  }
}

function parseRow(line: string, place: string): PairRow {
  const remedy = 'Mine the pairs again, or mend the line.';
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new LratError('is not JSON; the file may be cut short.', { place, remedy, cause });
  }
  const row = rowSchema.safeParse(value);
  if (row.success) return row.data;
  const issue = row.error.issues[0]!;
  const field = issue.path.length === 0 ? '' : `${issue.path.join('.')}: `;
  throw new LratError(`is no row of pairs (${field}${issue.message}).`, { place, remedy });
}
