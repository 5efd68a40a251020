import { appendFileSync, chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeError } from '../../../src/base/errors.ts';
import { isCandidateLog, longestLine, readLog, readRecord } from '../../../src/trajectory/log.ts';
import { BufferBytes } from '../../../src/trajectory/source/bytes.ts';
import { jsonErrorAt } from '../../../src/trajectory/source/json-syntax.ts';
import { elementPositions } from '../../../src/trajectory/source/positions.ts';
import { browses, expectPlaces, fixture, logFile, readAll } from './logs.ts';

const run = (query_id: string, more: object = {}) => ({
  query_id,
  status: 'completed',
  result: [
    { type: 'tool_call', tool_name: 'search', arguments: '{"query": "é😀"}', output: 'DocID:1\n[T]\ns' },
    { type: 'tool_call', tool_name: 'visit', arguments: '{"docid": "1"}', output: 'Document 1:\ntext' },
    { type: 'reasoning', output: 'a "quoted" \\ thought' },
    { type: 'output_text', output: 'x' },
  ],
  ...more,
});
const line = (query_id: string) => JSON.stringify(run(query_id));

/** Kinds, names and places, for short comparisons. */
function summary(content: string | Uint8Array, extension?: string): string[] {
  return readAll(content, extension).map(record => {
    if (record.kind === 'trajectory')
      return `${record.trajectory.id} (${record.trajectory.ordinal}) line ${record.line}`;
    return record.kind === 'problem' ? `${record.place}: ${record.reason}` : `unrecognised: ${record.reason}`;
  });
}

describe('the shapes of a log', () => {
  it('one record, plain or indented, with a byte order mark or without', () => {
    for (const space of [0, 2, '\t']) {
      for (const mark of ['', '\uFEFF']) {
        const path = logFile(mark + JSON.stringify(run('7', { note: 'ünïcödé 😀' }), null, space));
        const [record] = [...readLog(path)];
        if (record?.kind !== 'trajectory') throw new Error(JSON.stringify(record));
        expectPlaces(path, record.trajectory);
        const bytes = readFileSync(path).subarray(record.offset, record.offset + record.length);
        expect(JSON.parse(bytes.toString())).toEqual(run('7', { note: 'ünïcödé 😀' }));
      }
    }
  });

  it('a list of records', () => {
    const path = logFile(JSON.stringify([run('a'), run('b'), { other: 1 }], null, 1));
    const records = [...readLog(path)];
    expect(records.map(({ kind }) => kind)).toEqual(['trajectory', 'trajectory', 'problem']);
    for (const record of records) if (record.kind === 'trajectory') expectPlaces(path, record.trajectory);
    expect(records[2]).toMatchObject({
      place: 'record 3',
      reason: expect.stringContaining('object with other'),
    });
  });

  it('JSON Lines, blank lines and CRLF included, whatever the name says', () => {
    for (const extension of ['.jsonl', '.json', '.txt']) {
      const path = logFile(`\r\n${line('a')}\r\n\r\n  ${line('b')}  \r\n${line('a')}`, extension);
      const records = [...readLog(path)];
      for (const record of records) {
        if (record.kind !== 'trajectory') throw new Error(JSON.stringify(record));
        expectPlaces(path, record.trajectory);
      }
      expect(summary(readFileSync(path), extension)).toEqual([
        'a (0) line 2',
        'b (1) line 4',
        'a#2 (2) line 5',
      ]);
    }
  });

  it('lines longer than the chunks that are read', () => {
    const long = (id: string, size: number) => JSON.stringify(run(id, { pad: 'x'.repeat(size) }));
    const sizes = [10, 1 << 20, 3 << 20, 0, (1 << 20) - 1, 5 << 20];
    const path = logFile(sizes.map((size, i) => long(`q${i}`, size)).join('\n'), '.jsonl');
    const records = [...readLog(path)];
    expect(records).toHaveLength(sizes.length);
    for (const [i, record] of records.entries()) {
      if (record.kind !== 'trajectory') throw new Error(JSON.stringify(record));
      expect(record.trajectory.id).toBe(`q${i}`);
      expectPlaces(path, record.trajectory);
    }
  });

  it('names several runs on one question apart', () => {
    const ids = ['a', 'a#2', 'a', 'a', 'a#2'];
    const records = readAll(ids.map(line).join('\n'), '.jsonl');
    const names = records.map(record =>
      record.kind === 'trajectory' ? record.trajectory.id : record.reason,
    );
    expect(names).toEqual(['a', 'a#2', 'a#3', 'a#4', 'a#2#2']);
  });

  it('names a record without a query id by its line, or by its file', () => {
    const bare = JSON.stringify({ result: run('x').result });
    expect(summary(`${bare}\n${bare}`, '.jsonl')).toEqual(['line 1 (0) line 1', 'line 2 (1) line 2']);
    expect(summary(bare, '.jsonl')).toEqual(['line 1 (0) line 1']);
    expect(summary(bare, '.json')[0]).toMatch(/^log-\d+ \(0\) line 1$/);
  });
});

