import type { Candidate } from './model.ts';

/** What of the texts that tools showed is kept in the steps. */
export interface Keeping {
  candidate(candidate: Candidate): Candidate;
  /** A text that was shown. */
  text(text: string): string;
  /** A short text that may have been cut out of one that was shown. */
  name(name: string): string;
}

export const keepTexts: Keeping = { candidate: same, text: same, name: same };

function same<Value>(value: Value): Value {
  return value;
}

/**
 * Keeps no text that a tool showed, but blanks of the same length; and of candidates no more than their keys and ranks. That
 * is what an index needs of them, and little where the texts are most of a log.
 */
export function lengthKeeping(): Keeping {
  // A blank is made of shared halves: each length costs a few bytes, once.
  const blanks = new Map<number, string>();
  const text = ({ length }: string): string => {
    const known = blanks.get(length);
    if (known !== undefined) return known;
    const blank = ' '.repeat(length);
    blanks.set(length, blank);
    return blank;
  };
  // A piece of a text holds all of it in memory; what was parsed anew does not.
  const name = (text: string): string => JSON.parse(JSON.stringify(text)) as string;
  const candidate = ({ id, rank, snippet }: Candidate): Candidate => ({
    ...{ id: name(id), rank, snippet: text(snippet) },
    ...{ title: null, url: null, score: null },
  });
  return { candidate, text, name };
}
