import type { InferenceSession } from 'onnxruntime-node';
import type { OnnxModel } from '../engine/onnx.ts';
import { onnxRuntime, openSession } from '../engine/runtime.ts';
import { type CoarseVectors, coarsen, coarseQuery, together } from './coarse-vectors.ts';
import { Nearest } from './nearest.ts';
import type { Vectors } from './vectors.ts';

/** What several threads share: each takes the next part until none is left. */
export type Shared = (SharedCoarsening | SharedSearch) & {
  /** One number in shared memory: the part that nobody has taken yet. */
  readonly next: Int32Array;
};

/** The making of a copy in 8 bits; a part is a block. */
export interface SharedCoarsening {
  readonly vectors: Vectors;
  readonly coarse: CoarseVectors;
}

/** A search for the best documents of each query. */
export interface SharedSearch extends SharedCoarsening {
  /** Row-major, one after the other. */
  readonly queries: Float32Array;
  /** Of how many queries a part consists. */
  readonly atOnce: number;
  /** Not more than there are documents. */
  readonly k: number;
  readonly found: Found;
}

/** The best k documents of each query, best first. In shared memory. */
export interface Found {
  readonly positions: Uint32Array;
  readonly scores: Float64Array;
}

/** Does what the other threads leave. */
export async function doShare(shared: Shared): Promise<void> {
  for (;;) {
    const part = Atomics.add(shared.next, 0, 1);
    if ('queries' in shared) {
      const first = part * shared.atOnce;
      if (first * shared.vectors.dimension >= shared.queries.length) return;
      await searchPart(shared, first);
    } else {
      if (part >= shared.coarse.blocks) return;
      coarsen(shared.vectors, shared.coarse, part);
    }
  }
}

async function searchPart(shared: SharedSearch, first: number): Promise<void> {
  const { vectors, coarse, queries, atOnce, k, found } = shared;
  const { dimension } = vectors;
  const { Tensor } = await onnxRuntime();
  product ??= openProduct();
  const { session, reach } = await product;
  const part = new Part(shared, queries.subarray(first * dimension, (first + atOnce) * dimension), reach);
  const count = part.searches.length;
  const right = new Tensor('int8', part.numbers, [dimension, count]);
  const length = coarse.blockSize * dimension;
  for (let block = 0; block < coarse.blocks; block++) {
    const numbers = coarse.numbers.subarray(block * length, (block + 1) * length);
    const { greatest, high } = await session.run({
      documents: new Tensor('uint8', numbers, [coarse.blockSize / together, together, dimension]),
      queries: right,
      limits: new Tensor('int32', part.begin(block), [count]),
    });
    const results = [greatest!.data as Int32Array, high!.data as Uint8Array] as const;
    part.offer(block, ...results);
    // Their memory is given back at once, where Node can (22): the collector would be called for it again and again.
    for (const { buffer } of results) (buffer as ArrayBuffer).transfer?.(0);
  }
  let place = first * k;
  for (const search of part.searches) {
    for (const { position, score } of search.best().drain((position, score) => ({ position, score }))) {
      found.positions[place] = position;
      found.scores[place++] = score;
    }
  }
}

/** Queries that are multiplied at once. */
class Part {
  readonly searches: readonly Nearest[];
  /** The queries in 8 bits, dimension × queries. */
  readonly numbers: Int8Array;
  readonly #coarse: CoarseVectors;
  readonly #size: number;
  readonly #norms: Float64Array;
  readonly #rests: Float64Array;
  /** Of each query what a document must be able to score. */
  readonly #worst: Float64Array;
  /** Of each query what a document of the block at hand must be taken to score for that. */
  readonly #least: Float64Array;

  constructor({ vectors, coarse, k }: SharedSearch, queries: Float32Array, reach: number) {
    const { size, dimension } = vectors;
    const count = queries.length / dimension;
    this.#coarse = coarse;
    this.#size = size;
    this.numbers = new Int8Array(queries.length);
    this.searches = Array.from({ length: count }, (_, i) => {
      const query = Float64Array.from(queries.subarray(i * dimension, (i + 1) * dimension));
      const inBits = coarseQuery(query, coarse.centre, reach, this.numbers.subarray(i), count);
      return new Nearest(vectors, coarse.blocks, query, inBits, k);
    });
    this.#norms = Float64Array.from(this.searches, ({ coarse }) => coarse.norm);
    this.#rests = Float64Array.from(this.searches, ({ coarse }) => coarse.rest);
    this.#worst = Float64Array.from(this.searches, ({ worst }) => worst);
    this.#least = new Float64Array(count);
  }

