import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { listRuns, type RunSummary } from '../../src/jobs/runs.ts';
import { completion, startEndpoint } from '../unit/judge/endpoint.ts';
import { runLog } from './logs.ts';
import { until } from './until.ts';

const folder = vscode.workspace.workspaceFolders![0]!.uri.fsPath;

/** Sixty pages, each found by words that only its two queries have. */
function writePairs(): string {
  const rows = Array.from({ length: 120 }, (_, i) => {
    const page = i % 60;
    const other = (page + 7) % 60;
    return {
      query: `asked${page} wanted${page % 12}`,
      pos: [`page${page} subject${page % 12} words of every page`],
      pos_id: [`d${page}`],
      neg: [`page${other} subject${other % 12} words of every page`],
      neg_id: [`d${other}`],
      reweight_rate: 1,
      mode: 'attributed',
      log: 'log.json',
      question: `question ${page}`,
    };
  });
  mkdirSync(join(folder, '.lrat/pairs'), { recursive: true });
  writeFileSync(join(folder, '.lrat/pairs/tiny.jsonl'), rows.map(row => `${JSON.stringify(row)}\n`).join(''));
  return '.lrat/pairs/tiny.jsonl';
}

const summary = async (id: string): Promise<RunSummary> =>
  (await listRuns(folder)).runs.find(run => run.id === id)!;
const reaches = (id: string, state: RunSummary['state']) =>
  until(`the run to be ${state}`, async () => {
    const run = await summary(id);
    return run.state === state && run;
  });
const tabs = (viewType = 'lrat.run') =>
  vscode.window.tabGroups.all
    .flatMap(({ tabs }) => tabs)
    .filter(({ input }) => input instanceof vscode.TabInputWebview && input.viewType.endsWith(viewType));
const node = (run: RunSummary) => ({ kind: 'run', run });

