import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { type RunOrder, RunTree } from '../../src/editor/runs-tree.ts';
import { LratWorkspace } from '../../src/editor/workspace.ts';
import { listRuns, type RunSummary } from '../../src/jobs/runs.ts';
import { runLog } from './logs.ts';
import { until } from './until.ts';

const folder = vscode.workspace.workspaceFolders![0]!.uri.fsPath;
const home = join(folder, 'trees');
const run = <Result>(command: string, ...given: unknown[]) =>
  vscode.commands.executeCommand<Result>(command, ...given);
const activeTab = () => vscode.window.tabGroups.activeTabGroup.activeTab?.label ?? '';

/** Selects a row of a tree as a user does, by keyboard, until the tab that it opens is the active one. */
const opens = (tree: 'trajectories' | 'labels' | 'runs', tab: RegExp, ...moves: string[]) =>
  until(`${tab} to be opened from the ${tree}`, async () => {
    for (const command of [`lrat.${tree}.focus`, 'list.focusFirst', ...moves, 'list.select']) {
      await run(command);
    }
    return tab.test(activeTab());
  });
// To expand what is expanded goes inside.
const firstInside = ['list.expand', 'list.expand'];

/** Accepts the first choice of what a command asks, once it asks. */
async function acceptFirst(command: string): Promise<void> {
  // A view that is still loading takes the focus, and what asks goes without it.
  await run('workbench.action.closeAllEditors');
  let isDone = false;
  const done = run(command).then(() => {
    isDone = true;
  });
  await until(`${command} to be answered`, async () => {
    await run('workbench.action.acceptSelectedQuickOpenItem');
    return isDone;
  });
  await done;
}

/** The trees of the activity bar, through the commands of their titles and their rows. */
describe('the trees', () => {
  let workspace: LratWorkspace;
  const larches = { log: 'trees/a.json', trajectory: '1', step: 2, doc: '101' };

  before(async () => {
    mkdirSync(home, { recursive: true });
    const logs = {
      'a.json': ['Where do larches grow?', [{ doc: '101', reasoning: 'In the Alps.' }]],
      'b.json': [
        'Where do spruces grow?',
        [
          {
            doc: '103',
            reasoning: 'They grow nearly everywhere, says the page; a second source would help.',
          },
          { doc: '104', reasoning: 'Nothing.' },
        ],
      ],
    } as const;
    for (const [name, [question, visits]] of Object.entries(logs)) {
      writeFileSync(join(home, name), JSON.stringify(runLog(question, visits), null, 1));
    }
    await run('lrat.index');
    workspace = new LratWorkspace(vscode.workspace.workspaceFolders![0]!, 'tester');
  });

  after(async () => {
    for (const name of ['Trajectories', 'Labels', 'Runs']) await run(`lrat.unfilter${name}`);
    await run('workbench.action.closeAllEditors');
    workspace.dispose();
    rmSync(home, { recursive: true });
    await run('lrat.index');
  });

  it('filter, sort and group trajectories', async () => {
    await run('lrat.groupTrajectories', 'question');
    await run('lrat.filterTrajectories', 'trees/');
    await opens('trajectories', /larches/, ...firstInside);
    await acceptFirst('lrat.groupTrajectories');
    await run('lrat.sortTrajectories', 'browses');
    await opens('trajectories', /spruces/);
    await acceptFirst('lrat.sortTrajectories');
    await opens('trajectories', /larches/);
    await run('lrat.filterTrajectories', ' SPRUCES ');
    await opens('trajectories', /spruces/);
    await run('lrat.unfilterTrajectories');
    // The first log of the workspace, in a folder of its own.
    await opens('trajectories', /Aarburg/, ...firstInside);
  });

  it('filter and sort labels', async () => {
    await run('lrat.filterLabels', 'trees/');
    await run('lrat.sortLabels', 'reasoning');
    await opens('labels', /spruces/, ...firstInside);
    await acceptFirst('lrat.sortLabels');
    await opens('labels', /larches/, ...firstInside);
    await run('lrat.filterLabels', 'spruces');
    await opens('labels', /spruces/, ...firstInside);
    await run('lrat.unfilterLabels');
  });

  it('filter and sort runs, and show what a run said', async () => {
    await run('lrat.judge', { judge: 'rules' });
    await run('lrat.mine', 'attributed');
    const { runs } = await listRuns(folder);
    const [newest] = runs;
    const judging = runs.find(({ kind }) => kind === 'judging')!;
    assert.equal(newest?.kind, 'mining');
    assert.notEqual(newest.name, judging.name);
    const named = ({ name }: RunSummary) => new RegExp(`^${name}$`);
    await run('lrat.refresh');
    await run('lrat.filterRuns', newest.id);
    await opens('runs', named(newest));
    await run('lrat.filterRuns', judging.id);
    await opens('runs', named(judging));
    await run('lrat.unfilterRuns');
    await run('lrat.sortRuns', 'kind');
    const first = (['training', 'evaluation', 'judging'] as const).flatMap(kind =>
      runs.filter(each => each.kind === kind),
    )[0]!;
    await opens('runs', named(first));
    await acceptFirst('lrat.sortRuns');
    await opens('runs', named(newest));
    await run('lrat.showRunLog', { kind: 'run', run: judging });
    await until('the log of the run', async () =>
      vscode.window.activeTextEditor?.document.uri.fsPath.startsWith(judging.path),
    );
  });

  it('lead from a browse to its place in the raw log', async () => {
    const key = { log: 'trees/b.json', trajectory: '1', step: 4, doc: '104' };
    await run('lrat.openLog', { kind: 'browse', queue: 'waiting', browse: { key } });
    const { document, selection } = vscode.window.activeTextEditor!;
    assert.equal(document.uri.fsPath, join(home, 'b.json'));
    const { line } = selection.active;
    const here = document.getText(new vscode.Range(line, 0, line + 5, 0));
    assert.match(here, /get_document/);
    assert.match(here, /104/);
  });

  it('reveal a log in the explorer', async () => {
    await run('workbench.action.closeAllEditors');
    const [entry] = await workspace.inspector.ask(
      'trajectories',
      { log: larches.log },
      { offset: 0, limit: 1 },
    );
    await run('lrat.revealLog', { kind: 'trajectory', entry });
    await until('the log in the explorer', async () => {
      await run('workbench.files.action.focusFilesExplorer');
      await run('copyFilePath');
      return (await vscode.env.clipboard.readText()) === join(home, 'a.json');
    });
  });

  it('read labels again that somebody else wrote', async () => {
    const label = (browse: object, value: string | null) =>
      appendFileSync(
        join(folder, '.lrat', 'labels.jsonl'),
        `${JSON.stringify({
          ...{ version: 1, ...browse, label: value, at: new Date().toISOString() },
          source: { kind: 'person', name: 'Ann' },
        })}\n`,
      );
    const spruces = [3, 4].map(doc => ({
      ...{ log: 'trees/b.json', trajectory: '1', step: 2 * (doc - 2), doc: `10${doc}` },
    }));
    for (const browse of [larches, ...spruces]) label(browse, 'unknown');
    await run('lrat.refresh');
    await run('lrat.openBrowse', larches);
    await run('lrat.nextUnlabelled');
    await until('the next that waits', async () => /spruces/.test(activeTab()));
    for (const browse of spruces) label(browse, 'relevant');
    await run('lrat.refresh');
    await run('workbench.action.closeAllEditors');
    await run('lrat.openBrowse', larches);
    await run('lrat.nextUnlabelled');
    assert.doesNotMatch(activeTab(), /spruces/);
  });

  it('have a log of their own, which is shown', async () => {
    await run('lrat.showLog');
    await until('the log', async () =>
      vscode.window.visibleTextEditors.some(
        ({ document }) => document.uri.scheme === 'output' && /LRAT/.test(document.uri.path),
      ),
    );
  });
});

