import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { unwatched } from '../../../src/base/progress.ts';
import { hashModel, readModules } from '../../../src/encoder/model-folder.ts';
import { modelFamily, openEncoder, openForTraining } from '../../../src/encoder/open.ts';
import { exportTransformer } from '../../../src/encoder/transformer/onnx.ts';
import { publishedRecipe } from '../../../src/training/recipe.ts';
import { saveRandomModel } from './transformer-models.ts';

const root = mkdtempSync(join(tmpdir(), 'lrat-model-folder-'));
afterAll(() => rmSync(root, { recursive: true }));
let models = 0;
const newFolder = () => join(root, `model-${models++}`);

function savedModel(family: 'bert' | 'qwen3' = 'bert', changes: object = {}): string {
  const folder = newFolder();
  saveRandomModel(folder, family, changes);
  return folder;
}

const readJson = (...path: string[]) => JSON.parse(readFileSync(join(...path), 'utf8'));
const writeJson = (content: unknown, ...path: string[]) =>
  writeFileSync(join(...path), JSON.stringify(content));

/** The same model as Hugging Face's cache keeps it: each file a link to another folder. */
function linked(model: string): string {
  const folder = newFolder();
  for (const entry of readdirSync(model, { recursive: true, withFileTypes: true })) {
    const at = join(folder, entry.parentPath.slice(model.length));
    mkdirSync(at, { recursive: true });
    if (entry.isFile()) symlinkSync(join(entry.parentPath, entry.name), join(at, entry.name));
  }
  return folder;
}

async function trained(base: string): Promise<string> {
  const out = newFolder();
  const model = await openForTraining(base, { ...publishedRecipe, maxTokens: 12 });
  for (const { data } of model.parameters.values()) data[0]! += 0.5;
  model.save(out, { lineage: {} });
  return out;
}

async function vectors(folder: string): Promise<Float32Array> {
  const encoder = await openEncoder(folder);
  const all = await encoder.encode(['the red fox', 'who sees dogs'], 'query');
  await encoder.dispose();
  return all;
}

describe('what stands for a model', () => {
  it.skipIf(process.platform === 'win32')('is its files, behind links too', async () => {
    const [one, other] = [savedModel(), savedModel('bert', { layer_norm_eps: 1e-6 })];
    const hash = await hashModel(one);
    expect(hash).toMatch(/^[\da-f]{64}$/);
    expect(await hashModel(linked(one))).toBe(hash);
    expect(await hashModel(linked(other))).not.toBe(hash);
    const poolsOtherwise = linked(one);
    rmSync(join(poolsOtherwise, '1_Pooling', 'config.json'));
    writeJson({ pooling_mode: 'cls' }, poolsOtherwise, '1_Pooling', 'config.json');
    expect(await hashModel(poolsOtherwise)).not.toBe(hash);
  });

  it('does not change with its card, with weights for other programs, or with an export', async () => {
    const folder = savedModel('qwen3');
    writeJson({ model_max_length: 20 }, folder, 'tokenizer_config.json');
    const [hash, config] = [await hashModel(folder), readJson(folder, 'config.json')];
    writeFileSync(join(folder, 'README.md'), 'for people');
    writeFileSync(join(folder, 'pytorch_model.bin'), 'for others');
    exportTransformer(folder, readModules(folder), unwatched, 2000);
    expect(readJson(folder, 'config.json')).not.toEqual(config);
    expect(readJson(folder, 'tokenizer_config.json').padding_side).toBe('left');
    expect(await hashModel(folder)).toBe(hash);
    writeJson({ model_max_length: 10 }, folder, 'tokenizer_config.json');
    expect(await hashModel(folder)).not.toBe(hash);
  });
});

