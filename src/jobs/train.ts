import { createHash } from 'node:crypto';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { LratError } from '../base/errors.ts';
import { AtomicFile, writeFileAtomic } from '../base/files.ts';
import type { Job } from '../base/progress.ts';
import type { Encoder } from '../encoder/encoder.ts';
import { modelFolder } from '../encoder/hub.ts';
import { addToCard } from '../encoder/model-folder.ts';
import { modelFamily, openEncoder } from '../encoder/open.ts';
import type { DeviceWish } from '../engine/device-wish.ts';
import { describeDifference } from '../evaluation/bootstrap.ts';
import { type Evaluation, evaluate, queriesFromPairs } from '../evaluation/evaluate.ts';
import { basisOf, scoresOf, writeScores } from '../evaluation/scores.ts';
import { holdOut } from '../evaluation/split.ts';
import { formatInterval } from '../evaluation/table.ts';
import type { PairRow } from '../mining/pair.ts';
import { pairRecordPath, readPairs } from '../mining/pair-file.ts';
import { Bm25Index, luceneBm25 } from '../retrieval/bm25.ts';
import { DenseRetriever } from '../retrieval/dense.ts';
import { type Document, named } from '../retrieval/retriever.ts';
import { type Recipe, recipeFor, recipeSchema } from '../training/recipe.ts';
import { RunFolder } from '../training/run-folder.ts';
import { resume, type TrainResult, train } from '../training/trainer.ts';
import { CorpusFile } from '../workspace/corpus.ts';
import { ensureWorkspace } from '../workspace/paths.ts';
import { trainedName } from './compare-runs.ts';
import { heldOutPairs, heldOutPath } from './runs.ts';
import { existingWorkspace } from './workspace.ts';

/** Where a training departs from the recipe of its family of models; named as the options of `lrat train` are. */
export interface RecipeOptions {
  readonly epochs?: number | undefined;
  readonly batch?: number | undefined;
  readonly lr?: number | undefined;
  readonly tau?: number | undefined;
  readonly group?: number | undefined;
  readonly warmup?: number | undefined;
  /** How the learning rate falls after that. */
  readonly schedule?: Recipe['decay'] | undefined;
  readonly weightDecay?: number | undefined;
  /** Greatest norm of the gradients; 0 leaves them as they are. */
  readonly clip?: number | undefined;
  readonly maxLength?: number | undefined;
  /** Of a new static encoder. */
  readonly dimension?: number | undefined;
  /** Batches per step. */
  readonly accumulate?: number | undefined;
  /** Whether rows of one trajectory stand in one batch. */
  readonly together?: boolean | undefined;
  /** Part of the hidden states that a step of a transformer sets to zero. */
  readonly dropout?: number | undefined;
  /** Whether a transformer's matrices are multiplied in half precision, on a GPU that can. */
  readonly fp16?: boolean | undefined;
  /** Lowest layers of a transformer that stay as they are. */
  readonly freeze?: number | undefined;
  /** Rank of additions to the matrices of a transformer, which alone are trained. */
  readonly lora?: number | undefined;
  readonly evalSteps?: number | undefined;
  readonly patience?: number | undefined;
  readonly weights?: boolean | undefined;
  /** What the sum of the weighted losses is divided by. */
  readonly normalise?: Recipe['normalisation'] | undefined;
  readonly seed?: number | undefined;
}

export interface TrainRequest extends RecipeOptions {
  readonly workspace: string;
  readonly pairs: string;
  /** `static` for a new static encoder, or a model: its folder, or its name on the hub (`modelFolder`). */
  readonly base?: string | undefined;
  readonly corpus?: string | undefined;
  readonly out: string;
  readonly weights: boolean;
  readonly device?: DeviceWish | undefined;
  /** Part of the questions that is kept out of the training and measured after each epoch. */
  readonly heldOut?: number | undefined;
}

export interface ResumeRequest {
  readonly workspace: string;
  /** A run, by its folder or by its id in the workspace. */
  readonly run: string;
  readonly device?: DeviceWish | undefined;
}

export interface TrainAnswer extends TrainResult {
  /** Pair file of the questions that were kept out of the training; null if there are none. */
  readonly heldOut: string | null;
}

