import type { Job } from '../base/progress.ts';
import type { Encoder } from '../encoder/encoder.ts';
import { distinct } from './corpus.ts';
import { encodeBlocks } from './embed.ts';
import type { Document, Hit, Retriever } from './retriever.ts';
import type { Share } from './search-share.ts';
import { searchTogether } from './search-threads.ts';
import { TopK } from './top-k.ts';
import { readVectors, type VectorSource } from './vector-file.ts';
import { greatestNorm, type Precision, rowsAtOnce, sharedVectors, type Vectors, widened } from './vectors.ts';

/** More multiplications than this are quicker in threads, though these have to be started first. */
const worthThreads = 2 ** 29;

/** Beyond those asked for, so many documents are kept for each query in 32 bits: as many may change places in 64. */
const spare = 8;

/**
 * Document vectors, searched exactly: every document is compared. A score is the inner product of the query with the vector
 * as it is stored, summed in 64 bits from the first number to the last. It is the same for one query and for many, whatever
 * the threads.
 */
export class DenseIndex {
  readonly #ids: readonly string[];
  readonly #vectors: Vectors;
  #greatestNorm: number | undefined;

  constructor(ids: readonly string[], vectors: Vectors) {
    if (vectors.size !== ids.length) throw new RangeError(`${ids.length} ids for ${vectors.size} vectors`);
    this.#ids = ids;
    this.#vectors = vectors;
  }

  /** @param rows row-major `ids.length × dimension`, which are copied. */
  static of(ids: readonly string[], rows: Float32Array, dimension: number): DenseIndex {
    if (rows.length !== ids.length * dimension) {
      throw new RangeError(`${ids.length} vectors of dimension ${dimension} are not ${rows.length} numbers`);
    }
    const vectors = sharedVectors('fp32', ids.length, dimension);
    vectors.numbers.set(rows);
    return new DenseIndex(ids, vectors);
  }

  /**
   * @param expected what the vectors must have been made of.
   * @throws LratError if the file is missing, cut off, damaged, or holds vectors of another model or corpus.
   */
  static load(path: string, expected: VectorSource): DenseIndex {
    const { ids, vectors } = readVectors(path, expected);
    return new DenseIndex(ids, vectors);
  }

  /** Number of documents. */
  get size(): number {
    return this.#ids.length;
  }

  get dimension(): number {
    return this.#vectors.dimension;
  }

  get precision(): Precision {
    return this.#vectors.precision;
  }

