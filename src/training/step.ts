import type { TrainableEncoder } from '../encoder/trainable.ts';
import { gradients } from '../engine/gradient.ts';
import { Graph, type Value } from '../engine/graph.ts';
import { add, mul, reduceSum } from '../engine/operators.ts';
import { adamW, defaultAdamW, type Optimizer } from '../engine/optimizer.ts';
import { compile, type Program } from '../engine/session.ts';
import { type HostTensor, type Tensor, tensor } from '../engine/tensor.ts';
import { batchDocuments, type Draw } from './batches.ts';
import { lossTerms, weightedInfoNce } from './loss.ts';
import type { Recipe } from './recipe.ts';
import type { TrainingSet } from './rows.ts';

export interface StepResult {
  readonly loss: number;
  /** Before clipping. */
  readonly gradientNorm: number;
  /** Whether loss, gradients and new parameters are finite numbers. If not, the step was not taken. */
  readonly finite: boolean;
  readonly tokens: number;
}

/** The moments of AdamW, by `<parameter>.moment1` and `.moment2`, of the shapes of the parameters. */
export type Moments = Map<string, Float32Array>;

export function initialMoments(model: TrainableEncoder): Moments {
  return new Map(
    [...model.parameters].flatMap(([name, { data }]) =>
      momentNames(name).map(moment => [moment, new Float32Array(data.length)] as const),
    ),
  );
}

function momentNames(parameter: string): string[] {
  return [`${parameter}.moment1`, `${parameter}.moment2`];
}

/**
 * Optimiser steps on a model: loss, gradients and AdamW in one graph per shape of batch.
 *
 * AdamW is PyTorch's (decoupled decay, bias correction by the number of the step), with one difference where a batch
 * reads only some rows of a parameter: the rows that it does not read, and their moments, stay as they are (as in
 * PyTorch's SparseAdam), instead of moving on by their old moments and decaying. For a static encoder a step then costs
 * as much as the batch and not as the vocabulary. Parameters that are read whole get exactly AdamW.
 */
export class Stepper {
  readonly #model: TrainableEncoder;
  readonly #moments: Moments;
  readonly #set: TrainingSet;
  readonly #recipe: Recipe;
  readonly #threads: number;
  readonly #programs = new Map<
    string,
    Promise<{ program: Program<Record<string, Value>>; optimizer: Optimizer }>
  >();

  constructor(model: TrainableEncoder, moments: Moments, set: TrainingSet, recipe: Recipe, threads: number) {
    this.#model = model;
    this.#moments = moments;
    this.#set = set;
    this.#recipe = recipe;
    this.#threads = threads;
  }

  /** Memory for the rows that a batch reads, used again and again: by name and size. */
  readonly #memory = new Map<string, Float32Array>();

