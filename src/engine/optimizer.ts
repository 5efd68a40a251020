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
  for (const [i, { parameter, gradient, decay }] of trainables.entries()) {
    const { name, dtype, shape } = parameter;
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
