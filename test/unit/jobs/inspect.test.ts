import { rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unwatched } from '../../../src/base/progress.ts';
import { buildIndex } from '../../../src/jobs/index.ts';
import { Inspector } from '../../../src/jobs/inspect.ts';
import { judgeWorkspace } from '../../../src/jobs/judge.ts';
import type { PairQuery } from '../../../src/protocol.ts';
import { readConfig, updateConfig } from '../../../src/workspace/config.ts';
import { type WorkspacePaths, workspacePaths } from '../../../src/workspace/paths.ts';
import { simulatedWorkspace } from '../../ui/world.ts';

describe('what the views of a workspace show', () => {
  let workspace: string;
  let paths: WorkspacePaths;
  let inspector: Inspector;

  beforeAll(async () => {
    workspace = await simulatedWorkspace(4);
    paths = workspacePaths(workspace);
    await buildIndex({ workspace, paths: [], answers: undefined }, unwatched);
    inspector = await Inspector.open(workspace, 'ada');
  });
  afterAll(() => {
    inspector.close();
    rmSync(workspace, { recursive: true, force: true });
  });
  const all = () => inspector.trajectories({}, { offset: 0, limit: -1 });
  const firstBrowse = () => inspector.queuedBrowses(0.5, 'waiting', 'place', '', 0, 1)[0]!.key;

  it('is told to be new only by what somebody else changed', async () => {
    expect(await inspector.refresh()).toBeNull();
    const key = firstBrowse();
    inspector.label(key, 'relevant');
    expect(await inspector.refresh()).toBeNull();
    inspector.undo();
    expect(await inspector.refresh()).toBeNull();

    await judgeWorkspace({ workspace, judge: 'rules' }, unwatched);
    expect(await inspector.refresh()).toBe('labels');
    expect(await inspector.refresh()).toBeNull();

    const [last] = all().slice(-1);
    rmSync(inspector.pathOf(last!.log));
    await buildIndex({ workspace, paths: [], answers: undefined }, unwatched);
    expect(await inspector.refresh()).toBe('index');
    expect(await inspector.refresh()).toBeNull();
    expect(all().map(({ log }) => log)).not.toContain(last!.log);
  });

  it('tells the labels of the person who looks from those of others, in every view', async () => {
    const query: PairQuery = {
      ...{ mode: 'attributed', against: null, selection: 'pairs', words: '', lengths: null },
      ...{ sort: 'place', descending: false },
    };
    const row = async () => (await inspector.pairsRows(query, 0, 1)).rows[0]!;
    const { log, trajectory, step, doc } = await row();
    inspector.label({ log, trajectory, step, doc }, 'relevant');
    const shown = async () => {
      const steps = await inspector.steps(log, trajectory, 0, 1000);
      const labels = steps.flatMap(each =>
        each.kind === 'browse' && each.step === step && each.doc === doc ? [each.label] : [],
      );
      return [(await row()).label, ...labels].map(({ by, name, isOwn }) => [by, name, isOwn]);
    };
    expect(await shown()).toEqual([1, 2].map(() => ['person', 'ada', true]));
    inspector.signAs('bob');
    expect(await shown()).toEqual([1, 2].map(() => ['person', 'ada', false]));
    inspector.signAs('ada');
    inspector.undo();
  });

  it('counts pairs in the order of the trajectories', async () => {
    const counts = await inspector.pairCountsInOrder();
    expect(counts.some(count => count > 0)).toBe(true);
    const named = all().map(({ log, trajectory }, i) => [log, trajectory, counts[i]]);
    expect(named.filter(([, , count]) => count !== 0)).toEqual(await inspector.pairCounts());
  });

  it('takes in a changed configuration, and one with a fault says so once', async () => {
    const { log, trajectory } = all()[0]!;
    const mode = async () => (await inspector.pairsHead(null, null)).mode;
    const tokens = async () => (await inspector.head(log, trajectory)).outline.map(({ size }) => size);
    expect(await mode()).toBe('attributed');
    const before = await tokens();
    updateConfig(paths, { mining: { mode: 'released' } });
    const mining = inspector.pairCounts();
    expect(await inspector.refresh()).toBe('index');
    expect(await mode()).toBe('released');
    await mining;
    updateConfig(paths, { tokenizer: readConfig(paths).tokenizer === 'words' ? 'cl100k_base' : 'words' });
    await inspector.refresh();
    expect(await tokens()).not.toEqual(before);

    writeFileSync(paths.config, '{"version": 1, "mining": {"mode": "other"}}');
    await expect(inspector.refresh()).rejects.toMatchObject({ place: paths.config });
    expect(await inspector.refresh()).toBeNull();
    expect(await mode()).toBe('released');
    writeFileSync(paths.config, '{"version": 1, "mining": {"mode": "paper"}}');
    expect(await inspector.refresh()).toBe('index');
    expect(await mode()).toBe('paper');
  });
});
