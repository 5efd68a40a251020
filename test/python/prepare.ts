// Makes what the tests compare with: models built and trained by LRAT, vectors, token ids, and AdamW steps.
// node prepare.ts FOLDER
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unwatched } from '../../src/base/progress.ts';
import { Random } from '../../src/base/random.ts';
import { openEncoder, openForTraining } from '../../src/encoder/open.ts';
import { buildStatic, readStatic, saveStatic } from '../../src/encoder/static.ts';
import { staticRecipe } from '../../src/training/recipe.ts';
import { readTrainingSet } from '../../src/training/rows.ts';
import { train } from '../../src/training/trainer.ts';
import { tenSteps } from './steps.ts';

const folder = process.argv[2]!;
mkdirSync(folder, { recursive: true });
const put = (name: string, value: unknown) => writeFileSync(join(folder, name), JSON.stringify(value));

/** Known and unknown words, many scripts, special characters, nothing at all, and more than the greatest length. */
const texts: string[] = JSON.parse(readFileSync(new URL('texts.json', import.meta.url), 'utf8'));
texts.push('word '.repeat(600), 'common words of every page '.repeat(200));

const pages = Array.from(
  { length: 30 },
  (_, i) => `page${i} subject${i % 6} common words of every page ${texts[i % 12]}`,
);
const random = Random.seeded(2);
const pairs = pages.map((text, i) => {
  const neg = random.shuffle([...pages.keys()].filter(k => k !== i)).slice(0, 4);
  return {
    query: `asked${i} wanted${i % 6}`,
    pos: [text],
    pos_id: [`d${i}`],
    neg: neg.map(k => pages[k]),
    neg_id: neg.map(k => `d${k}`),
    reweight_rate: 0.25 + 1.5 * random.uniform(),
  };
});
const pairFile = join(folder, 'pairs.jsonl');
writeFileSync(pairFile, pairs.map(pair => JSON.stringify(pair)).join('\n'));

const recipe = { ...staticRecipe, epochs: 3, batchSize: 8, groupSize: 3, seed: 1 };
const trained = join(folder, 'trained');
const base = { documents: [...pages, ...texts.slice(0, 20)], dimension: 48 };
await train({ workspace: folder, pairs: pairFile, base, out: trained, recipe }, unwatched, { threads: 1 });
const encoder = await openEncoder(trained);
const vectors = await encoder.encode(texts, 'document');
const { tokenizer } = readStatic(trained);
put('texts.json', {
  texts,
  ids: texts.map(text => [...tokenizer.encode(text)]),
  vectors: texts.map((_, i) => [...vectors.subarray(i * encoder.dimension, (i + 1) * encoder.dimension)]),
});

// Ten steps in which every batch is the whole set, so that every row of the table is read in every step: then ours is
// AdamW proper. The rows of words that no pair has are left out by building the base from the pairs alone.
for (const normalisation of ['rows', 'weights'] as const) {
  const start = join(folder, `start-${normalisation}`);
  const model = buildStatic(
    pages,
    pairs.map(({ query }) => query),
    { dimension: 16, seed: 8, maxTokens: null },
  );
  for (const [i, value] of model.table.data.entries())
    if (i >= 16 && value === 0) model.table.data[i] = 0.1 * random.normal();
  saveStatic(start, model, { lineage: {} });
  const settings = {
    ...recipe,
    batchSize: pairs.length,
    groupSize: 5,
    normalisation,
    weightDecay: 0.1,
    maxGradientNorm: 0.5,
    maxTokens: null,
    learningRate: 0.01,
  };
  const set = await readTrainingSet(pairFile);
  const trainable = await openForTraining(start, settings);
  put(`${normalisation}.json`, await tenSteps(trainable, set, settings, random, join(folder, normalisation)));
}
