import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Job, unwatched } from '../../src/base/progress.ts';
import { Random } from '../../src/base/random.ts';
import { openForTraining } from '../../src/encoder/open.ts';
import type { Products } from '../../src/engine/graph.ts';
import type { Device } from '../../src/engine/runtime.ts';
import { drawEpoch, type StepDraws } from '../../src/training/batches.ts';
import { initialMoments } from '../../src/training/learner.ts';
import { publishedRecipe, type Recipe } from '../../src/training/recipe.ts';
import { readTrainingSet } from '../../src/training/rows.ts';
import { RunFolder } from '../../src/training/run-folder.ts';
import { Stepper } from '../../src/training/step.ts';
import { resume, train } from '../../src/training/trainer.ts';
import { saveRandomModel } from '../unit/encoder/transformer-models.ts';

const root = mkdtempSync(join(tmpdir(), 'lrat-webgpu-'));
afterAll(() => rmSync(root, { recursive: true }));
const words = 'the red fox jumps over lazy dogs and sees who did it where when why how many'.split(' ');
const random = Random.seeded(2);
const text = () => Array.from({ length: 1 + random.below(11) }, () => random.pick(words)).join(' ');
const texts = Array.from({ length: 12 }, text);
const pairs = join(root, 'pairs.jsonl');
const rows = texts.map((pos, i) => ({
  ...{ query: text(), pos: [pos], pos_id: [`d${i}`], reweight_rate: 0.5 + random.uniform() },
  ...{ neg: [texts[(i + 1) % 12], texts[(i + 5) % 12]], neg_id: [`d${(i + 1) % 12}`, `d${(i + 5) % 12}`] },
}));
writeFileSync(pairs, rows.map(row => JSON.stringify(row)).join('\n'));
const recipe: Recipe = { ...publishedRecipe, batchSize: 4, groupSize: 3, learningRate: 1e-3, maxTokens: 16 };

async function steps(
  family: 'bert' | 'qwen3',
  device: Device,
  tokensPerPass: number,
  more: Partial<Recipe> = {},
  products: Products = 'float32',
) {
  const folder = join(root, family);
  saveRandomModel(folder, family);
  const settings = { ...recipe, temperature: 0.2, weightDecay: 0.1, ...more };
  const set = await readTrainingSet(pairs);
  const model = await openForTraining(folder, settings);
  const stepper = new Stepper(model, initialMoments(model), set, settings, {
    device,
    threads: 1,
    tokensPerPass,
    products,
  });
  const losses: number[] = [];
  for (const [i, draws] of drawEpoch(set, settings, Random.seeded(4)).entries())
    losses.push((await stepper.step(draws, i + 1, 1e-3)).loss);
  await stepper.read();
  await stepper.dispose();
  // The gradient by biases of keys is nothing but rounding.
  const learned = [...model.parameters].filter(([name]) => !name.endsWith('key.bias'));
  return { losses, parameters: learned.flatMap(([, { data }]) => [...data]) };
}

describe.each(['bert', 'qwen3'] as const)('steps on %s', family => {
  it.each([
    ['in one piece', 10_000, {}],
    ['in passes', 60, {}],
    ['of additions of low rank', 10_000, { lora: { rank: 2, alpha: 4 } }],
    ['of the upper layer', 10_000, { frozenLayers: 1 }],
  ] as const)('%s are the same as on the CPU', async (_, tokensPerPass, more) => {
    const [cpu, gpu] = [
      await steps(family, 'cpu', 10_000, more),
      await steps(family, 'webgpu', tokensPerPass, more),
    ];
    expect(gpu.losses).toHaveLength(3);
    for (const [i, loss] of gpu.losses.entries())
      expect(Math.abs(loss / cpu.losses[i]! - 1)).toBeLessThan(1e-4);
    const worst = Math.max(...gpu.parameters.map((x, i) => Math.abs(x - cpu.parameters[i]!)));
    // Of a way of 3e-3: where gradients are almost nothing, AdamW moves by the signs of their rounding.
    expect(worst).toBeLessThan(5e-4);
  });
});

