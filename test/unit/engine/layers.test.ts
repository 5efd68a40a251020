import { describe, test } from 'vitest';
import type { Random } from '../../../src/base/random.ts';
import type { Graph, Value } from '../../../src/engine/graph.ts';
import {
  attention,
  feedForward,
  geluTanh,
  type Kept,
  rmsNorm,
  rotary,
  selfAttention,
  silu,
} from '../../../src/engine/layers.ts';
import { mul, relu, reshape } from '../../../src/engine/operators.ts';
import { tensor } from '../../../src/engine/tensor.ts';
import { type Case, checkDrawn, device } from './check.ts';
import { at, build, line, map, type Nd, normals, shapeOf, sum, uniform } from './reference.ts';

/** Dropout of a part of attention's shares, and by what it multiplies them. */
function dropout(random: Random, shape: readonly number[]): { kept: Nd; factors: Nd } {
  const kept = map(x => (x < 0.3 ? 0 : 1), uniform(random, shape, 0, 1));
  return { kept, factors: map(x => 1.5 * x, kept) };
}

/** As a layer takes it. */
function keptIn(graph: Graph, { shape, data }: Nd): Kept {
  return { mask: graph.constant(tensor('bool', shape, Uint8Array.from(data))), scale: 1.5 };
}

/** `[texts, length, heads · size]` as `[texts, heads, length, size]`, and back. */
function split(x: Nd, heads: number): Nd {
  const [texts, length, width] = x.shape as [number, number, number];
  const size = width / heads;
  return build([texts, heads, length, size], ([n, h, i, s]) => at(x, [n!, i!, h! * size + s!]));
}

function join(x: Nd): Nd {
  const [texts, heads, length, size] = x.shape as [number, number, number, number];
  return build([texts, length, heads * size], ([n, i, c]) =>
    at(x, [n!, Math.floor(c! / size), i!, c! % size]),
  );
}

/** Attention by its definition. @param q `[texts, heads, length, size]` @param k, v with as many heads or fewer */
function attended(q: Nd, k: Nd, v: Nd, bias: Nd, kept: Nd): Nd {
  const [texts, heads, length, size] = q.shape as [number, number, number, number];
  const share = heads / k.shape[1]!;
  const positions = [...Array(length).keys()];
  const scores = build([texts, heads, length, length], ([n, h, i, j]) => {
    const group = Math.floor(h! / share);
    const product = sum(
      Array.from({ length: size }, (_, s) => at(q, [n!, h!, i!, s]) * at(k, [n!, group, j!, s])),
    );
    return product / Math.sqrt(size) + at(bias, [n!, h!, i!, j!]);
  });
  return build(q.shape, ([n, h, i, s]) => {
    const row = line(scores, [n!, h!, i!, 0], 3).map(Math.exp);
    const total = sum(row);
    return sum(
      positions.map(
        j => (row[j]! / total) * at(kept, [n!, h!, i!, j]) * at(v, [n!, Math.floor(h! / share), j, s!]),
      ),
    );
  });
}

/** For each text its last positions are padding, which no position sees. */
function padded(random: Random, texts: number, length: number): { bias: Nd; mask: Nd } {
  const lengths = Array.from({ length: texts }, () => 1 + random.below(length));
  const mask = build([texts, length], ([n, j]) => (j! < lengths[n!]! ? 1 : 0));
  return { mask, bias: build([texts, 1, 1, length], ([n, , , j]) => (at(mask, [n!, j!]) === 1 ? 0 : -1e4)) };
}

