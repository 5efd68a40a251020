import { join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { LratError } from '../base/errors.ts';
import type { Job } from '../base/progress.ts';
import { Random } from '../base/random.ts';
import { fingerprint, normaliseText } from '../base/text.ts';
import type { PairRow } from '../mining/pair.ts';
import type { Hit, Retriever } from '../retrieval/retriever.ts';
import { questionKey } from '../trajectory/outline.ts';
import { type Difference, interval, pairedDifference, type ValuesByQuestion } from './bootstrap.ts';
import { type Gains, measure, metricNames, relevantCount } from './metrics.ts';
import { rowQuestion } from './split.ts';
import type { Estimate } from './table.ts';
import { type Qrels, type Query, writeQrels, writeQueries, writeRun } from './trec.ts';

/** A query with the documents that are relevant to it. */
export interface EvaluationQuery {
  readonly id: string;
  readonly text: string;
  /** Key of the question that it serves; queries of one question hang together (`ValuesByQuestion`). */
  readonly question: string;
  readonly relevant: Gains;
}

export interface EvaluationOptions {
  /** Ranks at which the metrics are cut off; the largest is how many documents are asked for. */
  readonly cutoffs?: readonly number[] | undefined;
  /** Name of the retriever that the others are compared with; without one there are no comparisons. */
  readonly baseline?: string | undefined;
  /** Of the bootstrap. */
  readonly seed: number;
  /** Folder for the runs, one file per retriever, with the queries and the judgements they are measured by. */
  readonly runsDir?: string | undefined;
}

/** Values by metric, as `metricNames` names them. */
type ByMetric<Value> = Readonly<Record<string, Value>>;

export interface Evaluation {
  readonly metrics: readonly string[];
  /** Queries that were measured, and the questions that they serve. */
  readonly queries: number;
  readonly questions: number;
  /** Queries that were left out because no document is relevant to them. */
  readonly withoutRelevant: number;
  /**
   * One row per retriever: means over questions, of the means over a question's queries. (Where questions have several
   * queries this is not trec_eval's mean over queries.)
   */
  readonly rows: readonly { readonly retriever: string; readonly metrics: ByMetric<Estimate> }[];
  /** Each other retriever minus the baseline. */
  readonly differences: readonly {
    readonly retriever: string;
    readonly baseline: string;
    readonly metrics: ByMetric<Difference>;
  }[];
  /** Of every query, the metrics by retriever. */
  readonly scores: readonly {
    readonly query: string;
    readonly question: string;
    readonly retrievers: Readonly<Record<string, ByMetric<number>>>;
  }[];
  /** Run files, in the order of the retrievers. */
  readonly runs: readonly string[];
}

/** Measures retrievers on the same queries. */
export async function evaluate(
  retrievers: readonly Retriever[],
  queries: readonly EvaluationQuery[],
  options: EvaluationOptions,
  job: Job,
): Promise<Evaluation> {
  const { cutoffs = [10], baseline, seed, runsDir } = options;
  const names = retrievers.map(({ name }) => name);
  refuseRepeated(names, 'retriever');
  refuseRepeated(
    queries.map(({ id }) => id),
    'query',
  );
  if (baseline !== undefined && !names.includes(baseline)) {
    throw new LratError(`the baseline ${baseline} is not among the retrievers.`, {
      remedy: `Choose one of ${names.join(', ')}.`,
    });
  }
  const asked = queries.filter(({ relevant }) => relevantCount(relevant) > 0);
  if (asked.length === 0) {
    throw new LratError(`none of the ${queries.length} queries has a relevant document.`, {
      remedy: 'Evaluate on pairs with positives, or on queries that the judgements (qrels) name.',
    });
  }

  const runs = new Map<string, Map<string, Hit[]>>();
  for (const [i, retriever] of retrievers.entries()) {
    const progress = { total: asked.length * retrievers.length, unit: 'queries', detail: retriever.name };
    runs.set(
      retriever.name,
      await searchAll(retriever, asked, Math.max(...cutoffs), job, done =>
        job.report({ task: 'Evaluating', done: i * asked.length + done, ...progress }),
      ),
    );
  }
  const files = runsDir === undefined ? [] : writeRuns(runsDir, runs, asked);

  const scores = asked.map(({ id, question, relevant }) => ({
    query: id,
    question,
    retrievers: Object.fromEntries(
      names.map(name => {
        const ranked = runs
          .get(name)!
          .get(id)!
          .map(hit => hit.id);
        return [name, measure(ranked, relevant, cutoffs)];
      }),
    ),
  }));
  const byQuestion = Map.groupBy(scores, ({ question }) => question);
  const valuesOf = (name: string, metric: string): ValuesByQuestion =>
    new Map(
      [...byQuestion].map(([question, group]) => [
        question,
        group.map(({ retrievers }) => retrievers[name]![metric]!),
      ]),
    );

  const metrics = metricNames(cutoffs);
  // The resampling takes long on many questions, so there is a breath before each. Every figure draws from the same
  // seed: it does not change with the retrievers beside it.
  const byMetric = async <Value>(
    work: (metric: string, random: Random) => Value,
  ): Promise<ByMetric<Value>> => {
    const values: Record<string, Value> = {};
    for (const metric of metrics) {
      await breathe();
      job.signal.throwIfAborted();
      values[metric] = work(metric, Random.seeded(seed));
    }
    return values;
  };
  const rows = [];
  const differences = [];
  for (const retriever of names) {
    rows.push({
      retriever,
      metrics: await byMetric((metric, random) => interval(valuesOf(retriever, metric), random)),
    });
    if (baseline === undefined || retriever === baseline) continue;
    const difference = (metric: string, random: Random) =>
      pairedDifference(valuesOf(retriever, metric), valuesOf(baseline, metric), random);
    differences.push({ retriever, baseline, metrics: await byMetric(difference) });
  }
  return {
    metrics,
    queries: asked.length,
    questions: byQuestion.size,
    withoutRelevant: queries.length - asked.length,
    rows,
    differences,
    scores,
    runs: files,
  };
}

/**
 * The queries of mined pairs. Relevant to a query under a question are the positives of all its satisfied rows; a query
 * that has none is given too, for `evaluate` to count.
 */
export function queriesFromPairs(rows: Iterable<PairRow>): EvaluationQuery[] {
  const queries = new Map<
    string,
    { id: string; text: string; question: string; relevant: Map<string, number> }
  >();
  for (const row of rows) {
    const question = rowQuestion(row);
    // The id has to stand in a TREC file.
    const id = fingerprint(`${question}\n${normaliseText(row.query)}`);
    const query = queries.get(id) ?? { id, text: row.query, question, relevant: new Map<string, number>() };
    queries.set(id, query);
    if (row.satisfied) for (const document of row.pos_id) query.relevant.set(document, 1);
  }
  return [...queries.values()];
}

/** The queries of a benchmark, each a question of its own. Judgements of queries that are not given are not used. */
export function queriesFromQrels(queries: readonly Query[], qrels: Qrels): EvaluationQuery[] {
  return queries.map(({ id, text }) => ({
    id,
    text,
    question: questionKey({ queryId: id, question: text })!,
    relevant: qrels.get(id) ?? new Map(),
  }));
}

/** Queries between two breaths: of a retriever that is quicker with several at once, as many as that takes. */
const [chunk, largeChunk] = [16, 256];

async function searchAll(
  retriever: Retriever,
  queries: readonly EvaluationQuery[],
  k: number,
  job: Job,
  report: (done: number) => void,
): Promise<Map<string, Hit[]>> {
  const run = new Map<string, Hit[]>();
  const size = retriever.searchAll === undefined ? chunk : largeChunk;
  for (let done = 0; done < queries.length; done += size) {
    report(done);
    await breathe();
    job.signal.throwIfAborted();
    const some = queries.slice(done, done + size);
    const lists = await retriever.searchAll?.(
      some.map(({ text }) => text),
      k,
    );
    for (const [i, { id, text }] of some.entries()) {
      job.signal.throwIfAborted();
      run.set(id, lists?.[i] ?? (await retriever.search(text, k)));
    }
  }
  report(queries.length);
  return run;
}

/** Writes what trec_eval needs to measure the same: `queries.tsv`, `qrels.txt` and a `.run` file for each retriever. */
function writeRuns(
  folder: string,
  runs: ReadonlyMap<string, ReadonlyMap<string, readonly Hit[]>>,
  queries: readonly EvaluationQuery[],
): string[] {
  writeQueries(join(folder, 'queries.tsv'), queries);
  writeQrels(join(folder, 'qrels.txt'), new Map(queries.map(({ id, relevant }) => [id, relevant])));
  const taken = new Set<string>();
  return [...runs].map(([name, run]) => {
    // A model's name may be its path.
    const base = name.replace(/[^\p{L}\p{N}._+-]+/gu, '_');
    let file = base;
    for (let n = 2; taken.has(file); n++) file = `${base}-${n}`;
    taken.add(file);
    const path = join(folder, `${file}.run`);
    writeRun(path, name, run);
    return path;
  });
}

function refuseRepeated(names: readonly string[], what: string): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) {
      throw new LratError(`there are two of the ${what} ${name}.`, {
        remedy: 'Each needs a name of its own.',
      });
    }
    seen.add(name);
  }
}
