import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Job, unwatched } from '../../../src/base/progress.ts';
import { Random } from '../../../src/base/random.ts';
import type { Encoder } from '../../../src/encoder/encoder.ts';
import { openEncoder } from '../../../src/encoder/open.ts';
import { openSafetensors, writeSafetensors } from '../../../src/encoder/safetensors.ts';
import { readStatic } from '../../../src/encoder/static.ts';
import { publishedRecipe, type Recipe, staticRecipe } from '../../../src/training/recipe.ts';
import { RunFolder } from '../../../src/training/run-folder.ts';
import { resume, type TrainOptions, train } from '../../../src/training/trainer.ts';
import { saveRandomModel } from '../encoder/transformer-models.ts';

const root = mkdtempSync(join(tmpdir(), 'lrat-train-'));
afterAll(() => rmSync(root, { recursive: true }));

/** Sixty pages, each found by words that only queries have: what there is to learn. */
const topics = Array.from(
  { length: 60 },
  (_, i) => `page${i} subject${i % 12} place${i % 7} common words of every page`,
);
function writePairs(workspace: string): void {
  const random = Random.seeded(4);
  const rows = topics.flatMap((text, i) =>
    [0, 1].map(() => {
      const others = [...topics.keys()].filter(k => k !== i);
      const neg = random.shuffle(others).slice(0, 5);
      return {
        query: `asked${i} wanted${i % 12}`,
        pos: [text],
        pos_id: [`d${i}`],
        neg: neg.map(k => topics[k]),
        neg_id: neg.map(k => `d${k}`),
        reweight_rate: 0.5 + random.uniform(),
        mode: 'attributed',
        log: `logs/${i % 9}.json`,
        question: `question ${i}`,
      };
    }),
  );
  writeFileSync(join(workspace, 'pairs.jsonl'), rows.map(row => JSON.stringify(row)).join('\n'));
}

const recipe: Recipe = {
  ...staticRecipe,
  epochs: 4,
  batchSize: 8,
  groupSize: 3,
  weightDecay: 0.01,
  seed: 11,
};
const steps = 4 * (120 / 8);
function workspace(): string {
  const path = mkdtempSync(join(root, 'w-'));
  writePairs(path);
  return path;
}
const optionsIn = (path: string, more: Partial<TrainOptions> = {}): TrainOptions => ({
  workspace: path,
  pairs: join(path, 'pairs.jsonl'),
  base: { documents: null, dimension: 32 },
  out: join(path, 'model'),
  recipe,
  ...more,
});
/** A job that is stopped after a step. */
function stoppedAfter(step: number): Job {
  const controller = new AbortController();
  return { signal: controller.signal, report: ({ done }) => done === step && controller.abort() };
}
/** A job that fails after a step, as if its process were gone. */
const crashedAfter = (step: number): Job => ({
  ...unwatched,
  report({ done }) {
    if (done === step) throw new Error('crashed');
  },
});
const runIn = (path: string) => {
  const [id] = readdirSync(join(path, '.lrat', 'runs'));
  return new RunFolder(join(path, '.lrat', 'runs', id!));
};
const figuresOf = (run: string) =>
  new RunFolder(run)
    .readMetrics()
    .flatMap(metric => ('figures' in metric ? [[metric.step, metric.figures]] : []));
const tableOf = (dir: string) => readStatic(dir).table.data;
const lossesOf = (run: string) =>
  new RunFolder(run).readMetrics().flatMap(metric => ('loss' in metric ? [[metric.step, metric.loss]] : []));
const one = { threads: 1 };

let whole: { run: string; model: string; workspace: string };
beforeAll(async () => {
  const path = workspace();
  const result = await train(optionsIn(path, { lineage: { Judge: 'rules' } }), unwatched, one);
  whole = { run: result.run, model: result.model!, workspace: path };
});