  /**
   * One step on a batch, `number` counted from 1. If it leads to a number that is not finite, nothing changes: the
   * caller sees it by the result.
   */
  async step(draws: readonly Draw[], number: number, learningRate: number): Promise<StepResult> {
    const { documents } = batchDocuments(draws);
    const batch = this.#model.batch(
      draws.map(({ row }) => row.query),
      documents.map(document => this.#set.documents[document]!.text),
    );
    const { bias, target, coefficients } = lossTerms(draws, batch.queries, batch.documents, this.#recipe);
    const rows = batch.queries;
    const given: Record<string, HostTensor> = {
      ...batch.inputs,
      bias: tensor('float32', [rows, batch.documents], bias),
      target: tensor('float32', [rows, batch.documents], target),
      coefficients: tensor('float32', [rows], coefficients),
    };
    const state: Record<string, HostTensor> = {};
    for (const [name, { shape, data }] of this.#model.parameters) {
      const part = batch.rows.get(name);
      for (const [key, whole] of this.#tables(name, data)) {
        state[key] =
          part === undefined
            ? tensor('float32', shape, whole)
            : tensor('float32', [part.size, ...shape.slice(1)], this.#gather(key, whole, shape, part));
      }
    }
    let entry = this.#programs.get(batch.key);
    if (entry === undefined) {
      entry = this.#compile(given, state);
      this.#programs.set(batch.key, entry);
    }
    const { program, optimizer } = await entry;
    const results = await program.run({ ...given, ...state, ...optimizer.scalars(number, learningRate) });
    const loss = (await results.loss!.floats())[0]!;
    const gradientNorm = (await results.gradientNorm!.floats())[0]!;
    const overflow = (await results.overflow!.floats())[0]!;
    const finite = [loss, gradientNorm, overflow].every(Number.isFinite);
    if (finite) await this.#take(results, batch.rows);
    return { loss, gradientNorm, finite, tokens: batch.tokens };
  }

  async dispose(): Promise<void> {
    for (const entry of this.#programs.values()) await (await entry).program.dispose();
    this.#programs.clear();
  }

  #gather(
    key: string,
    table: Float32Array,
    shape: readonly number[],
    { indices, size }: { readonly indices: Int32Array; readonly size: number },
  ): Float32Array {
    const length = rowLength(shape);
    const memory = `${key}:${size}`;
    const rows = this.#memory.get(memory) ?? new Float32Array(size * length);
    this.#memory.set(memory, rows);
    // Element by element: views of single rows would cost more than the copying.
    for (let i = 0; i < indices.length; i++) {
      const from = indices[i]! * length;
      const to = i * length;
      for (let j = 0; j < length; j++) rows[to + j] = table[from + j]!;
    }
    return rows.fill(0, indices.length * length);
  }

  /** A parameter and its moments, under the names that the graph has for them. */
  #tables(name: string, data: Float32Array): [string, Float32Array][] {
    return [
      [name, data],
      ...momentNames(name).map((key): [string, Float32Array] => [key, this.#moments.get(key)!]),
    ];
  }

  async #compile(given: Record<string, HostTensor>, state: Record<string, HostTensor>) {
    const graph = new Graph('training step');
    const inputs: Record<string, Value> = {};
    for (const [name, { dtype, shape }] of Object.entries(given))
      inputs[name] = graph.input(name, dtype, shape);
    const names = [...this.#model.parameters.keys()];
    const parameters = new Map(names.map(name => [name, graph.input(name, 'float32', state[name]!.shape)]));
    const { queries, documents } = this.#model.forward(graph, parameters, inputs);
    const terms = { bias: inputs.bias!, target: inputs.target!, coefficients: inputs.coefficients! };
    const loss = weightedInfoNce(queries, documents, terms, this.#recipe.temperature);
    const byParameter = gradients(loss, [...parameters.values()]);
    const optimizer = adamW(
      names.map((name, i) => ({
        parameter: parameters.get(name)!,
        gradient: byParameter[i]!,
        decay: this.#model.parameters.get(name)!.decay,
      })),
      {
        ...defaultAdamW,
        weightDecay: this.#recipe.weightDecay,
        maxGradientNorm: this.#recipe.maxGradientNorm ?? Number.POSITIVE_INFINITY,
      },
    );
    // 0 if all new parameters are finite, else not a number.
    const overflow = names.map(name => reduceSum(mul(optimizer.outputs[name]!, 0))).reduce(add);
    const outputs: Record<string, Value> = { ...optimizer.outputs, loss, overflow };
    return { program: await compile(graph, outputs, { device: 'cpu', threads: this.#threads }), optimizer };
  }

  /** Writes the new parameters and moments over the old ones. */
  async #take(
    results: Readonly<Record<string, Tensor>>,
    rows: ReadonlyMap<string, { readonly indices: Int32Array }>,
  ): Promise<void> {
    for (const [name, { shape, data }] of this.#model.parameters) {
      const part = rows.get(name);
      for (const [key, whole] of this.#tables(name, data)) {
        const fresh = await results[key]!.floats();
        if (part === undefined) whole.set(fresh);
        else scatterRows(fresh, whole, shape, part.indices);
      }
    }
  }
}

function rowLength(shape: readonly number[]): number {
  return shape.slice(1).reduce((product, size) => product * size, 1);
}

function scatterRows(
  rows: Float32Array,
  table: Float32Array,
  shape: readonly number[],
  indices: Int32Array,
): void {
  const length = rowLength(shape);
  for (let i = 0; i < indices.length; i++) {
    const from = i * length;
    const to = indices[i]! * length;
    for (let j = 0; j < length; j++) table[to + j] = rows[from + j]!;
  }
}
