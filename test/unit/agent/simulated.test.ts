import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Episode, runAgent, summarise } from '../../../src/agent/episode.ts';
import { writeLogs } from '../../../src/agent/log.ts';
import { verbosity } from '../../../src/agent/reasoning.ts';
import { type Action, defaultAgent } from '../../../src/agent/simulated.ts';
import { corpusOf, defaultWorld, generateWorld, type Question } from '../../../src/agent/world.ts';
import { unwatched } from '../../../src/base/progress.ts';
import { Random } from '../../../src/base/random.ts';
import { Bm25Index } from '../../../src/retrieval/bm25.ts';
import { readLog } from '../../../src/trajectory/log.ts';

const small = { ...defaultWorld, training: 400, heldOut: 40 };
const worldOf = (gap: boolean) => generateWorld({ ...small, seed: 3, gap }, Random.seeded(3));
const words = (text: string) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

const world = worldOf(true);
const retriever = Bm25Index.build(corpusOf(world));
const run = (questions: readonly Question[], seed = 5) =>
  runAgent(world, retriever, questions, { seed }, unwatched);
type Browse = Extract<Action, { kind: 'browse' }>;
const browsesOf = (episodes: readonly Episode[]) =>
  episodes.flatMap(({ actions }) => actions).filter((action): action is Browse => action.kind === 'browse');

let episodes: Episode[];
beforeAll(async () => {
  episodes = await run(world.training);
});

describe('the simulated agent', () => {
  it('searches only with words of the question, of pages that it opened, and of its own wordings', () => {
    const own = [...world.wordings.values()].flat().flatMap(words);
    const frame = ['who', 'or', 'what', 'is', 'the', 'of'];
    for (const { question, actions } of episodes) {
      const known = new Set([...words(question.text), ...own, ...frame]);
      for (const action of actions) {
        if (action.kind === 'browse') for (const word of words(action.text)) known.add(word);
        if (action.kind === 'search') {
          expect(words(action.query).filter(word => !known.has(word))).toEqual([]);
        }
      }
    }
  });

  it('opens only what it was shown, once, and answers only from what it read', () => {
    for (const { actions, answer } of episodes) {
      const shown = new Set<string>();
      const opened = new Map<string, string>();
      for (const action of actions) {
        if (action.kind === 'search') for (const { id } of action.results) shown.add(id);
        if (action.kind === 'browse') {
          expect(shown.has(action.id)).toBe(true);
          expect(opened.has(action.id)).toBe(false);
          opened.set(action.id, action.text);
        }
      }
      if (answer !== null) expect([...opened.values()].some(text => text.includes(answer))).toBe(true);
    }
  });

  it('keeps its budgets, and gives up without an answer', () => {
    for (const { actions, answer, steps, correct, question } of episodes) {
      expect(steps).toBe(actions.filter(({ kind }) => kind !== 'think').length);
      expect(steps).toBeLessThanOrEqual(defaultAgent.budget);
      const searches = actions.filter(({ kind }) => kind === 'search').length;
      expect(searches).toBeLessThanOrEqual(defaultAgent.patience * question.hops.length);
      expect(correct).toBe(answer === world.truth.get(question.id)!.answer);
    }
    expect(episodes.some(({ answer }) => answer === null)).toBe(true);
    expect(episodes.some(({ correct }) => correct)).toBe(true);
  });

  it('does the same again with the same seed, whatever the order, and otherwise with another', async () => {
    const some = world.training.slice(0, 30);
    const again = await run(some.toReversed());
    expect(again.toReversed()).toEqual(episodes.slice(0, 30));
    expect(await run(some, 6)).not.toEqual(episodes.slice(0, 30));
  });

  it('prefers high ranks as much as is set', () => {
    // Looked at with probability r^−½ and independent of rank otherwise: the top half gets more than its share.
    const ranks = browsesOf(episodes).map(({ rank }) => rank);
    const top = ranks.filter(rank => rank <= 5).length / ranks.length;
    expect(top).toBeGreaterThan(0.6);
    expect(new Set(ranks).size).toBe(10);
  });

  it('dismisses pages openly as often as is set, and writes more about pages that helped', () => {
    const lengths = {
      answered: [] as number[],
      named: [] as number[],
      background: [] as number[],
      useless: [] as number[],
    };
    for (const { actions } of episodes) {
      actions.forEach((action, i) => {
        const next = actions[i + 1];
        if (action.kind !== 'browse') return;
        if (next?.kind !== 'think') throw new Error('a browse without reasoning');
        lengths[action.use].push(Math.log(next.text.split(' ').length));
      });
    }
    const browses = browsesOf(episodes);
    for (const use of ['answered', 'background', 'useless'] as const) {
      const of = browses.filter(each => each.use === use);
      const { negative } = verbosity[use];
      const rate = of.filter(each => each.negative).length / of.length;
      const error = Math.sqrt((negative * (1 - negative)) / of.length);
      expect(Math.abs(rate - negative)).toBeLessThan(4 * error);
    }
    const mean = (use: keyof typeof lengths) =>
      lengths[use].reduce((sum, x) => sum + x, 0) / lengths[use].length;
    expect(mean('answered')).toBeGreaterThan(mean('background'));
    expect(mean('background')).toBeGreaterThan(mean('useless'));
  });

  it('has little left to gain where there is no gap', async () => {
    const plain = worldOf(false);
    const noGap = await runAgent(
      plain,
      Bm25Index.build(corpusOf(plain)),
      plain.heldOut,
      { seed: 5 },
      unwatched,
    );
    expect(summarise(noGap).successRate).toBeGreaterThan(0.9);
    expect(summarise(episodes).successRate).toBeLessThan(0.75);
  });

  it('stops at the signal', async () => {
    const job = { report: () => {}, signal: AbortSignal.abort() };
    await expect(runAgent(world, retriever, world.heldOut, { seed: 5 }, job)).rejects.toThrow(/abort/i);
  });
});

