import { parseArgs } from 'node:util';
import { Random } from '../../src/base/random.ts';
import { openForTraining } from '../../src/encoder/open.ts';
import type { Products } from '../../src/engine/graph.ts';
import type { Device } from '../../src/engine/runtime.ts';
import type { Draw } from '../../src/training/batches.ts';
import { initialMoments } from '../../src/training/learner.ts';
import { publishedRecipe } from '../../src/training/recipe.ts';
import { Stepper } from '../../src/training/step.ts';
import { median } from './measure.ts';
import { miniLm } from './minilm.ts';

/**
 * Tokens per second of training steps on all-MiniLM-L6-v2, as JSON: `node test/bench/gpu-steps.ts [--device webgpu] [--pass
 * TOKENS] [--products float16]`. A step has 64 rows of a query and two documents, all of 128 tokens and none twice: 24,576
 * tokens, which are divided into passes of so many.
 */
const { values } = parseArgs({
  options: {
    device: { type: 'string', default: 'webgpu' },
    pass: { type: 'string', default: '24576' },
    products: { type: 'string', default: 'float32' },
  },
});
const [rows, length, warm, steps] = [64, 128, 2, 8];
const model = miniLm();
if (model === null) process.exit(1);
const random = Random.seeded(1);
// Words that the vocabulary has whole; two tokens stand around each text.
const words = 'time year people way day man thing woman life child world school state family student'.split(
  ' ',
);
const text = () => Array.from({ length: length - 2 }, () => random.pick(words)).join(' ');
const recipe = { ...publishedRecipe, maxTokens: length, temperature: 0.05, weightDecay: 0.01 };
const encoder = await openForTraining(model, recipe);
const documents = Array.from({ length: 2 * rows }, (_, i) => ({ id: String(i), text: text() }));
const provenance = { logs: 0, modes: [], questions: 0 };
const set = { documents, rows: [], dropped: {}, hash: '', provenance };
const stepper = new Stepper(encoder, initialMoments(encoder), set, recipe, {
  device: values.device as Device,
  threads: 0,
  products: values.products as Products,
  tokensPerPass: Number(values.pass),
});
const rates: number[] = [];
for (let step = 1; step <= warm + steps; step++) {
  const draws = Array.from({ length: rows }, (_, i): Draw => {
    const negatives = [rows + i];
    const row = { query: text(), positives: [i], negatives, weight: 1, trajectory: '', known: new Set([i]) };
    return { row, positive: i, negatives };
  });
  const began = performance.now();
  const { tokens } = await stepper.step([draws], step, 2e-5);
  if (step > warm) rates.push((1000 * tokens) / (performance.now() - began));
}
await stepper.dispose();
console.log(JSON.stringify({ 'tokens/s': median(rates) }));
