import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Asked, holdOut, rowQuestion } from '../../../src/evaluation/split.ts';

const asked = (row: Partial<Asked>): Asked => ({ query: 'q', question: null, query_id: null, ...row });

describe('rowQuestion', () => {
  it('is the text as compared, else the id, else the query', () => {
    const key = rowQuestion(asked({ question: ' Who  wrote IT?', query_id: '7' }));
    expect(rowQuestion(asked({ question: 'who wrote it?', query_id: '8', query: 'x' }))).toBe(key);
    expect(rowQuestion(asked({ query_id: '7', query: 'a' }))).toBe(
      rowQuestion(asked({ query_id: '7', query: 'b' })),
    );
    expect(rowQuestion(asked({ query: 'A  b' }))).toBe(rowQuestion(asked({ query: 'a b' })));
    const keys = [asked({ question: '7' }), asked({ query_id: '7' }), asked({ query: '7' })].map(rowQuestion);
    expect(new Set(keys).size).toBe(3);
  });
});

describe('holdOut', () => {
  const spelt = fc.constantFrom('Who?', ' who? ', 'WHO?', 'When?', 'when?', 'Where?', 'Why?', 'How?');
  const row = fc.record({
    query: fc.constantFrom('a', 'A ', 'b', 'c'),
    question: fc.option(spelt),
    query_id: fc.option(fc.constantFrom('1', '2', '3', '4', '5', '6')),
  });

  it('never puts rows of one question on both sides, whatever each of them names of it', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 30 }), fc.integer(), (rows, seed) => {
        const isHeldOut = holdOut(rows, 0.5, seed);
        for (const a of rows) {
          for (const b of rows) {
            const sameText =
              a.question !== null && a.question.trim().toLowerCase() === b.question?.trim().toLowerCase();
            const sameId = a.query_id !== null && a.query_id === b.query_id;
            if (sameText || sameId) expect(isHeldOut(a)).toBe(isHeldOut(b));
          }
        }
      }),
    );
  });

  it('follows a chain of any length', () => {
    // Each id links a text to the next, so that all of them are one question.
    const text = (i: number) => String(i).padStart(6, '0');
    const rows = Array.from({ length: 30_000 }, (_, i) => [
      asked({ question: text(i), query_id: `${i}` }),
      asked({ question: text(i + 1), query_id: `${i}` }),
    ]).flat();
    expect(new Set(rows.map(holdOut(rows, 0.5, 1))).size).toBe(1);
  });

  it('does not depend on the order of the rows', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 30 }), fc.integer(), (rows, seed) => {
        const [forth, back] = [holdOut(rows, 0.5, seed), holdOut(rows.toReversed(), 0.5, seed)];
        expect(rows.map(forth)).toEqual(rows.map(back));
      }),
    );
  });

  const questions = Array.from({ length: 4000 }, (_, i) =>
    asked({ question: `Question ${i}?`, query_id: `${i}` }),
  );

  it('holds out the fraction, other questions with another seed', () => {
    const first = holdOut(questions, 0.2, 1);
    const second = holdOut(questions, 0.2, 2);
    // Four standard errors of 4,000 draws are 101.
    expect(Math.abs(questions.filter(first).length - 800)).toBeLessThan(101);
    const both = questions.filter(question => first(question) && second(question)).length;
    expect(Math.abs(both - 160)).toBeLessThan(50);
    expect(questions.some(holdOut(questions, 0, 1))).toBe(false);
    expect(questions.every(holdOut(questions, 1, 1))).toBe(true);
    expect(() => holdOut(questions, 1.5, 1)).toThrow(RangeError);
  });

  it('leaves a question where it is when others come', () => {
    const few = questions.slice(0, 100);
    expect(few.map(holdOut(questions, 0.3, 1))).toEqual(few.map(holdOut(few, 0.3, 1)));
  });

  it('holds out more of what it held out, for a larger fraction', () => {
    const larger = holdOut(questions, 0.4, 1);
    expect(questions.filter(holdOut(questions, 0.2, 1)).every(larger)).toBe(true);
  });
});