describe('logs of the simulation', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lrat-simulated-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('are read like real ones, say that they are simulated, and hold none of the known truth but the grade', () => {
    const written = episodes.slice(0, 60);
    writeLogs(folder, world, written);
    expect(readdirSync(folder)).toHaveLength(60);
    for (const { question, actions, correct, answer } of written) {
      const path = join(folder, `run_${question.id}.json`);
      const log = JSON.parse(readFileSync(path, 'utf8'));
      expect(log.metadata).toMatchObject({ simulation: true, searcher_type: 'bm25', k: 10 });
      expect(log.metadata.note).toMatch(/simulated/i);
      expect(JSON.stringify(log)).not.toMatch(/"(use|negative|rank|facts|evidence)":/);

      const [record, ...more] = readLog(path);
      expect(more).toEqual([]);
      if (record?.kind !== 'trajectory') throw new Error(`no trajectory: ${JSON.stringify(record)}`);
      const { trajectory } = record;
      expect(trajectory).toMatchObject({
        queryId: question.id,
        question: question.text,
        retriever: 'bm25',
        completed: answer !== null,
        outcome: correct ? 'correct' : 'incorrect',
        noPairs: null,
      });
      const kinds = trajectory.steps.map(({ kind }) => kind);
      expect(kinds).toEqual([...actions.map(({ kind }) => kind), 'answer']);
      trajectory.steps.forEach((step, i) => {
        const action = actions[i];
        if (step.kind === 'search' && action?.kind === 'search') {
          expect(step.query).toBe(action.query);
          expect(step.candidates.map(({ id }) => id)).toEqual(action.results.map(({ id }) => id));
        }
        if (step.kind === 'browse' && action?.kind === 'browse') {
          const next = actions[i + 1];
          expect(step.doc).toBe(action.id);
          expect(step.reasoning).toBe(next?.kind === 'think' ? next.text : null);
        }
      });
    }
  });
});
