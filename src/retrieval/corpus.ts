import { createHash } from 'node:crypto';
import { LratError } from '../base/errors.ts';
import type { Document } from './retriever.ts';

/** A fingerprint of a corpus: ids and texts, in order. */
export async function corpusFingerprint(
  documents: Iterable<Document> | AsyncIterable<Document>,
): Promise<string> {
  const hash = createHash('sha256');
  for await (const { id, text } of documents) hash.update(`${JSON.stringify([id, text])}\n`);
  return hash.digest('hex').slice(0, 16);
}

/**
 * The documents as they are, each id once.
 * @throws LratError at the second document of an id: a ranking with a document twice measures wrong.
 */
export function* distinct(documents: Iterable<Document>): Generator<Document> {
  const seen = new Set<string>();
  for (const document of documents) {
    if (seen.size === seen.add(document.id).size) {
      throw new LratError(`there are two documents with the id '${document.id}'.`, {
        place: `document ${seen.size + 1} of the corpus`,
        remedy: 'Give each document of the corpus an id of its own.',
      });
    }
    yield document;
  }
}
