import * as z from 'zod';
import type { Value } from '../../engine/graph.ts';
import { attention, feedForward, geluTanh, linear, selfAttention } from '../../engine/layers.ts';
import {
  add,
  concat,
  expand,
  gather,
  gelu,
  layerNorm,
  mul,
  relu,
  slice,
  sub,
  unsqueeze,
} from '../../engine/operators.ts';
import {
  type Architecture,
  joined,
  joinedIds,
  matrix,
  numbered,
  type ParameterSpec,
  perBucket,
  type TokenInputs,
  unseen,
  vector,
} from './architecture.ts';

const activations: Readonly<Record<string, (x: Value) => Value>> = {
  gelu,
  gelu_new: geluTanh,
  gelu_pytorch_tanh: geluTanh,
  relu,
};

const configSchema = z.object({
  model_type: z.enum(['bert', 'roberta', 'xlm-roberta']),
  hidden_size: z.int().positive(),
  num_hidden_layers: z.int().positive(),
  num_attention_heads: z.int().positive(),
  intermediate_size: z.int().positive(),
  vocab_size: z.int().positive(),
  max_position_embeddings: z.int().positive(),
  type_vocab_size: z.int().positive(),
  layer_norm_eps: z.number().positive(),
  hidden_act: z.enum(['gelu', 'gelu_new', 'gelu_pytorch_tanh', 'relu']),
  pad_token_id: z.int().nonnegative().nullish(),
  position_embedding_type: z.literal('absolute').nullish(),
});

/** BERT (arXiv 1810.04805), RoBERTa (1907.11692) and XLM-RoBERTa (1911.02116), which differ in how they count positions. */
export function bert(config: unknown): Architecture {
  const parsed = configSchema.parse(config);
  const { model_type: family, hidden_size: hidden, num_hidden_layers: layers } = parsed;
  const { num_attention_heads: heads, intermediate_size: inner, layer_norm_eps: epsilon } = parsed;
  const { vocab_size: vocabulary, type_vocab_size: types, max_position_embeddings: positions } = parsed;
  if (hidden % heads !== 0) throw new RangeError(`${heads} heads do not share a size of ${hidden} evenly`);
  const activation = activations[parsed.hidden_act]!;
  // RoBERTa counts positions from the one after the padding's.
  const first = family === 'bert' ? 0 : (parsed.pad_token_id ?? 1) + 1;
  return {
    family,
    hidden,
    vocabulary,
    maxTokens: positions - first,
    words: 'embeddings.word_embeddings.weight',
    dropout: {
      hidden: ['embeddings', ...numbered(layers, layer => [`${layer}.attention`, `${layer}.output`])],
      attention: numbered(layers, layer => [`${layer}`]),
      heads,
    },
    widest: Math.max(3 * hidden, inner),
    bytesPerToken: 4 * (layers * (9 * hidden + inner) + 4 * heads * 256),
    prefix: family === 'bert' ? 'bert.' : 'roberta.',
    parameters: new Map(specs()),

    forward(graph, parameter, buckets, { dropout, block } = {}) {
      const drop = (x: Value, place: string) => dropout?.hidden(x, place) ?? x;
      const norm = (x: Value, name: string) =>
        layerNorm(x, parameter(`${name}.LayerNorm.weight`), parameter(`${name}.LayerNorm.bias`), epsilon);
      const dense = (x: Value, name: string) =>
        linear(x, parameter(`${name}.weight`), parameter(`${name}.bias`));

      const [placeTable, typeTable] = ['position', 'token_type'].map(name =>
        parameter(`embeddings.${name}_embeddings.weight`),
      ) as [Value, Value];
      const words = gather(parameter('embeddings.word_embeddings.weight'), joinedIds(buckets));
      const places = buckets.map(({ ids }) => {
        const [texts, length] = ids.shape as [number, number];
        const own = slice(placeTable, 0, first, first + length);
        return buckets.length === 1 ? own : expand(unsqueeze(own, 0), [texts, length, hidden]);
      });
      const [{ types }] = buckets as [TokenInputs];
      const type = types === undefined ? slice(typeTable, 0, 0, 1) : gather(typeTable, types);
      let x = drop(norm(add(add(words, type), joined(places)), 'embeddings'), 'embeddings');
      for (let layer = 0; layer < layers; layer++) {
        const at = `encoder.layer.${layer}`;
        const parts = ['query', 'key', 'value'].map(name => `${at}.attention.self.${name}`);
        const biasOf = ({ mask }: TokenInputs) => mul(sub(1, unsqueeze(unsqueeze(mask, 1), 1)), unseen);
        const joinedParts = (kind: 'weight' | 'bias') =>
          concat(
            parts.map(name => parameter(`${name}.${kind}`)),
            0,
          );
        // Text by text they are read where they are; else one product and one transposition serve all three.
        const seen = graph.textByText
          ? perBucket(
              parts.map(name => dense(x, name)),
              buckets,
              ([q, k, v], tokens) =>
                attention(q!, k!, v!, { heads }, biasOf(tokens), dropout?.attention(`${layer}`, tokens)),
            )
          : perBucket([linear(x, joinedParts('weight'), joinedParts('bias'))], buckets, ([own], tokens) =>
              selfAttention(own!, heads, biasOf(tokens), dropout?.attention(`${layer}`, tokens)),
            );
        const told = drop(dense(seen, `${at}.attention.output.dense`), `${layer}.attention`);
        x = norm(add(told, x), `${at}.attention.output`);
        const inner = {
          weight: parameter(`${at}.intermediate.dense.weight`),
          bias: parameter(`${at}.intermediate.dense.bias`),
        };
        const outer = parameter(`${at}.output.dense.weight`);
        const fed = feedForward(x, { inner: [inner], outer, activate: ([h]) => activation(h!) }, block);
        const shifted = add(fed, parameter(`${at}.output.dense.bias`));
        x = norm(add(drop(shifted, `${layer}.output`), x), `${at}.output`);
      }
      return x;
    },
  };

  function* specs(): Generator<[string, ParameterSpec]> {
    const dense = (name: string, out: number, from: number): [string, ParameterSpec][] => [
      [`${name}.weight`, matrix(out, from)],
      [`${name}.bias`, vector(out)],
    ];
    const norm = (name: string): [string, ParameterSpec][] => [
      [`${name}.LayerNorm.weight`, vector(hidden)],
      [`${name}.LayerNorm.bias`, vector(hidden)],
    ];
    yield ['embeddings.word_embeddings.weight', matrix(vocabulary, hidden)];
    yield ['embeddings.position_embeddings.weight', matrix(positions, hidden)];
    yield ['embeddings.token_type_embeddings.weight', matrix(types, hidden)];
    yield* norm('embeddings');
    for (let layer = 0; layer < layers; layer++) {
      const at = `encoder.layer.${layer}`;
      for (const name of ['query', 'key', 'value'])
        yield* dense(`${at}.attention.self.${name}`, hidden, hidden);
      yield* dense(`${at}.attention.output.dense`, hidden, hidden);
      yield* norm(`${at}.attention.output`);
      yield* dense(`${at}.intermediate.dense`, inner, hidden);
      yield* dense(`${at}.output.dense`, hidden, inner);
      yield* norm(`${at}.output`);
    }
  }
}
