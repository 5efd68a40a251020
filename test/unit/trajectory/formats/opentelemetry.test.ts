import { describe, expect, it } from 'vitest';
import { browses, logFile, outline, readAll, searches, trajectoriesOf } from '../logs.ts';
import { expectVeldra, linesOf, readFixture, valuesAt, veldra } from './spans.ts';

describe("The protocol's JSON", () => {
  const trajectory = readFixture('otlp.jsonl');

  it('is read over all its batches, in the order of time, each step at its span', () => {
    expectVeldra(trajectory);
    expect(trajectory.format).toBe('otlp');
    expect(outline(trajectory.steps)).toBe(
      'think 1, search 2, search 2, think 3, browse 5, browse 6, think 7, think 11, tool 10, search 9, think 12, answer 12',
    );
    const spans = linesOf('otlp.jsonl').flatMap(({ resourceSpans = [] }) =>
      resourceSpans.flatMap(({ scopeSpans }: { scopeSpans: { spans: unknown[] }[] }) =>
        scopeSpans.flatMap(scope => scope.spans),
      ),
    );
    expect(valuesAt('otlp.jsonl', trajectory)).toEqual(trajectory.steps.map(({ step }) => spans[step]));
  });

  it('says what it leaves out: other content, other traces, other signals', () => {
    expect(trajectory.skipped).toEqual([
      { step: 12, reason: 'content of the type uri' },
      { step: null, reason: '2 other records of the file: logs, metrics, or spans of no agent' },
    ]);
  });

  it('without an agent is no log', () => {
    const [health] = linesOf('otlp.jsonl');
    health.resourceSpans[0].scopeSpans.pop();
    expect(readAll(JSON.stringify(health))).toMatchObject([{ kind: 'unrecognised' }]);
  });

  it('may nest values endlessly, and lack lists', () => {
    const deep = `${'{"arrayValue":{"values":['.repeat(50_000)}${']}}'.repeat(50_000)}`;
    const chat = '{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}}';
    const span = `{"traceId":"t","spanId":"s","startTimeUnixNano":"1","attributes":[{"key":"gen_ai.input.messages","value":${deep}},${chat},7,null]}`;
    const text = `{"resourceSpans":[null,{"scopeSpans":{"0":1}},{"scopeSpans":[{"spans":[${span},null,[]]}]}]}`;
    expect(readAll(text)).toMatchObject([{ kind: 'trajectory' }]);
  });
});

