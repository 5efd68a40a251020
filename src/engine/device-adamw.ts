import { toDevice } from './device-tensor.ts';
import { dynamicModel } from './dynamic.ts';
import { Graph, type Value } from './graph.ts';
import { type LoadedModel, loadModel } from './inference.ts';
import { concat, gather, reshape, scatterAdd, slice } from './operators.ts';
import { type AdamWSettings, adamW, defaultAdamW, type Optimizer } from './optimizer.ts';
import type { Device } from './runtime.ts';
import { type Shape, sizeOf, type Tensor, tensor } from './tensor.ts';

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
 * Parameters whose moments are one tensor, and which take a step as one: a GPU is told what to do operator by operator, and
 * of small tensors takes less time to do it than to be told.
 */
interface Group {
  readonly name: string;
  readonly members: readonly (readonly [name: string, learned: LearnedTensor])[];
}

/** Elements of a group that has more than one parameter. */
const groupSize = 2 ** 23;

/** Tables and large parameters are groups by themselves. */
function groupsOf(learned: ReadonlyMap<string, LearnedTensor>): Group[] {
  const groups: Group[] = [];
  const open = new Map<boolean, { members: [string, LearnedTensor][]; size: number }>();
  for (const [name, parameter] of learned) {
    const size = sizeOf(parameter.shape);
    if (parameter.table || size > groupSize / 2) {
      groups.push({ name: `group ${groups.length}`, members: [[name, parameter]] });
      continue;
    }
    let group = open.get(parameter.decay);
    if (group === undefined || group.size + size > groupSize) {
      group = { members: [], size: 0 };
      groups.push({ name: `group ${groups.length}`, members: group.members });
      open.set(parameter.decay, group);
    }
    group.members.push([name, parameter]);
    group.size += size;
  }
  return groups;
}

/**
 * Parameters and moments in the memory of a device, and AdamW on them there: between main memory and the device go, per
 * step, the rows that are read and one number.
 */
export class DeviceAdamW {
  readonly #learned: ReadonlyMap<string, LearnedTensor>;
  readonly #groups: readonly Group[];
  readonly #optimizer: Optimizer;
  readonly #update: LoadedModel<Tensor>;
  readonly #pick: LoadedModel<Tensor> | undefined;
  readonly #tables: readonly string[];
  #state: Record<string, Tensor>;

  private constructor(
    learned: ReadonlyMap<string, LearnedTensor>,
    groups: readonly Group[],
    optimizer: Optimizer,
    update: LoadedModel<Tensor>,
    pick: LoadedModel<Tensor> | undefined,
    state: Record<string, Tensor>,
  ) {
    this.#learned = learned;
    this.#groups = groups;
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
    const groups = groupsOf(learned);
    let optimizer: Optimizer | undefined;
    let kept: string[] = [];
    const updating = dynamicModel(
      (sizes: Readonly<Record<string, number>>) => {
        const graph = new Graph('AdamW');
        const inputsOf = ([name, { shape, table }]: Group['members'][number]) => {
          const parameter = graph.input(name, 'float32', shape);
          if (!table) return { parameter, gradient: graph.input(gradientOf(name), 'float32', shape) };
          const count = sizes[rowsOf(name)]!;
          const gradient = graph.input(gradientOf(name), 'float32', [count, ...shape.slice(1)]);
          const rows = graph.input(rowsOf(name), 'int32', [count]);
          return { parameter, gradient: scatterAdd(rows, gradient, shape[0]!, { distinct: true }) };
        };
        const trainables = groups.map(({ name, members }) => {
          const inputs = members.map(inputsOf);
          const [[, { decay }]] = members as [Group['members'][number]];
          const joined = (values: readonly Value[]) =>
            values.length === 1
              ? values[0]!
              : concat(
                  values.map(value => reshape(value, [-1])),
                  0,
                );
          const parameter = joined(inputs.map(({ parameter }) => parameter));
          return { name, parameter, gradient: joined(inputs.map(({ gradient }) => gradient)), decay };
        });
        optimizer = adamW(trainables, settings);
        const outputs: Record<string, Value> = {};
        for (const [name, value] of Object.entries(optimizer.outputs)) {
          const members = groups.find(group => group.name === name)?.members;
          if (members === undefined) outputs[nextOf(name)] = value;
          else
            for (const [name, { shape, start, end }] of spans(members))
              outputs[nextOf(name)] =
                members.length === 1 ? value : reshape(slice(value, 0, start, end), shape);
        }
        kept = Object.keys(outputs).filter(name => name !== nextOf('gradientNorm'));
        return { graph, outputs };
      },
      new Map(),
      undefined,
      tables.map(name => [rowsOf(name)]),
    );
    const update = await loadModel(updating, { device, threads, keep: kept });
    const state: Record<string, Tensor> = {};
    try {
      for (const [name, { shape, data }] of learned)
        state[name] = await toDevice(tensor('float32', shape, data), device);
      for (const { name, members } of groups) {
        const shape = members.length === 1 ? members[0]![1].shape : [spans(members).at(-1)![1].end];
        for (const moment of moments) {
          const numbers = new Float32Array(sizeOf(shape));
          for (const [, { learned, start }] of spans(members)) numbers.set(learned[moment], start);
          state[`${name}.${moment}`] = await toDevice(tensor('float32', shape, numbers), device);
        }
      }
      return new DeviceAdamW(
        learned,
        groups,
        optimizer!,
        update,
        await picking(device, learned, threads),
        state,
      );
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
    for (const [name, { data }] of this.#learned) data.set(await this.#state[name]!.floats());
    for (const { name, members } of this.#groups) {
      for (const moment of moments) {
        const numbers = await this.#state[`${name}.${moment}`]!.floats();
        for (const [, { learned, start, end }] of spans(members))
          learned[moment].set(numbers.subarray(start, end));
      }
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

const moments = ['moment1', 'moment2'] as const;

/** Where the elements of each member are in the tensor of a group. */
function spans(members: Group['members']) {
  let end = 0;
  return members.map(([name, learned]) => {
    const start = end;
    end += sizeOf(learned.shape);
    return [name, { learned, shape: learned.shape, start, end }] as const;
  });
}

const nextOf = (name: string) => `next ${name}`;
const gradientOf = (name: string) => `gradient of ${name}`;
const rowsOf = (name: string) => `rows of ${name}`;
const pickedOf = (name: string) => `picked of ${name}`;