/** Cut-off of the metric that is shown while training. */
const cutoff = 10;

/**
 * Goes on with a run that was stopped.
 * @throws LratError as `resume`, or if it measures while it trains and the questions for that are gone
 */
export async function resumeTraining(request: ResumeRequest, job: Job): Promise<TrainAnswer> {
  const { run } = request;
  const isFolder = isAbsolute(run) || existsSync(join(run, 'run.json'));
  const folder = new RunFolder(
    isFolder ? resolve(run) : join(existingWorkspace(request.workspace).runs, run),
  );
  const heldOut = heldOutPairs(folder);
  const { evaluateSteps, patience } = folder.readRecord().recipe;
  if (heldOut === null && (evaluateSteps !== null || patience !== null)) {
    const file = heldOutPath(folder) ?? 'a file of them';
    throw new LratError(`needs its held-out questions to go on as it began, and ${file} is not there.`, {
      place: folder.path,
      remedy: 'Put the file back, or start a new training.',
    });
  }
  const result = await resume(folder.path, job, { ...measured(heldOut, job), device: request.device });
  if (heldOut !== null) await compareWithBase(result, heldOut, job);
  return { ...result, heldOut };
}

/** Trains an encoder on a pair file. */
export async function trainModel(request: TrainRequest, job: Job): Promise<TrainAnswer> {
  const { pairs, out } = request;
  const paths = ensureWorkspace(existingWorkspace(request.workspace).workspace);
  const base = await modelFolder(request.base ?? 'static', job);
  const family = base === 'static' ? 'static' : modelFamily(base);
  checkOptions(request, base, family);
  const recipe = recipeOf(request, recipeFor(family, request.lora !== undefined));
  const set =
    request.heldOut === undefined || request.heldOut === 0
      ? { train: pairs, heldOut: null }
      : splitPairs(pairs, join(paths.home, 'pairs'), request.heldOut, recipe.seed);
  const result = await train(
    {
      workspace: request.workspace,
      pairs: set.train,
      base: base === 'static' ? await newStatic(request, job) : base,
      out,
      recipe,
      lineage: lineageOf(pairs),
    },
    job,
    { ...measured(set.heldOut, job), device: request.device },
  );
  if (set.heldOut !== null) await compareWithBase(result, set.heldOut, job);
  return { ...result, heldOut: set.heldOut };
}

/** @throws LratError for options that would do nothing, and for a model that would take the place of its base. */
function checkOptions(
  { dropout, fp16, freeze, lora, evalSteps, patience, heldOut = 0, ...request }: TrainRequest,
  base: string,
  family: string,
): void {
  const ofLayers = { '--freeze': freeze, '--lora': lora, '--dropout': dropout, '--fp16': fp16 };
  const idle = Object.entries(ofLayers).find(([, value]) => Number(value ?? 0) > 0);
  if (family === 'static' && idle !== undefined) {
    throw new LratError('a static encoder has no layers.', {
      place: idle[0],
      remedy: 'Leave it out, or name the folder of a transformer by --base.',
    });
  }
  if (family === 'static' && request.device === 'webgpu') {
    throw new LratError('static encoders are trained on the CPU.', {
      place: '--device',
      remedy: 'Leave it out, or name the folder of a transformer by --base.',
    });
  }
  const { corpus, dimension, out } = request;
  if (base !== 'static' && (corpus !== undefined || dimension !== undefined)) {
    throw new LratError(`is for a new static encoder; ${base} has its vocabulary and its dimension.`, {
      place: corpus === undefined ? '--dimension' : '--corpus',
      remedy: 'Leave it out, or leave --base out.',
    });
  }
  if (base !== 'static' && (liesWithin(out, base) || liesWithin(base, out))) {
    throw new LratError(`overlaps ${base}, which the training starts from and compares its model with.`, {
      place: out,
      remedy: 'Name another folder by --out.',
    });
  }
  if (heldOut === 0 && (evalSteps !== undefined || patience !== undefined)) {
    throw new LratError('there are no held-out questions to measure on.', {
      place: evalSteps === undefined ? '--patience' : '--eval-steps',
      remedy: 'Keep some out of the training: --held-out 0.2.',
    });
  }
}

