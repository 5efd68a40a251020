import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { smallRun, temporaryFolder, write } from '../unit/workspace/support.ts';
import { answer, data, hasData, lrat, Running } from './command-line.ts';

const logs = join(data, 'lrat/trajectories');
const labels = join(data, 'lrat/labels.jsonl');

interface Row {
  readonly query: string;
  readonly pos_id: string[];
  readonly neg_id: string[];
  readonly log: string;
  readonly browse_step: number;
  readonly reweight_rate: number;
}

function readRows(path: string): Row[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line));
}

describe.skipIf(!hasData)('the road on the published logs', () => {
  it('counts them, and groups them by retriever and outcome', async () => {
    const workspace = temporaryFolder();
    const indexed = await answer(['index', logs, '--workspace', workspace]);
    const status = await answer(['status', '--workspace', workspace]);
    expect(indexed).toMatchObject({ found: 7, read: 7, unchanged: 0, removed: 0, ...status });
    expect(status).toMatchObject({ trajectories: 7, searches: 75, browses: 17, problems: [] });

    let [searches, browses] = [0, 0];
    for (const group of status.groups) {
      expect(Object.keys(group)).toEqual('retriever,outcome,n,searches,browses,ratio,steps'.split(','));
      expect(group.ratio).toBeCloseTo(group.browses / group.searches, 12);
      expect(group.steps).toBeCloseTo(group.searches + group.browses, 12);
      searches += group.n * group.searches;
      browses += group.n * group.browses;
    }
    expect([searches, browses]).toEqual([75, 17]);
    expect(new Set(status.groups.map((group: { retriever: string }) => group.retriever))).toEqual(
      new Set(['bm25']),
    );

    const again = await answer(['index', logs, '--workspace', workspace]);
    expect(again).toMatchObject({ found: 7, read: 0, unchanged: 7, bytes: 0, ...status });
  });

  it('mines the rows and weights of the released builder', async () => {
    const workspace = temporaryFolder();
    await answer(['index', logs, '--workspace', workspace]);
    const out = join(workspace, 'pairs.jsonl');
    const mined = await answer([
      ...['mine', '--workspace', workspace, '--mode', 'released', '--out', out],
      ...['--labels', labels, '--tokenizer', 'words'],
    ]);
    const golden = JSON.parse(readFileSync(join(data, 'lrat/golden_released.json'), 'utf8'));
    expect(mined).toMatchObject({ rows: golden.rows.length, halfLife: golden.half_life });
    expect(mined.muRaw).toBeCloseTo(golden.mu_raw, 9);
    // The golden rows include the irrelevant browses, so that none of the 17 is dropped for any reason.
    expect(golden.rows).toHaveLength(17);
    expect(Object.values(mined.dropped).every(count => count === 0)).toBe(true);

    const rows = readRows(out);
    expect(rows.map(({ reweight_rate }) => reweight_rate)).toEqual(
      golden.rows.map((row: Row) => expect.closeTo(row.reweight_rate, 9)),
    );
    const compared = 'log,browse_step,query,pos_id,neg_id,reasoning_len,satisfied'.split(',');
    const part = (row: object) => Object.fromEntries(compared.map(key => [key, row[key as keyof object]]));
    expect(rows.map(part)).toEqual(golden.rows.map(part));

    // No trainer's layout can say that a browse was irrelevant.
    const tevatron = join(workspace, 'tevatron.jsonl');
    const exported = await answer(['export', '--pairs', out, '--layout', 'tevatron', '--out', tevatron]);
    const relevant = golden.rows.filter(({ satisfied }: { satisfied: boolean }) => satisfied);
    expect(exported).toMatchObject({ rows: relevant.length, leftOut: { irrelevant: 17 - relevant.length } });
    expect(readRows(tevatron)).toMatchObject(
      relevant.map(({ query, pos_id, neg_id }: Row) => ({
        query,
        positive_passages: pos_id.map(docid => ({ docid })),
        negative_passages: neg_id.map(docid => ({ docid })),
      })),
    );
  });

  it('goes from logs to a retriever that is measured and searches', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'work'));
    // From another folder: paths on the command line are relative to it and not to the workspace.
    const run = (...args: string[]) => answer([...args, '--workspace', 'work'], { cwd: folder });
    await run('index', logs);
    const judged = await run('judge');
    expect(judged).toMatchObject({ judge: { kind: 'rules' }, byPeople: 0, already: 0, usage: null });
    expect(judged.relevant + judged.irrelevant + judged.unknown).toBe(17);
    expect(await run('judge')).toMatchObject({ relevant: 0, irrelevant: 0, unknown: 0, already: 17 });

    const mined = await run('mine', '--out', 'pairs.jsonl');
    expect(mined).toMatchObject({ mode: 'attributed', rows: judged.relevant, tokenizer: 'cl100k_base' });
    expect(mined.dropped).toMatchObject({ irrelevant: judged.irrelevant, neverListed: 0 });
    const rows = readRows(join(folder, 'pairs.jsonl'));
    expect(rows.reduce((sum, row) => sum + row.reweight_rate, 0)).toBeCloseTo(rows.length, 9);

    const corpus = await run('corpus', '--out', 'corpus.jsonl');
    const documents = readRows(join(folder, 'corpus.jsonl'));
    expect(documents).toHaveLength(corpus.documents);
    const ids = new Set(documents.map(document => (document as unknown as { docid: string }).docid));
    for (const { pos_id, neg_id } of rows) for (const id of [...pos_id, ...neg_id]) expect(ids).toContain(id);

    const few = ['--epochs', '4', '--batch', '8', '--group', '4', '--dimension', '64'];
    const trained = await run(
      'train',
      '--pairs',
      'pairs.jsonl',
      '--base',
      'static',
      '--out',
      'model',
      ...few,
    );
    expect(trained).toMatchObject({ state: 'finished', rows: mined.rows, model: join(folder, 'model') });
    expect(trained.steps).toBe(4 * Math.ceil(mined.rows / 8));

    const measured = await run(
      ...['eval', '--model', 'bm25', 'model', '--corpus', 'corpus.jsonl', '--pairs', 'pairs.jsonl'],
      ...['-k', '5', '10', '--runs', 'runs'],
    );
    expect(measured.rows.map(({ retriever }: { retriever: string }) => retriever)).toEqual(['bm25', 'model']);
    expect(measured).toMatchObject({ questions: new Set(rows.map(({ log }) => log)).size });
    expect(measured.metrics).toEqual(
      [5, 10].flatMap(k => ['recall', 'MRR', 'nDCG'].map(metric => `${metric}@${k}`)),
    );
    expect(readdirSync(join(folder, 'runs')).sort()).toEqual([
      'bm25.run',
      'model.run',
      'qrels.txt',
      'queries.tsv',
    ]);
    // What the run files say is what the table says.
    const files = ['--queries', 'runs/queries.tsv', '--qrels', 'runs/qrels.txt'];
    const again = await run(
      'eval',
      '--model',
      'bm25',
      'model',
      '--corpus',
      'corpus.jsonl',
      ...files,
      '-k',
      '5',
    );
    expect(again.queries).toBe(measured.queries);
    const scores = (evaluation: { scores: { query: string; retrievers: object }[] }) =>
      Object.fromEntries(evaluation.scores.map(({ query, retrievers }) => [query, retrievers]));
    expect(scores(measured)).toMatchObject(scores(again));

    const [row] = rows;
    for (const model of ['bm25', 'model']) {
      const found = await run('search', row!.query, '--model', model, '--corpus', 'corpus.jsonl', '-k', '3');
      expect(found).toMatchObject({ query: row!.query, retriever: model });
      expect(found.hits.map(({ rank }: { rank: number }) => rank)).toEqual([1, 2, 3]);
      const first = readFileSync(join(folder, `runs/${model}.run`), 'utf8')
        .split('\n')[0]!
        .split(' ');
      expect(found.hits[0].id).toBe(first[2]);
    }
    expect(existsSync(join(folder, '.lrat'))).toBe(false);
  });

  it('lets a label by hand outrank the judge, and changes the pairs', async () => {
    const workspace = temporaryFolder();
    const run = (...args: string[]) => answer([...args, '--workspace', workspace]);
    await run('index', logs);
    await run('judge');
    const before = await run('mine', '--out', join(workspace, 'before.jsonl'));
    const { log, browse_step } = readRows(join(workspace, 'before.jsonl'))[0]!;
    await run('label', log, String(browse_step), 'irrelevant', '--note', 'off topic');
    const after = await run('mine', '--out', join(workspace, 'after.jsonl'));
    expect(after.rows).toBe(before.rows - 1);
    expect(after.dropped.irrelevant).toBe(before.dropped.irrelevant + 1);
    const left = readRows(join(workspace, 'after.jsonl'));
    expect(left.some(row => row.log === log && row.browse_step === browse_step)).toBe(false);

    // A judge that runs again leaves it alone.
    expect(await run('judge')).toMatchObject({ byPeople: 1, agreement: { compared: 1 } });
    expect((await run('mine', '--out', join(workspace, 'after.jsonl'))).rows).toBe(after.rows);
  });
});

