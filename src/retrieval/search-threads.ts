import { availableParallelism } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { TaskThread, workerUrl } from '../base/worker.ts';
import { documentsAtOnce, type Share, type SharedSearch, searchShare } from './search-share.ts';

/** One for each processor; they start with the first search that needs them and stay for the next ones. */
const threads: TaskThread<SharedSearch, Share>[] = [];
/** A thread does one task at a time: searches take turns. */
let turn: Promise<unknown> = Promise.resolve();

/**
 * Searches in threads. A thread of somebody else's searches alone: it has its share of the processors already.
 * @param count of threads; one for each processor unless it is said
 */
export function searchTogether(
  search: Omit<SharedSearch, 'next'>,
  count: number = isMainThread ? availableParallelism() : 0,
): Promise<Share[]> {
  const task = { ...search, next: new Int32Array(new SharedArrayBuffer(4)) };
  const ask = async (): Promise<Share[]> => {
    if (count === 0) return [await searchShare(task)];
    // Before a thread starts: native code reads it from the process's own environment.
    process.env.ORT_DISABLE_TELEMETRY = '1';
    const used = Math.min(count, Math.ceil(search.vectors.size / documentsAtOnce));
    while (threads.length < used)
      threads.push(new TaskThread(workerUrl(import.meta.url, 'search-worker'), null));
    const asked = threads.slice(0, used).map(thread => thread.ask(task));
    // One that fails leaves the others at work: the turn lasts until all have answered.
    await Promise.allSettled(asked);
    return Promise.all(asked);
  };
  const asked = turn.then(ask);
  turn = asked.catch(() => {});
  return asked;
}