describe("Spans with OpenInference's attributes", () => {
  const trajectory = readFixture('openinference.jsonl');
  const rows = linesOf('openinference.jsonl');

  it('are read in the order of time, each step at its line', () => {
    expectVeldra(trajectory);
    expect(trajectory.format).toBe('otel-spans');
    expect(outline(trajectory.steps)).toBe(
      'think 12, search 11, search 11, think 10, browse 9, browse 8, think 7, think 5, tool 4, search 3, think 1, answer 1',
    );
    expect(valuesAt('openinference.jsonl', trajectory)).toEqual(
      trajectory.steps.map(({ step }) => rows[step]),
    );
    expect(trajectory.skipped).toEqual([
      { step: 2, reason: 'a span beside what the agent does: rerank' },
      { step: 1, reason: 'content of the type image' },
    ]);
  });

  it('are the same on a page of the server', () => {
    const page = readFixture('phoenix-page.json');
    expectVeldra(page);
    expect(page.format).toBe('phoenix-page');
    expect(outline(page.steps)).toBe(outline(trajectory.steps));
    expect(valuesAt('phoenix-page.json', page)).toEqual(page.steps.map(({ step }) => rows[step]));
  });

  /** As a data frame writes them: columns with dots, messages in lists, times in milliseconds. */
  it('are the same as rows of a table', () => {
    const nested = (attributes: Record<string, string>, prefix: string): unknown[] | null => {
      const items: Record<string, unknown>[] = [];
      for (const [name, value] of Object.entries(attributes)) {
        if (!name.startsWith(prefix)) continue;
        const [index, ...rest] = name.slice(prefix.length).split('.');
        items[Number(index)] ??= {};
        const [, list, n, part] = /^(.*(?:tool_calls|contents))\.(\d+)\.(.*)$/.exec(rest.join('.')) ?? [];
        const own = items[Number(index)]!;
        if (list === undefined) own[rest.join('.')] = value;
        else {
          own[list] ??= [];
          const entries = own[list] as Record<string, unknown>[];
          entries[Number(n)] = { ...entries[Number(n)], [part!]: value };
        }
      }
      return items.length === 0 ? null : items;
    };
    const table = rows.map(({ context, attributes, start_time, end_time, ...row }) => ({
      ...row,
      'context.trace_id': context.trace_id,
      'context.span_id': context.span_id,
      start_time: Date.parse(start_time),
      end_time: Date.parse(end_time),
      'attributes.input.value': attributes['input.value'] ?? null,
      'attributes.output.value': attributes['output.value'] ?? null,
      'attributes.tool.name': attributes['tool.name'] ?? null,
      'attributes.llm.model_name': attributes['llm.model_name'] ?? null,
      'attributes.llm.output_messages': nested(attributes, 'llm.output_messages.'),
      'attributes.retrieval.documents': nested(attributes, 'retrieval.documents.'),
    }));
    const [read] = trajectoriesOf(logFile(JSON.stringify(table)));
    expectVeldra(read!);
  });
});

