import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { LratWorkspace } from '../../src/editor/workspace.ts';
import { runLog } from './logs.ts';
import { whileTold } from './told.ts';
import { until } from './until.ts';

const folder = vscode.workspace.workspaceFolders![0]!.uri.fsPath;
const log = 'commands/run.json';
const run = <Result>(command: string, ...given: unknown[]) =>
  vscode.commands.executeCommand<Result>(command, ...given);
const labels = () =>
  readFileSync(join(folder, '.lrat', 'labels.jsonl'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line));
const active = () => vscode.window.tabGroups.activeTabGroup.activeTab?.input;

/** The commands that no other story uses. */
describe('commands', () => {
  let workspace: LratWorkspace;
  let node: { kind: 'trajectory'; entry: unknown };
  const key = { log, trajectory: '1', step: 2, doc: '101' };

  before(async () => {
    mkdirSync(join(folder, 'commands'), { recursive: true });
    const visits = [
      { doc: '101', reasoning: 'The page names the river.' },
      { doc: '103', reasoning: 'Of no use.' },
    ];
    writeFileSync(
      join(folder, log),
      JSON.stringify(runLog('Which river runs through Baden?', visits), null, 1),
    );
    await run('lrat.index');
    workspace = new LratWorkspace(vscode.workspace.workspaceFolders![0]!, 'tester');
    const [entry] = await workspace.inspector.ask('trajectories', { log }, { offset: 0, limit: 1 });
    node = { kind: 'trajectory', entry };
  });

  after(async () => {
    await run('workbench.action.closeAllEditors');
    workspace.dispose();
    rmSync(join(folder, 'commands'), { recursive: true });
    await run('lrat.index');
  });

  it('open a trajectory from the tree, and its log', async () => {
    await run('lrat.openTrajectory', node);
    await until('the view', async () => active() instanceof vscode.TabInputWebview);
    await run('lrat.openLog', node);
    await until('the log', async () => {
      const input = active();
      return input instanceof vscode.TabInputText && input.uri.fsPath === join(folder, log);
    });
  });

  it('open logs that are too large for extensions, as text at their place', async () => {
    const path = join(folder, 'commands', 'large.jsonl');
    const visits = [{ doc: '101', reasoning: 'The page names the river.' }];
    const record = { ...runLog('Which river runs through Olten?', visits), more: 'x'.repeat(2 ** 20) };
    writeFileSync(path, `${JSON.stringify(record)}\n{"half":\n`.repeat(55));
    await run('lrat.index');
    const opens = async (given: unknown) => {
      await run('workbench.action.closeAllEditors');
      await run('lrat.openLog', given);
      return until('the log', async () => {
        const input = active();
        return input instanceof vscode.TabInputText && input.uri.fsPath === path;
      });
    };
    const page = { offset: 1, limit: 1 };
    const [entry] = await workspace.inspector.ask('trajectories', { log: 'commands/large.jsonl' }, page);
    await opens({ kind: 'trajectory', entry });
    await opens({ kind: 'problem', problem: { log: 'commands/large.jsonl', place: 'line 2', reason: '' } });
  });

  it('explain how a log is read, of a trajectory and of the file that is open', async () => {
    const explanation = () =>
      until('the explanation', async () => {
        const document = vscode.window.activeTextEditor?.document;
        return document?.uri.scheme === 'lrat-explanation' ? document.getText() : undefined;
      });
    await run('lrat.explainLog', node);
    const text = await explanation();
    assert.match(text, /1 record, the first at line 1: run-json/);
    assert.match(text, /2 {2}browse +\d+:\d+ {2}101 {2}→ listed by step 1 at rank \d+; \d+ characters of/);
    assert.match(text, /No problems\./);
    await run('workbench.action.closeAllEditors');
    await vscode.window.showTextDocument(vscode.Uri.file(join(folder, log)));
    await run('lrat.explainLog');
    assert.equal(await explanation(), text);
  });

  it('can be stopped where their progress is shown', async () => {
    // Blank at first, then nothing but holes: it takes no room on the disk, and long to be read.
    const path = join(folder, 'commands', 'endless.jsonl');
    writeFileSync(path, ' '.repeat(2 ** 17));
    const settings = vscode.workspace.getConfiguration('lrat');
    await settings.update('followLogs', false, vscode.ConfigurationTarget.Global);
    truncateSync(path, 12 * 2 ** 30);
    try {
      const outcome = run<object | undefined>('lrat.index').then(status => ({ status }));
      const stopped = await until('the end', async () => {
        await run('notifications.showList');
        await run('notification.acceptPrimaryAction');
        return Promise.race([outcome, new Promise<false>(resolve => setTimeout(resolve, 200, false))]);
      });
      assert.equal(stopped.status, undefined);
    } finally {
      rmSync(path);
      await settings.update('followLogs', undefined, vscode.ConfigurationTarget.Global);
    }
  });

  it('copy the path of a log', async () => {
    await run('lrat.copyLogPath', node);
    assert.equal(await vscode.env.clipboard.readText(), join(folder, log));
  });

  it('mine into the workspace', async () => {
    await run('lrat.judge', { judge: 'rules' });
    const mined = await run<{ rows: number; out: string }>('lrat.mine', 'attributed');
    assert.equal(mined.out, join(folder, '.lrat', 'pairs', 'attributed.jsonl'));
    assert.ok(existsSync(mined.out));
    assert.equal(readFileSync(mined.out, 'utf8').split('\n').filter(Boolean).length, mined.rows);
  });

  it('accept and clear the label at the cursor, and go from browse to browse', async () => {
    await run('lrat.openTranscript', { entry: { log, trajectory: '1' } });
    const editor = vscode.window.activeTextEditor!;
    const line = () => editor.document.lineAt(editor.selection.active.line).text;
    await run('lrat.nextBrowse');
    assert.match(line(), /^\[2\] browse/);
    await run('lrat.nextBrowse');
    assert.match(line(), /^\[4\] browse/);
    await run('lrat.previousBrowse');
    assert.match(line(), /^\[2\] browse/);
    await run('lrat.acceptLabel');
    const { label, source, step } = labels().at(-1);
    assert.deepEqual([label, source.kind, step], ['relevant', 'person', 2]);
    await run('lrat.clearLabel');
    assert.equal(labels().at(-1).label, null);
  });

  it('label what no one has judged at the cursor, and say so where a key can do nothing', async () => {
    await whileTold(async said => {
      await run('lrat.openTranscript', { entry: { log, trajectory: '1' } });
      const editor = vscode.window.activeTextEditor!;
      editor.selection = new vscode.Selection(0, 0, 0, 0);
      await run('lrat.nextBrowse');
      const before = labels().length;
      await run('lrat.clearLabel');
      assert.match(said.at(-1)!, /no label of a person/);
      await run('lrat.setLabel', { label: 'irrelevant' });
      assert.deepEqual([labels().at(-1).label, labels().at(-1).step], ['irrelevant', 2]);
      await run('lrat.setLabel', { label: 'relevant' });
      assert.equal(labels().at(-1).label, 'relevant');
      await run('lrat.clearLabel');
      assert.equal(labels().length, before + 3);
      await run('cursorTop');
      await until('the cursor at the top', async () => editor.selection.active.line === 0);
      await run('lrat.previousBrowse');
      assert.match(said.at(-1)!, /no browse before/);
      await run('lrat.acceptLabel');
      assert.match(said.at(-1)!, /no browse at the cursor/);
    });
  });

  it('clear a label from the tree', async () => {
    await run('lrat.setLabel', { key, label: 'irrelevant' });
    assert.equal(labels().at(-1).label, 'irrelevant');
    await run('lrat.labelClear', { kind: 'browse', queue: 'waiting', browse: { key } });
    assert.equal(labels().at(-1).label, null);
  });

  it('save and delete a note', async () => {
    const thread = { lratKey: key, dispose: () => {} };
    await run('lrat.saveNote', { thread, text: ' Names the river. ' });
    assert.equal(labels().at(-1).note, 'Names the river.');
    await run('lrat.deleteNote', thread);
    assert.equal(labels().at(-1).note, null);
  });
});