describe('training', () => {
  let id: string;

  after(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('starts as a task of type lrat and shows its run', async () => {
    const started: vscode.Task[] = [];
    const listener = vscode.tasks.onDidStartTask(({ execution }) => started.push(execution.task));
    id = await vscode.commands.executeCommand<string>('lrat.train', {
      pairs: writePairs(),
      base: 'static',
      out: '.lrat/models/tiny',
      epochs: 3000,
      batch: 8,
      heldOut: 0.2,
    });
    // The editor tells of a task when it comes to it, which may be after the run has begun.
    await until('the task', async () => started.length > 0);
    listener.dispose();
    assert.deepEqual(
      started.map(task => [task.definition.type, task.definition.command]),
      [['lrat', 'train']],
    );
    await until('the panel', async () => tabs().length === 1);
    const run = await until('some steps', async () => {
      const run = await summary(id);
      return run.step > 0 && run;
    });
    assert.equal(run.state, 'running');
    assert.equal(run.name, 'tiny');
  });

  it('is the same run in the panel that has it', async () => {
    await vscode.commands.executeCommand('lrat.openRun', node(await summary(id)));
    assert.equal(tabs().length, 1);
  });

  it('goes on when its task ends, and is found again', async () => {
    const { pid, step } = await summary(id);
    const execution = vscode.tasks.taskExecutions.find(({ task }) => task.definition.type === 'lrat');
    assert.ok(execution, 'the task is gone');
    const ended = new Promise<void>(done => {
      const listener = vscode.tasks.onDidEndTask(event => {
        if (event.execution !== execution) return;
        listener.dispose();
        done();
      });
    });
    execution.terminate();
    await ended;
    const later = await until('a later step', async () => {
      const run = await summary(id);
      return run.step > step && run;
    });
    assert.equal(later.state, 'running');
    assert.equal(later.pid, pid);
  });

  it('cannot be deleted while it runs', async () => {
    await vscode.commands.executeCommand('lrat.deleteRun', node(await summary(id)));
    assert.equal((await summary(id)).state, 'running');
  });

  it('stops politely, with a checkpoint, and resumes from there', async () => {
    await vscode.commands.executeCommand('lrat.stopRun', node(await summary(id)));
    const { state, step } = await summary(id);
    assert.equal(state, 'stopped');
    assert.ok(existsSync(join(folder, '.lrat/runs', id, 'checkpoints')));
    await vscode.commands.executeCommand('lrat.resumeRun', node(await summary(id)));
    const run = await until('a step after the stop', async () => {
      const run = await summary(id);
      return run.step > step && run;
    });
    assert.equal(run.state, 'running');
    await vscode.commands.executeCommand('lrat.stopRun', node(run));
    await reaches(id, 'stopped');
  });

  it('leaves a model and a comparison with its base when it ends', async () => {
    const short = await vscode.commands.executeCommand<string>('lrat.train', {
      pairs: writePairs(),
      base: 'static',
      out: '.lrat/models/short',
      epochs: 2,
      batch: 8,
      heldOut: 0.2,
    });
    await reaches(short, 'finished');
    const result = await until('the result', async () => {
      const path = join(folder, '.lrat/runs', short, 'result.json');
      return existsSync(path) && JSON.parse(readFileSync(path, 'utf8'));
    });
    assert.deepEqual(
      result.rows.map((row: { retriever: string }) => row.retriever),
      ['BM25', 'base', 'trained'],
    );
    assert.ok(existsSync(join(folder, '.lrat/models/short/model.safetensors')));
  });
});

describe('other runs', () => {
  const logs = join(folder, 'runs-part');
  const newest = async (kind: RunSummary['kind']) =>
    (await listRuns(folder)).runs.find(run => run.kind === kind)!;

  before(async () => {
    mkdirSync(logs, { recursive: true });
    const visits = Array.from({ length: 5 }, (_, i) => ({
      doc: String(100 + i),
      reasoning: 'This document is useful: it names the mill.',
    }));
    writeFileSync(join(logs, 'mill.json'), JSON.stringify(runLog('Where is the mill?', visits)));
    await vscode.commands.executeCommand('lrat.index');
  });

  after(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    rmSync(logs, { recursive: true });
    await vscode.commands.executeCommand('lrat.index');
  });

  it('tell of a judging how it ended, and it is not resumed then', async () => {
    await vscode.commands.executeCommand('lrat.judge', { judge: 'rules' });
    const run = await newest('judging');
    assert.equal(run.state, 'finished');
    const { counts } = run;
    assert.ok(
      counts.relevant! + counts.irrelevant! + counts.unknown! + counts.already! >= 5,
      'nothing is told',
    );
    const labels = readFileSync(join(folder, '.lrat/labels.jsonl'), 'utf8');
    await vscode.commands.executeCommand('lrat.resumeRun', node(run));
    assert.equal(readFileSync(join(folder, '.lrat/labels.jsonl'), 'utf8'), labels);
    assert.equal((await newest('judging')).id, run.id);
  });

  it('go on with a judging that was stopped', async () => {
    const finished = await newest('judging');
    // As a judging that was stopped before its first browse leaves it.
    const status = join(finished.path, 'status.json');
    writeFileSync(status, JSON.stringify({ ...JSON.parse(readFileSync(status, 'utf8')), state: 'stopped' }));
    rmSync(join(finished.path, 'result.json'));
    await vscode.commands.executeCommand('lrat.resumeRun', node(await newest('judging')));
    const run = await newest('judging');
    assert.deepEqual([run.id, run.state], [finished.id, 'finished']);
    assert.ok(run.counts.already! >= 1, 'labels of before were given again');
  });

  it('are opened in a panel too', async () => {
    await vscode.commands.executeCommand('lrat.openRun', node(await newest('judging')));
    await until('the panel', async () => tabs().length === 1);
  });

  it('are compared when they were measured on the same questions', async () => {
    const train = async (name: string, epochs: number) => {
      const choices = { pairs: writePairs(), base: 'static', out: `.lrat/models/${name}`, epochs };
      const given = { ...choices, batch: 8, heldOut: 0.2 };
      const id = await vscode.commands.executeCommand<string>('lrat.train', given);
      await reaches(id, 'finished');
      await until('the scores', async () => existsSync(join(folder, '.lrat/runs', id, 'scores.json')));
      return node(await summary(id));
    };
    const [one, other] = [await train('few', 1), await train('many', 3)];
    // Chosen in any order, the newer is set against the older; the title comes with what was compared.
    await vscode.commands.executeCommand('lrat.compareRuns', other, [other, one]);
    await until('the comparison', async () => tabs('lrat.compareRuns')[0]?.label === 'many against few');

    // All that are selected are deleted, after one question that says how many they are.
    const asked: string[] = [];
    const { showWarningMessage } = vscode.window;
    vscode.window.showWarningMessage = async (question: string, ...rest: unknown[]) => {
      asked.push(question);
      return rest.at(-1) as never;
    };
    try {
      await vscode.commands.executeCommand('lrat.deleteRun', one, [one, other]);
    } finally {
      vscode.window.showWarningMessage = showWarningMessage;
    }
    assert.equal(asked.length, 1);
    assert.match(asked[0]!, /\b2 runs\b/);
    for (const { run } of [one, other]) assert.equal(existsSync(run.path), false, `${run.name} is there`);
  });

  /** Goes through the pages of a training. @param answers to boxes, in turn; the others get what they offer */
  function turnPages(answers: string[] = []) {
    const pages: vscode.QuickPick<vscode.QuickPickItem>[] = [];
    const definitions: vscode.TaskDefinition[] = [];
    const { createQuickPick, createInputBox, showInputBox } = vscode.window;
    vscode.window.createQuickPick = <Item extends vscode.QuickPickItem>() => {
      const page = createQuickPick<Item>();
      pages.push(page as never);
      return page;
    };
    vscode.window.createInputBox = () => {
      const box = createInputBox();
      setTimeout(() => {
        box.value = answers.shift() ?? box.value;
        void vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
      }, 500);
      return box;
    };
    const listener = vscode.tasks.onDidStartTask(({ execution }) =>
      definitions.push(execution.task.definition),
    );
    const page = (nth: number) =>
      until(`page ${nth}`, async () => (pages[nth]?.items.length ?? 0) > 0 && pages[nth]);
    return {
      /** The tasks that were started. */
      definitions,
      page,
      async choose(nth: number, begins: string) {
        const { items } = await page(nth);
        const item = items.find(({ label }) => label.startsWith(begins));
        assert.ok(item, `${begins} is none of ${items.map(({ label }) => label).join(', ')}`);
        // What is active is told by the screen.
        await until('the item to be active', async () => {
          const { activeItems } = pages[nth]!;
          if (activeItems[0] === item) return true;
          if (activeItems.length > 0)
            await vscode.commands.executeCommand('workbench.action.quickOpenSelectNext');
          return false;
        });
        await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
      },
      async end() {
        listener.dispose();
        Object.assign(vscode.window, { createQuickPick, createInputBox, showInputBox });
        await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
      },
    };
  }

  it('of training can change every setting of the recipe', async () => {
    const { choose, definitions, end } = turnPages();
    const changes = {
      ...{ Epochs: '2', Batch: '16', 'Learning rate': '0.01', Temperature: '0.1', Group: '3' },
      ...{ 'Weight decay': '0.01', 'Norm of gradients': '0', Warmup: '7', Length: '128' },
      ...{ Dimension: '64', 'Held out': '25', Seed: '5' },
    };
    vscode.window.showInputBox = async (options?: vscode.InputBoxOptions) => {
      const [, answer] = Object.entries(changes).find(([name]) => options!.prompt!.startsWith(name))!;
      assert.ok(options!.validateInput!('none'), 'takes what is no number');
      assert.equal(options!.validateInput!(answer), undefined);
      return answer;
    };
    try {
      const started = vscode.commands.executeCommand<string>('lrat.train', { mode: 'attributed' });
      let nth = 0;
      await choose(nth++, 'New static encoder');
      for (const name of Object.keys(changes)) await choose(nth++, name);
      await choose(nth++, 'Weights: those of the pairs');
      await choose(nth++, 'Go on with this recipe');
      await started;
      const { out: _, ...options } = definitions[0]!;
      assert.deepEqual(options, {
        ...{ type: 'lrat', command: 'train', base: 'static', pairs: '.lrat/pairs/attributed.jsonl' },
        ...{ epochs: 2, batch: 16, lr: 0.01, tau: 0.1, group: 3, warmup: 0.07, maxLength: 128 },
        ...{ weightDecay: 0.01, clip: 0, dimension: 64, heldOut: 0.25, seed: 5, weights: false },
      });
    } finally {
      await end();
    }
  });

  it('of training take a model of the hub, and settings that are one of a few or none', async () => {
    const { choose, definitions, end } = turnPages(['some/model@v1']);
    const ranks = ['4', ''];
    vscode.window.showInputBox = async (options?: vscode.InputBoxOptions) => {
      const rank = ranks.shift()!;
      assert.match(options!.prompt!, /^Low-rank.*Empty: none\.$/);
      assert.ok(options!.validateInput!('0'), 'takes a rank of 0');
      assert.equal(options!.validateInput!(rank), undefined);
      return rank;
    };
    try {
      const started = vscode.commands.executeCommand<string>('lrat.train', { mode: 'attributed' });
      // Nothing is fetched here: there is no hub.
      Promise.resolve(started).catch(() => {});
      let nth = 0;
      await choose(nth++, 'A model of the hub');
      for (const name of ['Low-rank additions (LoRA): none', 'Low-rank additions (LoRA): rank 4'])
        await choose(nth++, name);
      for (const name of ['Schedule: the learning rate falls in a line', 'Mean', 'Device: a GPU where'])
        await choose(nth++, name);
      await choose(nth++, 'Go on with this recipe');
      const definition = await until('the task', async () => definitions[0]);
      const { base, lora, schedule, normalise, device } = definition;
      assert.deepEqual(
        { base, lora, schedule, normalise, device },
        {
          ...{ base: 'hub:some/model@v1', lora: undefined, schedule: 'cosine' },
          ...{ normalise: 'weights', device: 'cpu' },
        },
      );
    } finally {
      await end();
    }
  });

  it('of training offer a static model that is there only what it has', async () => {
    const { choose, definitions, end, page } = turnPages();
    try {
      const started = vscode.commands.executeCommand<string>('lrat.train', { mode: 'attributed' });
      await choose(0, 'short');
      const offered = (await page(1)).items.map(({ label }) => label);
      assert.ok(offered.some(label => label.startsWith('Epochs')));
      for (const name of ['Dimension', 'Dropout', 'Frozen layers', 'Low-rank', 'Precision'])
        assert.ok(!offered.some(label => label.startsWith(name)), name);
      await choose(1, 'Go on with this recipe');
      await started;
      // What was set for a new encoder before is not asked of this one.
      const { base, dimension, tau } = definitions[0]!;
      assert.deepEqual(
        { base, dimension, tau },
        { base: '.lrat/models/short', dimension: undefined, tau: 0.1 },
      );
    } finally {
      await end();
    }
  });

  it('of training are not offered a model of an unknown architecture', async () => {
    const model = join(folder, '.lrat/models/another');
    mkdirSync(model, { recursive: true });
    const type = 'sentence_transformers.models.Transformer';
    writeFileSync(join(model, 'modules.json'), JSON.stringify([{ idx: 0, name: '0', path: '', type }]));
    writeFileSync(join(model, 'config.json'), JSON.stringify({ model_type: 'another' }));
    const pages: vscode.QuickPick<vscode.QuickPickItem>[] = [];
    const errors: string[] = [];
    const { createQuickPick, showErrorMessage } = vscode.window;
    vscode.window.createQuickPick = <Item extends vscode.QuickPickItem>() => {
      const page = createQuickPick<Item>();
      pages.push(page as never);
      return page;
    };
    vscode.window.showErrorMessage = async (message: string) => {
      errors.push(message);
      return undefined;
    };
    try {
      const training = vscode.commands.executeCommand('lrat.train', { mode: 'attributed' });
      const page = await until('the page of models', async () => pages[0]?.items.length !== 0 && pages[0]);
      const item = page.items.find(({ label }) => label === 'another')!;
      assert.match(item.description!, /architecture another/);
      // What is active is told by the screen.
      await until('the model to be active', async () => {
        if (page.activeItems[0] === item) return true;
        if (page.activeItems.length > 0)
          await vscode.commands.executeCommand('workbench.action.quickOpenSelectNext');
        return false;
      });
      await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
      const again = await until('a page after it', async () => pages[1]?.items.length !== 0 && pages[1]);
      assert.equal(again.placeholder, page.placeholder);
      assert.match(errors.join(), /architecture another, which is not known here/);
      await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
      assert.equal(await training, undefined);
    } finally {
      Object.assign(vscode.window, { createQuickPick, showErrorMessage });
      rmSync(model, { recursive: true });
    }
  });
});

