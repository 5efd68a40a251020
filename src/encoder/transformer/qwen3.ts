import * as z from 'zod';
import type { Value } from '../../engine/graph.ts';
import { attention, feedForward, linear, rmsNorm, rotary, silu } from '../../engine/layers.ts';
import {
  add,
  cos,
  gather,
  less,
  mul,
  reshape,
  sin,
  slice,
  sub,
  unsqueeze,
  where,
} from '../../engine/operators.ts';
import { tensor } from '../../engine/tensor.ts';
import {
  type Architecture,
  joinedIds,
  matrix,
  numbered,
  type ParameterSpec,
  perBucket,
  unseen,
  vector,
} from './architecture.ts';

const configSchema = z.object({
  model_type: z.literal('qwen3'),
  hidden_size: z.int().positive(),
  num_hidden_layers: z.int().positive(),
  num_attention_heads: z.int().positive(),
  num_key_value_heads: z.int().positive(),
  head_dim: z.int().positive().multipleOf(2),
  intermediate_size: z.int().positive(),
  vocab_size: z.int().positive(),
  max_position_embeddings: z.int().positive(),
  rms_norm_eps: z.number().positive(),
  hidden_act: z.literal('silu'),
  attention_bias: z.literal(false).nullish(),
  use_sliding_window: z.literal(false).nullish(),
  rope_scaling: z.null().optional(),
  rope_theta: z.number().positive().optional(),
  /** Newer configs keep the base of the rotary embedding here. */
  rope_parameters: z
    .object({ rope_type: z.literal('default').optional(), rope_theta: z.number().positive() })
    .optional(),
});

/** Qwen3 (arXiv 2505.09388) without its language head: the decoder of Qwen3-Embedding (2506.05176). */
export function qwen3(config: unknown): Architecture {
  const parsed = configSchema.parse(config);
  const { hidden_size: hidden, num_hidden_layers: layers, intermediate_size: inner } = parsed;
  const { num_attention_heads: heads, num_key_value_heads: groups, head_dim: size } = parsed;
  const { vocab_size: vocabulary, rms_norm_eps: epsilon, max_position_embeddings: positions } = parsed;
  if (heads % groups !== 0)
    throw new RangeError(`${heads} heads do not share ${groups} heads of keys evenly`);
  const base = parsed.rope_parameters?.rope_theta ?? parsed.rope_theta ?? 10_000;
  return {
    family: 'qwen3',
    hidden,
    vocabulary,
    maxTokens: positions,
    words: 'embed_tokens.weight',
    dropout: { hidden: [], attention: numbered(layers, layer => [`${layer}`]), heads },
    widest: Math.max(hidden, heads * size, inner),
    bytesPerToken: 4 * layers * (12 * hidden + 8 * heads * size + 8 * inner + 3 * heads * 256),
    prefix: 'model.',
    parameters: new Map(specs()),

    forward(graph, parameter, buckets, { dropout, block } = {}) {
      const norm = (x: Value, name: string) => rmsNorm(x, parameter(`${name}.weight`), epsilon);
      const dense = (x: Value, name: string) => linear(x, parameter(`${name}.weight`));
      // Cut from a table of all positions, so that one graph may serve every length.
      const table = graph.constant(
        tensor(
          'float32',
          [positions],
          Float32Array.from({ length: positions }, (_, i) => i),
        ),
      );
      const perLength = new Map(
        buckets.map(tokens => {
          const places = slice(table, 0, 0, tokens.ids.shape[1]!);
          const padding = mul(sub(1, unsqueeze(unsqueeze(tokens.mask, 1), 1)), unseen);
          return [tokens, { ...turns(places), bias: add(padding, causal(places)) }];
        }),
      );
      let x = gather(parameter('embed_tokens.weight'), joinedIds(buckets));
      for (let layer = 0; layer < layers; layer++) {
        const at = `layers.${layer}`;
        const before = norm(x, `${at}.input_layernorm`);
        const project = (name: string) => dense(before, `${at}.self_attn.${name}_proj`);
        const normed = (name: string, count: number) => {
          const each = reshape(project(name), [...x.shape.slice(0, -1), count, size]);
          return reshape(norm(each, `${at}.self_attn.${name}_norm`), [...x.shape.slice(0, -1), count * size]);
        };
        const qkv = [normed('q', heads), normed('k', groups), project('v')];
        const seen = perBucket(qkv, buckets, ([q, k, v], tokens) => {
          const { cosine, sine, bias } = perLength.get(tokens)!;
          const turned = (own: Value, count: number) =>
            reshape(rotary(reshape(own, [...own.shape.slice(0, -1), count, size]), cosine, sine), own.shape);
          const kept = dropout?.attention(`${layer}`, tokens);
          return attention(turned(q!, heads), turned(k!, groups), v!, { heads, groups }, bias, kept);
        });
        x = add(x, dense(seen, `${at}.self_attn.o_proj`));
        const after = norm(x, `${at}.post_attention_layernorm`);
        const weight = (name: string) => parameter(`${at}.mlp.${name}_proj.weight`);
        const inner = [{ weight: weight('gate') }, { weight: weight('up') }];
        const activate = ([gate, up]: readonly Value[]) => mul(silu(gate!), up!);
        const fed = feedForward(after, { inner, activate, outer: weight('down') }, block);
        x = add(x, fed);
      }
      return norm(x, 'norm');
    },
  };

  /** Cosines and sines of the angles by which positions are turned, `[length, 1, size]`, both halves alike. */
  function turns(positions: Value): { cosine: Value; sine: Value } {
    const frequency = (i: number) => base ** ((-2 * (i % (size / 2))) / size);
    const frequencies = Float32Array.from({ length: size }, (_, i) => frequency(i));
    const angles = mul(
      unsqueeze(unsqueeze(positions, 1), 1),
      positions.graph.constant(tensor('float32', [1, size], frequencies)),
    );
    return { cosine: cos(angles), sine: sin(angles) };
  }

  function* specs(): Generator<[string, ParameterSpec]> {
    yield ['embed_tokens.weight', matrix(vocabulary, hidden)];
    for (let layer = 0; layer < layers; layer++) {
      const at = `layers.${layer}`;
      yield [`${at}.self_attn.q_proj.weight`, matrix(heads * size, hidden)];
      yield [`${at}.self_attn.k_proj.weight`, matrix(groups * size, hidden)];
      yield [`${at}.self_attn.v_proj.weight`, matrix(groups * size, hidden)];
      yield [`${at}.self_attn.o_proj.weight`, matrix(hidden, heads * size)];
      yield [`${at}.self_attn.q_norm.weight`, vector(size)];
      yield [`${at}.self_attn.k_norm.weight`, vector(size)];
      yield [`${at}.input_layernorm.weight`, vector(hidden)];
      yield [`${at}.post_attention_layernorm.weight`, vector(hidden)];
      yield [`${at}.mlp.gate_proj.weight`, matrix(inner, hidden)];
      yield [`${at}.mlp.up_proj.weight`, matrix(inner, hidden)];
      yield [`${at}.mlp.down_proj.weight`, matrix(hidden, inner)];
    }
    yield ['norm.weight', vector(hidden)];
  }
}

/** `[length, length]`: what follows a position is not seen from it. */
function causal(positions: Value): Value {
  const follows = less(unsqueeze(positions, 1), unsqueeze(positions, 0));
  return where(follows, positions.graph.constant(unseen), 0);
}
