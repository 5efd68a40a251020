import { describe, expect, it } from 'vitest';
import { browses, logFile, searches, trajectoriesOf } from './logs.ts';

const question = 'Which moth flies by day?';
const aloud = 'Let me look at the next one.';
const summary = 'The first says nothing of the hour.';
const list = JSON.stringify([
  { url: 'https://a.org/1', title: 'One', snippet: 'A moth.' },
  { url: 'https://a.org/2', title: 'Two', snippet: 'Another moth.' },
]);

/** Whether the agent's reasoning is encrypted, encrypted with a summary, or not there at all. */
type Kept = 'hidden' | 'summary' | 'none';

interface Turn {
  readonly id: string;
  readonly text: string;
  readonly call: { readonly name: string; readonly input: object; readonly output: string } | null;
}

/** One session: a search, two pages that it listed, and words beside the second call. */
const turns: readonly Turn[] = [
  { id: 'c1', text: '', call: { name: 'search', input: { query: 'moths' }, output: list } },
  { id: 'c2', text: '', call: { name: 'fetch', input: { url: 'https://a.org/1' }, output: 'Page one.' } },
  { id: 'c3', text: aloud, call: { name: 'fetch', input: { url: 'https://a.org/2' }, output: 'Page two.' } },
  { id: 'c4', text: 'The second one.', call: null },
];

const ofKept = <Value>(kept: Kept, hidden: Value, summed: Value): Value[] =>
  kept === 'none' ? [] : [kept === 'hidden' ? hidden : summed];
const texts = (text: string, block: (text: string) => object): object[] => (text === '' ? [] : [block(text)]);

/** What Anthropic's interface makes of a turn, and what it is told next. */
const blocks = (kept: Kept, { id, text, call }: Turn): [object[], object[]] => [
  [
    ...ofKept<object>(
      kept,
      { type: 'thinking', thinking: '', signature: 'c2ln' },
      { type: 'thinking', thinking: summary, signature: 'c2ln' },
    ),
    ...texts(text, text => ({ type: 'text', text })),
    ...(call === null ? [] : [{ type: 'tool_use', id, name: call.name, input: call.input }]),
  ],
  call === null ? [] : [{ type: 'tool_result', tool_use_id: id, content: call.output }],
];
const redacted = (block: object): object =>
  'thinking' in block && block.thinking === '' ? { type: 'redacted_thinking', data: 'eHg=' } : block;

const items = (kept: Kept): object[] => [
  { type: 'message', role: 'user', content: [{ type: 'input_text', text: question }] },
  ...turns.flatMap(({ id, text, call }): object[] => [
    ...ofKept<object>(
      kept,
      { type: 'reasoning', summary: [], encrypted_content: 'eHg=' },
      { type: 'reasoning', summary: [{ type: 'summary_text', text: summary }], encrypted_content: 'eHg=' },
    ),
    ...texts(text, text => ({
      type: 'message',
      role: 'assistant',
      content: [{ type: 'output_text', text }],
    })),
    ...(call === null
      ? []
      : [
          { type: 'function_call', call_id: id, name: call.name, arguments: JSON.stringify(call.input) },
          { type: 'function_call_output', call_id: id, output: call.output },
        ]),
  ]),
];

const lines = (records: readonly object[]): [string, string] => [
  records.map(record => JSON.stringify(record)).join('\n'),
  '.jsonl',
];
const one = (record: unknown): [string, string] => [JSON.stringify(record), '.json'];