describe("Copilot's file of spans, logs and metrics", () => {
  const span = (start: number, name: string, attributes: object, more: object = {}) => ({
    resource: { attributes: { 'service.name': 'copilot-chat' } },
    traceId: 'aa',
    spanId: `s${start}`,
    parentSpanId: 's0',
    name,
    startTime: [1772445600 + start, 5e8],
    endTime: [1772445601 + start, 0],
    status: { code: 1 },
    attributes,
    events: [],
    ...more,
  });
  const chat = (start: number, reasoning: string | null, ...parts: object[]) =>
    span(start, 'chat lumen-2', {
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'lumen-2',
      'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', parts }]),
      ...(reasoning === null ? {} : { 'copilot_chat.reasoning_content': reasoning }),
    });
  const tool = (start: number, name: string, input: unknown, output: string, more: object = {}) =>
    span(
      start,
      `execute_tool ${name}`,
      {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': name,
        'gen_ai.tool.call.id': `c${start}`,
        'gen_ai.tool.call.arguments': JSON.stringify(input),
        'gen_ai.tool.call.result': output,
      },
      more,
    );
  const call = (start: number, name: string, input: unknown) => ({
    type: 'tool_call',
    id: `c${start}`,
    name,
    arguments: input,
  });
  const agent = span(
    0,
    'invoke_agent copilot',
    { 'gen_ai.operation.name': 'invoke_agent', 'copilot_chat.user_request': veldra.question },
    { parentSpanId: undefined },
  );
  const url = 'https://lights.example/skerry';
  const list = JSON.stringify([{ title: 'Skerry', url, snippet: 'north cape' }]);
  const read = (...records: object[]) =>
    trajectoriesOf(logFile(records.map(record => JSON.stringify(record)).join('\n'), '.jsonl'));

  it('keeps reasoning beside the words, unless it is encrypted', () => {
    const [trajectory] = read(
      { descriptor: { name: 'gen_ai.client.token.usage' }, dataPoints: [] },
      chat(1, 'look it up', call(2, 'web_search', { query: 'lights' })),
      tool(2, 'web_search', { query: 'lights' }, list),
      { body: 'GenAI inference', attributes: { 'event.name': 'gen_ai.client.inference.operation.details' } },
      chat(3, '[encrypted]', call(4, 'fetch_webpage', { urls: [url] })),
      tool(4, 'fetch_webpage', { urls: [url] }, 'Skerry was lit in 1803.', { status: { code: 2 } }),
      chat(5, 'that is it', { type: 'text', content: veldra.answer }),
      agent,
    );
    expect(trajectory).toMatchObject({ question: veldra.question, answer: veldra.answer, agent: 'lumen-2' });
    expect(trajectory!.steps).toMatchObject([
      { kind: 'think', step: 1, text: 'look it up' },
      { kind: 'search', step: 2, candidates: [{ id: 'lights.example/skerry' }] },
      {
        kind: 'browse',
        step: 5,
        doc: 'lights.example/skerry',
        reasoning: 'that is it',
        error: 'the tool failed',
      },
      { kind: 'think', step: 6 },
      { kind: 'answer', step: 6 },
    ]);
    expect(trajectory!.skipped).toEqual([
      { step: 4, reason: 'a reasoning that is encrypted or was not kept' },
      { step: null, reason: '2 other records of the file: logs, metrics, or spans of no agent' },
    ]);
  });

  it('without content says so', () => {
    const bare = (start: number, operation: string, more: object) =>
      span(start, `${operation} x`, { 'gen_ai.operation.name': operation, ...more });
    const [trajectory] = read(
      bare(1, 'chat', { 'gen_ai.request.model': 'lumen-2' }),
      bare(2, 'execute_tool', { 'gen_ai.tool.name': 'web_search', 'gen_ai.tool.call.id': 'c2' }),
      bare(3, 'execute_tool', { 'gen_ai.tool.name': 'fetch_webpage', 'gen_ai.tool.call.id': 'c3' }),
      bare(4, 'chat', { 'gen_ai.request.model': 'lumen-2' }),
      bare(0, 'invoke_agent', { 'gen_ai.agent.name': 'copilot' }),
    );
    expect(trajectory!.noPairs).toMatch(/^content not recorded: .* switch its capture on/s);
    expect(trajectory!.skipped).toHaveLength(2);
  });

  it('gives a trajectory for each trace, named after it', () => {
    const other = { ...chat(9, null, { type: 'text', content: 'Hello.' }), traceId: 'bb' };
    expect(read(other, chat(1, 'so', { type: 'text', content: 'Yes.' }))).toMatchObject([
      { id: 'bb', answer: 'Hello.' },
      { id: 'aa', answer: 'Yes.' },
    ]);
  });
});

