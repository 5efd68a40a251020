import type { CoarseQuery } from './coarse-vectors.ts';
import { bestOfAll, scoresAt } from './exact.ts';
import { TopK } from './top-k.ts';
import type { Vectors } from './vectors.ts';

/** How many groups a list has room for at first, and at most, but for two for each document that is looked for. */
const [room, mostRoom] = [256, 4096];

/**
 * Finds the best k documents of one query. Of their scores is known first what they are at most; those that may be among
 * the best are listed, and scores in 64 bits decide.
 *
 * What a document must be able to score is a guess, made of those offered so far: they come in an order that has nothing to
 * do with their scores, which are off by less than they could be. In the end the k-th score shows whether the guess was
 * right; else all documents are compared.
 *
 * Scores here, but for the best, are without the product with the centre and in units of the query's scale.
 */
export class Nearest {
  readonly coarse: CoarseQuery;
  readonly #vectors: Vectors;
  readonly #step: number;
  readonly #query: Float64Array;
  readonly #k: number;
  /** By which part of the error a score is taken to be off: errors of many numbers add up like steps of a random walk. */
  readonly #likely: number;
  /** What the best offered are likely to score at least. */
  #likeliest: TopK;
  #worst = Number.NEGATIVE_INFINITY;
  #part = 0;
  /** By how much the last score may be off. */
  #error = 0;
  /** The list, by group: its first document, which of it may be among the best, by bits, and what they score at most. */
  #firsts = new Uint32Array(0);
  #which = new Uint8Array(0);
  #highest = new Float64Array(0);
  #count = 0;

  /** @param step from one document of a group to the next */
  constructor(vectors: Vectors, step: number, query: Float64Array, coarse: CoarseQuery, k: number) {
    this.coarse = coarse;
    this.#vectors = vectors;
    this.#step = step;
    this.#query = query;
    this.#k = k;
    this.#likely = Math.min(1, 5 / Math.sqrt(vectors.dimension));
    this.#likeliest = new TopK(k, vectors.size);
    this.#makeRoom(room);
  }

  /** What a document must be able to score. */
  get worst(): number {
    return this.#worst;
  }

  /** Tells which part of all documents will have been offered with the next ones. */
  expect(part: number): void {
    this.#part = part;
    // So many of the best k should be among them, and by chance hardly five standard deviations more.
    const expected = part * this.#k;
    this.#likeliest.limit = Math.ceil(expected + 5 * Math.sqrt(expected) + 5);
  }

  /**
   * @param first of a group of documents
   * @param which of them may be among the best, by bits
   * @param highest what they score at most
   */
  list(first: number, which: number, highest: number): void {
    if (this.#count === this.#firsts.length) this.#thin();
    this.#firsts[this.#count] = first;
    this.#which[this.#count] = which;
    this.#highest[this.#count++] = highest;
  }

  /** There is a document, told of once, that scores this, give or take the error. */
  raise(score: number, error: number): void {
    this.#error = error;
    const low = score - this.#likely * error;
    if (!(low > this.#likeliest.worst)) return;
    this.#likeliest.offer(0, low);
    this.#worst = Math.max(this.#worst, this.#likeliest.worst);
  }

  /** The best of all documents, once all have been offered. */
  best(): TopK {
    const best = this.#bestListed();
    // What is not listed scores less than that.
    return this.#inUnits(best.worst) >= this.#worst ? best : bestOfAll(this.#vectors, this.#query, this.#k);
  }

  /** Makes room in the list: by what can no more be among the best, by more memory, or by all but the best of it. */
  #thin(): void {
    let kept = 0;
    for (let i = 0; i < this.#count; i++) {
      if (!(this.#highest[i]! < this.#worst)) this.#move(i, kept++);
    }
    this.#count = kept;
    const places = this.#firsts.length;
    if (2 * kept < places) return;
    if (places < mostRoom + 2 * this.#k) {
      this.#makeRoom(2 * places);
      return;
    }
    const best = this.#bestListed().drain((position, score) => ({ position, score: this.#inUnits(score) }));
    this.#likeliest = new TopK(this.#k, this.#vectors.size);
    this.expect(this.#part);
    this.#count = 0;
    for (const { position, score } of best) {
      this.list(position, 1, score);
      this.raise(score, 0);
    }
  }

  /** The best of the list, which are taken from it. */
  #bestListed(): TopK {
    const best = new TopK(this.#k, this.#vectors.size);
    const look = (least: number): void => {
      const positions = this.#take(least);
      const scores = scoresAt(this.#vectors, positions, this.#query);
      for (let i = 0; i < scores.length; i++) best.offer(positions[i]!, scores[i]!);
    };
    // What is taken to score enough shows what can.
    look(this.#worst + this.#error);
    look(this.#inUnits(best.worst));
    return best;
  }

  /** Takes from the list the documents that may score so much. */
  #take(least: number): Uint32Array {
    const taken: number[] = [];
    let left = 0;
    for (let i = 0; i < this.#count; i++) {
      if (this.#highest[i]! < least) this.#move(i, left++);
      else {
        let position = this.#firsts[i]!;
        for (let which = this.#which[i]!; which > 0; which >>= 1, position += this.#step) {
          if (which & 1) taken.push(position);
        }
      }
    }
    this.#count = left;
    return Uint32Array.from(taken);
  }

  #move(from: number, to: number): void {
    this.#firsts[to] = this.#firsts[from]!;
    this.#which[to] = this.#which[from]!;
    this.#highest[to] = this.#highest[from]!;
  }

  #makeRoom(places: number): void {
    const [firsts, which, highest] = [this.#firsts, this.#which, this.#highest];
    this.#firsts = new Uint32Array(places);
    this.#which = new Uint8Array(places);
    this.#highest = new Float64Array(places);
    this.#firsts.set(firsts);
    this.#which.set(which);
    this.#highest.set(highest);
  }

  #inUnits(score: number): number {
    return (score - this.coarse.offset) / this.coarse.scale;
  }
}
