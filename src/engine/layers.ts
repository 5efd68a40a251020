import { pulledBack } from './gradient.ts';
import { fusible, type Value } from './graph.ts';
import {
  add,
  after,
  cast,
  concat,
  div,
  expand,
  mapBlocks,
  matmul,
  mul,
  neg,
  pow,
  reduceMean,
  reduceSum,
  reshape,
  sigmoid,
  slice,
  softmax,
  sqrt,
  squeeze,
  sub,
  sumOfRows,
  tanh,
  transpose,
  transposeLast,
  unsqueeze,
  withGradient,
} from './operators.ts';

/* Layers of transformers, made of operators. Weights have the shapes that PyTorch gives them. */

/** `x Wᵀ + b`. @param x `[…, in]` @param weight `[out, in]` @param bias `[out]` */
export function linear(x: Value, weight: Value, bias?: Value): Value {
  // One product of two matrices, whatever the axes before the last: batched ones are slower.
  const rows = matmul(reshape(x, [-1, x.shape.at(-1)!]), transpose(weight));
  const y = reshape(rows, [...x.shape.slice(0, -1), weight.shape[0]!]);
  const shifted = bias === undefined ? y : add(y, bias);
  return fusible(shifted, {
    kind: 'standard',
    inputs: [x, weight, ...(bias === undefined ? [] : [bias])],
    emit(emitter, [x, weight, bias], output) {
      const operands = [x!, emitter.node('Transpose', [weight!], { perm: [1, 0] })];
      if (bias === undefined) emitter.node('MatMul', operands, {}, output);
      else emitter.node('Add', [bias, emitter.node('MatMul', operands)], {}, output);
    },
  });
}

/** What a feed-forward layer is made of. */
export interface FeedForward {
  /** Projections to the inner width: `weight` is `[width, size]`, `bias` `[width]`. */
  readonly inner: readonly { readonly weight: Value; readonly bias?: Value }[];
  /** What is made of them, element by element. */
  readonly activate: (hidden: readonly Value[]) => Value;
  /** Back from it: `[size, width]`. */
  readonly outer: Value;
}

/**
 * A layer that treats each row alike and is wide inside: `activate(x W₁ᵀ + b₁, …) Wᵀ`.
 * @param x `[…, size]` @param like goes through blocks of as many rows as it has, which stay in the processor's cache, and of
 * which gradients keep what `activate` is made from; the rows of `x` have to be whole blocks
 */
export function feedForward(x: Value, layer: FeedForward, like?: Value): Value {
  const { inner, activate, outer } = layer;
  if (like === undefined)
    return linear(activate(inner.map(({ weight, bias }) => linear(x, weight, bias))), outer);
  const size = x.shape.at(-1)!;
  const width = outer.shape[1]!;
  const learned = [
    ...inner.flatMap(({ weight, bias }) => (bias === undefined ? [weight] : [weight, bias])),
    outer,
  ];
  // In parts as wide as x: holes that one leaves in the runtime's memory fit the others (measured: `docs/performance.md`).
  const count = width % size === 0 ? width / size : 1;
  const parts = Array.from({ length: count }, (_, i) => {
    const part = (x: Value, axis: number) => (count === 1 ? x : slice(x, axis, i * size, (i + 1) * size));
    return {
      inner: inner.map(({ weight, bias }) => ({ weight: part(weight, 0), bias: bias && part(bias, 0) })),
      outer: part(outer, 1),
    };
  });
  const rows = reshape(x, [-1, size]);
  const [made, ...hidden] = mapBlocks([rows], like, ([x]) => {
    const hidden = parts.map(({ inner }) => inner.map(({ weight, bias }) => linear(x!, weight, bias)));
    const made = parts.map(({ outer }, i) => linear(activate(hidden[i]!), outer)).reduce(add);
    return [made, ...hidden.flat()];
  }) as [Value, ...Value[]];
  return withGradient(reshape(made, x.shape), [x, ...learned], gradient => {
    const byRows = reshape(gradient, rows.shape);
    const of = (values: readonly Value[], part: number) =>
      values.slice(part * inner.length, (part + 1) * inner.length);
    const [byX, ...others] = mapBlocks([byRows, ...hidden], like, ([gradient, ...hidden]) => {
      const made = parts.map(({ outer }, i) => {
        const own = of(hidden, i);
        const active = activate(own);
        return { active, byHidden: pulledBack(active, matmul(gradient!, outer), own) };
      });
      const byX = made
        .flatMap(({ byHidden }, i) => byHidden.map((by, k) => matmul(by, parts[i]!.inner[k]!.weight)))
        .reduce(add);
      return [byX, ...made.map(({ active }) => active), ...made.flatMap(({ byHidden }) => byHidden)];
    }) as [Value, ...Value[]];
    const [active, byHidden] = [others.slice(0, count), others.slice(count)];
    const joined = (axis: number, of: (part: number) => Value) =>
      concat(
        parts.map((_, part) => of(part)),
        axis,
      );
    return [
      reshape(byX, x.shape),
      ...inner.flatMap(({ bias }, k) => {
        const own = (part: number) => of(byHidden, part)[k]!;
        const byWeight = joined(0, part => matmul(transpose(own(part)), rows));
        return bias === undefined ? [byWeight] : [byWeight, joined(0, part => sumOfRows(own(part)))];
      }),
      joined(1, part => matmul(transpose(byRows), active[part]!)),
    ];
  });
}

