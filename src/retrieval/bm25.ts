import { setImmediate as breathe } from 'node:timers/promises';
import type { Job } from '../base/progress.ts';
import { analyse } from './analyser.ts';
import { distinct } from './corpus.ts';
import { readIndexFile, writeIndexFile } from './index-file.ts';
import type { Document, Hit, Retriever } from './retriever.ts';
import { TopK } from './top-k.ts';

/** How soon repeated terms stop counting (k1 ≥ 0), and how much long documents are discounted (b in [0, 1]). */
export interface Bm25Parameters {
  readonly k1: number;
  readonly b: number;
}

/** The defaults of Lucene's `BM25Similarity`. */
export const luceneBm25: Bm25Parameters = { k1: 1.2, b: 0.75 };

/** The defaults of Anserini and Pyserini, with which the paper's BM25 ran. */
export const anseriniBm25: Bm25Parameters = { k1: 0.9, b: 0.4 };

/** An inverted index. The postings of term t stand at `starts[t]` to `starts[t + 1]`, in order of the corpus. */
type Postings = {
  readonly ids: readonly string[];
  readonly terms: readonly string[];
  readonly starts: Uint32Array;
  readonly documents: Uint32Array;
  /** How often the term occurs in the document. */
  readonly frequencies: Uint32Array;
  /** Terms per document. */
  readonly lengths: Uint32Array;
};

const kind = 'bm25';

/** Documents indexed between two looks at the job. */
const chunk = 64;

/**
 * BM25 as Lucene computes it: a document's score is, over the query's terms, each as often as it stands there, the sum of
 *
 *     idf(t) · f / (f + k1 · (1 − b + b · length / mean length)),   idf(t) = ln(1 + (N − n + ½) / (n + ½))
 *
 * with f occurrences of t in the document, N documents that have any term, n of them with t, and the mean over those N.
 * Lucene keeps a length in one byte, which rounds those above 40; here they are exact, so that scores differ a little.
 */
export class Bm25Index implements Retriever {
  readonly name = 'bm25';
  readonly parameters: Bm25Parameters;
  readonly #postings: Postings;
  readonly #terms: ReadonlyMap<string, number>;
  readonly #idf: Float64Array;
  /** What is added to f in the denominator, per document. */
  readonly #norms: Float64Array;
  /** Zero between searches. */
  readonly #scores: Float64Array;
  /** The documents that the current search has met. */
  readonly #met: Uint32Array;

