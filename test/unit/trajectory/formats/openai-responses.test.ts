import { describe, expect, it } from 'vitest';
import { browses, fixture, outline, readAll, readOne, searches, shownAt, trajectoriesOf } from '../logs.ts';

const message = (role: string, text: string) => ({
  type: 'message',
  role,
  content: [{ type: 'output_text', text }],
});
const searched = (action: object, more: object = {}) => ({
  type: 'web_search_call',
  id: 'ws',
  status: 'completed',
  action: { type: 'search', ...action },
  ...more,
});
const response = (id: string, output: unknown[], more: object = {}) => ({
  object: 'response',
  id,
  model: 'm',
  status: 'completed',
  output,
  ...more,
});

describe('items of the Responses interface', () => {
  const path = fixture('openai-items.json');
  const [trajectory] = trajectoriesOf(path);

  it('pairs parallel calls with their outputs by id; they share the reasoning after them', () => {
    expect(outline(trajectory!.steps)).toBe(
      'think 1, search 4, search 5, think 6, browse 9, browse 10, think 11, answer 15',
    );
    expect(searches(trajectory!)).toMatchObject([
      {
        query: 'lighthouses of Velmar',
        turn: 0,
        candidates: [{ id: 'v-17' }, { id: 'v-04', rank: 2 }, { id: 'v-99' }],
      },
      {
        query: 'first keeper Velmar lighthouse',
        turn: 0,
        candidates: [{ id: 'v-31', score: 9 }, { id: 'v-04' }],
      },
    ]);
    const reasoning = 'The Harrow light is from 1846 and Oda Brenn kept it first.';
    expect(browses(trajectory!)).toMatchObject([
      { doc: 'v-31', turn: 1, reasoning },
      {
        doc: 'v-04',
        turn: 1,
        text: 'The Harrow light was lit on 3 May 1846.\n\nIts tower is 31 metres high.',
        reasoning,
      },
    ]);
  });

  it('reads what stands around, and says what it left out', () => {
    expect(trajectory).toMatchObject({
      format: 'openai-items',
      id: 'velmar-1',
      agent: 'agent-1',
      question: 'Which lighthouse on the island of Velmar was lit before 1850, and who kept it first?',
      answer: 'The Harrow light, lit in 1846; Oda Brenn kept it first.',
      completed: true,
      noPairs: null,
      skipped: [
        { step: 14, reason: 'a reasoning that is encrypted or was not kept' },
        { step: 15, reason: 'citations' },
      ],
    });
  });

  it('knows where each step stands, in whichever list', () => {
    const shown = shownAt(path, trajectory!).map(([kind, text]) => [kind, JSON.parse(text)]);
    expect(shown).toMatchObject([
      ['think', { id: 'rs_1' }],
      ['search', { call_id: 'call_1', type: 'function_call_output' }],
      ['search', { call_id: 'call_2' }],
      ['think', { id: 'rs_2' }],
      ['browse', { call_id: 'call_4' }],
      ['browse', { call_id: 'call_3' }],
      ['think', { id: 'rs_3' }],
      ['answer', { role: 'assistant' }],
    ]);
  });

  it('reads a bare list, a batch line, and an input that is a text', () => {
    const output = [searched({ query: 'q' }), message('assistant', 'x')];
    expect(readOne([message('user', 'Which?'), ...output])).toMatchObject({
      question: 'Which?',
      answer: 'x',
    });
    const batch = {
      custom_id: 'run-3',
      response: { status_code: 200, body: response('r', output) },
      error: null,
    };
    expect(readOne(batch)).toMatchObject({ id: 'run-3', agent: 'm', answer: 'x', format: 'openai-items' });
    expect(readOne({ input: 'Which?', output }).question).toBe('Which?');
  });

  it('reads calls that the server carries out, and says of unknown items that they are left out', () => {
    const trajectory = readOne([
      { type: 'function_call', call_id: 'open', name: 'search', arguments: '{"query": "late"}' },
      {
        type: 'file_search_call',
        queries: ['moths'],
        results: [{ file_id: 'file-1', filename: 'm.pdf', score: 0.7, text: 'Moths fly.' }],
      },
      {
        type: 'mcp_call',
        name: 'fetch',
        server_label: 'kb',
        arguments: '{"id": "file-1"}',
        output: 'All of it.',
      },
      {
        type: 'reasoning',
        content: [{ type: 'reasoning_text', text: 'full' }],
        summary: [{ text: 'short' }],
      },
      { type: 'mcp_call', name: 'fetch', arguments: '{"id": "file-2"}', error: 'gone', output: null },
      { type: 'code_interpreter_call', id: 'ci', code: '1' },
      { type: 'function_call_output', call_id: 'open', output: '[{"docid": "d"}]' },
      { type: 'item_reference', id: 'x' },
      {
        type: 'message',
        role: 'assistant',
        content: [
          { type: 'refusal', refusal: 'no' },
          { type: 'output_text', text: 'end' },
        ],
      },
    ]);
    expect(trajectory.steps).toMatchObject([
      {
        kind: 'search',
        step: 1,
        query: 'moths',
        candidates: [{ id: 'file-1', score: 0.7, snippet: 'Moths fly.' }],
      },
      { kind: 'browse', step: 2, doc: 'file-1', text: 'All of it.', reasoning: 'full' },
      { kind: 'think', step: 3, text: 'full' },
      { kind: 'browse', step: 4, doc: 'file-2', error: 'no output' },
      { kind: 'tool', step: 5, name: 'code_interpreter' },
      { kind: 'search', step: 6, query: 'late', candidates: [{ id: 'd' }] },
      { kind: 'answer', step: 8, text: 'end' },
    ]);
    expect(trajectory.skipped).toEqual([
      { step: 7, reason: 'an item of the type item_reference' },
      { step: 8, reason: 'a refusal' },
    ]);
  });

  it('takes words beside a reasoning for thinking aloud neither if that is encrypted nor if it is a summary', () => {
    const call = { type: 'function_call', call_id: '2', name: 'search', arguments: '{"query": "q"}' };
    const aloud = (reasoning: object) =>
      readOne([
        { type: 'function_call', call_id: '1', name: 'fetch', arguments: '{"url": "a.org"}' },
        { type: 'function_call_output', call_id: '1', output: 'page' },
        { type: 'reasoning', ...reasoning },
        message('assistant', 'No use, I look on.'),
        call,
      ]);
    const secret = aloud({ summary: [], encrypted_content: 'xx' });
    expect(browses(secret)[0]!.reasoning).toBeNull();
    expect(secret.skipped).toEqual([
      { step: 2, reason: 'a reasoning that is encrypted or was not kept' },
      { step: 3, reason: 'what it says beside its reasoning and a call' },
    ]);
    const open = aloud({ summary: [{ type: 'summary_text', text: 'why' }] });
    expect(browses(open)[0]!.reasoning).toBe('why');
    expect(open.skipped).toEqual([{ step: 3, reason: 'what it says beside its reasoning and a call' }]);
    expect(open.completed).toBe(false);
  });
});

