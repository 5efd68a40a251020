import { describe, expect, it } from 'vitest';
import { browses, outline, readAll, readFixture, searches, telling } from '../logs.ts';

const { trajectories, at } = readFixture('claude-code.jsonl');
const [session, helper] = trajectories as [(typeof trajectories)[0], (typeof trajectories)[0]];

describe('a session of Claude Code', () => {
  it('is one trajectory, and each subagent another, by its id', () => {
    expect(trajectories.map(({ id, format }) => [id, format])).toEqual([
      ['5e0c-tides', 'claude-code'],
      ['a7f3', 'claude-code'],
    ]);
    expect(outline(session.steps)).toBe(
      'think 4, search 7, search 9, think 10, browse 13, browse 14, think 15, think 22, tool 32, think 33, tool 35, browse 37, think 38, answer 39',
    );
    expect(outline(helper.steps)).toBe('search 26, browse 29, browse 30, answer 31');
  });

  it('counts the blocks of one message as one turn, whatever results are written between', () => {
    expect(session.steps.slice(0, 3).map(({ turn }) => turn)).toEqual([0, 0, 0]);
  });

  it('lists files and pages', () => {
    expect(searches(session)).toMatchObject([
      {
        query: 'utcOffset',
        candidates: [
          {
            id: 'src/tide.ts',
            rank: 1,
            snippet:
              '11: // The port keeps its own clock.\n12: const shift = port.utcOffset * 60;\n88: return at + utcOffset;',
          },
          { id: 'src/port.ts', rank: 2 },
          { id: 'docs/clocks.md', rank: 3, snippet: '3: utcOffset is in hours: 1 for Hollow Bay.' },
        ],
      },
      {
        query: 'Hollow Bay tide table summer time',
        candidates: [
          { id: 'hollowbay.example/tides', rank: 1, title: 'Hollow Bay Harbour Office' },
          { id: 'almanac.example/clocks', rank: 2, title: 'Tides and clocks' },
        ],
      },
    ]);
    expect(searches(helper)).toMatchObject([
      { query: '**/*summer*', candidates: [{ id: 'test/summer.test.ts' }, { id: 'docs/summer.md' }] },
    ]);
  });

  it('reads on in a file in one browse, and again in another after an edit', () => {
    expect(browses(session)).toMatchObject([
      {
        doc: 'hollowbay.example/tides',
        shows: 'extract',
        text: 'The table is in UTC+1 throughout the year.',
      },
      {
        doc: 'src/tide.ts',
        shows: 'document',
        text: 'import { port } from "./port";\n\n\nfunction local(at) {\n  return at + utcOffset;\n\n}',
      },
      { doc: 'src/tide.ts', text: 'function local(at) {\n  return at + utcOffset + summer(at);\n}' },
    ]);
  });

  it('gives each browse the reasoning of the next turn, that of all parts to one that was read on in', () => {
    const thinks = new Map(
      session.steps.flatMap(step => (step.kind === 'think' ? [[step.step, step.text]] : [])),
    );
    expect(browses(session).map(({ reasoning }) => reasoning)).toEqual([
      thinks.get(15),
      `${thinks.get(15)}\n\n${thinks.get(22)}`,
      thinks.get(38),
    ]);
  });

  it('says what it leaves out, and takes no text for a reasoning that is encrypted', () => {
    expect(session.skipped).toEqual([
      { step: 0, reason: 'a line of the type summary' },
      { step: 1, reason: 'a line of the type file-history-snapshot' },
      { step: 40, reason: 'a line of the type queue-operation' },
      { step: 2, reason: 'a message that the user did not write' },
      { step: 5, reason: 'what it says beside its reasoning and a call' },
      { step: 18, reason: 'a reasoning that is encrypted or was not kept' },
      { step: 19, reason: 'what it says beside its reasoning and a call' },
    ]);
    expect(helper.noPairs).toMatch(/^no reasoning recorded/);
    expect(browses(helper).map(({ doc, error }) => [doc, error])).toEqual([
      ['test/summer.test.ts', null],
      ['test/gone.ts', 'File does not exist.'],
    ]);
  });

  it('reads what stands around', () => {
    expect(session).toMatchObject({
      question: 'Why are the tide tables of Hollow Bay an hour late in summer?',
      answer: '`local` added the winter offset all year; it now adds summer time.',
      agent: 'claude-sonnet-4-5',
      completed: true,
      outcome: 'unknown',
      noPairs: null,
    });
    expect(helper).toMatchObject({ question: 'Is there a test of summer time?', agent: 'claude-haiku-4-5' });
  });

  it('places each step at its line', () => {
    for (const step of [...session.steps, ...helper.steps]) {
      expect(step.position!.line).toBe(step.step + 1);
      expect(at(step)).toContain(telling(step));
    }
  });
});

