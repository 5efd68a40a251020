import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { unwatched } from '../../../src/base/progress.ts';
import { readModules } from '../../../src/encoder/model-folder.ts';
import { exportOnnx, openEncoder } from '../../../src/encoder/open.ts';
import { buildStatic, saveStatic } from '../../../src/encoder/static.ts';
import { exportTransformer } from '../../../src/encoder/transformer/onnx.ts';
import { saveRandomModel } from './transformer-models.ts';

// Read when the module is loaded, which has to come after.
process.env.ORT_DISABLE_TELEMETRY = '1';
const { env, pipeline } = await import('@huggingface/transformers');
env.allowRemoteModels = false;

const root = mkdtempSync(join(tmpdir(), 'lrat-onnx-'));
afterAll(() => rmSync(root, { recursive: true }));
let models = 0;

const texts = ['the red fox', 'a', 'the red fox jumps over lazy dogs and sees who did it'];

function savedModel(family: 'bert' | 'qwen3'): string {
  const folder = join(root, `model-${models++}`);
  saveRandomModel(folder, family);
  const config = { tokenizer_class: 'PreTrainedTokenizerFast', pad_token: '[PAD]', model_max_length: 20 };
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify(config));
  return folder;
}

async function fromTransformersJs(folder: string, family: 'bert' | 'qwen3', dtype: 'fp32' | 'q8') {
  const extract = await pipeline('feature-extraction', folder, { dtype });
  const pooling = family === 'bert' ? 'mean' : 'last_token';
  const { data } = await extract(texts, { pooling, normalize: true });
  await extract.dispose();
  return data as Float32Array;
}

const distance = (a: Float32Array, b: Float32Array) =>
  a.reduce((greatest, value, i) => Math.max(greatest, Math.abs(value - b[i]!)), 0);

describe.each(['bert', 'qwen3'] as const)('a %s encoder as ONNX', family => {
  it('gives the same vectors in transformers.js', async () => {
    const folder = savedModel(family);
    const files = exportOnnx(folder, unwatched);
    expect(files.map(({ path }) => path)).toEqual(
      ['model.onnx', 'model_quantized.onnx'].map(name => join(folder, 'onnx', name)),
    );
    for (const { path, bytes } of files) expect(readFileSync(path)).toHaveLength(bytes);
    const encoder = await openEncoder(folder);
    const ours = await encoder.encode(texts, 'document');
    expect(distance(await fromTransformersJs(folder, family, 'fp32'), ours)).toBeLessThan(1e-5);
    const rounded = await fromTransformersJs(folder, family, 'q8');
    expect(distance(rounded, ours)).toBeGreaterThan(1e-5);
    for (const row of texts.keys()) {
      const cosine = rounded
        .subarray(row * 8, row * 8 + 8)
        .reduce((sum, x, i) => sum + x * ours[row * 8 + i]!, 0);
      expect(cosine).toBeGreaterThan(0.99);
    }
    await encoder.dispose();
  });

  it('has its weights in a second file where the first would be too large, and in one again where it is not', async () => {
    const folder = savedModel(family);
    const files = exportTransformer(folder, readModules(folder), unwatched, 2000);
    const names = files.map(({ path }) => path.slice(folder.length + 1));
    expect(names).toEqual(
      ['model.onnx', 'model.onnx_data', 'model_quantized.onnx', 'model_quantized.onnx_data'].map(name =>
        join('onnx', name),
      ),
    );
    const encoder = await openEncoder(folder);
    const ours = await encoder.encode(texts, 'document');
    expect(distance(await fromTransformersJs(folder, family, 'fp32'), ours)).toBeLessThan(1e-5);
    exportOnnx(folder, unwatched);
    expect(readdirSync(join(folder, 'onnx')).sort()).toEqual(['model.onnx', 'model_quantized.onnx']);
    expect(distance(await fromTransformersJs(folder, family, 'fp32'), ours)).toBeLessThan(1e-5);
    await encoder.dispose();
  });
});

describe('an export', () => {
  it('that is stopped leaves what was there', () => {
    const folder = savedModel('bert');
    const { path } = exportOnnx(folder, unwatched)[0]!;
    const before = readFileSync(path);
    const stop = new AbortController();
    const job = { report: () => stop.abort(), signal: stop.signal };
    expect(() => exportOnnx(folder, job)).toThrow(/abort/i);
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(readdirSync(join(folder, 'onnx'))).toHaveLength(2);
  });

  it('of a static encoder is refused', () => {
    const folder = join(root, 'static');
    saveStatic(folder, buildStatic(texts, [], { dimension: 8, seed: 1, maxTokens: null }), { lineage: {} });
    expect(() => exportOnnx(folder, unwatched)).toThrow(/static encoder/);
    expect(existsSync(join(folder, 'onnx'))).toBe(false);
  });
});
