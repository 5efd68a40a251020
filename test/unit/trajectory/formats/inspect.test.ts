import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { type LogRecord, readLog, readRecord } from '../../../../src/trajectory/log.ts';
import type { Trajectory } from '../../../../src/trajectory/model.ts';
import { browses, expectPlaces, outline, readAll, readOne, searches } from '../logs.ts';

const path = join(import.meta.dirname, '../../../fixtures/logs/inspect.json');
const log = JSON.parse(readFileSync(path, 'utf8'));

function trajectories(records: readonly LogRecord[]): Trajectory[] {
  return records.map(record => {
    if (record.kind !== 'trajectory') throw new Error(record.reason);
    return record.trajectory;
  });
}

describe('a log of Inspect AI', () => {
  const records = [...readLog(path)];
  const [called, served] = trajectories(records) as [Trajectory, Trajectory];

  it('is a trajectory for each of its samples', () => {
    expect(called).toMatchObject({
      id: 'lamp-1',
      format: 'inspect',
      question: 'In which year was Tollen Light, on the Isle of Skerra, first lit?',
      agent: 'acme/seeker-1-0420',
      answer: 'Tollen Light was first lit in 1871.',
      references: ['1871', 'in 1871'],
      completed: true,
      outcome: 'correct',
      noPairs: null,
    });
    expect(served).toMatchObject({
      id: '7',
      question: 'How high is Brae Light?',
      agent: 'acme/seeker-2',
      answer: 'Brae Light is 13 m high.',
      references: ['31 m'],
      outcome: 'incorrect',
    });
  });

  it('pairs calls with their results by id, and reads lists from JSON and from citations', () => {
    expect(outline(called.steps)).toBe(
      'think 2, search 3, search 4, think 5, browse 6, think 9, browse 10, think 11, answer 11',
    );
    expect(searches(called)).toMatchObject([
      {
        query: 'Isle of Skerra lighthouse',
        candidates: [
          { id: 'skerra.example/history', rank: 1, title: 'History of Skerra' },
          { id: 'towers.example/tollen', rank: 2 },
        ],
      },
      {
        query: 'Tollen Light first lit',
        candidates: [
          {
            id: 'towers.example/tollen',
            rank: 1,
            title: 'Tollen Light',
            snippet: expect.stringMatching(/1871/),
          },
          { id: 'towers.example/brae', rank: 2, title: 'Brae Light', snippet: 'Lit in 1902.' },
        ],
      },
    ]);
  });

  it('follows links in the text browser, and takes scrolling for one browse', () => {
    expect(browses(called)).toMatchObject([
      {
        doc: 'towers.example/tollen',
        reasoning: "The page says 1871; the island's own history may confirm it.",
        text: expect.stringMatching(/First lit in 1871[\s\S]*Its keeper/),
      },
      { doc: 'skerra.example/history', reasoning: 'Both pages agree.' },
    ]);
  });

  it('says what it left out', () => {
    expect(called.skipped).toEqual([{ step: 9, reason: 'an image' }]);
    expect(served.skipped).toEqual([{ step: 1, reason: 'a reasoning that is encrypted or was not kept' }]);
  });

  it('reads what a server searched and opened between the blocks of one message', () => {
    expect(outline(served.steps)).toBe('think 1, search 1, think 1, browse 1, search 1, answer 1');
    expect(served.steps.map(({ turn }) => turn)).toEqual([0, 0, 1, 1, 2, 3]);
    expect(searches(served)).toMatchObject([
      {
        query: 'Brae Light height',
        candidates: [
          { id: 'towers.example/brae', rank: 1 },
          { id: 'towers.example/tollen', rank: 2 },
        ],
      },
      { query: 'Brae Light tower', candidates: [], error: 'the server is down' },
    ]);
    expect(browses(served)).toMatchObject([
      { doc: 'towers.example/brae', text: 'Brae Light stands 13 m high.', reasoning: null },
    ]);
    expect(served.noPairs).toMatch(/^no reasoning recorded/);
  });

  it('shows a summary for reasoning that is redacted, and never the secret', () => {
    expect(served.steps[0]).toMatchObject({ kind: 'think', text: 'A search will tell.' });
    expect(JSON.stringify(served)).not.toContain('not-to-be-read');
  });

  it('has every step at its message', () => {
    const bytes = readFileSync(path);
    [called, served].forEach((trajectory, i) => {
      expectPlaces(path, trajectory);
      for (const { step, position } of trajectory.steps) {
        const { offset, length } = position!;
        const there = JSON.parse(bytes.subarray(offset, offset + length).toString());
        expect(there).toEqual(log.samples[i].messages[step]);
      }
    });
  });

  it('gives each of its trajectories again', () => {
    for (const record of records) {
      if (record.kind !== 'trajectory') throw new Error(record.reason);
      const { kind: _, trajectory, ...place } = record;
      expect(readRecord(path, place, {}, trajectory)).toEqual(trajectory);
    }
  });

  it('is the same in an archive, sample by sample', () => {
    const { samples, ...header } = log;
    const member = (value: unknown) => strToU8(JSON.stringify(value, null, 1));
    const archive = zipSync({
      '_journal/start.json': member({ version: 2, eval: header.eval }),
      'samples/lamp-1_epoch_1.json': member(samples[0]),
      'samples/7_epoch_1.json': member(samples[1]),
      'summaries.json': member(samples.map(({ messages: _, ...summary }: { messages: unknown }) => summary)),
      'reductions.json': member([{ scorer: 'match', samples: [{ value: 1, sample_id: 7 }] }]),
      'header.json': member(header),
    });
    const packed = trajectories(readAll(archive, '.eval'));
    const withoutPlaces = (trajectory: Trajectory) => ({
      ...trajectory,
      steps: trajectory.steps.map(step => ({ ...step, position: null })),
    });
    expect(packed.map(withoutPlaces)).toEqual([called, served].map(withoutPlaces));
    expect(packed[1]!.steps[0]!.position!.member).toBe('samples/7_epoch_1.json');
  });
});

describe('samples of Inspect AI', () => {
  const sample = (fields: object) => ({
    id: 1,
    epoch: 1,
    input: 'Which?',
    messages: [
      { role: 'user', content: 'Which?' },
      { role: 'assistant', content: 'This.' },
    ],
    ...fields,
  });

  it('are right or wrong only if all scorers say the same', () => {
    const outcome = (scores: unknown) => readOne(sample({ scores })).outcome;
    expect(outcome({ a: { value: 'C' }, b: { value: 1 } })).toBe('correct');
    expect(outcome({ a: { value: 'C' }, b: { value: 'I' } })).toBe('unknown');
    expect(outcome({ a: { value: 'P' } })).toBe('unknown');
    expect(outcome({})).toBe('unknown');
    expect(readOne(sample({ score: { value: 'I' } })).outcome).toBe('incorrect');
  });

  it('that broke off are not completed', () => {
    expect(readOne(sample({})).completed).toBe(true);
    expect(readOne(sample({ error: { message: 'out of memory' } })).completed).toBe(false);
    expect(readOne(sample({ limit: { type: 'token', limit: 9 } })).completed).toBe(false);
  });

  it('without messages are left out, and the others keep their places', () => {
    const odd = { eval: { task: 't' }, samples: [{ id: 0, epoch: 1, messages: [7, 'x'] }, null, sample({})] };
    const text = JSON.stringify(odd);
    const [trajectory] = trajectories(readAll(text));
    const { offset, length } = trajectory!.steps[0]!.position!;
    expect(JSON.parse(text.slice(offset, offset + length))).toEqual({ role: 'assistant', content: 'This.' });
  });
});
