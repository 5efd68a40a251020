import { toDevice } from './device-tensor.ts';
import { dynamicModel } from './dynamic.ts';
import { Graph } from './graph.ts';
import { type LoadedModel, loadModel } from './inference.ts';
import { gather, scatterAdd } from './operators.ts';
import { type AdamWSettings, adamW, defaultAdamW, type Optimizer } from './optimizer.ts';
import type { Device } from './runtime.ts';
import { type Shape, type Tensor, tensor } from './tensor.ts';

/** A parameter to be learned, and what AdamW remembers of it: as a checkpoint has them. */
export interface LearnedTensor {
  readonly shape: Shape;
  readonly data: Float32Array;
  readonly moment1: Float32Array;
  readonly moment2: Float32Array;
  /** Whether weight decay takes part of it. */
  readonly decay: boolean;
  /** A table, of which steps read and change some rows; the gradient of the others is zero. */
  readonly table: boolean;
}

/** What a step gives besides new parameters. */
export interface DeviceStep {
  /** Of all gradients, before clipping. Where it is no finite number, nor are the parameters. */
  readonly gradientNorm: number;
}

/**
 * Parameters and moments in the memory of a device, and AdamW on them there: between main memory and the device go, per
 * step, the rows that are read and one number.
 */
export class DeviceAdamW {
  readonly #learned: ReadonlyMap<string, LearnedTensor>;
  readonly #optimizer: Optimizer;
  readonly #update: LoadedModel<Tensor>;
  readonly #pick: LoadedModel<Tensor> | undefined;
  readonly #tables: readonly string[];
  #state: Record<string, Tensor>;

  private constructor(
    learned: ReadonlyMap<string, LearnedTensor>,
    optimizer: Optimizer,
    update: LoadedModel<Tensor>,
    pick: LoadedModel<Tensor> | undefined,
    state: Record<string, Tensor>,
  ) {
    this.#learned = learned;
    this.#optimizer = optimizer;
    this.#update = update;
    this.#pick = pick;
    this.#tables = tablesOf(learned);
    this.#state = state;
  }

  /** Copies the parameters and moments to the device; those in main memory stay as they are until `read`. */
  static async on(
    device: Device,
    learned: ReadonlyMap<string, LearnedTensor>,
    settings: AdamWSettings = defaultAdamW,
    threads = 1,
  ): Promise<DeviceAdamW> {
    const tables = tablesOf(learned);
    let optimizer: Optimizer | undefined;
    const updating = dynamicModel(
      (sizes: Readonly<Record<string, number>>) => {
        const graph = new Graph('AdamW');
        const trainables = [...learned].map(([name, { shape, decay, table }]) => {
          const parameter = graph.input(name, 'float32', shape);
          if (!table) return { parameter, decay, gradient: graph.input(gradientOf(name), 'float32', shape) };
          const count = sizes[rowsOf(name)]!;
          const gradient = graph.input(gradientOf(name), 'float32', [count, ...shape.slice(1)]);
          const rows = graph.input(rowsOf(name), 'int32', [count]);
          return { parameter, decay, gradient: scatterAdd(rows, gradient, shape[0]!, { distinct: true }) };
        });
        optimizer = adamW(trainables, settings);
        const outputs = Object.entries(optimizer.outputs).map(([name, value]) => [nextOf(name), value]);
        return { graph, outputs: Object.fromEntries(outputs) };
      },
      new Map(),
      undefined,
      tables.map(name => [rowsOf(name)]),
    );
    const { outputs } = optimizer!;
    const keep = Object.keys(outputs)
      .filter(name => name !== 'gradientNorm')
      .map(nextOf);
    const update = await loadModel(updating, { device, threads, keep });
    const state: Record<string, Tensor> = {};
    try {
      for (const [name, { shape, ...numbers }] of learned) {
        for (const [key, data] of parts(name, numbers))
          state[key] = await toDevice(tensor('float32', shape, data), device);
      }
      return new DeviceAdamW(learned, optimizer!, update, await picking(device, learned, threads), state);
    } catch (error) {
      for (const held of Object.values(state)) held.dispose();
      await update.dispose();
      throw error;
    }
  }

