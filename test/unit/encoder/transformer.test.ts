import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LratError } from '../../../src/base/errors.ts';
import { readModules } from '../../../src/encoder/model-folder.ts';
import { openEncoder, openForTraining } from '../../../src/encoder/open.ts';
import { type FloatTensor, writeSafetensors } from '../../../src/encoder/safetensors.ts';
import { batchesByLength } from '../../../src/encoder/transformer/buckets.ts';
import { readTransformer } from '../../../src/encoder/transformer/model.ts';
import { publishedRecipe } from '../../../src/training/recipe.ts';
import { saveRandomModel, vocabulary } from './transformer-models.ts';

const root = mkdtempSync(join(tmpdir(), 'lrat-transformer-'));
afterAll(() => rmSync(root, { recursive: true }));
let models = 0;
const newFolder = () => join(root, `model-${models++}`);

const texts = [
  'the red fox',
  'a',
  '',
  'the red fox jumps over lazy dogs and sees who did it',
  'where and when and why and how and who and where and when and why and how many dogs',
];

/** The greatest distance between elements. */
const distance = (a: Float32Array, b: Float32Array) =>
  a.reduce((greatest, value, i) => Math.max(greatest, Math.abs(value - b[i]!)), 0);

async function refusal(folder: string): Promise<LratError> {
  const error = await openEncoder(folder).catch((error: unknown) => error);
  if (error instanceof LratError) return error;
  throw new Error('it was opened');
}

describe.each(['bert', 'qwen3'] as const)('a %s encoder', family => {
  it('gives a text the same vector, of length 1, whatever it is encoded with', async () => {
    const folder = newFolder();
    saveRandomModel(folder, family);
    const encoder = await openEncoder(folder);
    const all = await encoder.encode(texts, 'document');
    for (const [i, text] of texts.entries()) {
      const row = all.subarray(i * 8, (i + 1) * 8);
      expect(Math.hypot(...row)).toBeCloseTo(1, 5);
      expect(distance(await encoder.encode([text], 'document'), row)).toBeLessThan(1e-5);
    }
  });

  it('puts its prompt before queries', async () => {
    const folder = newFolder();
    saveRandomModel(folder, family);
    const encoder = await openEncoder(folder);
    const [query, plain] = [
      await encoder.encode(['did it'], 'query'),
      await encoder.encode(['who did it'], 'document'),
    ];
    expect(distance(query, plain)).toBe(0);
    expect(distance(query, await encoder.encode(['did it'], 'document'))).toBeGreaterThan(1e-3);
  });

  it('cuts texts at its greatest length, and keeps the token at their end', async () => {
    const folder = newFolder();
    saveRandomModel(folder, family);
    const long = Array(40).fill('fox').join(' ');
    const encoder = await openEncoder(folder);
    const room = family === 'bert' ? 30 : 31;
    const cut = await encoder.encode([long, Array(room).fill('fox').join(' ')], 'document');
    expect(distance(cut.subarray(0, 8), cut.subarray(8))).toBe(0);
  });

  it('gives nearly the same vectors in 8 bits', async () => {
    const folder = newFolder();
    saveRandomModel(folder, family);
    const [exact, rounded] = [await openEncoder(folder), await openEncoder(folder, { precision: 'int8' })];
    const [a, b] = [await exact.encode(texts, 'document'), await rounded.encode(texts, 'document')];
    expect(distance(a, b)).toBeGreaterThan(1e-5);
    for (const i of texts.keys()) {
      const cosine = a.subarray(i * 8, (i + 1) * 8).reduce((sum, x, j) => sum + x * b[i * 8 + j]!, 0);
      expect(cosine).toBeGreaterThan(0.99);
    }
    await Promise.all([exact.dispose(), rounded.dispose()]);
  });

  it('follows its parameters while they are trained', async () => {
    const folder = newFolder();
    saveRandomModel(folder, family);
    const model = await openForTraining(folder, publishedRecipe);
    const live = model.encoder('live');
    const before = await (await openEncoder(folder)).encode(texts, 'query');
    expect(distance(await live.encode(texts, 'query'), before)).toBeLessThan(1e-6);
    for (const { data } of model.parameters.values())
      for (let i = 0; i < data.length; i += 2) data[i]! *= 1.5;
    const after = newFolder();
    model.save(after, { lineage: {} });
    const saved = await (await openEncoder(after)).encode(texts, 'query');
    const now = await live.encode(texts, 'query');
    expect(distance(now, saved)).toBeLessThan(1e-6);
    expect(distance(now, before)).toBeGreaterThan(1e-2);
    await live.dispose();
  });

  it('reads shards, half precision and the names of models with heads', async () => {
    const folder = newFolder();
    const tensors = saveRandomModel(folder, family);
    const before = await (await openEncoder(folder)).encode(texts, 'query');
    const prefixed = [...tensors].map(([name, tensor]): [string, FloatTensor] => [
      `${family === 'bert' ? 'bert.' : 'model.'}${name}`,
      tensor,
    ]);
    const file = join(folder, 'model.safetensors');
    writeSafetensors(file, new Map(prefixed));
    expect(distance(await (await openEncoder(folder)).encode(texts, 'query'), before)).toBe(0);

    rmSync(file);
    const halves = [prefixed.slice(0, 3), prefixed.slice(3)];
    const weight_map: Record<string, string> = {};
    for (const [i, part] of halves.entries()) {
      const name = `model-0000${i + 1}-of-00002.safetensors`;
      for (const [tensor] of part) weight_map[tensor] = name;
      writeHalves(join(folder, name), part);
    }
    writeFileSync(`${file}.index.json`, JSON.stringify({ metadata: {}, weight_map }));
    const rounded = await (await openEncoder(folder)).encode(texts, 'query');
    expect(distance(rounded, before)).toBeLessThan(0.05);
    expect(distance(rounded, before)).toBeGreaterThan(0);
  });
});

