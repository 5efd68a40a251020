import type { Value } from './graph.ts';
import {
  add,
  concat,
  div,
  erf,
  matmul,
  mul,
  neg,
  pow,
  reduceMean,
  reshape,
  sigmoid,
  slice,
  softmax,
  sqrt,
  sub,
  tanh,
  transpose,
} from './operators.ts';

/* Layers of transformers, made of operators. Weights have the shapes that PyTorch gives them. */

/** `x Wᵀ + b`. @param x `[…, in]` @param weight `[out, in]` @param bias `[out]` */
export function linear(x: Value, weight: Value, bias?: Value): Value {
  // One product of two matrices, whatever the axes before the last: batched ones are slower.
  const rows = matmul(reshape(x, [-1, x.shape.at(-1)!]), transpose(weight));
  const y = reshape(rows, [...x.shape.slice(0, -1), weight.shape[0]!]);
  return bias === undefined ? y : add(y, bias);
}

/** Ba, Kiros and Hinton's normalisation of the last axis, arXiv 1607.06450. @param gain, shift `[last axis]` */
export function layerNorm(x: Value, gain: Value, shift: Value, epsilon: number): Value {
  const centred = sub(x, reduceMean(x, [-1], { keepDims: true }));
  const variance = reduceMean(mul(centred, centred), [-1], { keepDims: true });
  return add(mul(div(centred, sqrt(add(variance, epsilon))), gain), shift);
}

/** Zhang and Sennrich's normalisation of the last axis, arXiv 1910.07467. @param gain `[last axis]` */
export function rmsNorm(x: Value, gain: Value, epsilon: number): Value {
  const square = reduceMean(mul(x, x), [-1], { keepDims: true });
  return mul(div(x, sqrt(add(square, epsilon))), gain);
}

/** The exact GELU, `x Φ(x)`, arXiv 1606.08415. */
export function gelu(x: Value): Value {
  return mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1));
}

/** GELU by its approximation with tanh. */
export function geluTanh(x: Value): Value {
  const inner = mul(add(x, mul(pow(x, 3), 0.044715)), Math.sqrt(2 / Math.PI));
  return mul(mul(x, 0.5), add(tanh(inner), 1));
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
 * @param bias broadcasts to `[texts, heads, length, length]`; far below zero where a position must not be seen
 */
export function attention(q: Value, k: Value, v: Value, bias: Value): Value {
  const [texts, heads, length, size] = q.shape as [number, number, number, number];
  const groups = k.shape[1]!;
  if (groups === heads) return attend(q, k, v, bias);
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
  return reshape(attend(folded, k, v, repeated), [texts, heads, length, size]);
}

function attend(q: Value, k: Value, v: Value, bias: Value): Value {
  const scores = div(matmul(q, transpose(k, [0, 1, 3, 2])), Math.sqrt(q.shape.at(-1)!));
  return matmul(softmax(add(scores, bias)), v);
}