  /**
   * The parameters, to feed a computation with: whole, or the given rows of a table. The rows are the caller's to dispose
   * of, the others stay the optimiser's.
   * @param rows of every table, each row once
   */
  async parameters(
    rows: ReadonlyMap<string, Int32Array>,
  ): Promise<{ readonly feeds: Record<string, Tensor>; readonly picked: readonly Tensor[] }> {
    const feeds: Record<string, Tensor> = {};
    for (const name of this.#learned.keys()) if (!rows.has(name)) feeds[name] = this.#state[name]!;
    if (this.#pick === undefined) return { feeds, picked: [] };
    const tables = Object.fromEntries(this.#tables.map(name => [name, this.#state[name]!]));
    const picked = await this.#pick.run({ ...tables, ...this.#rows(rows) });
    for (const name of this.#tables) feeds[name] = picked[pickedOf(name)]!;
    return { feeds, picked: Object.values(picked) };
  }

  /**
   * A step, `number` counted from 1. The gradients are disposed of.
   * @param gradients by the parameters, of their shapes; of tables the rows that `rows` names
   */
  async step(
    gradients: ReadonlyMap<string, Tensor>,
    rows: ReadonlyMap<string, Int32Array>,
    number: number,
    learningRate: number,
  ): Promise<DeviceStep> {
    const results = await this.#update.run({
      ...this.#state,
      ...Object.fromEntries([...gradients].map(([name, gradient]) => [gradientOf(name), gradient])),
      ...this.#rows(rows),
      ...this.#optimizer.scalars(number, learningRate),
    });
    for (const old of [...Object.values(this.#state), ...gradients.values()]) old.dispose();
    this.#state = Object.fromEntries(Object.keys(this.#state).map(name => [name, results[nextOf(name)]!]));
    return { gradientNorm: (await results[nextOf('gradientNorm')]!.floats())[0]! };
  }

  /** Copies parameters and moments back into the arrays that they came from: for a checkpoint, and at the end. */
  async read(): Promise<void> {
    for (const [name, numbers] of this.#learned) {
      for (const [key, data] of parts(name, numbers)) data.set(await this.#state[key]!.floats());
    }
  }

  async dispose(): Promise<void> {
    for (const held of Object.values(this.#state)) held.dispose();
    this.#state = {};
    await this.#update.dispose();
    await this.#pick?.dispose();
  }

  #rows(rows: ReadonlyMap<string, Int32Array>): Record<string, Tensor> {
    return Object.fromEntries(
      this.#tables.map(name => {
        const indices = rows.get(name);
        if (indices === undefined) throw new RangeError(`the rows of the table ${name} are missing`);
        return [rowsOf(name), tensor('int32', [indices.length], indices)];
      }),
    );
  }
}

/** Rows of all tables. */
async function picking(
  device: Device,
  learned: ReadonlyMap<string, LearnedTensor>,
  threads: number,
): Promise<LoadedModel<Tensor> | undefined> {
  const tables = tablesOf(learned);
  if (tables.length === 0) return undefined;
  const model = dynamicModel(
    (sizes: Readonly<Record<string, number>>) => {
      const graph = new Graph('rows of tables');
      const picked = tables.map(name => {
        const table = graph.input(name, 'float32', learned.get(name)!.shape);
        const rows = graph.input(rowsOf(name), 'int32', [sizes[rowsOf(name)]!]);
        return [pickedOf(name), gather(table, rows, { distinct: true })] as const;
      });
      return { graph, outputs: Object.fromEntries(picked) };
    },
    new Map(),
    undefined,
    tables.map(name => [rowsOf(name)]),
  );
  return loadModel(model, { device, threads, keep: tables.map(pickedOf) });
}

function tablesOf(learned: ReadonlyMap<string, LearnedTensor>): string[] {
  return [...learned].filter(([, { table }]) => table).map(([name]) => name);
}

function parts(
  name: string,
  { data, moment1, moment2 }: Pick<LearnedTensor, 'data' | 'moment1' | 'moment2'>,
): [string, Float32Array][] {
  return [
    [name, data],
    [`${name}.moment1`, moment1],
    [`${name}.moment2`, moment2],
  ];
}

const nextOf = (name: string) => `next ${name}`;
const gradientOf = (name: string) => `gradient of ${name}`;
const rowsOf = (name: string) => `rows of ${name}`;
const pickedOf = (name: string) => `picked of ${name}`;