describe('answers of the Responses interface', () => {
  const path = fixture('openai-responses.jsonl');
  const [run, other] = trajectoriesOf(path);

  it('are one trajectory where each names the one before it', () => {
    expect(outline(run!.steps)).toBe(
      'think 0, search 1, think 2, browse 3, think 4, think 6, browse 7, search 9, search 9, think 10, browse 11, think 12, answer 13',
    );
    expect(run).toMatchObject({
      id: 'velmar-2',
      format: 'openai-responses',
      agent: 'agent-1',
      completed: true,
      noPairs: null,
    });
    expect(other).toMatchObject({ id: 'resp_3', answer: 'Nothing found.' });
    expect(other!.noPairs).toContain('search-only');
  });

  it('list the sources of a search; queries of one call share theirs, which is said', () => {
    expect(searches(run!)).toMatchObject([
      {
        query: 'lighthouses of Velmar',
        candidates: [{ id: 'velmar.example/north' }, { id: 'velmar.example/harrow' }],
        error: null,
      },
      { part: 0, query: 'Oda Brenn keeper', candidates: [{ id: 'velmar.example/keepers', rank: 1 }] },
      { part: 1, query: 'Tam Rusk keeper', candidates: [{ id: 'velmar.example/keepers', rank: 1 }] },
    ]);
    expect(run!.skipped).toContainEqual({
      step: 9,
      reason: 'which of several queries found which result: each has the list of all',
    });
  });

  it('count finding in a page as its one browse, and opening it again later as another', () => {
    expect(browses(run!)).toMatchObject([
      {
        step: 3,
        doc: 'velmar.example/harrow',
        text: '',
        error: null,
        reasoning: 'It says 1846.\n\nThe keepers are on a page of their own.',
      },
      { step: 7, doc: 'velmar.example/keepers', error: 'the log shows no result', reasoning: null },
      { step: 11, doc: 'velmar.example/harrow', reasoning: 'The same page again.' },
    ]);
  });

  it('know where each step stands, over all lines', () => {
    for (const [trajectory, ids] of [
      [
        run,
        [
          'rs_1',
          'ws_1',
          'rs_2',
          'ws_2',
          'rs_3',
          'rs_4',
          'fc_1',
          'ws_4',
          'ws_4',
          'rs_6',
          'ws_5',
          'rs_7',
          undefined,
        ],
      ],
      [other, ['ws_6', undefined]],
    ] as const) {
      expect(shownAt(path, trajectory!).map(([, text]) => JSON.parse(text).id)).toEqual(ids);
    }
  });

  it('say that encrypted reasoning is unknown, and searches without sources give no pairs', () => {
    const trajectory = readOne(
      response('r', [
        { type: 'reasoning', summary: [], encrypted_content: 'xx' },
        searched({ query: 'q' }),
        searched({ type: 'open_page', url: 'https://a.org' }),
        { type: 'reasoning', summary: [], encrypted_content: 'xx' },
        message('assistant', 'It is a.'),
      ]),
    );
    expect(browses(trajectory)).toMatchObject([{ doc: 'a.org', reasoning: null, error: null }]);
    expect(trajectory.noPairs).toContain('no candidate lists');
    expect(trajectory.skipped).toHaveLength(2);
  });

  it('begin where the log does: an answer before them that is not there is named', () => {
    const trajectory = readOne([response('b', [message('assistant', 'x')], { previous_response_id: 'a' })]);
    expect(trajectory.skipped[0]!.reason).toContain('not in the log');
    const cut = readOne(
      response('c', [searched({ query: 'q' }, { status: 'failed' })], { status: 'incomplete' }),
    );
    expect(cut).toMatchObject({ completed: false, steps: [{ error: 'the tool failed' }] });
  });

  it('that both continue the same one are two trajectories', () => {
    const all = readAll(
      JSON.stringify([
        response('a', [searched({ query: 'q' })]),
        response('b', [message('assistant', 'x')], { previous_response_id: 'a' }),
        response('c', [message('assistant', 'y')], { previous_response_id: 'a' }),
      ]),
    );
    expect(all).toMatchObject([
      { trajectory: { id: 'a', answer: 'x' } },
      { trajectory: { id: 'c', answer: 'y' } },
    ]);
  });
});

