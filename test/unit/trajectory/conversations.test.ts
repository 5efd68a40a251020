import { describe, expect, it } from 'vitest';
import { browses, outline, readAll, readOne, searches } from './logs.ts';

const page = (url: string) =>
  `The useful information in ${url} for user goal read it as follows: \n\nEvidence in page: \nEvidence of ${url}\n\nSummary: \nSummary of ${url}`;
const section = (query: string, ...blocks: string[]) =>
  `A Google search for '${query}' found ${blocks.length} results:\n\n## Web Results\n${blocks.join('\n\n')}`;

describe('Tongyi and WebDancer text', () => {
  const assistant = (content: string) => ({ role: 'assistant', content });
  const response = (content: string) => ({
    role: 'user',
    content: `<tool_response>\n${content}\n</tool_response>`,
  });
  const tool = (name: string, input: unknown) =>
    `<tool_call>\n${JSON.stringify({ name, arguments: input })}\n</tool_call>`;

  const results = [
    section(
      "it's moths",
      '1. [A [b] (c)](https://en.wikipedia.org/wiki/Santa_(horse))\nDate published: May 1, 2025\nSource: Wiki\n\nFirst.\n1. [not an entry](http://x.org)',
      '2. [Second](http://www.Example.org/Page/?utm_source=x&b=1#top)\n\nSnippet\n=======\nof two.',
    ),
    "No results found for 'nothing'. Try with a more general query.",
  ].join('\n=======\n');

  const trajectory = readOne({
    question: 'Which?',
    answer: [['Epsom Derby'], ['The Derby']],
    termination: 'answer',
    messages: [
      { role: 'system', content: 'Use <tool_call>.' },
      { role: 'user', content: 'Which?' },
      assistant(`<think>look</think>\n${tool('search', { query: ["it's moths", 'nothing'] })}`),
      response(results),
      assistant(
        `<think>open</think>\n${tool('visit', { url: ['https://example.org/Page?b=1', 'http://b.org'], goal: 'read it' })}`,
      ),
      response(`${page('https://example.org/Page?b=1')}\n=======\n${page('http://b.org')}`),
      assistant('<think>both help</think>\n<answer>The Derby.</answer>'),
    ],
  });

  it('stands each call where its result is shown', () => {
    expect(outline(trajectory.steps)).toBe(
      'think 2, search 3, search 3, think 4, browse 5, browse 5, think 6, answer 6',
    );
  });

  it('makes several queries several searches, each with its own list', () => {
    expect(searches(trajectory)).toMatchObject([
      {
        part: 0,
        query: "it's moths",
        candidates: [
          {
            id: 'en.wikipedia.org/wiki/Santa_(horse)',
            rank: 1,
            title: 'A [b] (c)',
            snippet: 'First.\n1. [not an entry](http://x.org)',
            url: 'https://en.wikipedia.org/wiki/Santa_(horse)',
          },
          { id: 'example.org/Page?b=1', rank: 2, title: 'Second', snippet: 'Snippet\n=======\nof two.' },
        ],
      },
      { part: 1, query: 'nothing', candidates: [], error: null },
    ]);
  });

  it('makes several addresses several browses that share one reasoning', () => {
    expect(browses(trajectory)).toMatchObject([
      { part: 0, doc: 'example.org/Page?b=1', shows: 'extract', reasoning: 'both help' },
      { part: 1, doc: 'b.org', shows: 'extract', reasoning: 'both help' },
    ]);
    expect(browses(trajectory)[1]!.text).toBe(
      'Evidence in page: \nEvidence of http://b.org\n\nSummary: \nSummary of http://b.org',
    );
  });

  it('reads what stands around', () => {
    expect(trajectory).toMatchObject({
      format: 'tongyi',
      question: 'Which?',
      answer: 'The Derby.',
      references: ['Epsom Derby', 'The Derby'],
      completed: true,
    });
  });

  it('reads calls that are not quite JSON, and pages that could not be had', () => {
    const url = 'http://a.org/x';
    const odd = readOne({
      termination: 'exceed available llm calls',
      messages: [
        assistant("<tool_call>{name: 'search', 'arguments': {query: ['q',]},}</tool_call>"),
        response(section('q', `1. [T](${url})\n\ns`)),
        assistant('<tool_call>{"name": "search", "arguments": {"query": ["a "quoted" word"]}}</tool_call>'),
        response(section('a "quoted" word', `1. [T](${url})\n\ns`)),
        assistant(tool('visit', { url, goal: 'g' })),
        response(
          `The useful information in ${url} for user goal g as follows: \n\nEvidence in page: \nThe provided webpage content could not be accessed. Please check the URL or file format.\n\nSummary: \nThe webpage content could not be processed.`,
        ),
        assistant('<think>no use, and the text ends'),
      ],
    });
    expect(searches(odd).map(({ query }) => query)).toEqual(['q', 'a "quoted" word']);
    expect(browses(odd)).toMatchObject([
      {
        doc: 'a.org/x',
        error: 'The provided webpage content could not be accessed. Please check the URL or file format.',
        reasoning: 'no use, and the text ends',
      },
    ]);
    expect(odd).toMatchObject({ completed: false, answer: null });
  });

  it('pairs several calls of one message with several responses in order', () => {
    const both = readOne({
      messages: [
        assistant(`<think>t</think>${tool('search', { query: 'a' })}${tool('search', { query: 'b' })}`),
        response(`${section('a')}\n</tool_response>\n<tool_response>\n${section('b')}`),
        assistant('<answer>x</answer>'),
      ],
    });
    expect(searches(both)).toMatchObject([
      { query: 'a', step: 1, part: 0, turn: 0 },
      { query: 'b', step: 1, part: 1, turn: 0 },
    ]);
  });

  it('finds the question after the instructions', () => {
    const messages = [
      { role: 'user', content: 'Use these.\n<tools>…</tools>\n\nUser: Which moth?' },
      assistant(`${tool('search', { query: 'a' })}`),
    ];
    expect(readOne({ messages }).question).toBe('Which moth?');
  });
});