describe('reading one record again', () => {
  const path = logFile([line('a'), line('b'), line('c')].join('\n'), '.jsonl');
  const records = [...readLog(path)];

  it('gives what the log gave', () => {
    for (const record of records) {
      if (record.kind !== 'trajectory') throw new Error('unreachable');
      const { kind: _, trajectory, ...place } = record;
      expect(readRecord(path, place, {}, trajectory)).toMatchObject(trajectory);
    }
  });

  it('gives it where its text begins with a second byte order mark', () => {
    const path = logFile(`\ufeff\ufeff${readFileSync(fixture('react-text.txt'), 'utf8')}`, '.txt');
    const [record] = readLog(path);
    if (record?.kind !== 'trajectory') throw new Error('no trajectory');
    const { trajectory, kind: _, ...place } = record;
    expect(readRecord(path, place, {}, trajectory)).toEqual(trajectory);
  });

  it('says so if the log has changed', () => {
    const [, second] = records;
    if (second?.kind !== 'trajectory') throw new Error('unreachable');
    const changed = logFile(`${line('longer than a')}\n${line('b')}\n`, '.jsonl');
    let message = '';
    try {
      readRecord(changed, second);
    } catch (error) {
      message = describeError(error);
    }
    expect(message).toContain(changed);
    expect(message).toContain('Index again.');
    expect(() =>
      readRecord('/nowhere.jsonl', { offset: 0, length: 10, line: 1, column: 1, part: 0 }),
    ).toThrow('does not exist');
  });
});

