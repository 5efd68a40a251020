import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LratError } from '../../../src/base/errors.ts';
import { type Progress, unwatched } from '../../../src/base/progress.ts';
import {
  type EvaluationQuery,
  evaluate,
  queriesFromPairs,
  queriesFromQrels,
} from '../../../src/evaluation/evaluate.ts';
import { measure } from '../../../src/evaluation/metrics.ts';
import { readQrels, readQueries, readRun } from '../../../src/evaluation/trec.ts';
import type { PairRow } from '../../../src/mining/pair.ts';
import type { Document, Retriever } from '../../../src/retrieval/retriever.ts';

const folder = mkdtempSync(join(tmpdir(), 'lrat-evaluate-'));
afterAll(() => rmSync(folder, { recursive: true }));

const corpus: Document[] = [
  { id: 'rome', text: 'rome is the capital of italy' },
  { id: 'paris', text: 'paris is the capital of france' },
  { id: 'seine', text: 'the seine flows through paris' },
  { id: 'tiber', text: 'the tiber flows through rome' },
  { id: 'alps', text: 'mountains between france and italy' },
];

/** Ranks by the number of words that query and document share, in the order of the corpus where they tie. */
function overlap(name: string, documents: readonly Document[]): Retriever {
  return {
    name,
    search: async (query, k) => {
      const words = new Set(query.toLowerCase().split(' '));
      return documents
        .map(({ id, text }) => ({
          id,
          score: [...new Set(text.split(' '))].filter(word => words.has(word)).length,
        }))
        .filter(({ score }) => score > 0)
        .sort((a, b) => b.score - a.score)
        .slice(0, k);
    },
  };
}

const whole = overlap('whole', corpus);
const part = overlap('models/part v1', corpus.slice(2));

const query = (
  id: string,
  text: string,
  question: string,
  relevant: Record<string, number>,
): EvaluationQuery => ({
  id,
  text,
  question,
  relevant: new Map(Object.entries(relevant)),
});
const queries = [
  query('1', 'capital of italy', 'A', { rome: 1 }),
  query('2', 'river through rome', 'A', { tiber: 2, rome: 1 }),
  query('3', 'mountains between france', 'B', { alps: 1 }),
  query('4', 'nothing known', 'C', { rome: 0 }),
];