describe.skipIf(!hasData)('logs without browses', () => {
  it('give no pairs, and say why', async () => {
    const workspace = temporaryFolder();
    await answer(['index', join(data, 'r1searcher'), '--workspace', workspace]);
    const status = await answer(['status', '--workspace', workspace]);
    const problem = { log: 'bamboogle_qwen.jsonl', reason: expect.stringContaining('search-only') };
    expect(status).toMatchObject({ trajectories: 125, browses: 0, problems: [problem] });
    const mined = await answer(['mine', '--workspace', workspace, '--out', join(workspace, 'pairs.jsonl')]);
    expect(mined).toMatchObject({ rows: 0, halfLife: null, muRaw: null, problems: [problem] });
    expect(readFileSync(join(workspace, 'pairs.jsonl'), 'utf8')).toBe('');
  });
});

describe('what is asked', () => {
  const folder = temporaryFolder(afterAll);
  beforeAll(() => {
    write(join(folder, 'one/logs/run.json'), smallRun('q1'));
    write(join(folder, 'two/run.json'), smallRun('q2'));
    mkdirSync(join(folder, 'empty'));
  });
  const said = async (...args: string[]) => {
    const { code, stdout, stderr } = await lrat(args, { cwd: folder });
    expect(stdout).toBe('');
    expect(stderr).not.toMatch(/^\s+at /m);
    return { code, stderr };
  };

  it.each([
    [[], 'Usage: lrat'],
    [['frobnicate'], "unknown command 'frobnicate'"],
    [['status', '--frobnicate'], "unknown option '--frobnicate'"],
    [['mine'], "required option '--out <file>' not specified"],
    [['mine', '--mode', 'best', '--out', 'x'], 'Allowed choices are paper, released, attributed'],
    [['export', '--pairs', 'x', '--layout', 'csv', '--out', 'y'], 'Allowed choices are lrat, sentence-'],
    [['train', '--pairs', 'x'], '--pairs and --out, or --resume'],
    [['train', '--resume', 'x', '--lr', '1', '--no-weights'], 'as it began, without --lr, --no-weights.'],
    [['train', '--pairs', 'x', '--out', 'y', '--lr', '-1'], 'a number above 0'],
    [['train', '--pairs', 'x', '--out', 'y', '--dropout', '0.95'], 'a number from 0 to 0.9'],
    [['train', '--pairs', 'x', '--out', 'y', '--schedule', 'step'], 'Allowed choices are linear, cosine'],
    [['train', '--pairs', 'x', '--out', 'y', '--clip', '-1'], 'a number from 0 on'],
    [['eval', '--model', 'bm25', '--corpus', 'x'], 'either --pairs, or both --queries and --qrels'],
    [
      ['eval', '--model', 'bm25', '--corpus', 'x', '--pairs', 'y', '-k', '10', 'ten'],
      "'-k, --k <n...>' argument 'ten'",
    ],
    [['label', 'run.json', 'third', 'relevant'], "'third' is invalid for argument 'step'"],
    [['label', 'run.json', '3', 'good'], 'Allowed choices are relevant, irrelevant, unknown'],
  ])('refuses %j as usage', async (args, words) => {
    expect(await said(...args)).toEqual({ code: 2, stderr: expect.stringContaining(words) });
  });

  it.each([
    [['status', '--workspace', 'nowhere'], 'nowhere: is no folder.'],
    [['train', '--pairs', 'x', '--out', 'y', '--workspace', 'nowhere'], 'nowhere: is no folder.'],
    [
      ['search', 'q', '--model', 'bm25', '--corpus', 'corpus.jsonl', '--workspace', 'nowhere'],
      'nowhere: is no folder.',
    ],
    [['index', 'nowhere', '--workspace', 'empty'], 'nowhere: there is no such file or folder.'],
    [['mine', '--out', 'pairs.jsonl', '--workspace', 'empty'], 'Run `lrat index`'],
    [['judge', '--workspace', 'empty'], 'Run `lrat index`'],
    [['corpus', '--out', 'c.jsonl', '--workspace', 'empty'], 'Run `lrat index`'],
    [['search', 'q', '--model', 'nowhere', '--corpus', 'corpus.jsonl'], 'nowhere: is no model folder'],
    [['search', 'q', '--model', 'bm25', '--corpus', 'nowhere'], 'nowhere: cannot be read (ENOENT)'],
    [['train', '--pairs', 'nowhere', '--out', 'm', '--workspace', 'empty'], 'nowhere: could not be opened'],
    [['export', '--pairs', 'nowhere', '--layout', 'tevatron', '--out', 'y'], 'nowhere: could not be opened'],
    [['train', '--resume', 'nowhere', '--workspace', 'empty'], 'nowhere/run.json: cannot be read'],
    [['judge', '--judge', 'openai', '--workspace', 'one'], 'Give --url and --model'],
  ])('fails at %j with the place and the remedy', async (args, words) => {
    write(join(folder, 'corpus.jsonl'), '{"docid": "a", "text": "b"}\n');
    if (args.includes('one')) await answer(['index', '--workspace', 'one'], { cwd: folder });
    expect(await said(...args)).toEqual({ code: 1, stderr: expect.stringContaining(words) });
    expect(readdirSync(folder).sort()).toEqual(['corpus.jsonl', 'empty', 'one', 'two']);
  });

  it('indexes several paths, relative to where the command is given', async () => {
    const indexed = await answer(['index', 'one/logs', '../two/run.json', '--workspace', '../empty'], {
      cwd: join(folder, 'one'),
    }).catch(error => String(error));
    expect(indexed).toContain('one/one/logs: there is no such file or folder.');
    const both = await answer(['index', 'logs', '../two/run.json', '--workspace', '../empty'], {
      cwd: join(folder, 'one'),
    });
    expect(both).toMatchObject({ found: 2, trajectories: 2, searches: 4, browses: 2 });
  });

  it('says that nothing is judged yet', async () => {
    await answer(['index', '--workspace', 'two'], { cwd: folder });
    const mined = await answer(['mine', '--workspace', 'two', '--out', 'two/pairs.jsonl'], { cwd: folder });
    expect(mined).toMatchObject({ rows: 0, dropped: { unknown: 1 } });
    expect(mined.notices).toEqual([expect.stringContaining('Run `lrat judge`')]);
  });
});