it.each(['bert', 'qwen3'] as const)('in half precision the losses of %s stay near', async family => {
  const [whole, half] = [
    await steps(family, 'webgpu', 10_000),
    await steps(family, 'webgpu', 10_000, {}, 'float16'),
  ];
  const differences = half.losses.map((loss, i) => Math.abs(loss / whole.losses[i]! - 1));
  expect(Math.max(...differences)).toBeGreaterThan(0);
  expect(Math.max(...differences)).toBeLessThan(2e-2);
});

it.each([
  ['webgpu', 'products in float16: Half precision was asked for, and the GPU has it.'],
  ['cpu', 'products in float32: A CPU does not multiply faster in half precision.'],
] as const)('a training in half precision says what came of it on %s', async (device, said) => {
  const base = join(root, 'bert');
  saveRandomModel(base, 'bert');
  const workspace = join(root, `half-${device}`);
  const { run, loss } = await train(
    { workspace, pairs, base, out: join(workspace, 'model'), recipe: { ...recipe, fp16: true } },
    unwatched,
    { device },
  );
  expect(loss).toBeGreaterThan(0);
  expect(readFileSync(new RunFolder(run).logFile, 'utf8')).toContain(said);
});

it('a training on the GPU is stopped and resumed with the same losses', async () => {
  const base = join(root, 'bert');
  saveRandomModel(base, 'bert');
  const run = (name: string, job: Job) =>
    train({ workspace: join(root, name), pairs, base, out: join(root, name, 'model'), recipe }, job, {
      device: 'webgpu',
    });
  const lossesOf = (folder: string) =>
    new RunFolder(folder).readMetrics().map(metric => ('loss' in metric ? metric.loss : null));
  const whole = await run('whole', unwatched);
  const controller = new AbortController();
  const stopped = await run('stopped', {
    signal: controller.signal,
    report: ({ done }) => done === 2 && controller.abort(),
  });
  expect(stopped).toMatchObject({ state: 'stopped', steps: 2 });
  const resumed = await resume(stopped.run, unwatched, { device: 'webgpu' });
  expect(resumed.state).toBe('finished');
  // To rounding: a GPU adds the gradients of a word's places in the order in which they come.
  const expected = lossesOf(whole.run);
  for (const [i, loss] of lossesOf(resumed.run).entries()) {
    if (loss === null) expect(expected[i]).toBeNull();
    else expect(loss / expected[i]!).toBeCloseTo(1, 5);
  }
  expect(readFileSync(new RunFolder(whole.run).logFile, 'utf8')).toContain(
    'computing on webgpu: WebGPU was asked for',
  );
});

it('steps hold less at a time from the first one of many tokens on, also in a stepper that goes on', async () => {
  const folder = join(root, 'bert');
  saveRandomModel(folder, 'bert');
  const set = await readTrainingSet(pairs);
  const [large] = drawEpoch(set, { ...recipe, batchSize: 12 }, Random.seeded(4)) as [StepDraws];
  const [small] = drawEpoch(set, { ...recipe, batchSize: 2 }, Random.seeded(4)) as [StepDraws];
  const steppers: Stepper[] = [];
  const start = async (tokensPerPass: number) => {
    const model = await openForTraining(folder, recipe);
    const moments = initialMoments(model);
    const stepper = new Stepper(model, moments, set, recipe, { device: 'webgpu', threads: 1, tokensPerPass });
    steppers.push(stepper);
    return { model, moments, stepper };
  };
  try {
    const first = await start(200);
    await first.stepper.step(small, 1, 1e-3);
    expect(first.stepper.thrift).toEqual({});
    await first.stepper.step(large, 2, 1e-3);
    expect(first.stepper.thrift).toEqual({ sparing: true });
    await first.stepper.read();
    const other = await start(200);
    for (const [name, { data }] of other.model.parameters) data.set(first.model.parameters.get(name)!.data);
    for (const [name, moment] of other.moments) moment.set(first.moments.get(name)!);
    other.stepper.adopt(first.stepper.thrift);
    expect(other.stepper.thrift).toEqual({ sparing: true });
    const [going, resumed] = [
      await first.stepper.step(small, 3, 1e-3),
      await other.stepper.step(small, 3, 1e-3),
    ];
    expect(resumed).toEqual(going);
  } finally {
    for (const stepper of steppers) await stepper.dispose();
  }
});