describe('Spans of older conventions', () => {
  const span = (start: number, attributes: object, more: object = {}) => ({
    name: 'call',
    context: { trace_id: '0xa', span_id: `0x${start}` },
    parent_id: null,
    start_time: `2026-03-02T10:00:0${start}.000000Z`,
    attributes,
    ...more,
  });

  it('tell their messages by events, or by attributes with numbers', () => {
    const told = (name: string, attributes: object) => ({
      name,
      timestamp: '2026-03-02T10:00:01Z',
      attributes,
    });
    const [trajectory] = trajectoriesOf(
      logFile(
        JSON.stringify([
          span(
            1,
            { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'lumen-2' },
            {
              events: [
                told('gen_ai.user.message', { content: veldra.question }),
                told('gen_ai.choice', {
                  index: 0,
                  message: JSON.stringify({
                    content: 'I search.',
                    tool_calls: [{ id: 'c', function: { name: 'search', arguments: '{"query": "lights"}' } }],
                  }),
                }),
              ],
            },
          ),
          span(2, {
            'traceloop.span.kind': 'tool',
            'traceloop.entity.name': 'search',
            'traceloop.entity.input': '{"query": "lights"}',
            'traceloop.entity.output': '{"results": [{"docid": "d1", "text": "Skerry"}]}',
          }),
          span(3, {
            'gen_ai.request.model': 'lumen-2',
            'gen_ai.completion.0.role': 'assistant',
            'gen_ai.completion.0.tool_calls.0.id': 'd',
            'gen_ai.completion.0.tool_calls.0.name': 'get_document',
            'gen_ai.completion.0.tool_calls.0.arguments': '{"docid": "d1"}',
          }),
          span(4, {
            'gen_ai.request.model': 'lumen-2',
            'gen_ai.prompt.0.role': 'tool',
            'gen_ai.prompt.0.tool_call_id': 'd',
            'gen_ai.prompt.0.content': 'Lit in 1803.',
            'gen_ai.completion.0.content': '<think>good</think>Skerry.',
          }),
        ]),
      ),
    );
    expect(trajectory).toMatchObject({ question: veldra.question, answer: 'Skerry.', noPairs: null });
    expect(searches(trajectory!)).toMatchObject([{ step: 1, query: 'lights', candidates: [{ id: 'd1' }] }]);
    expect(browses(trajectory!)).toMatchObject([
      { step: 3, doc: 'd1', text: 'Lit in 1803.', reasoning: 'good' },
    ]);
  });

  it('tell their messages by log records, of the SDK or of the protocol', () => {
    const call = {
      id: 'c',
      type: 'function',
      function: { name: 'search', arguments: '{"query": "lights"}' },
    };
    const told = [
      { name: 'gen_ai.user.message', body: { content: veldra.question } },
      {
        name: 'gen_ai.choice',
        body: { index: 0, message: { role: 'assistant', content: 'I search.', tool_calls: [call] } },
      },
    ];
    const chat = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'lumen-2' };
    const records = told.map(({ name, body }) => ({
      body,
      attributes: { 'gen_ai.system': 'lumen', 'event.name': name },
      trace_id: '0xa',
      span_id: '0x1',
      timestamp: '2026-03-02T10:00:01.500000Z',
    }));
    const stray = { body: 'ready', attributes: {}, trace_id: '0x0', span_id: '0x0' };
    const value = (json: unknown): object => {
      if (typeof json === 'number') return { intValue: String(json) };
      if (typeof json === 'string') return { stringValue: json };
      if (Array.isArray(json)) return { arrayValue: { values: json.map(value) } };
      return { kvlistValue: { values: pairs(json as object) } };
    };
    const pairs = (json: object) => Object.entries(json).map(([key, own]) => ({ key, value: value(own) }));
    const spans = [
      { traceId: 'a', spanId: '1', startTimeUnixNano: '1772445600000000000', attributes: pairs(chat) },
    ];
    const logRecords = [
      ...told.map(({ name, body }) => ({ traceId: 'a', spanId: '1', eventName: name, body: value(body) })),
      { body: { stringValue: 'ready' } },
    ];
    const logs = [
      [...records, stray, span(1, chat)],
      [{ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }, { resourceSpans: [{ scopeSpans: [{ spans }] }] }],
    ];
    for (const log of logs) {
      const path = logFile(log.map(record => JSON.stringify(record)).join('\n'), '.jsonl');
      const [trajectory, ...others] = trajectoriesOf(path);
      expect(others).toEqual([]);
      expect(trajectory).toMatchObject({ question: veldra.question, completed: false });
      expect(trajectory!.steps).toMatchObject([
        { kind: 'think', text: 'I search.' },
        { kind: 'search', query: 'lights', error: 'the log shows no result' },
      ]);
      expect(trajectory!.skipped).toEqual([
        { step: null, reason: '1 other record of the file: logs, metrics, or spans of no agent' },
      ]);
    }
  });

  it('whose outermost is a tool have no question and no answer of it', () => {
    const tool = span(1, {
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'search',
      'gen_ai.tool.call.arguments': '{"query": "lights"}',
      'gen_ai.tool.call.result': 'nothing',
    });
    const [trajectory] = trajectoriesOf(logFile(JSON.stringify([tool])));
    expect(trajectory).toMatchObject({ question: null, answer: null });
  });
});
