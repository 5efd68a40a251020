import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runDemo } from '../../../src/agent/demo.ts';
import type { Episode } from '../../../src/agent/episode.ts';
import { compare, gatherScores, spreadOfSeeds, tabulate, trialsOf } from '../../../src/agent/experiment.ts';
import { reportPage } from '../../../src/agent/report.ts';
import { type DemoResult, measures, variantNames } from '../../../src/agent/result.ts';
import { gatherLogs, type RoadAccount, roadPaths, travel } from '../../../src/agent/road.ts';
import { runTrial, type Trial, type TrialScores } from '../../../src/agent/trial.ts';
import { runTrials } from '../../../src/agent/trial-pool.ts';
import { generateWorld, type WorldSettings } from '../../../src/agent/world.ts';
import { unwatched } from '../../../src/base/progress.ts';
import { Random } from '../../../src/base/random.ts';
import { readPairs } from '../../../src/mining/pair-file.ts';

const settings: WorldSettings = {
  ...{ seed: 2, gap: true, pages: 500, training: 120, heldOut: 30, starts: 40, filler: 4 },
};
const folder = mkdtempSync(join(tmpdir(), 'lrat-demo-'));
afterAll(() => rmSync(folder, { recursive: true }));
const paths = roadPaths(join(folder, 'world'));
const world = generateWorld(settings, Random.seeded(2));
const lines = (path: string) => readFileSync(path, 'utf8').trim().split('\n');

let episodes: Episode[];
let account: RoadAccount;
beforeAll(async () => {
  episodes = await gatherLogs(world, paths, 2, unwatched);
  account = await travel(paths, world, episodes, Random.seeded(2), unwatched);
});

/** Trials short enough for a test. */
const quick = (seeds: readonly number[]): Trial[] =>
  trialsOf(settings, paths, seeds).map(trial => ({
    ...trial,
    dimension: 32,
    recipe: { ...trial.recipe, epochs: 1 },
  }));
const trialOf = (variant: Trial['variant']) => quick([1]).find(trial => trial.variant === variant)!;

describe('the road of the simulated logs', () => {
  it('indexes and judges all that the agent did', () => {
    const actions = episodes.flatMap(episode => episode.actions);
    const browses = actions.filter(({ kind }) => kind === 'browse').length;
    expect(account.indexed).toEqual({
      trajectories: 120,
      searches: actions.filter(({ kind }) => kind === 'search').length,
      browses,
    });
    const { relevant, irrelevant, unknown, keptOfUseful, keptOfOthers } = account.judged;
    expect(relevant + irrelevant + unknown).toBe(browses);
    expect(irrelevant).toBeGreaterThan(0);
    expect(keptOfUseful).toBeGreaterThan(keptOfOthers);
  });

  it('mines a pair per browse, and per browse that the judge keeps, with mean weight 1', () => {
    const naive = [...readPairs(paths.pairs.naive)];
    const judged = [...readPairs(paths.pairs.judged)];
    expect(naive).toHaveLength(account.indexed.browses);
    expect(judged).toHaveLength(account.judged.relevant);
    expect(account.mined).toMatchObject({ naive: naive.length, judged: judged.length });
    const mean = judged.reduce((sum, row) => sum + row.reweight_rate, 0) / judged.length;
    expect(mean).toBeCloseTo(1, 9);
    const trainingQuestions = new Set(world.training.map(({ id }) => id));
    expect(naive.every(row => trainingQuestions.has(row.query_id!))).toBe(true);
  });

  it('permutes positives in the control and changes nothing else that teaches', () => {
    const judged = [...readPairs(paths.pairs.judged)];
    const shuffled = [...readPairs(paths.pairs.shuffled)];
    const positives = (rows: typeof judged) => rows.map(row => row.pos_id[0]!);
    expect(positives(shuffled).toSorted()).toEqual(positives(judged).toSorted());
    expect(positives(shuffled)).not.toEqual(positives(judged));
    const rest = (rows: typeof judged) => rows.map(row => [row.query, row.neg_id, row.reweight_rate]);
    expect(rest(shuffled)).toEqual(rest(judged));
  });

  it('keeps the known truth in files of its own', () => {
    const browses = lines(join(paths.truth, 'browses.jsonl')).map(line => JSON.parse(line));
    expect(browses).toHaveLength(account.indexed.browses);
    const [question, , page] = lines(join(paths.truth, 'qrels.txt'))[0]!.split(' ');
    expect(world.truth.get(question!)!.evidence.flat()).toContain(page);
  });
});

