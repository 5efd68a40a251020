import { LratError } from '../base/errors.ts';
import { sharedFloats } from '../base/shared.ts';
import type { BatchText, Layout, Pass, Plan, TrainableEncoder } from '../encoder/trainable.ts';
import { dynamicModel, type Sized } from '../engine/dynamic.ts';
import { gradients } from '../engine/gradient.ts';
import { Graph, type Products, type Value } from '../engine/graph.ts';
import { type LoadedModel, loadModel } from '../engine/inference.ts';
import { add, concat, gather, mul, reduceSum } from '../engine/operators.ts';
import { type AdamWSettings, defaultAdamW } from '../engine/optimizer.ts';
import type { Device } from '../engine/runtime.ts';
import type { SizeGroups, Sizes } from '../engine/sizes.ts';
import { type HostTensor, type Tensor, tensor, zeroTensor } from '../engine/tensor.ts';
import type { StepDraws } from './batches.ts';
import { deviceLearner, hostLearner, type Learner, type Moments } from './learner.ts';
import { type LossTerms, lossTerms, weightedInfoNce } from './loss.ts';
import type { Recipe } from './recipe.ts';
import type { TrainingSet } from './rows.ts';

export interface StepResult {
  readonly loss: number;
  /** Before clipping. */
  readonly gradientNorm: number;
  /** Whether loss, gradients and new parameters are finite numbers. If not, the model in memory is not to be used. */
  readonly finite: boolean;
  /** Of the distinct texts. */
  readonly tokens: number;
}

export interface StepperOptions {
  /** Where to compute; static encoders are trained on the CPU. */
  readonly device: Device;
  readonly threads: number;
  /** In which numbers the model multiplies matrices, 32 bits unless told. The loss always does in 32. */
  readonly products?: Products;
  /** Tokens that go through the model at a time; what the model proposes unless told. */
  readonly tokensPerPass?: number;
  /** Is told in a sentence when memory runs out and smaller passes are tried. */
  readonly onRetry?: (message: string) => void;
}

/**
 * Above this the runtime does not use a buffer of the GPU's memory again, and the driver takes longer to make one than a
 * computation takes (measured: `docs/performance.md`).
 */
const reusedBytes = 5 * 2 ** 25;

/**
 * Tokens of a pass with which no tensor is larger than a device computes with, or would not be used again.
 * @param tensorBytes that it computes with
 */
export function tokensOnDevice(
  { tokensPerPass, tensorBytesPerToken }: Pick<TrainableEncoder, 'tokensPerPass' | 'tensorBytesPerToken'>,
  tensorBytes: number,
): number {
  const most = Math.floor(Math.min(tensorBytes, reusedBytes) / tensorBytesPerToken);
  return Math.min(tokensPerPass, Math.max(leastTokensPerPass, most));
}

/** A GPU takes longer to be told of a small computation than to do it: it has fewer, and no loops of blocks. */
const layouts: Readonly<Record<Device, Layout>> = {
  cpu: { buckets: 16, blocks: true },
  webgpu: { buckets: 8, blocks: false },
};

/** What a stepper has found out about memory, and another one of the same training has to know to give the same numbers. */
export interface Thrift {
  /** Tokens that go through the model at a time, if memory ran out with more. */
  readonly tokensPerPass?: number | undefined;
  /** Whether a step on a GPU was so large that steps there hold less at a time since then. */
  readonly sparing?: boolean | undefined;
}

/** A loss, and its gradients by the parameters: by all elements, or by the rows that the plan names. */
interface LossAndGradients {
  readonly loss: number;
  readonly gradients: ReadonlyMap<string, Tensor>;
}

/**
 * Optimiser steps on a model. Each distinct text of a step is encoded once, however many rows use it.
 *
 * Where all texts fit into one pass, loss and gradients are one computation. Where they do not, gradients are cached (Gao et
 * al., arXiv 2101.06983): texts are encoded, the loss's gradients by their vectors are taken, and each pass goes through the
 * model again and takes these further back. The last pass needs no second time: it takes the loss with the vectors of the
 * others given. Both ways give the same numbers, to rounding, so the size of a batch is a question of time and not of memory.
 */
