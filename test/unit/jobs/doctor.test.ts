import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { unwatched } from '../../../src/base/progress.ts';
import { describeDiagnosis } from '../../../src/jobs/diagnosis-text.ts';
import { diagnose } from '../../../src/jobs/doctor.ts';
import { smallRun, temporaryFolder, write } from '../workspace/support.ts';

const lines = (...records: readonly unknown[]) =>
  records.map(record => `${typeof record === 'string' ? record : JSON.stringify(record)}\n`).join('');

/** The column of the first element of a record's list, in the record's line. */
const columnOf = (record: object, list: string) =>
  JSON.stringify(record).indexOf(`"${list}":[`) + `"${list}":[`.length + 1;

const fixtures = join(import.meta.dirname, '../../fixtures');
const fixture = (name: string): string => readFileSync(join(fixtures, name), 'utf8');

interface Event {
  readonly what: string;
  readonly uses?: readonly object[];
  readonly ref?: string;
  readonly out?: unknown;
}

/** A run of a format that nobody has heard of, and the description of the format; of the other, its lines are the steps. */
const strange: { readonly run: string; readonly ask: string; readonly events: readonly Event[] } = JSON.parse(
  fixture('logs/declared.json'),
);
const [description, byLine] = JSON.parse(fixture('formats.json'));

it('tells of every record what it is taken for, and of the first trajectory every step', async () => {
  const folder = temporaryFolder();
  const log = join(folder, 'runs.jsonl');
  writeFileSync(log, lines(smallRun('1'), { note: 'no run' }, '{"broken":', smallRun('2')));
  const found = await diagnose({ workspace: folder, log }, unwatched);
  expect(found.sources).toEqual([{ member: null, what: 'JSON Lines: each line is a record' }]);
  expect(found.shapes).toMatchObject([
    { records: 2, first: 'line 1', kind: 'known', claims: [{ format: 'run-json' }] },
    { records: 1, first: 'line 2', kind: 'unknown', reason: 'an object with note', claims: [] },
  ]);
  expect(found.problems.map(({ place }) => place)).toEqual(['line 2', 'line 3']);
  expect(found.accounts.map(({ trajectory, place }) => [trajectory, place])).toEqual([
    ['1', `1:${columnOf(smallRun('1'), 'result')}`],
    ['2', `4:${columnOf(smallRun('2'), 'result')}`],
  ]);
  expect(found.shown).toMatchObject({ trajectory: '1' });
  expect(found.shown!.steps.map(({ step, kind, what, size }) => [step, kind, what, size])).toEqual([
    [0, 'think', 'where to begin', null],
    [1, 'search', 'first of 1', 3],
    [2, 'think', 'b looks right', null],
    [3, 'browse', 'b', 'it says what I need to know'.length],
    [4, 'think', 'it says what I need to know', null],
    [5, 'search', 'second of 1', 2],
    [6, 'think', 'done', null],
    [7, 'answer', 'the answer', null],
  ]);
  const text = describeDiagnosis(found);
  expect(text).toContain('2 records, the first at line 1: run-json');
  expect(found.accounts[0]).toMatchObject({ browses: 1, listed: 1 });
  expect(text).toMatch(
    / 3 {2}browse +1:\d+ {2}b {2}→ listed by step 1 at rank 2; 27 characters of reasoning after it/,
  );
  expect(text).toMatch(/2 problems:\n {2}line 2: /);
});

it('shows the trajectory that is asked for, and says which there are if it is not there', async () => {
  const folder = temporaryFolder();
  const log = join(folder, 'runs.jsonl');
  writeFileSync(log, lines(smallRun('1'), smallRun('2')));
  const found = await diagnose({ workspace: folder, log, trajectory: '2' }, unwatched);
  expect(found.shown!.steps[1]).toMatchObject({ what: 'first of 2', line: 2 });
  const missing = diagnose({ workspace: folder, log, trajectory: '3' }, unwatched);
  await expect(missing).rejects.toMatchObject({ place: log, remedy: 'It holds 1, 2.' });
});

it('says why a file is no log, and what a trajectory holds that is no step', async () => {
  const folder = temporaryFolder();
  write(join(folder, 'settings.json'), { colour: 'red' });
  const settings = await diagnose({ workspace: folder, log: join(folder, 'settings.json') }, unwatched);
  expect(settings).toMatchObject({ trajectories: 0, shown: null });
  expect(describeDiagnosis(settings)).toContain('No log: ');
  const nothing = diagnose({ workspace: folder, log: join(folder, 'none.json') }, unwatched);
  await expect(nothing).rejects.toThrow('does not exist');
});

