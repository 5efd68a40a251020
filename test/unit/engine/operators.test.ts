import { describe, expect, test } from 'vitest';
import type { Random } from '../../../src/base/random.ts';
import type { Value } from '../../../src/engine/graph.ts';
import * as operators from '../../../src/engine/operators.ts';
import { type Case, checkDrawn, device } from './check.ts';
import {
  at,
  broadcast,
  build,
  indices,
  line,
  map,
  type Nd,
  narrower,
  normals,
  shapeOf,
  sum,
  uniform,
} from './reference.ts';

const elementwise =
  (apply: (x: Value) => Value, f: (x: number) => number, low = -2, high = 2) =>
  (random: Random): Case => ({
    inputs: [uniform(random, shapeOf(random, random.below(4)), low, high)],
    apply,
    reference: x => map(f, x),
  });

const pairwise =
  (apply: (a: Value, b: Value) => Value, f: (a: number, b: number) => number, [low, high] = [-2, 2]) =>
  (random: Random): Case => {
    const shape = shapeOf(random, random.below(4));
    const other = narrower(random, shape);
    const [a, b] = random.below(2) === 0 ? [shape, other] : [other, shape];
    return {
      inputs: [normals(random, a), uniform(random, b, low, high)],
      apply,
      reference: (x, y) => map(f, x, y),
    };
  };

const alongAxis =
  (apply: (x: Value, axis?: number) => Value, f: (x: number, line: number[]) => number) =>
  (random: Random): Case => {
    const shape = shapeOf(random, 1 + random.below(3));
    const axis = random.below(shape.length);
    // As seen from the end, or from the front.
    const given = random.below(2) === 0 ? axis : axis - shape.length;
    return {
      inputs: [normals(random, shape)],
      apply: x => apply(x, given),
      reference: x => build(shape, index => f(at(x, index), line(x, index, axis))),
    };
  };

const reduction =
  (apply: typeof operators.reduceSum, f: (x: number[]) => number) =>
  (random: Random): Case => {
    const shape = shapeOf(random, 1 + random.below(3));
    const axes = [...shape.keys()].filter(() => random.below(2) === 0);
    const keepDims = random.below(2) === 0;
    const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
    return {
      inputs: [normals(random, shape)],
      apply: x =>
        apply(
          x,
          axes.map(axis => (random.below(2) === 0 ? axis : axis - shape.length)),
          { keepDims },
        ),
      reference(x) {
        const { data } = build(kept, index => {
          const members: number[] = [];
          build(shape, other => {
            if (other.every((i, axis) => axes.includes(axis) || i === index[axis]))
              members.push(at(x, other));
            return 0;
          });
          return f(members);
        });
        return { shape: keepDims ? kept : shape.filter((_, axis) => !axes.includes(axis)), data };
      },
    };
  };

/** Moved to quarters plus `offset`, so that no element lies near 0 or near an element of another offset. */
const offKinks = (nd: Nd, offset: number): Nd => map(x => Math.round(4 * x) / 4 + offset, nd);

