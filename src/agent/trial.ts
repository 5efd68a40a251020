import { type Job, unwatched } from '../base/progress.ts';
import { Random } from '../base/random.ts';
import { openEncoder } from '../encoder/open.ts';
import { buildStatic, staticEncoder } from '../encoder/static.ts';
import { Bm25Index } from '../retrieval/bm25.ts';
import { DenseRetriever } from '../retrieval/dense.ts';
import type { Document, Retriever } from '../retrieval/retriever.ts';
import type { Recipe } from '../training/recipe.ts';
import { train } from '../training/trainer.ts';
import { listLength, runAgent } from './episode.ts';
import type { Measure, VariantName } from './result.ts';
import { firstQuery } from './simulated.ts';
import { corpusOf, generateWorld, type World, type WorldSettings } from './world.ts';

/** One retriever, made with one seed and measured on the held-out questions: a message to a worker thread. */
export interface Trial {
  readonly name: string;
  readonly variant: VariantName;
  /** Seed of embeddings, batches, and the agent's noise. */
  readonly seed: number;
  /** The world is generated again from this: cheaper than to send it. */
  readonly world: WorldSettings;
  /** Pair file to train on; null for BM25 and for the untrained encoder. */
  readonly pairs: string | null;
  /** Its `.lrat/runs` keeps the training. */
  readonly workspace: string;
  /** Folder for the trained model. */
  readonly model: string;
  /** Folder of the model to start from; null for a new static encoder. */
  readonly base: string | null;
  readonly recipe: Omit<Recipe, 'seed' | 'weighted'>;
  /** Of a new static encoder. */
  readonly dimension: number;
}

/** What was measured, question by question in the order of the world's held-out questions. */
export type TrialScores = Readonly<Record<Measure, readonly number[]>>;

/** Makes the trial's retriever, training it if need be, and measures it. */
export async function runTrial(trial: Trial, job: Job): Promise<TrialScores> {
  const silent = { ...unwatched, signal: job.signal };
  const world = generateWorld(trial.world, Random.seeded(trial.world.seed));
  const retriever = await makeRetriever(trial, corpusOf(world), job);
  const episodes = await runAgent(world, retriever, world.heldOut, { seed: trial.seed }, silent);
  return {
    recall: await firstHopRecall(world, retriever),
    success: episodes.map(({ correct }) => Number(correct)),
    evidence: episodes.map(({ evidenceRecall }) => evidenceRecall),
    steps: episodes.map(({ steps }) => steps),
  };
}

async function makeRetriever(trial: Trial, corpus: readonly Document[], job: Job): Promise<Retriever> {
  if (trial.variant === 'bm25') return Bm25Index.build(corpus);
  const { seed, dimension, pairs, base } = trial;
  const recipe: Recipe = { ...trial.recipe, weighted: weighted.has(trial.variant), seed };
  const documents = corpus.map(({ text }) => text);
  if (pairs === null && base !== null)
    return DenseRetriever.build(await openEncoder(base), corpus, unwatched);
  if (pairs === null) {
    const untrained = buildStatic(documents, [], { seed, dimension, maxTokens: recipe.maxTokens });
    return DenseRetriever.build(staticEncoder(trial.name, untrained), corpus, unwatched);
  }
  const trained = await train(
    {
      workspace: trial.workspace,
      pairs,
      base: base ?? { documents, dimension },
      out: trial.model,
      recipe,
      lineage: { Simulation: 'trained on the logs of a simulated agent' },
    },
    job,
    // One static trial per processor: more threads would only wait for each other.
    base === null ? { threads: 1 } : {},
  );
  job.signal.throwIfAborted();
  return DenseRetriever.build(await openEncoder(trained.model!), corpus, unwatched);
}

/** The variants that heed the weights of the pairs. */
const weighted: ReadonlySet<VariantName> = new Set(['reweight', 'shuffled']);

/**
 * recall@10 of the pages that state a question's first fact, for the agent's first query. Later queries depend on what
 * the agent has found, so only the first is the same for every retriever.
 */
async function firstHopRecall(world: World, retriever: Retriever): Promise<number[]> {
  const recalls: number[] = [];
  for (const question of world.heldOut) {
    const wanted = world.truth.get(question.id)!.evidence[0]!;
    const found = new Set((await retriever.search(firstQuery(question), listLength)).map(({ id }) => id));
    recalls.push(wanted.filter(id => found.has(id)).length / wanted.length);
  }
  return recalls;
}
