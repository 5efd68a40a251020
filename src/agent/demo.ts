import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { LratError } from '../base/errors.ts';
import { writeError, writeFileAtomic } from '../base/files.ts';
import type { Job } from '../base/progress.ts';
import { Random } from '../base/random.ts';
import { modelFolder } from '../encoder/hub.ts';
import { modelFamily } from '../encoder/open.ts';
import { formatNumber } from '../evaluation/table.ts';
import { summarise } from './episode.ts';
import {
  compare,
  demoDimension,
  demoSeeds,
  gatherScores,
  spreadOfSeeds,
  tabulate,
  transformerWorld,
  trialsOf,
  withoutGap,
} from './experiment.ts';
import { simulationNote } from './log.ts';
import { reportPage } from './report.ts';
import { type DemoResult, describeComparison, tableText } from './result.ts';
import { gatherLogs, type RoadAccount, type RoadPaths, roadPaths, travel } from './road.ts';
import { runTrials } from './trial-pool.ts';
import { defaultWorld, generateWorld, type World, type WorldSettings } from './world.ts';

export interface DemoOptions {
  /** Seed of the world and of everything in it. */
  readonly seed: number;
  /** A model to train instead of a new static encoder: its folder, or its name on the hub (`modelFolder`). */
  readonly base?: string | undefined;
  /** Folder for logs, pairs, models and the report: absent, empty, or left by an earlier demo, which it replaces. */
  readonly out: string;
  readonly job: Job;
  /** Takes lines for people. */
  readonly print: (words: string) => void;
}

