import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Random } from '../../src/base/random.ts';
import { DenseIndex } from '../../src/retrieval/dense.ts';
import type { Hit } from '../../src/retrieval/retriever.ts';
import { blockSize, readVectors, VectorWriter } from '../../src/retrieval/vector-file.ts';
import { type Precision, precisions } from '../../src/retrieval/vectors.ts';
import { pythonWith } from './environment.ts';
import { median, medianSeconds } from './measure.ts';

/**
 * Exact search over 100,000 vectors of 384 numbers, in turn with faiss on the same vectors, queries and threads, as JSON:
 * `node test/bench/vectors.ts`. The vectors point in random directions, where the scores of the best lie closest; and once,
 * more like those of a model, into clusters about one direction, with a few numbers that are larger than all others.
 */
const [documentCount, queryCount, dimension, threads, rounds] = [100_000, 1000, 384, 2, 5];
const lengths = [10, 100];

const random = Random.seeded(1);
function normalRows(count: number): Float32Array {
  return Float32Array.from({ length: count * dimension }, () => random.normal());
}

/** In place. */
function unitRows(rows: Float32Array): Float32Array {
  for (let begin = 0; begin < rows.length; begin += dimension) {
    let squares = 0;
    for (let i = begin; i < begin + dimension; i++) squares += rows[i]! ** 2;
    for (let i = begin; i < begin + dimension; i++) rows[i]! /= Math.sqrt(squares);
  }
  return rows;
}

const clusterCount = 500;
const [common, clusters] = [normalRows(1), normalRows(clusterCount)];
function clusteredRows(count: number): Float32Array {
  const rows = normalRows(count);
  for (let begin = 0; begin < rows.length; begin += dimension) {
    const cluster = random.below(clusterCount) * dimension;
    for (let i = 0; i < dimension; i++) {
      const x = rows[begin + i]! + clusters[cluster + i]! + 1.5 * common[i]!;
      rows[begin + i] = i % 100 === 7 ? 3 * x + 12 : x;
    }
  }
  return unitRows(rows);
}

const folder = mkdtempSync(join(tmpdir(), 'lrat-vectors-'));
const [rows, queries] = [unitRows(normalRows(documentCount)), unitRows(normalRows(queryCount))];
const ids = Array.from({ length: documentCount }, (_, i) => `${i}`);
const figures: Record<string, number> = {};

interface PeerAnswer {
  readonly seconds: number;
  readonly positions: readonly (readonly number[])[];
  readonly scores: readonly (readonly number[])[];
}

/** faiss in a process of its own, that is asked and answers; null without it. */
function startPeer(documents: Float32Array, queries: Float32Array) {
  const python = pythonWith('faiss-cpu');
  if (python === null) return null;
  const files = { documents, queries };
  for (const [name, numbers] of Object.entries(files)) writeFileSync(join(folder, name), numbers);
  const script = fileURLToPath(new URL('./peers/flat_search.py', import.meta.url));
  const child = spawn(python, [script, ...Object.keys(files), `${dimension}`, `${threads}`], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async search(k: number): Promise<PeerAnswer> {
      child.stdin.write(`${k}\n`);
      return JSON.parse((await lines.next()).value!);
    },
    end: () => child.stdin.end(),
  };
}

/** Both must give the same documents, but for those whose scores 32 bits cannot tell apart. */
function compare(lists: readonly Hit[][], { positions, scores }: PeerAnswer): void {
  for (const [query, hits] of lists.entries()) {
    const own = new Map(hits.map(({ id, score }) => [Number(id), score]));
    const last = hits.at(-1)!.score;
    for (const [rank, position] of positions[query]!.entries()) {
      const score = scores[query]![rank]!;
      if (Math.abs((own.get(position) ?? last) - score) < 5e-6) continue;
      throw new Error(`query ${query}: document ${position} has ${score}, here ${own.get(position)}`);
    }
  }
}

/** Writes the vectors, and gives the index that a search loads, with what it costs. */
async function saved(precision: Precision): Promise<DenseIndex> {
  const path = join(folder, precision);
  const source = { model: 'random', corpus: 'random' };
  const header = { source, precision, dimension, documents: documentCount, block: blockSize };
  const writer = new VectorWriter(path, header);
  for (let begin = 0; begin < documentCount; begin += blockSize) {
    writer.append(rows.subarray(begin * dimension, (begin + blockSize) * dimension));
  }
  writer.finish(ids);
  writer.close();
  figures[`ms to load ${precision}`] =
    1000 * (await medianSeconds(rounds, () => void readVectors(path, source)));
  return DenseIndex.load(path, source);
}

/** Searches in turn with faiss. */
async function measure(index: DenseIndex, documents: Float32Array, queries: Float32Array, of: string) {
  const peer = startPeer(documents, queries);
  try {
    for (const k of lengths) {
      const [own, theirs]: [number[], number[]] = [[], []];
      // The first round is not counted: the copy in 8 bits is made in it.
      for (let round = 0; round <= rounds; round++) {
        const started = performance.now();
        const lists = await index.searchAll(queries, k, threads);
        const seconds = (performance.now() - started) / 1000;
        const answer = await peer?.search(k);
        if (answer !== undefined && round === 0) compare(lists, answer);
        if (round === 0) continue;
        own.push(seconds);
        if (answer !== undefined) theirs.push(answer.seconds);
      }
      figures[`queries/s for ${k} documents${of}`] = queryCount / median(own);
      if (peer === null) continue;
      figures[`queries/s for ${k}${of} by faiss`] = queryCount / median(theirs);
      figures[`times faiss' speed for ${k}${of}`] = median(theirs) / median(own);
    }
  } finally {
    peer?.end();
  }
}

try {
  const exact = await saved('fp32');
  // The threads start with another search.
  await DenseIndex.of(['a', 'b'], new Float32Array(2 * dimension), dimension).searchAll(queries, 1, threads);
  figures['ms for the first search, with the copy'] =
    1000 * (await medianSeconds(1, () => exact.searchAll(queries, 10, threads)));
  await measure(exact, rows, queries, '');
  const clustered = clusteredRows(documentCount);
  await measure(
    DenseIndex.of(ids, clustered, dimension),
    clustered,
    clusteredRows(queryCount),
    ' in clusters',
  );
  const one = queries.subarray(0, dimension);
  figures['ms for one query'] = 1000 * (await medianSeconds(15, () => void exact.search(one, 10)));

  const expected = (await exact.searchAll(queries, 10)).map(hits => new Set(hits.map(({ id }) => id)));
  for (const precision of precisions.filter(name => name !== 'fp32')) {
    const index = await saved(precision);
    const lists = await index.searchAll(queries, 10);
    const kept = lists.flatMap((hits, i) => hits.filter(({ id }) => expected[i]!.has(id)));
    figures[`% of the best 10 kept by ${precision}`] = (100 * kept.length) / (10 * queryCount);
    const seconds = await medianSeconds(rounds, () => index.searchAll(queries, 10, threads));
    figures[`queries/s by ${precision}`] = queryCount / seconds;
    figures[`ms for one query by ${precision}`] =
      1000 * (await medianSeconds(15, () => void index.search(one, 10)));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(JSON.stringify(figures));
