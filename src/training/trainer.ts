import { availableParallelism } from 'node:os';
import { basename, isAbsolute, join, relative, resolve } from 'node:path';
import { describeError, LratError } from '../base/errors.ts';
import type { Job } from '../base/progress.ts';
import { Random } from '../base/random.ts';
import type { Encoder } from '../encoder/encoder.ts';
import { checkReplaceable, hashModel } from '../encoder/model-folder.ts';
import { modelFamily, openForTraining } from '../encoder/open.ts';
import { buildStatic, saveStatic } from '../encoder/static.ts';
import type { TrainableEncoder } from '../encoder/trainable.ts';
import type { DeviceWish } from '../engine/device-wish.ts';
import {
  chooseDevice,
  chooseProducts,
  type DeviceChoice,
  largestOf,
  workingWebGpu,
} from '../engine/devices.ts';
import type { Products } from '../engine/graph.ts';
import { learningRateShare } from '../engine/optimizer.ts';
import type { Device } from '../engine/runtime.ts';
import { drawEpoch, type StepDraws, stepsPerEpoch } from './batches.ts';
import {
  type Best,
  type Position,
  restoreBest,
  restoreCheckpoint,
  saveBest,
  saveCheckpoint,
} from './checkpoint.ts';
import { initialMoments } from './learner.ts';
import { type Recipe, recipeSchema } from './recipe.ts';
import { readTrainingSet, type TrainingSet } from './rows.ts';
import { newRunId, RunFolder, type RunPosition, type RunRecord } from './run-folder.ts';
import { Stepper, type StepperOptions, tokensOnDevice } from './step.ts';

/** A static encoder made for the training: its vocabulary comes from these texts and the queries of the pairs. */
export interface NewStaticBase {
  /** Texts of the corpus; null takes the documents of the pairs. */
  readonly documents: Iterable<string> | null;
  readonly dimension?: number;
}

export interface TrainOptions {
  /** The run is kept in its `.lrat/runs`. */
  readonly workspace: string;
  /** Pair file. */
  readonly pairs: string;
  /** Folder of the model to start from, or how to make one. */
  readonly base: string | NewStaticBase;
  /** Folder of the model that comes of it; a model that is there is replaced at the end. */
  readonly out: string;
  readonly recipe: Recipe;
  /** What the model card shall say of where the pairs come from: `Judge`, `Half-life`, … */
  readonly lineage?: Readonly<Record<string, string>>;
}

export interface RunOptions {
  /**
   * Measures the model before the first step and after each epoch; what it returns stands in the metrics and, the last,
   * in the model card.
   */
  readonly onEvaluate?: (encoder: Encoder, step: number) => Promise<Readonly<Record<string, number>>>;
  /** Where to compute; the better one unless told. Static encoders are always trained on the CPU. */
  readonly device?: DeviceWish | undefined;
  /** Threads of the computation; all processors unless told. */
  readonly threads?: number;
  /** Greatest time between checkpoints, 30 seconds unless told; 0 writes one after each step. */
  readonly checkpointSeconds?: number;
}

export interface TrainResult {
  readonly state: 'finished' | 'stopped';
  /** Folder of the run. */
  readonly run: string;
  /** Folder of the trained model; null if it was stopped. */
  readonly model: string | null;
  readonly rows: number;
  /** Rows and negatives left out, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
  readonly steps: number;
  /** After how many steps the state was that is kept, if it is not the last; 0 is the base. */
  readonly kept: number | null;
  /** Mean over the steps of the last epoch; null if none was taken. */
  readonly loss: number | null;
  readonly rowsPerSecond: number;
  readonly tokensPerSecond: number;
  /** On which device, in which numbers, and why: sentences for people. */
  readonly computing: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
}

/**
 * Trains an encoder on mined pairs. When `job` is told to stop, the run is kept with a checkpoint, and `resume` ends it
 * with the same losses and parameters that it would have had without the stop: on the CPU to the bit.
 *
 * @throws LratError if pairs or base cannot be used, the loss is not finite, or something cannot be written.
 */