it('previews what a described format reads of a log, and what it misses', async () => {
  const folder = temporaryFolder();
  write(join(folder, '.lrat', 'config.json'), { version: 1, formats: [description] });
  const log = join(folder, 'strange.json');
  write(log, strange);
  const found = await diagnose({ workspace: folder, log }, unwatched);
  expect(found.shapes).toMatchObject([
    { kind: 'known', claims: [{ format: 'pier-runs', reason: 'it has `run`, `events`, as `formats` says' }] },
  ]);
  expect(found.accounts).toMatchObject([
    {
      trajectory: 'r1',
      question: 'Who built the pier?',
      ...{ searches: 1, candidates: 2, browses: 1, noPairs: null },
      skipped: [{ step: 4, reason: 'a step of the kind “ad”, which the format does not name' }],
    },
  ]);
  expect(found.shown!.steps.map(({ step, kind, what, line }) => [step, kind, what, line])).toEqual([
    [0, 'think', 'I look it up.', 1],
    [1, 'search', 'pier builder', 1],
    [2, 'think', 'The first one.', 1],
    [3, 'browse', 'd1', 1],
    [5, 'think', 'Grey it is.', 1],
    [5, 'answer', 'Grey.', 1],
  ]);
  expect(found.shown!.steps[3]!.size).toBe('Grey it is.'.length);
  expect(found.unread).toEqual([
    { format: 'pier-runs', field: 'seed', times: 1 },
    { format: 'pier-runs', field: 'events[].uses[].lang', times: 1 },
    { format: 'pier-runs', field: 'events[].cost', times: 2 },
    { format: 'pier-runs', field: 'events[].mood', times: 1 },
    { format: 'pier-runs', field: 'events[].text', times: 1 },
  ]);
  expect(describeDiagnosis(found)).toContain('pier-runs: events[].cost, 2 times');
});

/** What the preview of a changed description misses of a changed run. */
async function missed(changes: object, record: object = strange) {
  const folder = temporaryFolder();
  write(join(folder, '.lrat', 'config.json'), { version: 1, formats: [{ ...description, ...changes }] });
  const log = join(folder, 'strange.json');
  write(log, record);
  const found = await diagnose({ workspace: folder, log }, unwatched);
  return {
    found,
    text: describeDiagnosis(found),
    unread: found.unread.map(({ field, times }) => `${field} ${times}`),
    inVain: found.inVain.map(({ option, path, followed }) => `${option} ${path} ${followed}`),
  };
}

describe('the preview of a described format', () => {
  /** What the description of the other tests leaves unread. */
  const always = [
    'seed 1',
    'events[].uses[].lang 1',
    'events[].cost 2',
    'events[].mood 1',
    'events[].text 1',
  ];

  it('misses nothing and follows no path in vain where all is described', async () => {
    const events = strange.events.filter(({ what }) => what !== 'ad');
    const { run, ask } = strange;
    const [call, list] = events;
    const { ref, out } = list!;
    const first = { ...call, uses: [{ ...call!.uses![0], lang: null }] };
    const record = {
      run,
      ask,
      events: [first, { what: 'back', ref, out }, { what: 'model', said: 'Grey.' }],
    };
    expect(await missed({}, record)).toMatchObject({ unread: [], inVain: [] });
  });

  it('looks below objects that a path leads through', async () => {
    const meta = { id: 'r1', question: 'Who?', model: { name: 'm', version: 3 } };
    const { unread, inVain } = await missed({ id: 'meta.id', question: undefined }, { ...strange, meta });
    expect(unread.sort()).toEqual(['ask 1', 'meta.model 1', 'meta.question 1', ...always].sort());
    expect(inVain).toEqual([]);
    expect((await missed({ question: 'meta' }, { ...strange, meta })).inVain).toEqual(['question meta 1']);
  });

  it('looks into lists of results, and beside them', async () => {
    const results = { ...description.results, id: 'kee' };
    const wrong = await missed({ results });
    expect(wrong.found.accounts).toMatchObject([{ candidates: 0 }]);
    expect(wrong.inVain).toEqual(['results.id kee 2']);
    expect(wrong.unread).toContain('events[].out.found[].key 2');
    expect(wrong.text).toContain('pier-runs: results.id “kee”, followed 2 times');

    const nowhere = await missed({ results: { ...description.results, list: 'hits' } });
    expect(nowhere.inVain).toEqual(['results.list hits 2']);
  });

  it('names the paths that find nothing, and says that there are no steps', async () => {
    const step = { ...description.step, arguments: 'inputt' };
    expect((await missed({ step, answer: 'nosuch' })).inVain).toEqual([
      'answer nosuch 1',
      'step.arguments inputt 2',
    ]);
    const { inVain, unread, text } = await missed({ steps: 'evts' });
    expect(inVain).toEqual(['steps evts 1']);
    expect(unread).toEqual(['seed 1', 'events 1']);
    expect(text).toContain('can give no pairs: no steps: its `evts`');
    expect(text).toContain('step by step\n  question: Who built the pier?\n  no steps\n');
  });

  it('follows what a file of steps holds, also in lines that do not look like it', async () => {
    const folder = temporaryFolder();
    const format = {
      ...description,
      ...{ unit: 'file', has: ['run'], steps: '', question: 'ask' },
      step: { ...description.step, calls: undefined, kinds: { go: 'call', back: 'result', note: 'ignore' } },
    };
    write(join(folder, '.lrat', 'config.json'), { version: 1, formats: [format] });
    const log = join(folder, 'steps.jsonl');
    const { out } = strange.events[1]!;
    writeFileSync(
      log,
      lines(
        { run: 'r', ask: 'Who?', what: 'note', draft: 1 },
        { what: 'go', tool: 'lookup', input: { q: 'pier' }, ref: 'a', said: 'aloud' },
        { what: 'back', ref: 'a', out: Object.assign({}, out, { total: 2 }), took: 5 },
      ),
    );
    const { unread, inVain, shown } = await diagnose({ workspace: folder, log }, unwatched);
    expect(shown!.steps).toMatchObject([{ kind: 'search', what: 'pier', size: 2 }]);
    expect(unread.map(({ field }) => field)).toEqual(['said', 'took', 'out.total']);
    expect(inVain.map(({ option }) => option)).toEqual(['step.reasoning']);
  });
});

