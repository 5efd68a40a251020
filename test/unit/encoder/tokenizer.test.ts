import { describe, expect, it } from 'vitest';
import { LratError } from '../../../src/base/errors.ts';
import { precompiled } from '../../../src/encoder/precompiled.ts';
import { asInRust, openTokenizer, type TokenizerJson } from '../../../src/encoder/tokenizer.ts';

/** A charsmap as SentencePiece writes it: a trie of units, each node's children in a block of 256 of their own. */
function charsmap(rules: Readonly<Record<string, string>>): string {
  const units = [0];
  let [replacements, blocks] = ['', 0];
  const place = (at: number, label: number, entries: readonly (readonly [Buffer, string])[]) => {
    const block = 256 * ++blocks;
    const offset = at ^ block;
    // An offset without low bits may stand without them.
    units[at] = (offset % 256 === 0 ? ((offset >>> 8) << 10) | 0x200 : offset << 10) | label;
    const leaf = entries.find(([key]) => key.length === 0);
    if (leaf !== undefined) {
      units[at]! |= 0x100;
      units[block] = 0x8000_0000 + Buffer.byteLength(replacements);
      replacements += `${leaf[1]}\0`;
    }
    for (const byte of new Set(entries.flatMap(([key]) => [...key.subarray(0, 1)])))
      place(
        block ^ byte,
        byte,
        entries.flatMap(([key, value]) => (key[0] === byte ? [[key.subarray(1), value]] : [])),
      );
  };
  place(
    0,
    0,
    Object.entries(rules).map(([key, value]) => [Buffer.from(key), value]),
  );
  const size = 256 * (blocks + 1);
  const trie = Buffer.alloc(4 + 4 * size);
  trie.writeUInt32LE(4 * size);
  for (const [i, unit] of Object.entries(units)) trie.writeUInt32LE(unit, 4 + 4 * Number(i));
  return Buffer.concat([trie, Buffer.from(replacements)]).toString('base64');
}

/** Some of SentencePiece's own rules. */
const some = charsmap({
  ...{ ａ: 'a', ﾊ: 'ハ', ﾋ: 'ヒ', ﾟ: '\u309a', 'e\u0301': 'é', 'A\u030a': 'Å', '①': '1' },
  ...{ '\u0001': '', '\r': ' ', '\n': ' ', '\u200c': ' ', '\u061c': ' ', '\ufeff': ' ', '\ufffd': ' ' },
});

function tokenizerJson(changes: object): TokenizerJson {
  return {
    ...{ version: '1.0', truncation: null, padding: null, added_tokens: [], normalizer: null },
    ...{ pre_tokenizer: null, post_processor: null, decoder: null },
    model: { type: 'WordLevel', vocab: { '[UNK]': 0, 1: 1 }, unk_token: '[UNK]' },
    ...changes,
  };
}

const opened = (changes: object) => openTokenizer(asInRust(tokenizerJson(changes)), 'model').tokenizer;