describe('what is wrong with a log is said, and the rest is read', () => {
  const cutOff = JSON.stringify(run('a'), null, 1).slice(0, -40);

  it.each<[string, string | Uint8Array, string, string[]]>([
    ['empty', '', '.json', [': is empty. Delete it, or index again when it is whole.']],
    ['blank', ' \n\n', '.jsonl', [': is empty. Delete it, or index again when it is whole.']],
    ['binary', Uint8Array.from([0x7f, 0x45, 3, 4, 0, 0, 1]), '.json', [': is a binary file']],
    ['UTF-16', Buffer.from('\uFEFF{"a":1}', 'utf16le'), '.json', [': is UTF-16']],
    [
      'cut off',
      cutOff,
      '.json',
      [
        `line ${cutOff.split('\n').length}, column ${cutOff.split('\n').at(-1)!.length + 1}: the JSON ends too early`,
      ],
    ],
    ['not JSON', '{"a": 1,\n "b": oops}', '.json', ['line 2, column 7: is not JSON from here on ("oops}")']],
    ['no JSON at all', 'Thought 1: hm', '.json', ['line 1, column 1: is not JSON']],
    [
      'a bad line',
      `${line('a')}\n{"b": nope}\n${line('c')}\n`,
      '.jsonl',
      ['a (0)', 'line 2: is not JSON at column 7', 'c (1)'],
    ],
    ['a bad first line', `{"b": \n${line('c')}\n`, '.jsonl', ['line 1: ends too early', 'c (0)']],
    [
      'a first line without its beginning',
      `"b": 1}\n${line('c')}\n`,
      '.jsonl',
      ['line 1: is not JSON at column 4', 'c (0)'],
    ],
    [
      'a half-written last line',
      `${line('a')}\n${line('b').slice(0, 50)}`,
      '.jsonl',
      ['a (0)', 'line 2: ends too early, at column 51, without a line end'],
    ],
    [
      'something else among the records',
      `{"meta": 1}\n${line('a')}\n[]`,
      '.jsonl',
      ['line 1: is no trajectory', 'a (0)', 'line 3: is no trajectory'],
    ],
    [
      'bytes that are not UTF-8',
      Buffer.concat([Buffer.from(`${line('a')}\n`), Buffer.from(line('b').replace('é😀', 'é'), 'latin1')]),
      '.jsonl',
      ['a (0)', 'b (1)', 'line 2: has bytes that are not UTF-8'],
    ],
    [
      'bytes that are not UTF-8 in one document',
      Buffer.from(JSON.stringify([run('a'), run('b')]).replaceAll('é😀', 'é'), 'latin1'),
      '.json',
      ['a (0)', 'b (1)', ': has bytes that are not UTF-8'],
    ],
    [
      'bytes that are not UTF-8 in a text',
      Buffer.from(
        '<think>\xe9</think><search>q</search><information>\xe9</information><answer>a</answer>',
        'latin1',
      ),
      '.txt',
      ['log', ': has bytes that are not UTF-8'],
    ],
    [
      'bytes that are not UTF-8, in a file that is no log',
      Buffer.from('{"name": "\xe9"}', 'latin1'),
      '.json',
      ['unrecognised: is no log of a known format'],
    ],
  ])('%s', (_what, content, extension, expected) => {
    const said = summary(content, extension);
    expect(said).toHaveLength(expected.length);
    said.forEach((what, i) => {
      expect(what.startsWith(expected[i]!), `${what} | ${expected[i]}`).toBe(true);
    });
  });

  it('an element of a large list that is no JSON is left out', () => {
    const large = JSON.stringify(run('b', { note: 'x'.repeat(17 * 2 ** 20) }));
    expect(summary(`[${line('a')}, {"query_id": nil}, ${large}]`)).toEqual([
      'a (0) line 1',
      'record 2: is not JSON ("nil}") and was left out. Mend it.',
      'b (1) line 1',
    ]);
  });

  it('a line above the limit is refused without being kept', () => {
    const long = Buffer.alloc(longestLine + 10, 'x');
    const said = summary(
      Buffer.concat([Buffer.from(`${line('a')}\n"`), long, Buffer.from(`"\n${line('b')}\n`)]),
      '.jsonl',
    );
    expect(said).toEqual([
      'a (0) line 1',
      expect.stringContaining('line 2: is longer than 64 MiB'),
      'b (1) line 3',
    ]);
    expect(summary(long, '.jsonl')).toEqual([expect.stringContaining('line 1: is longer than 64 MiB')]);
  });

  it('a log that cannot be opened', () => {
    expect([...readLog('/nowhere/log.json')]).toEqual([
      { kind: 'problem', place: '', reason: 'does not exist.' },
    ]);
    const folder = `${logFile('x')}.d`;
    mkdirSync(folder);
    expect([...readLog(folder)]).toMatchObject([{ kind: 'problem', reason: 'is a folder, not a file.' }]);
  });

  it('a log without read permission', () => {
    const path = logFile(line('a'));
    chmodSync(path, 0);
    const user = process.geteuid!();
    // The superuser may read everything, so the test steps down for a moment.
    if (user === 0) process.seteuid!(65534);
    try {
      expect([...readLog(path)]).toMatchObject([
        { kind: 'problem', reason: expect.stringContaining('permission') },
      ]);
    } finally {
      if (user === 0) process.seteuid!(0);
    }
  });

  it.each<[string, (path: string) => void]>([
    ['grows', path => appendFileSync(path, `${line('z')}\n`)],
    [
      'is replaced',
      path => {
        writeFileSync(`${path}.new`, readFileSync(path));
        renameSync(`${path}.new`, path);
      },
    ],
  ])('a log that %s while it is read', (_how, change) => {
    const path = logFile(`${line('a')}\n${line('b')}\n`, '.jsonl');
    const kinds: string[] = [];
    for (const record of readLog(path)) {
      if (kinds.length === 0) change(path);
      kinds.push(record.kind === 'problem' ? record.reason : record.kind);
    }
    expect(kinds).toEqual(['trajectory', 'trajectory', expect.stringContaining('changed while it was read')]);
  });

  it('stops where it is told to', () => {
    const path = logFile(`${line('a')}\n${line('b')}\n`, '.jsonl');
    const stop = new AbortController();
    const reading = readLog(path, {}, stop.signal);
    expect(reading.next().value).toMatchObject({ kind: 'trajectory' });
    stop.abort(new Error('enough'));
    expect(() => reading.next()).toThrow('enough');
  });
});

