import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';

const extension = vscode.extensions.getExtension('lrat.lrat');

describe('the extension', () => {
  it('is there and does nothing before its first command', () => {
    assert.ok(extension, 'the extension is not installed');
    assert.equal(extension.isActive, false);
  });

  it('indexes the workspace', async () => {
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
    assert.ok(folder, 'no workspace folder is open');
    mkdirSync(join(folder, 'logs'), { recursive: true });
    writeFileSync(join(folder, 'logs', 'run.json'), JSON.stringify(run));
    const status = await vscode.commands.executeCommand<{
      trajectories: number;
      searches: number;
      browses: number;
    }>('lrat.index');
    assert.deepEqual(
      { trajectories: status.trajectories, searches: status.searches, browses: status.browses },
      { trajectories: 1, searches: 1, browses: 1 },
    );
    assert.ok(existsSync(join(folder, '.lrat', 'index.db')));
    assert.equal(extension?.isActive, true);
  });
});

const run = {
  metadata: { model: 'agent', searcher_type: 'bm25', k: 2 },
  query_id: '1',
  query: 'Which river runs through Aarburg?',
  status: 'completed',
  tool_call_counts: { search: 1, get_document: 1 },
  retrieved_docids: ['7', '8'],
  result: [
    {
      type: 'reasoning',
      tool_name: null,
      arguments: null,
      output: 'The town is Aarburg; look for its river.',
    },
    {
      type: 'tool_call',
      tool_name: 'search',
      arguments: '{"query": "Aarburg river"}',
      output:
        "A search for 'Aarburg river' found 2 results:\n\n## Web Results\nDocID:7\n[Aarburg]\nAarburg\nA town on the Aare.\n\nDocID:8\n[Aarberg]\nAarberg\nAnother town.",
    },
    {
      type: 'tool_call',
      tool_name: 'get_document',
      arguments: '{"docid": "7"}',
      output: 'Document 7:\nAarburg\nA town on the Aare.',
    },
    { type: 'reasoning', tool_name: null, arguments: null, output: 'The page names the Aare.' },
    { type: 'output_text', tool_name: null, arguments: null, output: 'The Aare' },
  ],
};
