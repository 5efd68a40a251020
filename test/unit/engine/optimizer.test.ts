import { describe, expect, test } from 'vitest';
import { Random } from '../../../src/base/random.ts';
import { sharedFloats } from '../../../src/base/shared.ts';
import { gradients } from '../../../src/engine/gradient.ts';
import { Graph, type Value } from '../../../src/engine/graph.ts';
import { HostAdamW } from '../../../src/engine/host-adamw.ts';
import { add, matmul, mul, reduceSum, sub, tanh } from '../../../src/engine/operators.ts';
import {
  type AdamWSettings,
  adamW,
  defaultAdamW,
  type HostTrainable,
  learningRateShare,
} from '../../../src/engine/optimizer.ts';
import type { Tensor } from '../../../src/engine/tensor.ts';
import { compile } from './compile.ts';
import { normals, sum, toTensor } from './reference.ts';

/** AdamW as Algorithm 2 of Loshchilov and Hutter (2019) states it, with PyTorch's product of rate and decay. */
class PlainAdamW {
  readonly moments = new Map<string, { m: number[]; v: number[] }>();

  readonly settings: AdamWSettings;
  readonly decayed: ReadonlySet<string>;

  constructor(settings: AdamWSettings, decayed: ReadonlySet<string>) {
    this.settings = settings;
    this.decayed = decayed;
  }

  /** Changes `parameters` in place and returns the norm of the gradients. */
  step(t: number, rate: number, parameters: Map<string, number[]>, gradients: Map<string, number[]>): number {
    const { beta1, beta2, epsilon, weightDecay, maxGradientNorm } = this.settings;
    const norm = Math.hypot(...[...gradients.values()].flat());
    const factor = Math.min(1, maxGradientNorm / norm);
    for (const [name, x] of parameters) {
      const { m, v } = this.moments.get(name) ?? { m: x.map(() => 0), v: x.map(() => 0) };
      this.moments.set(name, { m, v });
      for (const [i, raw] of gradients.get(name)!.entries()) {
        const g = raw * factor;
        m[i] = beta1 * m[i]! + (1 - beta1) * g;
        v[i] = beta2 * v[i]! + (1 - beta2) * g * g;
        const decay = this.decayed.has(name) ? weightDecay * x[i]! : 0;
        const ratio = m[i]! / (1 - beta1 ** t) / (Math.sqrt(v[i]! / (1 - beta2 ** t)) + epsilon);
        x[i] = x[i]! - rate * (ratio + decay);
      }
    }
    return norm;
  }
}

const random = Random.seeded(2);
const [rows, inner, columns] = [5, 4, 3];
const start = { matrix: normals(random, [inner, columns]), bias: normals(random, [columns]) };
const x = normals(random, [rows, inner]);
const y = normals(random, [rows, columns]);

/** `Σ (tanh(x·matrix + bias) − y)²` of the graph, with its optimiser. */
function model(settings: AdamWSettings) {
  const graph = new Graph('regression');
  const matrix = graph.input('matrix', 'float32', [inner, columns]);
  const bias = graph.input('bias', 'float32', [columns]);
  const error = sub(
    tanh(add(matmul(graph.constant(toTensor(x)), matrix), bias)),
    graph.constant(toTensor(y)),
  );
  const loss = reduceSum(mul(error, error));
  const [byMatrix, byBias] = gradients(loss, [matrix, bias]) as [Value, Value];
  const optimizer = adamW(
    [
      { parameter: matrix, gradient: byMatrix, decay: true },
      { parameter: bias, gradient: byBias, decay: false },
    ],
    settings,
  );
  return { graph, loss, optimizer };
}

/** The same loss's gradients by hand, in double precision. */
function plainGradients(matrix: number[], bias: number[]) {
  const byMatrix = matrix.map(() => 0);
  const byBias = bias.map(() => 0);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const row = x.data.slice(r * inner, (r + 1) * inner);
      const out = Math.tanh(sum(row.map((value, k) => value * matrix[k * columns + c]!)) + bias[c]!);
      const slope = 2 * (out - y.data[r * columns + c]!) * (1 - out * out);
      byBias[c] = byBias[c]! + slope;
      for (const [k, value] of row.entries())
        byMatrix[k * columns + c] = byMatrix[k * columns + c]! + slope * value;
    }
  }
  return new Map([
    ['matrix', byMatrix],
    ['bias', byBias],
  ]);
}

const initial = () => ({ matrix: toTensor(start.matrix), bias: toTensor(start.bias) });