/**
 * The whole road on a simulated world: an agent's logs, gathered with BM25, are indexed, judged, mined and weighed;
 * retrievers are trained on them and compared on held-out questions, with the agent searching through each; and once
 * more, smaller, in a world without a gap. Leaves `report.html` and `result.json`.
 *
 * @throws LratError as `modelFolder`, if `out` holds something else, or if something cannot be written.
 */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const { seed, out, job, print } = options;
  // Before anything is replaced: a model that cannot be used ends it here.
  const base = options.base === undefined ? undefined : await modelFolder(options.base, job);
  const isTransformer = base !== undefined && modelFamily(base) !== 'static';
  claim(out);
  const began = performance.now();
  const timings: Record<string, number> = {};
  let last = began;
  const timed = (stage: string) => {
    timings[stage] = (performance.now() - last) / 1000;
    last = performance.now();
  };
  print(`A simulated world, seed ${seed}. ${simulationNote}`);

  const settings: WorldSettings = { ...(isTransformer ? transformerWorld : defaultWorld), seed };
  const paths = roadPaths(out);
  const prepared = await prepare(settings, paths, job, print);
  const { world, account } = prepared;
  timed('logs, index, judge, pairs');

  // The control's questions are other ones, so its seed may be the same.
  const plain = withoutGap(settings);
  const plainPaths = roadPaths(join(out, 'no-gap'));
  print('The control without a gap, smaller:');
  const control = await prepare(plain, plainPaths, job, print);
  timed('the same without a gap');

  const from = base === undefined ? null : resolve(base);
  const trials = trialsOf(settings, paths, demoSeeds, from);
  const controls = trialsOf(plain, plainPaths, demoSeeds.slice(0, 1), from);
  // A transformer's trial uses all processors itself.
  const threads = isTransformer ? 1 : Math.max(1, availableParallelism());
  print(`Training and measuring ${trials.length + controls.length} retrievers on ${threads} threads.`);
  const results = await runTrials([...trials, ...controls], threads, job, (trial, { success, recall }) => {
    const mean = (values: readonly number[]) =>
      formatNumber(values.reduce((sum, value) => sum + value, 0) / values.length);
    const where = trial.world.gap ? '' : ' (no gap)';
    print(`  ${trial.name}${where}: success ${mean(success)} %, recall@10 ${mean(recall)} %`);
  });
  timed('training and measuring');

  const random = Random.seeded(seed);
  const ownResults = results.slice(0, trials.length);
  const scores = gatherScores(world, trials, ownResults);
  const table = tabulate(scores, random);
  const comparisons = compare(scores, random);
  const noGapScores = gatherScores(control.world, controls, results.slice(trials.length));
  const noGapTable = tabulate(noGapScores, random);
  timed('intervals');

  const { epochs, batchSize, learningRate, temperature, groupSize, warmupRatio } = trials[0]!.recipe;
  const report = join(out, 'report.html');
  const result: DemoResult = {
    simulation: true,
    note: simulationNote,
    seed,
    trainingSeeds: demoSeeds,
    world: {
      documents: world.pages.size,
      trainingQuestions: world.training.length,
      heldOutQuestions: world.heldOut.length,
    },
    ...account,
    recipe: {
      epochs,
      batchSize,
      learningRate,
      temperature,
      groupSize,
      warmupRatio,
      ...(base === undefined ? { dimension: demoDimension } : { base: basename(base) }),
    },
    table,
    seedSpread: spreadOfSeeds(trials, ownResults),
    comparisons,
    noGap: {
      questions: control.world.heldOut.length,
      documents: control.world.pages.size,
      table: noGapTable,
    },
    timings: { ...timings, total: (performance.now() - began) / 1000 },
    logs: paths.logs,
    report,
  };
  writeFileAtomic(join(out, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
  writeFileAtomic(report, reportPage(result));
  return result;
}

/** The result as the command line prints it. */
export function describeDemo(result: DemoResult): string {
  return [
    `Held-out questions of a simulated world: ${result.world.heldOutQuestions}, ${result.trainingSeeds.length} training seeds, 95 % intervals`,
    tableText(result.table),
    '',
    ...result.comparisons.map(describeComparison),
    '',
    `Control without a gap, ${result.noGap.questions} questions, one seed`,
    tableText(result.noGap.table),
    '',
    `Took ${formatNumber(result.timings.total ?? 0, { scale: 1, digits: 0 })} s. Report: ${result.report}`,
  ].join('\n');
}

/** One world and its road, up to the pairs. */
async function prepare(
  settings: WorldSettings,
  paths: RoadPaths,
  job: Job,
  print: (words: string) => void,
): Promise<{ world: World; account: RoadAccount }> {
  const world = generateWorld(settings, Random.seeded(settings.seed));
  const episodes = await gatherLogs(world, paths, settings.seed, job);
  const { successRate } = summarise(episodes);
  print(
    `  ${world.pages.size} pages; the agent answered ${formatNumber(successRate)} % of ${episodes.length} training questions with BM25`,
  );
  const account = await travel(paths, world, episodes, Random.seeded(settings.seed), job);
  const { indexed, judged, mined } = account;
  print(
    `  indexed: ${indexed.trajectories} trajectories, ${indexed.searches} searches, ${indexed.browses} browses`,
  );
  print(
    `  judged by rules: ${judged.relevant} relevant, ${judged.irrelevant} irrelevant, ${judged.unknown} unknown`,
  );
  print(`  mined: ${mined.naive} pairs of all browses, ${mined.judged} of those that the judge keeps`);
  print(`  weighed: half-life ${mined.halfLife} tokens, mean raw weight ${mined.muRaw?.toFixed(4)}`);
  return { world, account };
}

const marker = 'SIMULATION.txt';

/** Takes the folder for the demo. What an earlier demo left is removed, nothing else ever. */
function claim(out: string): void {
  if (existsSync(out) && readdirSync(out).length > 0) {
    if (!existsSync(join(out, marker))) {
      throw new LratError('is not empty, and no earlier demo has made it.', {
        place: out,
        remedy: 'Choose an empty or a new folder with --out.',
      });
    }
    rmSync(out, { recursive: true });
  }
  try {
    mkdirSync(out, { recursive: true });
  } catch (error) {
    throw writeError(out, error);
  }
  writeFileAtomic(
    join(out, marker),
    `${simulationNote}\nMade by \`lrat demo\`, which replaces this folder.\n`,
  );
}