describe('event streams of the Responses interface', () => {
  const path = fixture('openai-stream.txt');
  const [trajectory] = trajectoriesOf(path);

  it('are put together from their finished items', () => {
    expect(outline(trajectory!.steps)).toBe(
      'think 3, search 6, search 9, think 11, browse 14, think 16, browse 19, think 21, browse 24, think 26, answer 30',
    );
    expect(
      searches(trajectory!).map(({ query, candidates }) => [query, candidates.map(({ id }) => id)]),
    ).toEqual([
      ['lighthouses of Velmar', ['velmar.example/north', 'velmar.example/harrow']],
      ['Harrow light keeper', ['velmar.example/keepers']],
    ]);
    expect(browses(trajectory!).map(({ doc, reasoning }) => [doc, reasoning])).toEqual([
      ['velmar.example/harrow', 'It was lit in 1846.'],
      ['velmar.example/keepers', 'Oda Brenn it is.'],
      ['velmar.example/harrow', 'Once more to be sure.'],
    ]);
    expect(trajectory).toMatchObject({
      format: 'openai-stream',
      id: 'resp_9',
      agent: 'agent-1',
      answer: 'The Harrow light; Oda Brenn.',
      completed: true,
      noPairs: null,
      skipped: [],
    });
  });

  it('know where each step stands', () => {
    for (const [kind, text] of shownAt(path, trajectory!)) {
      expect(text).toMatch(/^event: response\.output_item\.done\ndata: /);
      const { item } = JSON.parse(text.split('data: ')[1]!);
      expect({ think: 'reasoning', answer: 'message' }[kind as string] ?? 'web_search_call').toBe(item.type);
    }
  });

  const event = (type: string, more: object) => ({ type, ...more });
  const stream = (...events: object[]) => events.map(event => `data: ${JSON.stringify(event)}\n\n`).join('');

  it('that only repeat the whole answer at their end are read from there, and those cut off as far as they go', () => {
    const whole = response('r', [searched({ query: 'q' }), message('assistant', 'x')]);
    const repeated = readAll(
      stream(
        event('response.created', { response: response('r', []) }),
        event('response.completed', { response: whole }),
      ),
      '.txt',
    );
    expect(repeated).toMatchObject([
      { trajectory: { answer: 'x', steps: [{ kind: 'search', step: 1 }, { step: 1 }] } },
    ]);
    const cut = readAll(
      stream(
        event('response.created', { response: response('r', [], { status: 'in_progress' }) }),
        event('response.output_item.added', {
          output_index: 0,
          item: searched({ query: 'q' }, { status: 'in_progress' }),
        }),
      ),
      '.txt',
    );
    expect(cut).toMatchObject([
      { trajectory: { completed: false, steps: [{ kind: 'search', query: 'q' }] } },
    ]);
  });

  it('may stand as a line for each, several answers after each other', () => {
    const lines = ['a', 'b'].flatMap(id => [
      event('response.created', { response: response(id, []) }),
      event('response.output_item.done', { output_index: 0, item: message('assistant', id) }),
      event('response.completed', { response: response(id, [message('assistant', id)]) }),
    ]);
    const all = readAll(lines.map(line => JSON.stringify(line)).join('\n'), '.jsonl');
    expect(all).toMatchObject([
      { trajectory: { id: 'a', answer: 'a' } },
      { trajectory: { id: 'b', answer: 'b' } },
    ]);
  });
});