describe('a command that is stopped', () => {
  /** Pairs on which a training takes some seconds. */
  function writePairs(path: string): void {
    const rows = Array.from({ length: 400 }, (_, i) => ({
      query: `topic ${i % 97} aspect ${i % 31}`,
      pos: [`page on topic ${i % 97} and aspect ${i % 31}, number ${i}`],
      neg: [`page on aspect ${(i * 7) % 31}`, `page on topic ${(i * 5) % 97}`],
      reweight_rate: 0.5 + (i % 3) / 2,
    }));
    writeFileSync(path, rows.map(row => `${JSON.stringify(row)}\n`).join(''));
  }

  it('ends a training with 130, and resumes it, by folder or id, to the same end', async () => {
    const folder = temporaryFolder();
    const cwd = join(folder, 'work');
    mkdirSync(cwd);
    writePairs(join(cwd, 'pairs.jsonl'));
    const settings = ['--epochs', '12', '--batch', '8', '--group', '3', '--dimension', '64', '--seed', '5'];
    const train = (out: string) => ['train', '--pairs', 'pairs.jsonl', '--out', out, ...settings];
    const whole = await answer(train('whole'), { cwd });

    const running = new Running([...train('resumed'), '--json'], { cwd });
    await running.says(/Training: \d/);
    running.interrupt();
    const { code, stdout, stderr } = await running.ended;
    expect({ code, stderr }).toEqual({ code: 130, stderr: expect.stringContaining('Cancelled.') });
    const stopped = JSON.parse(stdout);
    expect(stopped).toMatchObject({ state: 'stopped', model: null });
    expect(stopped.steps).toBeLessThan(whole.steps);
    expect(existsSync(join(cwd, 'resumed'))).toBe(false);

    // From elsewhere, by its folder.
    const second = new Running(['train', '--resume', stopped.run, '--json'], { cwd: folder });
    await second.says(/Training: \d/);
    second.interrupt();
    expect((await second.ended).code).toBe(130);
    expect(readdirSync(folder)).toEqual(['work']);

    const id = stopped.run.slice(stopped.run.lastIndexOf('/') + 1);
    const resumed = await answer(['train', '--resume', id], { cwd });
    expect(resumed).toMatchObject({ state: 'finished', steps: whole.steps, loss: whole.loss });
    const parameters = ['whole', 'resumed'].map(model => readFileSync(join(cwd, model, 'model.safetensors')));
    expect(parameters[0]!.equals(parameters[1]!)).toBe(true);

    const again = await lrat(['train', '--resume', id], { cwd });
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('is finished.') });
  });

  it('ends the demo with 130, soon, whatever it is at', async () => {
    const folder = temporaryFolder();
    const running = new Running(['demo', '--out', join(folder, 'demo'), '--json']);
    await running.says(/simulated world/);
    running.interrupt();
    const { code, stdout, stderr } = await running.ended;
    expect({ code, stdout, stderr }).toEqual({
      code: 130,
      stdout: '',
      stderr: expect.stringContaining('Cancelled.'),
    });
  });

  it('ends indexing with 130, keeps what it has read, and goes on from there', async () => {
    const workspace = temporaryFolder();
    const count = 3000;
    for (let i = 0; i < count; i++) write(join(workspace, `logs/run-${i}.json`), smallRun(`q${i}`));
    const running = new Running(['index', join(workspace, 'logs'), '--workspace', workspace]);
    await running.says(/Indexing: \d/);
    running.interrupt();
    expect((await running.ended).code).toBe(130);
    const part = (await answer(['status', '--workspace', workspace])).trajectories;
    expect(part).toBeGreaterThan(0);
    expect(part).toBeLessThan(count);
    const rest = await answer(['index', '--workspace', workspace, join(workspace, 'logs')]);
    expect(rest).toMatchObject({ trajectories: count, unchanged: part, read: count - part, problems: [] });
  });
});