describe('other sessions of Claude Code', () => {
  const line = (fields: object) => JSON.stringify({ sessionId: 's', cwd: '/w', ...fields });
  const user = (uuid: string, content: unknown, more: object = {}) =>
    line({ type: 'user', uuid, parentUuid: null, message: { role: 'user', content }, ...more });
  const agent = (uuid: string, content: unknown[], more: object = {}) =>
    line({ type: 'assistant', uuid, message: { role: 'assistant', id: `m${uuid}`, content }, ...more });

  it('finds subagents without an id by their first line, and forgets lines that were there before', () => {
    const side = { isSidechain: true };
    const text = [
      user('1', 'Main?'),
      user('2', 'First?', side),
      user('3', 'Second?', side),
      agent('4', [{ type: 'text', text: 'One.' }], { ...side, parentUuid: '2' }),
      agent('5', [{ type: 'text', text: 'Two.' }], { ...side, parentUuid: '3' }),
      agent('5', [{ type: 'text', text: 'Two.' }], { ...side, parentUuid: '3' }),
      agent('6', [{ type: 'text', text: 'Main.' }], { parentUuid: '1' }),
    ].join('\n');
    const runs = readAll(text, '.jsonl').map(record =>
      record.kind === 'trajectory' ? record.trajectory : null,
    );
    expect(runs.map(run => [run?.id, run?.question, run?.answer])).toEqual([
      ['s', 'Main?', 'Main.'],
      ['2', 'First?', 'One.'],
      ['3', 'Second?', 'Two.'],
    ]);
    expect(runs[2]?.skipped).toEqual([{ step: 5, reason: 'a line that was there before' }]);
  });

  it('reads a subagent in a file of its own, and what it does in a shell', () => {
    const side = { isSidechain: true, agentId: 'b52' };
    const bash = (id: string, command: string) => ({
      type: 'tool_use',
      id,
      name: 'Bash',
      input: { command },
    });
    const result = (id: string, content: string) => [{ type: 'tool_result', tool_use_id: id, content }];
    const text = [
      user('1', 'Where is the pump?', side),
      agent('2', [bash('x', 'cd src && grep -rn pump . | head')], side),
      user('3', result('x', './pump.ts:4:export const pump = 1;'), side),
      agent('4', [{ type: 'thinking', thinking: 'There.' }, bash('y', 'sed -n 1,9p src/pump.ts')], side),
      user('5', result('y', 'export const pump = 1;'), side),
      agent(
        '6',
        [
          { type: 'thinking', thinking: 'Found.' },
          { type: 'text', text: 'In pump.ts.' },
        ],
        side,
      ),
    ].join('\n');
    const [record, ...others] = readAll(text, '.jsonl');
    expect(others).toEqual([]);
    expect(record).toMatchObject({
      trajectory: {
        id: 'b52',
        question: 'Where is the pump?',
        answer: 'In pump.ts.',
        noPairs: null,
        steps: [
          { kind: 'search', query: 'pump', candidates: [{ id: 'src/pump.ts' }] },
          { kind: 'think' },
          { kind: 'browse', doc: 'src/pump.ts', text: 'export const pump = 1;', reasoning: 'Found.' },
          { kind: 'think' },
          { kind: 'answer' },
        ],
      },
    });
  });

  it('keeps a result whose call is not there, and an unanswered call', () => {
    const text = [
      user('1', [{ type: 'tool_result', tool_use_id: 'lost', content: 'x' }]),
      agent('2', [{ type: 'tool_use', id: 'open', name: 'Read', input: { file_path: '/w/a.ts' } }]),
    ].join('\n');
    const [record] = readAll(text, '.jsonl');
    expect(record).toMatchObject({
      trajectory: {
        completed: false,
        steps: [
          { kind: 'tool', name: 'unknown', step: 0 },
          { kind: 'browse', doc: 'a.ts', error: 'the log shows no result', step: 1 },
        ],
      },
    });
  });
});