describe('the tree of runs', () => {
  const runOf = (name: string, told: Partial<RunSummary>): RunSummary => ({
    ...{ id: name, path: '', kind: 'training', name, title: `${name} on pairs`, created: '2026-01-01' },
    ...{ out: null, state: 'finished', step: 0, steps: 0, loss: null, figures: {}, counts: {} },
    ...{ error: null, pid: null, background: false, ...told },
  });
  const runs = [
    runOf('mined', { kind: 'mining', counts: { pairs: 1 } }),
    runOf('weak', { figures: { 'recall@10': 0.2 } }),
    runOf('going', { state: 'running', step: 3, steps: 9, loss: 0.5 }),
    runOf('strong', { figures: { 'recall@10': 0.6 } }),
    runOf('broken', { kind: 'evaluation', state: 'failed' }),
  ];
  const tree = new RunTree(
    {
      list: async () => ({ runs, problems: [{ log: '.lrat/runs/odd', place: '', reason: 'no record' }] }),
      onDidChange: new vscode.EventEmitter<void>().event,
    },
    'newest',
  );
  const shown = async () =>
    (await tree.getChildren()).map(node => (node.kind === 'run' ? node.run.name : node.problem.log));

  const orders: Record<RunOrder, string[]> = {
    newest: ['mined', 'weak', 'going', 'strong', 'broken'],
    result: ['strong', 'weak', 'mined', 'going', 'broken'],
    kind: ['weak', 'going', 'strong', 'broken', 'mined'],
    state: ['going', 'broken', 'mined', 'weak', 'strong'],
  };
  for (const [order, names] of Object.entries(orders)) {
    it(`is sorted by ${order}, what cannot be read last`, async () => {
      tree.order = order as RunOrder;
      assert.deepEqual(await shown(), [...names, '.lrat/runs/odd']);
    });
  }

  it('is filtered by name, kind and state', async () => {
    tree.order = 'newest';
    for (const [words, names] of [
      ['STRONG', ['strong']],
      ['mining', ['mined']],
      ['running', ['going']],
      ['no record', ['.lrat/runs/odd']],
    ] as const) {
      tree.filter = words;
      assert.deepEqual(await shown(), names);
    }
    tree.filter = '';
  });

  it('tells what came of a run, of one pair as one', async () => {
    const [mined, weak] = await tree.getChildren();
    assert.equal(tree.getTreeItem(mined!).description, 'mining · finished · 1 pair');
    assert.match(String(tree.getTreeItem(weak!).description), /recall@10 20\.0$/);
  });
});