const formats: Readonly<Record<string, (kept: Kept) => [content: string, extension: string]>> = {
  anthropic: kept =>
    one([
      { role: 'user', content: question },
      ...turns.flatMap(turn => {
        const [said, told] = blocks(kept, turn);
        const user = told.length === 0 ? [] : [{ role: 'user', content: told }];
        return [{ role: 'assistant', content: said.map(redacted) }, ...user];
      }),
    ]),
  'claude-code': kept =>
    lines(
      [
        { role: 'user', content: question },
        ...turns.flatMap(turn => {
          const [said, told] = blocks(kept, turn);
          // A line for each block.
          const lines = said.map(block => ({ role: 'assistant', id: turn.id, content: [block] }));
          return [...lines, ...told.map(block => ({ role: 'user', content: [block] }))];
        }),
      ].map((message, i) => ({
        type: message.role,
        uuid: `u${i}`,
        parentUuid: i === 0 ? null : `u${i - 1}`,
        sessionId: 's',
        timestamp: new Date(1.77e12 + i * 1000).toISOString(),
        message,
      })),
    ),
  codex: kept =>
    lines([
      { type: 'session_meta', payload: { id: 's', cwd: '/r' } },
      ...items(kept).map(payload => ({ type: 'response_item', payload })),
    ]),
  'openai-items': kept => one(items(kept)),
  'openai-chat': kept =>
    one([
      { role: 'user', content: question },
      ...turns.flatMap(({ id, text, call }) => [
        {
          role: 'assistant',
          content: text,
          ...(kept === 'none'
            ? {}
            : {
                reasoning_details: [
                  ...(kept === 'summary' ? [{ type: 'reasoning.summary', summary }] : []),
                  { type: 'reasoning.encrypted', data: 'eHg=' },
                ],
              }),
          ...(call === null
            ? {}
            : { tool_calls: [{ id, function: { name: call.name, arguments: JSON.stringify(call.input) } }] }),
        },
        ...(call === null ? [] : [{ role: 'tool', tool_call_id: id, content: call.output }]),
      ]),
    ]),
  langgraph: kept =>
    one({
      values: {
        messages: [
          { type: 'human', content: question },
          ...turns.flatMap(({ id, text, call }) => [
            {
              type: 'ai',
              content: [
                ...ofKept<object>(
                  kept,
                  { type: 'reasoning', summary: [], encrypted_content: 'eHg=' },
                  { type: 'reasoning', summary: [{ type: 'summary_text', text: summary }] },
                ),
                ...texts(text, text => ({ type: 'text', text })),
              ],
              tool_calls: call === null ? [] : [{ id, name: call.name, args: call.input }],
            },
            ...(call === null
              ? []
              : [{ type: 'tool', tool_call_id: id, name: call.name, content: call.output }]),
          ]),
        ],
      },
    }),
  inspect: kept =>
    one({
      eval: { task: 'moths' },
      samples: [
        {
          id: 's',
          epoch: 1,
          input: question,
          messages: [
            { role: 'user', content: question },
            ...turns.flatMap(({ id, text, call }) => [
              {
                role: 'assistant',
                content: [
                  ...ofKept<object>(
                    kept,
                    { type: 'reasoning', reasoning: 'eHg=', redacted: true },
                    { type: 'reasoning', reasoning: 'eHg=', redacted: true, summary },
                  ),
                  { type: 'text', text },
                ],
                tool_calls: call === null ? [] : [{ id, function: call.name, arguments: call.input }],
              },
              ...(call === null
                ? []
                : [{ role: 'tool', tool_call_id: id, function: call.name, content: call.output }]),
            ]),
          ],
        },
      ],
    }),
  'otel-spans': kept =>
    lines(
      turns.flatMap(({ id, text, call }, i) => {
        const span = (at: number, name: string, attributes: object): object => ({
          traceId: 't',
          spanId: `${id}-${at}`,
          name,
          startTime: [1772445600 + 10 * i + at, 0],
          endTime: [1772445601 + 10 * i + at, 0],
          attributes,
        });
        const parts = [
          ...ofKept<object>(
            kept,
            { type: 'reasoning', content: '' },
            { type: 'reasoning', content: summary },
          ),
          ...texts(text, content => ({ type: 'text', content })),
          ...(call === null ? [] : [{ type: 'tool_call', id, name: call.name, arguments: call.input }]),
        ];
        const chat = span(0, 'chat', {
          'gen_ai.operation.name': 'chat',
          'gen_ai.request.model': 'lumen',
          'gen_ai.input.messages': JSON.stringify([
            { role: 'user', parts: [{ type: 'text', content: question }] },
          ]),
          'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', parts }]),
        });
        if (call === null) return [chat];
        const run = span(3, `execute_tool ${call.name}`, {
          'gen_ai.operation.name': 'execute_tool',
          'gen_ai.tool.name': call.name,
          'gen_ai.tool.call.id': id,
          'gen_ai.tool.call.arguments': JSON.stringify(call.input),
          'gen_ai.tool.call.result': call.output,
        });
        return [chat, run];
      }),
    ),
  'run-json': kept =>
    one({
      query_id: '1',
      status: 'completed',
      tool_call_counts: {},
      retrieved_docids: [],
      result: turns.flatMap(({ text, call }): object[] => [
        ...ofKept<object>(
          kept,
          { type: 'reasoning', output: [] },
          { type: 'reasoning', output: [{ type: 'summary_text', text: summary }] },
        ),
        ...texts(text, output => ({ type: 'output_text', output })),
        ...(call === null
          ? []
          : [{ type: 'tool_call', tool_name: call.name, arguments: call.input, output: call.output }]),
      ]),
    }),
};

describe.each(Object.keys(formats))('reasoning that cannot be read, in %s', format => {
  const read = (kept: Kept) => {
    const [trajectory] = trajectoriesOf(logFile(...formats[format]!(kept)));
    expect(trajectory).toMatchObject({ format, answer: 'The second one.' });
    expect(searches(trajectory!)).toMatchObject([{ query: 'moths', candidates: [{}, {}] }]);
    expect(browses(trajectory!).map(({ doc }) => doc)).toEqual(['a.org/1', 'a.org/2']);
    return trajectory!;
  };
  const thought = (kept: Kept) => browses(read(kept)).map(({ reasoning }) => reasoning);

  it('is unknown: what is said beside it is not taken for it, and is named', () => {
    const trajectory = read('hidden');
    expect(browses(trajectory).map(({ reasoning }) => reasoning)).toEqual([null, null]);
    expect(trajectory.steps.filter(({ kind }) => kind === 'think')).toEqual([]);
    expect(trajectory.noPairs).toMatch(/^no reasoning recorded/);
    const reasons = trajectory.skipped.map(({ reason }) => reason);
    expect(reasons.filter(reason => reason === 'a reasoning that is encrypted or was not kept')).toHaveLength(
      4,
    );
    expect(reasons.filter(reason => reason.startsWith('what it says beside'))).toHaveLength(1);
  });

  it('is its summary, where there is one', () => {
    expect(thought('summary')).toEqual([summary, summary]);
  });

  it('is what it says before a call, where there is none at all', () => {
    expect(thought('none')).toEqual([aloud, null]);
  });
});
