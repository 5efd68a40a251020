import { readFileSync } from 'node:fs';
import { Tokenizer } from '@huggingface/tokenizers';
import { LratError } from '../base/errors.ts';
import { precompiled } from './precompiled.ts';

/** Text to token ids. */
export interface TextTokenizer {
  /** One past the greatest id. */
  readonly size: number;
  /** The id that stands for what the vocabulary does not have; null if there is none. */
  readonly unknown: number | null;
  /** Ids without special tokens, at most `maxTokens` of them. */
  encode(text: string): Int32Array;
}

/** The part of a `tokenizer.json` that is looked into here. */
export interface TokenizerJson {
  readonly truncation: { readonly max_length: number } | null;
  readonly model: {
    readonly type?: string;
    readonly vocab: unknown;
    readonly unk_token?: string | null;
    readonly unk_id?: number | null;
  };
  readonly [key: string]: unknown;
}

/** Letters that are words by themselves: their scripts do not write spaces. */
const single = '\\p{Han}\\p{Hiragana}\\p{Katakana}\\p{Thai}';
/** Accents of European scripts. Marks of other scripts carry letters and stay. */
const accents = { type: 'Replace', pattern: { Regex: '[\\u0300-\\u036f]' }, content: '' };

/** What an encoder's own vocabulary says for a word that it does not have. */
export const unknownToken = '[UNK]';

/**
 * A standard `tokenizer.json` over whole words: NFKC, lower case, without accents; runs of letters, digits and marks are
 * words, letters of scripts without spaces one by one. Each piece of it means the same in Hugging Face's library (Rust
 * and Python) and in JavaScript: compatibility forms that are newer than the former's tables of characters excepted.
 *
 * @param words ids are their positions plus one; 0 is `[UNK]`.
 * @param maxTokens longer texts are cut; null leaves them whole.
 */
export function wordTokenizerJson(words: readonly string[], maxTokens: number | null): TokenizerJson {
  return {
    version: '1.0',
    truncation: truncation(maxTokens),
    padding: null,
    added_tokens: [],
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'NFKD' },
        accents,
        { type: 'Lowercase' },
        // Lower case brings some back (İ), and depends on the place in the word for the Greek sigma in JavaScript only.
        accents,
        { type: 'Replace', pattern: { String: 'ς' }, content: 'σ' },
        { type: 'NFC' },
      ],
    },
    pre_tokenizer: {
      type: 'Split',
      pattern: { Regex: `[${single}]|(?:(?![${single}])[\\p{L}\\p{N}\\p{M}])+` },
      behavior: 'Removed',
      invert: true,
    },
    post_processor: null,
    decoder: null,
    model: {
      type: 'WordLevel',
      vocab: Object.fromEntries([unknownToken, ...words].map((word, id) => [word, id])),
      unk_token: unknownToken,
    },
  };
}

function truncation(maxTokens: number | null): TokenizerJson['truncation'] {
  const rest = { direction: 'Right', strategy: 'LongestFirst', stride: 0 };
  return maxTokens === null ? null : { max_length: maxTokens, ...rest };
}

/** The same tokenizer with another greatest number of tokens. */
export function withMaxTokens(json: TokenizerJson, maxTokens: number | null): TokenizerJson {
  return { ...json, truncation: truncation(maxTokens) };
}

/** The words that a text consists of, as the tokenizer of `wordTokenizerJson` sees them. */
export function wordSplitter(): (text: string) => string[] {
  const tokenizer = new Tokenizer(wordTokenizerJson([], null), {});
  return text => tokenizer.tokenize(text);
}

/** White space as Rust's regular expressions have it; JavaScript's `\s` has U+FEFF too, and not U+0085. */
const space = String.raw`\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`;

/** What `ByteLevel` splits by where it is told to, after GPT-2. */
const byteLevelPattern = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

/**
 * The same tokenizer in words that mean to the library in JavaScript what they mean to the one in Rust, which models are
 * trained with: lower case does not depend on the place in a word (the Greek sigma), and white space is Unicode's.
 */
export function asInRust(json: TokenizerJson): TokenizerJson {
  return {
    ...json,
    normalizer: normalizerAsInRust(json.normalizer),
    pre_tokenizer: withSpaces(json.pre_tokenizer),
  };
}

function normalizerAsInRust(normalizer: unknown): unknown {
  const part = (normalizer ?? {}) as {
    type?: string;
    lowercase?: boolean;
    strip_left?: boolean;
    strip_right?: boolean;
    pattern?: { Regex?: string };
    normalizers?: readonly unknown[];
  };
  const sequence = (normalizers: readonly unknown[]) => ({ type: 'Sequence', normalizers });
  const replace = (pattern: object, content: string) => ({ type: 'Replace', pattern, content });
  if (part.normalizers !== undefined) return sequence(part.normalizers.map(normalizerAsInRust));
  if (part.type === 'Lowercase' || (part.type === 'BertNormalizer' && part.lowercase === true))
    return sequence([replace({ String: 'Σ' }, 'σ'), normalizer]);
  if (part.type === 'Replace' && part.pattern?.Regex !== undefined)
    return { ...part, pattern: { Regex: withSpaceClasses(part.pattern.Regex) } };
  if (part.type !== 'Strip') return normalizer;
  // Told by what is around them: `^` and `$` are of lines.
  const left = replace({ Regex: String.raw`(?<![\S\s])[${space}]+` }, '');
  const right = replace({ Regex: String.raw`(?<![${space}])[${space}]+(?![\S\s])` }, '');
  return sequence([...(part.strip_left ? [left] : []), ...(part.strip_right ? [right] : [])]);
}

