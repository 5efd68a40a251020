import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import * as vscode from 'vscode';
import { LabelTree } from '../../src/editor/labels-tree.ts';
import { TrajectoryTree, type TreeNode } from '../../src/editor/trajectory-tree.ts';
import { LratWorkspace } from '../../src/editor/workspace.ts';
import { record } from './search-logs.ts';
import { until } from './until.ts';

const folder = vscode.workspace.workspaceFolders![0]!;
const home = join(folder.uri.fsPath, 'trajectories');

const question = 'Which tree is the tallest of the trees?';
const two = [
  record({
    id: 'tree-1',
    question,
    searches: [
      { query: 'tallest tree', docs: ['t1', 't2'], opens: 't1' },
      { query: 'redwood height', docs: ['t3', 't4'] },
    ],
  }),
  record({ id: 'tree-2', question, searches: [{ query: 'the tallest tree', docs: ['t2', 't5'] }] }),
];

describe('the trajectories tree', () => {
  let workspace: LratWorkspace;
  let tree: TrajectoryTree;
  const own = async (): Promise<Extract<TreeNode, { kind: 'trajectory' }>[]> => {
    const roots = await tree.getChildren();
    const below = await Promise.all(
      roots.map(node => (node.kind === 'group' ? tree.getChildren(node) : Promise.resolve([node]))),
    );
    return below
      .flat()
      .flatMap(node => (node.kind === 'trajectory' && node.entry.log.includes('trees.jsonl') ? [node] : []));
  };

  before(async () => {
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, 'trees.jsonl'), two.map(each => `${JSON.stringify(each)}\n`).join(''));
    writeFileSync(join(home, 'broken.jsonl'), `${JSON.stringify(two[0])}\n{"half": \nnot json\n`);
    writeFileSync(join(home, 'settings.json'), '{"theme": "dark"}\n');
    await vscode.commands.executeCommand('lrat.index');
    workspace = new LratWorkspace(folder, 'tester');
    tree = new TrajectoryTree(workspace, 'folder', 'place');
  });

  after(async () => {
    workspace.dispose();
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    rmSync(home, { recursive: true, force: true });
    await vscode.commands.executeCommand('lrat.index');
  });

  it('groups, filters and sorts', async () => {
    tree.grouping = 'question';
    const groups = (await tree.getChildren()).filter(node => node.kind === 'group');
    assert.ok(groups.some(node => node.kind === 'group' && node.name === question));
    tree.grouping = 'outcome';
    // The group of logs that do not tell their outcome is named as every other place names it.
    const outcomes = (await tree.getChildren()).flatMap(node => (node.kind === 'group' ? [node.name] : []));
    assert.deepEqual(outcomes, ['outcome unknown']);
    tree.grouping = 'question';
    tree.order = 'searches';
    assert.deepEqual(
      (await own()).map(({ entry }) => entry.searches),
      [2, 1],
    );
    tree.filter = 'no trajectory holds this';
    assert.deepEqual(await own(), []);
    tree.filter = 'TALLEST of';
    assert.equal((await own()).length, 2);
    tree.filter = '';
    tree.order = 'place';
  });

  it('says searches, browses and, once they are counted, pairs', async () => {
    const item = await until('the pairs', async () => {
      const [first] = await own();
      const item = tree.getTreeItem(first!);
      return /pair/.test(String(item.tooltip)) && item;
    });
    // The counts stand before the question, which is longer than a side bar is wide; in words for those who cannot see.
    assert.match(String(item.label), /^\s*2 · \s*1 · \s*\d+\s+Which tree is the tallest of the trees\?$/);
    assert.match(
      item.accessibilityInformation!.label,
      /trees\?, .*, 2 searches, 1 browse, (?:no pairs|1 pair|\d+ pairs)$/,
    );
  });

  it('shows what cannot be read as a problem that opens the log at its place', async () => {
    const roots = await tree.getChildren();
    const problems = await tree.getChildren(roots.find(({ kind }) => kind === 'problems'));
    const problem = problems.find(
      node => node.kind === 'problem' && node.problem.log.includes('broken.jsonl'),
    );
    assert.ok(problem?.kind === 'problem');
    await vscode.commands.executeCommand('lrat.openLog', problem);
    const editor = vscode.window.activeTextEditor;
    assert.ok(editor);
    assert.ok(editor.document.uri.fsPath.endsWith('broken.jsonl'));
    assert.equal(editor.selection.active.line + 1, Number(/line (\d+)/.exec(problem.problem.place)?.[1]));
  });

  it('opens an archive with a problem as its trajectories, and one that has none as how it is read', async () => {
    const bytes = (text: string) => new TextEncoder().encode(text);
    const broken = bytes(`${JSON.stringify(two[0])}\n{"half": \n`);
    writeFileSync(join(home, 'some.eval'), zipSync({ 'runs.jsonl': broken }));
    // Its directory is gone.
    const cut = zipSync({ 'runs.jsonl': broken }).subarray(0, 100);
    writeFileSync(join(home, 'none.eval'), cut);
    await vscode.commands.executeCommand('lrat.index');
    const roots = await until('the problems of the archives', async () => {
      const found = await tree.getChildren(
        (await tree.getChildren()).find(({ kind }) => kind === 'problems'),
      );
      const of = (name: string) =>
        found.find(node => node.kind === 'problem' && node.problem.log.endsWith(name));
      const [some, none] = [of('some.eval'), of('none.eval')];
      return some !== undefined && none !== undefined && { some, none };
    });
    await vscode.commands.executeCommand('lrat.openLog', roots.some);
    const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
    assert.ok(input instanceof vscode.TabInputCustom);
    assert.equal(input.viewType, 'lrat.trajectory');
    assert.equal(input.uri.fsPath, join(home, 'some.eval'));
    await vscode.commands.executeCommand('lrat.openLog', roots.none);
    const { document } = vscode.window.activeTextEditor!;
    assert.equal(document.uri.scheme, 'lrat-explanation');
    assert.match(document.getText(), /none\.eval.*is no sound archive/s);
  });

  it('counts files in no known format apart from problems, and says why they are in none', async () => {
    const roots = await tree.getChildren();
    const group = roots.find(({ kind }) => kind === 'notLogs');
    assert.ok(group);
    const files = await tree.getChildren(group);
    assert.equal(tree.getTreeItem(group).description, String(files.length));
    const own = files.find(node => node.kind === 'notLog' && node.problem.log.endsWith('settings.json'));
    assert.ok(own);
    assert.match(String(tree.getTreeItem(own).description), /no log of a known format.*an object with theme/);
    await vscode.commands.executeCommand('lrat.openLog', own);
    assert.match(vscode.window.activeTextEditor?.document.uri.fsPath ?? '', /settings\.json$/);
  });

  it('knows what a trajectory lies in', async () => {
    const [first] = await own();
    const found = await tree.find(first!.entry.log, first!.entry.trajectory);
    assert.ok(found);
    const parent = tree.getParent(found);
    assert.equal(parent?.kind === 'group' && parent.name, question);
  });

  it('opens a log of several trajectories as their list, and one that is not indexed with the reason', async () => {
    const errors = new Set<string>();
    for (const name of ['trees.jsonl', 'broken.jsonl', 'empty.jsonl']) {
      writeFileSync(join(home, 'empty.jsonl'), '');
      const uri = vscode.Uri.file(join(home, name));
      await vscode.commands.executeCommand('vscode.openWith', uri, 'lrat.trajectory');
      const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
      if (!(input instanceof vscode.TabInputCustom) || input.uri.fsPath !== uri.fsPath) errors.add(name);
    }
    assert.deepEqual([...errors], []);
  });

  it('opens a log from the explorer, whatever its ending', async () => {
    const text = JSON.stringify(two[0], null, 1);
    for (const ending of ['yaml', 'yml', 'txt', 'log', 'json']) {
      const uri = vscode.Uri.file(join(home, `other.${ending}`));
      writeFileSync(uri.fsPath, text);
      await vscode.commands.executeCommand('lrat.openTrajectory', uri);
      const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
      assert.ok(input instanceof vscode.TabInputCustom, ending);
      assert.deepEqual([input.viewType, input.uri.fsPath], ['lrat.trajectory', uri.fsPath]);
      rmSync(uri.fsPath);
    }
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('opens the trajectory of the line at the cursor', async () => {
    const path = join(home, 'trees.jsonl');
    const at = (line: number, column: number) => workspace.inspector.ask('stepAt', path, line, column);
    // The second line is the second trajectory; its end stands behind all of its steps.
    assert.equal((await at(1, 1))?.trajectory, 'tree-1');
    assert.equal((await at(2, 1_000_000))?.trajectory, 'tree-2');
    const [start, end] = [await at(1, 1), await at(1, 1_000_000)];
    assert.ok(end!.step > start!.step);
    assert.equal(await workspace.inspector.ask('stepAt', join(home, 'none.jsonl'), 1, 1), null);

    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    const editor = await vscode.window.showTextDocument(vscode.Uri.file(path));
    editor.selection = new vscode.Selection(1, 0, 1, 0);
    await vscode.commands.executeCommand('lrat.openTrajectoryAtCursor');
    await until('the trajectory view', async () => {
      const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
      return input instanceof vscode.TabInputWebview && input.viewType.endsWith('lrat.trajectory');
    });
  });

  it('keeps its trajectories when a label changes, and takes them anew when the index does', async () => {
    await workspace.refresh();
    const known = await tree.entries();
    const [{ key } = { key: undefined }] = await workspace.inspector.ask(
      'queuedBrowses',
      ...([0.5, 'waiting', 'place', '', 0, 1] as const),
    );
    assert.ok(key);
    await workspace.inspector.ask('label', key, 'relevant');
    await workspace.refresh();
    assert.equal(await tree.entries(), known);
    await workspace.inspector.ask('undo');
    await workspace.refresh();
    assert.equal(await tree.entries(), known);
    writeFileSync(join(home, 'more.json'), JSON.stringify({ ...two[0], query_id: 'tree-3' }));
    await vscode.commands.executeCommand('lrat.index');
    await workspace.refresh();
    assert.equal((await tree.entries()).length, known.length + 1);
  });

  it('makes no index by being looked at', async () => {
    const bare = join(home, 'bare');
    mkdirSync(bare);
    writeFileSync(join(bare, 'tree.json'), JSON.stringify(two[0]));
    const elsewhere = new LratWorkspace({ uri: vscode.Uri.file(bare), name: 'bare', index: 1 }, 'tester');
    const trajectories = new TrajectoryTree(elsewhere, 'folder', 'place');
    const labels = new LabelTree(elsewhere, 'place');
    try {
      assert.deepEqual([await trajectories.getChildren(), await labels.getChildren()], [[], []]);
      await elsewhere.refresh();
      assert.equal(elsewhere.inspector.isOpen, false);
      assert.deepEqual(readdirSync(bare), ['tree.json']);
    } finally {
      labels.dispose();
      elsewhere.dispose();
    }
  });

  it('compares two selected trajectories', async () => {
    const chosen = await own();
    await vscode.commands.executeCommand('lrat.compareTrajectories', chosen[0], chosen);
    const tab = await until('the tab of the comparison', async () =>
      vscode.window.tabGroups.all
        .flatMap(({ tabs }) => tabs)
        .find(
          ({ input }) => input instanceof vscode.TabInputWebview && input.viewType.endsWith('lrat.compare'),
        ),
    );
    await until(
      'its title',
      async () =>
        /tallest/.test(tab.label) ||
        /tallest/.test(vscode.window.tabGroups.activeTabGroup.activeTab?.label ?? ''),
    );
    const sides = chosen.map(({ entry }) => [entry.log, entry.trajectory] as const);
    const head = await workspace.inspector.ask('compare', sides[0]!, sides[1]!);
    assert.deepEqual([head.shared, head.union], [1, 5]);
    assert.deepEqual(head.differs, [true, true]);
    const rows = await workspace.inspector.ask('compareRows', sides[0]!, sides[1]!, 0, 20);
    assert.deepEqual(
      rows.map(({ left, right }) => [left?.query, right?.query]),
      [
        ['tallest tree', 'the tallest tree'],
        ['redwood height', undefined],
      ],
    );
    assert.deepEqual(
      rows[0]!.left!.candidates.map(({ shared, browsed }) => [shared, browsed]),
      [
        [false, true],
        [true, false],
      ],
    );
  });
});
