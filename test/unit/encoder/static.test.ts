import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEncoder } from '../../../src/encoder/open.ts';
import { writeSafetensors } from '../../../src/encoder/safetensors.ts';
import { buildStatic, readStatic, saveStatic, staticEncoder } from '../../../src/encoder/static.ts';
import { wordSplitter } from '../../../src/encoder/tokenizer.ts';

const folder = mkdtempSync(join(tmpdir(), 'lrat-static-'));
afterAll(() => rmSync(folder, { recursive: true }));

const corpus = ['the red fox', 'the blue fox runs', 'a green bird', 'the sea'];
const model = buildStatic(corpus, ['crimson fox'], { dimension: 64, seed: 5 });
const row = (word: string): Float32Array => {
  const [id] = model.tokenizer.encode(word);
  return model.table.data.subarray(id! * 64, (id! + 1) * 64);
};
const norm = (vector: Iterable<number>) => Math.sqrt([...vector].reduce((sum, x) => sum + x * x, 0));

describe('the words of a text', () => {
  const words = wordSplitter();
  it.each([
    ['Hello, World! foo_bar x86-64', ['hello', 'world', 'foo', 'bar', 'x86', '64']],
    ['Café NAÏVE ﬁne Ångström', ['cafe', 'naive', 'fine', 'angstrom']],
    ['ΟΔΟΣ Σίσυφος', ['οδοσ', 'σισυφοσ']],
    ['İstanbul', ['istanbul']],
    ['中文 abc混合', ['中', '文', 'abc', '混', '合']],
    ['がガ ﾊﾟ', ['が', 'ガ', 'パ']],
    ['한국어 텍스트', ['한국어', '텍스트']],
    ['हिन्दी में', ['हिन्दी', 'में']],
    ['__proto__ constructor', ['proto', 'constructor']],
    [' \t… 🙂 ', []],
  ])('%s', (text, expected) => {
    expect(words(text)).toEqual(expected);
  });
});

describe('the untrained static encoder', () => {
  it('scales random directions by inverse document frequency', () => {
    // ln(1 + (N − n + ½)/(n + ½)) with N = 4: "the" is in 3 documents, "bird" in 1. The length of 64 normal numbers
    // varies by about 9 % (one standard deviation).
    const idf = (n: number) => Math.log(1 + (4 - n + 0.5) / (n + 0.5));
    for (const [word, n] of [
      ['the', 3],
      ['fox', 2],
      ['bird', 1],
    ] as const) {
      expect(Math.abs(norm(row(word)) / idf(n) - 1)).toBeLessThan(0.4);
    }
  });

  it('knows the words of queries, which say nothing yet, like unknown words', () => {
    expect(model.tokenizer.encode('crimson unheard')).toHaveLength(2);
    expect(model.tokenizer.encode('crimson')[0]).not.toBe(model.tokenizer.unknown);
    expect(norm(row('crimson'))).toBe(0);
    expect(norm(row('unheard'))).toBe(0);
  });

  it('encodes a text as the normalised mean, and a text without known words as zeros', async () => {
    const encoder = staticEncoder('m', model);
    const vectors = await encoder.encode(['fox bird fox', '', 'unheard', 'fox  BIRD, fox unheard'], 'query');
    const sum = row('fox').map((x, j) => 2 * x + row('bird')[j]!);
    for (let j = 0; j < 64; j++) {
      expect(vectors[j]).toBeCloseTo(sum[j]! / norm(sum), 6);
      expect(vectors[3 * 64 + j]).toBeCloseTo(sum[j]! / norm(sum), 6);
    }
    expect(norm(vectors.subarray(64, 3 * 64))).toBe(0);
  });

  it('is the same for the same seed and another for another', () => {
    const again = buildStatic(corpus, ['crimson fox'], { dimension: 64, seed: 5 });
    expect(again.table.data).toEqual(model.table.data);
    expect(again.tokenizerJson).toEqual(model.tokenizerJson);
    expect(buildStatic(corpus, [], { dimension: 64, seed: 6 }).table.data).not.toEqual(model.table.data);
  });

  it('keeps the words of most documents when there is a limit, and cuts long texts', () => {
    const small = buildStatic(corpus, ['crimson'], { vocabularyLimit: 2, maxTokens: 3, dimension: 8 });
    expect(small.table.shape).toEqual([3, 8]);
    expect([...small.tokenizer.encode('the fox sea fox')]).toEqual([1, 2, 0]);
  });
});

