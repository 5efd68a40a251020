import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { browses, fixture, logFile, outline, readAll, shownAt, trajectoriesOf } from '../logs.ts';
import { expectVeldra, readFixture, valuesAt } from './spans.ts';

type Run = Record<string, unknown> & { readonly id: string; readonly parent_run_id: string | null };
const runs: Run[] = readFileSync(fixture('langsmith.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map(line => JSON.parse(line));

const root = runs.find(run => run.parent_run_id === null)!;

describe('LangSmith runs', () => {
  const trajectory = readFixture('langsmith.jsonl');

  it('are read in the order of time, each step at its line', () => {
    expectVeldra(trajectory);
    expect(outline(trajectory.steps)).toBe(
      'think 9, search 16, search 16, think 3, browse 12, browse 6, think 13, think 14, tool 1, search 15, think 11, answer 11',
    );
    expect(valuesAt('langsmith.jsonl', trajectory)).toEqual(trajectory.steps.map(({ step }) => runs[step]));
    expect(trajectory.skipped).toEqual([{ step: 11, reason: 'content of the type image' }]);
  });

  it('have the id of their question and their verdict at the outermost', () => {
    expect(trajectory).toMatchObject({ format: 'langsmith', queryId: 'veldra-7', outcome: 'correct' });
    const others = runs.map(run =>
      run === root
        ? { ...run, extra: {}, feedback_stats: { correct: { avg: 0.5 } }, reference_example_id: 'x' }
        : run,
    );
    expect(trajectoriesOf(logFile(JSON.stringify(others)))).toMatchObject([
      { queryId: 'x', outcome: 'unknown' },
    ]);
  });

  it('are the same within each other, each step at its run', () => {
    const name = 'langsmith-tree.json';
    const read = readFixture(name);
    expectVeldra(read);
    expect(read).toMatchObject({ format: 'langsmith-tree', id: 'veldra-7', outcome: 'correct' });
    const ids = shownAt(fixture(name), read).map(([kind, text]) => [kind, JSON.parse(text).id]);
    expect(ids).toEqual(trajectory.steps.map(({ kind, step }) => [kind, runs[step]!.id]));
  });

  it('too deep within each other are named', () => {
    const run = '{"run_type":"chain","id":"r","name":"n"';
    const deep = `${`${run},"child_runs":[`.repeat(20_000)}${run}}${']}'.repeat(20_000)}`;
    expect(readAll(deep)).toMatchObject([
      { trajectory: { skipped: [{ step: 100, reason: 'the runs within this one: deeper than 100' }] } },
    ]);
  });

  it('whose inputs and outputs are hidden say so', () => {
    const hidden = runs.map(run => ({ ...run, inputs: {}, outputs: {} }));
    const [read] = trajectoriesOf(logFile(JSON.stringify(hidden)));
    expect(read!.noPairs).toMatch(/^content not recorded/);
  });

  it('that failed are errors, and what is no run is named', () => {
    const failed = runs.map(run => (run.name === 'web_fetch' ? { ...run, error: 'Timeout()' } : run));
    const [read] = trajectoriesOf(logFile(JSON.stringify([...failed, { note: 'exported by hand' }])));
    expect(browses(read!).map(({ error }) => error)).toEqual(['the tool failed', 'the tool failed']);
    expect(read!.skipped).toContainEqual({ step: null, reason: '1 other record of the file: not runs' });
  });
});
