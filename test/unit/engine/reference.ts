import type { Random } from '../../../src/base/random.ts';
import { type DataType, type HostTensor, tensor } from '../../../src/engine/tensor.ts';

/** Arrays of any rank in plain JavaScript and double precision: what the engine is measured against. */
export interface Nd {
  readonly shape: readonly number[];
  readonly data: number[];
}

export type Index = readonly number[];

/** The array whose element at each index is `f(index)`. */
export function build(shape: readonly number[], f: (index: Index) => number): Nd {
  const size = shape.reduce((a, b) => a * b, 1);
  const data = Array.from({ length: size }, (_, position) => {
    const index: number[] = [];
    let rest = position;
    for (const axisSize of shape.toReversed()) {
      index.unshift(rest % axisSize);
      rest = Math.floor(rest / axisSize);
    }
    return f(index);
  });
  return { shape, data };
}

/** An element; the array is broadcast to the index: missing axes in front, axes of size 1 repeated. */
export function at(nd: Nd, index: Index): number {
  const own = index.slice(index.length - nd.shape.length);
  return nd.data[
    nd.shape.reduce((position, size, axis) => position * size + (size === 1 ? 0 : own[axis]!), 0)
  ]!;
}

export function broadcast(...shapes: (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map(shape => shape.length));
  return Array.from({ length: rank }, (_, i) =>
    Math.max(...shapes.map(shape => shape[shape.length - rank + i] ?? 1)),
  );
}

/** `f` element by element, with broadcasting. */
export function map(f: (...x: number[]) => number, ...operands: Nd[]): Nd {
  return build(broadcast(...operands.map(nd => nd.shape)), index => f(...operands.map(nd => at(nd, index))));
}

export function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const x of numbers) total += x;
  return total;
}

/** The elements of a line along `axis` through `index`. */
export function line(nd: Nd, index: Index, axis: number): number[] {
  return Array.from({ length: nd.shape[axis]! }, (_, i) => at(nd, index.with(axis, i)));
}

/** The gradient of a scalar function by the elements of `x`, by central differences. */
export function differences(f: (x: Nd) => number, x: Nd, step = 1e-5): number[] {
  return x.data.map((value, i) => {
    const moved = (by: number) => f({ ...x, data: x.data.with(i, value + by) });
    return (moved(step) - moved(-step)) / (2 * step);
  });
}

export function normals(random: Random, shape: readonly number[]): Nd {
  return single(build(shape, () => random.normal()));
}

/** Numbers of [low, high). */
export function uniform(random: Random, shape: readonly number[], low: number, high: number): Nd {
  return single(build(shape, () => low + (high - low) * random.uniform()));
}

/** Whole numbers below `n`. */
export function indices(random: Random, shape: readonly number[], n: number): Nd {
  return build(shape, () => random.below(n));
}

/** Rounded to single precision, so that the engine and the reference start from the same numbers. */
function single(nd: Nd): Nd {
  return { shape: nd.shape, data: nd.data.map(Math.fround) };
}

/** A shape of `rank` axes of 1 to 4. */
export function shapeOf(random: Random, rank: number): number[] {
  return Array.from({ length: rank }, () => 1 + random.below(4));
}

/** A shape that broadcasts to `shape`: some axes made 1, some left away in front. */
export function narrower(random: Random, shape: readonly number[]): number[] {
  return shape.slice(random.below(shape.length + 1)).map(size => (random.below(3) === 0 ? 1 : size));
}

export function toTensor(nd: Nd, dtype: DataType = 'float32'): HostTensor {
  return tensor(dtype, nd.shape, nd.data);
}
