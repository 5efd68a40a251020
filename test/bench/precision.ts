import { corpusOf, defaultWorld, generateWorld } from '../../src/agent/world.ts';
import { unwatched } from '../../src/base/progress.ts';
import { Random } from '../../src/base/random.ts';
import { openEncoder } from '../../src/encoder/open.ts';
import { DenseIndex } from '../../src/retrieval/dense.ts';
import { encodeBlocks } from '../../src/retrieval/embed.ts';
import { pack, precisions, sharedVectors } from '../../src/retrieval/vectors.ts';
import { miniLm } from './minilm.ts';

/**
 * What vectors of fewer bits lose with a real model, all-MiniLM-L6-v2, as JSON: `node test/bench/precision.ts`. The documents
 * are 1,000 pages of the simulated world, the queries its 300 held-out questions.
 */
const [pages, k] = [1000, 10];
const figures: Record<string, number> = {};
const folder = miniLm();

if (folder !== null) {
  const world = generateWorld({ ...defaultWorld, seed: 1 }, Random.seeded(1));
  const documents = corpusOf(world).slice(0, pages);
  const ids = documents.map(({ id }) => id);
  const questions = world.heldOut.map(({ text }) => text);
  const encoder = await openEncoder(folder);
  const { dimension } = encoder;
  const rows = new Float32Array(ids.length * dimension);
  let filled = 0;
  for await (const block of encodeBlocks(
    encoder,
    { size: ids.length, [Symbol.iterator]: () => documents.values() },
    0,
    unwatched,
  )) {
    rows.set(block, filled);
    filled += block.length;
  }
  const queries = await encoder.encode(questions, 'query');
  const exact = await DenseIndex.of(ids, rows, dimension).searchAll(queries, k);
  const best = exact.map(hits => new Set(hits.map(({ id }) => id)));
  for (const precision of precisions.filter(name => name !== 'fp32')) {
    const vectors = sharedVectors(precision, ids.length, dimension);
    const { numbers, scales } = pack(rows, dimension, precision);
    vectors.numbers.set(numbers);
    vectors.scales.set(scales);
    const lists = await new DenseIndex(ids, vectors).searchAll(queries, k);
    const kept = lists.flatMap((hits, i) => hits.filter(({ id }) => best[i]!.has(id))).length;
    figures[`% of the best ${k} kept by ${precision}`] = (100 * kept) / (k * questions.length);
    const first = lists.filter((hits, i) => hits[0]!.id === exact[i]![0]!.id).length;
    figures[`% of first places kept by ${precision}`] = (100 * first) / questions.length;
  }
}
console.log(JSON.stringify(figures));
