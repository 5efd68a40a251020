import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { until } from './until.ts';

const folder = vscode.workspace.workspaceFolders![0]!.uri.fsPath;

describe('evaluation', () => {
  const inside = (name: string) => join(folder, 'evaluate', name);
  let report: string | undefined;

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
    if (report !== undefined) rmSync(report);
  });

  it('measures BM25 on queries and qrels, keeps the table and shows it', async () => {
    report = await vscode.commands.executeCommand<string>('lrat.evaluate', {
      models: ['bm25'],
      corpus: 'evaluate/corpus.jsonl',
      judged: { queries: 'evaluate/queries.tsv', qrels: 'evaluate/qrels.txt' },
    });
    const words = readFileSync(report!, 'utf8');
    assert.match(words, /2 queries of 2 questions/);
    // One of two is found at rank 1.
    assert.match(words, /\| \S+ \| 50\.0 /);
    await until('the preview', async () =>
      vscode.window.tabGroups.all
        .flatMap(({ tabs }) => tabs)
        .some(({ input }) => /markdown/.test(String((input as { viewType?: string } | undefined)?.viewType))),
    );
  });
});
