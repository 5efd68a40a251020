import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../../src/base/random.ts';
import { type FloatTensor, writeSafetensors } from '../../../src/encoder/safetensors.ts';
import { bert } from '../../../src/encoder/transformer/bert.ts';
import { qwen3 } from '../../../src/encoder/transformer/qwen3.ts';

const words = 'a the red fox jumps over lazy dogs and sees who did it where when why how many'.split(' ');
const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]'];
/** Ids of the tokenizer that the models are saved with. */
export const vocabulary = special.length + words.length;

const configs = {
  bert: {
    ...{ model_type: 'bert', hidden_size: 8, num_hidden_layers: 2, num_attention_heads: 2 },
    ...{ intermediate_size: 24, vocab_size: vocabulary, max_position_embeddings: 32, type_vocab_size: 2 },
    ...{ layer_norm_eps: 1e-12, hidden_act: 'gelu', pad_token_id: 0 },
  },
  qwen3: {
    ...{ model_type: 'qwen3', hidden_size: 8, num_hidden_layers: 2, num_attention_heads: 4 },
    ...{ num_key_value_heads: 2, head_dim: 4, intermediate_size: 24, vocab_size: vocabulary },
    ...{ max_position_embeddings: 32, rms_norm_eps: 1e-6, hidden_act: 'silu', rope_theta: 10_000 },
  },
} as const;

/** Saves a small model with random parameters, in the layout of sentence-transformers; returns its parameters. */
export function saveRandomModel(
  folder: string,
  family: keyof typeof configs,
  changes: object = {},
): Map<string, FloatTensor> {
  const config = configs[family];
  const { parameters } = family === 'bert' ? bert(config) : qwen3(config);
  const random = Random.seeded(7);
  const tensors = new Map(
    [...parameters].map(([name, { shape }]) => {
      const size = shape.reduce((product, n) => product * n, 1);
      return [name, { shape, data: Float32Array.from({ length: size }, () => 0.3 * random.normal()) }];
    }),
  );
  const put = (name: string, content: object) =>
    writeFileSync(join(folder, name), JSON.stringify(content, null, 2));
  mkdirSync(join(folder, '1_Pooling'), { recursive: true });
  const modules = [
    ['Transformer', ''],
    ['Pooling', '1_Pooling'],
    ['Normalize', '2_Normalize'],
  ];
  put(
    'modules.json',
    modules.map(([type, path], idx) => ({
      idx,
      name: `${idx}`,
      path,
      type: `sentence_transformers.models.${type}`,
    })),
  );
  put('1_Pooling/config.json', { pooling_mode: family === 'bert' ? 'mean' : 'lasttoken' });
  put('config_sentence_transformers.json', { prompts: { query: 'who ', document: '' } });
  put('config.json', { ...config, ...changes });
  put('tokenizer.json', tokenizer(family));
  writeSafetensors(join(folder, 'model.safetensors'), tensors);
  return tensors;
}

function tokenizer(family: keyof typeof configs): object {
  const [cls, sep] = ['[CLS]', '[SEP]'].map(id => ({ SpecialToken: { id, type_id: 0 } }));
  const text = { Sequence: { id: 'A', type_id: 0 } };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special.map((content, id) => ({
      ...{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
    })),
    normalizer: { type: 'Lowercase' },
    pre_tokenizer: { type: 'Whitespace' },
    post_processor: {
      type: 'TemplateProcessing',
      single: family === 'bert' ? [cls, text, sep] : [text, sep],
      pair: [],
      special_tokens: {
        '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
        '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
      },
    },
    decoder: null,
    model: {
      type: 'WordLevel',
      vocab: Object.fromEntries([...special, ...words].map((word, id) => [word, id])),
      unk_token: '[UNK]',
    },
  };
}