export async function train(options: TrainOptions, job: Job, run: RunOptions = {}): Promise<TrainResult> {
  const recipe = recipeSchema.parse(options.recipe);
  checkReplaceable(options.out);
  const { base } = options;
  const baseHash = typeof base === 'string' ? await hashOfModel(base) : null;
  const set = await readTrainingSet(options.pairs);
  const id = newRunId();
  const folder = new RunFolder(join(options.workspace, '.lrat', 'runs', id));
  const inWorkspace = (path: string) => {
    const inside = relative(resolve(options.workspace), resolve(path));
    return inside.startsWith('..') || isAbsolute(inside) ? resolve(path) : inside;
  };
  const record: RunRecord = {
    version: 1,
    kind: 'training',
    id,
    created: new Date().toISOString(),
    pairs: inWorkspace(options.pairs),
    pairsHash: set.hash,
    base: inWorkspace(typeof base === 'string' ? base : folder.base),
    baseHash,
    out: inWorkspace(options.out),
    recipe,
    ...(run.device !== undefined && { device: run.device }),
    lineage: { ...options.lineage },
    versions: { node: process.versions.node },
  };
  const makeBase = typeof base === 'string' ? undefined : () => saveNewStatic(folder.base, base, set, recipe);
  folder.writeRecord(record);
  return go(folder, options.workspace, record, set, job, run, makeBase);
}

/**
 * Goes on with a run that was stopped, failed or crashed; where it was to compute, unless told otherwise.
 * @param runDir `.lrat/runs/<id>` of its workspace.
 * @throws LratError if it runs elsewhere, is finished, or its pairs or its base are no longer what they were.
 */
export async function resume(runDir: string, job: Job, run: RunOptions = {}): Promise<TrainResult> {
  const folder = new RunFolder(resolve(runDir));
  const record = folder.readRecord();
  const status = folder.readStatus();
  if (status?.state === 'running') {
    throw new LratError(`is running in process ${status.pid}.`, {
      place: runDir,
      remedy: 'Stop that process first.',
    });
  }
  if (status?.state === 'finished') {
    throw new LratError('is finished.', { place: runDir, remedy: 'Start a new training instead.' });
  }
  const { workspace } = folder;
  const pairs = resolve(workspace, record.pairs);
  const set = await readTrainingSet(pairs);
  if (set.hash !== record.pairsHash) {
    throw new LratError('has changed since the run began, so it cannot go on as it would have.', {
      place: pairs,
      remedy: 'Put the old file back, or start a new training.',
    });
  }
  const base = resolve(workspace, record.base);
  if (record.baseHash !== null && (await hashOfModel(base)) !== record.baseHash) {
    throw new LratError('has changed since the run began, so it cannot go on as it would have.', {
      place: base,
      remedy: 'Put the old model back, or start a new training.',
    });
  }
  return go(folder, workspace, record, set, job, { ...run, device: run.device ?? record.device });
}

/** @throws LratError if the folder holds no model that is known here. */
async function hashOfModel(dir: string): Promise<string> {
  modelFamily(dir);
  return hashModel(dir);
}

function saveNewStatic(dir: string, base: NewStaticBase, set: TrainingSet, recipe: Recipe): void {
  const model = buildStatic(
    base.documents ?? set.documents.map(({ text }) => text),
    set.rows.map(({ query }) => query),
    {
      seed: recipe.seed,
      maxTokens: recipe.maxTokens,
      ...(base.dimension !== undefined && { dimension: base.dimension }),
    },
  );
  saveStatic(dir, model, {
    lineage: { Vocabulary: base.documents === null ? 'the pairs' : 'the corpus and the queries' },
  });
}

