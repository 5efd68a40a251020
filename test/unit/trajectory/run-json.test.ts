import { describe, expect, it } from 'vitest';
import { browses, outline, readOne, searches } from './logs.ts';

const think = (output: unknown) => ({ type: 'reasoning', tool_name: null, arguments: null, output });
const call = (tool_name: string, input: unknown, output: unknown) => ({
  type: 'tool_call',
  tool_name,
  arguments: input,
  output,
});
const text = (output: unknown) => ({ type: 'output_text', tool_name: null, arguments: null, output });
const run = (result: unknown[], more: object = {}) => ({
  query_id: '7',
  status: 'completed',
  result,
  ...more,
});

const list =
  "A search for 'moths' found 2 results:\n\n## Web Results\nDocID:11\n[Argina]\nArgina is a moth.\n\nIt flies.\n\nDocID:22\n[Crotalaria [plant]]\nA plant.";

describe('the run format of the LRAT client', () => {
  const trajectory = readOne(
    run(
      [
        think('first thought'),
        call('search', JSON.stringify({ query: ['moths', 'butterflies'] }), list),
        think('open it'),
        call('get_document', '{"docid": "xx:11"}', 'Document 11:\nThe whole page.'),
        think('it helps'),
        text('<think>it helps</think>\n<answer>Argina amanda</answer>'),
      ],
      {
        metadata: { model: 'agent-30b', searcher_type: 'bm25' },
        query: 'Which moth?',
        answer: 'Argina amanda',
      },
    ),
  );

  it('keeps the step numbers of `result`, and a thought together with the call or answer after it', () => {
    expect(outline(trajectory.steps)).toBe('think 0, search 1, think 2, browse 3, think 4, answer 5');
    expect(trajectory.steps.map(step => step.turn)).toEqual([0, 0, 1, 1, 2, 2]);
  });

  it('takes from a list of queries the one that was executed, as the output names it', () => {
    expect(searches(trajectory)).toMatchObject([{ query: 'moths', part: 0, error: null }]);
  });

  it('reads the DocID blocks, brackets in titles and blank lines in snippets included', () => {
    expect(searches(trajectory)[0]!.candidates).toEqual([
      {
        id: '11',
        rank: 1,
        title: 'Argina',
        snippet: 'Argina is a moth.\n\nIt flies.',
        url: null,
        score: null,
      },
      { id: '22', rank: 2, title: 'Crotalaria [plant]', snippet: 'A plant.', url: null, score: null },
    ]);
  });

  it('reads the browse: the id after its prefix, the text, the reasoning after it', () => {
    expect(browses(trajectory)).toMatchObject([
      { doc: '11', text: 'The whole page.', shows: 'document', reasoning: 'it helps', error: null },
    ]);
  });

  it('reads what stands around the steps', () => {
    expect(trajectory).toMatchObject({
      id: '7',
      queryId: '7',
      format: 'run-json',
      question: 'Which moth?',
      agent: 'agent-30b',
      retriever: 'bm25',
      answer: 'Argina amanda',
      references: ['Argina amanda'],
      completed: true,
      outcome: 'unknown',
      noPairs: null,
    });
  });
});

describe('documents as Python writes them', () => {
  it.each([
    [
      "{'docid': '11', 'text': 'Frantz\\nhe\\'s a \"big\" caf\\xe9 \\u2013 \\U0001f600 \\\\n'}",
      'Frantz\nhe\'s a "big" café – 😀 \\n',
    ],
    ["{'docid': '11', 'text': \"it's\"}", "it's"],
    ["{'docid': '11', 'score': 1.5, 'meta': {'a': [None, True, ('x',)]}, 'text': 'end'}", 'end'],
    ["{'docid': '11', 'text': 'cut off in the mid", 'cut off in the mid'],
    ['{"docid": "11", "text": "plain JSON"}', 'plain JSON'],
  ])('%s', (body, expected) => {
    const [browse] = browses(
      readOne(run([call('visit', { docid: 11 }, `Document 11:\n${body}`), text('x')])),
    );
    expect(browse).toMatchObject({ doc: '11', text: expected, error: null });
  });

  it('leaves a text alone that only begins like one', () => {
    const [browse] = browses(
      readOne(run([call('visit', { docid: 11 }, 'Document 11:\n{curly} start'), text('x')])),
    );
    expect(browse).toMatchObject({ text: '{curly} start' });
  });
});

