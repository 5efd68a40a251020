import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { Trajectory } from '../../../../src/trajectory/model.ts';
import { browses, expectPlaces, fixture, searches, shownAt, trajectoriesOf } from '../logs.ts';

/** The fixtures of traces all tell the same run, each in its format's words. */
export const veldra = {
  question: 'Which lighthouse on the island of Veldra was lit first?',
  answer: 'The Skerry Light, lit in 1803.',
  paged: 'Norr was lit in 1840. Skerry may be older, so I read on there.',
  confirmed: 'Skerry had a keeper in 1803, before Norr. The archive can confirm it.',
};

/** The only trajectory of a fixture; its steps' places are checked against the bytes. */
export function readFixture(name: string): Trajectory {
  const [trajectory, ...others] = trajectoriesOf(fixture(name));
  if (trajectory === undefined || others.length > 0) throw new Error(`${others.length} more trajectories`);
  expectPlaces(fixture(name), trajectory);
  return trajectory;
}

/** The values of a fixture that has one a line. */
export function linesOf(name: string) {
  return readFileSync(fixture(name), 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line));
}

/** What stands at each step's place, parsed. */
export function valuesAt(name: string, trajectory: Trajectory): unknown[] {
  return shownAt(fixture(name), trajectory).map(([, text]) => JSON.parse(text));
}

/** The run's searches and browses, whatever the format. */
export function expectVeldra(trajectory: Trajectory): void {
  expect(trajectory).toMatchObject({
    question: veldra.question,
    answer: veldra.answer,
    agent: 'lumen-2',
    completed: true,
    noPairs: null,
  });
  expect(searches(trajectory)).toMatchObject([
    {
      part: 0,
      query: 'first lighthouse Veldra',
      candidates: [
        { id: 'lights.example/skerry', rank: 1, title: 'Skerry Light' },
        { id: 'lights.example/norr', rank: 2 },
      ],
    },
    { part: 1, query: 'Veldra harbour light history', candidates: [{ id: 'lights.example/norr', rank: 1 }] },
    {
      query: 'keepers of Skerry',
      candidates: [
        {
          id: 'archive.example/keepers',
          rank: 1,
          title: 'Keepers',
          snippet: 'Keepers of Skerry from 1803 on.',
        },
        { id: 'ledgers/oil.txt', rank: 2, title: null, url: null },
      ],
    },
  ]);
  // The second page of Skerry is read in the next turn: both turns' reasoning is about it.
  expect(browses(trajectory)).toMatchObject([
    { doc: 'lights.example/norr', text: 'Norr Light was lit in 1840.', reasoning: veldra.paged },
    {
      doc: 'lights.example/skerry',
      text: "Skerry Light. Page 1 of 2.\n\nThe lamp's keeper was paid from May 1803.",
      reasoning: `${veldra.paged}\n\n${veldra.confirmed}`,
    },
  ]);
}
