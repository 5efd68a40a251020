import { sharedFloats } from '../base/shared.ts';
import { TaskThread, workerUrl } from '../base/worker.ts';
import {
  type AdamWSettings,
  adamWInPlace,
  type HostTrainable,
  movingRows,
  type SharedTrainable,
  sumOfSquares,
} from './optimizer.ts';

/** What a thread does of a step. */
export type AdamWTask =
  | { readonly squaresOf: readonly Float32Array[] }
  | { readonly update: Parameters<typeof adamWInPlace> };

/** Sums of squares in the order of the gradients, or whether all that was changed is still a finite number. */
export type AdamWAnswer = readonly number[] | boolean;

export function doAdamW(task: AdamWTask): AdamWAnswer {
  return 'update' in task ? adamWInPlace(...task.update) : task.squaresOf.map(sumOfSquares);
}

/** With fewer elements to change, a thread would be told for longer than it takes. */
const worthwhile = 2 ** 20;

/** A thread beside this one, and memory for gradients that ONNX Runtime has given in its own. */
interface Helper {
  readonly thread: TaskThread<AdamWTask, AdamWAnswer>;
  gradients: Float32Array;
}

/** AdamW in main memory by several threads, in place. Its numbers do not depend on how many. */
export class HostAdamW {
  readonly #settings: AdamWSettings;
  readonly #helpers: readonly Helper[];
  /** By the first moments of tables. */
  readonly #moving = new WeakMap<Float32Array, Uint8Array>();

  /** @param threads with this one, which waits for the others */
  constructor(settings: AdamWSettings, threads: number) {
    this.#settings = settings;
    this.#helpers = Array.from({ length: threads - 1 }, () => ({
      thread: new TaskThread(workerUrl(import.meta.url, 'adamw-worker'), null),
      gradients: new Float32Array(0),
    }));
  }

  /**
   * One step.
   * @param trainables parameters and moments on shared memory (`sharedFloats`) @param step counted from 1
   * @returns the norm of all gradients before clipping, and whether all is still a finite number; if not, parameters and
   * moments are not to be used
   */
  async step(
    trainables: readonly HostTrainable[],
    { step, learningRate }: { readonly step: number; readonly learningRate: number },
  ): Promise<{ readonly norm: number; readonly finite: boolean }> {
    const elements = trainables.reduce(
      (sum, { data, gradient, rows }) => sum + (rows?.others === 'untouched' ? gradient : data).length,
      0,
    );
    const helpers = elements < worthwhile ? [] : this.#helpers;
    const [own, ...others] = this.#divide(trainables, 1 + helpers.length) as [Share, ...Share[]];
    const shares = others.map((share, i) => withSharedGradients(share, helpers[i]!));

    const squares = new Map<number, number>();
    const sums = shares.map(({ whole }, i) =>
      helpers[i]!.thread.ask({ squaresOf: whole.map(({ trainable }) => trainable.gradient) }),
    );
    for (const { index, trainable } of [...own.whole, ...own.tables])
      squares.set(index, sumOfSquares(trainable.gradient));
    for (const [i, answer] of (await Promise.all(sums)).entries()) {
      for (const [k, { index }] of shares[i]!.whole.entries())
        squares.set(index, (answer as readonly number[])[k]!);
    }
    // In one order, whichever thread a sum is of.
    const norm = Math.sqrt(trainables.reduce((sum, _, index) => sum + squares.get(index)!, 0));
    if (!Number.isFinite(norm)) return { norm, finite: false };

    const update = ({ whole, tables }: Share): AdamWTask => ({
      update: [
        [...whole, ...tables].map(({ trainable }) => trainable),
        { step, learningRate, norm },
        this.#settings,
      ],
    });
    const updates = shares.map((share, i) => helpers[i]!.thread.ask(update(share)));
    const answers = [doAdamW(update(own)), ...(await Promise.all(updates))];
    return { norm, finite: answers.every(Boolean) };
  }

  #divide(trainables: readonly HostTrainable[], parts: number): Share[] {
    const whole: (Placed & { readonly size: number })[] = [];
    const tables: ((part: number) => Placed)[] = [];
    for (const [index, { rows, ...trainable }] of trainables.entries()) {
      if (rows === undefined) {
        whole.push({ index, trainable, size: trainable.data.length });
        continue;
      }
      const moving = this.#moving.get(trainable.moment1) ?? movingRows(trainable, rows.width);
      this.#moving.set(trainable.moment1, moving);
      tables.push(part => ({ index, trainable: { ...trainable, rows: { ...rows, part, parts, moving } } }));
    }
    const shares = Array.from({ length: parts }, () => ({ size: 0, members: [] as Placed[] }));
    for (const each of whole.sort((a, b) => b.size - a.size)) {
      const least = shares.reduce((least, share) => (share.size < least.size ? share : least));
      least.members.push(each);
      least.size += each.size;
    }
    return shares.map(({ members }, part) => ({ whole: members, tables: tables.map(share => share(part)) }));
  }

  dispose(): void {
    for (const { thread } of this.#helpers) thread.stop();
  }
}

interface Placed {
  readonly index: number;
  readonly trainable: SharedTrainable;
}

/** What falls to a thread: tensors, and of tables every so many rows. */
interface Share {
  readonly whole: readonly Placed[];
  readonly tables: readonly Placed[];
}

/** With all gradients on shared memory: those that are not are copied. */
function withSharedGradients({ whole, tables }: Share, helper: Helper): Share {
  const isShared = ({ buffer }: Float32Array) => buffer instanceof SharedArrayBuffer;
  const others = [...whole, ...tables].filter(({ trainable }) => !isShared(trainable.gradient));
  const length = others.reduce((sum, { trainable }) => sum + trainable.gradient.length, 0);
  if (helper.gradients.length < length) helper.gradients = sharedFloats(length);
  let end = 0;
  const shared = (placed: Placed): Placed => {
    const { trainable, index } = placed;
    if (isShared(trainable.gradient)) return placed;
    const start = end;
    end += trainable.gradient.length;
    const gradient = helper.gradients.subarray(start, end);
    gradient.set(trainable.gradient);
    return { index, trainable: { ...trainable, gradient } };
  };
  return { whole: whole.map(shared), tables: tables.map(shared) };
}
