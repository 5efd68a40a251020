import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { type LogRecord, readLog } from '../../src/trajectory/log.ts';
import { ensureWorkspace } from '../../src/workspace/paths.ts';
import { dump, expectSame, openIndex, smallRun, temporaryFolder, write } from '../unit/workspace/support.ts';
import { archiveOf } from './archives.ts';
import { snapshot } from './index-oracle.ts';

const program = join(import.meta.dirname, '../unit/workspace/index-process.ts');
const isWindows = process.platform === 'win32';
const run = (id: string): string => JSON.stringify(smallRun(id));
/** JSON that is small as a text and large as a value. */
const lists = (count: number): string => `[${'[],'.repeat(count)}0]`;

/** What an index says of a folder; problems and files that are no logs as `name: reason`. */
interface Told {
  readonly trajectories: number;
  readonly problems: readonly string[];
}

/** Indexes a folder in a process that may write nowhere but in `.lrat`, and must keep to its bounds of time and memory. */
async function index(workspace: string): Promise<Told> {
  ensureWorkspace(workspace);
  const before = snapshot(workspace);
  const flags = [
    '--permission',
    '--allow-worker',
    '--allow-fs-read=*',
    `--allow-fs-write=${workspace}/.lrat/*`,
  ];
  const quiet = ['--disable-warning=ExperimentalWarning', '--disable-warning=SecurityWarning'];
  const child = spawn(process.execPath, [...flags, ...quiet, program, workspace, join(workspace, 'logs')]);
  let said = '';
  child.stdout.on('data', data => (said += data));
  child.stderr.on('data', data => (said += data));
  const code = await new Promise(resolve => child.on('close', resolve));
  expect(code, said).toBe(0);
  const took = JSON.parse(said.trimEnd().split('\n').at(-1)!) as { mebibytes: number; ms: number };
  expect(took.mebibytes).toBeLessThan(1024);
  // Of the processor, two threads and their start included.
  expect(took.ms).toBeLessThan(8000);
  expect(snapshot(workspace)).toBe(before);

  const found = openIndex(workspace);
  const problems = [...found.problems(), ...found.notLogs()];
  return {
    trajectories: found.status().trajectories,
    problems: problems
      .map(({ log, place, reason }) => `${[log, place].filter(Boolean).join(', ')}: ${reason}`)
      .sort(),
  };
}

/** Each problem must begin as expected, and none may be left over. */
function expectProblems({ problems }: Told, expected: readonly string[]): void {
  const cut = problems.map((problem, i) => problem.slice(0, expected[i]?.length ?? 200));
  expect(cut).toEqual(expected);
}

describe('an archive', () => {
  it('that is a bomb is refused, member by member, and what is sound in it is read', async () => {
    const folder = temporaryFolder();
    const good = { name: 'good.json', content: run('good') };
    const bomb = { name: 'bomb.json', content: lists(20 * 2 ** 20) };
    const archives = {
      inflates: archiveOf([bomb, good]),
      lies: archiveOf([{ ...bomb, size: 1000 }, good]),
      nests: archiveOf([{ name: 'inner.eval', content: archiveOf([good]) }, good]),
      overlaps: archiveOf(
        Array.from({ length: 20_000 }, (_, i) => ({ name: `${i}.json`, content: run('x'), offset: 0 })),
      ),
      'claims-more': archiveOf([good], { count: 0xffff }),
      'is-cut': archiveOf([good]).subarray(0, -10),
    };
    for (const [name, bytes] of Object.entries(archives)) {
      mkdirSync(join(folder, 'logs'), { recursive: true });
      writeFileSync(join(folder, 'logs', `${name}.eval`), bytes);
    }
    const told = await index(folder);
    expect(told.trajectories).toBe(3);
    const shared = told.problems.filter(problem => problem.includes('shares its bytes'));
    expect(shared).toHaveLength(20_000);
    expectProblems({ ...told, problems: told.problems.filter(problem => !shared.includes(problem)) }, [
      'claims-more.eval: is no sound archive (its directory is damaged)',
      'inflates.eval, bomb.json: would unpack to more than 200 times its size, and was left out',
      'is-cut.eval: is no sound archive (it has no directory)',
      'lies.eval, bomb.json: ',
    ]);
  });

  it('whose members would climb out of it is read, and nothing is written by their names', async () => {
    const folder = temporaryFolder();
    const names = [
      '../../evil.json',
      '/tmp/evil.json',
      '..\\..\\evil.json',
      'C:\\evil.json',
      '__proto__/a.json',
      '~/.x.json',
    ];
    mkdirSync(join(folder, 'logs'));
    const archive = archiveOf(names.map((name, i) => ({ name, content: run(`run ${i}`) })));
    writeFileSync(join(folder, 'logs/climbing.eval'), archive);
    expect(await index(folder)).toEqual({ trajectories: names.length, problems: [] });
    const found = openIndex(folder);
    const members = names.map((_, i) => found.place('climbing.eval', `run ${i}`).place.member);
    expect(members).toEqual(names);
    expect(found.trajectory('climbing.eval', 'run 0').question).toBe('Question run 0?');
  });
});

