import { describe, expect, it } from 'vitest';
import { type Answered, compareAnswer, References, resolveOutcome } from '../../../src/trajectory/outcome.ts';
import { logFile } from './logs.ts';

const answered = (more: Partial<Answered> = {}): Answered => ({
  queryId: 'q1',
  question: 'Which moth?',
  answer: 'Argina amanda',
  references: [],
  completed: true,
  outcome: 'unknown',
  ...more,
});
const references = (content: string) => References.read(logFile(content, '.tsv'));

describe('comparing an answer with the right ones', () => {
  const long = (answer: string) =>
    `After a long search through many pages the one thing that fits the question is ${answer}, as two sources say.`;

  it.each([
    ['Argina amanda', ['argina  AMANDA.'], 'correct'],
    ['the Epsom Derby', ['Epsom Derby'], 'correct'],
    ['It is the **Epsom Derby**.', ['Epsom Derby'], 'correct'],
    ['Epsom', ['Epsom Derby'], 'unknown'],
    ['Ascot', ['Epsom Derby'], 'incorrect'],
    ['Ascot', ['Epsom Derby', 'Ascot'], 'correct'],
    [long('Epsom Derby'), ['Epsom Derby'], 'correct'],
    [long('the Epsom-Derby'), ['Ascot'], 'unknown'],
    [long('the answer yes'), ['Yes'], 'unknown'],
    [long('Derbyshire'), ['Derby'], 'unknown'],
    ['Explanation: because [12].\nExact Answer: Ascot\nConfidence: 90%', ['Epsom'], 'incorrect'],
    ['Explanation: because [12].\n**Exact Answer:** Epsom\nConfidence: 90%', ['Epsom'], 'correct'],
    [`${long('Ascot')} \\boxed{\\text{Ascot}}`, ['Epsom Derby'], 'incorrect'],
    [`${long('Ascot')} \\boxed{42}`, ['42'], 'correct'],
    ['…', ['Epsom'], 'unknown'],
    ['Epsom', ['…'], 'unknown'],
    ['naïa', ['naï'], 'incorrect'],
  ])('%s', (answer, right, outcome) => {
    expect(compareAnswer(answer, right)).toBe(outcome);
  });
});

describe('the outcome of a run', () => {
  const file = references('q1\tWhich moth?\tArgina amanda\n');

  it('comes from an explicit verdict first', () => {
    expect(resolveOutcome(answered({ outcome: 'incorrect' }), file)).toEqual({
      outcome: 'incorrect',
      source: 'log verdict',
    });
    const verdicts = references('{"query_id": "q1", "correct": false, "answer": "Argina amanda"}');
    expect(resolveOutcome(answered(), verdicts)).toEqual({ outcome: 'incorrect', source: 'file verdict' });
  });

  it('then from the right answer, the file before the log', () => {
    expect(resolveOutcome(answered(), file)).toEqual({ outcome: 'correct', source: 'file answer' });
    expect(resolveOutcome(answered({ references: ['Ascot'] }), file).outcome).toBe('correct');
    expect(resolveOutcome(answered({ references: ['Ascot'] }))).toEqual({
      outcome: 'incorrect',
      source: 'log answer',
    });
  });

  it('is incorrect without an answer or an end, if there is a right answer', () => {
    expect(resolveOutcome(answered({ answer: null }), file).outcome).toBe('incorrect');
    expect(resolveOutcome(answered({ completed: false }), file).outcome).toBe('incorrect');
    expect(resolveOutcome(answered({ completed: false, answer: null }))).toEqual({
      outcome: 'unknown',
      source: 'none',
    });
  });
});

describe('files of right answers', () => {
  it('takes the last column for the answer: questions hold tabs', () => {
    const file = references(
      '\uFEFFid\tquestion\tanswer\r\nq1\tWhich\tmoth?\tArgina\r\n\r\nq2\tWhere?\tAfrica\r\n',
    );
    expect(file.problems).toEqual([]);
    expect(file.of({ queryId: 'q1', question: null })).toMatchObject({
      question: 'Which\tmoth?',
      answers: ['Argina'],
    });
    expect(file.of({ queryId: null, question: ' where? ' })).toMatchObject({
      answers: ['Africa'],
      place: 'line 4',
    });
    expect(file.of({ queryId: 'q3', question: 'When?' })).toBeNull();
  });

  it.each([
    [
      'JSON Lines',
      '{"id": "q1", "question": "Which?", "answer": "a"}\n{"query_id": 2, "answer": ["b", "c"]}\n',
    ],
    [
      'JSON',
      '[{"id": "q1", "question": "Which?", "answer": "a"}, {"query_id": 2, "answers": [["b"], ["c"]]}]',
    ],
    [
      'an evaluation summary',
      '{"per_query_metrics": [{"query_id": "q1", "answer": "a"}, {"query_id": 2, "answer": ["b", "c"], "recall": 1}]}',
    ],
  ])('reads %s', (_shape, content) => {
    const file = references(content);
    expect(file.of({ queryId: 'q1', question: null })?.answers).toEqual(['a']);
    expect(file.of({ queryId: '2', question: null })?.answers).toEqual(['b', 'c']);
  });

  it('does not choose between two entries for one id', () => {
    const file = references('q1\tA?\ta\nq1\tA?\tb\nq2\tB?\tc\nq2\tB?\tC.\nnonsense\n');
    expect(file.problems.map(({ place, reason }) => `${place}: ${reason}`)).toEqual([
      'line 5: is no line `id<TAB>question<TAB>answer`, and was left out.',
      'line 2: repeats the id q1 of line 1; it says something else, so neither is used.',
      'line 4: repeats the id q2 of line 3; it says the same.',
    ]);
    expect(file.of({ queryId: 'q1', question: 'A?' })).toBeNull();
    expect(file.of({ queryId: 'q2', question: null })?.answers).toEqual(['c']);
  });

  it('does not use an id that stands for another question', () => {
    const file = references('0\tWho?\tme\n1\tWhich moth?\tArgina\n');
    const run = { queryId: '0', question: 'Which moth?' };
    expect(file.of(run)?.answers).toEqual(['Argina']);
    expect(file.mismatches([run])).toMatchObject([
      { place: 'line 1', reason: expect.stringContaining('the id 0 for another question') },
      { place: '', reason: '1 of its 2 entries match no trajectory (0).' },
    ]);
  });

  it('says so if it matches nothing', () => {
    expect(references('9\tWho?\tme\n').mismatches([{ queryId: 'x', question: 'y' }])).toMatchObject([
      { reason: expect.stringContaining('matches none of the 1 trajectories') },
    ]);
    expect(references('9\tWho?\tme\n').mismatches([{ queryId: '9', question: null }])).toEqual([]);
  });

  it('refuses what holds no answers', () => {
    expect(() => references('q1\tonly a question\n')).toThrow('has no reference answers');
    expect(() => references('{"query_id": "q1"}')).toThrow('has no reference answers');
    expect(() => References.read('/nowhere.tsv')).toThrow('cannot be read');
    const broken = references('{"id": "a", "answer": "x"}\n{"id": \n');
    expect(broken.problems).toMatchObject([{ place: 'line 2', reason: 'is not JSON, and was left out.' }]);
  });
});