describe('a model folder', () => {
  const dir = join(folder, 'model');
  beforeAll(() => saveStatic(dir, model, { lineage: { Logs: '3', Judge: 'rules | people' } }));

  it('gives back the same encoder', async () => {
    const texts = ['the red fox', 'crimson bird', ''];
    const opened = await openEncoder(dir);
    expect(opened.dimension).toBe(64);
    expect(await opened.encode(texts, 'query')).toEqual(
      await staticEncoder('m', model).encode(texts, 'query'),
    );
  });

  it('tells in its card where the model comes from, and nothing of this machine', () => {
    const card = readFileSync(join(dir, 'README.md'), 'utf8');
    expect(card).toContain('| Judge | rules   people |');
    expect(card).toContain('| Logs | 3 |');
    expect(card).not.toContain(folder);
  });

  it('replaces a model and leaves nothing beside it, but never anything else', () => {
    const place = join(folder, 'parent');
    const target = join(place, 'model');
    saveStatic(target, model, { lineage: {} });
    saveStatic(target, buildStatic(['new'], [], { dimension: 4 }), { lineage: {} });
    expect(readStatic(target).table.shape).toEqual([2, 4]);
    expect(readdirSync(place)).toEqual(['model']);
    const other = join(folder, 'documents');
    mkdirSync(other);
    writeFileSync(join(other, 'thesis.txt'), 'three years');
    expect(() => saveStatic(other, model, { lineage: {} })).toThrow(/not a model folder/);
    expect(existsSync(join(other, 'thesis.txt'))).toBe(true);
  });

  it.each([
    ['no modules.json', (at: string) => rmSync(join(at, 'modules.json')), /neither a modules.json/],
    [
      'a broken modules.json',
      (at: string) => writeFileSync(join(at, 'modules.json'), '{'),
      /not a list of modules/,
    ],
    [
      'another architecture',
      (at: string) =>
        writeFileSync(join(at, 'modules.json'), '[{"type":"x.models.WordEmbeddings","path":""}]'),
      /architecture that is not known here \(WordEmbeddings\)/,
    ],
    ['no tokenizer', (at: string) => rmSync(join(at, 'tokenizer.json')), /cannot be read/],
    [
      'a tokenizer without a model',
      (at: string) => writeFileSync(join(at, 'tokenizer.json'), '{}'),
      /no tokenizer/,
    ],
    ['no tensors', (at: string) => rmSync(join(at, 'model.safetensors')), /does not exist/],
    [
      'a missing tensor',
      (at: string) =>
        writeSafetensors(
          join(at, 'model.safetensors'),
          new Map([['x', { shape: [1], data: Float32Array.of(1) }]]),
        ),
      /'embedding.weight' is missing/,
    ],
    [
      'a table for another vocabulary',
      (at: string) =>
        writeSafetensors(
          join(at, 'model.safetensors'),
          new Map([['embedding.weight', { shape: [2, 2], data: new Float32Array(4) }]]),
        ),
      /'embedding.weight' has shape \[2, 2\]/,
    ],
  ])('with %s is refused with file and remedy', async (_, spoil, message) => {
    const at = join(folder, 'spoilt');
    saveStatic(at, model, { lineage: {} });
    spoil(at);
    const error = await openEncoder(at).then(
      () => null,
      error => error,
    );
    expect(error).toMatchObject({ name: 'LratError', message: expect.stringMatching(message) });
    expect(error.place).toContain(at);
    expect(error.remedy).toBeTruthy();
    rmSync(at, { recursive: true });
  });
});
