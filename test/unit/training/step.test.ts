import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { Random } from '../../../src/base/random.ts';
import { openEncoder, openForTraining } from '../../../src/encoder/open.ts';
import { openSafetensors } from '../../../src/encoder/safetensors.ts';
import type { TrainableEncoder } from '../../../src/encoder/trainable.ts';
import { dropoutTensors } from '../../../src/encoder/transformer/dropout.ts';
import { onnxRuntime } from '../../../src/engine/runtime.ts';
import type { Draw, StepDraws } from '../../../src/training/batches.ts';
import { initialMoments } from '../../../src/training/learner.ts';
import { publishedRecipe, type Recipe } from '../../../src/training/recipe.ts';
import type { TrainingSet } from '../../../src/training/rows.ts';
import { Stepper, tokensOnDevice } from '../../../src/training/step.ts';
import { saveRandomModel } from '../encoder/transformer-models.ts';

const root = mkdtempSync(join(tmpdir(), 'lrat-step-'));
afterAll(() => rmSync(root, { recursive: true }));

const recipe: Recipe = { ...publishedRecipe, temperature: 0.2, weightDecay: 0.1, maxTokens: 16 };
const words = 'the red fox jumps over lazy dogs and sees who did it where when why how many'.split(' ');
const random = Random.seeded(11);
const text = (length: number) => Array.from({ length }, () => random.pick(words)).join(' ');

/** Texts of all lengths, some of them under two ids. */
const documents = Array.from({ length: 14 }, (_, i) => ({ id: `d${i}`, text: text(1 + ((i * 5) % 13)) }));
documents.push({ id: 'copy', text: documents[3]!.text });
const draw = (i: number, query: string): Draw => {
  const others = [...documents.keys()].filter(d => d !== i);
  const negatives = random.shuffle(others).slice(0, 4);
  return {
    row: {
      query,
      positives: [i],
      negatives,
      weight: 0.3 + random.uniform(),
      trajectory: 't',
      known: new Set([i, ...(i === 3 ? [14] : [])]),
    },
    positive: i,
    negatives: negatives.filter(d => i !== 3 || d !== 14),
  };
};
const set: TrainingSet = {
  documents,
  rows: [],
  dropped: {},
  hash: '',
  provenance: { logs: 1, modes: [], questions: 1 },
};
const queries = ['who did it', 'red fox', 'red fox', 'where', 'how many lazy dogs', 'the fox'];
const batch = (from: number) => queries.map((query, i) => draw((from + 2 * i) % 14, query));
const steps: StepDraws[] = [[batch(0)], [batch(1)], [batch(2)]];

async function open(family: 'bert' | 'qwen3', options: Partial<Recipe> = {}): Promise<TrainableEncoder> {
  const folder = join(root, `${family}`);
  saveRandomModel(folder, family);
  return openForTraining(folder, { ...recipe, ...options });
}

const ofAllLengths = (i: number) => 1 + ((i * 5) % 13);

/** Losses and norms of some steps, and the parameters and first moments after them. */
async function trained(
  model: TrainableEncoder,
  how: { tokensPerPass?: number; recipe?: Partial<Recipe>; steps?: StepDraws[]; set?: TrainingSet } = {},
) {
  const { tokensPerPass = 100_000 } = how;
  const moments = initialMoments(model);
  const stepper = new Stepper(
    model,
    moments,
    how.set ?? set,
    { ...recipe, ...how.recipe },
    {
      ...{ device: 'cpu', threads: 1, tokensPerPass },
    },
  );
  const results = [];
  for (const [i, draws] of (how.steps ?? steps).entries())
    results.push(await stepper.step(draws, i + 1, 1e-3));
  await stepper.dispose();
  // What is added to all keys of a text alike changes no attention: the gradient is nothing but rounding.
  const compared = [...model.parameters].filter(([name]) => !name.endsWith('key.bias'));
  return {
    results,
    parameters: compared.flatMap(([, { data }]) => [...data]),
    moments: compared.flatMap(([name]) => [...moments.get(`${name}.moment1`)!]),
  };
}

function expectClose(a: readonly number[], b: readonly number[], tolerance: number): void {
  expect(a.length).toBe(b.length);
  const worst = Math.max(...a.map((x, i) => Math.abs(x - b[i]!) / Math.max(1, Math.abs(b[i]!))));
  expect(worst).toBeLessThan(tolerance);
}

