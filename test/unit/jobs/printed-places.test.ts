import { describe, expect, it } from 'vitest';
import { describeError, LratError } from '../../../src/base/errors.ts';
import { ofLabelling, ofRuns, ofStatus, ofTraining } from '../../../src/cli/answers.ts';
import { printedPlaces } from '../../../src/jobs/printed-places.ts';
import { newRunId } from '../../../src/training/run-folder.ts';

/** What is found in every line of a text, with the words that become the link. */
const found = (text: string) =>
  text.split('\n').flatMap(line =>
    printedPlaces(line).map(({ start, length, ...rest }) => ({
      words: line.slice(start, start + length),
      ...rest,
    })),
  );
const id = newRunId();
const none = { groups: [], trajectories: 0, searches: 0, browses: 0, notLogs: 0 };

describe('what the command line prints', () => {
  it('names runs, by id and by path', () => {
    const run = `/home/me/logs of may/.lrat/runs/${id}`;
    const printed = ofTraining({
      ...{ state: 'stopped', run, model: '/home/me/model', rows: 10, steps: 3, loss: 1 },
      ...{ rowsPerSecond: 5, figures: {}, computing: ['computing on cpu: …'], heldOut: null },
    } as unknown as Parameters<typeof ofTraining>[0]);
    const place = { kind: 'run', id };
    // A path with spaces begins after the last of them: the id says which run it is.
    const words = `may/.lrat/runs/${id}`;
    expect(found(printed)).toEqual([
      { ...place, words },
      { ...place, words },
    ]);

    const list = ofRuns({
      runs: [
        {
          ...{ id, path: run, kind: 'training', name: 'm', title: 't', created: '2026-01-02', out: 'm' },
          ...{ state: 'running', step: 1, steps: 9, loss: null, figures: {}, counts: {} },
          ...{ error: null, pid: 1, background: true },
        },
      ],
      problems: [],
    });
    expect(found(list)).toEqual([{ ...place, words: id }]);
  });

  it('names logs with the line or the step, also where their names hold spaces', () => {
    const problems = [
      { log: 'runs/a b.jsonl', place: 'line 7', reason: 'is no JSON: “{x” in other.json' },
      { log: 'runs/5.json', place: 'result[3]', reason: 'is not known.' },
      { log: 'runs/6.json', place: '', reason: 'is empty.' },
      { log: 'runs/tape.yaml', place: 'line 3', reason: 'is no YAML.' },
      { log: 'runs/inspect.eval', place: '', reason: 'is broken off; see a.logger.' },
    ];
    expect(found(ofStatus({ ...none, problems }))).toEqual([
      { kind: 'log', path: 'runs/a b.jsonl', line: 7, step: null, words: 'runs/a b.jsonl, line 7' },
      { kind: 'log', path: 'other.json', line: null, step: null, words: 'other.json' },
      { kind: 'log', path: 'runs/5.json', line: null, step: null, words: 'runs/5.json, result[3]' },
      { kind: 'log', path: 'runs/6.json', line: null, step: null, words: 'runs/6.json' },
      { kind: 'log', path: 'runs/tape.yaml', line: 3, step: null, words: 'runs/tape.yaml, line 3' },
      { kind: 'log', path: 'runs/inspect.eval', line: null, step: null, words: 'runs/inspect.eval' },
    ]);
    const label = ofLabelling({
      log: 'runs/5.json',
      step: 12,
      label: 'relevant',
      documents: ['1'],
    } as unknown as Parameters<typeof ofLabelling>[0]);
    expect(found(label)).toEqual([
      { kind: 'log', path: 'runs/5.json', line: null, step: 12, words: 'runs/5.json, step 12' },
    ]);
    const error = describeError(new LratError('cannot be read.', { place: '/w/my logs/5.jsonl, line 3' }));
    expect(found(`lrat: ${error}`)).toEqual([
      { kind: 'log', path: '/w/my logs/5.jsonl', line: 3, step: null, words: '/w/my logs/5.jsonl, line 3' },
    ]);
  });

  it('names nothing in ordinary lines', () => {
    expect(found('7 trajectories, 75 searches, 17 browses.\nNo problems.\n  12 label unknown')).toEqual([]);
  });
});
