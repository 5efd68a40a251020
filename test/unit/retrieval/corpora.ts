import fc from 'fast-check';
import type { Document } from '../../../src/retrieval/retriever.ts';

/** Words that the analyser leaves as they are, so that a reference needs no analyser. */
export const plainWords = ['map', 'ship', 'port', 'sun', 'moon', 'salt', 'iron', 'gold', 'fish', 'bird'];

const words = (least: number, most: number) =>
  fc.array(fc.constantFrom(...plainWords), { minLength: least, maxLength: most });

/** Small corpora over few words, so that terms repeat, scores tie and some documents are empty. */
export const corpora: fc.Arbitrary<Document[]> = fc
  .array(words(0, 12), { maxLength: 25 })
  .map(texts => texts.map((text, i) => ({ id: `d${i}`, text: text.join(' ') })));

export const queries: fc.Arbitrary<string> = words(0, 5).map(text => text.join(' '));
