import { LratError } from '../../base/errors.ts';
import { asInRust, openTokenizer, type TokenizerJson, unusable } from '../tokenizer.ts';

/** Text to the token ids that a model was trained on, special tokens and all. */
export interface ModelTokenizer {
  /** One past the greatest id. */
  readonly size: number;
  /** At most `maxTokens` ids; of a longer text the end is cut off, special tokens stay. */
  encode(text: string): Int32Array;
}

/** @param place named in messages. @throws LratError if the tokenizer is of a kind that is not known here */
export function modelTokenizer(json: TokenizerJson, place: string, maxTokens: number): ModelTokenizer {
  const { tokenizer, size } = openTokenizer(asInRust(json), place);
  const ids = (text: string, special: boolean): number[] =>
    tokenizer.encode(text, { add_special_tokens: special }).ids;
  // What stands around every text, told by one of them.
  const [bare, whole] = [ids('a', false), ids('a', true)];
  const start = whole.findIndex((_, at) => bare.every((id, i) => whole[at + i] === id));
  if (bare.length === 0 || start < 0)
    throw unusable('its special tokens do not stand around the text', place);
  const before = whole.slice(0, start);
  const after = whole.slice(start + bare.length);
  const room = maxTokens - before.length - after.length;
  if (room < 1) {
    throw new LratError(
      `puts ${whole.length - bare.length} tokens around a text, and ${maxTokens} are to be read.`,
      {
        place,
        remedy: 'Have longer texts read (--max-length, or max_seq_length of the model).',
      },
    );
  }
  return {
    size,
    encode: text => Int32Array.from([...before, ...ids(text, false).slice(0, room), ...after]),
  };
}
