import { describe, expect, it } from 'vitest';
import { browses, outline, readAll, readFixture, searches, telling } from '../logs.ts';

const { trajectories, at } = readFixture('codex.jsonl');
const session = trajectories[0]!;

describe('a session of Codex', () => {
  it('is one trajectory of items, and of events that say what no item does', () => {
    expect(trajectories.map(({ id, format }) => [id, format])).toEqual([['019c-ferry', 'codex']]);
    expect(outline(session.steps)).toBe(
      'think 8, search 9, think 11, browse 13, think 14, search 18, browse 19, think 22, browse 24, tool 28, search 29, search 29, browse 30, think 31, answer 32',
    );
  });

  it('takes what a search found from the event of its end, and knows the searches of a shell', () => {
    expect(searches(session)).toMatchObject([
      {
        query: 'Gull Island ferry last departure',
        candidates: [
          {
            id: 'gullferries.example/hours',
            rank: 1,
            title: 'Gull Island Ferries',
            snippet: 'Departures from the mainland.',
          },
          { id: 'guide.example/gull', rank: 2 },
        ],
      },
      {
        query: 'last_ferry',
        candidates: [
          { id: 'src/timetable.ts', rank: 1, snippet: "11: last_ferry: '20:40'," },
          { id: 'src/board.ts', rank: 2 },
        ],
      },
      { query: 'Gull Island ferry winter', part: 0, candidates: [{ id: 'gullferries.example/winter' }] },
      { query: 'Gull Island ferry holidays', part: 1, candidates: [{ id: 'gullferries.example/winter' }] },
    ]);
  });

  it('opens pages, lines of files and documents of other servers', () => {
    expect(browses(session)).toMatchObject([
      { doc: 'gullferries.example/hours', text: '', error: null },
      { doc: 'docs/ferry.md#L1-3', text: '# Ferry\n\nHours are those of the operator.' },
      { doc: 'src/timetable.ts', text: "export const hours = {\n  last_ferry: '20:40',\n};" },
      { doc: 'gull-12', text: 'Gull Island has one pier.' },
    ]);
  });

  it('gives each browse the reasoning after it, from the item or from the event, and none that is encrypted', () => {
    expect(browses(session).map(({ reasoning }) => reasoning)).toEqual([
      'It says 21:40.\n\nNow our own timetable.',
      'The document defers to the operator; the constant is an hour early.',
      null,
      'Nothing of this changes the hour.',
    ]);
  });

  it('says what it leaves out, and counts nothing twice', () => {
    expect(session.skipped).toEqual([
      { step: 2, reason: 'a message that the user did not write' },
      { step: 3, reason: 'an event of the type task_started' },
      { step: 20, reason: 'an event of the type token_count' },
      { step: 21, reason: 'a reasoning that is encrypted or was not kept' },
      { step: 25, reason: 'a reasoning that is encrypted or was not kept' },
      { step: 26, reason: 'what it says beside its reasoning and a call' },
      { step: 29, reason: 'which of several queries found which result: each has the list of all' },
      { step: 34, reason: 'an event of the type task_complete' },
    ]);
  });

  it('reads what stands around', () => {
    expect(session).toMatchObject({
      question: 'When does the last ferry to Gull Island leave, and does our timetable say so?',
      answer: 'The last ferry leaves at 21:40; our timetable said 20:40, and is corrected.',
      agent: 'gpt-5.3-codex',
      completed: true,
      noPairs: null,
    });
  });

  it('places each step at its line', () => {
    for (const step of session.steps) {
      expect(step.position!.line).toBe(step.step + 1);
      // The event of an item's search has its list; the shell names files from where it is, and escapes its own output.
      const isElsewhere = step.kind === 'search' || (step.kind === 'browse' && step.step === 24);
      expect(at(step)).toContain(isElsewhere ? '"payload": ' : telling(step));
    }
  });
});

describe('other sessions of Codex', () => {
  const lines = (...all: object[]) => all.map(line => JSON.stringify(line)).join('\n');
  const item = (payload: object) => ({ timestamp: 't', type: 'response_item', payload });
  const event = (payload: object) => ({ timestamp: 't', type: 'event_msg', payload });
  const read = (...all: object[]) => {
    const [record, ...others] = readAll(lines(...all), '.jsonl');
    if (record?.kind !== 'trajectory' || others.length > 0) throw new Error('not one trajectory');
    return record.trajectory;
  };

  it('of older versions have their items as lines', () => {
    const trajectory = read(
      { id: 's1', timestamp: 't', instructions: null, git: {} },
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Where is x?' }] },
      { record_type: 'state' },
      {
        type: 'local_shell_call',
        call_id: 'c',
        status: 'completed',
        action: { type: 'exec', command: ['grep', '-rn', 'x', '.'], working_directory: '/r' },
      },
      { type: 'function_call_output', call_id: 'c', output: 'a.py:1:x' },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'In a.py.' }] },
    );
    expect(trajectory).toMatchObject({
      id: 's1',
      question: 'Where is x?',
      answer: 'In a.py.',
      steps: [{ kind: 'search', query: 'x', candidates: [{ id: '/r/a.py' }] }, { kind: 'answer' }],
    });
  });

  it('may have events alone, and be ended', () => {
    const trajectory = read(
      { timestamp: 't', type: 'session_meta', payload: { id: 's2', cwd: '/r' } },
      event({ type: 'user_message', message: 'Where is x?' }),
      event({ type: 'agent_reasoning', text: 'I look.' }),
      event({ type: 'web_search_end', call_id: 'w', query: 'where is x' }),
      event({ type: 'exec_command_end', call_id: 'e', command: ['cat', 'a.py'], cwd: '/r', stdout: 'x = 1' }),
      event({ type: 'agent_message', message: 'In a.py.' }),
      event({ type: 'turn_aborted', reason: 'interrupted' }),
    );
    expect(trajectory).toMatchObject({
      question: 'Where is x?',
      answer: 'In a.py.',
      completed: false,
      steps: [
        { kind: 'think', text: 'I look.' },
        { kind: 'search', query: 'where is x', candidates: [] },
        { kind: 'browse', doc: 'a.py', text: 'x = 1', reasoning: null },
        { kind: 'answer' },
      ],
    });
    expect(trajectory.noPairs).toMatch(/^no candidate lists/);
  });

  it('pair items without an id with the events of what they did, in order', () => {
    const action = { type: 'search', query: 'x' };
    const end = (url: string) =>
      event({ type: 'web_search_end', call_id: url, query: 'x', action, results: [{ url }] });
    const trajectory = read(
      end('https://a.example'),
      item({ type: 'web_search_call', action }),
      end('https://b.example'),
      item({ type: 'web_search_call', action }),
      item({ type: 'web_search_call', action }),
    );
    expect(searches(trajectory).map(({ candidates }) => candidates.map(({ id }) => id))).toEqual([
      ['a.example'],
      ['b.example'],
      [],
    ]);
  });
});