/** Zhang and Sennrich's normalisation of the last axis, arXiv 1910.07467. @param gain `[last axis]` */
export function rmsNorm(x: Value, gain: Value, epsilon: number): Value {
  const mean = (x: Value) => reduceMean(x, [-1], { keepDims: true });
  const scale = div(1, sqrt(add(mean(mul(x, x)), epsilon)));
  const normalised = mul(x, scale);
  const direction = withGradient(normalised, [x], gradient => [
    mul(sub(gradient, mul(normalised, mean(mul(gradient, normalised)))), scale),
  ]);
  return fusible(mul(direction, gain), {
    kind: 'standard',
    inputs: [x, gain, x.graph.constant(2), x.graph.constant(epsilon)],
    // In the form that ONNX Runtime knows and makes one operator of.
    emit(emitter, [x, gain, two, epsilon], output) {
      const squares = emitter.node('Pow', [x!, two!]);
      const mean = emitter.node('ReduceMean', [squares, emitter.ints([-1])], { keepdims: 1 });
      const root = emitter.node('Sqrt', [emitter.node('Add', [mean, epsilon!])]);
      emitter.node('Mul', [gain!, emitter.node('Div', [x!, root])], {}, output);
    },
  });
}

/** GELU by its approximation with tanh. */
export function geluTanh(x: Value): Value {
  const inner = mul(add(x, mul(pow(x, 3), 0.044715)), Math.sqrt(2 / Math.PI));
  return fusible(mul(mul(x, 0.5), add(tanh(inner), 1)), {
    kind: 'standard',
    inputs: [x],
    emit: (emitter, inputs, output) => emitter.node('Gelu', inputs, { approximate: 'tanh' }, output),
  });
}

/** `x σ(x)`. */
export function silu(x: Value): Value {
  return mul(x, sigmoid(x));
}

/**
 * Su et al.'s rotary position embedding, arXiv 2104.09864, in the halves that Llama and Qwen rotate.
 * @param x `[…, size]` @param cosine, sine broadcast to the same
 */
export function rotary(x: Value, cosine: Value, sine: Value): Value {
  const half = x.shape.at(-1)! / 2;
  const turned = concat([neg(slice(x, -1, half, 2 * half)), slice(x, -1, 0, half)], -1);
  return add(mul(x, cosine), mul(turned, sine));
}

/** `[…, length, heads, size]` as `[…, heads, length, size]`, and back. */
function exchanged(x: Value): Value {
  const { length } = x.shape;
  return transpose(x, [...[...x.shape.keys()].slice(0, -3), length - 2, length - 3, length - 1]);
}

/** What dropout keeps of attention's shares. */
export interface Kept {
  /** `bool[texts, heads, length, length]` */
  readonly mask: Value;
  /** That the others grow by. */
  readonly scale: number;
}

/** How queries, keys and values are divided. */
interface Heads {
  readonly heads: number;
  /** Heads of keys and values: with fewer than of queries, each serves as many queries in a row. */
  readonly groups?: number;
}