async function go(
  folder: RunFolder,
  workspace: string,
  record: RunRecord,
  set: TrainingSet,
  job: Job,
  options: RunOptions,
  makeBase?: () => void,
): Promise<TrainResult> {
  const { recipe } = record;
  const steps = recipe.epochs * stepsPerEpoch(set.rows.length, recipe);
  const { step = 0, loss = null, figures = {} } = folder.readStatus() ?? {};
  let position: RunPosition = { step, steps, loss, figures };
  folder.writeStatus('running', position);
  try {
    makeBase?.();
    const model = await openForTraining(resolve(workspace, record.base), recipe);
    const choice: DeviceChoice =
      model.family === 'static'
        ? { device: 'cpu', reason: 'Static encoders are trained on the CPU.' }
        : await chooseDevice(options.device ?? 'auto', largestOf(model.parameters));
    const half = recipe.fp16 ? await chooseProducts(choice.device) : null;
    const computing = [
      `computing on ${choice.device}: ${choice.reason}`,
      ...(half === null ? [] : [`products in ${half.products}: ${half.reason}`]),
    ];
    for (const words of computing) {
      folder.log(words);
      job.report({ task: words, done: step, total: steps, unit: 'steps' });
    }
    const training = new Training(
      folder,
      record,
      set,
      model,
      job,
      {
        ...options,
        device: choice.device,
        products: half?.products ?? 'float32',
        ...(choice.device !== 'cpu' && {
          tokensPerPass: tokensOnDevice(model, (await workingWebGpu('training')).tensorBytes),
        }),
      },
      steps,
    );
    try {
      const summary = await training.run();
      const stopped = summary.state === 'stopped';
      const out = resolve(workspace, record.out);
      if (!stopped) {
        model.save(out, {
          lineage: lineage(record, set),
          recipe,
          figures: {
            Loss: summary.loss ?? Number.NaN,
            Steps: summary.steps,
            ...(summary.kept !== null && { 'Kept after step': summary.kept }),
            ...summary.figures,
          },
        });
        folder.removeCheckpoints();
      }
      folder.log(`${summary.state} after step ${summary.steps} of ${steps}`);
      folder.writeStatus(summary.state, training.position);
      return {
        ...summary,
        run: folder.path,
        model: stopped ? null : out,
        rows: set.rows.length,
        dropped: set.dropped,
        computing,
      };
    } finally {
      position = training.position;
      await training.dispose();
    }
  } catch (error) {
    folder.log(`failed: ${describeError(error)}`);
    folder.writeStatus('failed', position, describeError(error));
    throw error;
  }
}

function lineage(record: RunRecord, set: TrainingSet): Record<string, string> {
  const { logs, modes, questions } = set.provenance;
  // A path of this machine is nobody's business who gets the model.
  const named = (path: string) => (isAbsolute(path) ? basename(path) : path);
  return {
    Logs: String(logs),
    'Mining mode': modes.join(', ') || 'not recorded',
    ...record.lineage,
    Pairs: `${set.rows.length} rows of ${questions} questions in ${named(record.pairs)} (SHA-256 ${record.pairsHash.slice(0, 16)})`,
    Base: named(record.base),
    Run: record.id,
  };
}

/** What is settled of where and how to compute. */
type ComputeOptions = RunOptions &
  Pick<StepperOptions, 'tokensPerPass'> & { readonly device: Device; readonly products: Products };

type Summary = Omit<TrainResult, 'run' | 'model' | 'rows' | 'dropped' | 'computing'>;

/** Milliseconds between two looks that others get at a run. */
const tellEvery = 1000;

/** One process's share of a run. */
class Training {
  step = 0;
  #loss: number | null = null;
  #figures: Readonly<Record<string, number>> = {};
  readonly #folder: RunFolder;
  readonly #recipe: Recipe;
  readonly #name: string;
  readonly #set: TrainingSet;
  readonly #model: TrainableEncoder;
  readonly #job: Job;
  readonly #options: ComputeOptions;
  readonly #steps: number;
  readonly #moments;
  readonly #stepper: Stepper;

