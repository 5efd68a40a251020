import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { gatherLogs, roadPaths, travel } from '../../src/agent/road.ts';
import { defaultWorld, generateWorld } from '../../src/agent/world.ts';
import { unwatched } from '../../src/base/progress.ts';
import { Random } from '../../src/base/random.ts';
import { type Draw, drawEpoch } from '../../src/training/batches.ts';
import { readTrainingSet, type TrainingSet } from '../../src/training/rows.ts';
import { median } from './measure.ts';
import { miniLm, torchPython } from './minilm.ts';

/**
 * Training of all-MiniLM-L6-v2, ours and sentence-transformers', as JSON:
 * `node test/bench/train-encoder.ts CASE [ROUNDS [DEVICE [STEPS]]]`.
 * All take the same steps on the same batches with the same loss and optimiser, in turn, round after round, each in a process
 * of its own with as many threads as there are cores. The cases:
 *
 * `plain`: 32 different texts of 128 tokens a step, where merging texts and sorting them by length gains nothing;
 * `world`: 8 rows of a query and 10 documents, as the released script has them, mined from the logs of the simulated world;
 * `sample`: the same from the six published pairs of `../shared/data/lrat`, repeated;
 * `few`: 16 rows of a query and 4 documents of the simulated world, where hardly a text repeats;
 * `large`: 64 rows of a query and 10 documents of the simulated world, for a GPU.
 *
 * The device is `cpu`, or `gpu`: WebGPU for us and CUDA for PyTorch, each in 32 bits and with products in 16, and our CPU.
 * STEPS are those of a round.
 */
export interface TrainingBatches {
  readonly maxTokens: number;
  readonly temperature: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly documents: readonly string[];
  readonly batches: readonly {
    readonly queries: readonly string[];
    readonly weights: readonly number[];
    /** Positives, then as many columns of negatives: positions in `documents`, one per row. */
    readonly columns: readonly (readonly number[])[];
    /** By row, known positives. */
    readonly known: readonly (readonly number[])[];
    /** `[rows, columns · rows]`: what is no candidate of a row, in the order of the columns. */
    readonly excluded: readonly (readonly boolean[])[];
  }[];
}

const settings = { temperature: 0.05, learningRate: 2e-5, weightDecay: 0.01 };
/** Rows of a batch, and documents of a row. */
const released = { batchSize: 8, groupSize: 10 };
const here = dirname(fileURLToPath(import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'lrat-train-'));

const cases: Record<string, () => Promise<TrainingBatches | null>> = {
  plain: async () => {
    const random = Random.seeded(3);
    // Words that the vocabulary has whole; two tokens stand around each text.
    const words =
      'time year people way day man thing woman life child world school state family student'.split(' ');
    const text = () => Array.from({ length: 126 }, () => random.pick(words)).join(' ');
    const rows = Array.from({ length: 16 * 40 }, (_, i) => ({
      ...{ query: text(), positives: [i], negatives: [], weight: 1, trajectory: '', known: new Set([i]) },
    }));
    const documents = rows.map((_, i) => ({ id: String(i), text: text() }));
    return batchesOf({ documents, rows }, { batchSize: 16, groupSize: 1 }, 128);
  },
  world: async () => batchesOf(await simulatedPairs(), released, 256),
  large: async () => batchesOf(await simulatedPairs(), { batchSize: 64, groupSize: 10 }, 256),
  few: async () => batchesOf(await simulatedPairs(), { batchSize: 16, groupSize: 4 }, 256),
  sample: async () => {
    const file = join(here, '..', '..', '..', 'shared', 'data', 'lrat', 'training_pairs_sample.jsonl');
    if (!existsSync(file)) {
      console.error(`Left out for want of ${file}.`);
      return null;
    }
    const pairs = join(folder, 'repeated.jsonl');
    const lines = readFileSync(file, 'utf8').trim();
    writeFileSync(pairs, Array.from({ length: 40 }, () => lines).join('\n'));
    return batchesOf(await readTrainingSet(pairs), released, 256);
  },
};

async function simulatedPairs(): Promise<TrainingSet> {
  const world = generateWorld({ ...defaultWorld, training: 400, heldOut: 10, seed: 1 }, Random.seeded(1));
  const paths = roadPaths(folder);
  const episodes = await gatherLogs(world, paths, 1, unwatched);
  await travel(paths, world, episodes, Random.seeded(1), unwatched);
  return readTrainingSet(paths.pairs.judged);
}

function batchesOf(
  set: Pick<TrainingSet, 'documents' | 'rows'>,
  recipe: { batchSize: number; groupSize: number },
  maxTokens: number,
): TrainingBatches {
  const random = Random.seeded(5);
  const whole = { ...set, dropped: {}, hash: '', provenance: { logs: 0, modes: [], questions: 0 } };
  const epochs = Array.from({ length: 20 }, () =>
    drawEpoch(whole, { ...recipe, accumulation: 1, together: false }, random).flat(),
  );
  // Rows without negatives have fewer columns than sentence-transformers can take.
  const full = epochs
    .flat()
    .filter(
      draws =>
        draws.length === recipe.batchSize &&
        draws.every(({ negatives }) => negatives.length === recipe.groupSize - 1),
    );
  return {
    maxTokens,
    ...settings,
    documents: set.documents.map(({ text }) => text),
    batches: full.slice(0, 120).map(draws => {
      const columns = Array.from({ length: recipe.groupSize }, (_, k) =>
        draws.map(({ positive, negatives }) => (k === 0 ? positive : negatives[k - 1]!)),
      );
      const order = columns.flat();
      return {
        queries: draws.map(({ row }) => row.query),
        weights: draws.map(({ row }) => row.weight),
        columns,
        known: draws.map(({ row }) => [...row.known]),
        excluded: draws.map(({ row }: Draw, i) =>
          order.map((document, j) => j !== i && row.known.has(document)),
        ),
      };
    }),
  };
}

