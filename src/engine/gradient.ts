import { LratError } from '../base/errors.ts';
import { ancestry, type Value } from './graph.ts';
import { add, expand, zeros } from './operators.ts';
import { describeType, sizeOf } from './tensor.ts';

/**
 * The gradients of a scalar by each of `wrt`, as values of the same graph (reverse mode). A value that the loss does not
 * depend on has gradient zero. Gradients of gradients work, as every gradient is made of operators.
 *
 * @throws LratError if `loss` is no floating-point scalar.
 */
export function gradients(loss: Value, wrt: readonly Value[]): Value[] {
  if (sizeOf(loss.shape) !== 1 || (loss.dtype !== 'float32' && loss.dtype !== 'float64')) {
    throw new LratError(
      `the gradient of ${loss.name} ${describeType(loss)} was asked for; it is no scalar.`,
      {
        place: `graph '${loss.graph.name}'`,
      },
    );
  }
  return reverse(ancestry([loss]), expand(loss.graph.constant(1, loss.dtype), loss.shape), wrt);
}

/**
 * The vector-Jacobian product: from the gradient of a loss by `result`, those by each of `wrt`, as far as `result` is computed
 * from it directly and not from another of them.
 */
export function pulledBack(result: Value, gradient: Value, wrt: readonly Value[]): Value[] {
  const ends = new Set(wrt.flatMap(({ source }) => (source.kind === 'node' ? [source.node] : [])));
  const order = ancestry([result], node => (ends.has(node) ? [] : node.inputs));
  return reverse(order, gradient, wrt);
}

/** @param order what the last of them is computed from, each after what it needs @param gradient by the last */
function reverse(order: readonly Value[], gradient: Value, wrt: readonly Value[]): Value[] {
  const wanted = new Set(wrt);
  // Only what lies between the wanted values and the result needs a gradient.
  for (const value of order) {
    if (value.source.kind === 'node' && value.source.node.inputs.some(input => wanted.has(input)))
      wanted.add(value);
  }
  const byValue = new Map<Value, Value>([[order.at(-1)!, gradient]]);
  for (const value of order.toReversed()) {
    const gradient = byValue.get(value);
    if (gradient === undefined || value.source.kind !== 'node' || !wanted.has(value)) continue;
    const { node } = value.source;
    for (const [i, part] of node.vjp(value, gradient).entries()) {
      const input = node.inputs[i]!;
      if (part === undefined || !wanted.has(input)) continue;
      const sum = byValue.get(input);
      byValue.set(input, sum === undefined ? part : add(sum, part));
    }
  }
  return wrt.map(value => byValue.get(value) ?? zeros(value));
}
