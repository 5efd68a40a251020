import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openEncoder } from '../../src/encoder/open.ts';
import { readTokenizerJson } from '../../src/encoder/tokenizer.ts';
import { modelTokenizer } from '../../src/encoder/transformer/tokens.ts';

/** Writes the token ids, 64 at most, of the texts in `tokenized.json`. */
export function putIds(model: string, out: string): void {
  const tokenizer = modelTokenizer(readTokenizerJson(join(model, 'tokenizer.json')), model, 64);
  const texts: string[] = JSON.parse(readFileSync(join(out, 'tokenized.json'), 'utf8'));
  const ids = texts.map(text => [...tokenizer.encode(text)]);
  writeFileSync(join(out, 'ids.json'), JSON.stringify(ids));
}

/** Writes the vectors of texts as queries and as documents. */
export async function putVectors(place: string, model: string, texts: readonly string[]): Promise<void> {
  const encoder = await openEncoder(model);
  const rows = async (kind: 'query' | 'document') => {
    const vectors = await encoder.encode(texts, kind);
    return texts.map((_, i) => [...vectors.subarray(i * encoder.dimension, (i + 1) * encoder.dimension)]);
  };
  writeFileSync(place, JSON.stringify({ query: await rows('query'), document: await rows('document') }));
}