interface Answer {
  readonly seconds: number;
  readonly losses: readonly number[];
  readonly peak: number;
}

/** Who takes steps: a process with its arguments after the model and the batches. */
interface Side {
  readonly name: string;
  readonly program: string;
  readonly script: string;
  readonly args: readonly string[];
}

/** The first is measured against the others. */
function sidesOn(device: string, python: string): Side[] {
  const threads = String(availableParallelism());
  const ours = (name: string, ...args: string[]): Side => ({
    ...{ name, program: process.execPath, script: join(here, 'train-steps.ts'), args: [threads, ...args] },
  });
  const theirs = (name: string, ...args: string[]): Side => ({
    ...{ name, program: python, script: join(here, 'peers', 'train.py'), args: [threads, ...args] },
  });
  if (device !== 'gpu') return [ours('LRAT', 'cpu'), theirs('sentence-transformers', 'cpu')];
  const own = [
    ours('LRAT on WebGPU', 'webgpu'),
    ours('LRAT on WebGPU, products in 16 bits', 'webgpu', 'float16'),
    ours('LRAT on the CPU', 'cpu'),
  ];
  if (!hasCuda(python)) {
    console.error('sentence-transformers is left out: its PyTorch has no GPU.');
    return own;
  }
  return [
    ...own,
    theirs('sentence-transformers on CUDA', 'cuda'),
    theirs('sentence-transformers on CUDA, products in 16 bits', 'cuda', 'bfloat16'),
  ];
}

function hasCuda(python: string): boolean {
  const asked = spawnSync(python, ['-c', 'import torch; print(torch.cuda.is_available())'], {
    encoding: 'utf8',
  });
  return asked.stdout.trim() === 'True';
}

async function begin({ program, script, args }: Side, model: string, batches: string) {
  const child = spawn(program, [script, model, batches, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, HF_HUB_OFFLINE: '1', ORT_DISABLE_TELEMETRY: '1' },
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await answers.next();
    if (done === true) throw new Error(`${program} ${script} ended before it answered`);
    return JSON.parse(value);
  };
  await next();
  return {
    async steps(from: number, to: number): Promise<Answer> {
      child.stdin.write(`${JSON.stringify({ from, to })}\n`);
      return next();
    },
    end: () => child.stdin.end(),
  };
}

async function figuresOf(name: string, rounds: number, steps: number, model: string, sides: readonly Side[]) {
  const made = await cases[name]!();
  if (made === null) return null;
  const file = join(folder, 'batches.json');
  writeFileSync(file, JSON.stringify(made));
  // The first steps make programs and warm caches; they are steps of all.
  const warm = 2;
  if (warm + rounds * steps > made.batches.length)
    throw new Error(`${made.batches.length} batches are too few for ${rounds} rounds of ${steps} steps`);
  const runs = await Promise.all(sides.map(each => begin(each, model, file)));
  const curves = sides.map((): number[] => []);
  const seconds = sides.map((): number[] => []);
  const peaks = sides.map(() => 0);
  for (const [i, run] of runs.entries()) curves[i]!.push(...(await run.steps(0, warm)).losses);
  for (let round = 0; round < rounds; round++) {
    const from = warm + round * steps;
    for (const [i, run] of runs.entries()) {
      const answer = await run.steps(from, from + steps);
      seconds[i]!.push(answer.seconds);
      curves[i]!.push(...answer.losses);
      peaks[i] = answer.peak;
    }
  }
  for (const run of runs) run.end();
  const rows = made.batches[0]!.queries.length * steps;
  const rates = seconds.map(each => rows / median(each));
  const [ours] = curves as [number[]];
  return Object.fromEntries<number>([
    ...sides.flatMap(({ name }, i): [string, number][] => [
      [`rows/s ${name}`, rates[i]!],
      [`MB at most ${name}`, peaks[i]! / 1e6],
    ]),
    ...sides.slice(1).flatMap(({ name }, i): [string, number][] => {
      const theirs = curves[i + 1]!;
      const apart = ours.map((loss, step) => Math.abs(loss / theirs[step]! - 1));
      return [
        [`times ${name}`, rates[0]! / rates[i + 1]!],
        [`% that a loss differs at most from ${name}`, 100 * Math.max(...apart)],
      ];
    }),
    ['steps', ours.length],
    ['loss of the last ten steps', mean(ours.slice(-10))],
  ]);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name = 'world', rounds = '5', device = 'cpu', steps = '4'] = process.argv.slice(2);
  try {
    const [model, python] = [miniLm(), torchPython()];
    const figures =
      model === null || python === null
        ? null
        : await figuresOf(name, Number(rounds), Number(steps), model, sidesOn(device, python));
    if (figures === null) process.exitCode = 1;
    else console.log(JSON.stringify(figures));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
