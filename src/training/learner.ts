import { sharedFloats } from '../base/shared.ts';
import type { Parameter, TrainableEncoder } from '../encoder/trainable.ts';
import { DeviceAdamW } from '../engine/device-adamw.ts';
import { toDevice } from '../engine/device-tensor.ts';
import { HostAdamW } from '../engine/host-adamw.ts';
import type { AdamWSettings, HostTrainable } from '../engine/optimizer.ts';
import { type Tensor, tensor } from '../engine/tensor.ts';

/** The moments of AdamW, by `<parameter>.moment1` and `.moment2`, of the shapes of the parameters. */
export type Moments = Map<string, Float32Array>;

export function initialMoments(model: TrainableEncoder): Moments {
  return new Map(
    [...model.parameters].flatMap(([name, { data }]) =>
      [`${name}.moment1`, `${name}.moment2`].map(moment => [moment, sharedFloats(data.length)] as const),
    ),
  );
}

/** Which rows of a table a step reads, each once. */
type Rows = ReadonlyMap<string, Int32Array>;

/** Where parameters and moments are while they are learned, and AdamW there. */
export interface Learner {
  /** What the graphs are fed with: parameters, of tables the rows. `picked` is the caller's to dispose of. */
  parameters(
    rows: Rows,
  ): Promise<{ readonly feeds: Record<string, Tensor>; readonly picked: readonly Tensor[] }>;
  /**
   * A step, counted from 1. Gradients on a GPU are disposed of.
   * @returns the norm of all gradients before clipping, and whether all is still a finite number; if not, parameters and
   * moments are not to be used
   */
  step(
    gradients: ReadonlyMap<string, Tensor>,
    rows: Rows,
    step: number,
    learningRate: number,
  ): Promise<{ readonly norm: number; readonly finite: boolean }>;
  /** Brings the model's parameters and the moments up to date in main memory. */
  read(): Promise<void>;
  dispose(): Promise<void>;
}

/** Learns in main memory, in the model's own arrays. */
export function hostLearner(
  model: TrainableEncoder,
  moments: Moments,
  settings: AdamWSettings,
  threads: number,
): Learner {
  const adamW = new HostAdamW(settings, threads);
  return {
    async parameters(rows) {
      const all = [...model.parameters, ...model.frozen].map(([name, { shape, data }]) => {
        const indices = rows.get(name);
        const own = indices === undefined ? data : gatherRows(data, widthOf(shape), indices);
        const height = indices === undefined ? shape : [indices.length, ...shape.slice(1)];
        return [name, tensor('float32', height, own)];
      });
      return { feeds: Object.fromEntries(all), picked: [] };
    },

    async step(gradients, rows, step, learningRate) {
      const trainables = await Promise.all(
        [...model.parameters].map(
          async ([name, { shape, data, decay, others = 'zero' }]): Promise<HostTrainable> => {
            const indices = rows.get(name);
            return {
              data,
              moment1: moments.get(`${name}.moment1`)!,
              moment2: moments.get(`${name}.moment2`)!,
              gradient: await gradients.get(name)!.floats(),
              decay,
              ...(indices && { rows: { indices, width: widthOf(shape), others } }),
            };
          },
        ),
      );
      return adamW.step(trainables, { step, learningRate });
    },

    async read() {},
    dispose: async () => adamW.dispose(),
  };
}

/** Learns in the memory of a GPU, where parameters and moments stay from step to step. */
export async function deviceLearner(
  model: TrainableEncoder,
  moments: Moments,
  settings: AdamWSettings,
  tables: ReadonlySet<string>,
): Promise<Learner> {
  const learned = [...model.parameters].map(([name, { shape, data, decay }]: [string, Parameter]) => {
    const [moment1, moment2] = [moments.get(`${name}.moment1`)!, moments.get(`${name}.moment2`)!];
    return [name, { shape, data, moment1, moment2, decay, table: tables.has(name) }] as const;
  });
  const state = await DeviceAdamW.on('webgpu', new Map(learned), settings);
  // Frozen tables are read row by row from main memory; what is read whole is copied once.
  const frozen: Record<string, Tensor> = {};
  try {
    for (const [name, { shape, data }] of model.frozen)
      if (!tables.has(name)) frozen[name] = await toDevice(tensor('float32', shape, data), 'webgpu');
  } catch (error) {
    for (const held of Object.values(frozen)) held.dispose();
    await state.dispose();
    throw error;
  }
  return {
    async parameters(rows) {
      const learnedRows = new Map([...rows].filter(([name]) => model.parameters.has(name)));
      const { feeds, picked } = await state.parameters(learnedRows);
      for (const [name, indices] of rows) {
        const table = model.frozen.get(name);
        if (table === undefined) continue;
        const own = gatherRows(table.data, widthOf(table.shape), indices);
        feeds[name] = tensor('float32', [indices.length, ...table.shape.slice(1)], own);
      }
      return { feeds: { ...frozen, ...feeds }, picked };
    },
    async step(gradients, rows, step, learningRate) {
      const learnedRows = new Map([...rows].filter(([name]) => model.parameters.has(name)));
      const { gradientNorm: norm } = await state.step(gradients, learnedRows, step, learningRate);
      return { norm, finite: Number.isFinite(norm) };
    },
    read: () => state.read(),
    async dispose() {
      for (const held of Object.values(frozen)) held.dispose();
      await state.dispose();
    },
  };
}

function widthOf(shape: readonly number[]): number {
  return shape.slice(1).reduce((product, size) => product * size, 1);
}

function gatherRows(table: Float32Array, width: number, indices: Int32Array): Float32Array {
  const rows = new Float32Array(indices.length * width);
  // Element by element: views of single rows would cost more than the copying.
  for (let i = 0; i < indices.length; i++) {
    const from = indices[i]! * width;
    const to = i * width;
    for (let j = 0; j < width; j++) rows[to + j] = table[from + j]!;
  }
  return rows;
}
