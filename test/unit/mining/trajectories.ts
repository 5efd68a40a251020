import fc from 'fast-check';
import type { Label, LabelLookup, OutlineStep, TrajectoryOutline } from '../../../src/trajectory/outline.ts';

/** A trajectory with a label for every browse: all that mining may look at. */
export interface Case {
  readonly outlines: readonly TrajectoryOutline[];
  readonly labelOf: LabelLookup;
}

const label = fc.constantFrom<Label>('relevant', 'irrelevant', 'unknown', 'relevant');
const doc = fc.integer({ min: 0, max: 9 }).map(n => `d${n}`);
const list = fc.array(doc, { maxLength: 6 });

/** What a turn does: think or not, then calls. Few documents, so that lists overlap and documents are opened again. */
const call = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('search' as const),
      lists: fc.array(list, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('browse' as const),
      docs: fc.array(fc.option(doc, { freq: 12 }), { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('tool' as const) }) },
);
const turn = fc.record({
  thinks: fc.option(fc.integer({ min: 1, max: 400 }), { freq: 4 }),
  calls: fc.array(call, { minLength: 1, maxLength: 2 }),
});

const trajectory = fc.record({
  turns: fc.array(turn, { maxLength: 9 }),
  question: fc.constantFrom('Which bog?', ' which  BOG? ', 'Which fen?', null),
  queryId: fc.constantFrom('0', '1', null),
  outcome: fc.constantFrom('correct' as const, 'incorrect' as const, 'unknown' as const),
  labels: fc.array(label, { minLength: 60, maxLength: 60 }),
});

/** Random trajectories: batched queries, parallel calls, several documents per browse, re-reading, unlisted documents. */
export const cases: fc.Arbitrary<Case> = fc.array(trajectory, { minLength: 1, maxLength: 4 }).map(drawn => {
  const labels = new Map<string, Label>();
  const outlines = drawn.map(({ turns, question, queryId, outcome, labels: pool }, ordinal) => {
    const steps: OutlineStep[] = [];
    let step = 0;
    turns.forEach(({ thinks, calls }, at) => {
      if (thinks !== null) steps.push({ kind: 'think', step: step++, turn: at, tokens: thinks });
      for (const made of calls) {
        if (made.kind === 'tool') steps.push({ kind: 'tool', step: step++, turn: at });
        if (made.kind === 'search') {
          made.lists.forEach((documents, part) => {
            steps.push({ kind: 'search', step, turn: at, part, query: `q${step}.${part}`, documents });
          });
          step++;
        }
        if (made.kind === 'browse') {
          made.docs.forEach((opened, part) => {
            const reasoningTokens = turns[at + 1]?.thinks ?? null;
            steps.push({ kind: 'browse', step, turn: at, part, doc: opened, reasoningTokens });
            labels.set(`${ordinal} ${step} ${opened}`, pool[(step * 3 + part) % pool.length]!);
          });
          step++;
        }
      }
    });
    return { log: `${ordinal}.json`, trajectory: String(ordinal), queryId, question, outcome, steps };
  });
  return {
    outlines,
    labelOf: ({ trajectory, step, doc: opened }) =>
      labels.get(`${trajectory} ${step} ${opened}`) ?? 'unknown',
  };
});