describe('a training', () => {
  it('teaches queries the pages they want', async () => {
    const rank = async (dir: string) => {
      const encoder = await openEncoder(dir);
      const [queries, documents] = [
        await encoder.encode(
          topics.map((_, i) => `asked${i} wanted${i % 12}`),
          'query',
        ),
        await encoder.encode(topics, 'document'),
      ];
      const score = (i: number, k: number) =>
        Array.from({ length: 32 }, (_, j) => queries[i * 32 + j]! * documents[k * 32 + j]!).reduce(
          (a, b) => a + b,
        );
      return topics.filter((_, i) => topics.every((_, k) => k === i || score(i, k) < score(i, i))).length;
    };
    expect(await rank(new RunFolder(whole.run).base)).toBe(0);
    expect(await rank(whole.model)).toBeGreaterThan(50);
    const losses = lossesOf(whole.run).map(([, loss]) => loss!);
    expect(losses).toHaveLength(steps);
    expect(losses.at(-1)).toBeLessThan(losses[0]! / 2);
  });

  it('leaves a record that can be understood without it', () => {
    const folder = new RunFolder(whole.run);
    expect(folder.readStatus()).toMatchObject({ state: 'finished', step: steps, steps, pid: process.pid });
    expect(folder.readRecord()).toMatchObject({ pairs: 'pairs.jsonl', out: 'model', recipe });
    expect(existsSync(folder.checkpoints)).toBe(false);
    const card = readFileSync(join(whole.model, 'README.md'), 'utf8');
    for (const text of [
      '| Logs | 9 |',
      '| Mining mode | attributed |',
      '| Judge | rules |',
      '120 rows of 60 questions',
    ]) {
      expect(card).toContain(text);
    }
    expect(card).not.toContain(root);
    expect(readdirSync(whole.workspace).sort()).toEqual(['.lrat', 'model', 'pairs.jsonl']);
  });

  it('gives the same for the same seed and another for another', async () => {
    const again = await train(optionsIn(workspace()), unwatched, one);
    expect(lossesOf(again.run)).toEqual(lossesOf(whole.run));
    expect(tableOf(again.model!)).toEqual(tableOf(whole.model));
    const other = await train(optionsIn(workspace(), { recipe: { ...recipe, seed: 12 } }), unwatched, one);
    expect(lossesOf(other.run)).not.toEqual(lossesOf(whole.run));
  });

  it.each([1, 15, 22])(
    'stopped after step %i and resumed is bit for bit the uninterrupted one',
    async step => {
      const path = workspace();
      const stopped = await train(optionsIn(path), stoppedAfter(step), one);
      expect(stopped).toMatchObject({ state: 'stopped', model: null, steps: step });
      expect(existsSync(join(path, 'model'))).toBe(false);
      expect(new RunFolder(stopped.run).readStatus()).toMatchObject({ state: 'stopped', step });
      const resumed = await resume(stopped.run, unwatched, one);
      expect(resumed).toMatchObject({ state: 'finished', steps });
      expect(lossesOf(stopped.run)).toEqual(lossesOf(whole.run));
      expect(tableOf(resumed.model!)).toEqual(tableOf(whole.model));
    },
  );

  it.each([0, 30, steps])(
    'stopped while it is measured after step %i keeps its steps, and resumed is the uninterrupted one',
    async step => {
      const path = workspace();
      const controller = new AbortController();
      const job: Job = { signal: controller.signal, report: () => {} };
      const stopped = await train(optionsIn(path), job, {
        ...one,
        async onEvaluate(_, at) {
          if (at === step) controller.abort();
          controller.signal.throwIfAborted();
          return { at };
        },
      });
      expect(stopped).toMatchObject({ state: 'stopped', model: null, steps: step });
      expect(new RunFolder(stopped.run).readStatus()).toMatchObject({ state: 'stopped', step, error: null });
      const resumed = await resume(stopped.run, unwatched, { ...one, onEvaluate: async (_, at) => ({ at }) });
      expect(resumed).toMatchObject({ state: 'finished', steps, figures: { at: steps } });
      const losses = lossesOf(whole.run).map(([, loss]) => loss!);
      expect(lossesOf(stopped.run).map(([, loss]) => loss)).toEqual(losses);
      const last = losses.slice(-steps / 4);
      expect(resumed.loss).toBeCloseTo(last.reduce((sum, loss) => sum + loss) / last.length, 12);
      expect(tableOf(resumed.model!)).toEqual(tableOf(whole.model));
      const measured = new RunFolder(stopped.run).readMetrics().filter(metric => 'figures' in metric);
      expect(measured.map(metric => metric.step)).toEqual([0, 15, 30, 45, 60]);
    },
  );

  it('killed in the middle is seen to have crashed, and resumes to the same result', async () => {
    const path = workspace();
    const script = fileURLToPath(new URL('run-process.ts', import.meta.url));
    const child = spawn('node', [script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const line of createInterface({ input: child.stdout })) {
      if (Number(line) >= 25) break;
    }
    const run = runIn(path);
    expect(run.readStatus()).toMatchObject({ state: 'running', pid: child.pid });
    await expect(resume(run.path, unwatched, one)).rejects.toThrow(/is running in process/);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(run.readStatus()).toMatchObject({ state: 'crashed' });
    const result = await resume(run.path, unwatched, one);
    expect(result.state).toBe('finished');
    expect(lossesOf(run.path)).toEqual(lossesOf(whole.run));
    expect(tableOf(result.model!)).toEqual(tableOf(whole.model));
  });

  it('goes on from the checkpoint before one that is damaged, and says so', async () => {
    const path = workspace();
    const { run } = await train(optionsIn(path), stoppedAfter(22), { ...one, checkpointSeconds: 0 });
    const folder = new RunFolder(run);
    expect(folder.listCheckpoints()).toEqual([folder.checkpoint(22), folder.checkpoint(21)]);
    truncateSync(folder.checkpoint(22), 5000);
    await resume(run, { ...unwatched, signal: AbortSignal.abort() }, one);
    expect(readFileSync(folder.logFile, 'utf8')).toContain('step-000000022.safetensors cannot be used');
    // What is damaged must not pass for newer than what comes now.
    expect(folder.listCheckpoints()).toEqual([folder.checkpoint(21)]);
    const resumed = await resume(run, unwatched, one);
    expect(lossesOf(run)).toEqual(lossesOf(whole.run));
    expect(tableOf(resumed.model!)).toEqual(tableOf(whole.model));
  });

  it('has passes as small as those for which memory sufficed before the stop', async () => {
    const path = workspace();
    const { run } = await train(optionsIn(path), stoppedAfter(22), one);
    const [checkpoint] = new RunFolder(run).listCheckpoints();
    const file = openSafetensors(checkpoint!);
    const tensors = new Map(file.names.map(name => [name, file.floats(name, [-1, -1])]));
    const position = { ...JSON.parse(file.metadata.position!), tokensPerPass: 64 };
    writeSafetensors(checkpoint!, tensors, { position: JSON.stringify(position) });
    await resume(run, stoppedAfter(24), one);
    const [next] = new RunFolder(run).listCheckpoints();
    expect(next).not.toBe(checkpoint);
    expect(JSON.parse(openSafetensors(next!).metadata.position!)).toMatchObject({
      step: 24,
      tokensPerPass: 64,
    });
    await resume(run, unwatched, one);
    expect(lossesOf(run)).toEqual(lossesOf(whole.run));
  });

  it('does not begin anew unasked where no checkpoint is whole', async () => {
    const { run } = await train(optionsIn(workspace()), stoppedAfter(3), one);
    const folder = new RunFolder(run);
    truncateSync(folder.checkpoint(3), 5000);
    await expect(resume(run, unwatched, one)).rejects.toMatchObject({
      name: 'LratError',
      place: folder.checkpoints,
      remedy: expect.stringContaining('begins anew'),
    });
    rmSync(folder.checkpoints, { recursive: true });
    const resumed = await resume(run, unwatched, one);
    expect(tableOf(resumed.model!)).toEqual(tableOf(whole.model));
  });

  it('measures the base and after each epoch, and keeps the figures', async () => {
    const path = workspace();
    const asked: number[] = [];
    const result = await train(optionsIn(path), unwatched, {
      ...one,
      async onEvaluate(encoder, step) {
        asked.push(step);
        return { 'Recall@10': (await encoder.encode(['page1'], 'query')).length / 100 };
      },
    });
    expect(asked).toEqual([0, 15, 30, 45, 60]);
    expect(result.figures).toEqual({ 'Recall@10': 0.32 });
    const measured = new RunFolder(result.run).readMetrics().filter(metric => 'figures' in metric);
    expect(measured.map(metric => metric.step)).toEqual([0, 15, 30, 45, 60]);
    expect(new RunFolder(result.run).readStatus()).toMatchObject({
      loss: result.loss,
      figures: { 'Recall@10': 0.32 },
    });
    expect(readFileSync(join(path, 'model', 'README.md'), 'utf8')).toContain('| Recall@10 | 0.32 |');
  });
});

describe('a training that ends early', () => {
  const patient: Recipe = { ...recipe, evaluateSteps: 5, patience: 2 };
  /** As if the model were best after step 20. */
  const best = 20;
  const figureAt = (step: number) => ({ 'Recall@10': 1 - Math.abs(step - best) / 100, other: step });

  async function run(job: Job, resumed?: string) {
    const seen = new Map<number, Float32Array>();
    const options = {
      ...one,
      async onEvaluate(encoder: Encoder, step: number) {
        seen.set(step, await encoder.encode(['asked3 wanted3', 'page7'], 'query'));
        return figureAt(step);
      },
    };
    const path = workspace();
    const result =
      resumed === undefined
        ? await train(optionsIn(path, { recipe: patient }), job, options)
        : await resume(resumed, job, options);
    return { result, seen };
  }

  it('stops after measurements without a better one, and keeps the best state', async () => {
    const { result, seen } = await run(unwatched);
    expect([...seen.keys()]).toEqual([0, 5, 10, 15, 20, 25, 30]);
    expect(result).toMatchObject({ state: 'finished', steps: 30, figures: figureAt(best) });
    const kept = await openEncoder(result.model!);
    expect(await kept.encode(['asked3 wanted3', 'page7'], 'query')).toEqual(seen.get(best));
    expect(new RunFolder(result.run).listBest()).toEqual([]);
    expect(new RunFolder(result.run).readStatus()).toMatchObject({ state: 'finished', step: 30 });
    expect(readFileSync(join(result.model!, 'README.md'), 'utf8')).toContain('| Recall@10 | 1 |');
  });

  it.each([10, 12, 22, 25])('does the same when it is stopped after step %i and resumed', async step => {
    const whole = await run(unwatched);
    const stopped = await run(stoppedAfter(step));
    expect(stopped.result).toMatchObject({ state: 'stopped', steps: step });
    const { result } = await run(unwatched, stopped.result.run);
    expect(result).toMatchObject({ state: 'finished', steps: 30, figures: figureAt(best) });
    expect(tableOf(result.model!)).toEqual(tableOf(whole.result.model!));
    const figures = new RunFolder(result.run).readMetrics().filter(metric => 'figures' in metric);
    expect(figures.map(metric => metric.step)).toEqual([0, 5, 10, 15, 20, 25, 30]);
  });
});

it('keeps the best of the states that it measured on the way, and says which', async () => {
  const path = workspace();
  const seen = new Map<number, Float32Array>();
  const options = {
    ...one,
    async onEvaluate(encoder: Encoder, step: number) {
      seen.set(step, await encoder.encode(['asked3 wanted3'], 'query'));
      return { 'Recall@10': step === 20 ? 0.9 : 0.5 };
    },
  };
  const asked = optionsIn(path, { recipe: { ...recipe, evaluateSteps: 20 } });
  const result = await train(asked, unwatched, options);
  expect(result).toMatchObject({ steps, kept: 20, figures: { 'Recall@10': 0.9 } });
  const encoder = await openEncoder(result.model!);
  expect(await encoder.encode(['asked3 wanted3'], 'query')).toEqual(seen.get(20));
  expect(readFileSync(join(result.model!, 'README.md'), 'utf8')).toContain('| Kept after step | 20 |');
});

describe('a training that ends early and crashed', () => {
  const patient: Recipe = { ...recipe, patience: 2 };
  /** As if the model were best after a step. */
  const bestAfter = (best: number) => async (_: Encoder, step: number) => ({
    'Recall@10': 1 - Math.abs(step - best) / 100,
  });

  it('after a measurement of which no checkpoint tells counts it, and once', async () => {
    const options = { ...one, checkpointSeconds: 0, onEvaluate: bestAfter(15) };
    const whole = await train(optionsIn(workspace(), { recipe: patient }), unwatched, options);
    expect(whole).toMatchObject({ steps: 45, figures: { 'Recall@10': 1 } });
    const path = workspace();
    const asked = optionsIn(path, { recipe: patient });
    await expect(train(asked, crashedAfter(16), options)).rejects.toThrow('crashed');
    const { path: run } = runIn(path);
    const resumed = await resume(run, unwatched, options);
    expect(resumed).toMatchObject({ state: 'finished', steps: 45, figures: { 'Recall@10': 1 } });
    expect(figuresOf(run)).toEqual(figuresOf(whole.run));
    expect(lossesOf(run)).toEqual(lossesOf(whole.run));
    const [a, b] = [whole, resumed].map(({ model }) => readFileSync(join(model!, 'model.safetensors')));
    expect(a!.equals(b!)).toBe(true);
  });

  it('keeps the best state of its checkpoint, not the one of the steps that the crash took away', async () => {
    const path = workspace();
    let best: Float32Array | undefined;
    const rising = {
      ...one,
      async onEvaluate(encoder: Encoder, step: number) {
        if (step === 10) best = await encoder.encode(['asked3 wanted3'], 'query');
        return bestAfter(60)(encoder, step);
      },
    };
    const asked = optionsIn(path, { recipe: { ...patient, evaluateSteps: 5 } });
    const { run } = await train(asked, stoppedAfter(12), rising);
    const folder = new RunFolder(run);
    expect(folder.listBest()).toEqual([folder.best(10)]);
    await expect(resume(run, crashedAfter(22), rising)).rejects.toThrow('crashed');
    expect(folder.listBest()).toEqual([folder.best(20), folder.best(10)]);
    // On another device the same steps may be measured otherwise: here as if none were good.
    const resumed = await resume(run, unwatched, {
      ...one,
      onEvaluate: async () => ({ 'Recall@10': 0 }),
    });
    expect(resumed).toMatchObject({ state: 'finished', steps: 20 });
    const kept = await openEncoder(resumed.model!);
    expect(await kept.encode(['asked3 wanted3'], 'query')).toEqual(best);
  });
});

describe('a training of a transformer', { timeout: 180_000 }, () => {
  it.each(['bert', 'qwen3'] as const)(
    'that is stopped and resumed has the same losses and parameters (%s)',
    async family => {
      const base = join(root, family);
      saveRandomModel(base, family);
      const settings: Recipe = {
        ...publishedRecipe,
        learningRate: 1e-3,
        batchSize: 8,
        groupSize: 3,
        maxTokens: 16,
      };
      const ran = async (job: Job, more: Partial<Recipe> = {}) => {
        const path = workspace();
        return {
          path,
          ...(await train(optionsIn(path, { base, recipe: { ...settings, ...more } }), job, one)),
        };
      };
      for (const more of [
        { lora: { rank: 2, alpha: 4 } },
        { dropout: 0.1, accumulation: 2, together: true },
      ]) {
        const whole = await ran(unwatched, more);
        const stopped = await ran(stoppedAfter(7), more);
        expect(stopped.state).toBe('stopped');
        const resumed = await resume(stopped.run, unwatched, one);
        expect(resumed.state).toBe('finished');
        expect(lossesOf(resumed.run)).toEqual(lossesOf(whole.run));
        const [a, b] = [whole.model!, resumed.model!].map(dir =>
          readFileSync(join(dir, 'model.safetensors')),
        );
        expect(a!.equals(b!)).toBe(true);
      }
    },
  );
});

describe('a training that cannot go on', () => {
  it.each(['static', 'bert'] as const)(
    'stops before numbers that are not finite and keeps the last good state (%s)',
    async family => {
      const path = workspace();
      const base = join(path, 'base');
      const parameters =
        family === 'bert'
          ? saveRandomModel(base, family)
          : [['embedding.weight', { shape: [-1, -1] }] as const];
      const wild = { ...recipe, learningRate: 1e37, warmupRatio: 0.9, fp16: true };
      const options = optionsIn(path, { recipe: wild, ...(family === 'bert' && { base }) });
      const error = await train(options, unwatched, { ...one, checkpointSeconds: 0 }).catch(error => error);
      expect(error).toMatchObject({
        name: 'LratError',
        message: expect.stringMatching(/step \d+ leads to numbers that are not finite/),
      });
      const run = runIn(path);
      expect(run.readStatus()).toMatchObject({ state: 'failed', error: expect.stringContaining('finite') });
      expect(existsSync(join(path, 'model'))).toBe(false);
      const [checkpoint] = run.listCheckpoints();
      expect(error.remedy).toContain(checkpoint);
      expect(error.remedy).toContain('without --fp16');
      const kept = openSafetensors(checkpoint!);
      for (const [name, { shape }] of parameters)
        expect(kept.floats(name, shape).data.every(Number.isFinite)).toBe(true);
    },
  );

  it('refuses pairs or a base that changed, a finished run, and a folder that is no run', async () => {
    const path = workspace();
    const { run } = await train(optionsIn(path), stoppedAfter(3), one);
    writeFileSync(join(path, 'pairs.jsonl'), `${readFileSync(join(path, 'pairs.jsonl'), 'utf8')}\n\n`);
    await expect(resume(run, unwatched, one)).rejects.toThrow(/has changed since the run began/);
    const base = join(path, 'base');
    cpSync(whole.model, base, { recursive: true });
    writePairs(path);
    const onward = await train(optionsIn(path, { base }), stoppedAfter(3), one);
    appendFileSync(join(base, 'tokenizer.json'), ' ');
    await expect(resume(onward.run, unwatched, one)).rejects.toMatchObject({
      place: base,
      message: expect.stringContaining('has changed since the run began'),
    });
    await expect(resume(whole.run, unwatched, one)).rejects.toThrow(/is finished/);
    await expect(resume(join(path, 'none'), unwatched, one)).rejects.toThrow(/cannot be read as a record/);
  });
});