describe('OpenAI chat messages', () => {
  const calling = (calls: [string, string, unknown][], more: object = {}) => ({
    role: 'assistant',
    content: null,
    tool_calls: calls.map(([id, name, input]) => ({
      id,
      type: 'function',
      function: { name, arguments: typeof input === 'string' ? input : JSON.stringify(input) },
    })),
    ...more,
  });
  const answer = (tool_call_id: string, content: unknown) => ({ role: 'tool', tool_call_id, content });
  const hits = JSON.stringify({
    results: [{ id: 1, title: 'A', url: 'https://www.a.org/', content: 'sa' }, { url: 'http://b.org/x' }],
  });
  const say = (content: string, more: object = {}) => ({ role: 'assistant', content, ...more });

  it('pairs parallel calls by id, and gives them the reasoning of the next turn', () => {
    const trajectory = readOne({
      model: 'm',
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'Which?' }] },
        calling([['s', 'web_search', { query: 'q' }]], { reasoning_content: 'first' }),
        answer('s', hits),
        calling([
          ['x', 'fetch', { url: 'a.org' }],
          ['y', 'fetch', { url: 'http://b.org/x/' }],
        ]),
        answer('y', 'page b'),
        answer('x', [{ type: 'text', text: 'page a' }]),
        say('It is a.', { reasoning: 'a helps' }),
      ],
    });
    expect(outline(trajectory.steps)).toBe('think 1, search 2, browse 4, browse 5, think 6, answer 6');
    expect(searches(trajectory)[0]!.candidates).toMatchObject([
      { id: 'a.org', rank: 1, title: 'A', snippet: 'sa', url: 'https://www.a.org/' },
      { id: 'b.org/x', rank: 2 },
    ]);
    expect(browses(trajectory)).toMatchObject([
      { doc: 'b.org/x', text: 'page b', turn: 1, reasoning: 'a helps' },
      { doc: 'a.org', text: 'page a', turn: 1, reasoning: 'a helps' },
    ]);
    expect(trajectory).toMatchObject({
      format: 'openai-chat',
      agent: 'm',
      question: 'Which?',
      answer: 'It is a.',
      completed: true,
    });
  });

  it.each([
    ['reasoning_content', { reasoning_content: 'r' }, 'r'],
    ['reasoning', { reasoning: 'r' }, 'r'],
    [
      'reasoning_details',
      {
        reasoning_details: [
          { type: 'reasoning.text', text: 'r' },
          { type: 'reasoning.summary', summary: 's' },
        ],
      },
      'r\n\ns',
    ],
    [
      'encrypted reasoning_details',
      { reasoning_details: [{ type: 'reasoning.encrypted', data: 'xx' }] },
      null,
    ],
    ['thinking_blocks', { thinking_blocks: [{ type: 'thinking', thinking: 'r', signature: 'xx' }] }, 'r'],
    [
      'content blocks',
      {
        content: [
          { type: 'thinking', thinking: 'r' },
          { type: 'text', text: 'It is a.' },
        ],
      },
      'r',
    ],
    ['<think>', { content: '<think>r</think>It is a.' }, 'r'],
    ['a <think> whose beginning was swallowed', { content: 'r</think>It is a.' }, 'r'],
    ['two <think>', { content: '<think>r</think><think> s </think>It is a.' }, 'r\n\ns'],
    ['no reasoning', {}, null],
  ])('reads %s', (_where, more, expected) => {
    const trajectory = readOne([
      calling([['x', 'fetch', { url: 'a.org' }]]),
      answer('x', 'page'),
      say('It is a.', more),
    ]);
    expect(browses(trajectory)[0]!.reasoning).toBe(expected);
    expect(trajectory.answer).toBe('It is a.');
  });

  it('takes the text before a call for thinking aloud, if there is nothing else', () => {
    const aloud = (more: object) =>
      browses(
        readOne([
          calling([['x', 'fetch', { url: 'a.org' }]]),
          answer('x', 'page'),
          calling([['s', 'search', { query: 'q' }]], { content: 'No use. I look on.', ...more }),
          answer('s', '[]'),
        ]),
      )[0]!.reasoning;
    expect(aloud({})).toBe('No use. I look on.');
    expect(aloud({ reasoning: 'apart' })).toBe('apart');
  });

  it('counts paging and finding in a document as the one browse', () => {
    const trajectory = readOne([
      calling([['s', 'search', { query: 'q' }]]),
      answer('s', hits),
      calling([['1', 'open_page', { url: 'http://b.org/x' }]], { reasoning: 'open' }),
      answer('1', 'page one'),
      calling([['2', 'open_page', { url: 'http://b.org/x', page: 2 }]], { reasoning: 'go on' }),
      answer('2', 'page two'),
      calling([['3', 'find_in_page', { pattern: 'moth' }]], { reasoning: 'find' }),
      answer('3', 'moth found'),
      calling([['4', 'open_page', { url: 'http://b.org/x' }]], { reasoning: 'found' }),
      answer('4', 'page one'),
      say('done', { reasoning: 'again' }),
    ]);
    expect(browses(trajectory)).toMatchObject([
      {
        step: 3,
        doc: 'b.org/x',
        text: 'page one\n\npage two\n\nmoth found',
        reasoning: 'go on\n\nfind\n\nfound',
      },
      { step: 9, doc: 'b.org/x', text: 'page one', reasoning: 'again' },
    ]);
    expect(outline(trajectory.steps)).not.toContain('tool');
  });

  it('knows a document by its id where the list names both id and address', () => {
    const trajectory = readOne([
      calling([['s', 'search', { query: 'q' }]]),
      answer('s', JSON.stringify([{ docid: 'd1', url: 'https://a.org/p' }])),
      calling([['1', 'fetch', { url: 'http://www.a.org/p#x' }]]),
      answer('1', 'page'),
    ]);
    expect(browses(trajectory)[0]!.doc).toBe('d1');
  });

  it('keeps calls without results, results without calls, and calls without ids', () => {
    const trajectory = readOne({
      messages: [
        {
          role: 'assistant',
          content: null,
          function_call: { name: 'search', arguments: '{"query": "old"}' },
        },
        { role: 'function', name: 'search', content: '[{"docid": "1"}]' },
        { role: 'tool', tool_call_id: 'nowhere', name: 'search', content: '[{"docid": "2"}]' },
        calling([['x', 'fetch', { url: 'a.org' }]]),
      ],
    });
    expect(trajectory.steps).toMatchObject([
      { kind: 'search', step: 1, query: 'old', candidates: [{ id: '1' }] },
      { kind: 'search', step: 2, query: '', candidates: [{ id: '2' }] },
      { kind: 'browse', step: 3, doc: 'a.org', error: 'the log shows no result' },
    ]);
    expect(trajectory.completed).toBe(false);
  });

  it('makes a list of queries several searches where the result shows one list for each', () => {
    const output = JSON.stringify([
      { query: 'a', results: [{ url: 'a.org' }] },
      { query: 'b', results: [] },
    ]);
    const trajectory = readOne([calling([['s', 'search', { queries: ['a', 'b'] }]]), answer('s', output)]);
    expect(searches(trajectory)).toMatchObject([
      { part: 0, query: 'a', candidates: [{ id: 'a.org' }] },
      { part: 1, query: 'b', candidates: [] },
    ]);
  });

  const ask = (...output: (string | null)[]) =>
    readOne([
      calling([['s', 'search', { queries: ['a', 'b', 'c'] }]]),
      ...output.flatMap(text => (text === null ? [] : [answer('s', text)])),
    ]);

  it.each([
    ['an error', 'Error: rate limit', 'Error: rate limit'],
    ['no results', 'No results found.', null],
    ['an empty list', '[]', null],
    ['no result', null, 'the log shows no result'],
  ])('takes %s for the outcome of each of several queries', (_what, output, error) => {
    const trajectory = ask(output);
    expect(searches(trajectory)).toMatchObject([
      { part: 0, query: 'a', candidates: [], error },
      { part: 1, query: 'b', candidates: [], error },
      { part: 2, query: 'c', candidates: [], error },
    ]);
    expect(trajectory.skipped).toEqual([]);
  });

  it.each([
    ['a list', section('a', '1. [A](https://a.org)\n\ns'), [{ id: 'a.org' }]],
    ['a list without its query', '[{"url": "https://a.org"}]', [{ id: 'a.org' }]],
    ['an empty list that names its query', "No results found for 'a'. Try again.", []],
  ])('names the queries besides the one that has %s', (_what, output, candidates) => {
    const trajectory = ask(output);
    expect(searches(trajectory)).toMatchObject([{ part: 0, query: 'a', candidates, error: null }]);
    const skipped = { step: 1, reason: 'a query to which the log shows no list' };
    expect(trajectory.skipped).toEqual([skipped, skipped]);
  });
});

