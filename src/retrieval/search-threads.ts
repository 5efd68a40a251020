import { availableParallelism } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { TaskThread, workerUrl } from '../base/worker.ts';
import { type CoarseVectors, coarseRoom } from './coarse-vectors.ts';
import { doShare, type Found, type Shared } from './search-share.ts';
import type { Vectors } from './vectors.ts';

/** Queries that are multiplied at a time, at most: enough for a fast product, which stays in the processor's cache. */
const queriesAtOnce = 128;

/** One for each processor; they start with the first search that needs them and stay for the next ones. */
const threads: TaskThread<Shared, void>[] = [];
/** A thread does one task at a time: searches take turns. */
let turn: Promise<unknown> = Promise.resolve();

/** How many threads a search takes unless it is said. In somebody else's thread none but this, 0: it has its share. */
export function threadsHere(): number {
  return isMainThread ? availableParallelism() : 0;
}

/** Copies vectors into 8 bits. */
export async function coarsenTogether(vectors: Vectors, count: number): Promise<CoarseVectors> {
  const coarse = coarseRoom(vectors);
  await together({ vectors, coarse, next: counter() }, coarse.blocks, count);
  return coarse;
}

/**
 * The best k documents of each query.
 * @param k not more than there are
 */
export async function searchTogether(
  vectors: Vectors,
  coarse: CoarseVectors,
  queries: Float32Array,
  k: number,
  count: number,
): Promise<Found> {
  const asked = queries.length / vectors.dimension;
  // The same number of parts to each thread, and of queries to each part, as far as that goes.
  const used = Math.max(1, count);
  const atOnce = Math.ceil(asked / (used * Math.ceil(asked / (used * queriesAtOnce))));
  const found = {
    positions: new Uint32Array(new SharedArrayBuffer(4 * k * asked)),
    scores: new Float64Array(new SharedArrayBuffer(8 * k * asked)),
  };
  await together(
    { vectors, coarse, queries, atOnce, k, found, next: counter() },
    Math.ceil(asked / atOnce),
    count,
  );
  return found;
}

function counter(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4));
}

/** @param count of threads; with 0 this one does it all */
function together(shared: Shared, parts: number, count: number): Promise<void> {
  const ask = async (): Promise<void> => {
    if (count === 0) return doShare(shared);
    // Before a thread starts: native code reads it from the process's own environment.
    process.env.ORT_DISABLE_TELEMETRY = '1';
    const used = Math.min(count, parts);
    while (threads.length < used)
      threads.push(new TaskThread(workerUrl(import.meta.url, 'search-worker'), null));
    const asked = threads.slice(0, used).map(thread => thread.ask(shared));
    // One that fails leaves the others at work: the turn lasts until all have answered.
    await Promise.allSettled(asked);
    await Promise.all(asked);
  };
  const asked = turn.then(ask);
  turn = asked.catch(() => {});
  return asked;
}