it('reads normalisations under the names that the first checkpoints of BERT have', async () => {
  const folder = newFolder();
  const tensors = saveRandomModel(folder, 'bert');
  const before = await (await openEncoder(folder)).encode(texts, 'query');
  const renamed = [...tensors].map(([name, tensor]): [string, FloatTensor] => [
    `bert.${name.replace('LayerNorm.weight', 'LayerNorm.gamma').replace('LayerNorm.bias', 'LayerNorm.beta')}`,
    tensor,
  ]);
  writeSafetensors(join(folder, 'model.safetensors'), new Map(renamed));
  expect(distance(await (await openEncoder(folder)).encode(texts, 'query'), before)).toBe(0);
});

/** BF16, by cutting the lower half of each number off. */
function writeHalves(path: string, tensors: readonly (readonly [string, FloatTensor])[]): void {
  const header: Record<string, object> = {};
  const parts: Buffer[] = [];
  let at = 0;
  for (const [name, { shape, data }] of tensors) {
    const wide = new Uint32Array(data.buffer, data.byteOffset, data.length);
    const part = Buffer.from(Uint16Array.from(wide, bits => bits >>> 16).buffer);
    header[name] = { dtype: 'BF16', shape, data_offsets: [at, at + part.length] };
    at += part.length;
    parts.push(part);
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(path, Buffer.concat([length, json, ...parts]));
}

describe('a model folder that cannot be used', () => {
  it('says which architecture it has, and which are known', async () => {
    const folder = newFolder();
    saveRandomModel(folder, 'bert', { model_type: 'mamba' });
    const { message, place, remedy } = await refusal(folder);
    expect(message).toBe('is of the architecture mamba, which is not known here.');
    expect(place).toBe(join(folder, 'config.json'));
    expect(remedy).toBe('Known: bert, roberta, xlm-roberta, qwen3.');
    saveRandomModel(folder, 'bert', { model_type: 'constructor' });
    expect((await refusal(folder)).message).toBe(
      'is of the architecture constructor, which is not known here.',
    );
  });

  it('says that heads cannot share the size of its states', async () => {
    const folder = newFolder();
    saveRandomModel(folder, 'bert', { num_attention_heads: 3 });
    expect((await refusal(folder)).message).toMatch(/3 heads do not share a size of 8 evenly/);
  });

  it('says what of its architecture is not known', async () => {
    const folder = newFolder();
    saveRandomModel(folder, 'qwen3', { attention_bias: true });
    expect((await refusal(folder)).message).toMatch(/attention_bias/);
  });

  it('names a tensor that is missing or misshapen', async () => {
    const folder = newFolder();
    const tensors = saveRandomModel(folder, 'bert');
    const file = join(folder, 'model.safetensors');
    const name = 'encoder.layer.1.output.dense.weight';
    tensors.set(name, { ...tensors.get(name)!, shape: [24, 8] });
    writeSafetensors(file, tensors);
    expect((await refusal(folder)).message).toBe(`tensor '${name}' has shape [24, 8], [8, 24] is needed.`);
    tensors.delete(name);
    writeSafetensors(file, tensors);
    expect((await refusal(folder)).message).toContain(`tensor '${name}' is missing`);
  });

  it('names a tensor that holds what is no number', async () => {
    const folder = newFolder();
    const tensors = saveRandomModel(folder, 'qwen3');
    tensors.get('norm.weight')!.data[3] = Number.NaN;
    writeSafetensors(join(folder, 'model.safetensors'), tensors);
    expect((await refusal(folder)).message).toBe("tensor 'norm.weight' holds NaN (element 3).");
  });

  it('says that tokenizer and embeddings do not belong together', async () => {
    const folder = newFolder();
    saveRandomModel(folder, 'bert');
    const path = join(folder, 'tokenizer.json');
    const json = JSON.parse(readFileSync(path, 'utf8'));
    json.model.vocab.another = vocabulary;
    writeFileSync(path, JSON.stringify(json));
    const { message, place } = await refusal(folder);
    expect(message).toBe(`has ids up to ${vocabulary}, the model's embedding table ${vocabulary} rows.`);
    expect(place).toBe(path);
  });

  it('says how it pools, and how one can', async () => {
    const folder = newFolder();
    saveRandomModel(folder, 'bert');
    writeFileSync(
      join(folder, '1_Pooling', 'config.json'),
      JSON.stringify({ pooling_mode_mean_tokens: true, pooling_mode_max_tokens: true }),
    );
    expect((await refusal(folder)).message).toBe(
      'pools by mean and pooling_mode_max_tokens, in a way that is not known here.',
    );
  });
});

describe('what a folder does not say', () => {
  const task = 'Given a web search query, retrieve relevant passages that answer the query';
  it.each([
    ['multilingual-e5-large-instruct', 'bert', `Instruct: ${task}\nQuery: `, ''],
    ['multilingual-e5-small', 'bert', 'query: ', 'passage: '],
    ['e5-base-v2', 'bert', 'query: ', 'passage: '],
    ['all-MiniLM-L6-v2', 'bert', '', ''],
    ['bge-base-en-v1.5', 'bert', '', ''],
    ['bge-m3', 'bert', '', ''],
    ['any', 'qwen3', `Instruct: ${task}\nQuery:`, ''],
  ] as const)('is known of %s, and told by what comes of it', async (name, family, query, document) => {
    const folder = join(newFolder(), name);
    saveRandomModel(folder, family);
    rmSync(join(folder, 'config_sentence_transformers.json'));
    const modules = [{ idx: 0, name: '0', path: '', type: 'sentence_transformers.models.Transformer' }];
    writeFileSync(join(folder, 'modules.json'), JSON.stringify(modules));
    const { prompts, pooling } = readTransformer(folder, readModules(folder));
    expect(prompts).toEqual({ query, document });
    expect(pooling).toBe(family === 'qwen3' ? 'lasttoken' : name.startsWith('bge') ? 'cls' : 'mean');
    const out = newFolder();
    (await openForTraining(folder, publishedRecipe)).save(out, { lineage: {} });
    expect(readTransformer(out, readModules(out)).prompts).toEqual(prompts);
  });
});

it('knows a model in the cache of Hugging Face by the name that it has there', () => {
  const folder = join(newFolder(), 'models--intfloat--multilingual-e5-small', 'snapshots', 'a1b2');
  saveRandomModel(folder, 'bert');
  // As a folder without the file is one that has nothing in it.
  writeFileSync(join(folder, 'config_sentence_transformers.json'), '{"prompts": null}');
  expect(readTransformer(folder, readModules(folder)).prompts.query).toBe('query: ');
  rmSync(join(folder, 'config_sentence_transformers.json'));
  expect(readTransformer(folder, readModules(folder)).prompts.query).toBe('query: ');
});

it('says of a model without prompts that it has none, whatever its name will be', async () => {
  const folder = newFolder();
  saveRandomModel(folder, 'bert');
  rmSync(join(folder, 'config_sentence_transformers.json'));
  const out = join(newFolder(), 'my-e5-small');
  (await openForTraining(folder, publishedRecipe)).save(out, { lineage: {} });
  expect(readTransformer(out, readModules(out)).prompts).toEqual({ query: '', document: '' });
});

describe('prompts of documents', () => {
  it.each([
    [{ document: 'a ', passage: 'b ', corpus: 'c ' }, 'a '],
    [{ corpus: 'c ', passage: 'b ' }, 'b '],
    [{ query: 'q ', corpus: 'c ' }, 'c '],
    [{ query: 'q ' }, 'passage: '],
  ])('%j is %j', (prompts, document) => {
    const folder = join(newFolder(), 'e5-small');
    saveRandomModel(folder, 'bert');
    writeFileSync(join(folder, 'config_sentence_transformers.json'), JSON.stringify({ prompts }));
    expect(readTransformer(folder, readModules(folder)).prompts.document).toBe(document);
  });
});

describe.each(['mean', 'cls', 'lasttoken'])('a text without a token, pooled by %s', pooling_mode => {
  /** A model whose tokenizer puts nothing around a text. */
  function bareModel(): string {
    const folder = newFolder();
    saveRandomModel(folder, 'bert');
    const path = join(folder, 'tokenizer.json');
    const tokenizer = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify({ ...tokenizer, post_processor: null }));
    writeFileSync(join(folder, '1_Pooling', 'config.json'), JSON.stringify({ pooling_mode }));
    return folder;
  }

  it('has a vector of zeros, and leaves those of others alone', async () => {
    const encoder = await openEncoder(bareModel());
    const alone = await encoder.encode(['the red fox'], 'document');
    const among = await encoder.encode(['', 'the red fox', ''], 'document');
    expect(distance(among.subarray(8, 16), alone)).toBeLessThan(1e-6);
    const others = [...among.subarray(0, 8), ...among.subarray(16)];
    expect([...others, ...(await encoder.encode([''], 'document'))].every(x => x === 0)).toBe(true);
    await encoder.dispose();
  });

  it('has no share in a training step', async () => {
    const model = await openForTraining(bareModel(), publishedRecipe);
    const texts = ['the red fox', '', 'a', ''].map(text => ({ kind: 'document' as const, text }));
    const { passes } = model.plan(texts, 1000, 1, { buckets: 16, blocks: true });
    const sums = new Map<number, number>();
    for (const { key, inputs, members } of passes) {
      let row = 0;
      for (let bucket = 0; bucket < Number.parseInt(key, 10); bucket++) {
        const { shape, data } = inputs[`shares${bucket}`]!;
        const [rows, length] = shape as [number, number];
        for (let i = 0; i < rows; i++, row++) {
          const own = [...(data as Float32Array).subarray(i * length, (i + 1) * length)];
          sums.set(
            members[row]!,
            own.reduce((sum, share) => sum + share, 0),
          );
        }
      }
    }
    expect([0, 1, 2, 3].map(text => sums.get(text))).toEqual([expect.closeTo(1), 0, 1, 0]);
  });
});

