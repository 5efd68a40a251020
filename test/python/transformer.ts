// Encodes with a transformer that Python made, and trains it for ten steps: node transformer.ts MODEL PREPARED OUT
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../src/base/random.ts';
import { openEncoder, openForTraining } from '../../src/encoder/open.ts';
import { publishedRecipe } from '../../src/training/recipe.ts';
import { readTrainingSet } from '../../src/training/rows.ts';
import { tenSteps } from './steps.ts';

const [model, prepared, out] = process.argv.slice(2) as [string, string, string];
const put = (name: string, value: unknown) => writeFileSync(join(out, name), JSON.stringify(value));
const { texts }: { texts: string[] } = JSON.parse(readFileSync(join(prepared, 'texts.json'), 'utf8'));

const encoder = await openEncoder(model);
const rows = async (kind: 'query' | 'document') => {
  const vectors = await encoder.encode(texts, kind);
  return texts.map((_, i) => [...vectors.subarray(i * encoder.dimension, (i + 1) * encoder.dimension)]);
};
put('vectors.json', { query: await rows('query'), document: await rows('document') });

const trainable = await openForTraining(model, 32);
const set = await readTrainingSet(join(prepared, 'pairs.jsonl'));
const recipe = { ...publishedRecipe, batchSize: 6, groupSize: 3, learningRate: 1e-3, weightDecay: 0.1 };
const steps = await tenSteps(
  trainable,
  set,
  { ...recipe, temperature: 0.1, maxGradientNorm: 0.5 },
  Random.seeded(5),
  join(out, 'step'),
);
put('steps.json', steps);
trainable.save(join(out, 'saved'), { lineage: {} });