describe('trials', () => {
  let trials: Trial[];
  let results: TrialScores[];
  beforeAll(async () => {
    trials = quick([1, 2]);
    results = await runTrials(trials, 2, unwatched, () => {});
  });

  it('measure every retriever with every seed on every held-out question', () => {
    expect(trials).toHaveLength(12);
    for (const scores of results) {
      for (const measure of measures) {
        expect(scores[measure]).toHaveLength(30);
        const greatest = measure === 'steps' ? 30 : 1;
        expect(scores[measure].every(value => value >= 0 && value <= greatest)).toBe(true);
      }
    }
  });

  it('give the same in a thread and out of it', async () => {
    for (const variant of ['bm25', 'reweight'] as const) {
      const trial = trialOf(variant);
      const at = trials.findIndex(({ name }) => name === trial.name);
      const model = join(folder, 'again');
      expect(await runTrial({ ...trial, model }, unwatched)).toEqual(results[at]);
    }
  });

  it('become a table, paired differences and a report that holds them, safe to open', () => {
    const scores = gatherScores(world, trials, results);
    const table = tabulate(scores, Random.seeded(1));
    for (const variant of variantNames) {
      const own = results.filter((_, i) => trials[i]!.variant === variant).flatMap(({ success }) => success);
      const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
      expect(table[variant].success.mean).toBeCloseTo(mean, 12);
    }
    const comparisons = compare(scores, Random.seeded(1));
    const [first] = comparisons;
    expect(first!.difference.mean).toBeCloseTo(
      table[first!.variant][first!.measure].mean - table[first!.baseline][first!.measure].mean,
      12,
    );
    const result: DemoResult = {
      ...{ simulation: true, note: 'A note <b>&</b>', seed: 2, trainingSeeds: [1, 2] },
      world: { documents: 500, trainingQuestions: 120, heldOutQuestions: 30 },
      ...account,
      recipe: { epochs: 1 },
      ...{ table, comparisons, seedSpread: spreadOfSeeds(trials, results) },
      noGap: { questions: 30, documents: 500, table },
      timings: { total: 1 },
      ...{ logs: '/tmp/<script>alert(1)</script>', report: 'report.html' },
    };
    const page = reportPage(result);
    expect(page).not.toMatch(/<script|<b>&<\/b>|https?:\/\/|NaN|undefined/);
    expect(page).toContain('A note &lt;b&gt;&amp;&lt;/b&gt;');
    expect(page).toMatch(/<svg[^>]*role="img"[^>]*>\s*<title[^>]*>[^<]+<\/title>\s*<desc[^>]*>[^<]+<\/desc>/);
    expect(page).toContain(`<b>${(100 * table.reweight.success.mean).toFixed(1)}</b>`);
    // Every comparison that chance explains says so.
    const unsure = comparisons.filter(({ difference }) => difference.p >= 0.05).length;
    expect(page.match(/, not significant</g) ?? []).toHaveLength(unsure);
  });

  it('do not claim certainty where every question of one seed succeeded', () => {
    const perfect = { recall: [1, 1], success: [1, 1], evidence: [1, 1], steps: [4, 6] };
    const two = { ...world, heldOut: world.heldOut.slice(0, 2) };
    const one = quick([1]);
    const table = tabulate(
      gatherScores(
        two,
        one,
        one.map(() => perfect),
      ),
      Random.seeded(1),
    );
    expect(table.base.success.mean).toBe(1);
    expect(table.base.success.low).toBeLessThan(0.5);
  });

  it('end with the name of the one that failed', async () => {
    const broken = { ...trialOf('filter'), pairs: join(folder, 'absent.jsonl'), model: join(folder, 'none') };
    await expect(runTrials([broken], 1, unwatched, () => {})).rejects.toThrow(/filter-1.*absent\.jsonl/);
  });

  it('stop at the signal', async () => {
    const controller = new AbortController();
    const job = { signal: controller.signal, report: () => controller.abort() };
    const again = quick([3]).map(trial => ({ ...trial, model: join(folder, `stopped-${trial.name}`) }));
    await expect(runTrials(again, 2, job, () => {})).rejects.toThrow(/abort/i);
  });
});

describe('the demo', () => {
  it('leaves a folder alone that is not its own', async () => {
    const out = mkdtempSync(join(folder, 'mine-'));
    writeFileSync(join(out, 'thesis.txt'), 'precious');
    const demo = runDemo({ seed: 1, out, job: unwatched, print: () => {} });
    await expect(demo).rejects.toMatchObject({ name: 'LratError', place: out });
    expect(readFileSync(join(out, 'thesis.txt'), 'utf8')).toBe('precious');
  });
});
