import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { unwatched } from '../../src/base/progress.ts';
import { Random } from '../../src/base/random.ts';
import { openForTraining } from '../../src/encoder/open.ts';
import { openSafetensors } from '../../src/encoder/safetensors.ts';
import { drawEpoch } from '../../src/training/batches.ts';
import { initialMoments } from '../../src/training/learner.ts';
import { publishedRecipe } from '../../src/training/recipe.ts';
import { readTrainingSet } from '../../src/training/rows.ts';
import { RunFolder } from '../../src/training/run-folder.ts';
import { Stepper } from '../../src/training/step.ts';
import { resume, train } from '../../src/training/trainer.ts';
import { saveRandomModel } from '../unit/encoder/transformer-models.ts';
import { fillGpu, loseGpu, reason } from './lost-gpu.ts';

const root = mkdtempSync(join(tmpdir(), 'lrat-lost-training-'));
afterAll(() => rmSync(root, { recursive: true }));

const pairs = join(root, 'pairs.jsonl');
const words = ['fox', 'dogs', 'lazy', 'jumps', 'sees', 'over', 'red', 'where'];
const rows = words.map((word, i) => ({
  ...{ query: `who ${word}`, pos: [`the ${word}`], pos_id: [`d${i}`], neg: [], neg_id: [] },
}));
writeFileSync(pairs, rows.map(row => JSON.stringify(row)).join('\n'));
const base = join(root, 'base');
const parameters = saveRandomModel(base, 'bert');
const recipe = { ...publishedRecipe, epochs: 1, batchSize: 2, groupSize: 1, learningRate: 1e-3 };

test('a training that leads to numbers that are not finite keeps no checkpoint of them', async () => {
  const folder = mkdtempSync(join(root, 'wild-'));
  const wild = { ...recipe, learningRate: 1e37, warmupRatio: 0.9 };
  const training = train(
    { workspace: folder, pairs, base, out: join(folder, 'model'), recipe: wild },
    unwatched,
    { device: 'webgpu', checkpointSeconds: 0 },
  );
  await expect(training).rejects.toMatchObject({
    name: 'LratError',
    message: expect.stringMatching(/step \d+ leads to numbers that are not finite/),
  });
  const runs = join(folder, '.lrat', 'runs');
  for (const checkpoint of new RunFolder(join(runs, readdirSync(runs)[0]!)).listCheckpoints()) {
    const kept = openSafetensors(checkpoint);
    for (const [name, { shape }] of parameters)
      expect(kept.floats(name, shape).data.every(Number.isFinite)).toBe(true);
  }
});

test.skipIf(reason !== null)('a GPU without room for parameters and moments is told as that', async () => {
  const small = await openForTraining(base, recipe);
  const extra = { shape: [5000, 1000], data: new Float32Array(5_000_000), decay: false };
  const model = { ...small, parameters: new Map([...small.parameters, ['extra', extra]]) };
  const set = await readTrainingSet(pairs);
  const retries: string[] = [];
  const stepper = new Stepper(model, initialMoments(model), set, recipe, {
    ...{ device: 'webgpu', threads: 1, onRetry: message => retries.push(message) },
  });
  const [draws] = drawEpoch(set, recipe, Random.seeded(1));
  const empty = fillGpu();
  await expect(stepper.step(draws!, 1, 1e-3)).rejects.toMatchObject({
    name: 'LratError',
    message: 'the GPU has no room for parameters and moments, which take about 61 MB.',
    remedy: expect.stringContaining('--device cpu'),
  });
  expect(retries).toEqual([]);
  empty();
  await stepper.dispose();
});

test.skipIf(reason !== null)(
  'a training whose GPU is lost keeps its checkpoint, and goes on from there on the CPU',
  async () => {
    let told = 0;
    const training = train(
      { workspace: root, pairs, base, out: join(root, 'model'), recipe },
      {
        ...unwatched,
        report: ({ done, unit }) => {
          if (unit === 'steps' && done === 2 && told++ === 0) loseGpu();
        },
      },
      { device: 'webgpu', checkpointSeconds: 0 },
    );
    await expect(training).rejects.toMatchObject({
      name: 'LratError',
      message: expect.stringContaining('the GPU was lost in the middle of a computation'),
      remedy: expect.stringContaining('Start again from the last checkpoint'),
    });
    const runs = join(root, '.lrat', 'runs');
    const run = new RunFolder(join(runs, readdirSync(runs)[0]!));
    expect(run.readStatus()).toMatchObject({ state: 'failed' });
    const before = run.readMetrics();
    const resumed = await resume(run.path, unwatched, { device: 'cpu' });
    expect(resumed).toMatchObject({ state: 'finished', steps: 4 });
    expect(run.readMetrics().slice(0, before.length)).toEqual(before);
  },
);
