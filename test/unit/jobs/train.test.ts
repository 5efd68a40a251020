import { cpSync, existsSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Job, unwatched } from '../../../src/base/progress.ts';
import { buildStatic, saveStatic } from '../../../src/encoder/static.ts';
import { resumeTraining, type TrainRequest, trainModel } from '../../../src/jobs/train.ts';
import { RunFolder } from '../../../src/training/run-folder.ts';
import { saveRandomModel } from '../encoder/transformer-models.ts';
import { temporaryFolder, write } from '../workspace/support.ts';

const models = temporaryFolder(afterAll);
const small = join(models, 'small');
const bert = join(models, 'bert');
beforeAll(() => {
  saveStatic(small, buildStatic(['the red fox', 'lazy dogs'], [], { dimension: 8 }), { lineage: {} });
  saveRandomModel(bert, 'bert');
});

/** A workspace with pairs of ten questions, and how to train there. */
function setUp() {
  const workspace = temporaryFolder();
  const rows = Array.from({ length: 40 }, (_, i) => ({
    query: `who ${i % 10}`,
    pos: [`page ${i % 10} of all`],
    pos_id: [`d${i % 10}`],
    neg: [`page ${(i + 3) % 10} of all`],
    neg_id: [`d${(i + 3) % 10}`],
    reweight_rate: 1,
    mode: 'attributed',
    log: 'log.json',
    question: `question ${i % 10}`,
  }));
  const pairs = join(workspace, 'pairs.jsonl');
  write(pairs, rows.map(row => `${JSON.stringify(row)}\n`).join(''));
  const ask = (more: Partial<TrainRequest>): TrainRequest => ({
    ...{ workspace, pairs, out: join(workspace, 'model'), weights: true, batch: 8, group: 2, device: 'cpu' },
    ...more,
  });
  return { workspace, ask };
}
/** Stopped before its first step, so that only its record is made. */
const stopped: Job = { ...unwatched, signal: AbortSignal.abort() };

describe('what a training is asked for', () => {
  it.each<[string, Partial<TrainRequest>, RegExp]>([
    ['--freeze', { base: small, freeze: 1 }, /a static encoder has no layers/],
    ['--device', { device: 'webgpu' }, /static encoders are trained on the CPU/],
    ['--device', { base: small, device: 'webgpu' }, /static encoders are trained on the CPU/],
    ['--dimension', { base: small, dimension: 16 }, /is for a new static encoder/],
    ['--dimension', { base: bert, dimension: 16 }, /is for a new static encoder/],
    ['--corpus', { base: bert, corpus: 'corpus.jsonl' }, /is for a new static encoder/],
    ['--patience', { patience: 2 }, /no held-out questions/],
  ])('is refused where %s would do nothing: %j', async (place, more, message) => {
    const { workspace, ask } = setUp();
    await expect(trainModel(ask(more), unwatched)).rejects.toMatchObject({
      ...{ name: 'LratError', place, message: expect.stringMatching(message), remedy: expect.any(String) },
    });
    expect(existsSync(join(workspace, '.lrat/runs'))).toBe(false);
  });

  it('is refused where the model would take the place of its base, lie in it or hold it', async () => {
    const { workspace, ask } = setUp();
    const home = join(workspace, 'home');
    const base = join(home, 'base');
    cpSync(small, base, { recursive: true });
    const link = join(workspace, 'link');
    symlinkSync(home, link, 'junction');
    const before = readdirSync(home, { recursive: true });
    for (const out of [base, join(base, 'new', 'model'), join(link, 'base', 'model'), home]) {
      await expect(trainModel(ask({ base, out, heldOut: 0.2 }), unwatched)).rejects.toMatchObject({
        ...{ name: 'LratError', place: out, message: expect.stringContaining(`overlaps ${base}`) },
        remedy: expect.stringContaining('--out'),
      });
    }
    expect(readdirSync(home, { recursive: true })).toEqual(before);
    expect(existsSync(join(workspace, '.lrat/pairs'))).toBe(false);
    const beside = await trainModel(ask({ base, out: join(home, 'base-2'), epochs: 1 }), unwatched);
    expect(beside.state).toBe('finished');
  });

  it('becomes the recipe of the run', async () => {
    const { ask } = setUp();
    const recipeOf = async (more: Partial<TrainRequest>) =>
      new RunFolder((await trainModel(ask(more), stopped)).run).readRecord().recipe;
    const options = { schedule: 'cosine', weightDecay: 0.02, normalise: 'weights' } as const;
    expect(await recipeOf({ ...options, clip: 3 })).toMatchObject({
      ...{ decay: 'cosine', weightDecay: 0.02, normalisation: 'weights', maxGradientNorm: 3 },
    });
    expect(await recipeOf({ clip: 0 })).toMatchObject({
      ...{ decay: 'linear', weightDecay: 0, normalisation: 'rows', maxGradientNorm: null },
    });
    // Additions that begin at zero learn nothing with the steps of a model that is trained already.
    expect(await recipeOf({ base: bert })).toMatchObject({ lora: null, learningRate: 1e-6 });
    const lora = { rank: 2, alpha: 4 };
    expect(await recipeOf({ base: bert, lora: 2 })).toMatchObject({ lora, learningRate: 1e-4 });
    expect(await recipeOf({ base: bert, lora: 2, lr: 3e-5 })).toMatchObject({ lora, learningRate: 3e-5 });
  });
});

describe('a training that is resumed', () => {
  it('is refused when it measures while it trains and the questions for that are gone', async () => {
    const { workspace, ask } = setUp();
    const settings = { heldOut: 0.3, patience: 2, epochs: 3, weights: false };
    const { run, heldOut } = await trainModel(ask(settings), stopped);
    const kept = readFileSync(heldOut!);
    rmSync(heldOut!);
    await expect(resumeTraining({ workspace, run }, unwatched)).rejects.toMatchObject({
      ...{ name: 'LratError', place: run, message: expect.stringContaining(heldOut!) },
      remedy: expect.stringContaining('Put the file back'),
    });
    write(heldOut!, kept.toString());
    const finished = await resumeTraining({ workspace, run }, unwatched);
    expect(finished).toMatchObject({ state: 'finished', heldOut });
    const card = readFileSync(join(finished.model!, 'README.md'), 'utf8');
    expect(card).toContain('| Judge | not recorded |');
    expect(card).toContain('in which all pairs count alike');
    const [, held] = card.split('## On held-out questions');
    expect(held).toMatch(/^\n\n\d+ queries of \d+ questions, among the documents of their pairs\./);
    for (const retriever of ['BM25', 'base', 'trained', 'BM25 − base', 'trained − base']) {
      expect(held).toMatch(new RegExp(`^\\| ${retriever} \\| [+−]?\\d+\\.\\d \\[[^\\]]+\\]`, 'm'));
    }
  });
});
