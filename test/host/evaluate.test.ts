import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { listRuns, readResult, runFolder } from '../../src/jobs/runs.ts';
import { runLog } from './logs.ts';
import { until } from './until.ts';

const folder = vscode.workspace.workspaceFolders![0]!.uri.fsPath;

describe('evaluation', () => {
  const inside = (name: string) => join(folder, 'evaluate', name);

  const finished = (id: string) =>
    until('the end of the evaluation', async () => {
      const run = (await listRuns(folder)).runs.find(run => run.id === id);
      assert.notEqual(run?.state, 'failed', run?.error ?? '');
      return run?.state === 'finished' && run;
    });

  before(() => {
    mkdirSync(join(folder, 'evaluate'), { recursive: true });
    const texts = { a: 'the mill of Aarburg', b: 'rivers of the north', c: 'a bridge over a lake' };
    const rows = Object.entries(texts).map(([docid, text]) => `${JSON.stringify({ docid, text })}\n`);
    writeFileSync(inside('corpus.jsonl'), rows.join(''));
    writeFileSync(inside('queries.tsv'), '1\tmill Aarburg\n2\tnorth rivers\n');
    // The second query's document is not what BM25 finds.
    writeFileSync(inside('qrels.txt'), '1 0 a 1\n2 0 c 1\n');
  });

  after(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    rmSync(join(folder, 'evaluate'), { recursive: true });
    rmSync(join(folder, '.lrat', 'corpus.jsonl'), { force: true });
    await vscode.commands.executeCommand('lrat.index');
  });

  it('measures BM25 as a task whose run shows the table when it has ended', async () => {
    const started: string[] = [];
    const listener = vscode.tasks.onDidStartTask(({ execution }) =>
      started.push(`${execution.task.definition.type} ${execution.task.definition.command}`),
    );
    const id = await vscode.commands.executeCommand<string>('lrat.evaluate', {
      models: ['bm25'],
      corpus: 'evaluate/corpus.jsonl',
      judged: { queries: 'evaluate/queries.tsv', qrels: 'evaluate/qrels.txt' },
    });
    listener.dispose();
    assert.deepEqual(started, ['lrat eval']);
    const run = await finished(id);
    assert.equal(run.background, true);
    const result = readResult(runFolder(folder, id))!;
    assert.equal(result.questions, 2);
    // One of two is found at rank 1.
    const [metric] = result.metrics;
    assert.equal(result.rows[0]!.metrics[metric!]!.mean, 0.5);
    await until('the panel', async () =>
      vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs).some(({ label }) => label === 'bm25'),
    );
  });

  it('takes the documents of the logs as the corpus, which it writes', async () => {
    const visits = [{ doc: '101', reasoning: 'The page names the mill.' }];
    writeFileSync(inside('run.json'), JSON.stringify(runLog('Where is the mill?', visits)));
    await vscode.commands.executeCommand('lrat.index');
    const pair = { query: 'mill', pos: ['x'], pos_id: ['101'], neg: [], neg_id: [], reweight_rate: 1 };
    const rest = { mode: 'attributed', log: 'evaluate/run.json', question: 'Where is the mill?' };
    writeFileSync(inside('pairs.jsonl'), `${JSON.stringify({ ...pair, ...rest })}\n`);
    const id = await vscode.commands.executeCommand<string>('lrat.evaluate', {
      models: ['bm25'],
      corpus: join('.lrat', 'corpus.jsonl'),
      judged: { pairs: 'evaluate/pairs.jsonl' },
    });
    await finished(id);
    const corpus = readFileSync(join(folder, '.lrat', 'corpus.jsonl'), 'utf8');
    assert.ok(corpus.includes('"docid":"101"'), corpus.slice(0, 300));
    assert.match(readFileSync(join(folder, '.lrat', '.gitignore'), 'utf8'), /^corpus\.jsonl$/m);
    const log = readFileSync(runFolder(folder, id).logFile, 'utf8');
    assert.doesNotMatch(log, /not in .*corpus/);
  });

  it('says in the log of the run which relevant documents the corpus lacks', async () => {
    writeFileSync(inside('qrels.txt'), '1 0 a 1\n2 0 nowhere 1\n');
    const id = await vscode.commands.executeCommand<string>('lrat.evaluate', {
      models: ['bm25'],
      corpus: 'evaluate/corpus.jsonl',
      judged: { queries: 'evaluate/queries.tsv', qrels: 'evaluate/qrels.txt' },
    });
    await finished(id);
    assert.match(
      readFileSync(runFolder(folder, id).logFile, 'utf8'),
      /1 relevant document is not in .*nowhere/,
    );
  });
});
