import { pulledBack } from './gradient.ts';
import { fusible, type Value } from './graph.ts';
import {
  add,
  after,
  concat,
  div,
  expand,
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
  tanh,
  transpose,
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

/** A tensor that is as wide as a layer is inside, along an axis. */
export interface Wide {
  readonly value: Value;
  readonly axis: number;
}

/**
 * A layer that is wide inside and a sum over this width: `make` of the whole, or, where the graph is `inParts`, the sum of
 * what it makes of parts that are as wide as `x`. These are no larger than anything else that a step keeps, and the holes
 * that one leaves in the runtime's memory fit the others (measured: `docs/performance.md`).
 * @param x `[…, in]` @param make from `x` and a part of each of `wide`, `[…, out]`
 */
export function inParts(
  x: Value,
  wide: readonly Wide[],
  make: (x: Value, parts: readonly Value[]) => Value,
): Value {
  const values = wide.map(({ value }) => value);
  const [width, size] = [wide[0]!.value.shape.at(wide[0]!.axis)!, x.shape.at(-1)!];
  if (!x.graph.inParts || width <= size || width % size !== 0) return make(x, values);
  const made = Array.from({ length: width / size }, (_, i) => {
    const parts = wide.map(({ value, axis }) => slice(value, axis, i * size, (i + 1) * size));
    return { parts, result: make(x, parts) };
  });
  const sum = made.map(({ result }) => result).reduce(add);
  // Slices would each give a gradient of the whole width, zeros but for their own.
  return withGradient(sum, [x, ...values], gradient => {
    const gradients = made.map(({ parts, result }) => pulledBack(result, gradient, [x, ...parts]));
    return [
      gradients.map(([byX]) => byX!).reduce(add),
      ...wide.map(({ axis }, k) =>
        concat(
          gradients.map(byParts => byParts[1 + k]!),
          axis,
        ),
      ),
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
 * @param x `[texts, heads, length, size]` @param cosine, sine `[length, size]`
 */
export function rotary(x: Value, cosine: Value, sine: Value): Value {
  const half = x.shape.at(-1)! / 2;
  const turned = concat([neg(slice(x, -1, half, 2 * half)), slice(x, -1, 0, half)], -1);
  return add(mul(x, cosine), mul(turned, sine));
}

/** `[texts, length, heads · size]` as `[texts, heads, length, size]`. */
export function splitHeads(x: Value, heads: number): Value {
  const [texts, length, width] = x.shape as [number, number, number];
  return transpose(reshape(x, [texts, length, heads, width / heads]), [0, 2, 1, 3]);
}

/** The reverse of `splitHeads`. */
export function joinHeads(x: Value): Value {
  const [texts, heads, length, size] = x.shape as [number, number, number, number];
  return reshape(transpose(x, [0, 2, 1, 3]), [texts, length, heads * size]);
}

/**
 * Scaled dot-product attention, arXiv 1706.03762. With fewer heads of keys and values than of queries, each serves as many
 * queries in a row (grouped-query attention, arXiv 2305.13245).
 * @param q `[texts, heads, length, size]` @param k, v `[texts, groups, length, size]`
 * @param bias broadcasts to `[texts, 1, length, length]`; far below zero where a position must not be seen
 * @param drop sets some of the shares `[texts, heads, length, length]` to zero and scales the others (dropout)
 */
export function attention(
  q: Value,
  k: Value,
  v: Value,
  bias: Value,
  { drop }: { readonly drop?: (shares: Value) => Value } = {},
): Value {
  const [texts, heads, length, size] = q.shape as [number, number, number, number];
  const groups = k.shape[1]!;
  // The queries that share keys stand as one longer list; their bias is the same.
  const share = heads / groups;
  const folded = reshape(q, [texts, groups, share * length, size]);
  const repeated =
    bias.shape.at(-2) === 1
      ? bias
      : concat(
          Array.from({ length: share }, () => bias),
          -2,
        );
  const dropFolded = (shares: Value) =>
    drop === undefined
      ? shares
      : reshape(drop(reshape(shares, [texts, heads, length, length])), shares.shape);
  const { seen, vjp } = attend(folded, k, v, repeated, dropFolded);
  const result = reshape(withGradient(seen, [folded, k, v], vjp), [texts, heads, length, size]);
  if (drop !== undefined) return result;
  return fusible(result, {
    kind: 'runtime',
    inputs: [q, k, v, expand(bias, [texts, 1, length, length])],
    emit: (emitter, inputs, output) => emitter.node('Attention', inputs, {}, output),
  });
}

/**
 * Attention whose queries, keys and values come of one product.
 * @param projected `[texts, length, 3 · width]`: queries, keys, values @param bias, drop as for `attention`
 * @returns `[texts, length, width]`
 */
export function selfAttention(
  projected: Value,
  heads: number,
  bias: Value,
  { drop }: { readonly drop?: (shares: Value) => Value } = {},
): Value {
  const [texts, length, width] = projected.shape as [number, number, number];
  const parts = transpose(reshape(projected, [texts, length, 3, heads, width / 3 / heads]), [2, 0, 3, 1, 4]);
  const [q, k, v] = [0, 1, 2].map(part => squeeze(slice(parts, 0, part, part + 1), 0)) as [
    Value,
    Value,
    Value,
  ];
  const { seen, vjp } = attend(q, k, v, bias, drop ?? (shares => shares));
  const joined = joinHeads(
    withGradient(seen, [projected], gradient => {
      const byParts = concat(
        vjp(gradient).map(part => unsqueeze(part, 0)),
        0,
      );
      return [reshape(transpose(byParts, [1, 3, 0, 2, 4]), projected.shape)];
    }),
  );
  if (drop !== undefined) return joined;
  return fusible(joined, {
    kind: 'runtime',
    inputs: [projected, expand(bias, [texts, 1, length, length])],
    emit(emitter, [projected, bias], output) {
      const third = width / 3;
      const parts = [0, third, 2 * third].map(start => {
        const bounds = [start, start + third, -1].map(bound => emitter.ints([bound]));
        return emitter.node('Slice', [projected!, ...bounds]);
      });
      const counts = { q_num_heads: heads, kv_num_heads: heads };
      emitter.node('Attention', [...parts, bias!], counts, output);
    },
  });
}

/** What the queries see, and its gradients by queries, keys and values. */
function attend(q: Value, k: Value, v: Value, bias: Value, drop: (shares: Value) => Value) {
  const scale = 1 / Math.sqrt(q.shape.at(-1)!);
  const sharesOf = (q: Value) => softmax(add(mul(matmul(q, turned(k)), scale), bias));
  const made = sharesOf(q);
  const seen = matmul(drop(made), v);
  const vjp = (gradient: Value): [Value, Value, Value] => {
    // With the length of texts they become the largest part of what a step would keep.
    const shares = q.graph.recompute ? sharesOf(after(q, gradient)) : made;
    const kept = drop(shares);
    // The softmax's part needs Σ shares · dShares, which is Σ seen · dSeen, of a smaller tensor (FlashAttention,
    // arXiv 2205.14135, appendix B).
    const total = reduceSum(mul(seen, gradient), [-1], { keepDims: true });
    const byScores = mul(shares, sub(drop(matmul(gradient, turned(v))), total));
    return [
      mul(matmul(byScores, k), scale),
      mul(matmul(turned(byScores), q), scale),
      matmul(turned(kept), gradient),
    ];
  };
  return { seen, vjp };
}

/** With the last two of four axes exchanged. */
function turned(x: Value): Value {
  return transpose(x, [0, 1, 3, 2]);
}
