import { spawn } from 'node:child_process';
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
 * Training of all-MiniLM-L6-v2, ours and sentence-transformers', as JSON: `node test/bench/train-encoder.ts CASE [ROUNDS]`.
 * Both take the same steps on the same batches with the same loss and optimiser, in turn, round after round, each in a process
 * of its own with as many threads as there are cores. The cases:
 *
 * `plain`: 32 different texts of 128 tokens a step, where merging texts and sorting them by length gains nothing;
 * `world`: 8 rows of a query and 10 documents, as the released script has them, mined from the logs of the simulated world;
 * `sample`: the same from the six published pairs of `../shared/data/lrat`, repeated;
 * `few`: 16 rows of a query and 4 documents of the simulated world, where hardly a text repeats.
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

const cases: Record<string, { steps: number; make: () => Promise<TrainingBatches | null> }> = {
  plain: {
    steps: 4,
    make: async () => {
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
  },
  world: {
    steps: 4,
    make: async () => batchesOf(await simulatedPairs(), released, 256),
  },
  few: {
    steps: 4,
    make: async () => batchesOf(await simulatedPairs(), { batchSize: 16, groupSize: 4 }, 256),
  },
  sample: {
    steps: 4,
    make: async () => {
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

async function side(program: string, args: readonly string[]) {
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, HF_HUB_OFFLINE: '1', ORT_DISABLE_TELEMETRY: '1' },
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await answers.next();
    if (done === true) throw new Error(`${program} ended before it answered`);
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

async function figuresOf(name: string, rounds: number, model: string, python: string) {
  const { steps, make } = cases[name]!;
  const made = await make();
  if (made === null) return null;
  const file = join(folder, 'batches.json');
  writeFileSync(file, JSON.stringify(made));
  const threads = String(availableParallelism());
  const sides = [
    await side(process.execPath, [join(here, 'train-steps.ts'), model, file, threads]),
    await side(python, [join(here, 'peers', 'train.py'), model, file, threads]),
  ];
  // The first steps make programs and warm caches; they are steps of both.
  const warm = Math.min(2, made.batches.length);
  const curves: number[][] = [[], []];
  const seconds: number[][] = [[], []];
  const peaks = [0, 0];
  for (const [i, each] of sides.entries()) curves[i]!.push(...(await each.steps(0, warm)).losses);
  for (let round = 0; round < rounds; round++) {
    const from = warm + round * steps;
    if (from + steps > made.batches.length) throw new Error(`${made.batches.length} batches are too few`);
    for (const [i, each] of sides.entries()) {
      const answer = await each.steps(from, from + steps);
      seconds[i]!.push(answer.seconds);
      curves[i]!.push(...answer.losses);
      peaks[i] = answer.peak;
    }
  }
  for (const each of sides) each.end();
  const rows = made.batches[0]!.queries.length * steps;
  const rate = (i: number) => rows / median(seconds[i]!);
  const [ours, theirs] = curves as [number[], number[]];
  return {
    'rows/s': rate(0),
    'rows/s sentence-transformers': rate(1),
    'times sentence-transformers': rate(0) / rate(1),
    'MB at most': peaks[0]! / 1e6,
    'MB at most sentence-transformers': peaks[1]! / 1e6,
    steps: ours.length,
    'loss differs at most by %':
      100 * Math.max(...ours.map((loss, i) => Math.abs(loss - theirs[i]!) / theirs[i]!)),
    'mean loss differs by %': 100 * Math.abs(mean(ours) / mean(theirs) - 1),
    'loss of the last ten steps': mean(ours.slice(-10)),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name = 'world', rounds = '5'] = process.argv.slice(2);
  try {
    const [model, python] = [miniLm(), torchPython()];
    const figures =
      model === null || python === null ? null : await figuresOf(name, Number(rounds), model, python);
    if (figures === null) process.exitCode = 1;
    else console.log(JSON.stringify(figures));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
