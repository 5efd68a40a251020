import { Graph, type Value } from '../engine/graph.ts';
import { matmul, reduceMax, reshape, transpose } from '../engine/operators.ts';
import { compile, type Program } from '../engine/session.ts';
import { tensor } from '../engine/tensor.ts';
import { TopK } from './top-k.ts';
import { type Vectors, widened } from './vectors.ts';

/** A search that several threads share: each takes the next block of documents until none is left. */
export interface SharedSearch {
  readonly vectors: Vectors;
  /** Row-major, one after the other. */
  readonly queries: Float32Array;
  /** How many documents are kept for each query. */
  readonly keep: number;
  /** One number in shared memory: the block of documents that nobody has taken yet. */
  readonly next: Int32Array;
}

/** Of each query the best documents of one share, `keep` places a query, best first. */
export interface Share {
  /** How many of the places are taken. */
  readonly counts: Uint32Array;
  readonly positions: Uint32Array;
  /** Inner products in 32 bits, summed in any order. */
  readonly scores: Float32Array;
}

/** Documents, and queries, that are multiplied at a time: enough for a fast product, whose scores stay in the processor's cache. */
export const documentsAtOnce = 1024;
const queriesAtOnce = 256;
/** Documents of whose scores the greatest is taken: most are passed over by one comparison. */
const together = 32;

type Product = Program<{ scores: Value; greatest: Value }>;
/** By shape; a thread searches one index after the other, most often of one dimension. */
const products = new Map<string, Promise<Product>>();

/** Documents × queries, both row-major. The threads are those that search, so that the product needs one alone. */
function productOf(queries: number, dimension: number): Promise<Product> {
  const key = `${queries}×${dimension}`;
  const known = products.get(key);
  if (known !== undefined) return known;
  const graph = new Graph(`inner products of ${queries} queries, dimension ${dimension}`);
  const left = graph.input('queries', 'float32', [queries, dimension]);
  const right = graph.input('documents', 'float32', [documentsAtOnce, dimension]);
  // This way round the product is fast with few queries too, and what is compared lies side by side.
  const scores = matmul(right, transpose(left));
  const greatest = reduceMax(reshape(scores, [documentsAtOnce / together, together, queries]), [1]);
  const product = compile(graph, { scores, greatest }, { device: 'cpu', threads: 1 });
  products.set(key, product);
  return product;
}

/** Searches what the other threads leave. */
export async function searchShare({ vectors, queries, keep, next }: SharedSearch): Promise<Share> {
  const { dimension, size } = vectors;
  const count = queries.length / dimension;
  const blocks = Math.ceil(count / queriesAtOnce);
  // Blocks of one size, which is one of few: the last one is filled up with zeros.
  const block = 8 * Math.ceil(count / blocks / 8);
  const padded = new Float32Array(blocks * block * dimension);
  padded.set(queries);
  const feeds = Array.from({ length: blocks }, (_, i) => {
    const part = padded.subarray(i * block * dimension, (i + 1) * block * dimension);
    return tensor('float32', [block, dimension], part);
  });
  const product = await productOf(block, dimension);
  const best = Array.from({ length: blocks * block }, () => new TopK(keep, size));
  /** Of each query the worst that is kept. */
  const worst = Float64Array.from(best, ({ worst }) => worst);

  const scratch = new Float32Array(documentsAtOnce * dimension);
  for (;;) {
    const first = documentsAtOnce * Atomics.add(next, 0, 1);
    if (first >= size) break;
    const there = Math.min(documentsAtOnce, size - first);
    let rows = widened(vectors, first, there, scratch);
    if (there < documentsAtOnce) {
      // Behind the last documents stands whatever was there: its scores are not looked at.
      scratch.set(rows);
      rows = scratch;
    }
    const documents = tensor('float32', [documentsAtOnce, dimension], rows);
    for (const [i, feed] of feeds.entries()) {
      const result = await product.run({ queries: feed, documents });
      const own = i * block;
      offerAll(
        best.slice(own, own + block),
        worst.subarray(own, own + block),
        { scores: await result.scores.floats(), greatest: await result.greatest.floats() },
        { first, there },
      );
    }
  }
  return shareOf(best.slice(0, count), keep);
}

/**
 * Offers the documents of a block to each query: those that come later in the corpus must score more than the worst that
 * is kept.
 * @param worst of each query, kept up to date
 */
function offerAll(
  best: readonly TopK[],
  worst: Float64Array,
  { scores, greatest }: { readonly scores: Float32Array; readonly greatest: Float32Array },
  { first, there }: { readonly first: number; readonly there: number },
): void {
  const queries = best.length;
  for (let from = 0, at = 0; from < there; from += together) {
    for (let query = 0; query < queries; query++, at++) {
      if (greatest[at]! <= worst[query]!) continue;
      // What stands behind the last document may be the greatest, and is not offered.
      const end = Math.min(from + together, there);
      for (let i = from, place = from * queries + query; i < end; i++, place += queries) {
        if (scores[place]! > worst[query]!) {
          best[query]!.offer(first + i, scores[place]!);
          worst[query] = best[query]!.worst;
        }
      }
    }
  }
}

function shareOf(best: readonly TopK[], keep: number): Share {
  const counts = new Uint32Array(best.length);
  const positions = new Uint32Array(best.length * keep);
  const scores = new Float32Array(best.length * keep);
  for (const [query, top] of best.entries()) {
    const hits = top.drain((position, score) => ({ position, score }));
    counts[query] = hits.length;
    for (const [rank, { position, score }] of hits.entries()) {
      positions[query * keep + rank] = position;
      scores[query * keep + rank] = score;
    }
  }
  return { counts, positions, scores };
}