describe.each(['bert', 'qwen3'] as const)('a step on %s', { timeout: 180_000 }, family => {
  it.each([true, false])(
    'is the same in one piece and in passes of any size (weighted: %s)',
    async weighted => {
      const whole = await trained(await open(family), { recipe: { weighted } });
      expect(whole.results.every(({ finite }) => finite)).toBe(true);
      for (const tokensPerPass of [1, 40]) {
        const model = await open(family);
        const texts = documents.map(({ text }) => ({ kind: 'document' as const, text }));
        expect(
          model.plan(texts, tokensPerPass, 0, { buckets: 16, blocks: true }).passes.length,
        ).toBeGreaterThan(1);
        const cached = await trained(model, { tokensPerPass, recipe: { weighted } });
        for (const what of ['loss', 'gradientNorm'] as const) {
          expectClose(
            cached.results.map(result => result[what]),
            whole.results.map(result => result[what]),
            2e-5,
          );
        }
        // AdamW moves by the signs of gradients that are almost nothing, and so by their rounding.
        expectClose(cached.parameters, whole.parameters, 1e-4);
      }
    },
  );

  it.each([
    ['eight buckets', { asking: queries, group: 6, lengthOf: ofAllLengths, key: '8 blocks filled' }],
    ['several blocks', { asking: queries, group: 40, lengthOf: ofAllLengths, key: '8 blocks filled' }],
    // Of 521 texts, which is a prime, in one bucket.
    ['no whole blocks', { asking: [text(11)], group: 520, lengthOf: () => 11, key: '1 blocks filled' }],
  ])('is the same for texts of %s and in small passes', async (_, { asking, group, lengthOf, key }) => {
    const many = Array.from({ length: group * asking.length }, (_, i) => ({
      id: `m${i}`,
      text: text(lengthOf(i)),
    }));
    const draws = asking.map((query, i): Draw => {
      const own = Array.from({ length: group }, (_, k) => group * i + k);
      const [positive, ...negatives] = own as [number, ...number[]];
      const row = { query, positives: [positive], negatives, weight: 1, trajectory: '' };
      return { row: { ...row, known: new Set([positive]) }, positive, negatives };
    });
    const how = { set: { ...set, documents: many }, steps: [[draws]] };
    const model = await open(family);
    const texts = [...new Set([...asking, ...many.map(({ text }) => text)])];
    const keys = (tokensPerPass: number) => {
      const asked = texts.map(text => ({ kind: 'document' as const, text }));
      return model.plan(asked, tokensPerPass, 0, { buckets: 16, blocks: true }).passes.map(({ key }) => key);
    };
    expect(keys(100_000)).toEqual([key]);
    const tokensPerPass = group < 100 ? 150 : 1500;
    expect(keys(tokensPerPass).length).toBeGreaterThan(1);
    const whole = await trained(await open(family), how);
    const parts = await trained(model, { ...how, tokensPerPass });
    expectClose([parts.results[0]!.loss], [whole.results[0]!.loss], 1e-5);
    expectClose(parts.moments, whole.moments, 1e-5);
  });

  it('encodes each text once, and is the same as with a text of each row', async () => {
    const once = await trained(await open(family));
    // Spaces make other texts of the same tokens.
    let apart = 0;
    const separate = steps.map(batches =>
      batches.map(draws =>
        draws.map(
          (given): Draw => ({
            ...given,
            row: { ...given.row, query: `${given.row.query}${' '.repeat(++apart)}` },
          }),
        ),
      ),
    );
    const each = await trained(await open(family), { steps: separate });
    expect(once.results[0]!.tokens).toBeLessThan(each.results[0]!.tokens);
    expectClose(
      each.results.map(({ loss }) => loss),
      once.results.map(({ loss }) => loss),
      1e-5,
    );
    expectClose(each.parameters, once.parameters, 1e-4);
  });

  it('drops out the same numbers in one piece, in passes, and again, and others in the next step', async () => {
    const dropped = { recipe: { dropout: 0.25 } };
    const ran = async (tokensPerPass: number, options: Partial<Recipe> = { dropout: 0.25 }) =>
      trained(await open(family, options), { tokensPerPass, ...dropped });
    const [whole, cached, again] = [await ran(100_000), await ran(24), await ran(100_000)];
    expect(again).toEqual(whole);
    expectClose(
      cached.results.map(({ loss }) => loss),
      whole.results.map(({ loss }) => loss),
      2e-5,
    );
    expectClose(cached.parameters, whole.parameters, 1e-4);
    const [without, other] = [await ran(100_000, {}), await ran(100_000, { dropout: 0.25, seed: 9 })];
    for (const different of [without, other])
      expect(Math.abs(different.results[0]!.loss - whole.results[0]!.loss)).toBeGreaterThan(1e-4);
    const same = await trained(await open(family, { dropout: 0.25 }), { steps: [steps[0]!, steps[0]!] });
    expect(Math.abs(same.results[0]!.loss - same.results[1]!.loss)).toBeGreaterThan(1e-4);
  });

  it('averages the gradients of batches that it accumulates', async () => {
    const [first, second] = [batch(0), batch(3)];
    const taken = async (draws: StepDraws, tokensPerPass = 100_000) =>
      trained(await open(family), { steps: [draws], recipe: { maxGradientNorm: null }, tokensPerPass });
    const [one, other, both, inPasses] = [
      await taken([first]),
      await taken([second]),
      await taken([first, second]),
      await taken([first, second], 24),
    ];
    const loss = ({ results }: typeof one) => results[0]!.loss;
    expect(loss(both)).toBeCloseTo((loss(one) + loss(other)) / 2, 5);
    expect(loss(inPasses)).toBeCloseTo(loss(both), 5);
    // Of the first step the first moments are a tenth of the gradients.
    const largest = Math.max(...both.moments.map(Math.abs));
    expect(largest).toBeGreaterThan(0);
    const scaled = (moments: readonly number[]) => moments.map(moment => moment / largest);
    const mean = one.moments.map((moment, i) => (moment + other.moments[i]!) / 2);
    expectClose(scaled(both.moments), scaled(mean), 1e-3);
    expectClose(scaled(inPasses.moments), scaled(both.moments), 1e-3);
  });

  it('doubles its loss and gradients with all weights, in one piece and in passes', async () => {
    const doubled = steps
      .slice(0, 1)
      .map(batches =>
        batches.map(draws =>
          draws.map(given => ({ ...given, row: { ...given.row, weight: 2 * given.row.weight } })),
        ),
      );
    for (const tokensPerPass of [100_000, 24]) {
      const [once, twice] = [
        await trained(await open(family), { tokensPerPass, steps: steps.slice(0, 1) }),
        await trained(await open(family), { tokensPerPass, steps: doubled }),
      ].map(({ results }) => results[0]!);
      expect(twice!.loss / once!.loss).toBeCloseTo(2, 5);
      expect(twice!.gradientNorm / once!.gradientNorm).toBeCloseTo(2, 4);
    }
  });

  it('has passes on a device whose largest tensors it computes with', async () => {
    const model = await open(family);
    const texts = documents.map(({ text }) => ({ kind: 'document' as const, text }));
    const tensorBytes = 64 * model.tensorBytesPerToken;
    const { passes } = model.plan(texts, tokensOnDevice(model, tensorBytes), 0, {
      buckets: 8,
      blocks: false,
    });
    expect(passes.length).toBeGreaterThan(1);
    for (const { inputs, key } of passes) {
      const shapes = Array.from({ length: Number(key) }, (_, i) => inputs[`ids${i}`]!.shape);
      const tokens = shapes.reduce((sum, [count, length]) => sum + count! * length!, 0);
      // Hidden states of all buckets, and attention of each.
      expect(4 * tokens * 12).toBeLessThanOrEqual(tensorBytes);
      const heads = family === 'bert' ? 2 : 4;
      for (const [count, length] of shapes)
        expect(4 * heads * count! * length! ** 2).toBeLessThanOrEqual(tensorBytes);
    }
    expect(tokensOnDevice(model, Number.MAX_SAFE_INTEGER)).toBe(model.tokensPerPass);
  });

  it('leaves frozen layers as they are', async () => {
    const model = await open(family, { frozenLayers: 1 });
    const names = [...model.parameters.keys()];
    expect(names.some(name => name.includes('.1.'))).toBe(true);
    expect(names.some(name => /embed|\.0\./.test(name))).toBe(false);
    const frozen = new Map([...model.frozen].map(([name, { data }]) => [name, [...data]]));
    const before = [...model.parameters.values()].map(({ data }) => [...data]);
    await trained(model);
    expect([...model.parameters.values()].map(({ data }) => [...data])).not.toEqual(before);
    for (const [name, { data }] of model.frozen) expect([...data]).toEqual(frozen.get(name));
  });

  it('adds nothing of low rank to layers that are frozen', async () => {
    const model = await open(family, { frozenLayers: 1, lora: { rank: 2, alpha: 4 } });
    const names = [...model.parameters.keys()];
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter(name => !/\.1\..*lora_[AB]$/.test(name))).toEqual([]);
    await trained(model);
    const out = join(root, `${family}-upper`);
    model.save(out, { lineage: {} });
    const saved = openSafetensors(join(out, 'model.safetensors'));
    const changed = [...model.frozen]
      .filter(([name, { shape, data }]) => saved.floats(name, shape).data.some((x, i) => x !== data[i]))
      .map(([name]) => name);
    expect(changed.length).toBeGreaterThan(0);
    expect(changed.filter(name => !name.includes('.1.'))).toEqual([]);
  });

  it('trains additions of low rank that the saved model has added', async () => {
    const model = await open(family, { lora: { rank: 2, alpha: 4 } });
    const base = await openEncoder(join(root, family));
    const asked = documents.map(({ text }) => text);
    const before = await base.encode(asked, 'document');
    // They begin as nothing.
    expectClose([...(await model.encoder('start').encode(asked, 'document'))], [...before], 1e-6);
    expect([...model.parameters.keys()].every(name => /lora_[AB]$/.test(name))).toBe(true);
    await trained(model);
    const live = await model.encoder('live').encode(asked, 'document');
    const out = join(root, `${family}-lora`);
    model.save(out, { lineage: {} });
    const saved = await openEncoder(out);
    expectClose([...(await saved.encode(asked, 'document'))], [...live], 1e-6);
    expect(Math.max(...live.map((x, i) => Math.abs(x - before[i]!)))).toBeGreaterThan(2e-4);
    await Promise.all([base.dispose(), saved.dispose()]);
  });
});