  constructor(
    folder: RunFolder,
    record: RunRecord,
    set: TrainingSet,
    model: TrainableEncoder,
    job: Job,
    options: ComputeOptions,
    steps: number,
  ) {
    this.#folder = folder;
    this.#recipe = record.recipe;
    this.#name = record.id;
    this.#set = set;
    this.#model = model;
    this.#job = job;
    this.#options = options;
    this.#steps = steps;
    this.#moments = initialMoments(model);
    const threads = options.threads ?? availableParallelism();
    const onRetry = (message: string) => {
      folder.log(message);
      job.report({ task: message, done: this.step, total: steps, unit: 'steps' });
    };
    this.#stepper = new Stepper(model, this.#moments, set, record.recipe, {
      device: options.device,
      products: options.products,
      ...(options.tokensPerPass !== undefined && { tokensPerPass: options.tokensPerPass }),
      threads,
      onRetry,
    });
  }

  get position(): RunPosition {
    return { step: this.step, steps: this.#steps, loss: this.#loss, figures: this.#figures };
  }

  dispose(): Promise<void> {
    return this.#stepper.dispose();
  }

  async run(): Promise<Summary> {
    const { epochs, seed } = this.#recipe;
    const restored = restoreCheckpoint(this.#folder, this.#model, this.#moments);
    let position: Position = restored ?? {
      step: 0,
      stepOfEpoch: 0,
      epoch: 0,
      measured: null,
      random: Random.seeded(seed).state(),
    };
    this.step = position.step;
    this.#stepper.adopt(position);
    this.#folder.rewindMetrics(restored?.step ?? -1);
    this.#figures = this.#folder.readMetrics().findLast(metric => 'figures' in metric)?.figures ?? {};
    this.#folder.log(
      `${position.step === 0 ? 'started' : `resumed after step ${position.step}`} of ${this.#steps}`,
    );

    const totals = { rows: 0, tokens: 0, seconds: 0 };
    let saved = performance.now();
    let told = saved;
    const tell = () => {
      this.#folder.flush();
      this.#folder.writeStatus('running', this.position);
      told = performance.now();
    };
    const save = async () => {
      await this.#read();
      // The metrics first: those after a checkpoint's step can be forgotten, those before it must be there.
      this.#folder.flush();
      saveCheckpoint(this.#folder, this.#model, this.#moments, position);
      tell();
      saved = performance.now();
    };
    const summary = (state: Summary['state'], kept: number | null = null): Summary => ({
      state,
      steps: this.step,
      kept,
      loss: this.#loss,
      rowsPerSecond: totals.seconds === 0 ? 0 : totals.rows / totals.seconds,
      tokensPerSecond: totals.seconds === 0 ? 0 : totals.tokens / totals.seconds,
      figures: this.#figures,
    });
    const finished = async () => {
      await this.#read();
      const { best } = position;
      if (best === undefined || best.since === 0) return summary('finished');
      restoreBest(this.#folder, this.#model, best);
      this.#folder.log(`the state after step ${best.step} was the best, and is kept`);
      this.#figures = this.#figuresAt(best.step) ?? {};
      return summary('finished', best.step);
    };
    const { evaluateSteps, patience } = this.#recipe;
    /** Measures the model, unless it was already, and compares it with the best. `over`: patience is at an end. */
    const measureNow = async (epoch: number): Promise<'on' | 'stopped' | 'over'> => {
      if (this.#options.onEvaluate !== undefined && position.measured !== this.step) {
        // A crash may have come between a measurement and the checkpoint that would have told of it.
        const known = this.step === restored?.step ? this.#figuresAt(this.step) : undefined;
        if (known !== undefined) this.#figures = known;
        else if (!(await this.#measure(epoch, this.#options.onEvaluate))) return 'stopped';
        position = this.#compared(position);
      }
      return patience !== null && position.best !== undefined && position.best.since >= patience
        ? 'over'
        : 'on';
    };
    // Without a checkpoint the run begins anew. With one, a stop may have come between its step and the measurement.
    const isDue =
      restored === null ||
      (evaluateSteps !== null && position.stepOfEpoch > 0 && this.step % evaluateSteps === 0);
    if (isDue) {
      const state = await measureNow(position.epoch);
      if (state === 'stopped') return summary('stopped');
      if (state === 'over') return finished();
    }

    while (position.epoch < epochs) {
      const random = Random.restored(position.random);
      const batches = drawEpoch(this.#set, this.#recipe, random);
      const first = position.stepOfEpoch;
      // The steps of this epoch that were taken before a stop count too.
      let sum = first === 0 ? 0 : this.#lossSoFar(position.epoch);
      if (first > 0) this.#loss = sum / first;
      for (const [i, draws] of batches.entries()) {
        if (i < first) continue;
        if (this.#job.signal.aborted) {
          await save();
          return summary('stopped');
        }
        const began = performance.now();
        const result = await this.#takeStep(draws);
        const seconds = (performance.now() - began) / 1000;
        const rows = draws.reduce((sum, batch) => sum + batch.length, 0);
        totals.rows += rows;
        totals.tokens += result.tokens;
        totals.seconds += seconds;
        sum += result.loss;
        this.#loss = sum / (i + 1);
        this.#folder.addMetric({
          step: this.step,
          epoch: position.epoch,
          loss: result.loss,
          learningRate: result.learningRate,
          gradientNorm: result.gradientNorm,
          rowsPerSecond: Math.round(rows / seconds),
          tokensPerSecond: Math.round(result.tokens / seconds),
          memory: process.memoryUsage.rss(),
        });
        this.#job.report({
          task: 'Training',
          done: this.step,
          total: this.#steps,
          unit: 'steps',
          detail: `epoch ${position.epoch + 1} of ${epochs}, loss ${this.#loss.toFixed(4)}`,
        });
        position = { ...position, step: this.step, stepOfEpoch: i + 1, ...this.#stepper.thrift };
        if (evaluateSteps !== null && this.step % evaluateSteps === 0) {
          const state = await measureNow(position.epoch);
          if (state === 'over') return finished();
          if (state === 'stopped') {
            await save();
            return summary('stopped');
          }
        }
        if (performance.now() - saved >= (this.#options.checkpointSeconds ?? 30) * 1000) await save();
        else if (performance.now() - told >= tellEvery) tell();
      }
      const state = await measureNow(position.epoch);
      if (state === 'stopped') {
        await save();
        return summary('stopped');
      }
      this.#folder.log(
        [`epoch ${position.epoch + 1} of ${epochs}: loss ${this.#loss?.toFixed(4) ?? '–'}`]
          .concat(Object.entries(this.#figures).map(([name, value]) => `${name} ${value.toFixed(4)}`))
          .join(', '),
      );
      if (state === 'over') return finished();
      position = { ...position, stepOfEpoch: 0, epoch: position.epoch + 1, random: random.state() };
      tell();
    }
    return finished();
  }

  /** Takes figures of the model as it is now. False if the job was told to stop meanwhile. */
  async #measure(epoch: number, onEvaluate: NonNullable<RunOptions['onEvaluate']>): Promise<boolean> {
    await this.#read();
    const encoder = this.#model.encoder(this.#name);
    try {
      this.#figures = await onEvaluate(encoder, this.step);
    } catch (error) {
      if (this.#job.signal.aborted) return false;
      throw error;
    } finally {
      await encoder.dispose();
    }
    this.#folder.addMetric({ step: this.step, epoch, figures: this.#figures });
    return true;
  }

  /** The position with the state that was just measured compared with the best; keeps it if it is better. */
  #compared(before: Position): Position {
    const position = { ...before, measured: this.step };
    // The first figure is the one that counts.
    const [value] = Object.values(this.#figures);
    const { patience, evaluateSteps } = this.#recipe;
    if ((patience === null && evaluateSteps === null) || value === undefined) return position;
    const { best } = position;
    if (best !== undefined && value <= best.value)
      return { ...position, best: { ...best, since: best.since + 1 } };
    const better: Best = { step: this.step, value, since: 0 };
    saveBest(this.#folder, this.#model, better);
    return { ...position, best: better };
  }

  /** What was measured after a step; undefined if nothing was. */
  #figuresAt(step: number): Readonly<Record<string, number>> | undefined {
    this.#folder.flush();
    const measured = this.#folder.readMetrics().filter(metric => 'figures' in metric);
    return measured.find(metric => metric.step === step)?.figures;
  }

  /** The sum of the losses of an epoch's steps that stand in the metrics. */
  #lossSoFar(epoch: number): number {
    return this.#folder
      .readMetrics()
      .reduce((sum, metric) => (metric.epoch === epoch && 'loss' in metric ? sum + metric.loss : sum), 0);
  }

  async #takeStep(draws: StepDraws) {
    const { learningRate: peak, warmupRatio, decay } = this.#recipe;
    const number = this.step + 1;
    const warmup = Math.round(warmupRatio * this.#steps);
    const learningRate = peak * learningRateShare(number, warmup, this.#steps, decay);
    const result = await this.#stepper.step(draws, number, learningRate);
    if (!result.finite) throw this.#diverged(number, result.loss);
    this.step = number;
    return { ...result, learningRate };
  }

  /** Brings the model up to date in main memory. What a GPU has learned is looked at here, before it is kept. */
  async #read(): Promise<void> {
    await this.#stepper.read();
    if (this.#options.device === 'cpu') return;
    for (const { data } of this.#model.parameters.values())
      if (!data.every(Number.isFinite)) throw this.#diverged(this.step, this.#loss);
  }

  #diverged(step: number, loss: number | null): LratError {
    this.#folder.flush();
    const [checkpoint] = this.#folder.listCheckpoints();
    return new LratError(`step ${step} leads to numbers that are not finite (loss ${loss}).`, {
      place: this.#folder.path,
      remedy: `Train with a lower learning rate or a higher temperature${this.#recipe.fp16 ? ', or without --fp16' : ''}.${checkpoint === undefined ? '' : ` The last good state is kept in ${checkpoint}.`}`,
    });
  }
}