describe('a log with more values than memory can hold', () => {
  const steps = '"status": "completed", "result": [{"type": "output_text", "output": "x"}]';
  const heavy = `{"query_id": "heavy", ${steps}, "more": ${lists(6 * 2 ** 20)}}`;
  const session = (content: string): string =>
    `{"type": "user", "uuid": "u", "sessionId": "s", "parentUuid": null, "message": {"role": "user", "content": "x"}, ${content}`;
  it.each([
    ['a line', 'a.jsonl', `${heavy}\n${run('b')}\n`, 'a.jsonl, line 1: has more values than'],
    ['a document', 'a.json', heavy, 'a.json: has more values than'],
    ['an element of a list', 'a.json', `[${heavy}, ${run('b')}]`, 'a.json, record 1: has more values than'],
    [
      'a session',
      'a.jsonl',
      `${session(`"more": ${lists(2 ** 20)}}\n`).repeat(8)}`,
      'a.jsonl, line 5: what belongs together',
    ],
    ['a cassette', 'a.yaml', `interactions: ${lists(2 ** 20)}\n`, 'a.yaml: has more values than'],
    [
      'an event',
      'a.txt',
      `event: x\n${`data: ${lists(100)}\n`.repeat(60_000)}\n`,
      'a.txt, line 1: has more values than',
    ],
  ])('as %s is refused, and the rest is read', async (_what, name, content, expected) => {
    const folder = temporaryFolder();
    write(join(folder, 'logs', name), content);
    const { problems } = await index(folder);
    expect(
      problems.some(problem => problem.startsWith(expected)),
      problems.join('\n'),
    ).toBe(true);
  });
});

describe.skipIf(isWindows)('in the place of a log', () => {
  it('links that lead in circles, nowhere, or through too many others are followed once or named', async () => {
    const folder = temporaryFolder();
    const logs = join(folder, 'logs');
    write(join(logs, 'deep/a.json'), smallRun('a'));
    for (const [name, target] of [
      ['one.json', 'two.json'],
      ['two.json', 'one.json'],
      ['self.json', 'self.json'],
      ['nowhere.json', 'absent'],
      ['up', '.'],
      ['deep/up', '..'],
      ['deep/further', 'up/deep/up/deep'],
      ['again.json', 'deep/a.json'],
    ])
      symlinkSync(target!, join(logs, name!));
    symlinkSync('deep/a.json', join(logs, 'chain-0.json'));
    for (let i = 1; i < 60; i++) symlinkSync(`chain-${i - 1}.json`, join(logs, `chain-${i}.json`));
    const told = await index(folder);
    expect(told.trajectories).toBe(1);
    const chain = told.problems.filter(problem => problem.startsWith('chain-'));
    expect(chain.length).toBeGreaterThan(0);
    for (const problem of chain) expect(problem).toMatch(/^chain-[45]\d\.json: cannot be searched: ELOOP/);
    expectProblems({ ...told, problems: told.problems.filter(problem => !chain.includes(problem)) }, [
      'one.json: cannot be searched: ELOOP',
      'self.json: cannot be searched: ELOOP',
      'two.json: cannot be searched: ELOOP',
    ]);
  });

  it('pipes, sockets and devices are named and not waited for', async () => {
    const folder = temporaryFolder();
    const logs = join(folder, 'logs');
    write(join(logs, 'a.json'), smallRun('a'));
    execFileSync('mkfifo', [join(logs, 'pipe.json')]);
    symlinkSync('pipe.json', join(logs, 'to-pipe.jsonl'));
    symlinkSync('/dev/zero', join(logs, 'zero.json'));
    const server = createServer().listen(join(logs, 'socket.json'));
    onTestFinished(() => void server.close());
    const told = await index(folder);
    expect(told.trajectories).toBe(1);
    expectProblems(
      told,
      ['pipe.json', 'socket.json', 'to-pipe.jsonl', 'zero.json'].map(name => `${name}: is no regular file`),
    );
    // Also if one comes to where a log was, between finding and reading it.
    expect([...readLog(join(logs, 'pipe.json'))]).toEqual([
      { kind: 'problem', place: '', reason: 'is no regular file.' },
    ]);
  });

  it('names of all kinds, and folders in folders, are read or named', async () => {
    const folder = temporaryFolder();
    const logs = join(folder, 'logs');
    const names = [
      '__proto__.json',
      'line\nbreak.json',
      '"quotes\'.json',
      '-rf.json',
      'ä😀.json',
      '%2e%2e.json',
    ];
    for (const [i, name] of names.entries()) write(join(logs, name), smallRun(`run ${i}`));
    writeFileSync(
      Buffer.concat([Buffer.from(join(logs, 'not-')), Buffer.from([0xff]), Buffer.from('.json')]),
      run('x'),
    );
    write(join(logs, `${'d'.repeat(100)}/`.repeat(30), 'a.json'), smallRun('deep'));
    const { trajectories, problems } = await index(folder);
    expect(trajectories).toBe(names.length + 1);
    expect(problems).toEqual([expect.stringMatching(/^not-\ufffd\.json: cannot be searched: ENOENT/)]);
  });
});