export class Stepper {
  readonly #model: TrainableEncoder;
  readonly #moments: Moments;
  readonly #set: TrainingSet;
  readonly #recipe: Recipe;
  readonly #options: StepperOptions;
  #tokensPerPass: number;
  #thrift: Thrift = {};
  readonly #programs = new Map<string, Promise<LoadedModel<Tensor>>>();
  readonly #rooms: Record<string, HostTensor>[] = [];
  #learner: Promise<Learner> | undefined;
  /** Bytes of the process after the first step with the programs that there are. */
  #settled: number | undefined;

  constructor(
    model: TrainableEncoder,
    moments: Moments,
    set: TrainingSet,
    recipe: Recipe,
    options: StepperOptions,
  ) {
    this.#model = model;
    this.#moments = moments;
    this.#set = set;
    this.#recipe = recipe;
    this.#options = options;
    this.#tokensPerPass = options.tokensPerPass ?? model.tokensPerPass;
  }

  get thrift(): Thrift {
    return this.#thrift;
  }

  /** Goes on as a stepper that has found this out: with passes of so many tokens at most, for which memory sufficed. */
  adopt({ tokensPerPass, sparing }: Thrift): void {
    if (tokensPerPass !== undefined) {
      this.#tokensPerPass = Math.min(tokensPerPass, this.#tokensPerPass);
      this.#thrift = { ...this.#thrift, tokensPerPass: this.#tokensPerPass };
    }
    if (sparing) this.#thrift = { ...this.#thrift, sparing };
  }

