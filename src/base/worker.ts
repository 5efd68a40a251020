import { parentPort, Worker, workerData } from 'node:worker_threads';
import { LratError } from './errors.ts';

/**
 * Where a worker thread's code lies: beside the module that starts it, as a source while the sources run as they are,
 * else in the bundle.
 *
 * @param from `import.meta.url` of the module that starts it
 * @param name file name of the worker without its ending
 */
export function workerUrl(from: string, name: string): URL {
  return new URL(`./${name}${from.endsWith('.ts') ? '.ts' : '.mjs'}`, from);
}

/** An answer of a worker thread, or the fields of an LratError. */
type Reply<Answer> =
  | { readonly answer: Answer }
  | { readonly failed: { readonly message: string; readonly place?: string; readonly remedy?: string } };

/**
 * To be called in a worker thread: answers the tasks that it is given by `inThreads` or a `TaskThread`. Work that gives a
 * promise is asked for one at a time, or may be answered in another order.
 */
export function answerTasks<Data, Task, Answer>(
  work: (task: Task, data: Data) => Answer | Promise<Answer>,
): void {
  if (parentPort === null) return;
  const port = parentPort;
  port.on('message', async (task: Task) => {
    let reply: Reply<Answer>;
    try {
      reply = { answer: await work(task, workerData as Data) };
    } catch (error) {
      if (!(error instanceof LratError)) throw error;
      const { message, place, remedy } = error;
      reply = {
        failed: { message, ...(place !== undefined && { place }), ...(remedy !== undefined && { remedy }) },
      };
    }
    port.postMessage(reply);
  });
}

/** So many tasks are with a thread at a time: it works on one while the next is on its way. */
const ahead = 2;

/**
 * Has tasks done in threads of their own, and gives the answers as they come. No more tasks are taken than are under way.
 * Raises what a task raises.
 */
export async function* inThreads<Task, Answer>(
  url: URL,
  data: unknown,
  tasks: Iterable<Task>,
  threads: number,
  signal: AbortSignal,
): AsyncGenerator<{ readonly task: Task; readonly answer: Answer }> {
  const source = tasks[Symbol.iterator]();
  const arrived: { readonly task: Task; readonly answer: Answer }[] = [];
  const workers: Worker[] = [];
  let pending = 0;
  let failure: unknown;
  let wake = (): void => {};
  const start = (): void => {
    const worker = new Worker(url, { workerData: data });
    workers.push(worker);
    // A thread answers in the order in which it was asked.
    const asked: Task[] = [];
    const ask = (): void => {
      const { value, done } = source.next();
      if (done === true) return;
      pending++;
      asked.push(value);
      worker.postMessage(value);
    };
    worker.on('message', (reply: Reply<Answer>) => {
      pending--;
      const task = asked.shift()!;
      if ('failed' in reply) failure ??= new LratError(reply.failed.message, reply.failed);
      else arrived.push({ task, answer: reply.answer });
      if (failure === undefined) ask();
      wake();
    });
    worker.on('error', error => {
      failure ??= error;
      wake();
    });
    for (let i = 0; i < ahead; i++) ask();
  };
  const onAbort = (): void => wake();
  signal.addEventListener('abort', onAbort);
  try {
    for (let i = 0; i < threads; i++) start();
    for (;;) {
      signal.throwIfAborted();
      if (failure !== undefined) throw failure;
      const first = arrived.shift();
      if (first !== undefined) yield first;
      else if (pending === 0) return;
      else await new Promise<void>(resolve => (wake = resolve));
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    await Promise.all(workers.map(worker => worker.terminate()));
  }
}

/**
 * A thread that stays, with what it holds, and is given one task at a time. It starts with the first. While it has none it
 * keeps no process from ending.
 */
export class TaskThread<Task, Answer> {
  readonly #url: URL;
  readonly #data: unknown;
  #worker: Worker | undefined;
  #asked: { resolve: (answer: Answer) => void; reject: (why: unknown) => void } | undefined;

  constructor(url: URL, data: unknown) {
    this.#url = url;
    this.#data = data;
  }

  /** Raises what the task raises. A thread that ends over it is replaced for the next one. */
  ask(task: Task): Promise<Answer> {
    this.#worker ??= this.#start();
    this.#worker.ref();
    this.#worker.postMessage(task);
    return new Promise<Answer>((resolve, reject) => (this.#asked = { resolve, reject }));
  }

  /** What is under way is given up. */
  stop(): void {
    void this.#worker?.terminate();
    this.#worker = undefined;
    this.#asked?.reject(new LratError('The thread was stopped.'));
  }

  #start(): Worker {
    const worker = new Worker(this.#url, { workerData: this.#data });
    worker.on('message', (reply: Reply<Answer>) => {
      worker.unref();
      if ('failed' in reply) this.#asked?.reject(new LratError(reply.failed.message, reply.failed));
      else this.#asked?.resolve(reply.answer);
    });
    const end = (why: unknown): void => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#asked?.reject(why);
    };
    worker.on('error', end);
    worker.on('exit', code => end(new LratError(`The thread ended with code ${code}.`)));
    return worker;
  }
}

/** Whether a thread ended because it had no more memory. */
export function isExhausted(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
}