describe('LangGraph threads', () => {
  const thread = (messages: object[], more: object = {}) => ({
    values: { messages },
    next: [],
    metadata: { model_name: 'm' },
    ...more,
  });
  const messages = [
    { type: 'human', content: [{ type: 'text', text: 'Which?' }] },
    {
      type: 'ai',
      content: '',
      additional_kwargs: { reasoning_content: 'look' },
      tool_calls: [{ name: 'web_search', args: { query: 'q' }, id: 'c1', type: 'tool_call' }],
    },
    {
      type: 'tool',
      name: 'web_search',
      tool_call_id: 'c1',
      content: '[{"title": "A", "url": "https://a.org", "snippet": "s"}]',
      status: 'success',
    },
    {
      type: 'ai',
      content: '',
      tool_calls: [{ name: 'web_fetch', args: { url: 'https://a.org' }, id: 'c2' }],
    },
    {
      type: 'tool',
      name: 'web_fetch',
      tool_call_id: 'c2',
      content: 'Error: Failed to fetch url',
      status: 'success',
    },
    { type: 'ai', content: '' },
    { type: 'ai', content: 'It is a.', additional_kwargs: { reasoning_content: 'pity' } },
  ];

  it('reads the messages of the state', () => {
    const trajectory = readOne(thread(messages));
    expect(outline(trajectory.steps)).toBe('think 1, search 2, browse 4, think 6, answer 6');
    expect(browses(trajectory)).toMatchObject([
      { doc: 'a.org', error: 'Error: Failed to fetch url', reasoning: 'pity' },
    ]);
    expect(trajectory).toMatchObject({
      format: 'langgraph',
      agent: 'm',
      question: 'Which?',
      answer: 'It is a.',
      completed: true,
    });
  });

  it('says that a thread with nodes left to run did not finish', () => {
    expect(readOne(thread(messages, { next: ['model'] })).completed).toBe(false);
  });

  it('reads messages that were serialised as constructors, to the same steps', () => {
    const names: Record<string, string> = {
      human: 'HumanMessage',
      ai: 'AIMessageChunk',
      tool: 'ToolMessage',
    };
    const built = messages.map(({ type, ...kwargs }) => ({
      lc: 1,
      type: 'constructor',
      id: ['langchain_core', 'messages', names[type]!],
      kwargs,
    }));
    const unplaced = (record: unknown) => readOne(record).steps.map(step => ({ ...step, position: null }));
    expect(unplaced({ messages: built })).toEqual(unplaced({ messages }));
  });
});