describe('over all trajectories', () => {
  it('counts what was not read, and why there are no pairs', async () => {
    const folder = temporaryFolder();
    const log = join(folder, 'chats.jsonl');
    const chat = (more: readonly object[]) => ({
      messages: [
        { role: 'user', content: 'Why?' },
        {
          role: 'assistant',
          tool_calls: [
            { id: '1', type: 'function', function: { name: 'search', arguments: '{"query":"q"}' } },
          ],
        },
        { role: 'tool', tool_call_id: '1', content: '[{"docid": "d", "text": "t"}]' },
        ...more,
      ],
    });
    const lost = { role: 'tool', tool_call_id: 'gone', content: 'Removed.' };
    const again = { role: 'user', content: 'And then?' };
    writeFileSync(log, lines(chat([]), chat([lost, lost, again]), chat([lost])));
    const found = await diagnose({ workspace: folder, log }, unwatched);
    const reason = 'the arguments of a call that the log does not show, but only its result';
    expect(found.skipped).toEqual([
      { reason, times: 3, trajectories: 2 },
      { reason: 'a further message of the user', times: 1, trajectories: 1 },
    ]);
    expect(found.noPairs).toMatchObject([{ trajectories: 1 }, { trajectories: 2 }]);
    expect(describeDiagnosis(found)).toContain(`  3 × ${reason}, in 2 trajectories`);
  });

  it('tells where each of several in one text begins', async () => {
    const folder = temporaryFolder();
    const log = join(folder, 'react.txt');
    const run = 'Question: q\nThought: t\nAction: Search[x]\nObservation: o\nAction: Finish[y]\n';
    writeFileSync(log, run.repeat(3));
    const { accounts } = await diagnose({ workspace: folder, log }, unwatched);
    expect(accounts.map(({ place }) => place)).toEqual(['2:1', '7:1', '12:1']);
  });
});

it('says of a browse that no search before it listed its document', async () => {
  const folder = temporaryFolder();
  const log = join(folder, 'run.json');
  const [search, browse] = [
    { type: 'tool_call', tool_name: 'search', arguments: '{"query": "q"}', output: 'DocID:1\n[T]\ns' },
    { type: 'tool_call', tool_name: 'visit', arguments: '{"docid": "9"}', output: 'Document 9:\ntext' },
  ];
  write(log, { query_id: 'a', result: [browse, { type: 'reasoning', output: 'so' }, search] });
  const found = await diagnose({ workspace: folder, log }, unwatched);
  expect(found.accounts).toMatchObject([{ browses: 1, listed: 0 }]);
  expect(describeDiagnosis(found)).toContain('9  → in no list before it; 2 characters');
});

it('previews the same where the records of a file are the steps', async () => {
  const folder = temporaryFolder();
  write(join(folder, '.lrat', 'config.json'), { version: 1, formats: [description, byLine] });
  const log = join(folder, 'strange.jsonl');
  write(log, fixture('logs/declared.jsonl'));
  const found = await diagnose({ workspace: folder, log }, unwatched);
  expect(found.accounts).toMatchObject([
    {
      question: 'Who built the pier?',
      ...{ searches: 1, candidates: 2, browses: 1, noPairs: null },
      skipped: [{ step: 4, reason: 'a step of the kind “ad”, which the format does not name' }],
    },
  ]);
  expect(found.shown!.steps.map(({ step, what, line }) => [step, what, line])).toEqual([
    [0, 'I look it up.', 1],
    [1, 'pier builder', 2],
    [2, 'The first one.', 3],
    [3, 'd1', 4],
    [5, 'Grey it is.', 6],
    [5, 'Grey.', 6],
  ]);
});

it('shows control characters of a log as signs, so that they do nothing to a terminal', async () => {
  const folder = temporaryFolder();
  const log = join(folder, 'run.json');
  write(log, smallRun('1', { query: 'red \u001b[31malert\u0007' }));
  const text = describeDiagnosis(await diagnose({ workspace: folder, log }, unwatched));
  expect(text).toContain('question: red \ufffd[31malert\ufffd');
});
