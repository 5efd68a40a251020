import type { Value } from './graph.ts';
import { add, div, less, mul, reduceSum, sqrt, sub, where } from './operators.ts';
import { scalar, type Tensor, zeroTensor } from './tensor.ts';

export interface AdamWSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Decoupled: a step also takes `learningRate · weightDecay` of each parameter that decays. */
  readonly weightDecay: number;
  /** Gradients whose common norm is greater are scaled down to it; `Infinity` leaves them as they are. */
  readonly maxGradientNorm: number;
}

/** Loshchilov and Hutter's optimiser with PyTorch's defaults for everything but the decay, and clipping at norm 1. */
export const defaultAdamW: AdamWSettings = {
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0,
  maxGradientNorm: 1,
};

/** A graph's input that is learned. */
export interface Trainable {
  /** Under which it and its moments are outputs; the parameter's own unless told. */
  readonly name?: string;
  readonly parameter: Value;
  readonly gradient: Value;
  /** Whether weight decay takes part of it: customary for matrices, not for biases and normalisations. */
  readonly decay: boolean;
}

/**
 * One optimiser step as part of a graph. What it learns and remembers is fed and given back under the same names, so that
 * a run's results are the next run's feeds.
 */
export interface Optimizer {
  /**
   * To be compiled with whatever else a step shall give: the new parameters under their names, the new moments under
   * `<parameter>.moment1` and `.moment2`, and `gradientNorm`, the norm of all gradients before clipping.
   */
  readonly outputs: { readonly gradientNorm: Value; readonly [name: string]: Value };
  /** Moments before the first step. */
  initialMoments(): Record<string, Tensor>;
  /** The scalars to feed in a step, counted from 1. */
  scalars(step: number, learningRate: number): Record<string, Tensor>;
  /** Of a step's results, the parameters and moments: what the next step starts from and a checkpoint keeps. */
  state(results: Readonly<Record<string, Tensor>>): Record<string, Tensor>;
}

/** Adds an AdamW step on `trainables` to their graph. */
export function adamW(trainables: readonly Trainable[], settings: AdamWSettings = defaultAdamW): Optimizer {
  const { beta1, beta2, epsilon, weightDecay, maxGradientNorm } = settings;
  const graph = trainables[0]?.parameter.graph;
  if (graph === undefined) throw new RangeError('an optimiser needs a parameter');
  // The bias corrections are differences of numbers close to each other: taken in double precision, outside of the graph.
  const learningRate = graph.input('learningRate', 'float32', []);
  const correction1 = graph.input('biasCorrection1', 'float32', []);
  const correction2 = graph.input('biasCorrection2', 'float32', []);
  const kept = sub(1, mul(learningRate, weightDecay));

  const squares = trainables.map(({ gradient }) => mul(gradient, gradient));
  const gradientNorm = sqrt(squares.map(square => reduceSum(square)).reduce(add));
  const clipping = where(less(maxGradientNorm, gradientNorm), div(maxGradientNorm, gradientNorm), 1);

  // Tensors of the size of the parameters are passed over as few times as possible; everything else is scalars:
  //   η/c₁ · m / (√(v/c₂) + ε)  =  (η√c₂/c₁) · m / (√v + ε√c₂)
  const root2 = sqrt(correction2);
  const stepSize = div(mul(learningRate, root2), correction1);
  const scaledEpsilon = mul(root2, epsilon);
  const gradientShare = mul(clipping, 1 - beta1);
  const squareShare = mul(mul(clipping, clipping), 1 - beta2);

  const outputs: Record<string, Value> = {};
  const moments: Value[] = [];
  for (const [i, { parameter, name = parameter.name, gradient, decay }] of trainables.entries()) {
    const { dtype, shape } = parameter;
    const moment1 = graph.input(`${name}.moment1`, dtype, shape);
    const moment2 = graph.input(`${name}.moment2`, dtype, shape);
    const newMoment1 = add(mul(moment1, beta1), mul(gradient, gradientShare));
    const newMoment2 = add(mul(moment2, beta2), mul(squares[i]!, squareShare));
    const direction = div(newMoment1, add(sqrt(newMoment2), scaledEpsilon));
    outputs[name] = sub(decay ? mul(parameter, kept) : parameter, mul(direction, stepSize));
    outputs[moment1.name] = newMoment1;
    outputs[moment2.name] = newMoment2;
    moments.push(moment1, moment2);
  }
  return {
    outputs: { ...outputs, gradientNorm },
    initialMoments: () => Object.fromEntries(moments.map(moment => [moment.name, zeroTensor(moment)])),
    scalars: (step, rate) => ({
      learningRate: scalar(rate),
      biasCorrection1: scalar(1 - beta1 ** step),
      biasCorrection2: scalar(1 - beta2 ** step),
    }),
    state(results) {
      return Object.fromEntries(Object.keys(outputs).map(name => [name, results[name]!]));
    },
  };
}