describe('search-only logs in tags', () => {
  /** Their steps are pieces of one text and have no places. */
  const readText = (record: object) => {
    const [read] = readAll(JSON.stringify(record), '.jsonl');
    if (read?.kind !== 'trajectory') throw new Error(JSON.stringify(read));
    return read.trajectory;
  };

  it('R1-Searcher: searches, an outcome, no pairs', () => {
    const records = {
      question: 'Where?',
      answer: 'Delhi',
      pred_ans: 'Delhi',
      stop_reason_final: 'finished',
      gen_text_store:
        ' I look.\n<|begin_of_query|> where is it <|end_of_query|>\n<|begin_of_documents|>\n(1)Title: X Text: y\n<|end_of_documents|>\n\nSo it is.</think>\n\n<answer> Delhi </answer>',
      gpt4o_output: 'True',
    };
    const trajectory = readText(records);
    expect(trajectory.steps.map(({ kind }) => kind)).toEqual(['think', 'search', 'think', 'answer']);
    expect(trajectory).toMatchObject({
      answer: 'Delhi',
      outcome: 'correct',
      completed: true,
      references: ['Delhi'],
    });
    expect(trajectory.noPairs).toContain('search-only');
    expect(searches(trajectory)).toMatchObject([{ query: 'where is it', candidates: [], error: null }]);
  });

  it('Search-R1', () => {
    const output =
      '<think>I need it</think><search> a </search><information>Doc 1(Title: "A") text</information><search>b</search><information>Doc 1</information><think>so</think><answer>x</answer>';
    const trajectory = readText({ id: 5, output });
    expect(searches(trajectory).map(({ query }) => query)).toEqual(['a', 'b']);
    expect(trajectory).toMatchObject({ id: '5', format: 'search-tags', answer: 'x' });
  });
});
