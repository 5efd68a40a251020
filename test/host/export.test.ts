import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { LratWorkspace } from '../../src/editor/workspace.ts';
import type { ExportResult } from '../../src/jobs/export.ts';
import { runLog } from './logs.ts';

const folder = vscode.workspace.workspaceFolders![0]!.uri.fsPath;
const inside = (name: string) => join(folder, 'export', name);
const question = 'Which river runs through Thun?';

/** Mining and exporting from the editor, as its users start it. */
describe('export of pairs', () => {
  let workspace: LratWorkspace;
  const exportPairs = (layout: string, out: string) =>
    vscode.commands.executeCommand<ExportResult | undefined>('lrat.exportPairs', {
      ...{ mode: 'attributed', layout, out },
    });
  const linesOf = (name: string) =>
    readFileSync(inside(name), 'utf8')
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line));

  before(async () => {
    mkdirSync(join(folder, 'export'), { recursive: true });
    const visits = [
      { doc: '101', reasoning: 'The page names the river. It is the Aare, which leaves the lake here.' },
      { doc: '105', reasoning: 'Of no use.' },
    ];
    writeFileSync(inside('run.json'), JSON.stringify(runLog(question, visits)));
    await vscode.commands.executeCommand('lrat.index');
    workspace = new LratWorkspace(vscode.workspace.workspaceFolders![0]!, 'tester');
    const browse = (step: number, doc: string) => ({ log: 'export/run.json', trajectory: '1', step, doc });
    await workspace.inspector.ask('label', browse(2, '101'), 'relevant');
    await workspace.inspector.ask('label', browse(4, '105'), 'irrelevant');
  });

  after(async () => {
    await vscode.commands.executeCommand('notifications.clearAll');
    workspace.dispose();
    rmSync(join(folder, 'export'), { recursive: true });
    rmSync(join(folder, '.lrat', 'pairs'), { recursive: true, force: true });
    await vscode.commands.executeCommand('lrat.index');
  });

  it('mines with the labels of now and writes each layout, weights and all', async () => {
    const result = await exportPairs('lrat', 'export/lrat.jsonl');
    assert.equal(result?.out, inside('lrat.jsonl'));
    const lines = linesOf('lrat.jsonl');
    assert.equal(lines.length, result.rows);
    const own = lines.find(line => line.log === 'export/run.json');
    assert.deepEqual([own.query, own.pos_id, own.neg_id.length], [question, ['101'], 9]);
    // Opened and found of no use, 105 is the first of the negatives.
    assert.equal(own.neg_id[0], '105');

    await exportPairs('flagembedding', 'export/flag.jsonl');
    await exportPairs('tevatron', 'export/tevatron.jsonl');
    await exportPairs('sentence-transformers', 'export/st.jsonl');
    const flag = linesOf('flag.jsonl').find(line => line.query === question);
    assert.deepEqual([flag.pos, flag.neg, flag.reweight_rate], [own.pos, own.neg, own.reweight_rate]);
    const tevatron = linesOf('tevatron.jsonl').find(line => line.query === question);
    assert.deepEqual(tevatron.positive_passages, [{ docid: '101', text: own.pos[0] }]);
    assert.equal(tevatron.negative_passages.length, 9);
    const st = linesOf('st.jsonl').find(line => line.anchor === question);
    assert.deepEqual([st.positive, st.negative_1, st.label], [own.pos[0], own.neg[0], own.reweight_rate]);
  });

  it('says no to the file it reads from, and leaves it as it was', async () => {
    const pairs = join(folder, '.lrat', 'pairs', 'attributed.jsonl');
    assert.ok(existsSync(pairs));
    assert.equal(await exportPairs('tevatron', pairs), undefined);
    assert.ok(JSON.parse(readFileSync(pairs, 'utf8').split('\n')[0]!).pos);
    assert.deepEqual(
      readdirSync(join(folder, '.lrat', 'pairs')).filter(name => name.endsWith('.tmp')),
      [],
    );
  });
});
