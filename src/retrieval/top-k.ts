/**
 * The best k of the documents offered: those with the highest scores and, among equal scores, the first in the corpus.
 * A heap with the worst of them on top, so that most offers cost one comparison.
 */
export class TopK {
  readonly #scores: Float64Array;
  readonly #positions: Uint32Array;
  #limit: number;
  #size = 0;

  /** @param corpus number of documents that can be offered. */
  constructor(k: number, corpus: number) {
    if (!Number.isSafeInteger(k) || k < 0) throw new RangeError(`cannot find ${k} documents`);
    this.#scores = new Float64Array(Math.min(k, corpus));
    this.#positions = new Uint32Array(this.#scores.length);
    this.#limit = this.#scores.length;
  }

  /** Keeps but so many until it is told to keep more; k at most. */
  set limit(limit: number) {
    this.#limit = Math.min(limit, this.#scores.length);
  }

  /** A document that comes later in the corpus than those offered so far is kept if its score is greater than this. */
  get worst(): number {
    if (this.#size < this.#limit) return Number.NEGATIVE_INFINITY;
    return this.#scores[0] ?? Number.POSITIVE_INFINITY;
  }

  /** Each position at most once. */
  offer(position: number, score: number): void {
    const limit = this.#limit;
    if (this.#size < limit) this.#rise(this.#size++, position, score);
    else if (limit > 0 && this.#isWorse(0, position, score)) this.#sink(position, score);
  }

  /** Takes the documents out, best first. */
  drain<T>(make: (position: number, score: number) => T): T[] {
    const best = new Array<T>(this.#size);
    while (this.#size > 0) {
      const [position, score] = [this.#positions[0]!, this.#scores[0]!];
      const last = --this.#size;
      if (last > 0) this.#sink(this.#positions[last]!, this.#scores[last]!);
      best[last] = make(position, score);
    }
    return best;
  }

  /** Whether the document at place `i` of the heap ranks below another. */
  #isWorse(i: number, position: number, score: number): boolean {
    const own = this.#scores[i]!;
    return own < score || (own === score && this.#positions[i]! > position);
  }

  #put(i: number, position: number, score: number): void {
    this.#positions[i] = position;
    this.#scores[i] = score;
  }

  /** From place `i` up to where its parent is worse. */
  #rise(i: number, position: number, score: number): void {
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (this.#isWorse(parent, position, score)) break;
      this.#put(i, this.#positions[parent]!, this.#scores[parent]!);
      i = parent;
    }
    this.#put(i, position, score);
  }

  /** In place of the top, down to where no child is worse. */
  #sink(position: number, score: number): void {
    let i = 0;
    for (let child = 1; child < this.#size; child = 2 * i + 1) {
      const other = child + 1;
      if (other < this.#size && this.#isWorse(other, this.#positions[child]!, this.#scores[child]!))
        child = other;
      if (!this.#isWorse(child, position, score)) break;
      this.#put(i, this.#positions[child]!, this.#scores[child]!);
      i = child;
    }
    this.#put(i, position, score);
  }
}
