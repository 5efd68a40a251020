import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { browses, expectPlaces, fixture, outline, readOne, searches, trajectoriesOf } from '../logs.ts';
import { expectVeldra, linesOf, readFixture, valuesAt } from './spans.ts';

const trajectory = readFixture('langfuse.json');
const trace = JSON.parse(readFileSync(fixture('langfuse.json'), 'utf8'));

describe('A Langfuse trace', () => {
  it('is read in the order of time, each step at its observation', () => {
    expect(outline(trajectory.steps)).toBe(
      'think 8, search 3, search 3, think 4, browse 5, browse 6, think 1, think 11, tool 10, search 7, think 12, answer 12',
    );
    expect(valuesAt('langfuse.json', trajectory)).toEqual(
      trajectory.steps.map(({ step }) => trace.observations[step]),
    );
  });

  it('counts what both a model and a tool wrote down once, and finds the lists of nested retrievers', () => {
    expectVeldra(trajectory);
    expect(searches(trajectory).map(({ turn }) => turn)).toEqual([0, 0, 3]);
  });

  it('has its names and its verdict from the trace', () => {
    expect(trajectory).toMatchObject({
      format: 'langfuse',
      id: 'veldra-7',
      queryId: 'veldra-7',
      retriever: 'lights-bm25',
      outcome: 'correct',
    });
  });

  it('says what it leaves out', () => {
    expect(trajectory.skipped).toEqual([
      { step: 12, reason: 'content of the type image' },
      { step: 13, reason: 'a span of the type EVALUATOR' },
    ]);
  });

  it('is the same as the rows of a table, one trace after the other, each step at its row', () => {
    const name = 'langfuse-observations.jsonl';
    const [own, other, ...more] = trajectoriesOf(fixture(name));
    if (own === undefined || other === undefined) throw new Error('two traces');
    expect(more).toEqual([]);
    expectVeldra(own);
    expect(own).toMatchObject({ id: 'trace-veldra', format: 'langfuse-observations' });
    const rows = linesOf(name);
    const observations = new Map(trace.observations.map((row: { id: string }) => [row.id, row]));
    expect(own.steps.map(({ step }) => observations.get(rows[step].id))).toEqual(
      trajectory.steps.map(({ step }) => trace.observations[step]),
    );
    expect(other).toMatchObject({ id: 'trace-other', format: 'langfuse-observations' });
    expect(searches(other)).toMatchObject([{ candidates: [{ id: 'lights.example/brae' }] }]);
    expect(browses(other)).toMatchObject([{ doc: 'lights.example/brae', error: 'the tool failed' }]);
    for (const one of [own, other]) {
      expectPlaces(fixture(name), one);
      expect(valuesAt(name, one)).toEqual(one.steps.map(({ step }) => rows[step]));
    }
  });
});