  /** The k documents with the greatest inner product, that is, cosine; equal ones in order of the corpus. */
  search(vector: Float32Array, k: number): Hit[] {
    const { size, dimension } = this;
    if (vector.length !== dimension) {
      throw new RangeError(`a vector of dimension ${vector.length} among those of ${dimension}`);
    }
    const best = new TopK(k, size);
    const query = Float64Array.from(vector);
    const scratch = new Float32Array(rowsAtOnce * dimension);
    const starts = Int32Array.from({ length: rowsAtOnce }, (_, i) => i * dimension);
    const scores = new Float64Array(rowsAtOnce);
    for (let first = 0; first < size; first += rowsAtOnce) {
      const count = Math.min(rowsAtOnce, size - first);
      const rows = widened(this.#vectors, first, count, scratch);
      innerProducts(rows, starts, query, scores.subarray(0, count));
      for (let i = 0; i < count; i++) best.offer(first + i, scores[i]!);
    }
    return this.#hits(best);
  }

  /**
   * The lists of several vectors, the same as `search` gives. Much work is done in threads: these multiply in 32 bits, and
   * of what comes near to the best the scores are computed anew.
   *
   * @param vectors row-major, one vector after the other
   * @param threads in how many; as many as are worth their while unless it is said
   */
  async searchAll(vectors: Float32Array, k: number, threads?: number): Promise<Hit[][]> {
    const { size, dimension } = this;
    if (vectors.length % dimension !== 0) {
      throw new RangeError(`${vectors.length} numbers are no vectors of dimension ${dimension}`);
    }
    const queries = Array.from({ length: vectors.length / dimension }, (_, i) =>
      vectors.subarray(i * dimension, (i + 1) * dimension),
    );
    const work = vectors.length * size;
    if (k === 0 || work === 0 || (threads === undefined && work < worthThreads)) {
      return queries.map(query => this.search(query, k));
    }
    const keep = Math.min(size, k + spare);
    const shares = await searchTogether({ vectors: this.#vectors, queries: vectors, keep }, threads);
    return queries.map((query, i) => this.#sure(query, k, merged(shares, i, keep, size)));
  }

  /**
   * The best k among candidates.
   * @param candidates the best by their products in 32 bits, best first; all documents, or more than k
   */
  #sure(query: Float32Array, k: number, candidates: readonly Candidate[]): Hit[] {
    // A sum of n products of 32 bits, in any order, is within n 2⁻²⁴ (1 + n 2⁻²⁴ + …) of the true one, of the norms'
    // product (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1).
    this.#greatestNorm ??= greatestNorm(this.#vectors);
    const norm = Math.sqrt(query.reduce((sum, x) => sum + x * x, 0));
    const error = 1.01 * this.dimension * 2 ** -24 * norm * this.#greatestNorm;
    const needed = (candidates[k - 1]?.score ?? Number.NEGATIVE_INFINITY) - 2 * error;
    const worst = candidates.at(-1);
    // So many are alike that one which was not kept may belong to the best: all are compared, as a single query's.
    if (candidates.length < this.size && worst !== undefined && worst.score >= needed) {
      return this.search(query, k);
    }
    const near = candidates.filter(({ score }) => score >= needed).map(({ position }) => position);
    const scores = this.#scoresAt(near, Float64Array.from(query));
    const best = new TopK(k, near.length);
    for (const [i, position] of near.entries()) best.offer(position, scores[i]!);
    return this.#hits(best);
  }

  #scoresAt(positions: readonly number[], query: Float64Array): Float64Array {
    const { numbers, dimension } = this.#vectors;
    const scores = new Float64Array(positions.length);
    // They lie far apart: to copy them first would cost a second wait for memory. Places must fit into 31 bits.
    if (numbers instanceof Float32Array && numbers.length < 2 ** 31) {
      const starts = Int32Array.from(positions, position => position * dimension);
      innerProducts(numbers, starts, query, scores);
      return scores;
    }
    const starts = Int32Array.from(positions, (_, i) => i * dimension);
    const rows = new Float32Array(positions.length * dimension);
    const scratch = new Float32Array(dimension);
    for (const [i, position] of positions.entries()) {
      rows.set(widened(this.#vectors, position, 1, scratch), starts[i]);
    }
    innerProducts(rows, starts, query, scores);
    return scores;
  }

  #hits(best: TopK): Hit[] {
    return best.drain((position, score) => ({ id: this.#ids[position]!, score }));
  }
}

interface Candidate {
  readonly position: number;
  readonly score: number;
}

/** The best of a query among the documents of all shares. */
function merged(shares: readonly Share[], query: number, keep: number, size: number): Candidate[] {
  const best = new TopK(keep, size);
  for (const { counts, positions, scores } of shares) {
    for (let i = query * keep; i < query * keep + counts[query]!; i++) best.offer(positions[i]!, scores[i]!);
  }
  return best.drain((position, score) => ({ position, score }));
}

/**
 * Four rows at a time: four independent sums keep the processor busy and share each number of the vector. Each row is
 * summed in the same order wherever it stands, so that equal rows have equal scores.
 *
 * @param starts where each row begins among the numbers
 */
function innerProducts(
  numbers: Float32Array,
  starts: Int32Array,
  vector: Float64Array,
  out: Float64Array,
): void {
  const dimension = vector.length;
  let row = 0;
  for (; row + 4 <= out.length; row += 4) {
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    let p = starts[row]!;
    const [toB, toC, toD] = [starts[row + 1]! - p, starts[row + 2]! - p, starts[row + 3]! - p];
    for (let i = 0; i < dimension; i++, p++) {
      const x = vector[i]!;
      a += numbers[p]! * x;
      b += numbers[p + toB]! * x;
      c += numbers[p + toC]! * x;
      d += numbers[p + toD]! * x;
    }
    out[row] = a;
    out[row + 1] = b;
    out[row + 2] = c;
    out[row + 3] = d;
  }
  for (; row < out.length; row++) {
    let a = 0;
    for (let i = 0, p = starts[row]!; i < dimension; i++, p++) a += numbers[p]! * vector[i]!;
    out[row] = a;
  }
}

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
    const vectors = sharedVectors('fp32', all.length, encoder.dimension);
    let written = 0;
    const counted = { size: all.length, [Symbol.iterator]: () => all.values() };
    for await (const rows of encodeBlocks(encoder, counted, 0, job)) {
      vectors.numbers.set(rows, written);
      written += rows.length;
    }
    const ids = all.map(({ id }) => id);
    return new DenseRetriever(encoder, new DenseIndex(ids, vectors));
  }

  /** A query without a known token has the zero vector, which is near to nothing: it finds nothing, as with BM25. */
  async search(query: string, k: number): Promise<Hit[]> {
    const vector = await this.#encoder.encode([query], 'query');
    return isZero(vector) ? [] : this.index.search(vector, k);
  }

  async searchAll(queries: readonly string[], k: number): Promise<Hit[][]> {
    const vectors = await this.#encoder.encode(queries, 'query');
    const { dimension } = this.index;
    const lists = await this.index.searchAll(vectors, k);
    return lists.map((hits, i) => (isZero(vectors.subarray(i * dimension, (i + 1) * dimension)) ? [] : hits));
  }
}

function isZero(vector: Float32Array): boolean {
  return vector.every(x => x === 0);
}
