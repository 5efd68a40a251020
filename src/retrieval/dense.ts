import type { Job } from '../base/progress.ts';
import type { Encoder } from '../encoder/encoder.ts';
import type { CoarseVectors } from './coarse-vectors.ts';
import { distinct } from './corpus.ts';
import { encodeBlocks } from './embed.ts';
import { bestOfAll } from './exact.ts';
import type { Document, Hit, Retriever } from './retriever.ts';
import { coarsenTogether, searchTogether, threadsHere } from './search-threads.ts';
import { readVectors, type VectorSource } from './vector-file.ts';
import { sharedVectors, type Vectors } from './vectors.ts';

/** More multiplications than this are quicker in threads, though these have to be started first. */
const worthThreads = 2 ** 29;

/**
 * Document vectors, searched exactly: every document is compared. A score is the inner product of the query with the vector
 * as it is stored, summed in 64 bits from the first number to the last. It is the same for one query and for many, whatever
 * the threads.
 */
export class DenseIndex {
  readonly #ids: readonly string[];
  readonly #vectors: Vectors;
  #coarse: Promise<CoarseVectors> | undefined;

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

  /** The k documents with the greatest inner product, that is, cosine; equal ones in order of the corpus. */
  search(vector: Float32Array, k: number): Hit[] {
    const { dimension } = this;
    if (vector.length !== dimension) {
      throw new RangeError(`a vector of dimension ${vector.length} among those of ${dimension}`);
    }
    const best = bestOfAll(this.#vectors, Float64Array.from(vector), k);
    return best.drain((position, score) => this.#hit(position, score));
  }

  /**
   * The lists of several vectors, the same as `search` gives. Much work is done in threads: these multiply a copy of the
   * vectors in 8 bits, which takes a byte a number, and of what may be among the best the scores are summed in 64.
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
    const count = threads ?? threadsHere();
    const kept = Math.min(k, size);
    const coarse = await this.#coarsened(count);
    const { positions, scores } = await searchTogether(this.#vectors, coarse, vectors, kept, count);
    return queries.map((_, i) =>
      Array.from({ length: kept }, (_, rank) =>
        this.#hit(positions[i * kept + rank]!, scores[i * kept + rank]!),
      ),
    );
  }

  /** The copy for searches of many vectors. The first of them makes it. */
  #coarsened(threads: number): Promise<CoarseVectors> {
    this.#coarse ??= coarsenTogether(this.#vectors, threads).catch(error => {
      this.#coarse = undefined;
      throw error;
    });
    return this.#coarse;
  }

  #hit(position: number, score: number): Hit {
    return { id: this.#ids[position]!, score };
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