  /** Makes ready for a block. Gives of each query the least product in 8 bits by which a document may be among the best. */
  begin(block: number): Int32Array {
    const { blocks, blockSize, scales, norms, rests } = this.#coarse;
    const groups = blockSize / together;
    let [norm, rest, small, large] = [0, 0, Number.POSITIVE_INFINITY, 0];
    for (let group = block * groups; group < (block + 1) * groups; group++) {
      norm = Math.max(norm, norms[group]!);
      rest = Math.max(rest, rests[group]!);
      small = Math.min(small, scales[group]!);
      large = Math.max(large, scales[group]!);
    }
    const products = new Int32Array(this.searches.length);
    for (const [query, search] of this.searches.entries()) {
      search.expect((block + 1) / blocks);
      const least = this.#worst[query]! - this.#rests[query]! * norm - this.#norms[query]! * rest;
      this.#least[query] = least;
      const product = Math.floor(least / (least > 0 ? large : small));
      // Also where it is no number, all are looked at.
      products[query] = product > -(2 ** 31) ? Math.min(product, 2 ** 31 - 1) : -(2 ** 31);
    }
    return products;
  }

  /**
   * Offers to each query the documents of a block that may be among its best.
   * @param greatest products, groups × queries
   * @param high whether a product is not below the least, documents × queries
   */
  offer(block: number, greatest: Int32Array, high: Uint8Array): void {
    const { blocks, blockSize, scales, norms, rests } = this.#coarse;
    const [searches, worst, least] = [this.searches, this.#worst, this.#least];
    const queries = searches.length;
    // What fills up the block are no documents.
    const there = Math.ceil((this.#size - block) / blocks);
    let group = (block * blockSize) / together;
    for (let from = 0, at = 0; from < there; from += together, group++) {
      const rows = Math.min(together, there - from);
      const scale = scales[group]!;
      for (let query = 0; query < queries; query++, at++) {
        const score = greatest[at]! * scale;
        if (score < least[query]!) continue;
        const error = this.#rests[query]! * norms[group]! + this.#norms[query]! * rests[group]!;
        if (score + error < worst[query]!) continue;
        let which = 0;
        for (let i = 0, place = from * queries + query; i < rows; i++, place += queries) {
          which |= high[place]! << i;
        }
        const search = searches[query]!;
        search.list(from * blocks + block, which, score + error);
        if (rows === together) search.raise(score, error);
        worst[query] = search.worst;
      }
    }
  }
}

interface Product {
  /**
   * Multiplies documents with queries, both of 8 bits, and says of each product whether it is below a limit of the query,
   * and of each group of documents the greatest. The products themselves would take longer to be copied than to be made.
   */
  readonly session: InferenceSession;
  /** The greatest number that a query may have. */
  readonly reach: number;
}

/** Of this thread. */
let product: Promise<Product> | undefined;

async function openProduct(): Promise<Product> {
  const axes = new Uint8Array(BigInt64Array.of(1n).buffer);
  const model: OnnxModel = {
    name: 'inner products in 8 bits',
    inputs: [
      // Without a sign, as fast products have it on one side.
      { name: 'documents', type: 'uint8', shape: ['groups', together, 'dimension'] },
      { name: 'queries', type: 'int8', shape: ['dimension', 'queries'] },
      { name: 'limits', type: 'int32', shape: ['queries'] },
    ],
    outputs: [
      { name: 'high', type: 'bool', shape: ['groups', together, 'queries'] },
      { name: 'greatest', type: 'int32', shape: ['groups', 'queries'] },
    ],
    initializers: [
      { name: 'zero', type: 'uint8', shape: [], bytes: Uint8Array.of(128) },
      { name: 'axes', type: 'int64', shape: [1], bytes: axes },
    ],
    nodes: [
      {
        type: 'MatMulInteger',
        inputs: ['documents', 'queries', 'zero'],
        outputs: ['products'],
        attributes: {},
      },
      { type: 'GreaterOrEqual', inputs: ['products', 'limits'], outputs: ['high'], attributes: {} },
      { type: 'ReduceMax', inputs: ['products', 'axes'], outputs: ['greatest'], attributes: { keepdims: 0 } },
    ],
  };
  // The threads are those that search: a product needs one alone.
  const session = await openSession(model, { device: 'cpu', threads: 1 });
  // Processors without instructions for such products add pairs of them in 16 bits, and cut off what is above 2¹⁵ − 1:
  // 2 · 255 · 127 is, 2 · 255 · 64 is not.
  const { Tensor } = await onnxRuntime();
  const [dimension, queries] = [64, 16];
  const { greatest } = await session.run({
    documents: new Tensor('uint8', new Uint8Array(together * dimension).fill(255), [1, together, dimension]),
    queries: new Tensor('int8', new Int8Array(dimension * queries).fill(127), [dimension, queries]),
    limits: new Tensor('int32', new Int32Array(queries), [queries]),
  });
  const whole = (greatest!.data as Int32Array).every(product => product === 127 * 127 * dimension);
  return { session, reach: whole ? 127 : 64 };
}
