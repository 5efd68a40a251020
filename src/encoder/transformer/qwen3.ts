import * as z from 'zod';
import type { Graph, Value } from '../../engine/graph.ts';
import { attention, joinHeads, linear, rmsNorm, rotary, silu, splitHeads } from '../../engine/layers.ts';
import { add, gather, mul, sub, unsqueeze } from '../../engine/operators.ts';
import { tensor } from '../../engine/tensor.ts';
import { type Architecture, matrix, type ParameterSpec, unseen, vector } from './architecture.ts';

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
  const { vocab_size: vocabulary, rms_norm_eps: epsilon } = parsed;
  if (heads % groups !== 0)
    throw new RangeError(`${heads} heads do not share ${groups} heads of keys evenly`);
  const base = parsed.rope_parameters?.rope_theta ?? parsed.rope_theta ?? 10_000;
  return {
    family: 'qwen3',
    hidden,
    vocabulary,
    maxTokens: parsed.max_position_embeddings,
    prefix: 'model.',
    parameters: new Map(specs()),

    forward(graph, parameter, { ids, mask }) {
      const [, length] = ids.shape as [number, number];
      const norm = (x: Value, name: string) => rmsNorm(x, parameter(`${name}.weight`), epsilon);
      const dense = (x: Value, name: string) => linear(x, parameter(`${name}.weight`));
      const { cosine, sine } = turns(graph, length);
      const padding = mul(sub(1, unsqueeze(unsqueeze(mask, 1), 1)), unseen);
      const bias = add(padding, causal(graph, length));
      let x = gather(parameter('embed_tokens.weight'), ids);
      for (let layer = 0; layer < layers; layer++) {
        const at = `layers.${layer}`;
        const before = norm(x, `${at}.input_layernorm`);
        const project = (name: string, count: number) =>
          splitHeads(dense(before, `${at}.self_attn.${name}_proj`), count);
        const turned = (name: string, count: number) =>
          rotary(norm(project(name, count), `${at}.self_attn.${name}_norm`), cosine, sine);
        const seen = attention(turned('q', heads), turned('k', groups), project('v', groups), bias);
        x = add(x, dense(joinHeads(seen), `${at}.self_attn.o_proj`));
        const after = norm(x, `${at}.post_attention_layernorm`);
        const gated = mul(silu(dense(after, `${at}.mlp.gate_proj`)), dense(after, `${at}.mlp.up_proj`));
        x = add(x, dense(gated, `${at}.mlp.down_proj`));
      }
      return norm(x, 'norm');
    },
  };

  /** Cosines and sines of the angles by which positions are turned, `[length, size]`, both halves alike. */
  function turns(graph: Graph, length: number): { cosine: Value; sine: Value } {
    const angle = (i: number) => Math.floor(i / size) * base ** ((-2 * (i % (size / 2))) / size);
    const table = (wave: (angle: number) => number) =>
      graph.constant(
        tensor(
          'float32',
          [length, size],
          Float32Array.from({ length: length * size }, (_, i) => wave(angle(i))),
        ),
      );
    return { cosine: table(Math.cos), sine: table(Math.sin) };
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
function causal(graph: Graph, length: number): Value {
  const bias = Float32Array.from({ length: length * length }, (_, i) =>
    i % length > Math.floor(i / length) ? unseen : 0,
  );
  return graph.constant(tensor('float32', [length, length], bias));
}
