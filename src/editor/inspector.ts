import { Worker } from 'node:worker_threads';
import { LratError } from '../base/errors.ts';
import { workerUrl } from '../base/worker.ts';
import type { Inspector } from '../jobs/inspect.ts';
import type {
  InspectorAnswer,
  InspectorData,
  InspectorMethod,
  InspectorRequest,
} from '../jobs/inspect-worker.ts';

/** The inspector of a workspace in a thread of its own: SQLite, logs and mining never block the extension host. */
export class InspectorClient {
  #data: InspectorData;
  readonly #waiting = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>();
  #worker: Worker | undefined;
  #next = 0;

  constructor(data: InspectorData) {
    this.#data = data;
  }

  ask<Method extends InspectorMethod>(
    method: Method,
    ...args: Parameters<Inspector[Method]>
  ): Promise<Awaited<ReturnType<Inspector[Method]>>> {
    this.#worker ??= this.#start();
    const worker = this.#worker;
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      worker.postMessage({ id, method, args } satisfies InspectorRequest);
    });
  }

  /** Labels carry this name from now on. */
  signAs(person: string): void {
    this.#data = { ...this.#data, person };
    if (this.#worker !== undefined) void this.ask('signAs', person);
  }

  dispose(): void {
    void this.#worker?.terminate();
    this.#fail(new LratError('The workspace was closed.'));
  }

  #start(): Worker {
    const worker = new Worker(workerUrl(import.meta.url, 'inspect-worker'), { workerData: this.#data });
    worker.on('message', (answer: InspectorAnswer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ('error' in answer) waiting?.reject(new LratError(answer.error));
      else waiting?.resolve(answer.result as never);
    });
    const end = (why: Error) => {
      // The next question starts a new thread.
      if (this.#worker === worker) this.#worker = undefined;
      this.#fail(why);
    };
    worker.on('error', end);
    worker.on('exit', code => end(new LratError(`The index reader ended with code ${code}.`)));
    return worker;
  }

  #fail(why: Error): void {
    for (const { reject } of this.#waiting.values()) reject(why);
    this.#waiting.clear();
  }
}