/**
 * Scaled dot-product attention, arXiv 1706.03762; with fewer heads of keys and values than of queries grouped-query attention,
 * arXiv 2305.13245.
 * @param q `[texts, length, heads · size]` @param k, v `[texts, length, groups · size]`
 * @param bias `[texts, 1, length, length]`, or for all queries `[texts, 1, 1, length]`; far below zero where a position must not
 * be seen
 * @returns `[texts, length, heads · size]`
 */
export function attention(
  q: Value,
  k: Value,
  v: Value,
  { heads, groups = heads }: Heads,
  bias: Value,
  kept?: Kept,
): Value {
  const [texts, length] = q.shape as [number, number];
  const split = (x: Value, count: number) => reshape(x, [texts, length, count, x.shape[2]! / count]);
  const attend = q.graph.textByText ? attentionTextByText : attentionOfAll;
  const projections = [split(q, heads), split(k, groups), split(v, groups)] as const;
  const result = reshape(attend(projections, { heads, groups }, bias, kept), q.shape);
  if (kept !== undefined) return result;
  return fusible(result, {
    kind: 'runtime',
    inputs: [q, k, v, expand(bias, [texts, 1, length, length])],
    emit: (emitter, inputs, output) =>
      emitter.node('Attention', inputs, { q_num_heads: heads, kv_num_heads: groups }, output),
  });
}

type Projections = readonly [q: Value, k: Value, v: Value];

/** Attention of all texts at once. @param projections `[texts, length, heads or groups, size]` @returns the same of queries */
function attentionOfAll(
  projections: Projections,
  counts: Required<Heads>,
  bias: Value,
  kept: Kept | undefined,
): Value {
  const folded = fold(projections, counts);
  const terms = foldTerms(bias, kept, counts);
  return unfold(
    attended(folded, terms, folded, gradients => gradients),
    counts.heads,
  );
}

/**
 * What the queries see.
 * @param inputs that queries, keys and values are made of @param back from the gradients by these to those by the inputs
 */
function attended(
  [q, k, v]: Projections,
  terms: Terms,
  inputs: readonly Value[],
  back: (gradients: Projections) => readonly Value[],
): Value {
  const made = sharesOf([q, k], terms);
  const seen = matmul(drop(made, terms), v);
  return withGradient(seen, inputs, gradient => {
    // With the length of texts they become the largest part of what a step would keep.
    const shares = q.graph.recompute ? sharesOf([after(q, gradient), k], terms) : made;
    return back(pullBack([q, k, v], terms, shares, seen, gradient));
  });
}

/** The same text by text: its shares stay in the processor's cache, and are made again for gradients. */
function attentionTextByText(
  projections: Projections,
  counts: Required<Heads>,
  bias: Value,
  kept: Kept | undefined,
): Value {
  const { graph } = bias;
  const each = expand(bias, bias.shape.with(0, projections[0].shape[0]!));
  const given = [...projections, each, ...(kept === undefined ? [] : [kept.mask])];
  const foldAll = ([q, k, v, bias, mask]: readonly Value[]) =>
    [
      fold([q!, k!, v!], counts),
      foldTerms(bias!, kept && { mask: mask!, scale: kept.scale }, counts),
    ] as const;
  const [result] = graph.mapEach(given, own => {
    const [folded, terms] = foldAll(own);
    return [unfold(matmul(drop(sharesOf(folded, terms), terms), folded[2]), counts.heads)];
  }) as [Value];
  return withGradient(result, projections, gradient =>
    graph.mapEach([result, gradient, ...given], ([result, gradient, ...own]) => {
      const [folded, terms] = foldAll(own);
      const [seen, bySeen] = [result!, gradient!].map(x => foldHeads(x, counts.groups)) as [Value, Value];
      const gradients = pullBack(folded, terms, sharesOf(folded, terms), seen, bySeen);
      return gradients.map((gradient, i) => unfold(gradient, i === 0 ? counts.heads : counts.groups));
    }),
  );
}

/** What scores and shares meet, in the form of `fold`. */
interface Terms {
  readonly bias: Value;
  readonly kept?: Kept | undefined;
}

/**
 * The queries that share keys as one longer list, `[…, groups, heads / groups · length, size]`; keys and values
 * `[…, groups, length, size]`.
 */