/** Whether a path is a folder or in it, whatever links lead there. */
function liesWithin(path: string, folder: string): boolean {
  const inside = relative(realPath(resolve(folder)), realPath(resolve(path)));
  return inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside);
}

/** With links followed, also where the last names are not there yet. */
function realPath(path: string): string {
  if (existsSync(path)) return realpathSync.native(path);
  const parent = dirname(path);
  return parent === path ? path : join(realPath(parent), basename(path));
}

function recipeOf(request: TrainRequest, defaults: Recipe): Recipe {
  return recipeSchema.parse({
    ...defaults,
    weighted: request.weights,
    ...(request.epochs !== undefined && { epochs: request.epochs }),
    ...(request.batch !== undefined && { batchSize: request.batch }),
    ...(request.lr !== undefined && { learningRate: request.lr }),
    ...(request.tau !== undefined && { temperature: request.tau }),
    ...(request.group !== undefined && { groupSize: request.group }),
    ...(request.warmup !== undefined && { warmupRatio: request.warmup }),
    ...(request.schedule !== undefined && { decay: request.schedule }),
    ...(request.weightDecay !== undefined && { weightDecay: request.weightDecay }),
    ...(request.clip !== undefined && { maxGradientNorm: request.clip === 0 ? null : request.clip }),
    ...(request.normalise !== undefined && { normalisation: request.normalise }),
    ...(request.maxLength !== undefined && { maxTokens: request.maxLength }),
    ...(request.accumulate !== undefined && { accumulation: request.accumulate }),
    ...(request.together !== undefined && { together: request.together }),
    ...(request.dropout !== undefined && { dropout: request.dropout }),
    ...(request.fp16 !== undefined && { fp16: request.fp16 }),
    ...(request.freeze !== undefined && { frozenLayers: request.freeze }),
    // An alpha of twice the rank is customary; another one is another learning rate.
    ...(request.lora !== undefined && { lora: { rank: request.lora, alpha: 2 * request.lora } }),
    ...(request.evalSteps !== undefined && { evaluateSteps: request.evalSteps }),
    ...(request.patience !== undefined && { patience: request.patience }),
    ...(request.seed !== undefined && { seed: request.seed }),
  });
}

async function newStatic(request: TrainRequest, job: Job) {
  const dimension = request.dimension === undefined ? {} : { dimension: request.dimension };
  if (request.corpus === undefined) return { documents: null, ...dimension };
  const corpus = await CorpusFile.open(request.corpus, job);
  const texts: string[] = [];
  for await (const { text } of corpus.documents(job)) texts.push(text);
  corpus.close();
  return { documents: texts, ...dimension };
}

/** What the record beside a pair file says of where the pairs come from, for the model card. */
function lineageOf(pairs: string): Record<string, string> {
  let record: Record<string, unknown>;
  try {
    record = JSON.parse(readFileSync(pairRecordPath(pairs), 'utf8'));
  } catch {
    // Pairs of other tools have no record.
    return { Judge: 'not recorded' };
  }
  const { judges, tokenizer, halfLife, muRaw } = record;
  return {
    Judge: Array.isArray(judges) && judges.length > 0 ? judges.join(', ') : 'none',
    Tokenizer: String(tokenizer),
    'Half-life': `${halfLife} tokens, mean ${muRaw}`,
  };
}

/** Splits a pair file by question into two files of the workspace, named by what they hold. */
function splitPairs(
  pairs: string,
  folder: string,
  fraction: number,
  seed: number,
): { train: string; heldOut: string } {
  const rows = [...readPairs(pairs)];
  const isHeldOut = holdOut(rows, fraction, seed);
  const hash = createHash('sha256').update(readFileSync(pairs)).update(`${fraction} ${seed}`).digest('hex');
  const name = `${basename(pairs, '.jsonl')}-${hash.slice(0, 12)}`;
  const paths = {
    train: join(folder, `${name}-train.jsonl`),
    heldOut: join(folder, `${name}-held-out.jsonl`),
  };
  const sides = Object.groupBy(rows, row => (isHeldOut(row) ? 'heldOut' : 'train'));
  if (sides.train === undefined || sides.heldOut === undefined) {
    throw new LratError(`holding out ${fraction} of the questions leaves one side without rows.`, {
      place: pairs,
      remedy: 'Choose another fraction, or mine more questions.',
    });
  }
  for (const side of ['train', 'heldOut'] as const) {
    const file = new AtomicFile(paths[side]);
    for (const row of sides[side]!) file.write(`${JSON.stringify(row)}\n`);
    file.commit();
  }
  return paths;
}