describe('files that are no logs', () => {
  it.each([
    ['a package', '{"name": "x", "dependencies": {}}', '.json'],
    ['a configuration with comments', '{\n  // why\n  "a": 1\n}', '.json'],
    ['a configuration with trailing commas', '{\n  "a": [1, 2,],\n}', '.json'],
    ['a corpus', '{"id": "1", "contents": "a"}\n{"id": "2", "contents": "b"}\n', '.jsonl'],
    ['a corpus with a bad line', '{"id": "1", "contents": "a"}\noops\n', '.jsonl'],
    [
      'messages without a tool call',
      JSON.stringify([
        { role: 'user', content: 'hi' },
        { role: 'assistant', content: 'ho' },
      ]),
      '.json',
    ],
    ['an empty list', '[]', '.json'],
    ['a number', '12', '.json'],
  ])('%s', (_what, content, extension) => {
    expect(readAll(content, extension)).toEqual([{ kind: 'unrecognised', reason: expect.any(String) }]);
  });

  it.each([
    ['20,000 records', '{"id": "1", "contents": "a"}\n', 20_000, 'first 20000 records'],
    // An empty list takes 56 bytes, besides the 3 that it is written with.
    ['64 MiB of records', `{"contents": [${'[],'.repeat(1e5)}0]}\n`, 12, 'first 12 records'],
    ['100 lines that are no JSON', '{oops\n', 100, 'first 100 lines'],
  ])('are given up after %s', (_what, other, patience, reason) => {
    expect(readAll(`${other.repeat(patience)}${line('a')}\n`, '.jsonl').at(-1)).toEqual(
      expect.objectContaining({ reason: expect.stringContaining(reason) }),
    );
    expect(readAll(`${other.repeat(patience - 1)}${line('a')}\n`, '.jsonl').at(-1)).toMatchObject({
      kind: 'trajectory',
    });
  });

  it('may stand before what is a trajectory: traces begin with metrics', () => {
    const spans = readFileSync(join(import.meta.dirname, '../../fixtures/logs/openinference.jsonl'), 'utf8');
    const metrics = '{"name": "gen_ai.client.token.usage", "dataPoints": [{"value": 7}]}\n'.repeat(5000);
    const [alone, after] = [spans, metrics + spans].map(log => readAll(log, '.jsonl'));
    expect(alone!.length).toBeGreaterThan(0);
    const steps = (records: ReturnType<typeof readAll>, before: number) =>
      records.flatMap(each =>
        each.kind !== 'trajectory'
          ? []
          : each.trajectory.steps.map(({ position: _, ...step }) => ({ ...step, step: step.step - before })),
      );
    expect(steps(after!, 5000)).toEqual(steps(alone!, 0));
  });

  it('are told from logs by name on a walk', () => {
    const logs = ['a.json', 'a.JSONL', 'b.ndjson', 'c.traj', 'd.eval', 'e.yaml', 'f.yml', 'g.txt', 'h.log'];
    expect(logs.filter(isCandidateLog)).toEqual(logs);
    expect(['json', 'a.json.gz', 'a.md', 'b.py', '.txt.bak'].filter(isCandidateLog)).toEqual([]);
  });
});

describe('formats are told by content', () => {
  const chat = [
    { role: 'user', content: 'q' },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: '1', function: { name: 'search', arguments: '{}' } }],
    },
  ];

  it('and not guessed if two are equally likely', () => {
    const messages = [{ role: 'assistant', content: '<tool_call>{"name": "search"}</tool_call>' }];
    expect(readAll(JSON.stringify({ ...run('a'), messages }))).toEqual([
      { kind: 'problem', place: '', reason: expect.stringMatching(/could be run-json .* or tongyi/) },
    ]);
  });

  it('a run without a tool call counts where other records of the file confirm the format', () => {
    const silent = JSON.stringify({
      messages: [
        { role: 'user', content: 'q' },
        { role: 'assistant', content: 'a' },
      ],
    });
    expect(summary(`${silent}\n${JSON.stringify({ messages: chat })}\n${silent}\n`, '.jsonl')).toEqual([
      'line 1 (0) line 1',
      'line 2 (1) line 2',
      'line 3 (2) line 3',
    ]);
  });
});

