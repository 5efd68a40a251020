import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { LratWorkspace } from '../../src/editor/workspace.ts';
import type { PairQuery } from '../../src/protocol.ts';
import { runLog } from './logs.ts';
import { until } from './until.ts';

const folder = vscode.workspace.workspaceFolders![0]!.uri.fsPath;
const run = (command: string, argument?: unknown) => vscode.commands.executeCommand(command, argument);
const log = 'pairs/run.json';
const query: PairQuery = {
  ...{ mode: 'attributed', against: null, selection: 'pairs', words: log, lengths: null },
  ...{ sort: 'weight', descending: true },
};

/** The panel of pairs, and what it asks the thread that mines. */
describe('pairs and weights', () => {
  let workspace: LratWorkspace;
  const browse = (step: number, doc: string) => ({ log, trajectory: '1', step, doc });
  const rows = async (change: Partial<PairQuery> = {}) =>
    (await workspace.inspector.ask('pairsRows', { ...query, ...change }, 0, 100)).rows;

  before(async () => {
    mkdirSync(join(folder, 'pairs'), { recursive: true });
    const visits = [
      { doc: '101', reasoning: 'The page names the river. It is the Aare, and the town lies on it.' },
      { doc: '103', reasoning: 'Useful: the castle.' },
      { doc: '105', reasoning: 'Of no use.' },
      { doc: '106', reasoning: 'Nothing is said of it.' },
    ];
    writeFileSync(join(folder, log), JSON.stringify(runLog('Which river runs through Olten?', visits)));
    await run('lrat.index');
    workspace = new LratWorkspace(vscode.workspace.workspaceFolders![0]!, 'tester');
    await workspace.inspector.ask('label', browse(2, '101'), 'relevant');
    await workspace.inspector.ask('label', browse(4, '103'), 'relevant');
    await workspace.inspector.ask('label', browse(6, '105'), 'irrelevant');
  });

  after(async () => {
    await run('workbench.action.closeAllEditors');
    workspace.dispose();
    rmSync(join(folder, 'pairs'), { recursive: true });
    await run('lrat.index');
  });

  it('open in one panel', async () => {
    const panels = () =>
      vscode.window.tabGroups.all
        .flatMap(({ tabs }) => tabs)
        .filter(
          ({ input }) => input instanceof vscode.TabInputWebview && input.viewType.endsWith('lrat.pairs'),
        );
    await run('lrat.openPairs');
    await until('the panel', async () => panels().length === 1);
    await run('lrat.openPairs', browse(2, '101'));
    assert.equal(panels().length, 1);
  });

  it('weigh more the longer the reasoning, and know their negatives', async () => {
    const [first, second, ...others] = await rows();
    assert.deepEqual([first?.doc, second?.doc, others.length], ['101', '103', 0]);
    assert.ok(first!.weight! > second!.weight!);
    // Ten were listed; 101 and 103 are relevant, 106 was opened and not judged.
    assert.equal(first!.negatives, 7);
  });

  it('tell of every browse without a pair why', async () => {
    const dropped = await rows({ selection: 'dropped', sort: 'place', descending: false });
    assert.deepEqual(
      dropped.map(({ doc, reason }) => [doc, reason]),
      [
        ['105', 'irrelevant'],
        ['106', 'unknown'],
      ],
    );
  });

  it('change at once with a label, and back with undo', async () => {
    await workspace.inspector.ask('label', browse(8, '106'), 'relevant');
    assert.equal((await rows()).length, 3);
    await workspace.inspector.ask('undo');
    assert.equal((await rows()).length, 2);
  });

  it('tell what another mode would make otherwise', async () => {
    // The paper's rules know only the browses right after a search: here all three stand there.
    const against = { mode: 'paper', against: 'attributed' } as const;
    assert.deepEqual(await rows({ ...against, selection: 'lost' }), []);
    // The released builder keeps irrelevant browses as rows that are not satisfied, and so not trained on.
    const released = { mode: 'released', against: 'attributed' } as const;
    assert.deepEqual(await rows({ ...released, selection: 'gained' }), []);
    assert.deepEqual(
      (await rows({ ...released, selection: 'unsatisfied' })).map(({ doc }) => doc),
      ['105'],
    );
  });

  it('lead to their texts, titles and place in the log', async () => {
    const detail = await workspace.inspector.ask('pairsDetail', 'attributed', browse(2, '101'));
    assert.equal(detail.title, 'Page 101');
    assert.match(detail.reasoning!.text, /Aare/);
    assert.equal(detail.place?.line, 1);
    assert.deepEqual(detail.negatives[0], { id: '105', title: 'Page 105' });
  });
});