describe('the other clients', () => {
  const hits = [
    { docid: '11', score: 3.5, snippet: 'one' },
    { docid: 22, snippet: 'two' },
  ];
  const candidates = [
    { id: '11', rank: 1, score: 3.5, snippet: 'one' },
    { id: '22', rank: 2, score: null, snippet: 'two' },
  ];

  it.each([
    ['openai', 'search', '{"query": "q"}', JSON.stringify(hits)],
    ['gpt-oss', 'local_knowledge_base_retrieval', '{"user_query": "q"}', JSON.stringify(hits)],
    ['anthropic', 'mcp__kb__search', { query: 'q' }, JSON.stringify(hits)],
    ['anthropic, text parts', 'search', { query: 'q' }, [{ type: 'text', text: JSON.stringify(hits) }]],
    ['gemini', 'kb.search', { query: 'q' }, { result: hits }],
    [
      'gemini, wrapped',
      'search',
      { query: 'q' },
      { content: [{ type: 'text', text: JSON.stringify(hits) }] },
    ],
    ['qwen-agent', 'search-server-search', '{"query": "q"}', JSON.stringify(hits)],
    [
      'Python repr',
      'Search',
      "{'query': 'q'}",
      "[{'docid': '11', 'score': 3.5, 'snippet': 'one'}, {'docid': 22, 'snippet': 'two'}]",
    ],
    ['arguments in JSON5', 'search', "{query: 'q',}", JSON.stringify(hits)],
  ])('%s', (_client, tool, input, output) => {
    const trajectory = readOne(run([call(tool, input, output), text('x')]));
    expect(searches(trajectory)).toMatchObject([{ query: 'q', candidates }]);
  });

  it.each([
    ['a text', 'why', 'why'],
    ['a list of texts', ['why', 'so'], 'why\n\nso'],
    ['a list of summaries', [{ type: 'summary_text', text: 'why' }], 'why'],
    ['an empty list (encrypted)', [], null],
  ])('reasoning as %s', (_shape, output, expected) => {
    const trajectory = readOne(
      run([call('get_document', '{"docid": "1"}', '{"docid": "1", "text": "t"}'), think(output), text('x')]),
    );
    expect(browses(trajectory)).toMatchObject([{ doc: '1', text: 't', reasoning: expected }]);
  });

  it('joins the pieces of one reasoning', () => {
    const trajectory = readOne(
      run([call('visit', { docid: '1' }, 'Document 1:\nt'), think('one'), think('two'), text('x')]),
    );
    expect(browses(trajectory)[0]!.reasoning).toBe('one\n\ntwo');
  });

  it('does not take the reasoning after another call for that of the browse', () => {
    const trajectory = readOne(
      run([
        call('visit', { docid: '1' }, 'Document 1:\nt'),
        call('search', { query: 'q' }, hits),
        think('later'),
        text('x'),
      ]),
    );
    expect(browses(trajectory)[0]!.reasoning).toBeNull();
  });

  it('counts the answer turn only if it carries reasoning', () => {
    const steps = [call('visit', { docid: '1' }, 'Document 1:\nt')];
    expect(browses(readOne(run([...steps, text('It is X.')])))[0]!.reasoning).toBeNull();
    const thought = readOne(run([...steps, text('<think>clear now</think>It is X.')]));
    expect(browses(thought)[0]!.reasoning).toBe('clear now');
    expect(thought.answer).toBe('It is X.');
  });

  it('keeps what a call names that failed', () => {
    const trajectory = readOne(
      run([
        call('search', '{"query": "q"}', null),
        call('search', '{"query": "r"}', '{"error": "index is down"}'),
        call('get_document', '{"docid": "9"}', '{"error": "no such document"}'),
        call('get_document', '{"docid": "8"}', null),
        call('get_document', 'not json at all', 'Error: invalid arguments'),
        text('x'),
      ]),
    );
    expect(trajectory.steps).toMatchObject([
      { kind: 'search', query: 'q', candidates: [], error: 'no output' },
      { kind: 'search', query: 'r', candidates: [], error: 'index is down' },
      { kind: 'browse', doc: '9', text: '', error: 'no such document' },
      { kind: 'browse', doc: '8', text: '', error: 'no output' },
      { kind: 'browse', error: 'Error: invalid arguments' },
      { kind: 'answer' },
    ]);
  });

  it('opens several documents as several browses that share the reasoning', () => {
    const trajectory = readOne(
      run([
        call('get_document', { docids: ['1', '2'] }, [
          { docid: '2', text: 'two' },
          { docid: '1', text: 'one' },
        ]),
        think('both help'),
        text('x'),
      ]),
    );
    expect(browses(trajectory)).toMatchObject([
      { step: 0, part: 0, doc: '1', text: 'one', reasoning: 'both help' },
      { step: 0, part: 1, doc: '2', text: 'two', reasoning: 'both help' },
    ]);
  });

  it('keeps other tools as tool calls', () => {
    expect(readOne(run([call('python', { code: '1' }, '1'), text('x')])).steps[0]).toMatchObject({
      kind: 'tool',
      name: 'python',
    });
  });

  it('keeps steps of a kind of their own', () => {
    const trajectory = readOne(
      run([
        call('visit', { docid: '1' }, 'Document 1:\nt'),
        { type: 'rate_limit' },
        think('later'),
        text('x'),
      ]),
    );
    expect(outline(trajectory.steps)).toBe('browse 0, tool 1, think 2, answer 3');
    expect(browses(trajectory)[0]!.reasoning).toBeNull();
  });

  it('does not take a call that was cut off for an answer', () => {
    const cut = '<think>more</think>\n<tool_call>\n{"name": "search", "arg';
    expect(readOne(run([text(cut)], { status: 'max tokens' }))).toMatchObject({
      answer: null,
      completed: false,
    });
  });

  it('reads the status, numbers as ids, and verdicts', () => {
    expect(readOne(run([text('x')], { query_id: 12, status: 'max turns', correct: true }))).toMatchObject({
      id: '12',
      completed: false,
      outcome: 'correct',
    });
    expect(readOne(run([text('x')], { judge_result: { correct: false } })).outcome).toBe('incorrect');
    expect(readOne(run([text('x')], { judge_result: { correct: null } })).outcome).toBe('unknown');
  });
});

