import { isShared, sharedFloats } from '../base/shared.ts';
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

/** With fewer elements to change for each, a thread would be told for longer than it takes. */
const worthwhile = 2 ** 20;

/** AdamW in main memory by several threads, in place. Its numbers do not depend on how many. */
export class HostAdamW {
  readonly #settings: AdamWSettings;
  readonly #helpers: readonly TaskThread<AdamWTask, AdamWAnswer>[];
  /** For gradients that ONNX Runtime has given in memory of its own. */
  #copies = sharedFloats(0);
  /** By the first moments of tables. */
  readonly #moving = new WeakMap<Float32Array, Uint8Array>();

  /** @param threads with this one, which waits for the others */
  constructor(settings: AdamWSettings, threads: number) {
    this.#settings = settings;
    this.#helpers = Array.from(
      { length: threads - 1 },
      () => new TaskThread(workerUrl(import.meta.url, 'adamw-worker'), null),
    );
  }

  /**
   * One step.
   * @param trainables in the same arrays in each step, which are not changed by others; this thread does all unless they are on
   * shared memory @param step counted from 1
   * @returns the norm of all gradients before clipping, and whether all is still a finite number; if not, parameters and
   * moments are not to be used
   */
  async step(
    trainables: readonly HostTrainable[],
    { step, learningRate }: { readonly step: number; readonly learningRate: number },
  ): Promise<{ readonly norm: number; readonly finite: boolean }> {
    const helpers = this.#helpers.slice(0, this.#worthwhile(trainables));
    const [own, ...shares] = this.#divide(
      helpers.length === 0 ? trainables : this.#withSharedGradients(trainables),
      1 + helpers.length,
    ) as [Share, ...Share[]];

    const squares = new Map<number, number>();
    const sums = shares.map(({ whole }, i) =>
      helpers[i]!.ask({ squaresOf: whole.map(({ trainable }) => trainable.gradient) }),
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
    const updates = Promise.all(shares.map((share, i) => helpers[i]!.ask(update(share))));
    // Should this thread's share fail first, nobody waits for the others.
    updates.catch(() => {});
    const finite = doAdamW(update(own));
    return { norm, finite: [finite, ...(await updates)].every(Boolean) };
  }

  /** How many threads beside this one are worth being told. */
  #worthwhile(trainables: readonly HostTrainable[]): number {
    let elements = 0;
    for (const { data, moment1, moment2, gradient, rows } of trainables) {
      if (![data, moment1, moment2].every(isShared)) return 0;
      elements += (rows?.others === 'untouched' ? gradient : data).length;
    }
    return Math.floor(elements / worthwhile);
  }

  #withSharedGradients(trainables: readonly HostTrainable[]): HostTrainable[] {
    const length = trainables.reduce(
      (sum, { gradient }) => sum + (isShared(gradient) ? 0 : gradient.length),
      0,
    );
    if (this.#copies.length < length) this.#copies = sharedFloats(length);
    let end = 0;
    return trainables.map(trainable => {
      if (isShared(trainable.gradient)) return trainable;
      const start = end;
      end += trainable.gradient.length;
      const gradient = this.#copies.subarray(start, end);
      gradient.set(trainable.gradient);
      return { ...trainable, gradient };
    });
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
    for (const helper of this.#helpers) helper.stop();
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