describe('a charsmap', () => {
  // As the Python package `tokenizers` 0.23 has it with SentencePiece's table nmt_nfkc.
  it.each([
    ['graphemes of six bytes and more are taken apart', 'ﾊﾟﾋﾟ', 'ハ\u309aヒ\u309a'],
    ['of shorter ones the whole stands for its shortest beginning', 'ａ\u0301', 'a'],
    ['marks that a rule has', 'e\u0301 A\u030a', 'é Å'],
    ['a joiner stays', '👨‍👩‍👧 b\u200dc', '👨‍👩‍👧 b\u200dc'],
    ['a character with a mark of its own', '①\u20dd', '1\u20dd'],
    ['spaces', 'a\u200cb \u061cx \ufeffbom', 'a b  x  bom'],
    ['a line end is one grapheme', '\r\nx\n\n', ' x  '],
    ['nothing stands for it', '\u0001a\u0001', 'a'],
    ['NUL ends a search', '\0nul', '\0nul'],
    ['a half of a pair is no character', 'a\ud800', 'a '],
    ['what no rule has', '日本 x\u0085y', '日本 x\u0085y'],
    ['nothing at all', '', ''],
  ])('%s', (_, text, expected) => {
    const normalize = precompiled(some);
    expect(normalize(text)).toBe(expected);
    // What it remembers of the first time is the same.
    expect(normalize(text)).toBe(expected);
  });

  it('is applied where it stands among the normalizers', () => {
    const rules = { type: 'Precompiled', precompiled_charsmap: charsmap({ b: 'c', d: 'A' }) };
    const before = { type: 'Replace', pattern: { String: 'a' }, content: 'b' };
    const after = { type: 'Replace', pattern: { String: 'c' }, content: 'd' };
    const nested = { type: 'Sequence', normalizers: [rules, { type: 'Lowercase' }] };
    const words = (normalizer: object) => opened({ normalizer }).tokenize('abcd');
    expect(words(rules)).toEqual(['accA']);
    expect(words({ type: 'Sequence', normalizers: [before, rules, after] })).toEqual(['dddA']);
    expect(words({ type: 'Sequence', normalizers: [before, nested, after] })).toEqual(['ddda']);
  });

  it('leaves added tokens alone in the text, and is applied to those that are to be normalized', () => {
    const token = { single_word: false, lstrip: false, rstrip: false, special: true };
    const tokenizer = opened({
      normalizer: { type: 'Precompiled', precompiled_charsmap: some },
      added_tokens: [
        { ...token, id: 2, content: '<①>', normalized: false },
        { ...token, id: 3, content: '<ａ>', normalized: true },
      ],
    });
    expect(tokenizer.encode('①<①><a>①').ids).toEqual([1, 2, 3, 1]);
  });

  it.each([
    ['missing', null],
    ['empty', ''],
    ['not base64', `!${some.slice(1)}`],
    ['cut off in the trie', some.slice(0, 400)],
    ['without replacements', Buffer.from([4, 0, 0, 0, 0, 0, 0, 0]).toString('base64')],
    ['cut off in the replacements', Buffer.from(some, 'base64').subarray(0, -1).toString('base64')],
    ['of half a unit', Buffer.from([3, 0, 0, 0, 1, 2, 3, 0]).toString('base64')],
    ['with a leaf that is not there', Buffer.from([4, 0, 0, 0, 0, 5, 0, 0, 0]).toString('base64')],
  ])('that is %s is refused', (_, precompiled_charsmap) => {
    const normalizer = { type: 'Sequence', normalizers: [{ type: 'Precompiled', precompiled_charsmap }] };
    const open = () => opened({ normalizer });
    expect(open).toThrow(LratError);
    expect(open).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('the charsmap of its normalizer is damaged'),
        place: 'model',
        remedy: 'Use the tokenizer.json that the model was saved with.',
      }),
    );
  });
});

describe('white space, as Rust sees it', () => {
  it('parts words', () => {
    expect(
      opened({ pre_tokenizer: { type: 'WhitespaceSplit' } }).tokenize('\u0085a\u0085b \ufeffc '),
    ).toEqual(['a', 'b', '\ufeffc']);
  });

  it.each([
    [true, true, 'a\n b'],
    [true, false, 'a\n b \u0085'],
    [false, true, '\n\u0085 a\n b'],
    [false, false, '\n\u0085 a\n b \u0085'],
  ])('is stripped: left %s, right %s', (strip_left, strip_right, expected) => {
    const normalizer = { type: 'Strip', strip_left, strip_right };
    expect(opened({ normalizer }).tokenize('\n\u0085 a\n b \u0085')).toEqual([expected]);
    expect(opened({ normalizer }).tokenize('\ufeffa')).toEqual(['\ufeffa']);
  });
});

it('a capital sigma is lowered alike wherever it stands, even if another step made it', () => {
  const normalizers = [{ type: 'NFKC' }, { type: 'Lowercase' }];
  const normalizer = { type: 'Sequence', normalizers };
  expect(opened({ normalizer }).tokenize('ΣΑΣ A𝚺')).toEqual(['σασ aσ']);
});
