import { cpus } from 'node:os';
import { Random } from '../../src/base/random.ts';
import { Bm25Index } from '../../src/retrieval/bm25.ts';
import { DenseIndex } from '../../src/retrieval/dense.ts';

/**
 * Queries per second of BM25 and of the exact dense search on a generated corpus, and how fast BM25's index is built:
 * `node test/bench/search.ts`. Words follow Zipf's law, as in natural text.
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

/** Seconds. */
async function median(run: () => Promise<void> | void): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    await run();
    times.push((performance.now() - start) / 1000);
  }
  return times.sort((a, b) => a - b)[rounds >> 1]!;
}

console.log('node test/bench/search.ts');
console.log(`${cpus()[0]!.model}, ${cpus().length} cores, one used; medians of ${rounds}`);
console.log(`${documentCount} documents of ${words} words, ${queryCount} queries, k = ${k}`);

const megabytes = documents.reduce((sum, document) => sum + Buffer.byteLength(document.text), 0) / 1e6;
const building = await median(() => void Bm25Index.build(documents));
console.log(
  `BM25, building: ${(documentCount / building).toFixed(0)} documents/s, ${(megabytes / building).toFixed(1)} MB/s`,
);

const bm25 = Bm25Index.build(documents);
const lexical = await median(async () => {
  for (const query of queries) await bm25.search(query, k);
});
console.log(`BM25, ${queryWords} words: ${(queryCount / lexical).toFixed(0)} queries/s`);

const ids = documents.map(({ id }) => id);
const dense = new DenseIndex(ids, unitRows(documentCount), dimension);
const vectors = unitRows(queryCount);
const exact = await median(() => {
  for (let i = 0; i < queryCount; i++) dense.search(vectors.subarray(i * dimension, (i + 1) * dimension), k);
});
console.log(`Dense, dimension ${dimension}: ${(queryCount / exact).toFixed(0)} queries/s`);
const batched = await median(() => void dense.searchAll(vectors, k));
console.log(`Dense, several queries at once: ${(queryCount / batched).toFixed(0)} queries/s`);