describe('hostile logs', () => {
  const deep = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

  it.each([
    [
      'in a field',
      `{"query_id": "a", "deep": ${deep(100_000)}, "result": [{"type": "output_text", "output": "x"}]}`,
    ],
    [
      'in an output',
      `{"query_id": "a", "result": [{"type": "tool_call", "tool_name": "search", "arguments": {"query": ${deep(100_000)}}, "output": ${deep(100_000)}}, {"type": "tool_call", "tool_name": "visit", "arguments": ${deep(100_000)}, "output": ${deep(100_000)}}, {"type": "output_text", "output": ${deep(100_000)}}]}`,
    ],
    [
      'in a text',
      JSON.stringify({
        query_id: 'a',
        result: [
          {
            type: 'tool_call',
            tool_name: 'search',
            arguments: "{'a': ".repeat(100_000),
            output: "{'a': ".repeat(100_000),
          },
        ],
      }),
    ],
    [
      'of the query id',
      `{"query_id": "a", "correct": ${deep(100_000)}, "answer": ${deep(100_000)}, "metadata": ${deep(100_000)}, "result": [{"type": "output_text", "output": "x"}]}`,
    ],
  ])('nesting of a depth of 100,000 %s', (_where, content) => {
    expect(summary(content)).toEqual(['a (0) line 1']);
    expect(summary(`${content.slice(0, -2)}`)).toEqual([expect.stringContaining('ends too early')]);
  });

  it('a type that is a deep list is no type', () => {
    expect(readAll(`{"query_id": "a", "result": [{"type": ${deep(100_000)}}]}`)).toMatchObject([
      { kind: 'unrecognised' },
    ]);
  });

  it('lone surrogates, names that objects inherit, huge numbers', () => {
    const content =
      '{"query_id": 1e999, "__proto__": {"status": "stopped"}, "constructor": 1, "result": [' +
      '{"type": "tool_call", "tool_name": "__proto__", "arguments": {"__proto__": {"docid": "1"}}, "output": "\\ud800"},' +
      '{"type": "tool_call", "tool_name": "visit", "arguments": {"docid": "__proto__"}, "output": "Document __proto__:\\n{\'__proto__\': 1, \'text\': \'\\udfff\'}"},' +
      '{"type": "reasoning", "output": "\\udc00 hm"}, {"type": "output_text", "output": "toString"}]}';
    const path = logFile(content);
    const [record] = [...readLog(path)];
    if (record?.kind !== 'trajectory') throw new Error(JSON.stringify(record));
    expectPlaces(path, record.trajectory);
    expect(record.trajectory).toMatchObject({ queryId: null, completed: true, answer: 'toString' });
    expect(browses(record.trajectory)).toMatchObject([
      { doc: '__proto__', text: '\udfff', reasoning: '\udc00 hm' },
    ]);
  });

  it('any JSON value, anywhere in a record of any format', () => {
    const value = fc.jsonValue({ maxDepth: 3 });
    const records = fc.oneof(
      fc.record({
        query_id: value,
        result: fc.array(
          fc.record({
            type: fc.constantFrom('reasoning', 'tool_call', 'output_text'),
            tool_name: fc.oneof(fc.constantFrom('search', 'visit'), value),
            arguments: value,
            output: value,
          }),
        ),
        status: value,
        metadata: value,
        answer: value,
      }),
      fc.record({
        messages: fc.array(
          fc.record({
            role: fc.constantFrom('user', 'assistant', 'tool'),
            content: fc.oneof(
              value,
              fc.constant('<think>a</think><tool_call>{"name": "search"}</tool_call>'),
            ),
            tool_calls: fc.oneof(
              value,
              fc.array(
                fc.record({
                  id: value,
                  function: fc.record({ name: fc.constantFrom('search', 'visit'), arguments: value }),
                }),
              ),
            ),
            tool_call_id: value,
            reasoning: value,
            reasoning_details: value,
          }),
        ),
        answer: value,
        question: value,
      }),
      fc.record({
        values: fc.record({
          messages: fc.array(
            fc.record({
              type: fc.constantFrom('human', 'ai', 'tool'),
              content: value,
              tool_calls: fc.oneof(
                value,
                fc.array(
                  fc.record({ id: value, name: fc.constantFrom('web_search', 'web_fetch'), args: value }),
                ),
              ),
              tool_call_id: value,
              additional_kwargs: value,
            }),
          ),
        }),
        next: value,
        metadata: value,
      }),
      fc.record({ gen_text_store: fc.string(), answer: value, gpt4o_output: value }),
    );
    fc.assert(
      fc.property(records, record => {
        const path = logFile(JSON.stringify(record));
        for (const read of readLog(path)) {
          if (read.kind === 'trajectory' && read.trajectory.format !== 'search-tags')
            expectPlaces(path, read.trajectory);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('places in bytes', () => {
  it('are those of the elements, for any JSON in any layout', () => {
    const layout = fc.constantFrom(0, 1, 4, '\t');
    const path = fc.array(fc.constantFrom('a', 'é"\\', '__proto__', ''), { maxLength: 3 });
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), path, layout, fc.jsonValue(), (list, names, space, other) => {
        const nested = names.reduceRight<unknown>(
          (value, name) =>
            Object.fromEntries([
              ['before', other],
              [name, value],
              ['after', [other]],
            ]),
          list,
        );
        const text = JSON.stringify(nested, null, space);
        const bytes = Buffer.from(text);
        const places = elementPositions(new BufferBytes(bytes), names, { offset: 10, line: 3, column: 1 });
        expect(
          places.map(({ offset, length }) =>
            JSON.parse(bytes.subarray(offset - 10, offset - 10 + length).toString()),
          ),
        ).toEqual(JSON.parse(JSON.stringify(list)));
        for (const { offset, line, column } of places) {
          const before = bytes
            .subarray(0, offset - 10)
            .toString()
            .split('\n');
          expect([line, column]).toEqual([before.length + 2, before.at(-1)!.length + 1]);
        }
      }),
    );
  });

  it('of members with one name the last one counts, as in JSON.parse', () => {
    const bytes = Buffer.from('{"a": [1, 2], "\\u0061": [30]}');
    expect(elementPositions(new BufferBytes(bytes), ['a'], { offset: 0, line: 1, column: 1 })).toEqual([
      { offset: 25, length: 2, line: 1, column: 26 },
    ]);
  });

  it('where there is no list there are none', () => {
    for (const text of ['{"a": {"b": [1]}}', '{"a": 1}', '[1]', '"a"', '{}']) {
      expect(
        elementPositions(new BufferBytes(Buffer.from(text)), ['a'], { offset: 0, line: 1, column: 1 }),
      ).toEqual([]);
    }
  });
});

describe('where JSON goes wrong', () => {
  const parses = (text: string): boolean => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };

  it('is nowhere exactly where JSON.parse agrees, and never before the change', () => {
    const edited = fc
      .tuple(
        fc.json(),
        fc.nat(),
        fc.constantFrom('', '"', '{', ']', ',', ':', '\\', '0', '-', 'e', '\n', 't'),
      )
      .map(([text, at, put]) => {
        const index = at % (text.length + 1);
        return { text: text.slice(0, index) + put + text.slice(index + 1), whole: text };
      });
    fc.assert(
      fc.property(edited, ({ text }) => {
        const at = jsonErrorAt(text);
        expect(at === null).toBe(parses(text));
        if (at === null) return;
        // What stands before the error can still become JSON: its own error is only that it ends.
        const before = text.slice(0, at);
        expect(jsonErrorAt(before) ?? before.length).toBe(before.length);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['{"a": "x', 8],
    ['{"a": tru', 9],
    ['{"a": 1.', 8],
    ['{"a": "\\u12', 11],
    ['{"a" 1}', 5],
    ['{"a": 01}', 6],
    ['{"a": 1} x', 9],
    ['["a\nb"]', 3],
    ['[1, 2', 5],
    ['', 0],
  ])('%j', (text, at) => {
    expect(jsonErrorAt(text)).toBe(at);
  });
});
