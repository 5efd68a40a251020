import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { demoSeeds, gatherScores, transformerWorld, trialsOf } from '../../src/agent/experiment.ts';
import { describeComparison, type Measure, type VariantName } from '../../src/agent/result.ts';
import { gatherLogs, roadPaths, travel } from '../../src/agent/road.ts';
import { runTrial, type TrialScores } from '../../src/agent/trial.ts';
import { generateWorld, type WorldSettings } from '../../src/agent/world.ts';
import { unwatched } from '../../src/base/progress.ts';
import { Random } from '../../src/base/random.ts';
import { interval, pairedDifference } from '../../src/evaluation/bootstrap.ts';
import { miniLm } from './minilm.ts';

/**
 * The ablation with all-MiniLM-L6-v2: `node test/bench/ablation.ts OUT [SEED]`. `lrat demo --base` in the simulated world of that
 * seed, without its controls, which take half as long again. Goes on in OUT where it was stopped; about an hour on two cores.
 */
const variants: readonly VariantName[] = ['bm25', 'base', 'naive', 'filter', 'reweight'];
const measured: readonly Measure[] = ['recall', 'success'];
const comparisons: readonly (readonly [VariantName, VariantName])[] = [
  ['reweight', 'base'],
  ['reweight', 'bm25'],
  ['naive', 'base'],
  ['filter', 'naive'],
  ['reweight', 'filter'],
];

const [out = 'ablation', seed = '7'] = process.argv.slice(2);
const settings: WorldSettings = { ...transformerWorld, seed: Number(seed) };
const paths = roadPaths(resolve(out));
const world = generateWorld(settings, Random.seeded(settings.seed));
if (!existsSync(paths.pairs.judged)) {
  const episodes = await gatherLogs(world, paths, settings.seed, unwatched);
  await travel(paths, world, episodes, Random.seeded(settings.seed), unwatched);
}

const base = miniLm();
if (base === null) process.exit(1);
/** A trial's name and scores a line. */
const file = join(paths.workspace, 'results.jsonl');
const known = new Map<string, TrialScores>(
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter(line => line !== '')
        .map(line => JSON.parse(line))
    : [],
);
// Seed by seed, so that what is there after a while can be compared.
const trials = trialsOf(settings, paths, demoSeeds, base)
  .filter(({ variant }) => variants.includes(variant))
  .sort((a, b) => a.seed - b.seed);
const results: TrialScores[] = [];
for (const trial of trials) {
  const { name } = trial;
  const began = performance.now();
  const scores = known.get(name) ?? (await runTrial(trial, unwatched));
  results.push(scores);
  if (known.has(name)) continue;
  appendFileSync(file, `${JSON.stringify([name, scores])}\n`);
  console.error(`${name}: recall@10 ${percent(scores.recall)} %, ${since(began)} s`);
}

const random = Random.seeded(settings.seed);
const scores = gatherScores(world, trials, results);
for (const measure of measured) {
  for (const variant of variants) {
    const { mean, low, high } = interval(scores[variant][measure], random);
    console.log(
      `${measure} ${variant}: ${[mean, low, high].map(value => (100 * value).toFixed(1)).join(' ')}`,
    );
  }
  for (const [variant, baseline] of comparisons) {
    const difference = pairedDifference(scores[variant][measure], scores[baseline][measure], random);
    console.log(describeComparison({ variant, baseline, measure, difference }));
  }
}

function percent(values: readonly number[]): string {
  return ((100 * values.reduce((sum, value) => sum + value, 0)) / values.length).toFixed(1);
}

function since(began: number): string {
  return ((performance.now() - began) / 1000).toFixed(0);
}