describe('tasks of type lrat', () => {
  it('offer what a workspace can always do', async () => {
    const tasks = await vscode.tasks.fetchTasks({ type: 'lrat' });
    const offered = tasks.map(task => task.definition.command).sort();
    assert.deepEqual(offered, ['index', 'judge', 'mine']);
  });

  it('can be written into tasks.json, and point at what is wrong with a file', async () => {
    mkdirSync(join(folder, '.vscode'), { recursive: true });
    writeFileSync(join(folder, 'broken.jsonl'), '{"query": 1}\n');
    const task = {
      type: 'lrat',
      label: 'train on broken pairs',
      command: 'train',
      pairs: 'broken.jsonl',
      base: 'static',
      out: '.lrat/models/never',
    };
    writeFileSync(join(folder, '.vscode/tasks.json'), JSON.stringify({ version: '2.0.0', tasks: [task] }));
    const found = await until('the task of tasks.json', async () =>
      (await vscode.tasks.fetchTasks({ type: 'lrat' })).find(({ name }) => name === task.label),
    );
    const problemOf = () =>
      vscode.languages
        .getDiagnostics()
        .flatMap(([uri, all]) => all.map(({ message, range }) => ({ uri, message, line: range.start.line })))
        .find(({ uri }) => uri.fsPath.endsWith('broken.jsonl'));
    const attempt = async () => {
      const ended = new Promise<number | undefined>(done => {
        const listener = vscode.tasks.onDidEndTaskProcess(event => {
          if (event.execution.task.name !== task.label) return;
          listener.dispose();
          done(event.exitCode);
        });
      });
      await vscode.tasks.executeTask(found);
      assert.equal(await ended, 1);
      return until('the problem', async () => problemOf(), 10_000);
    };
    // VS Code reads a task's terminal until 100 ms after its process has ended: on a busy machine the line comes too late.
    const problem = await attempt().catch(attempt).catch(attempt);
    assert.equal(problem.line, 0);
    assert.match(problem.message, /\S/);
  });

  it('give a judge the key that is kept for its endpoint, which no other extension can read', async () => {
    const home = join(folder, 'runs-key');
    mkdirSync(home, { recursive: true });
    const visits = [{ doc: '300', reasoning: 'The page names the weir.' }];
    writeFileSync(join(home, 'weir.json'), JSON.stringify(runLog('Where is the weir?', visits)));
    await vscode.commands.executeCommand('lrat.index');
    const endpoint = await startEndpoint((_, response) =>
      completion(response, '{"label": "relevant", "reason": "names it"}'),
    );
    const { url } = endpoint;
    await vscode.commands.executeCommand('lrat.setApiKey', { url, key: 'secret-of-the-test' });
    const task = {
      type: 'lrat',
      label: 'judge by a model',
      command: 'judge',
      judge: 'openai',
      url,
      model: 'm',
    };
    try {
      writeFileSync(join(folder, '.vscode/tasks.json'), JSON.stringify({ version: '2.0.0', tasks: [task] }));
      const found = await until('the task of tasks.json', async () =>
        (await vscode.tasks.fetchTasks({ type: 'lrat' })).find(({ name }) => name === task.label),
      );
      const started = await vscode.tasks.executeTask(found);
      await until('a question', async () => endpoint.asked.length > 0);
      assert.equal(endpoint.asked[0]!.authorization, 'Bearer secret-of-the-test');
      assert.doesNotMatch(JSON.stringify([found, started.task]), /secret-of-the-test/);
      const run = await until('the run', async () => {
        const { runs } = await listRuns(folder);
        return runs.find(
          ({ kind, name, state }) => kind === 'judging' && name === 'm' && state === 'finished',
        );
      });
      assert.equal(run.background, true);
    } finally {
      await vscode.commands.executeCommand('lrat.clearApiKey', url);
      await endpoint.stop();
      rmSync(home, { recursive: true });
      await vscode.commands.executeCommand('lrat.index');
    }
  });
});