describe('a transformer that is trained', () => {
  it('is saved with all that its base has beside the weights, and the length that it was trained with', async () => {
    const folder = newFolder();
    saveRandomModel(folder, 'bert');
    writeFileSync(join(folder, 'vocab.txt'), 'words');
    writeFileSync(join(folder, 'pytorch_model.bin'), 'old weights');
    const model = await openForTraining(folder, { ...publishedRecipe, maxTokens: 12 });
    const table = model.parameters.get('embeddings.word_embeddings.weight')!;
    for (let i = 0; i < table.data.length; i++) table.data[i]! += 0.1 * (i % 3);
    const out = newFolder();
    const recipe = { ...publishedRecipe, lora: { rank: 8, alpha: 16 } };
    model.save(out, { lineage: { Logs: '3' }, recipe });
    const [trained, own] = [await openEncoder(out), model.encoder('own')];
    expect(distance(await trained.encode(texts, 'query'), await own.encode(texts, 'query'))).toBeLessThan(
      1e-6,
    );
    expect(readFileSync(join(out, 'vocab.txt'), 'utf8')).toBe('words');
    expect(() => readFileSync(join(out, 'pytorch_model.bin'))).toThrow();
    expect(JSON.parse(readFileSync(join(out, 'sentence_bert_config.json'), 'utf8'))).toEqual({
      max_seq_length: 12,
    });
    const card = readFileSync(join(out, 'README.md'), 'utf8');
    expect(card).toContain('| Logs | 3 |');
    expect(card).toContain('| lora | rank 8, alpha 16 |');
    // The base is as it was.
    const base = await (await openEncoder(folder)).encode(texts, 'query');
    expect(distance(base, await trained.encode(texts, 'query'))).toBeGreaterThan(1e-3);
  });
});

