import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, LratError } from './errors.ts';

/** Counts the tokens of a text, special tokens excluded: the unit of reasoning length `l` (LRAT, section 5.3). */
export interface TokenCounter {
  /** As recorded beside every length: `words`, `cl100k_base`, or the folder of a `tokenizer.json`. */
  readonly name: string;
  count(text: string): number;
}

/**
 * The counter that needs no download. The paper counts with Qwen3's tokenizer, whose vocabulary grew out of
 * cl100k_base and splits text nearly as it does, so of the embedded vocabularies it is the nearest stand-in.
 */
export const defaultTokenizer = 'cl100k_base';

/** Opens `words`, `cl100k_base`, or the Hugging Face tokenizer (`tokenizer.json`) in a folder. */
export async function openTokenCounter(name: string = defaultTokenizer): Promise<TokenCounter> {
  if (name === 'words') return { name, count: countWords };
  if (name === defaultTokenizer) return { name, count: await cl100k() };
  return { name, count: await huggingFace(name) };
}

/** A run without white space as Python's `str.split()` knows it, which is not quite JavaScript's `\s`. */
const word = /[^\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g;

function countWords(text: string): number {
  return text.match(word)?.length ?? 0;
}

/**
 * Merging a piece takes time quadratic in its length. No real word is this long, in UTF-16 units; a longer run of letters,
 * white space or signs is counted in parts, which is off by a token per part at most.
 */
const longestPiece = 512;
/** Words repeat, so their counts are kept: so many, and short ones only, for a long one would hold on to its whole text. */
const remembered = { pieces: 1 << 16, length: 12 };

/**
 * Byte-pair encoding with the library's vocabulary. The library's own counting decodes the bytes of every pair that it
 * looks up; that took half the time of indexing.
 */
async function cl100k(): Promise<(text: string) => number> {
  // Loaded when needed: the vocabulary is 1.2 MB.
  const [{ default: vocabulary }, { CL100K_TOKEN_SPLIT_REGEX: pieces }] = await Promise.all([
    import('gpt-tokenizer/bpeRanks/cl100k_base'),
    import('gpt-tokenizer/encodingParams/constants'),
  ]);
  const ranks = new Map<string, number>();
  for (const [rank, token] of vocabulary.entries()) ranks.set(byteString(token), rank);
  const counts = new Map<string, number>();
  const countPiece = (piece: string): number => {
    const known = counts.get(piece);
    if (known !== undefined) return known;
    let count = 0;
    for (let at = 0; at < piece.length; at += longestPiece) {
      count += countMerged(byteString(piece.slice(at, at + longestPiece)), ranks);
    }
    if (piece.length <= remembered.length) {
      if (counts.size >= remembered.pieces) counts.clear();
      counts.set(piece, count);
    }
    return count;
  };
  // What looks like a special token is several pieces, and so, as it should, text that somebody wrote.
  return text => (text.match(pieces) ?? []).reduce((sum, piece) => sum + countPiece(piece), 0);
}

/** UTF-8 with a character for each byte: strings are what a Map finds by their content. */
function byteString(token: string | readonly number[]): string {
  return typeof token === 'string' && isAscii.test(token) ? token : Buffer.from(token).toString('latin1');
}

const isAscii = /^[\0-\x7f]*$/;

/** How many tokens are left of a piece when, again and again, the neighbours of the lowest rank have become one. */
function countMerged(bytes: string, ranks: ReadonlyMap<string, number>): number {
  if (ranks.has(bytes)) return 1;
  // Part i is bytes[starts[i], starts[i + 1]), and pairs[i] the rank of it and the next one together.
  const starts: number[] = [];
  const pairs: number[] = [];
  const pairRank = (i: number): number =>
    i + 2 < starts.length ? (ranks.get(bytes.slice(starts[i], starts[i + 2])) ?? unmergeable) : unmergeable;
  for (let i = 0; i <= bytes.length; i++) starts.push(i);
  for (let i = 0; i < bytes.length; i++) pairs.push(pairRank(i));
  for (;;) {
    let lowest = 0;
    for (let i = 1; i < pairs.length; i++) if (pairs[i]! < pairs[lowest]!) lowest = i;
    if (pairs[lowest] === unmergeable) return pairs.length;
    starts.splice(lowest + 1, 1);
    pairs.splice(lowest + 1, 1);
    pairs[lowest] = pairRank(lowest);
    if (lowest > 0) pairs[lowest - 1] = pairRank(lowest - 1);
  }
}

/** Above every rank. A small integer, so that an array of ranks is one of those. */
const unmergeable = 2 ** 30 - 1;

async function huggingFace(folder: string): Promise<(text: string) => number> {
  const path = join(folder, 'tokenizer.json');
  const definition = await readJson(path);
  if (definition === undefined) {
    throw new LratError('there is no such tokenizer.', {
      place: path,
      remedy: `Name a folder that holds a tokenizer.json, or use ${defaultTokenizer} or words.`,
    });
  }
  const settings = (await readJson(join(folder, 'tokenizer_config.json'))) ?? {};
  const { Tokenizer } = await import('@huggingface/tokenizers');
  try {
    const tokenizer = new Tokenizer(definition, settings);
    const count = (text: string) => tokenizer.encode(text, { add_special_tokens: false }).ids.length;
    count('a probe, so that a definition that cannot run fails here');
    return count;
  } catch (cause) {
    throw new LratError(
      `is not a tokenizer that can be used (${cause instanceof Error ? cause.message : String(cause)}).`,
      { place: path, remedy: "Copy the model's tokenizer.json anew; the whole file is needed.", cause },
    );
  }
}

/** The object in a JSON file, or undefined if there is no such file. */
async function readJson(path: string): Promise<object | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const code = errorCode(cause);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new LratError(`could not be read (${code ?? String(cause)}).`, {
      place: path,
      remedy: 'Give this user permission to read it.',
      cause,
    });
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
    throw new SyntaxError('not an object');
  } catch (cause) {
    throw new LratError(`is not JSON (${cause instanceof Error ? cause.message : String(cause)}).`, {
      place: path,
      remedy: "Copy the model's file anew; this one may be cut short.",
      cause,
    });
  }
}
