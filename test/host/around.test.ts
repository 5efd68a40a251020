import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';

const folder = vscode.workspace.workspaceFolders![0]!.uri.fsPath;
const logs = join(folder, 'around');

describe('what is around the views', () => {
  before(async () => {
    mkdirSync(logs, { recursive: true });
    writeFileSync(join(logs, 'broken.json'), '{"metadata": {"model": "agent"}, "result": [{');
    await vscode.commands.executeCommand('lrat.index');
  });
  after(() => rmSync(logs, { recursive: true }));

  it('copies diagnostics: versions, settings, counts and the log, without names, paths or texts of logs', async () => {
    // A failure whose message holds a path and a text goes into the log.
    await vscode.commands.executeCommand('lrat.train', { pairs: '/nowhere/of mine/pairs.jsonl', base: 'x' });
    await vscode.env.clipboard.writeText('');
    await vscode.commands.executeCommand('lrat.copyDiagnostics');
    const text = await vscode.env.clipboard.readText();
    const { version } = vscode.extensions.getExtension('lrat.lrat')!.packageJSON;
    assert.ok(text.startsWith(`LRAT ${version}; `), text);
    assert.match(text, /; Node \d+\./);
    assert.match(text, /ONNX Runtime 1\.[\d.]+: cpu.*LRAT chooses (cpu|webgpu)\. /);
    assert.match(text, /lrat\.person: not set\n/);
    assert.match(text, /lrat\.notifyWhenRunEnds: true\n/);
    assert.match(text, /\d+ trajectories, \d+ searches, \d+ browses, \d+ problems\n/);
    assert.match(text, /The last lines of the log[^\n]*\n.*\[error\]/s);
    for (const secret of [folder, userInfo().homedir, '/nowhere', 'Aarburg']) {
      assert.ok(!text.includes(secret), `${secret} is in:\n${text}`);
    }
  });
});