/** The error function by its Taylor series: exact to double precision for |x| ≤ 2. */
function erfSeries(x: number): number {
  let term = x;
  let total = x;
  for (let n = 1; n < 60; n++) {
    term *= (-x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}

const cases: Record<string, (random: Random) => Case> = {
  add: pairwise(operators.add, (a, b) => a + b),
  sub: pairwise(operators.sub, (a, b) => a - b),
  mul: pairwise(operators.mul, (a, b) => a * b),
  div: pairwise(operators.div, (a, b) => a / b, [0.5, 3]),
  less(random) {
    const drawn = pairwise(operators.less, (a, b) => Number(a < b))(random);
    return {
      ...drawn,
      inputs: drawn.inputs.map((nd, i) => offKinks(nd, i / 8)),
      apply: (a, b) => operators.cast(operators.less(a, b), 'float32'),
    };
  },
  where(random) {
    const shape = shapeOf(random, random.below(4));
    return {
      inputs: [
        indices(random, narrower(random, shape), 2),
        normals(random, shape),
        normals(random, narrower(random, shape)),
      ],
      dtypes: ['bool'],
      apply: operators.where,
      reference: (condition, a, b) => map((c, x, y) => (c === 1 ? x : y), condition, a, b),
    };
  },
  neg: elementwise(operators.neg, x => -x),
  exp: elementwise(operators.exp, Math.exp),
  log: elementwise(operators.log, Math.log, 0.3, 3),
  sqrt: elementwise(operators.sqrt, Math.sqrt, 0.3, 3),
  tanh: elementwise(operators.tanh, Math.tanh),
  cos: elementwise(operators.cos, Math.cos),
  sin: elementwise(operators.sin, Math.sin),
  sigmoid: elementwise(operators.sigmoid, x => 1 / (1 + Math.exp(-x))),
  relu(random) {
    const drawn = elementwise(operators.relu, x => Math.max(0, x))(random);
    return { ...drawn, inputs: drawn.inputs.map(nd => offKinks(nd, 1 / 8)) };
  },
  erf: elementwise(operators.erf, erfSeries),
  gelu: elementwise(operators.gelu, x => (x * (1 + erfSeries(x * Math.SQRT1_2))) / 2),
  layerNorm(random) {
    const shape = [...shapeOf(random, random.below(3)), 2 + random.below(4)];
    const last = shape.slice(-1);
    const epsilon = 0.1;
    return {
      inputs: [normals(random, shape), normals(random, last), normals(random, last)],
      apply: (x, gain, shift) => operators.layerNorm(x, gain, shift, epsilon),
      reference: (x, gain, shift) =>
        build(shape, index => {
          const own = line(x, index, shape.length - 1);
          const mean = sum(own) / own.length;
          const variance = sum(own.map(value => (value - mean) ** 2)) / own.length;
          const i = index.slice(-1);
          return ((at(x, index) - mean) / Math.sqrt(variance + epsilon)) * at(gain, i) + at(shift, i);
        }),
    };
  },
  withGradient(random) {
    const shape = shapeOf(random, random.below(4));
    // The square of x, whose gradient is given; what it was computed from must not add its own.
    return {
      inputs: [normals(random, shape)],
      apply: x =>
        operators.withGradient(operators.mul(x, x), [x], gradient => [
          operators.mul(operators.mul(gradient, x), 2),
        ]),
      reference: x => map(value => value * value, x),
    };
  },
  after(random) {
    const shape = shapeOf(random, random.below(4));
    return {
      inputs: [normals(random, shape), normals(random, shapeOf(random, 1 + random.below(3)))],
      // The other only tells when: the result and its gradient are those of x alone.
      apply: (x, trigger) => operators.after(operators.mul(x, x), operators.neg(trigger)),
      reference: x => map(value => value * value, x),
    };
  },
  pow(random) {
    const exponent = [-1.5, -1, 0.5, 2, 3][random.below(5)]!;
    return elementwise(
      x => operators.pow(x, exponent),
      x => x ** exponent,
      0.5,
      2,
    )(random);
  },
  cast: elementwise(
    // WebGPU has no float64; a cast to the same type is none.
    x => operators.cast(operators.cast(x, device === 'cpu' ? 'float64' : 'float32'), 'float32'),
    x => x,
  ),
  matmul(random) {
    const batch = shapeOf(random, random.below(3));
    const [rows, inner, columns] = shapeOf(random, 3) as [number, number, number];
    const shapes = [
      [...narrower(random, batch), rows, inner],
      [...narrower(random, batch), inner, columns],
    ] as const;
    return {
      inputs: shapes.map(shape => normals(random, shape)),
      apply: (a, b) => operators.matmul(a, b),
      reference: (a, b) =>
        build([...broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2)), rows, columns], index => {
          const [i, j] = index.slice(-2) as [number, number];
          const front = index.slice(0, -2);
          return sum(
            Array.from({ length: inner }, (_, k) => at(a, [...front, i, k]) * at(b, [...front, k, j])),
          );
        }),
    };
  },
  softmax: alongAxis(operators.softmax, (x, all) => Math.exp(x) / sum(all.map(Math.exp))),
  logSoftmax: alongAxis(operators.logSoftmax, (x, all) => x - Math.log(sum(all.map(Math.exp)))),
  reduceSum: reduction(operators.reduceSum, sum),
  reduceMax: reduction(operators.reduceMax, x => Math.max(...x)),
  reduceMean: reduction(operators.reduceMean, x => sum(x) / x.length),
  transpose(random) {
    const shape = shapeOf(random, random.below(4));
    const permutation = random.shuffle([...shape.keys()]);
    return {
      inputs: [normals(random, shape)],
      apply: x => operators.transpose(x, permutation),
      reference: x =>
        build(
          permutation.map(axis => shape[axis]!),
          index =>
            at(
              x,
              shape.map((_, axis) => index[permutation.indexOf(axis)]!),
            ),
        ),
    };
  },
  reshape(random) {
    const [a, b, c] = shapeOf(random, 3) as [number, number, number];
    const [shape, found] = [
      [
        [a * b, -1],
        [a * b, c],
      ],
      [[-1], [a * b * c]],
      [
        [c, 1, b, -1],
        [c, 1, b, a],
      ],
    ][random.below(3)] as [number[], number[]];
    return {
      inputs: [normals(random, [a, b, c])],
      apply: x => operators.reshape(x, shape),
      reference: x => ({ shape: found, data: x.data }),
    };
  },
  expand(random) {
    const shape = shapeOf(random, random.below(4));
    return {
      inputs: [normals(random, narrower(random, shape))],
      apply: x => operators.expand(x, shape),
      reference: x => build(shape, index => at(x, index)),
    };
  },
  slice(random) {
    const shape = shapeOf(random, 1 + random.below(3));
    const axis = random.below(shape.length);
    const start = random.below(shape[axis]!);
    const end = start + 1 + random.below(shape[axis]! - start);
    return {
      inputs: [normals(random, shape)],
      apply: x => operators.slice(x, random.below(2) === 0 ? axis : axis - shape.length, start, end),
      reference: x =>
        build(shape.with(axis, end - start), index => at(x, index.with(axis, index[axis]! + start))),
    };
  },
  concat(random) {
    const shape = shapeOf(random, 1 + random.below(3));
    const axis = random.below(shape.length);
    const sizes = shapeOf(random, 1 + random.below(3));
    return {
      inputs: sizes.map(size => normals(random, shape.with(axis, size))),
      apply: (...x) => operators.concat(x, random.below(2) === 0 ? axis : axis - shape.length),
      reference: (...x) =>
        build(shape.with(axis, sum(sizes)), index => {
          let [part, position] = [0, index[axis]!];
          while (position >= sizes[part]!) position -= sizes[part++]!;
          return at(x[part]!, index.with(axis, position));
        }),
    };
  },
  inBlocks(random) {
    const [count, size, width] = [1 + random.below(3), 1 + random.below(3), 1 + random.below(3)];
    return {
      inputs: [normals(random, [count * size, width]), normals(random, [size])],
      apply: (x, like) => operators.inBlocks(x, like),
      reference: x => ({ shape: [count, size, width], data: x.data }),
    };
  },
  fromBlocks(random) {
    const [count, size, width] = [1 + random.below(3), 1 + random.below(3), 1 + random.below(3)];
    return {
      inputs: [normals(random, [count, size, width]), normals(random, [size])],
      apply: (x, like) => operators.fromBlocks(x, like, count * size),
      reference: x => ({ shape: [count * size, width], data: x.data }),
    };
  },
  gather(random) {
    const table = [2 + random.below(4), ...shapeOf(random, random.below(3))];
    const which = indices(random, shapeOf(random, random.below(3)), table[0]!);
    return {
      inputs: [normals(random, table), which],
      dtypes: [undefined, 'int32'],
      apply: (x, i) => operators.gather(x, i),
      reference: x =>
        build([...which.shape, ...table.slice(1)], index =>
          at(x, [at(which, index.slice(0, which.shape.length)), ...index.slice(which.shape.length)]),
        ),
    };
  },
  scatterAdd(random) {
    const size = 2 + random.below(4);
    const which = indices(random, shapeOf(random, random.below(3)), size);
    const row = shapeOf(random, random.below(3));
    const updates = [...which.shape, ...row];
    return {
      inputs: [which, normals(random, updates)],
      dtypes: ['int32'],
      apply: (i, x) => operators.scatterAdd(i, x, size),
      reference(_, x) {
        const table = build([size, ...row], () => 0);
        const rowSize = row.reduce((a, b) => a * b, 1);
        for (const [i, value] of x.data.entries()) {
          table.data[which.data[Math.floor(i / rowSize)]! * rowSize + (i % rowSize)]! += value;
        }
        return table;
      },
    };
  },
};

test('every operator has a case', () => {
  expect(Object.keys(cases).toSorted()).toEqual([...operators.operators.keys()].toSorted());
});

describe('results and gradients equal plain arithmetic and finite differences', () => {
  test.each(Object.entries(cases))('%s', (_, make) => checkDrawn(make));
});
