import { Random } from '../../src/base/random.ts';
import { Bm25Index } from '../../src/retrieval/bm25.ts';
import { DenseIndex } from '../../src/retrieval/dense.ts';
import { medianSeconds } from './measure.ts';

/**
 * Queries per second of BM25 and of the exact dense search on a generated corpus, and how fast BM25's index is built, as
 * JSON: `node test/bench/search.ts`. 20,000 documents of 150 words that follow Zipf's law, as in natural text; 500 queries
 * of 6 words or a vector of 256 dimensions, for 10 documents.
 */
const [documentCount, words, queryWords, vocabulary] = [20_000, 150, 6, 50_000];
const [dimension, queryCount, k, rounds] = [256, 500, 10, 5];

const random = Random.seeded(1);
/** Word r with a probability near 1 / r. */
const word = () => `w${Math.floor(vocabulary ** random.uniform())}`;
const text = (length: number) => Array.from({ length }, word).join(' ');
const documents = Array.from({ length: documentCount }, (_, i) => ({ id: `d${i}`, text: text(words) }));
const queries = Array.from({ length: queryCount }, () => text(queryWords));

function unitRows(count: number): Float32Array {
  const rows = Float32Array.from({ length: count * dimension }, () => random.normal());
  for (let begin = 0; begin < rows.length; begin += dimension) {
    const row = rows.subarray(begin, begin + dimension);
    const norm = Math.hypot(...row);
    for (let i = 0; i < dimension; i++) row[i]! /= norm;
  }
  return rows;
}

const megabytes = documents.reduce((sum, document) => sum + Buffer.byteLength(document.text), 0) / 1e6;
const building = await medianSeconds(rounds, () => void Bm25Index.build(documents));

const bm25 = Bm25Index.build(documents);
const lexical = await medianSeconds(rounds, async () => {
  for (const query of queries) await bm25.search(query, k);
});

const ids = documents.map(({ id }) => id);
const dense = DenseIndex.of(ids, unitRows(documentCount), dimension);
const vectors = unitRows(queryCount);
const exact = await medianSeconds(rounds, () => {
  for (let i = 0; i < queryCount; i++) dense.search(vectors.subarray(i * dimension, (i + 1) * dimension), k);
});
const batched = await medianSeconds(rounds, () => dense.searchAll(vectors, k));

console.log(
  JSON.stringify({
    'documents/s into BM25': documentCount / building,
    'MB/s into BM25': megabytes / building,
    'queries/s by BM25': queryCount / lexical,
    'queries/s by vectors': queryCount / exact,
    'queries/s by vectors, all at once': queryCount / batched,
  }),
);