describe('Observations', () => {
  const generation = (start: number, output: unknown, more: object = {}) => ({
    id: `g${start}`,
    type: 'GENERATION',
    name: 'chat',
    startTime: `2026-01-01T00:00:${String(start).padStart(2, '0')}Z`,
    output,
    ...more,
  });
  const tool = (start: number, name: string, input: unknown, output: unknown, more: object = {}) => ({
    ...generation(start, output, more),
    id: `t${start}`,
    type: 'TOOL',
    name,
    input,
  });
  const says = (reasoning_content: string, ...calls: [id: string, name: string, input: unknown][]) => ({
    role: 'assistant',
    content: '',
    reasoning_content,
    tool_calls: calls.map(([id, name, input]) => ({
      id,
      function: { name, arguments: JSON.stringify(input) },
    })),
  });
  const read = (...observations: object[]) => readOne({ trace: { id: 't' }, observations });

  it('may lead in a circle, be their own parents, or have none that is there', () => {
    const ring = read(
      tool(1, 'web_search', { query: 'a' }, [], { parentObservationId: 't2' }),
      tool(2, 'other', {}, 'x', { parentObservationId: 't1' }),
      tool(3, 'fetch', { url: 'a.example/1' }, 'page', { parentObservationId: 't3' }),
      generation(4, says('looks right'), { parentObservationId: 'gone' }),
    );
    expect(outline(ring.steps)).toBe('search 0, tool 1, browse 2, think 3');
  });

  it('without a time stay behind the one before them in the file', () => {
    const { steps } = read(
      generation(5, { role: 'assistant', content: 'Done.' }),
      tool(1, 'web_search', { query: 'a' }, []),
      tool(0, 'fetch', { url: 'a.example/1' }, 'page', { startTime: 'soon' }),
    );
    expect(outline(steps)).toBe('search 1, browse 2, answer 0');
  });

  it('find what a tool answered in what the model is told next, if the tool wrote no span', () => {
    const told = [
      { role: 'user', content: 'q?' },
      says('', ['c1', 'web_search', { query: 'a' }]),
      { role: 'tool', tool_call_id: 'c1', content: '[{"url": "https://a.example/1"}]' },
    ];
    const read1 = read(
      generation(1, says('look', ['c1', 'web_search', { query: 'a' }])),
      generation(2, says('open', ['c2', 'fetch', { url: 'https://a.example/1' }]), { input: told }),
      generation(
        3,
        { role: 'assistant', content: 'Yes.', reasoning_content: 'it says so' },
        {
          input: [...told, { role: 'tool', tool_call_id: 'c2', content: 'the page' }],
        },
      ),
    );
    expect(searches(read1)).toMatchObject([{ step: 1, turn: 0, candidates: [{ id: 'a.example/1' }] }]);
    expect(browses(read1)).toMatchObject([{ step: 2, text: 'the page', reasoning: 'it says so' }]);
  });

  it('keep apart the reasoning of agents that work at the same time', () => {
    const agent = (id: string) => ({ ...generation(0, null), id, type: 'AGENT', name: id });
    const within = (parentObservationId: string) => ({ parentObservationId });
    const both = read(
      agent('a'),
      agent('b'),
      generation(1, says('a1', ['a1', 'fetch', { url: 'x.example/a' }]), within('a')),
      tool(2, 'fetch', { url: 'x.example/a' }, 'page a', within('a')),
      generation(3, says('b1', ['b1', 'fetch', { url: 'x.example/b' }]), within('b')),
      tool(4, 'fetch', { url: 'x.example/b' }, 'page b', within('b')),
      generation(5, says('b2', ['b2', 'other', {}]), within('b')),
      generation(6, says('a2', ['a2', 'other', {}]), within('a')),
    );
    expect(browses(both)).toMatchObject([
      { doc: 'x.example/a', reasoning: 'a2' },
      { doc: 'x.example/b', reasoning: 'b2' },
    ]);
  });

  it('of a model within a tool are no turns of the agent', () => {
    const one = read(
      generation(1, says('open', ['c1', 'fetch', { url: 'x.example/a' }])),
      tool(2, 'fetch', { url: 'x.example/a' }, 'extract'),
      generation(
        3,
        { role: 'assistant', content: '<think>sum up</think>extract' },
        { parentObservationId: 't2' },
      ),
      generation(4, { role: 'assistant', content: 'No.', reasoning_content: 'of no use' }),
    );
    expect(browses(one)).toMatchObject([{ reasoning: 'of no use' }]);
    expect(one.skipped).toEqual([{ step: 2, reason: 'a model call within a tool' }]);
  });

  it('pair a run with the call of its arguments, then with the first of its name', () => {
    const fetch = (n: number) => [`c${n}`, 'fetch', { url: `x.example/${n}` }] as [string, string, unknown];
    const three = read(
      generation(1, says('open', fetch(1), fetch(2), fetch(3))),
      tool(2, 'mcp__web__fetch', { url: 'x.example/2', timeout: 5 }, 'page 2'),
      tool(3, 'fetch', null, 'page 1'),
      tool(4, 'fetch', { url: 'x.example/4' }, 'page 4'),
    );
    expect(browses(three).map(({ doc, text }) => [doc, text])).toEqual([
      ['x.example/2', 'page 2'],
      ['x.example/1', 'page 1'],
      ['x.example/4', 'page 4'],
    ]);
  });

  it('without content say so', () => {
    const bare = read(
      generation(1, null),
      tool(2, 'web_search', null, null),
      tool(3, 'fetch', undefined, undefined),
    );
    expect(bare.noPairs).toMatch(/^content not recorded/);
  });

  it('that are blocks of one message are one turn', () => {
    const block = (start: number, end: number, output: unknown) =>
      generation(start, output, { endTime: `2026-01-01T00:00:0${end}Z` });
    const use = (id: string, url: string) => [{ type: 'tool_use', id, name: 'fetch', input: { url } }];
    const { steps } = read(
      block(1, 2, [{ type: 'text', text: 'I open both.' }]),
      block(2, 3, use('c1', 'x.example/1')),
      block(3, 4, use('c2', 'x.example/2')),
      tool(5, 'fetch', { url: 'x.example/1' }, 'one'),
      tool(6, 'fetch', { url: 'x.example/2' }, 'two'),
      block(7, 8, [{ type: 'thinking', thinking: 'Both help.' }]),
      block(8, 9, [{ type: 'text', text: 'Yes.' }]),
    );
    expect(steps).toMatchObject([
      { kind: 'think', text: 'I open both.', turn: 0 },
      { kind: 'browse', reasoning: 'Both help.', turn: 0 },
      { kind: 'browse', reasoning: 'Both help.', turn: 0 },
      { kind: 'think', turn: 1 },
      { kind: 'answer', text: 'Yes.', turn: 1 },
    ]);
  });
});
