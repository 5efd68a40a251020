import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { LratWorkspace } from '../../src/editor/workspace.ts';
import { runLog } from './logs.ts';
import { whileTold } from './told.ts';
import { until } from './until.ts';

const folder = vscode.workspace.workspaceFolders![0]!.uri.fsPath;
const log = 'transcript/run.json';
const path = join(folder, log);
const run = (command: string, ...given: unknown[]) => vscode.commands.executeCommand(command, ...given);
const labels = () =>
  readFileSync(join(folder, '.lrat', 'labels.jsonl'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line));
const lenses = async (uri: vscode.Uri) =>
  (
    await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', uri, 100)
  ).filter(({ command }) => command?.command.startsWith('lrat.'));
const titles = async (uri: vscode.Uri) => (await lenses(uri)).map(({ command }) => command!.title);

/** Reading and labelling in text: the transcript, and the log itself. */
describe('transcripts and annotated logs', () => {
  let workspace: LratWorkspace;
  let transcript: vscode.TextDocument;

  before(async () => {
    mkdirSync(join(folder, 'transcript'), { recursive: true });
    const visits = [
      { doc: '101', reasoning: 'The page names the river: it is the Aare.' },
      { doc: '103', reasoning: 'Of no use.' },
    ];
    writeFileSync(path, JSON.stringify(runLog('Which river runs through Brugg?', visits), null, 2));
    await run('lrat.index');
    workspace = new LratWorkspace(vscode.workspace.workspaceFolders![0]!, 'tester');
    await run('lrat.openTranscript', { entry: { log, trajectory: '1' } });
    transcript = vscode.window.activeTextEditor!.document;
  });

  after(async () => {
    await run('workbench.action.closeAllEditors');
    workspace.dispose();
    rmSync(join(folder, 'transcript'), { recursive: true });
    await run('lrat.index');
  });

  it('read as text: the question, each step, each candidate, what was opened', () => {
    const text = transcript.getText();
    assert.match(text, /^Which river runs through Brugg\?/);
    assert.match(text, /\[1\] search {2}Which river/);
    assert.match(text, / {4}1\. Page 100 \(100\)/);
    assert.match(text, /\[2\] browse {2}Page 101 \(101\)/);
    assert.match(text, /The answer\./);
    assert.equal(transcript.uri.scheme, 'lrat-transcript');
  });

  it('have an outline and fold by step', async () => {
    const symbols = await vscode.commands.executeCommand<vscode.DocumentSymbol[]>(
      'vscode.executeDocumentSymbolProvider',
      transcript.uri,
    );
    assert.deepEqual(
      symbols.map(({ name }) => name),
      ['[0] think', '[1] search', '[2] browse', '[3] think', '[4] browse', '[5] think', '[6] answer'],
    );
  });

  it('say the label of each browse above it, and take a new one: one line in the labels', async () => {
    assert.match((await titles(transcript.uri))[0]!, /unlabelled · no pair: label unknown/);
    const relevant = (await lenses(transcript.uri)).find(({ command }) => command!.title === 'Relevant')!;
    const before = labels().length;
    await run(relevant.command!.command, ...relevant.command!.arguments!);
    await until('the label', async () =>
      /relevant · by .* · weight/.test((await titles(transcript.uri))[0]!),
    );
    assert.equal(labels().length, before + 1);
    assert.equal(labels().at(-1).label, 'relevant');
  });

  it('say what to do where there is no label to accept or to flip', async () => {
    await whileTold(async said => {
      const editor = await vscode.window.showTextDocument(transcript);
      const line = transcript
        .getText()
        .split('\n')
        .findIndex(each => each.startsWith('[4] browse'));
      editor.selection = new vscode.Selection(line, 0, line, 0);
      const before = labels().length;
      await run('lrat.acceptLabel');
      await run('lrat.flipLabel');
      assert.equal(said.length, 2);
      for (const words of said) assert.match(words, /relevant or irrelevant/);
      assert.equal(labels().length, before);
    });
  });

  it('flip the label at the cursor, and undo it', async () => {
    const editor = await vscode.window.showTextDocument(transcript);
    const line = transcript
      .getText()
      .split('\n')
      .findIndex(each => each.startsWith('[2] browse'));
    editor.selection = new vscode.Selection(line, 0, line, 0);
    await run('lrat.flipLabel');
    assert.equal(labels().at(-1).label, 'irrelevant');
    await run('lrat.undoLabel');
    assert.equal(labels().at(-1).label, 'relevant');
  });

  it('tell the reason and the weight in a hover', async () => {
    const line = transcript
      .getText()
      .split('\n')
      .findIndex(each => each.startsWith('[2] browse'));
    const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
      'vscode.executeHoverProvider',
      transcript.uri,
      new vscode.Position(line, 3),
    );
    const text = hovers
      .flatMap(({ contents }) => contents.map(each => (each as vscode.MarkdownString).value))
      .join();
    assert.match(text, /relevant.*weight/s);
    assert.match(text, /tokens.*reasoning/s);
  });

  it('keep a note without saying anything of the browse, over a later change of its label', async () => {
    const key = { log, trajectory: '1', step: 2, doc: '101' };
    await workspace.inspector.ask('note', key, 'Names the river.');
    assert.deepEqual([labels().at(-1).note, labels().at(-1).label], ['Names the river.', undefined]);
    await workspace.inspector.ask('label', key, 'irrelevant');
    const [mark] = await workspace.inspector.ask('marksOf', path);
    assert.deepEqual(mark!.label.notes, [{ name: 'tester', text: 'Names the river.' }]);
    await workspace.inspector.ask('undo');
    await workspace.inspector.ask('undo');
    assert.equal(labels().at(-1).note, null);
  });

  it('stand in the raw log too, at the lines of its steps', async () => {
    const document = await vscode.workspace.openTextDocument(path);
    const found = (await lenses(document.uri)).filter(
      ({ command }) => command!.command === 'lrat.openBrowse',
    );
    const lines = document.getText().split('\n');
    assert.equal(found.length, 2);
    for (const { range } of found) {
      const near = lines.slice(range.start.line, range.start.line + 6).join('\n');
      assert.match(near, /"tool_name": "get_document"/);
    }
  });

  it('go when they are switched off', async () => {
    const settings = vscode.workspace.getConfiguration('lrat');
    await settings.update('annotations.enabled', false, vscode.ConfigurationTarget.Global);
    try {
      await until('no lenses', async () => (await lenses(transcript.uri)).length === 0);
    } finally {
      await settings.update('annotations.enabled', undefined, vscode.ConfigurationTarget.Global);
    }
    await until('lenses', async () => (await lenses(transcript.uri)).length > 0);
  });
});
