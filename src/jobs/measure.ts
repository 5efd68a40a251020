import type { Job } from '../base/progress.ts';
import {
  type Evaluation,
  type EvaluationQuery,
  evaluate,
  queriesFromPairs,
  queriesFromQrels,
} from '../evaluation/evaluate.ts';
import { basisOf } from '../evaluation/scores.ts';
import { readQrels, readQueries } from '../evaluation/trec.ts';
import { readPairs } from '../mining/pair-file.ts';
import { type Bm25Parameters, luceneBm25 } from '../retrieval/bm25.ts';
import { corpusFingerprint } from '../retrieval/corpus.ts';
import type { Documents } from '../retrieval/embed.ts';
import { named, type Retriever } from '../retrieval/retriever.ts';
import type { Problem } from '../trajectory/model.ts';
import { CorpusFile } from '../workspace/corpus.ts';
import { type IndexStore, openRetrievers, type Searched } from './saved-index.ts';
import { existingWorkspace } from './workspace.ts';

/** The documents of a corpus file, for as long as some work lasts. */
export async function withCorpus<Result>(
  path: string,
  job: Job,
  work: (documents: Searched, corpus: CorpusFile) => Promise<Result>,
): Promise<Result> {
  const corpus = await CorpusFile.open(path, job);
  try {
    const documents: Documents = {
      size: corpus.size,
      *[Symbol.iterator]() {
        for (const id of corpus.ids()) yield { id, text: corpus.text(id)! };
      },
    };
    const fingerprint = await corpusFingerprint(corpus.documents(job));
    return await work({ documents, fingerprint }, corpus);
  } finally {
    corpus.close();
  }
}

export interface SearchRequest {
  readonly workspace: string;
  readonly model: string;
  readonly corpus: string;
  readonly query: string;
  readonly k: number;
  readonly k1?: number | undefined;
  readonly b?: number | undefined;
  /** A file of `lrat embed`. */
  readonly vectors?: string | undefined;
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
  /** Lines of the corpus that could not be used. */
  readonly problems: readonly Problem[];
  readonly notices: readonly string[];
}

/** BM25's parameters as asked for; Lucene's where nothing is asked. */
function parametersOf({
  k1 = luceneBm25.k1,
  b = luceneBm25.b,
}: Pick<SearchRequest, 'k1' | 'b'>): Bm25Parameters {
  return { k1, b };
}

/** Searches a corpus with a model or with BM25. */
export async function searchCorpus(request: SearchRequest, job: Job): Promise<SearchResult> {
  const notices: string[] = [];
  const { workspace, model, vectors } = request;
  const store = indexStore(workspace, vectors === undefined ? [] : [vectors], notices);
  return withCorpus(request.corpus, job, async (documents, corpus) => {
    const [opened] = await openRetrievers([model], documents, store, parametersOf(request), job);
    const retriever = opened!;
    const hits = await retriever.search(request.query, request.k);
    return {
      query: request.query,
      retriever: retriever.name,
      hits: hits.map(({ id, score }, i) => ({ rank: i + 1, id, score, text: corpus.text(id) ?? '' })),
      problems: corpus.problems,
      notices,
    };
  });
}

export interface EvaluateRequest {
  readonly workspace: string;
  /** `bm25` and folders of models; the first is the baseline. */
  readonly models: readonly string[];
  readonly corpus: string;
  /** What is asked, and what is relevant to it: mined pairs, or queries and judgements of a benchmark. */
  readonly judged: { readonly pairs: string } | { readonly queries: string; readonly qrels: string };
  readonly cutoffs?: readonly number[] | undefined;
  readonly k1?: number | undefined;
  readonly b?: number | undefined;
  /** Files of `lrat embed`, each of one of the models. */
  readonly vectors?: readonly string[] | undefined;
  readonly runs?: string | undefined;
  readonly seed?: number | undefined;
}

export interface EvaluateResult extends Evaluation {
  /** As `basisOf` gives it. */
  readonly basis: string;
  /** Lines of the corpus that could not be used. */
  readonly problems: readonly Problem[];
  readonly notices: readonly string[];
}

/** Measures retrievers on the same queries of one corpus. */
export async function evaluateModels(request: EvaluateRequest, job: Job): Promise<EvaluateResult> {
  const queries = queriesOf(request.judged);
  const notices: string[] = [];
  const store = indexStore(request.workspace, request.vectors ?? [], notices);
  return withCorpus(request.corpus, job, async (documents, corpus) => {
    const opened = await openRetrievers(request.models, documents, store, parametersOf(request), job);
    const retrievers: Retriever[] = [];
    for (const [i, retriever] of opened.entries()) {
      // Two models may be called alike; their folders tell them apart.
      const taken = retrievers.some(({ name }) => name === retriever.name);
      retrievers.push(taken ? named(retriever, request.models[i]!) : retriever);
    }
    const evaluation = await evaluate(
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
    return {
      ...evaluation,
      basis: basisOf(queries, corpus.ids()),
      problems: corpus.problems,
      notices: [...notices, ...missingDocuments(queries, corpus)],
    };
  });
}

function indexStore(workspace: string, vectors: readonly string[], notices: string[]): IndexStore {
  return { workspace: existingWorkspace(workspace), vectors, notify: notice => notices.push(notice) };
}

/** Tells of relevant documents that no retriever can find, because the corpus lacks them. */
function missingDocuments(queries: readonly EvaluationQuery[], corpus: CorpusFile): string[] {
  const there = new Set(corpus.ids());
  const relevant = queries.flatMap(query => [...query.relevant].filter(([, gain]) => gain > 0));
  const missing = [...new Set(relevant.map(([id]) => id))].filter(id => !there.has(id));
  if (missing.length === 0) return [];
  const which = `${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ', …' : ''}`;
  const what = missing.length === 1 ? 'document is' : 'documents are';
  return [
    `${missing.length} relevant ${what} not in ${corpus.path} (${which}), so no retriever can find them. Add them, or name the corpus that the judgements are for.`,
  ];
}

function queriesOf(judged: EvaluateRequest['judged']) {
  return 'pairs' in judged
    ? queriesFromPairs(readPairs(judged.pairs))
    : queriesFromQrels(readQueries(judged.queries), readQrels(judged.qrels));
}