describe('AdamW in the graph', () => {
  test.each<[string, AdamWSettings]>([
    ['as it comes', defaultAdamW],
    ['with decay, clipped', { ...defaultAdamW, weightDecay: 0.1, maxGradientNorm: 0.5 }],
    [
      'with decay, never clipped',
      { ...defaultAdamW, weightDecay: 0.1, maxGradientNorm: Number.POSITIVE_INFINITY },
    ],
    ['with other rates of forgetting', { ...defaultAdamW, beta1: 0.8, beta2: 0.95, epsilon: 1e-3 }],
  ])('ten steps equal plain arithmetic: %s', async (_, settings) => {
    const { graph, loss, optimizer } = model(settings);
    const program = await compile(graph, { loss, ...optimizer.outputs }, { device: 'cpu', threads: 1 });
    const plain = new PlainAdamW(settings, new Set(['matrix']));
    const expected = new Map([
      ['matrix', [...start.matrix.data]],
      ['bias', [...start.bias.data]],
    ]);
    let state: Record<string, Tensor> = { ...initial(), ...optimizer.initialMoments() };
    const losses: number[] = [];
    for (let step = 1; step <= 10; step++) {
      const rate = 0.1 / step;
      const results = await program.run({ ...state, ...optimizer.scalars(step, rate) });
      state = optimizer.state(results);
      losses.push((await results.loss.floats())[0]!);
      const norm = plain.step(
        step,
        rate,
        expected,
        plainGradients(expected.get('matrix')!, expected.get('bias')!),
      );
      expect((await results.gradientNorm.floats())[0]! / norm).toBeCloseTo(1, 5);
    }
    expect(Object.keys(state).toSorted()).toEqual(
      ['bias', 'bias.moment1', 'bias.moment2', 'matrix', 'matrix.moment1', 'matrix.moment2'].toSorted(),
    );
    for (const [name, numbers] of expected) {
      const { m, v } = plain.moments.get(name)!;
      for (const [key, wanted] of [
        [name, numbers],
        [`${name}.moment1`, m],
        [`${name}.moment2`, v],
      ] as const) {
        const actual = await state[key]!.floats();
        const worst = Math.max(...wanted.map((number, i) => Math.abs(number - actual[i]!)));
        expect(worst, key).toBeLessThan(1e-5);
      }
    }
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
    await program.dispose();
  });

  test('a gradient of zero leaves everything as it is, but for the decay', async () => {
    const graph = new Graph('still');
    const w = graph.input('w', 'float32', [2]);
    const [gradient] = gradients(reduceSum(mul(w, 0)), [w]) as [Value];
    const optimizer = adamW([{ parameter: w, gradient, decay: true }], { ...defaultAdamW, weightDecay: 0.5 });
    const program = await compile(graph, optimizer.outputs, { device: 'cpu', threads: 1 });
    const feeds = { w: toTensor({ shape: [2], data: [2, -4] }), ...optimizer.initialMoments() };
    const results = await program.run({ ...feeds, ...optimizer.scalars(1, 0.5) });
    expect(await results.w!.floats()).toEqual(Float32Array.of(1.5, -3));
    expect(await results.gradientNorm.floats()).toEqual(Float32Array.of(0));
    await program.dispose();
  });
});