const layers: Readonly<Record<string, (random: Random) => Case>> = {
  attention(random) {
    const groups = 1 + random.below(2);
    const [texts, length, size] = [1 + random.below(2), 1 + random.below(4), 1 + random.below(3)];
    const heads = groups * (1 + random.below(3));
    const { kept, factors } = dropout(random, [texts, heads, length, length]);
    const causal = build([1, 1, length, length], ([, , i, j]) => (j! <= i! ? 0 : -1e4));
    const bias = random.below(2) === 0 ? causal : padded(random, texts, length).bias;
    const rows = [texts, length, groups * size];
    return {
      inputs: [normals(random, [texts, length, heads * size]), normals(random, rows), normals(random, rows)],
      constants: [bias],
      apply: (q, k, v, bias) => attention(q!, k!, v!, { heads, groups }, bias!, keptIn(q!.graph, kept)),
      reference: (q, k, v) =>
        join(attended(split(q, heads), split(k, groups), split(v, groups), bias, factors)),
    };
  },
  selfAttention(random) {
    const [texts, heads, length, size] = [1 + random.below(2), 1 + random.below(3), 1 + random.below(4), 2];
    const { kept, factors } = dropout(random, [texts, heads, length, length]);
    const { bias } = padded(random, texts, length);
    return {
      inputs: [normals(random, [texts, length, 3 * heads * size])],
      constants: [bias],
      apply: (x, bias) => selfAttention(x!, heads, bias!, keptIn(x!.graph, kept)),
      reference(x) {
        const [q, k, v] = [0, 1, 2].map(part =>
          build([texts, heads, length, size], ([n, h, i, s]) =>
            at(x, [n!, i!, (part * heads + h!) * size + s!]),
          ),
        ) as [Nd, Nd, Nd];
        return join(attended(q, k, v, bias, factors));
      },
    };
  },
  rmsNorm(random) {
    const shape = [1 + random.below(3), 2 + random.below(4)];
    return {
      inputs: [normals(random, shape), normals(random, [shape[1]!])],
      apply: (x, gain) => rmsNorm(x!, gain!, 1e-2),
      reference: (x, gain) =>
        build(shape, index => {
          const row = line(x, index, 1);
          return (
            (at(x, index) / Math.sqrt(sum(row.map(each => each ** 2)) / row.length + 1e-2)) * at(gain, index)
          );
        }),
    };
  },
  rotary(random) {
    const [length, half] = [1 + random.below(4), 1 + random.below(3)];
    const shape = [1 + random.below(2), 2, length, 2 * half];
    const angles = uniform(random, [length, half], -3, 3);
    const table = (f: (x: number) => number) =>
      build([length, 2 * half], ([i, s]) => Math.fround(f(at(angles, [i!, s! % half]))));
    const [cosine, sine] = [table(Math.cos), table(Math.sin)];
    return {
      inputs: [normals(random, shape)],
      constants: [cosine, sine],
      apply: (x, cosine, sine) => rotary(x!, cosine!, sine!),
      reference: x =>
        build(shape, index => {
          const s = index[3]!;
          const other = at(x, index.with(3, (s + half) % (2 * half)));
          return (
            at(x, index) * at(cosine, index.slice(2)) + (s < half ? -other : other) * at(sine, index.slice(2))
          );
        }),
    };
  },
  silu: random => ({
    inputs: [uniform(random, shapeOf(random, 3), -4, 4)],
    apply: x => silu(x!),
    reference: x => map(x => x / (1 + Math.exp(-x)), x),
  }),
  geluTanh: random => ({
    inputs: [uniform(random, shapeOf(random, 3), -3, 3)],
    apply: x => geluTanh(x!),
    reference: x => map(x => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))), x),
  }),
  feedForward: random => feedForwardOf(random, 1),
};

/** Of whole blocks of rows, or, with a single one, of all at once. */
function feedForwardOf(random: Random, blocks: number): Case {
  const [height, size] = [1 + random.below(3), 1 + random.below(3)];
  const rows = blocks * height;
  // In parts, or not.
  const width = size * (1 + random.below(3)) + (size > 1 ? random.below(2) : 0);
  // No sum of the inner layer is near the place where it bends.
  const positive = (shape: number[]) => uniform(random, shape, 0.2, 1);
  const signs = build([width, 1], () => (random.below(2) === 0 ? 1 : -1));
  const bent = map((x, sign) => x! * sign!, positive([width, size]), signs);
  return {
    inputs: [
      positive([rows, size]),
      bent,
      map((x, sign) => x! * sign!, positive([width, 1]), signs),
      normals(random, [width, size]),
      normals(random, [size, width]),
    ],
    apply(x, bent, shift, straight, outer) {
      const inner = [{ weight: bent!, bias: reshape(shift!, [width]) }, { weight: straight! }];
      const activate = ([a, b]: readonly Value[]) => mul(relu(a!), b!);
      const like = x!.graph.constant(tensor('bool', [height], new Uint8Array(height)));
      return feedForward(x!, { inner, activate, outer: outer! }, blocks === 1 ? undefined : like);
    },
    reference(x, bent, shift, straight, outer) {
      const product = (weight: Nd, i: number, j: number) =>
        sum(Array.from({ length: size }, (_, s) => at(x, [i, s]) * at(weight, [j, s])));
      const hidden = build(
        [rows, width],
        ([i, j]) => Math.max(0, product(bent, i!, j!) + at(shift, [j!, 0])) * product(straight, i!, j!),
      );
      return build([rows, size], ([i, o]) =>
        sum(Array.from({ length: width }, (_, j) => at(hidden, [i!, j]) * at(outer, [o!, j]))),
      );
    },
  };
}

const ways = {
  'that keep what gradients need': { recompute: false },
  'that compute it again': { recompute: true },
};

describe.each(Object.entries(ways))('layers %s', (_, way) => {
  test.each(Object.entries(layers))(
    '%s equals plain arithmetic, its gradients finite differences',
    (_, make) => checkDrawn(make, way),
  );
});

// Loops are for the CPU.
describe.runIf(device === 'cpu').each<[string, (random: Random) => Case]>([
  ['attention text by text', layers.attention!],
  ['a feed-forward layer in blocks', random => feedForwardOf(random, 2 + random.below(2))],
])('%s', (_, make) => {
  test('equals plain arithmetic, its gradients finite differences', () =>
    checkDrawn(make, { textByText: true }));
});