/** A parameter in main memory, what AdamW remembers of it, and its gradient. */
export interface HostTrainable {
  readonly data: Float32Array;
  readonly moment1: Float32Array;
  readonly moment2: Float32Array;
  /** For all elements, or for some rows of a table. */
  readonly gradient: Float32Array;
  readonly rows?: GradientRows;
  /** Whether weight decay takes part of it. */
  readonly decay: boolean;
}

/** Which rows of a table a gradient is of. */
export interface GradientRows {
  /** Row `i` of the gradient is of row `indices[i]`, each once. */
  readonly indices: Int32Array;
  /** Elements of a row. */
  readonly width: number;
  /**
   * What becomes of the other rows. `zero`: their gradient is zero, so that they move on by their moments and decay.
   * `untouched`: they and their moments stay as they are (PyTorch's SparseAdam), and a step costs as much as its rows.
   */
  readonly others: 'zero' | 'untouched';
}

/** A trainable of which, if it is a table, a thread changes every `parts`-th row, from row `part` on. */
export interface SharedTrainable extends Omit<HostTrainable, 'rows'> {
  readonly rows?: GradientRows & {
    readonly part: number;
    readonly parts: number;
    /** 1 for rows that have moments (see `movingRows`), which a step brings up to date. */
    readonly moving: Uint8Array;
  };
}

/** Four sums at a time: the processor does not wait for one of them. */
export function sumOfSquares(x: Float32Array): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  const end = x.length - (x.length % 4);
  for (let i = 0; i < end; i += 4) {
    a += x[i]! * x[i]!;
    b += x[i + 1]! * x[i + 1]!;
    c += x[i + 2]! * x[i + 2]!;
    d += x[i + 3]! * x[i + 3]!;
  }
  for (let i = end; i < x.length; i++) a += x[i]! * x[i]!;
  return a + b + c + d;
}

/**
 * AdamW in main memory, in place: the same as `adamW`, in one pass over each tensor instead of one per operator and
 * without a second copy of parameters and moments.
 * @param step counted from 1 @param norm of all gradients together, for the clipping
 * @returns whether all that was changed is still a finite number
 */
export function adamWInPlace(
  trainables: Iterable<SharedTrainable>,
  {
    step,
    learningRate,
    norm,
  }: { readonly step: number; readonly learningRate: number; readonly norm: number },
  { beta1, beta2, epsilon, weightDecay, maxGradientNorm }: AdamWSettings = defaultAdamW,
): boolean {
  const clipping = norm > maxGradientNorm ? maxGradientNorm / norm : 1;
  const root2 = Math.sqrt(1 - beta2 ** step);
  const factors = {
    beta1,
    beta2,
    gradientShare: clipping * (1 - beta1),
    squareShare: clipping * clipping * (1 - beta2),
    stepSize: (learningRate * root2) / (1 - beta1 ** step),
    epsilon: epsilon * root2,
  };
  let squares = 0;
  for (const trainable of trainables) {
    const kept = trainable.decay ? 1 - learningRate * weightDecay : 1;
    const { rows, data } = trainable;
    if (rows === undefined) {
      squares += update(trainable, 0, data.length, 0, kept, factors);
      continue;
    }
    const { indices, width, others, part, parts, moving } = rows;
    for (let i = 0; i < indices.length; i++) {
      if (indices[i]! % parts !== part) continue;
      moving[indices[i]!] = 1;
      squares += update(trainable, indices[i]! * width, width, i * width, kept, factors);
    }
    if (others === 'untouched') continue;
    const given = new Uint8Array(data.length / width);
    for (const index of indices) given[index] = 1;
    for (let row = part; row < given.length; row += parts) {
      if (given[row] === 1) continue;
      // A row that never had a gradient has no moments: it decays at most.
      if (moving[row] === 1) squares += drift(trainable, row * width, width, kept, factors);
      else if (kept !== 1) squares += shrink(data, row * width, width, kept);
    }
  }
  return squares < finiteSquares;
}

