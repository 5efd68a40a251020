import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { errorCode, LratError } from '../base/errors.ts';
import { writeFileAtomic } from '../base/files.ts';
import type { Evaluation, EvaluationQuery } from './evaluate.ts';

const scoresSchema = z.object({
  version: z.literal(1),
  /** As `basisOf` gives it. */
  basis: z.string(),
  queries: z.int(),
  /** By retriever and metric: the mean over the queries of each question, in the order of the questions' keys. */
  retrievers: z.record(z.string(), z.record(z.string(), z.array(z.number()))),
});

/** What was measured on each question, kept so that it can be paired with what is measured later. */
export type KeptScores = z.infer<typeof scoresSchema>;

/**
 * Stands for what was asked, what is relevant to it and which documents were searched: measurements of the same basis
 * can be paired, others cannot be compared at all.
 */
export function basisOf(queries: readonly EvaluationQuery[], documents: Iterable<string>): string {
  const hash = createHash('sha256');
  const asked = queries.map(({ id, question, relevant }) =>
    JSON.stringify([id, question, [...relevant].sort(([a], [b]) => (a < b ? -1 : 1))]),
  );
  for (const query of asked.sort()) hash.update(`${query}\n`);
  for (const id of [...documents].sort()) hash.update(`${JSON.stringify(id)}\n`);
  return hash.digest('hex');
}

/** What of an evaluation is kept. */
export function scoresOf({ scores, rows, metrics, queries }: Evaluation, basis: string): KeptScores {
  const questions = [...Map.groupBy(scores, ({ question }) => question)].sort(([a], [b]) => (a < b ? -1 : 1));
  const meanOf = (retriever: string, metric: string) =>
    questions.map(
      ([, asked]) =>
        asked.reduce((sum, { retrievers }) => sum + retrievers[retriever]![metric]!, 0) / asked.length,
    );
  const retrievers = rows.map(({ retriever }) => [
    retriever,
    Object.fromEntries(metrics.map(metric => [metric, meanOf(retriever, metric)])),
  ]);
  return { version: 1, basis, queries, retrievers: Object.fromEntries(retrievers) };
}

export function writeScores(path: string, scores: KeptScores): void {
  writeFileAtomic(path, `${JSON.stringify(scores)}\n`);
}

/** @throws LratError if there are none, or they cannot be read. */
export function readScores(path: string): KeptScores {
  try {
    return scoresSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new LratError(
      errorCode(cause) === 'ENOENT'
        ? 'is not there: this run measured nothing that could be compared question by question.'
        : 'cannot be read as the scores of a run.',
      { place: path, remedy: 'Train with --held-out, or measure again with `lrat eval`.', cause },
    );
  }
}