describe('a log that shrinks while it is read', () => {
  const many = Array.from({ length: 4000 }, (_, i) => run(String(i)));
  const shapes: [string, string, Buffer | string][] = [
    ['lines', '.jsonl', many.join('\n')],
    ['a large list', '.json', `[${[...many, ...many, ...many].join(',')}]`],
    [
      'a large document',
      '.json',
      run('large').replace('{', `{"more": ${JSON.stringify(many)}, "again": ${JSON.stringify(many)},`),
    ],
    [
      'an archive',
      '.eval',
      archiveOf(many.slice(0, 50).map((content, i) => ({ name: `${i}.json`, content }))),
    ],
    ['an event stream', '.txt', many.map(each => `data: ${each}\n\n`).join('')],
  ];
  it.each(shapes)('as %s gives what was read, and says so', (_what, extension, content) => {
    const folder = temporaryFolder();
    for (const left of [0, 1, 2000, 2 ** 20 + 7]) {
      for (const moment of ['at once', 'after the first'] as const) {
        const path = join(folder, `log${extension}`);
        writeFileSync(path, content);
        const shrink = (): void => truncateSync(path, Math.min(left, content.length - 1));
        const records: LogRecord[] = [];
        const explainer = { source: () => moment === 'at once' && shrink(), record() {}, reads() {} };
        for (const record of readLog(path, {}, undefined, explainer as never)) {
          if (records.push(record) === 1 && moment !== 'at once') shrink();
        }
        expect(records.length).toBeGreaterThan(0);
        expect(records.every(({ kind }) => kind === 'trajectory')).toBe(false);
      }
    }
  });

  it('is right in the index once it stays as it is', async () => {
    const folder = temporaryFolder();
    const logs = join(folder, 'logs');
    const random = Random.seeded(3);
    const path = (i: number): string => join(logs, `${i}.jsonl`);
    for (let i = 0; i < 40; i++) write(path(i), many.slice(0, 100).join('\n'));
    const changes = [
      (at: string) => truncateSync(at, random.below(readFileSync(at).length + 1)),
      (at: string) => appendFileSync(at, `\n${random.pick(many)}`),
      (at: string) => {
        writeFileSync(`${at}.new`, many.slice(0, random.below(100)).join('\n'));
        renameSync(`${at}.new`, at);
      },
    ];
    for (let round = 0; round < 3; round++) {
      const found = openIndex(folder);
      let isDone = false;
      const done = found.update([logs]).finally(() => (isDone = true));
      while (!isDone) {
        random.pick(changes)(path(random.below(40)));
        await wait(2);
      }
      await done;
      found.close();
    }
    await openIndex(folder).update([logs]);
    const fresh = temporaryFolder();
    await openIndex(fresh).update([logs]);
    expectSame(dump(folder), dump(fresh));
  });
});