  private constructor(postings: Postings, parameters: Bm25Parameters) {
    const { k1, b } = parameters;
    if (!(k1 >= 0 && k1 < Number.POSITIVE_INFINITY)) throw new RangeError(`BM25's k1 cannot be ${k1}`);
    if (!(b >= 0 && b <= 1)) throw new RangeError(`BM25's b cannot be ${b}`);
    const { terms, starts, lengths } = postings;
    this.parameters = { k1, b };
    this.#postings = postings;
    this.#terms = new Map(terms.map((term, t) => [term, t]));
    const filled = lengths.reduce((n, length) => n + Math.sign(length), 0);
    const mean = lengths.reduce((sum, length) => sum + length, 0) / filled;
    this.#idf = Float64Array.from(terms, (_, t) => {
      const n = starts[t + 1]! - starts[t]!;
      return Math.log(1 + (filled - n + 0.5) / (n + 0.5));
    });
    this.#norms = Float64Array.from(lengths, length => k1 * (1 - b + (b * length) / mean));
    this.#scores = new Float64Array(lengths.length);
    this.#met = new Uint32Array(lengths.length);
  }

  /** @throws LratError if two documents have the same id. */
  static build(documents: Iterable<Document>, parameters: Bm25Parameters = luceneBm25): Bm25Index {
    const inverter = new Inverter();
    for (const document of distinct(documents)) inverter.add(document);
    return new Bm25Index(inverter.postings(), parameters);
  }

  /**
   * The same for a large corpus: reports how far it is, and leaves the thread to others, a signal to stop among them,
   * every so many documents.
   * @throws LratError if two documents have the same id; the signal's reason if the job is stopped.
   */
  static async buildWatched(
    documents: Iterable<Document>,
    parameters: Bm25Parameters,
    job: Job,
  ): Promise<Bm25Index> {
    const inverter = new Inverter();
    const report = (total?: number) =>
      job.report({ task: 'Indexing documents', done: inverter.size, total, unit: 'documents' });
    for (const document of distinct(documents)) {
      if (inverter.size % chunk === 0) {
        report();
        await breathe();
        job.signal.throwIfAborted();
      }
      inverter.add(document);
    }
    report(inverter.size);
    return new Bm25Index(inverter.postings(), parameters);
  }

  /**
   * @param parameters other ones than those that it was built with.
   * @throws LratError if the file is missing, cut off, damaged or no BM25 index of this version.
   */
  static load(path: string, parameters?: Bm25Parameters): Bm25Index {
    const { meta, sections } = readIndexFile<Meta, Postings>(path, kind);
    return new Bm25Index(sections, parameters ?? meta.parameters);
  }

  /** @throws LratError if the file cannot be written. */
  save(path: string): void {
    const { ids, terms, documents } = this.#postings;
    const meta: Meta = {
      parameters: this.parameters,
      documents: ids.length,
      terms: terms.length,
      postings: documents.length,
    };
    writeIndexFile(path, kind, meta, this.#postings);
  }

  /** Number of documents. */
  get size(): number {
    return this.#postings.ids.length;
  }

  /** Documents that share no term with the query are not found. */
  async search(query: string, k: number): Promise<Hit[]> {
    const { ids } = this.#postings;
    const best = new TopK(k, ids.length);
    const met = this.#accumulate(query);
    for (let i = 0; i < met; i++) {
      const position = this.#met[i]!;
      best.offer(position, this.#scores[position]!);
      this.#scores[position] = 0;
    }
    return best.drain((position, score) => ({ id: ids[position]!, score }));
  }

  /** Sums the scores up and returns how many documents it met. Every part of a score is positive, so 0 means not met. */
  #accumulate(query: string): number {
    const { starts, documents, frequencies } = this.#postings;
    const [scores, norms, metList] = [this.#scores, this.#norms, this.#met];
    let met = 0;
    for (const term of analyse(query)) {
      const t = this.#terms.get(term);
      if (t === undefined) continue;
      const idf = this.#idf[t]!;
      const end = starts[t + 1]!;
      for (let i = starts[t]!; i < end; i++) {
        const position = documents[i]!;
        const frequency = frequencies[i]!;
        const score = scores[position]!;
        if (score === 0) metList[met++] = position;
        scores[position] = score + (idf * frequency) / (frequency + norms[position]!);
      }
    }
    return met;
  }
}

/** For people who look into the file; the parameters are read back. */
interface Meta {
  readonly parameters: Bm25Parameters;
  readonly documents: number;
  readonly terms: number;
  readonly postings: number;
}

/** Takes the corpus document by document, then turns the list of (document, term) round by a counting sort. */
class Inverter {
  readonly #ids: string[] = [];
  readonly #lengths: number[] = [];
  readonly #numbers = new Map<string, number>();
  /** Per term: in how many documents it occurs, and where its latest posting stands. */
  readonly #counts: number[] = [];
  readonly #latest: number[] = [];
  readonly #postingTerms = new Numbers();
  readonly #postingFrequencies = new Numbers();
  /** Where each document's postings end. */
  readonly #ends: number[] = [];

  /** Number of documents so far. */
  get size(): number {
    return this.#ids.length;
  }

  add({ id, text }: Document): void {
    const begin = this.#postingTerms.length;
    const terms = analyse(text);
    for (const term of terms) {
      let t = this.#numbers.get(term);
      if (t === undefined) {
        t = this.#numbers.size;
        this.#numbers.set(term, t);
        this.#counts.push(0);
        this.#latest.push(-1);
      }
      if (this.#latest[t]! >= begin) {
        this.#postingFrequencies.increment(this.#latest[t]!);
      } else {
        this.#counts[t]!++;
        this.#latest[t] = this.#postingTerms.length;
        this.#postingTerms.push(t);
        this.#postingFrequencies.push(1);
      }
    }
    this.#ids.push(id);
    this.#lengths.push(terms.length);
    this.#ends.push(this.#postingTerms.length);
  }

  postings(): Postings {
    const starts = new Uint32Array(this.#counts.length + 1);
    for (const [t, count] of this.#counts.entries()) starts[t + 1] = starts[t]! + count;
    const next = starts.slice();
    const documents = new Uint32Array(this.#postingTerms.length);
    const frequencies = new Uint32Array(this.#postingTerms.length);
    for (let position = 0, i = 0; position < this.size; position++) {
      for (; i < this.#ends[position]!; i++) {
        const place = next[this.#postingTerms.at(i)]!++;
        documents[place] = position;
        frequencies[place] = this.#postingFrequencies.at(i);
      }
    }
    return {
      ids: this.#ids,
      terms: [...this.#numbers.keys()],
      starts,
      documents,
      frequencies,
      lengths: Uint32Array.from(this.#lengths),
    };
  }
}

/** A list of whole numbers below 2³² that grows, at 4 bytes each. */
class Numbers {
  #data = new Uint32Array(1 << 12);
  length = 0;

  push(value: number): void {
    if (this.length === this.#data.length) {
      const grown = new Uint32Array(2 * this.length);
      grown.set(this.#data);
      this.#data = grown;
    }
    this.#data[this.length++] = value;
  }

  increment(i: number): void {
    this.#data[i]!++;
  }

  at(i: number): number {
    return this.#data[i]!;
  }
}