  /**
   * One step, `number` counted from 1.
   */
  async step(draws: StepDraws, number: number, learningRate: number): Promise<StepResult> {
    const terms = lossTerms(draws, this.#recipe);
    const { texts, queryTexts, documentTexts } = this.#distinctTexts(terms);
    let planned = Number.POSITIVE_INFINITY;
    const { plan, loss, gradients } = await this.#withLessMemory(
      async tokensPerPass => {
        const plan = this.#model.plan(texts, tokensPerPass, number, layouts[this.#options.device]);
        planned = plan.tokens;
        await this.#spare(plan);
        return { plan, ...(await this.#lossAndGradients(plan, terms, queryTexts, documentTexts)) };
      },
      () => planned,
    );
    const learner = await this.#learning(plan);
    const { norm, finite } = Number.isFinite(loss)
      ? await learner.step(gradients, plan.rows, number, learningRate)
      : { norm: Number.NaN, finite: false };
    await this.#boundMemory();
    return { loss, gradientNorm: norm, finite, tokens: plan.tokens };
  }

  /** Brings the model's parameters and the moments up to date in main memory, wherever they are learned. */
  async read(): Promise<void> {
    await (await this.#learner)?.read();
  }

  async dispose(): Promise<void> {
    await this.#disposeOfPrograms();
    // One that could not be made holds nothing.
    await (await this.#learner?.catch(() => undefined))?.dispose();
    this.#learner = undefined;
  }

  /** Made with the first step, which tells which parameters are read by rows. */
  #learning({ rows }: Plan): Promise<Learner> {
    const { weightDecay, maxGradientNorm } = this.#recipe;
    const settings: AdamWSettings = {
      ...defaultAdamW,
      weightDecay,
      maxGradientNorm: maxGradientNorm ?? Number.POSITIVE_INFINITY,
    };
    const { device, threads } = this.#options;
    this.#learner ??=
      device === 'cpu'
        ? Promise.resolve(hostLearner(this.#model, this.#moments, settings, threads))
        : deviceLearner(this.#model, this.#moments, settings, new Set(rows.keys())).catch(error => {
            throw isOutOfMemory(error) ? this.#noRoom(error) : error;
          });
    return this.#learner;
  }

  /** Smaller passes would not help: it is no failure of `#withLessMemory`. */
  #noRoom(cause: unknown): LratError {
    const { parameters, frozen, family } = this.#model;
    const count = (tensors: TrainableEncoder['frozen']) =>
      [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
    const bytes = 4 * (3 * count(parameters) + count(frozen));
    return new LratError(
      `the GPU has no room for parameters and moments, which take about ${Math.ceil(bytes / 1e6)} MB.`,
      {
        place: `${family} model`,
        remedy: 'Train on the CPU (--device cpu), or fewer parameters (--lora, --freeze).',
        cause,
      },
    );
  }

  /**
   * On a GPU a step that leaves half of the memory of a pass free may as well use it. With the first that does not, all hold
   * less.
   */
  async #spare({ passes }: Plan): Promise<void> {
    const computed = passes.reduce((sum, { tokens }) => sum + tokens, 0);
    if (this.#options.device === 'cpu' || this.#thrift.sparing || 2 * computed <= this.#tokensPerPass) return;
    await this.#disposeOfPrograms();
    this.adopt({ sparing: true });
  }

  /**
   * The memory of ONNX Runtime comes into pieces of ever other sizes, from step to step, and grows without need: when it has
   * doubled, it is given back with the programs, which are made anew.
   */
  async #boundMemory(): Promise<void> {
    const bytes = process.memoryUsage.rss();
    this.#settled ??= bytes;
    if (bytes > 2 * this.#settled) await this.#disposeOfPrograms();
  }

  async #disposeOfPrograms(): Promise<void> {
    this.#settled = undefined;
    const programs = await Promise.allSettled(this.#programs.values());
    this.#programs.clear();
    for (const made of programs) if (made.status === 'fulfilled') await made.value.dispose();
  }

  /** The texts of a step, each once, and which of them the rows and columns of the loss are. */
  #distinctTexts({ queries, documents }: LossTerms) {
    const positions = new Map<string, number>();
    const texts: BatchText[] = [];
    const intern = (kind: BatchText['kind'], text: string): number => {
      const key = `${kind}:${text}`;
      let position = positions.get(key);
      if (position === undefined) {
        position = texts.push({ kind, text }) - 1;
        positions.set(key, position);
      }
      return position;
    };
    const queryTexts = queries.map(query => intern('query', query));
    const documentTexts = documents.map(document => intern('document', this.#set.documents[document]!.text));
    return { texts, queryTexts, documentTexts };
  }

  async #lossAndGradients(
    plan: Plan,
    terms: LossTerms,
    queryTexts: readonly number[],
    documentTexts: readonly number[],
  ): Promise<LossAndGradients> {
    const rowOf = new Int32Array(plan.passes.reduce((sum, { members }) => sum + members.length, 0));
    // Row 0 is nobody's (see `#compute`).
    let row = 1;
    for (const { members } of plan.passes) for (const member of members) rowOf[member] = row++;
    const [rows, columns] = [queryTexts.length, documentTexts.length];
    const head = {
      queryRows: tensor(
        'int32',
        [rows],
        queryTexts.map(text => rowOf[text]!),
      ),
      documentRows: tensor(
        'int32',
        [columns],
        documentTexts.map(text => rowOf[text]!),
      ),
      bias: tensor('float32', [rows, columns], terms.bias),
      target: tensor('float32', [rows, columns], terms.target),
      coefficients: tensor('float32', [rows], terms.coefficients),
    };
    const { feeds: state, picked } = await (await this.#learning(plan)).parameters(plan.rows);
    try {
      return await this.#compute(plan, { state, head, rows: row });
    } finally {
      for (const tensor of picked) tensor.dispose();
    }
  }

  async #compute(
    plan: Plan,
    { state, head, rows }: { state: Record<string, Tensor>; head: Record<string, HostTensor>; rows: number },
  ): Promise<LossAndGradients> {
    const others = plan.passes.slice(0, -1);
    const last = plan.passes.at(-1)!;
    const { dimension } = this.#model;
    // Led by a row of zeros: a pass without others is then computed by the same program.
    const vectors = new Float32Array((rows - last.members.length) * dimension);
    let done = dimension;
    for (const pass of others) {
      const program = await this.#program('encode', plan, pass);
      const { vectors: own } = await program.run({ ...state, ...pass.inputs });
      const numbers = await own!.floats();
      vectors.set(numbers, done);
      done += numbers.length;
    }
    const given = tensor('float32', [vectors.length / dimension, dimension], vectors);
    /** Takes a loss back through a pass: that of all texts, or what it has given by the vectors of the pass. */
    const back = async (
      pass: Pass,
      head: Record<string, HostTensor>,
      byVectors: Float32Array,
      room: Record<string, HostTensor>,
    ) => {
      const shape = [pass.members.length, dimension];
      const own = { others: given, byVectors: tensor('float32', shape, byVectors) };
      const program = await this.#program('learn', plan, pass);
      return program.run({ ...state, ...pass.inputs, ...head, ...own }, room);
    };
    const none = new Float32Array(last.members.length * dimension);
    const results = await back(last, head, none, this.#room(plan, 0));
    const { loss, gradients } = await this.#read(results);
    if (others.length === 0) return { loss, gradients };
    const byOthers = await results.byOthers!.floats();
    const sums = new Map<string, Tensor>();
    await this.#add(plan, sums, gradients);
    const noLoss = Object.fromEntries(Object.entries(head).map(([name, part]) => [name, zeroTensor(part)]));
    done = dimension;
    for (const pass of others) {
      const end = done + pass.members.length * dimension;
      const own = byOthers.subarray(done, end);
      const { gradients } = await this.#read(await back(pass, noLoss, own, this.#room(plan, 1)));
      await this.#add(plan, sums, gradients);
      done = end;
    }
    return { loss, gradients: sums };
  }

  /**
   * Where gradients of a pass are written to in main memory: what ONNX Runtime gives is freed when a garbage collection comes to
   * it, and until then leaves holes of odd sizes in its memory. Not those by rows of tables, of which there are ever others.
   * @param which 0 for what the others are added to
   */
  #room({ rows }: Plan, which: 0 | 1): Record<string, HostTensor> {
    if (this.#options.device !== 'cpu') return {};
    this.#rooms[which] ??= Object.fromEntries(
      [...this.#model.parameters]
        .filter(([name]) => !rows.has(name))
        .map(([name, { shape, data }]) => [
          gradientOf(name),
          tensor('float32', shape, sharedFloats(data.length)),
        ]),
    );
    return this.#rooms[which];
  }

  /** Adds the gradients of a pass, which are disposed of, where they are. */
  async #add(plan: Plan, sums: Map<string, Tensor>, gradients: ReadonlyMap<string, Tensor>): Promise<void> {
    if (sums.size === 0) {
      for (const [name, gradient] of gradients) sums.set(name, gradient);
      return;
    }
    if (this.#options.device === 'cpu') {
      for (const [name, gradient] of gradients) {
        const [sum, own] = [await sums.get(name)!.floats(), await gradient.floats()];
        for (let i = 0; i < sum.length; i++) sum[i]! += own[i]!;
      }
      return;
    }
    const terms = [...gradients].flatMap(([name, gradient]): [string, Tensor][] => [
      [gradientOf(name), gradient],
      [sumOf(name), sums.get(name)!],
    ]);
    const added = await (await this.#adder(plan)).run(Object.fromEntries(terms));
    for (const [, term] of terms) term.dispose();
    for (const name of gradients.keys()) sums.set(name, added[`next ${gradientOf(name)}`]!);
  }

  /** Adds gradients to sums of gradients. */
  #adder({ rows }: Plan): Promise<LoadedModel<Tensor>> {
    const known = this.#programs.get('add');
    if (known !== undefined) return known;
    const tables = [...rows.keys()].filter(name => this.#model.parameters.has(name));
    const build = (sizes: Sizes): Sized => {
      const graph = new Graph('sums of gradients');
      const outputs = [...this.#model.parameters].map(([name, { shape }]): [string, Value] => {
        const own = tables.includes(name) ? [sizes[name]!, ...shape.slice(1)] : shape;
        const [gradient, sum] = [gradientOf(name), sumOf(name)].map(term =>
          graph.input(term, 'float32', own),
        );
        return [`next ${gradientOf(name)}`, add(gradient!, sum!)];
      });
      return { graph, outputs: Object.fromEntries(outputs) };
    };
    const keep = [...this.#model.parameters.keys()].map(name => `next ${gradientOf(name)}`);
    const { device, threads } = this.#options;
    const groups = tables.map(name => [name]);
    const program = loadModel(dynamicModel(build, new Map(), undefined, groups), { device, threads, keep });
    this.#programs.set('add', program);
    return program;
  }

  async #read(results: Readonly<Record<string, Tensor>>): Promise<LossAndGradients> {
    return {
      loss: (await results.loss!.floats())[0]!,
      gradients: new Map([...this.#model.parameters.keys()].map(name => [name, results[gradientOf(name)]!])),
    };
  }

  /**
   * The computation of a pass: its vectors; or loss and gradients of the last texts with the vectors of the `others`, and of what
   * the loss is by the vectors of a pass. One program for both, of which each use sets the other part to zero, as every program
   * holds its own memory.
   */
  #program(what: 'encode' | 'learn', plan: Plan, { key }: Pass): Promise<LoadedModel<Tensor>> {
    const name = `${what} ${key}`;
    const known = this.#programs.get(name);
    if (known !== undefined) return known;
    const tables = [...plan.rows.keys()].map((name, i) => [name, `rows${i}`] as const);
    const rowsOf = new Map(tables);
    const groups = [
      ...this.#model.sizes(key),
      ...tables.map(([, size]) => [size]),
      ...(what === 'encode' ? [] : [...lossSizes, ['others']]),
    ];
    const { products = 'float32', device, threads } = this.#options;
    const recompute = device !== 'cpu' && (this.#thrift.sparing ?? false);
    const build = (sizes: Sizes): Sized => {
      const graph = new Graph(`training step (${what})`, {
        ...{ products, recompute, textByText: device === 'cpu' },
      });
      const declare = (shapes: TrainableEncoder['frozen']) =>
        [...shapes].map(([name, { shape }]): [string, Value] => {
          const rows = rowsOf.get(name);
          const own = rows === undefined ? shape : [sizes[rows]!, ...shape.slice(1)];
          return [name, graph.input(name, 'float32', own)];
        });
      const learned = new Map(declare(this.#model.parameters));
      const values = new Map([...learned, ...declare(this.#model.frozen)]);
      const vectors = this.#model.forward(graph, name => values.get(name)!, key, sizes);
      if (what === 'encode') return { graph, outputs: { vectors } };
      const named = (found: readonly Value[]) =>
        Object.fromEntries([...learned.keys()].map((name, i) => [gradientOf(name), found[i]!]));
      const others = graph.input('others', 'float32', [sizes.others!, this.#model.dimension]);
      const given = reduceSum(mul(vectors, graph.input('byVectors', 'float32', vectors.shape)));
      const loss = add(this.#loss(graph, concat([others, vectors], 0), sizes), given);
      const found = gradients(loss, [...learned.values(), others]);
      return { graph, outputs: { loss, ...named(found), byOthers: found.at(-1)! } };
    };
    const keep = what === 'encode' ? [] : [...this.#model.parameters.keys()].map(gradientOf);
    const program = loadModel(dynamicModel(build, new Map(), undefined, groups), { device, threads, keep });
    this.#programs.set(name, program);
    return program;
  }

  #loss(graph: Graph, vectors: Value, { rows, columns }: Sizes): Value {
    return weightedInfoNce(
      gather(vectors, graph.input('queryRows', 'int32', [rows!])),
      gather(vectors, graph.input('documentRows', 'int32', [columns!])),
      {
        bias: graph.input('bias', 'float32', [rows!, columns!]),
        target: graph.input('target', 'float32', [rows!, columns!]),
        coefficients: graph.input('coefficients', 'float32', [rows!]),
      },
      this.#recipe.temperature,
    );
  }

  /**
   * Tries with half the tokens at a time when memory does not suffice, and stays with it.
   * @param tokens of the step: to allow for more at a time changes nothing
   */
  async #withLessMemory<T>(compute: (tokensPerPass: number) => Promise<T>, tokens: () => number): Promise<T> {
    for (;;) {
      try {
        return await compute(this.#tokensPerPass);
      } catch (error) {
        if (!isOutOfMemory(error)) throw error;
        const smaller = Math.floor(Math.min(this.#tokensPerPass, tokens()) / 2);
        if (smaller < leastTokensPerPass || !Number.isFinite(this.#model.tokensPerPass)) {
          throw new LratError(
            'there is not enough memory for a training step, in passes as small as can be.',
            {
              place: `${this.#model.family} model`,
              remedy:
                'Train in smaller batches (--batch-size), cut texts shorter (--max-length), train a smaller model, or free memory.',
              cause: error,
            },
          );
        }
        // What the old sizes took is given back with their programs.
        await this.#disposeOfPrograms();
        this.#options.onRetry?.(
          `Memory ran out with ${this.#tokensPerPass} tokens at a time: going on with ${smaller}.`,
        );
        this.adopt({ tokensPerPass: smaller });
      }
    }
  }
}

/** The names of the sizes of a loss. */
const lossSizes: SizeGroups = [['rows', 'columns']];

function gradientOf(parameter: string): string {
  return `gradient of ${parameter}`;
}

function sumOf(parameter: string): string {
  return `sum of gradients of ${parameter}`;
}

/** Below this a pass holds less than one long text: memory does not become less. */
const leastTokensPerPass = 64;

/** What ONNX Runtime and V8 say when memory cannot be had. */
function isOutOfMemory(error: unknown): boolean {
  return (
    error instanceof Error &&
    /failed to allocate memory|bad_alloc|bad allocation|array buffer allocation failed/i.test(error.message)
  );
}