function withSpaces(splitter: unknown): unknown {
  const part = (splitter ?? {}) as {
    type?: string;
    use_regex?: boolean;
    add_prefix_space?: boolean;
    pattern?: { Regex?: string };
    pretokenizers?: readonly unknown[];
  };
  if (part.pretokenizers !== undefined) return { ...part, pretokenizers: part.pretokenizers.map(withSpaces) };
  if (part.type === 'Split' && part.pattern?.Regex !== undefined)
    return { ...part, pattern: { Regex: withSpaceClasses(part.pattern.Regex) } };
  if (part.type === 'WhitespaceSplit')
    return { type: 'Split', pattern: { Regex: `[${space}]+` }, behavior: 'Removed', invert: false };
  // A space put in front belongs to the text, and would come before each of its pieces.
  if (part.type !== 'ByteLevel' || part.use_regex === false || part.add_prefix_space === true)
    return splitter;
  const split = {
    type: 'Split',
    pattern: { Regex: withSpaceClasses(byteLevelPattern) },
    behavior: 'Isolated',
    invert: false,
  };
  return { type: 'Sequence', pretokenizers: [split, { ...part, use_regex: false }] };
}

/** `\s` and `\S` of a pattern as classes of their own, inside of brackets or not. */
function withSpaceClasses(pattern: string): string {
  let inClass = false;
  return pattern.replace(/\\(.)|[[\]]/gsu, (found, escaped?: string) => {
    if (escaped === undefined) {
      inClass = found === '[';
      return found;
    }
    if (escaped === 's') return inClass ? space : `[${space}]`;
    return escaped === 'S' && !inClass ? `[^${space}]` : found;
  });
}

/** The same normalizer, with `Precompiled` as in Rust: the library has rules of its own for it, whatever the charsmap says. */
function withCharsmaps(normalizer: unknown): unknown {
  const part = (normalizer ?? {}) as {
    type?: string;
    normalizers?: readonly unknown[];
    precompiled_charsmap?: unknown;
  };
  if (part.normalizers !== undefined) return { ...part, normalizers: part.normalizers.map(withCharsmaps) };
  if (part.type !== 'Precompiled') return normalizer;
  // The content goes to `replaceAll`, which takes a function as well.
  const content = precompiled(part.precompiled_charsmap);
  return { type: 'Replace', pattern: { Regex: String.raw`[\s\S]+` }, content };
}

/** The library's tokenizer, and one past its greatest id. @throws LratError if it is of a kind that is not known here. */
export function openTokenizer(
  json: TokenizerJson,
  place: string,
): { readonly tokenizer: Tokenizer; readonly size: number } {
  let tokenizer: Tokenizer;
  try {
    tokenizer = new Tokenizer({ ...json, normalizer: withCharsmaps(json.normalizer ?? null) }, {});
  } catch (cause) {
    throw unusable(cause instanceof Error ? cause.message : String(cause), place, cause);
  }
  let size = 0;
  for (const id of tokenizer.get_vocab().values()) size = Math.max(size, id + 1);
  return { tokenizer, size };
}

/** What is wrong with a tokenizer, as an error. */
export function unusable(reason: string, place: string, cause?: unknown): LratError {
  return new LratError(`is no tokenizer that can be used (${reason}).`, {
    place,
    remedy: 'Use the tokenizer.json that the model was saved with.',
    cause,
  });
}

/** @param place named in messages. @throws LratError as `openTokenizer` */
export function makeTokenizer(json: TokenizerJson, place: string): TextTokenizer {
  const { tokenizer, size } = openTokenizer(json, place);
  const unknown =
    json.model.unk_id ??
    (json.model.unk_token == null ? null : (tokenizer.token_to_id(json.model.unk_token) ?? null));
  const limit = json.truncation?.max_length ?? Number.POSITIVE_INFINITY;
  return {
    size,
    unknown,
    encode(text) {
      // The library leaves an unknown word of a word-level vocabulary without an id.
      const { ids } = tokenizer.encode(text, { add_special_tokens: false });
      const known = (ids as (number | undefined)[]).flatMap(id => id ?? unknown ?? []);
      return Int32Array.from(known.length > limit ? known.slice(0, limit) : known);
    },
  };
}

/** @throws LratError if the file is missing or is no `tokenizer.json`. */
export function readTokenizerJson(path: string): TokenizerJson {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new LratError(`cannot be read (${cause instanceof Error ? cause.message : cause}).`, {
      place: path,
      remedy: 'A model folder needs the tokenizer.json that the model was saved with.',
      cause,
    });
  }
  const model = (json as Partial<TokenizerJson> | null)?.model;
  if (
    typeof model !== 'object' ||
    model === null ||
    typeof model.vocab !== 'object' ||
    model.vocab === null
  ) {
    throw new LratError('is no tokenizer: it has no model with a vocabulary.', {
      place: path,
      remedy: 'A model folder needs the tokenizer.json that the model was saved with.',
    });
  }
  return { truncation: null, ...(json as object) } as TokenizerJson;
}