/** 1 for each row of a table that has moments other than zero; on memory that threads share. */
export function movingRows({ moment1, moment2 }: HostTrainable, width: number): Uint8Array {
  const moving = new Uint8Array(new SharedArrayBuffer(moment1.length / width));
  for (let i = 0; i < moment1.length; i++)
    if (moment1[i] !== 0 || moment2[i] !== 0) moving[Math.floor(i / width)] = 1;
  return moving;
}

interface Factors {
  readonly beta1: number;
  readonly beta2: number;
  readonly gradientShare: number;
  readonly squareShare: number;
  readonly stepSize: number;
  readonly epsilon: number;
}

/**
 * A moment plus this, less this, is the moment without what is below 2⁻¹²⁵: numbers that `float32` has no full precision for
 * cost the processor a hundred times as long, and change nothing. A comparison would cost more than the two sums.
 */
const coarse = 2 ** -73;

/** A sum of squares below this has no number that `float32` does not hold; not so one with NaN. */
const finiteSquares = 1e76;

/**
 * Elements of a parameter from `start` on, with their gradients from `from` on.
 * @returns the sum of their squares
 */
function update(
  { data, moment1, moment2, gradient }: SharedTrainable,
  start: number,
  length: number,
  from: number,
  kept: number,
  { beta1, beta2, gradientShare, squareShare, stepSize, epsilon }: Factors,
): number {
  let squares = 0;
  const end = start + length;
  for (let i = start, j = from; i < end; i++, j++) {
    const g = gradient[j]!;
    const m = moment1[i]! * beta1 + g * gradientShare + coarse - coarse;
    const v = moment2[i]! * beta2 + g * g * squareShare + coarse - coarse;
    moment1[i] = m;
    moment2[i] = v;
    const x = data[i]! * kept - (stepSize * m) / (Math.sqrt(v) + epsilon);
    data[i] = x;
    squares += x * x;
  }
  return squares;
}

/** The same where the gradient is zero. (The moments are written first: after `x` it takes three times as long.) */
function drift(
  { data, moment1, moment2 }: SharedTrainable,
  start: number,
  length: number,
  kept: number,
  { beta1, beta2, stepSize, epsilon }: Factors,
): number {
  let squares = 0;
  const end = start + length;
  for (let i = start; i < end; i++) {
    const m = moment1[i]! * beta1 + coarse - coarse;
    const v = moment2[i]! * beta2 + coarse - coarse;
    moment1[i] = m;
    moment2[i] = v;
    const x = data[i]! * kept - (stepSize * m) / (Math.sqrt(v) + epsilon);
    data[i] = x;
    squares += x * x;
  }
  return squares;
}

/** The same where the moments are zero as well. */
function shrink(data: Float32Array, start: number, length: number, kept: number): number {
  let squares = 0;
  const end = start + length;
  for (let i = start; i < end; i++) {
    const x = data[i]! * kept;
    data[i] = x;
    squares += x * x;
  }
  return squares;
}

export type Decay = 'linear' | 'cosine';

/**
 * The learning rate as a share of its peak in a step (counted from 1): it rises in a line over `warmup` steps, is 1 in the
 * step after them, and falls, in a line or along half a cosine, so that it would be 0 in the step after the last.
 */
export function learningRateShare(step: number, warmup: number, total: number, decay: Decay): number {
  if (step <= warmup) return step / (warmup + 1);
  const done = Math.min(1, (step - warmup - 1) / (total - warmup));
  return decay === 'linear' ? 1 - done : (1 + Math.cos(Math.PI * done)) / 2;
}
