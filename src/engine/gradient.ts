import { LratError } from '../base/errors.ts';
import { ancestry, misuse, operandsOf, type Value } from './graph.ts';
import { add, after, expand, zeros } from './operators.ts';
import { describeType, sizeOf } from './tensor.ts';

/**
 * The gradients of a scalar by each of `wrt`, as values of the same graph (reverse mode). A value that the loss does not
 * depend on has gradient zero. Gradients of gradients work, as every gradient
 * is made of operators, except through loops (`Graph.mapEach`).
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
  const sourceOf = (value: Value) => (value.source.kind === 'node' ? value.source.node : value);
  const ends = new Set(wrt.map(sourceOf));
  const order = ancestry([result], value => (ends.has(sourceOf(value)) ? [] : operandsOf(value)));
  return reverse(order, gradient, wrt);
}

/** @param order what the last of them is computed from, each after what it needs @param gradient by the last */
function reverse(order: readonly Value[], gradient: Value, wrt: readonly Value[]): Value[] {
  // Only what lies between the wanted values and the result needs a gradient. Its depth: operators on the longest way from one.
  const depths = new Map<Value, number>(wrt.map(value => [value, 0]));
  for (const value of order) {
    const below = operandsOf(value).flatMap(operand => depths.get(operand) ?? []);
    if (below.length > 0) depths.set(value, 1 + Math.max(...below));
  }
  const byValue = new Map<Value, Value>([[order.at(-1)!, gradient]]);
  for (const value of order.toReversed()) {
    const gradient = byValue.get(value);
    if (gradient === undefined || !depths.has(value)) continue;
    if (value.source.kind === 'loop') misuse('gradient', [value], 'a loop has none of its own');
    if (value.source.kind !== 'node') continue;
    const { node } = value.source;
    const parts = node.vjp(value, gradient).flatMap((part, i) => {
      const depth = depths.get(node.inputs[i]!);
      return part === undefined || depth === undefined ? [] : [{ input: node.inputs[i]!, part, depth }];
    });
    const deepest = Math.max(...parts.map(({ depth }) => depth));
    // What the gradients by weights need is not kept until the way has been gone to its end.
    const first = parts.filter(({ depth, part }) => depth < deepest && part.shape.length > 0);
    for (const { input, part, depth } of parts) {
      const own = depth < deepest ? part : first.reduce((own, { part }) => after(own, part), part);
      const sum = byValue.get(input);
      byValue.set(input, sum === undefined ? own : add(sum, own));
    }
  }
  return wrt.map(value => byValue.get(value) ?? zeros(value));
}