describe('a plain checkpoint', () => {
  it.each(['bert', 'qwen3'] as const)('of %s is pooled and normalised as is usual', async family => {
    const folder = savedModel(family);
    const before = await vectors(folder);
    for (const name of ['modules.json', '1_Pooling']) rmSync(join(folder, name), { recursive: true });
    expect(modelFamily(folder)).toBe(family);
    expect(await vectors(folder)).toEqual(before);
  });

  it('must tell its architecture', () => {
    const folder = savedModel();
    rmSync(join(folder, 'modules.json'));
    writeJson({ hidden_size: 8 }, folder, 'config.json');
    expect(() => modelFamily(folder)).toThrow(/neither a modules.json .* nor a config.json/);
    writeJson({ model_type: 'mamba' }, folder, 'config.json');
    expect(() => modelFamily(folder)).toThrow(/architecture mamba/);
  });
});

it('a module outside of the folder is refused', () => {
  const folder = savedModel();
  writeJson([{ type: 'x.Transformer', path: '../elsewhere' }], folder, 'modules.json');
  expect(() => readModules(folder)).toThrow(/not a list of modules/);
});

describe('a model that is trained', () => {
  it.skipIf(process.platform === 'win32')('of links leaves what they lead to as it was', async () => {
    const base = savedModel('bert', { torch_dtype: 'float16' });
    writeJson({ max_seq_length: 20 }, base, 'sentence_bert_config.json');
    const before = await hashModel(base);
    const out = await trained(linked(base));
    expect(await hashModel(base)).toBe(before);
    const entries = readdirSync(out, { recursive: true, withFileTypes: true });
    expect(entries.filter(entry => entry.isSymbolicLink())).toEqual([]);
    expect(readJson(out, 'sentence_bert_config.json')).toEqual({ max_seq_length: 12 });
  });

  it('is read in the precision that it is saved in', async () => {
    const base = savedModel('bert', { torch_dtype: 'bfloat16', dtype: 'bfloat16' });
    expect(readJson(await trained(base), 'config.json')).toMatchObject({
      torch_dtype: 'float32',
      dtype: 'float32',
    });
    const silent = readJson(await trained(savedModel()), 'config.json');
    expect([silent.dtype, silent.torch_dtype]).toEqual([undefined, undefined]);
  });

  const types = (folder: string) => readModules(folder).map(({ type }) => type);

  it.each([
    ['a plain checkpoint', []],
    ['a base that is a transformer alone', ['Transformer']],
    ['a base that is not normalised', ['Transformer', 'Pooling']],
    ['a base without pooling', ['Transformer', 'Normalize']],
  ])('from %s says how it pools, and that it is normalised', async (_, kept) => {
    const base = savedModel('qwen3');
    const modules: { type: string }[] = readJson(base, 'modules.json');
    const own = modules.filter(({ type }) => kept.some(name => type.endsWith(`.${name}`)));
    if (own.length > 0) writeJson(own, base, 'modules.json');
    else rmSync(join(base, 'modules.json'));
    if (!kept.includes('Pooling')) rmSync(join(base, '1_Pooling'), { recursive: true });
    const out = await trained(base);
    expect(types(out)).toEqual(['Transformer', 'Pooling', 'Normalize']);
    const [, pooling] = readModules(out);
    const config = readJson(pooling!.folder, 'config.json');
    if (kept.includes('Pooling')) expect(config).toEqual({ pooling_mode: 'lasttoken' });
    else
      expect(config).toEqual({
        word_embedding_dimension: 8,
        pooling_mode_mean_tokens: false,
        pooling_mode_cls_token: false,
        pooling_mode_lasttoken: true,
        include_prompt: true,
      });
    expect(await vectors(await trained(out))).toHaveLength(16);
  });

  it('has its modules where its base has them', async () => {
    const base = savedModel();
    const flat = await trained(base);
    mkdirSync(join(base, '0_Transformer'));
    for (const name of ['config.json', 'tokenizer.json', 'model.safetensors'])
      renameSync(join(base, name), join(base, '0_Transformer', name));
    const list = readJson(base, 'modules.json');
    list[0].path = '0_Transformer';
    writeJson(list, base, 'modules.json');
    const out = await trained(base);
    expect(readFileSync(join(out, 'modules.json'))).toEqual(readFileSync(join(base, 'modules.json')));
    expect(readModules(out)[0]!.path).toBe('0_Transformer');
    expect(await vectors(out)).toEqual(await vectors(flat));
  });
});
