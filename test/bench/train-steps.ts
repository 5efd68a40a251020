import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { openForTraining } from '../../src/encoder/open.ts';
import { workingWebGpu } from '../../src/engine/devices.ts';
import type { Products } from '../../src/engine/graph.ts';
import type { Device } from '../../src/engine/runtime.ts';
import type { Draw } from '../../src/training/batches.ts';
import { initialMoments } from '../../src/training/learner.ts';
import { publishedRecipe } from '../../src/training/recipe.ts';
import { Stepper, tokensOnDevice } from '../../src/training/step.ts';
import type { TrainingBatches } from './train-encoder.ts';

/**
 * Our side of `train-encoder.ts`, which says what it is asked and answers:
 * `node train-steps.ts MODEL BATCHES.json THREADS DEVICE [PRODUCTS]`.
 */
const [model, file, threads, device, products = 'float32'] = process.argv.slice(2) as [
  ...[string, string, string],
  Device,
  Products?,
];
const job: TrainingBatches = JSON.parse(readFileSync(file, 'utf8'));
const recipe = {
  ...publishedRecipe,
  maxTokens: job.maxTokens,
  temperature: job.temperature,
  weightDecay: job.weightDecay,
};
const encoder = await openForTraining(model, recipe);
const set = {
  ...{
    documents: job.documents.map((text, i) => ({ id: String(i), text })),
    rows: [],
    dropped: {},
    hash: '',
  },
  provenance: { logs: 0, modes: [], questions: 0 },
};
const stepper = new Stepper(encoder, initialMoments(encoder), set, recipe, {
  device,
  products,
  threads: Number(threads),
  ...(device === 'webgpu' && {
    tokensPerPass: tokensOnDevice(encoder, (await workingWebGpu('bench')).tensorBytes),
  }),
});
const drawsOf = ({ queries, columns, weights, known }: TrainingBatches['batches'][number]): Draw[] =>
  queries.map((query, i) => {
    const [positive, ...negatives] = columns.map(column => column[i]!) as [number, ...number[]];
    const row = {
      query,
      positives: [positive],
      negatives,
      weight: weights[i]!,
      trajectory: '',
      known: new Set(known[i]),
    };
    return { row, positive, negatives };
  });
const tell = (answer: object) => process.stdout.write(`${JSON.stringify(answer)}\n`);
tell({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
  const { from, to } = JSON.parse(line);
  const started = performance.now();
  const losses: number[] = [];
  for (let i = from; i < to; i++)
    losses.push((await stepper.step([drawsOf(job.batches[i]!)], i + 1, job.learningRate)).loss);
  const seconds = (performance.now() - started) / 1000;
  tell({ seconds, losses, peak: process.resourceUsage().maxRSS * 1024 });
}
await stepper.dispose();