describe('dropout', () => {
  it('drops the nearest multiple of 1/256 out, and something at every rate above 0', () => {
    const dropped = (rate: number) => {
      const places = { hidden: ['x'], attention: [], heads: 1 };
      const bucket = { members: [0], texts: 1, length: 256 };
      const masks = dropoutTensors({ dropout: places, hidden: 256 }, rate, 5, [bucket], [256]);
      const kept = Object.values(masks)[0]!.data as Uint8Array;
      return kept.reduce((sum, x) => sum + 1 - x, 0) / 256 ** 2;
    };
    expect(dropped(0)).toBe(0);
    for (const [rate, actual] of [
      [0.0001, 1 / 256],
      [0.1, 26 / 256],
      [0.9, 230 / 256],
    ] as const) {
      expect(Math.abs(dropped(rate) - actual)).toBeLessThan(0.2 * Math.min(actual, 1 - actual));
    }
  });
});

it('makes its programs anew when memory has doubled, with the same losses', async () => {
  const { InferenceSession } = await onnxRuntime();
  const create = vi.spyOn(InferenceSession, 'create');
  try {
    const quiet = await trained(await open('bert'), { steps: [...steps, steps[0]!] });
    const model = await open('bert');
    const options = { device: 'cpu', threads: 1, tokensPerPass: 100_000 } as const;
    const stepper = new Stepper(model, initialMoments(model), set, recipe, options);
    const losses: number[] = [];
    const made: number[] = [];
    for (const [i, draws] of [...steps, steps[0]!].entries()) {
      create.mockClear();
      const held = i === 2 ? Buffer.alloc(2 * process.memoryUsage.rss(), 1) : null;
      losses.push((await stepper.step(draws, i + 1, 1e-3)).loss);
      expect(held?.[0] ?? 1).toBe(1);
      made.push(create.mock.calls.length);
    }
    await stepper.dispose();
    expect(made).toEqual([1, 0, 0, 1]);
    expect(losses).toEqual(quiet.results.map(({ loss }) => loss));
  } finally {
    create.mockRestore();
  }
});
