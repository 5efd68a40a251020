import { setImmediate as breathe } from 'node:timers/promises';
import { LratError } from '../base/errors.ts';
import type { Job } from '../base/progress.ts';
import type { Encoder } from '../encoder/encoder.ts';
import type { Document } from './retriever.ts';
import { blockSize, type VectorForm, type VectorSource, VectorWriter } from './vector-file.ts';

/** A corpus that is read as often as it is gone through. */
export interface Documents extends Iterable<Document> {
  readonly size: number;
}

/** Texts of so many characters are held at once, but at least one. */
const windowCharacters = 2 ** 25;
/** Texts of so many characters are encoded between two looks at the job: a few batches of a transformer. */
const callCharacters = 2 ** 16;
/** Of a longer text most is cut off before it is encoded. */
const longestCounted = 2 ** 12;

/**
 * Encodes documents, `blockSize` at a time, the last block with what is left. Among those that are held at once the ones of
 * like length are encoded together: less of a batch is padding.
 *
 * @param skip documents at the beginning that are not encoded: whole blocks
 * @returns vectors, row-major; the array is good until the next is asked for
 * @throws LratError if a vector is not finite; the signal's reason if the job is stopped
 */
export async function* encodeBlocks(
  encoder: Encoder,
  documents: Documents,
  skip: number,
  job: Job,
): AsyncGenerator<Float32Array> {
  const { dimension } = encoder;
  const total = documents.size;
  let encoded = skip;
  const report = () => job.report({ task: 'Encoding documents', done: encoded, total, unit: 'documents' });
  const rows = new Float32Array(Math.min(blockSize, total - skip) * dimension);
  let filled = 0;
  let texts: string[] = [];
  let characters = 0;
  const encodeTexts = async () => {
    for (const places of calls(texts)) {
      report();
      await breathe();
      job.signal.throwIfAborted();
      const vectors = await encoder.encode(
        places.map(place => texts[place]!),
        'document',
      );
      if (!vectors.every(Number.isFinite)) {
        throw new LratError(`${encoder.name} gives vectors that are no finite numbers.`, {
          remedy: 'Its weights are damaged, or its training has diverged: take another model.',
        });
      }
      for (const [i, place] of places.entries()) {
        rows.set(vectors.subarray(i * dimension, (i + 1) * dimension), (filled + place) * dimension);
      }
      encoded += places.length;
    }
    filled += texts.length;
    texts = [];
    characters = 0;
  };
  let position = 0;
  for (const { text } of documents) {
    if (position++ < skip) continue;
    texts.push(text);
    characters += text.length;
    const isBlock = filled + texts.length === blockSize || position === total;
    if (isBlock || characters >= windowCharacters) await encodeTexts();
    if (isBlock) {
      yield rows.subarray(0, filled * dimension);
      filled = 0;
    }
  }
  report();
}

/** Puts texts of like length together, longest first; by their places. */
function* calls(texts: readonly string[]): Generator<number[]> {
  const longestFirst = [...texts.keys()].sort((a, b) => texts[b]!.length - texts[a]!.length);
  let call: number[] = [];
  let characters = 0;
  for (const place of longestFirst) {
    call.push(place);
    characters += Math.min(texts[place]!.length, longestCounted);
    if (characters >= callCharacters) {
      yield call;
      call = [];
      characters = 0;
    }
  }
  if (call.length > 0) yield call;
}

/** What is made of a corpus: a file of vectors. */
export interface Embedding extends VectorForm {
  readonly path: string;
  readonly source: VectorSource;
}

/**
 * Writes the vectors of a corpus as they come, and goes on where an earlier call was stopped or killed.
 * @returns how many documents were encoded; the others had been before
 * @throws LratError as `VectorWriter`; the signal's reason if the job is stopped: what is written stays for the next call
 */
export async function embed(
  encoder: Encoder,
  documents: Documents,
  { path, ...embedding }: Embedding,
  job: Job,
): Promise<number> {
  const header = { ...embedding, dimension: encoder.dimension, documents: documents.size };
  const writer = new VectorWriter(path, { ...header, block: blockSize });
  try {
    const before = writer.size;
    for await (const rows of encodeBlocks(encoder, documents, before, job)) writer.append(rows);
    writer.finish(Array.from(documents, ({ id }) => id));
    return documents.size - before;
  } finally {
    writer.close();
  }
}