describe('evaluate', () => {
  it('gives means over questions, differences to the baseline, and the scores behind them', async () => {
    const found = await evaluate(
      [part, whole],
      queries,
      { cutoffs: [1, 3], baseline: 'whole', seed: 1 },
      unwatched,
    );
    expect(found).toMatchObject({ queries: 3, questions: 2, withoutRelevant: 1, runs: [] });
    expect(found.metrics).toEqual(['recall@1', 'MRR@1', 'nDCG@1', 'recall@3', 'MRR@3', 'nDCG@3']);

    // Lists of `whole`: 1 rome, paris, alps; 2 tiber, rome, seine; 3 alps, paris. So recall@1: (1 + 1/2)/2 and 1.
    const [ofPart, ofWhole] = found.rows;
    expect(ofWhole!.retriever).toBe('whole');
    expect(ofWhole!.metrics['recall@1']!.mean).toBeCloseTo((0.75 + 1) / 2, 12);
    expect(ofWhole!.metrics['recall@3']!.mean).toBe(1);
    // `part` has no rome: 1 alps; 2 tiber, seine; 3 alps.
    expect(ofPart!.metrics['recall@3']!.mean).toBeCloseTo((0.25 + 1) / 2, 12);
    expect(ofPart!.metrics['MRR@3']!.mean).toBeCloseTo((0.5 + 1) / 2, 12);

    expect(found.differences.map(({ retriever, baseline }) => [retriever, baseline])).toEqual([
      ['models/part v1', 'whole'],
    ]);
    const difference = found.differences[0]!.metrics['recall@3']!;
    expect(difference.mean).toBeCloseTo((0.25 + 1) / 2 - 1, 12);
    expect([difference.low, difference.high]).toEqual([-0.75, 0]);

    expect(found.scores.map(({ query, question }) => [query, question])).toEqual([
      ['1', 'A'],
      ['2', 'A'],
      ['3', 'B'],
    ]);
    expect(found.scores[1]!.retrievers.whole!['recall@1']).toBe(0.5);
  });

  it('cuts off at 10 and compares nothing unless asked to', async () => {
    const found = await evaluate([whole], queries, { seed: 1 }, unwatched);
    expect(found.metrics).toEqual(['recall@10', 'MRR@10', 'nDCG@10']);
    expect(found.differences).toEqual([]);
  });

  it('gives a retriever the same figures whichever others stand beside it', async () => {
    const alone = await evaluate([part], queries, { seed: 3 }, unwatched);
    const beside = await evaluate([whole, part], queries, { seed: 3, baseline: 'whole' }, unwatched);
    expect(beside.rows[1]).toEqual(alone.rows[0]);
  });

  it('asks several queries at once where the retriever can, for the same figures', async () => {
    const many = Array.from({ length: 600 }, (_, i) => ({
      ...queries[i % 3]!,
      id: `${i}`,
      question: `${i % 7}`,
    }));
    const sizes: number[] = [];
    const batched: Retriever = {
      name: 'whole',
      search: () => Promise.reject(new Error('one by one')),
      searchAll: (texts, k) => {
        sizes.push(texts.length);
        return Promise.all(texts.map(text => whole.search(text, k)));
      },
    };
    const options = { cutoffs: [1, 3], seed: 1 };
    const found = await evaluate([batched], many, options, unwatched);
    expect(found).toEqual(await evaluate([whole], many, options, unwatched));
    expect(sizes).toEqual([256, 256, 88]);
  });

  it('writes runs, queries and judgements that lead to the same scores', async () => {
    const other = overlap('models/part_v1', corpus.slice(1));
    const runsDir = join(folder, 'runs');
    const found = await evaluate(
      [whole, part, other],
      queries,
      { cutoffs: [2], seed: 1, runsDir },
      unwatched,
    );
    expect(found.runs).toEqual(
      ['whole.run', 'models_part_v1.run', 'models_part_v1-2.run'].map(name => join(runsDir, name)),
    );
    const qrels = readQrels(join(runsDir, 'qrels.txt'));
    expect(readQueries(join(runsDir, 'queries.tsv')).map(({ id }) => id)).toEqual(['1', '2', '3']);
    for (const [i, { retriever }] of found.rows.entries()) {
      const run = readRun(found.runs[i]!);
      for (const { query, retrievers } of found.scores) {
        const ranked = run.get(query)!.map(hit => hit.id);
        expect(measure(ranked, qrels.get(query)!, [2])).toEqual(retrievers[retriever]);
      }
    }
    expect(readFileSync(found.runs[0]!, 'utf8').split('\n')[0]).toBe('1 Q0 rome 1 3 whole');
  });

  it('reports how far it is, and stops when told to', async () => {
    const reports: Progress[] = [];
    await evaluate(
      [whole, part],
      queries,
      { seed: 1 },
      { ...unwatched, report: progress => reports.push(progress) },
    );
    expect(reports.at(-1)).toMatchObject({ done: 6, total: 6, unit: 'queries' });

    const controller = new AbortController();
    let asked = 0;
    const counting: Retriever = {
      name: 'counting',
      search: (text, k) => {
        if (++asked === 2) controller.abort();
        return whole.search(text, k);
      },
    };
    const job = { ...unwatched, signal: controller.signal };
    await expect(evaluate([counting], queries, { seed: 1 }, job)).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(asked).toBe(2);
  });

  it('refuses what cannot be told apart or compared, and what has no answer', async () => {
    const refused = (retrievers: Retriever[], asked: EvaluationQuery[], baseline?: string) =>
      expect(evaluate(retrievers, asked, { baseline, seed: 1 }, unwatched)).rejects.toThrow(LratError);
    await refused([whole, whole], queries);
    await refused([whole], [...queries, queries[0]!]);
    await refused([whole], queries, 'bm25');
    await refused([whole], [queries[3]!]);
  });
});

const row = (values: Partial<PairRow>): PairRow => ({
  query: 'capital of italy',
  pos: ['text'],
  neg: [],
  pos_id: ['rome'],
  neg_id: [],
  reasoning_len: null,
  satisfied: true,
  reweight_rate: 1,
  mode: 'attributed',
  log: 'run.json',
  trajectory: 't',
  query_id: '1',
  search_step: 0,
  browse_step: 1,
  question: 'Which river?',
  pre_search_reasoning: null,
  previous_queries: [],
  ...values,
});

describe('queriesFromPairs', () => {
  it('joins the positives of a query under a question, from satisfied rows only', () => {
    const found = queriesFromPairs([
      row({}),
      row({ query: 'Capital of  Italy', pos_id: ['tiber'], query_id: '2', question: 'which river? ' }),
      row({ pos_id: ['alps'], satisfied: false }),
      row({ pos_id: ['paris'], question: 'Which mountain?' }),
      row({ query: 'river', pos_id: ['seine'], satisfied: false }),
    ]);
    expect(found.map(({ text, relevant }) => [text, [...relevant]])).toEqual([
      [
        'capital of italy',
        [
          ['rome', 1],
          ['tiber', 1],
        ],
      ],
      ['capital of italy', [['paris', 1]]],
      ['river', []],
    ]);
    expect(new Set(found.map(({ id }) => id)).size).toBe(3);
    expect(found[2]!.question).toBe(found[0]!.question);
    expect(found[1]!.question).not.toBe(found[0]!.question);
  });
});

describe('queriesFromQrels', () => {
  it('gives each query its judgements, none to one that has none', () => {
    const qrels = new Map([
      ['1', new Map([['rome', 2]])],
      ['9', new Map([['alps', 1]])],
    ]);
    const found = queriesFromQrels(
      [
        { id: '1', text: 'Who?' },
        { id: '2', text: 'When?' },
      ],
      qrels,
    );
    expect(found.map(({ id, text, relevant }) => [id, text, [...relevant]])).toEqual([
      ['1', 'Who?', [['rome', 2]]],
      ['2', 'When?', []],
    ]);
    expect(found[0]!.question).not.toBe(found[1]!.question);
  });
});
