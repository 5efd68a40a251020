import { setImmediate as breathe } from 'node:timers/promises';
import { LratError } from '../base/errors.ts';
import type { Job } from '../base/progress.ts';
import type { Encoder } from '../encoder/encoder.ts';
import { distinct } from './corpus.ts';
import { readIndexFile, rebuild, writeIndexFile } from './index-file.ts';
import type { Document, Hit, Retriever } from './retriever.ts';
import { TopK } from './top-k.ts';

/** What the vectors were made of: fingerprints of the model and of the corpus. */
export interface VectorSource {
  readonly model: string;
  readonly corpus: string;
}

interface Meta {
  readonly source: VectorSource;
  readonly dimension: number;
  readonly documents: number;
}

const kind = 'vectors';

/** Document vectors, searched exactly: every document is compared. */
export class DenseIndex {
  readonly dimension: number;
  readonly #ids: readonly string[];
  readonly #rows: Float32Array;
  readonly #scores: Float64Array;

  /** @param rows row-major `ids.length × dimension`, each row L2-normalised or zero. */
  constructor(ids: readonly string[], rows: Float32Array, dimension: number) {
    if (rows.length !== ids.length * dimension) {
      throw new RangeError(`${ids.length} vectors of dimension ${dimension} are not ${rows.length} numbers`);
    }
    this.dimension = dimension;
    this.#ids = ids;
    this.#rows = rows;
    this.#scores = new Float64Array(ids.length);
  }

  /**
   * @param expected what the vectors must have been made of.
   * @throws LratError if the file is missing, cut off, damaged, or holds vectors of another model or corpus.
   */
  static load(path: string, expected: VectorSource): DenseIndex {
    const { meta, sections } = readIndexFile<Meta, { ids: readonly string[]; rows: Float32Array }>(
      path,
      kind,
    );
    for (const what of ['model', 'corpus'] as const) {
      if (meta.source[what] !== expected[what]) {
        throw new LratError(
          `holds the vectors of another ${what} (${meta.source[what]}, ${expected[what]} is needed).`,
          { place: path, remedy: rebuild },
        );
      }
    }
    return new DenseIndex(sections.ids, sections.rows, meta.dimension);
  }

  /** @throws LratError if the file cannot be written. */
  save(path: string, source: VectorSource): void {
    const meta: Meta = { source, dimension: this.dimension, documents: this.size };
    writeIndexFile(path, kind, meta, { ids: this.#ids, rows: this.#rows });
  }

  /** Number of documents. */
  get size(): number {
    return this.#ids.length;
  }

  /** The k documents with the greatest inner product, that is, cosine; equal ones in order of the corpus. */
  search(vector: Float32Array, k: number): Hit[] {
    if (vector.length !== this.dimension) {
      throw new RangeError(`a vector of dimension ${vector.length} among those of ${this.dimension}`);
    }
    const best = new TopK(k, this.size);
    innerProducts(this.#rows, Float64Array.from(vector), this.#scores);
    for (let position = 0; position < this.size; position++) best.offer(position, this.#scores[position]!);
    return best.drain((position, score) => ({ id: this.#ids[position]!, score }));
  }
}

/**
 * Four rows at a time: four independent sums keep the processor busy and share each number of the vector. Each row is
 * summed in the same order wherever it stands, so that equal rows have equal scores.
 */
function innerProducts(rows: Float32Array, vector: Float64Array, out: Float64Array): void {
  const dimension = vector.length;
  let row = 0;
  for (; row + 4 <= out.length; row += 4) {
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    for (let i = 0, p = row * dimension; i < dimension; i++, p++) {
      const x = vector[i]!;
      a += rows[p]! * x;
      b += rows[p + dimension]! * x;
      c += rows[p + 2 * dimension]! * x;
      d += rows[p + 3 * dimension]! * x;
    }
    out[row] = a;
    out[row + 1] = b;
    out[row + 2] = c;
    out[row + 3] = d;
  }
  for (; row < out.length; row++) {
    let a = 0;
    for (let i = 0, p = row * dimension; i < dimension; i++, p++) a += rows[p]! * vector[i]!;
    out[row] = a;
  }
}

/** Documents encoded between two looks at the job. */
const chunk = 256;

/** An encoder before an index of the vectors that it made of a corpus. */
export class DenseRetriever implements Retriever {
  readonly name: string;
  readonly index: DenseIndex;
  readonly #encoder: Encoder;

  /** @param index vectors of the same encoder. */
  constructor(encoder: Encoder, index: DenseIndex) {
    if (index.dimension !== encoder.dimension) {
      throw new RangeError(
        `${encoder.name} gives dimension ${encoder.dimension}, the index has ${index.dimension}`,
      );
    }
    this.name = encoder.name;
    this.index = index;
    this.#encoder = encoder;
  }

  /**
   * Encodes a corpus.
   * @throws LratError if two documents have the same id; the signal's reason if the job is stopped.
   */
  static async build(encoder: Encoder, documents: Iterable<Document>, job: Job): Promise<DenseRetriever> {
    const all = [...distinct(documents)];
    const rows = new Float32Array(all.length * encoder.dimension);
    const report = (done: number) =>
      job.report({ task: 'Encoding documents', done, total: all.length, unit: 'documents' });
    for (let done = 0; done < all.length; done += chunk) {
      report(done);
      await breathe();
      job.signal.throwIfAborted();
      const texts = all.slice(done, done + chunk).map(({ text }) => text);
      rows.set(await encoder.encode(texts, 'document'), done * encoder.dimension);
    }
    report(all.length);
    const ids = all.map(({ id }) => id);
    return new DenseRetriever(encoder, new DenseIndex(ids, rows, encoder.dimension));
  }

  async search(query: string, k: number): Promise<Hit[]> {
    return this.index.search(await this.#encoder.encode([query], 'query'), k);
  }
}