describe('logs that can give no pairs say why', () => {
  const search = call('search', { query: 'q' }, list);
  const browse = call('visit', { docid: '11' }, 'Document 11:\nt');
  const other = call('visit', { docid: '99' }, 'Document 99:\nt');

  it.each([
    ['search-only', [search]],
    ['no searches', [browse, think('t')]],
    ['no candidate lists', [call('search', { query: 'q' }, '1. [Title]\nsnippet'), browse, think('t')]],
    ['no reasoning recorded', [search, browse]],
    ['does not tell which documents', [search, call('visit', { goal: 'g' }, 'some text'), think('t')]],
    ['no listed document opened', [browse, think('listed only later'), search, other, think('never listed')]],
    ['no reasoning about a listed document', [search, browse, other, think('of the other')]],
  ])('%s', (reason, steps) => {
    expect(readOne(run([...steps])).noPairs).toContain(reason);
  });

  it('names the tools that it does not know', () => {
    expect(readOne(run([search, call('peek', { docid: '11' }, 't')])).noPairs).toContain('peek');
  });

  it('takes tool names from the options', () => {
    const log = run([
      call('ask', { query: 'q' }, list),
      call('peek', { docid: '11' }, 't'),
      think('t'),
      text('x'),
    ]);
    const trajectory = readOne(log, { toolNames: { search: ['ask'], browse: ['PEEK'] } });
    expect(outline(trajectory.steps)).toBe('search 0, browse 1, think 2, answer 3');
    expect(trajectory.noPairs).toBeNull();
  });
});
