import type { Value } from './graph.ts';
import { add, div, logSoftmax, mul, neg, reduceSum, sqrt, where } from './operators.ts';

/**
 * Rows (along the last axis) of length 1: `x / √(Σx² + ε)`. With this ε under the root a row of zeros stays zero and has a
 * finite gradient, and rows longer than 1e-3 are normalised to the precision of `float32`.
 */
export function l2Normalise(x: Value, epsilon = 1e-12): Value {
  return div(x, sqrt(add(reduceSum(mul(x, x), [-1], { keepDims: true }), epsilon)));
}

/**
 * Logits of which a softmax leaves out those that are not in `kept` (`bool`, broadcast). They become −1e9, not −∞, so that
 * a product with zero stays zero.
 */
export function keepLogits(logits: Value, kept: Value): Value {
  return where(kept, logits, -1e9);
}

/**
 * Cross entropy `−Σ t · log softmax(logits)` along the last axis, which the result is without. `targets` are
 * distributions: one-hot rows for one right class.
 */
export function crossEntropy(logits: Value, targets: Value): Value {
  return neg(reduceSum(mul(targets, logSoftmax(logits)), [-1]));
}