function fold(projections: Projections, { groups }: Required<Heads>): Projections {
  const [q, k, v] = projections.map(x => foldHeads(x, groups)) as [Value, Value, Value];
  return [q, k, v];
}

function foldHeads(x: Value, groups: number): Value {
  const [length, heads, size] = x.shape.slice(-3) as [number, number, number];
  return reshape(exchanged(x), [...x.shape.slice(0, -3), groups, (heads / groups) * length, size]);
}

/** The reverse, to `[…, length, heads, size]`. */
function unfold(x: Value, heads: number): Value {
  const [groups, rows, size] = x.shape.slice(-3) as [number, number, number];
  return exchanged(reshape(x, [...x.shape.slice(0, -3), heads, (groups * rows) / heads, size]));
}

function foldTerms(bias: Value, kept: Kept | undefined, { heads, groups }: Required<Heads>): Terms {
  const share = heads / groups;
  // The bias of all queries that share keys is the same.
  const repeated =
    bias.shape.at(-2) === 1
      ? bias
      : concat(
          Array.from({ length: share }, () => bias),
          -2,
        );
  if (kept === undefined) return { bias: repeated };
  const { shape } = kept.mask;
  const folded = [...shape.slice(0, -3), groups, share * shape.at(-1)!, shape.at(-1)!];
  return { bias: repeated, kept: { ...kept, mask: reshape(kept.mask, folded) } };
}

function scaleOf(q: Value): number {
  return 1 / Math.sqrt(q.shape.at(-1)!);
}

function sharesOf([q, k]: readonly [q: Value, k: Value, ...unknown[]], { bias }: Terms): Value {
  return softmax(add(mul(matmul(q, transposeLast(k)), scaleOf(q)), bias));
}

function drop(shares: Value, { kept }: Terms): Value {
  return kept === undefined ? shares : mul(shares, mul(cast(kept.mask, shares.dtype), kept.scale));
}

/** The gradients by queries, keys and values. @param gradient by what was `seen` */
function pullBack(
  [q, k, v]: Projections,
  terms: Terms,
  shares: Value,
  seen: Value,
  gradient: Value,
): [Value, Value, Value] {
  const scale = scaleOf(q);
  // The softmax's part needs Σ shares · dShares, which is Σ seen · dSeen, of a smaller tensor (FlashAttention,
  // arXiv 2205.14135, appendix B).
  const total = reduceSum(mul(seen, gradient), [-1], { keepDims: true });
  const byScores = mul(shares, sub(drop(matmul(gradient, transposeLast(v)), terms), total));
  return [
    mul(matmul(byScores, k), scale),
    mul(matmul(transposeLast(byScores), q), scale),
    matmul(transposeLast(drop(shares, terms)), gradient),
  ];
}

/**
 * Attention whose queries, keys and values come of one product.
 * @param projected `[texts, length, 3 · width]`: queries, keys, values @param bias, kept as for `attention`
 * @returns `[texts, length, width]`
 */
export function selfAttention(projected: Value, heads: number, bias: Value, kept?: Kept): Value {
  const [texts, length, width] = projected.shape as [number, number, number];
  const third = width / 3;
  const parts = transpose(reshape(projected, [texts, length, 3, heads, third / heads]), [2, 0, 3, 1, 4]);
  const split = [0, 1, 2].map(part => squeeze(slice(parts, 0, part, part + 1), 0)) as [Value, Value, Value];
  const result = attended(split, { bias, kept }, [projected], gradients => {
    const byParts = concat(
      gradients.map(part => unsqueeze(part, 0)),
      0,
    );
    return [reshape(transpose(byParts, [1, 3, 0, 2, 4]), projected.shape)];
  });
  const joined = reshape(exchanged(result), [texts, length, third]);
  if (kept !== undefined) return joined;
  return fusible(joined, {
    kind: 'runtime',
    inputs: [projected, expand(bias, [texts, 1, length, length])],
    emit(emitter, [projected, bias], output) {
      const parts = [0, third, 2 * third].map(start => {
        const bounds = [start, start + third, -1].map(bound => emitter.ints([bound]));
        return emitter.node('Slice', [projected!, ...bounds]);
      });
      const counts = { q_num_heads: heads, kv_num_heads: heads };
      emitter.node('Attention', [...parts, bias!], counts, output);
    },
  });
}
