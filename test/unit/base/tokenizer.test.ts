import { randomInt } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import vocabulary from 'gpt-tokenizer/bpeRanks/cl100k_base';
import { encode } from 'gpt-tokenizer/encoding/cl100k_base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTokenCounter } from '../../../src/base/tokenizer.ts';

describe('words', () => {
  it("splits where Python's str.split() does, and nowhere else", async () => {
    const { count } = await openTokenCounter('words');
    // The 29 code points of which Python 3 says isspace().
    const spaces = [
      ...[0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x85, 0xa0, 0x1680, 0x2000, 0x2001],
      ...[0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a, 0x2028, 0x2029, 0x202f],
      ...[0x205f, 0x3000],
    ];
    const splitting = [];
    for (let code = 0; code < 0x10000; code++) {
      if (count(`a${String.fromCharCode(code)}b`) === 2) splitting.push(code);
    }
    expect(splitting).toEqual(spaces);
  });

  it('counts no word in nothing, and none at the edges', async () => {
    const { count } = await openTokenCounter('words');
    expect([count(''), count(' \n\t '), count('  one,  two-three\n')]).toEqual([0, 0, 2]);
  });
});

describe('cl100k_base', () => {
  const asText = { disallowedSpecial: new Set<string>() };

  it('is the default and gives the published counts', async () => {
    const counter = await openTokenCounter();
    expect(counter.name).toBe('cl100k_base');
    // From the examples of OpenAI's tiktoken and its cookbook.
    expect(counter.count('tiktoken is great!')).toBe(6);
    expect(counter.count('antidisestablishmentarianism')).toBe(6);
    expect(counter.count('2 + 2 = 4')).toBe(7);
    expect(counter.count('お誕生日おめでとう')).toBe(9);
    expect(counter.count('hello world')).toBe(2);
    expect(counter.count('')).toBe(0);
  });

  const seed = randomInt(2 ** 31);
  it(`counts what the library counts when it encodes (seed ${seed})`, async () => {
    const { count } = await openTokenCounter();
    // The library loses byte order marks, which have tokens, when it looks bytes up: see the next test.
    const part = fc.oneof(
      fc.string({ unit: 'binary' }).map(text => text.replaceAll('\ufeff', '')),
      fc.lorem({ maxCount: 3 }),
      fc.constantFrom(" don't", ' \n ', '  x', '\r\n1234', '<|endoftext|>'),
    );
    const text = fc.array(part, { maxLength: 8 });
    fc.assert(
      fc.property(text, parts => {
        const whole = parts.join('');
        // Twice: the second time from memory.
        expect([count(whole), count(whole)]).toEqual(Array(2).fill(encode(whole, asText).length));
      }),
      { numRuns: 300, seed },
    );
  });

  it('counts a byte order mark as the one token that the vocabulary has for it', async () => {
    const { count } = await openTokenCounter();
    const texts = vocabulary.map(token =>
      typeof token === 'string' ? token : Buffer.from(token).toString(),
    );
    expect(texts).toEqual(expect.arrayContaining(['\ufeff', '\ufeffusing']));
    expect([count('\ufeff'), count('\ufeffusing'), count('a\ufeff')]).toEqual([1, 1, 2]);
  });

  it('takes special tokens in a log as text', async () => {
    const { count } = await openTokenCounter();
    expect(count('<|endoftext|>')).toBeGreaterThan(1);
    expect(count('a <|im_start|> b <|fim_prefix|>')).toBeGreaterThan(8);
  });

  it('survives a megabyte without a space, and half a surrogate pair', async () => {
    const { count } = await openTokenCounter();
    expect(count('a'.repeat(1_000_000))).toBe(125_000);
    expect(count(' '.repeat(1_000_000))).toBeGreaterThan(1000);
    expect(count(`x\ud800 ${'='.repeat(100_000)}`)).toBeGreaterThan(1000);
  });
});

describe('a Hugging Face tokenizer', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lrat-tokenizer-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const write = (name: string, content: string) => {
    const path = join(folder, name);
    mkdirSync(path);
    writeFileSync(join(path, 'tokenizer.json'), content);
    return path;
  };

  const wordLevel = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: ['[CLS]', '[SEP]', '[UNK]'].map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: { type: 'Lowercase' },
    pre_tokenizer: { type: 'Whitespace' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [
        { SpecialToken: { id: '[CLS]', type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: '[SEP]', type_id: 0 } },
      ],
      pair: [],
      special_tokens: {
        '[CLS]': { id: '[CLS]', ids: [0], tokens: ['[CLS]'] },
        '[SEP]': { id: '[SEP]', ids: [1], tokens: ['[SEP]'] },
      },
    },
    decoder: null,
    model: {
      type: 'WordLevel',
      vocab: { '[CLS]': 0, '[SEP]': 1, '[UNK]': 2, orono: 3, bog: 4 },
      unk_token: '[UNK]',
    },
  };

  it('counts without the special tokens that it would add', async () => {
    const path = write('word-level', JSON.stringify(wordLevel));
    const counter = await openTokenCounter(path);
    expect(counter.name).toBe(path);
    expect([counter.count('Orono Bog'), counter.count('the Orono bog, Maine'), counter.count('')]).toEqual([
      2, 5, 0,
    ]);
  });

  it('says which file is missing or unusable', async () => {
    await expect(openTokenCounter(join(folder, 'nowhere'))).rejects.toMatchObject({
      name: 'LratError',
      place: join(folder, 'nowhere', 'tokenizer.json'),
      remedy: expect.stringContaining('tokenizer.json'),
    });
    const cut = write('cut', JSON.stringify(wordLevel).slice(0, 200));
    await expect(openTokenCounter(cut)).rejects.toMatchObject({
      name: 'LratError',
      message: expect.stringContaining('is not JSON'),
      place: join(cut, 'tokenizer.json'),
    });
    const noModel = write('no-model', JSON.stringify({ ...wordLevel, model: undefined }));
    await expect(openTokenCounter(noModel)).rejects.toMatchObject({ name: 'LratError' });
    const list = write('list', '[1]');
    await expect(openTokenCounter(list)).rejects.toMatchObject({ name: 'LratError' });
  });
});
