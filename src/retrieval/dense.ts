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
  /** Of the two queries that are compared at a time. */
  readonly #scores: readonly [Float64Array, Float64Array];

  /** @param rows row-major `ids.length × dimension`, each row L2-normalised or zero. */
  constructor(ids: readonly string[], rows: Float32Array, dimension: number) {
    if (rows.length !== ids.length * dimension) {
      throw new RangeError(`${ids.length} vectors of dimension ${dimension} are not ${rows.length} numbers`);
    }
    this.dimension = dimension;
    this.#ids = ids;
    this.#rows = rows;
    this.#scores = [new Float64Array(ids.length), new Float64Array(ids.length)];
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
    const [scores] = this.#scores;
    innerProducts(this.#rows, Float64Array.from(vector), scores);
    return this.#best(scores, k);
  }

  /**
   * The lists of several vectors, the same as `search` gives.
   * @param vectors row-major, one vector after the other
   */
  searchAll(vectors: Float32Array, k: number): Hit[][] {
    const { dimension } = this;
    if (vectors.length % dimension !== 0) {
      throw new RangeError(`${vectors.length} numbers are no vectors of dimension ${dimension}`);
    }
    const [first, second] = this.#scores;
    const lists: Hit[][] = [];
    for (let begin = 0; begin < vectors.length; begin += 2 * dimension) {
      const [middle, end] = [begin + dimension, begin + 2 * dimension];
      if (end > vectors.length) {
        lists.push(this.search(vectors.subarray(begin, middle), k));
      } else {
        const a = Float64Array.from(vectors.subarray(begin, middle));
        const b = Float64Array.from(vectors.subarray(middle, end));
        innerProductsOfTwo(this.#rows, a, b, first, second);
        lists.push(this.#best(first, k), this.#best(second, k));
      }
    }
    return lists;
  }

  #best(scores: Float64Array, k: number): Hit[] {
    const best = new TopK(k, this.size);
    for (let position = 0; position < this.size; position++) best.offer(position, scores[position]!);
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

/**
 * The same of two vectors, quicker than two passes because each number of the rows is fetched and widened once (1.6 times
 * as many queries per second in `test/bench/search.ts`' setting). Each sum adds up as there, so that a score does not
 * change with the queries beside it.
 */
function innerProductsOfTwo(
  rows: Float32Array,
  first: Float64Array,
  second: Float64Array,
  firstOut: Float64Array,
  secondOut: Float64Array,
): void {
  const dimension = first.length;
  let row = 0;
  for (; row + 4 <= firstOut.length; row += 4) {
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    let e = 0;
    let f = 0;
    let g = 0;
    let h = 0;
    for (let i = 0, p = row * dimension; i < dimension; i++, p++) {
      const x = first[i]!;
      const y = second[i]!;
      const r0 = rows[p]!;
      const r1 = rows[p + dimension]!;
      const r2 = rows[p + 2 * dimension]!;
      const r3 = rows[p + 3 * dimension]!;
      a += r0 * x;
      b += r1 * x;
      c += r2 * x;
      d += r3 * x;
      e += r0 * y;
      f += r1 * y;
      g += r2 * y;
      h += r3 * y;
    }
    firstOut[row] = a;
    firstOut[row + 1] = b;
    firstOut[row + 2] = c;
    firstOut[row + 3] = d;
    secondOut[row] = e;
    secondOut[row + 1] = f;
    secondOut[row + 2] = g;
    secondOut[row + 3] = h;
  }
  const rest = rows.subarray(row * dimension);
  innerProducts(rest, first, firstOut.subarray(row));
  innerProducts(rest, second, secondOut.subarray(row));
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

  /** A query without a known token has the zero vector, which is near to nothing: it finds nothing, as with BM25. */
  async search(query: string, k: number): Promise<Hit[]> {
    const vector = await this.#encoder.encode([query], 'query');
    return isZero(vector) ? [] : this.index.search(vector, k);
  }

  async searchAll(queries: readonly string[], k: number): Promise<Hit[][]> {
    const vectors = await this.#encoder.encode(queries, 'query');
    const { dimension } = this.index;
    return this.index
      .searchAll(vectors, k)
      .map((hits, i) => (isZero(vectors.subarray(i * dimension, (i + 1) * dimension)) ? [] : hits));
  }
}

function isZero(vector: Float32Array): boolean {
  return vector.every(x => x === 0);
}
