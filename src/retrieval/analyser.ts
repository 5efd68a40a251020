import { stemmer } from 'stemmer';

/** Lucene's English stop words (`EnglishAnalyzer.ENGLISH_STOP_WORDS_SET`). */
const stopWords = new Set(
  (
    'a an and are as at be but by for if in into is it no not of on or such that the their then there these they ' +
    'this to was will with'
  ).split(' '),
);

const words = new Intl.Segmenter('en', { granularity: 'word' });
/** Accents of European scripts (marks of other scripts carry letters and stay), and soft hyphens. */
const strippable = /[\u0300-\u036f\u00ad]/g;
const ascii = /^[\0-\x7f]*$/;
const possessive = /['’]s$/;

/**
 * The terms of a text, in order: its words after Unicode's segmentation (UAX #29; for scripts without spaces ICU's
 * dictionaries), NFKC, lower case, without accents, possessive 's and stop words, stemmed by Porter's algorithm.
 * Accents and soft hyphens apart, this is the chain of Lucene's `EnglishAnalyzer`.
 */
export function analyse(text: string): string[] {
  const terms: string[] = [];
  for (const { segment, isWordLike } of words.segment(normalise(text))) {
    if (!isWordLike) continue;
    const term = termOf(segment);
    if (term !== '') terms.push(term);
  }
  return terms;
}

function normalise(text: string): string {
  if (ascii.test(text)) return text.toLowerCase();
  // Accents come off while they are apart from their letters.
  return text.normalize('NFKD').replace(strippable, '').normalize('NFC').toLowerCase();
}

/** Terms of words seen, the empty string for a stop word: a corpus repeats its words, and stemming costs the most. */
const known = new Map<string, string>();
const knownLimit = 1 << 17;
/** What is longer is no word of a language, and is left as it is. */
const longestStemmed = 64;

function termOf(word: string): string {
  const found = known.get(word);
  if (found !== undefined) return found;
  const base = word.replace(possessive, '');
  if (word.length > longestStemmed) return base;
  const term = stopWords.has(base) ? '' : stemmer(base);
  if (known.size === knownLimit) known.clear();
  known.set(word, term);
  return term;
}