describe('AdamW in main memory', () => {
  const settings = { ...defaultAdamW, weightDecay: 0.1, maxGradientNorm: 0.5 };
  const [height, width] = [6, 3];
  const table = normals(random, [height, width]).data;
  const bias = normals(random, [4]).data;
  /** The rows that steps have gradients for, in this order. */
  const given = [[4, 1], [1], [0, 5, 1], [4], [2, 3]];

  async function steps(others: 'zero' | 'untouched') {
    const optimizer = new HostAdamW(settings, 1);
    const moments = (size: number) => ({ moment1: new Float32Array(size), moment2: new Float32Array(size) });
    const tensors = {
      table: { data: Float32Array.from(table), ...moments(table.length) },
      bias: { data: Float32Array.from(bias), ...moments(bias.length) },
    };
    const plain = new PlainAdamW(settings, new Set(['table']));
    const expected = new Map([
      ['table', [...table]],
      ['bias', [...bias]],
    ]);
    for (const [i, rows] of given.entries()) {
      const gradient = normals(random, [rows.length, width]).data;
      const byBias = normals(random, [4]).data;
      const indices = Int32Array.from(rows);
      const trainables = [
        {
          ...tensors.table,
          gradient: Float32Array.from(gradient),
          decay: true,
          rows: { indices, width, others },
        },
        { ...tensors.bias, gradient: Float32Array.from(byBias), decay: false },
      ];
      const { norm, finite } = await optimizer.step(trainables, { step: i + 1, learningRate: 0.1 });
      expect(finite).toBe(true);
      const whole = table.map(() => 0);
      for (const [k, row] of rows.entries())
        for (let j = 0; j < width; j++) whole[row * width + j] = gradient[k * width + j]!;
      const byName = new Map([
        ['table', whole],
        ['bias', byBias],
      ]);
      expect(norm / plain.step(i + 1, 0.1, expected, byName)).toBeCloseTo(1, 6);
    }
    return { tensors, expected };
  }

  test('equals plain arithmetic, with gradients for some rows of a table', async () => {
    const { tensors, expected } = await steps('zero');
    for (const [name, wanted] of expected) {
      const { data } = tensors[name as keyof typeof tensors];
      expect(Math.max(...wanted.map((x, i) => Math.abs(x - data[i]!)))).toBeLessThan(1e-5);
    }
  });

  test('leaves other rows untouched if told to', async () => {
    const { tensors } = await steps('untouched');
    // Row 0 had its only gradient in the third of five steps, so that its moments are those of that step.
    const share = 1 - settings.beta1;
    const [m, v] = [tensors.table.moment1[0]!, tensors.table.moment2[0]!];
    expect(v / (1 - settings.beta2)).toBeCloseTo((m / share) ** 2, 6);
  });

  test('gives the same numbers with several threads', async () => {
    const [height, width] = [500, 1000];
    const sizes = { matrix: 1_500_000, other: 1_200_000, bias: 1000, table: height * width };
    const own = (length: number): Float32Array => new Float32Array(length);
    const run = async (threads: number, floats: (length: number) => Float32Array, ofGradient = own) => {
      const random = Random.seeded(4);
      const numbers = (made: Float32Array) => {
        for (let i = 0; i < made.length; i++) made[i] = random.uniform() - 0.5;
        return made;
      };
      const tensors = Object.entries(sizes).map(([name, size]) => ({
        ...{ data: numbers(floats(size)), moment1: floats(size), moment2: floats(size) },
        ...{ decay: name !== 'bias', isTable: name === 'table' },
      }));
      const optimizer = new HostAdamW(settings, threads);
      const norms: number[] = [];
      for (const [i, rows] of [
        [499, 3, 4],
        [7, 3, 10, 123],
      ].entries()) {
        const trainables = tensors.map(({ isTable, ...tensor }): HostTrainable => {
          if (!isTable) return { ...tensor, gradient: numbers(ofGradient(tensor.data.length)) };
          const indices = Int32Array.from(rows);
          const gradient = numbers(own(rows.length * width));
          return { ...tensor, gradient, rows: { indices, width, others: 'zero' } };
        });
        const { norm, finite } = await optimizer.step(trainables, { step: i + 1, learningRate: 0.1 });
        expect(finite).toBe(true);
        norms.push(norm);
      }
      optimizer.dispose();
      return { arrays: tensors.flatMap(({ data, moment1, moment2 }) => [data, moment1, moment2]), norms };
    };
    const alone = await run(1, own);
    const others = [
      await run(3, sharedFloats, sharedFloats),
      await run(3, sharedFloats),
      // Threads would change copies of these.
      await run(3, own),
    ];
    const bytes = ({ buffer }: Float32Array) => Buffer.from(buffer);
    for (const { arrays, norms } of others) {
      expect(norms).toEqual(alone.norms);
      for (const [i, array] of alone.arrays.entries())
        expect(Buffer.compare(bytes(array), bytes(arrays[i]!))).toBe(0);
    }
  });

  test('tells of numbers that are no longer finite', async () => {
    const one = { data: Float32Array.of(1), moment1: new Float32Array(1), moment2: new Float32Array(1) };
    const step = (gradient: number, learningRate: number) =>
      new HostAdamW(defaultAdamW, 1).step([{ ...one, gradient: Float32Array.of(gradient), decay: false }], {
        ...{ step: 1, learningRate },
      });
    expect(await step(Number.NaN, 1)).toEqual({ norm: Number.NaN, finite: false });
    expect([...one.data, ...one.moment1, ...one.moment2]).toEqual([1, 0, 0]);
    expect(await step(1, 1e39)).toEqual({ norm: 1, finite: false });
  });
});

describe('the learning rate', () => {
  test('rises, is at its peak after warm-up, and falls to a last step above zero', () => {
    const linear = Array.from({ length: 8 }, (_, i) => learningRateShare(i + 1, 3, 8, 'linear'));
    expect(linear).toEqual([
      1 / 4,
      2 / 4,
      3 / 4,
      1,
      4 / 5,
      expect.closeTo(3 / 5),
      expect.closeTo(2 / 5),
      expect.closeTo(1 / 5),
    ]);
    const cosine = [4, 5, 6].map(step => learningRateShare(step, 2, 6, 'cosine'));
    expect(cosine).toEqual([
      expect.closeTo((1 + Math.SQRT1_2) / 2),
      expect.closeTo(1 / 2),
      expect.closeTo((1 - Math.SQRT1_2) / 2),
    ]);
  });

  test('of which all is warm-up rises to the end', () => {
    const shares = Array.from({ length: 4 }, (_, i) => learningRateShare(i + 1, 4, 4, 'linear'));
    expect(shares).toEqual([1 / 5, 2 / 5, 3 / 5, 4 / 5]);
  });

  test('without warm-up it begins at its peak, and after the last step it is zero', () => {
    for (const decay of ['linear', 'cosine'] as const) {
      expect(learningRateShare(1, 0, 10, decay)).toBe(1);
      expect(learningRateShare(11, 0, 10, decay)).toBe(0);
      expect(learningRateShare(15, 2, 10, decay)).toBe(0);
    }
  });
});