/**
 * Leaves in the run's folder what came of it: BM25, the base and the trained model on the held-out questions, among the
 * documents of the held-out pairs, with the paired differences from the base.
 */
async function compareWithBase({ run, model }: TrainResult, heldOut: string, job: Job): Promise<void> {
  if (model === null) return;
  const folder = new RunFolder(run);
  const rows = [...readPairs(heldOut)];
  const documents = documentsOf(rows);
  const { base, recipe } = folder.readRecord();
  // The trained model cuts texts as it did in its training: the base is measured on the same tokens.
  const { maxTokens } = recipe;
  const dense = async (dir: string, name: string) =>
    named(await DenseRetriever.build(await openEncoder(dir, { maxTokens }), documents, job), name);
  const asked = queriesFromPairs(rows);
  const evaluation = await evaluate(
    [
      named(Bm25Index.build(documents, luceneBm25), 'BM25'),
      await dense(resolve(folder.workspace, base), 'base'),
      await dense(model, trainedName),
    ],
    asked,
    { cutoffs: [cutoff], baseline: 'base', seed: 0 },
    job,
  );
  const basis = basisOf(
    asked,
    documents.map(({ id }) => id),
  );
  writeScores(folder.scores, scoresOf(evaluation, basis));
  const { metrics, queries, questions, withoutRelevant, rows: table, differences } = evaluation;
  const result = { version: 1, metrics, queries, questions, withoutRelevant, rows: table, differences };
  writeFileAtomic(folder.result, `${JSON.stringify(result, null, 2)}\n`);
  addToCard(model, heldOutSection(evaluation));
}

function heldOutSection({ metrics, queries, questions, rows, differences }: Evaluation): string {
  const table = [
    ['Retriever', ...metrics],
    ['---', ...metrics.map(() => '---:')],
    ...rows.map(({ retriever, metrics: own }) => [
      retriever,
      ...metrics.map(each => formatInterval(own[each]!)),
    ]),
    ...differences.map(({ retriever, baseline, metrics: own }) => [
      `${retriever} − ${baseline}`,
      ...metrics.map(each => describeDifference(own[each]!)),
    ]),
  ].map(cells => `| ${cells.join(' | ')} |`);
  return [
    '## On held-out questions',
    '',
    `${queries} queries of ${questions} questions, among the documents of their pairs. Means in percent with 95 % intervals; differences are paired by question.`,
    '',
    ...table,
  ].join('\n');
}

/** Measures an encoder after each epoch on held-out pairs, among the documents that those pairs hold. */
function measured(heldOut: string | null, job: Job) {
  if (heldOut === null) return {};
  const rows = [...readPairs(heldOut)];
  const queries = queriesFromPairs(rows);
  const documents = documentsOf(rows);
  return {
    onEvaluate: async (encoder: Encoder) => {
      const quiet = { ...job, report: () => {} };
      const retriever = await DenseRetriever.build(encoder, documents, quiet);
      const { rows: table } = await evaluate([retriever], queries, { cutoffs: [cutoff], seed: 0 }, quiet);
      const metrics = table[0]!.metrics;
      return Object.fromEntries(Object.entries(metrics).map(([metric, { mean }]) => [metric, mean]));
    },
  };
}

function documentsOf(rows: readonly PairRow[]): Document[] {
  const texts = new Map<string, string>();
  for (const { pos, neg, pos_id, neg_id } of rows) {
    for (const [i, id] of pos_id.entries()) texts.set(id, pos[i]!);
    for (const [i, id] of neg_id.entries()) texts.set(id, neg[i]!);
  }
  return [...texts].map(([id, text]) => ({ id, text }));
}