describe('batches by length', () => {
  it('hold each text once, within the bound, with little padding', () => {
    const lengths = Array.from({ length: 500 }, (_, i) => 1 + ((i * 7919) % 128));
    const all = batchesByLength(lengths, 1024, 32);
    const members = all.flatMap(batch => batch.members);
    expect(members.toSorted((a, b) => a - b)).toEqual([...lengths.keys()]);
    for (const { members, texts, length } of all) {
      expect(texts * length).toBeLessThanOrEqual(1024);
      expect(members).toHaveLength(texts);
      expect(length).toBe(Math.max(...members.map(member => lengths[member]!)));
    }
    const tokens = lengths.reduce((sum, length) => sum + length, 0);
    expect(all.reduce((sum, { texts, length }) => sum + texts * length, 0)).toBeLessThan(1.05 * tokens);
  });

  it('are few where padding costs less than a batch, and as many as lengths where it costs more', () => {
    expect(batchesByLength([5, 9, 6], 1024, 10)).toEqual([{ members: [0, 2, 1], texts: 3, length: 9 }]);
    expect(batchesByLength([5, 90, 6], 1024, 10)).toEqual([
      { members: [1], texts: 1, length: 90 },
      { members: [0, 2], texts: 2, length: 6 },
    ]);
    expect(batchesByLength([50, 40], 30, 10).map(({ members }) => members)).toEqual([[0], [1]]);
    expect(batchesByLength([], 30, 10)).toEqual([]);
  });
});
