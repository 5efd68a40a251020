import type { Job } from '../base/progress.ts';
import { openEncoder } from '../encoder/open.ts';
import { type Evaluation, evaluate, queriesFromPairs, queriesFromQrels } from '../evaluation/evaluate.ts';
import { readQrels, readQueries } from '../evaluation/trec.ts';
import { readPairs } from '../mining/pair-file.ts';
import { Bm25Index, type Bm25Parameters, luceneBm25 } from '../retrieval/bm25.ts';
import { DenseRetriever } from '../retrieval/dense.ts';
import type { Document, Retriever } from '../retrieval/retriever.ts';
import { CorpusFile } from '../workspace/corpus.ts';

/** The documents of a corpus file, for as long as some work lasts. */
async function withCorpus<Result>(
  path: string,
  job: Job,
  work: (documents: Iterable<Document>, corpus: CorpusFile) => Promise<Result>,
): Promise<Result> {
  const corpus = await CorpusFile.open(path, job);
  try {
    const documents = {
      *[Symbol.iterator]() {
        for (const id of corpus.ids()) yield { id, text: corpus.text(id)! };
      },
    };
    return await work(documents, corpus);
  } finally {
    corpus.close();
  }
}

/** `bm25`, or the folder of a model. */
async function openRetriever(
  model: string,
  documents: Iterable<Document>,
  bm25: Bm25Parameters,
  job: Job,
): Promise<Retriever> {
  if (model === 'bm25') return Bm25Index.build(documents, bm25);
  return DenseRetriever.build(await openEncoder(model), documents, job);
}

export interface SearchRequest {
  readonly model: string;
  readonly corpus: string;
  readonly query: string;
  readonly k: number;
  readonly k1?: number | undefined;
  readonly b?: number | undefined;
}

export interface SearchResult {
  readonly query: string;
  readonly retriever: string;
  readonly hits: readonly {
    readonly rank: number;
    readonly id: string;
    readonly score: number;
    readonly text: string;
  }[];
}

/** Searches a corpus with a model or with BM25. */
export function searchCorpus(request: SearchRequest, job: Job): Promise<SearchResult> {
  const bm25 = { k1: request.k1 ?? luceneBm25.k1, b: request.b ?? luceneBm25.b };
  return withCorpus(request.corpus, job, async (documents, corpus) => {
    const retriever = await openRetriever(request.model, documents, bm25, job);
    const hits = await retriever.search(request.query, request.k);
    return {
      query: request.query,
      retriever: retriever.name,
      hits: hits.map(({ id, score }, i) => ({ rank: i + 1, id, score, text: corpus.text(id) ?? '' })),
    };
  });
}

export interface EvaluateRequest {
  /** `bm25` and folders of models; the first is the baseline. */
  readonly models: readonly string[];
  readonly corpus: string;
  /** What is asked, and what is relevant to it: mined pairs, or queries and judgements of a benchmark. */
  readonly judged: { readonly pairs: string } | { readonly queries: string; readonly qrels: string };
  readonly cutoffs?: readonly number[] | undefined;
  readonly runs?: string | undefined;
  readonly seed?: number | undefined;
}

/** Measures retrievers on the same queries of one corpus. */
export function evaluateModels(request: EvaluateRequest, job: Job): Promise<Evaluation> {
  const queries = queriesOf(request.judged);
  return withCorpus(request.corpus, job, async documents => {
    const retrievers: Retriever[] = [];
    for (const model of request.models) {
      const retriever = await openRetriever(model, documents, luceneBm25, job);
      // Two models may be called alike; their folders tell them apart.
      const taken = retrievers.some(({ name }) => name === retriever.name);
      retrievers.push(taken ? { name: model, search: (query, k) => retriever.search(query, k) } : retriever);
    }
    return evaluate(
      retrievers,
      queries,
      {
        cutoffs: request.cutoffs ?? [1, 10, 100],
        baseline: retrievers[0]!.name,
        seed: request.seed ?? 0,
        runsDir: request.runs,
      },
      job,
    );
  });
}

function queriesOf(judged: EvaluateRequest['judged']) {
  return 'pairs' in judged
    ? queriesFromPairs(readPairs(judged.pairs))
    : queriesFromQrels(readQueries(judged.queries), readQrels(judged.qrels));
}
