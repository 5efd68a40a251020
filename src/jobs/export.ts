import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { LratError } from '../base/errors.ts';
import { AtomicFile } from '../base/files.ts';
import type { Job } from '../base/progress.ts';
import { exportRow, type Layout, type LeftOut, weightPlaces } from '../mining/export.ts';
import type { PairRow } from '../mining/pair.ts';
import { readPairs } from '../mining/pair-file.ts';
import { publishedRecipe } from '../training/recipe.ts';

export interface ExportRequest {
  /** A pair file, as `lrat mine --out` writes it. */
  readonly pairs: string;
  readonly layout: Layout;
  readonly out: string;
}

export interface ExportResult {
  readonly out: string;
  readonly layout: Layout;
  /** Rows of the pair file that were written. */
  readonly rows: number;
  readonly leftOut: Readonly<Record<LeftOut, number>>;
  /** How negatives were fitted to the columns of sentence-transformers; null in the other layouts. */
  readonly columns: {
    /** Negatives of every row. */
    readonly negatives: number;
    /** Rows that had fewer and repeat theirs. */
    readonly repeating: number;
    /** Negatives that there was no column for. */
    readonly cut: number;
  } | null;
  /** Where the weights stand, and who reads them there. */
  readonly weights: string;
}

/**
 * Writes a pair file in the layout of a trainer, row by row.
 *
 * @throws LratError naming file and line of a row that cannot be read, or if no row has a place in the layout
 */
export async function exportPairs({ pairs, layout, out }: ExportRequest, job: Job): Promise<ExportResult> {
  if (samePath(pairs, out)) {
    throw new LratError('is the file of the pairs itself.', {
      place: out,
      remedy: 'Name another file to export to.',
    });
  }
  let total = 0;
  let widest = 0;
  await forEachRow(pairs, job, { task: 'Reading pairs' }, row => {
    total++;
    if (row.satisfied) widest = Math.max(widest, row.neg.length);
  });
  // More columns would only repeat, or be more than the published group has.
  const negatives = Math.min(widest, publishedRecipe.groupSize - 1);

  const leftOut = { irrelevant: 0, withoutNegatives: 0 };
  let repeating = 0;
  let cut = 0;
  const file = new AtomicFile(out);
  try {
    await forEachRow(pairs, job, { task: 'Writing pairs', total }, (row, number) => {
      const lines = exportRow(row, { layout, number, negatives });
      if (typeof lines === 'string') {
        leftOut[lines]++;
        return;
      }
      if (row.neg.length < negatives) repeating++;
      cut += Math.max(0, row.neg.length - negatives);
      for (const line of lines) file.write(`${JSON.stringify(line)}\n`);
    });
    const rows = total - leftOut.irrelevant - leftOut.withoutNegatives;
    if (rows === 0) {
      throw new LratError(`has no row to export as ${layout}.`, {
        place: pairs,
        remedy: 'Mine pairs from logs with browses that are judged relevant.',
      });
    }
    file.commit();
    const columns = layout === 'sentence-transformers' ? { negatives, repeating, cut } : null;
    return { out, layout, rows, leftOut, columns, weights: weightPlaces[layout] };
  } catch (error) {
    file.discard();
    throw error;
  }
}

/** Reads rows, their numbers from 1; tells how far it is, and lets others work in between. */
async function forEachRow(
  path: string,
  job: Job,
  { task, total }: { task: string; total?: number },
  visit: (row: PairRow, number: number) => void,
): Promise<void> {
  let done = 0;
  for (const row of readPairs(path)) {
    if (done % 64 === 0) {
      job.report({ task, done, total, unit: 'rows' });
      await breathe();
      job.signal.throwIfAborted();
    }
    visit(row, ++done);
  }
}

function samePath(one: string, other: string): boolean {
  const real = (path: string) => {
    try {
      return realpathSync(path);
    } catch {
      return resolve(path);
    }
  };
  return real(one) === real(other);
}
