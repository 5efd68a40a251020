import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import * as vscode from 'vscode';
import { describeError, LratError } from '../base/errors.ts';
import type { Job } from '../base/progress.ts';
import { modelFamily } from '../encoder/open.ts';
import { deleteRun, isResumable, type RunSummary, refuseRunning, runFolder, stopRun } from '../jobs/runs.ts';
import type { MiningMode } from '../mining/pair.ts';
import { pairRecordPath } from '../mining/pair-file.ts';
import { recipeFor } from '../training/recipe.ts';
import { requireTrust } from './commands.ts';
import { withJob } from './job.ts';
import { minePairs } from './mine-command.ts';
import { ask, back, type Page, type Place, pick, turnPages } from './pages.ts';
import type { RunComparisons } from './run-comparison.ts';
import type { RunViews } from './run-view.ts';
import type { RunWatch } from './run-watch.ts';
import { kindWord, type RunNode, stateWord } from './runs-tree.ts';
import type { LratTaskDefinition } from './task-definition.ts';
import type { LratTasks } from './tasks.ts';
import type { LratWorkspace } from './workspace.ts';

/** What a training is asked for. Paths are relative to the workspace where they lie in it. */
export interface TrainChoices {
  readonly pairs: string;
  /** `static`, or the folder of a model. */
  readonly base: string;
  readonly out: string;
  readonly epochs?: number;
  readonly batch?: number;
  /** Part of the questions that is kept out of the training and measured. */
  readonly heldOut: number;
}

/** What the commands on runs work with. */
export interface RunParts {
  readonly workspace: LratWorkspace;
  readonly watch: RunWatch;
  readonly views: RunViews;
  readonly comparisons: RunComparisons;
  readonly tasks: LratTasks;
  readonly memory: vscode.Memento;
}

type Command = (job: Job, argument?: unknown, selected?: readonly unknown[]) => Promise<unknown>;

/** The commands on runs, by name. */
export function runCommands(parts: RunParts): Record<string, Command> {
  const { workspace, watch, views, comparisons } = parts;
  /** Works on the selected runs, on the one that is given, or on one that the user picks. */
  const onRuns =
    (
      work: (runs: readonly RunSummary[]) => Promise<unknown>,
      accepts?: (run: RunSummary) => boolean,
    ): Command =>
    async (_, argument, selected = []) => {
      const nodes = selected.length > 1 ? selected : [argument];
      const given = nodes.filter(isRunNode).map(({ run }) => run);
      const picked = given.length > 0 ? given[0] : await pickRun(watch, accepts);
      return picked === undefined ? undefined : work(given.length > 0 ? given : [picked]);
    };
  /** Does the same for each, one after the other. */
  const onEach = (work: (run: RunSummary) => Promise<unknown>, accepts?: (run: RunSummary) => boolean) =>
    onRuns(async runs => {
      for (const run of runs) await work(run);
    }, accepts);
  return {
    'lrat.train': async (_, argument) => {
      requireTrust();
      const mined = isMode(argument) ? await minedPairs(workspace, argument.mode) : undefined;
      const choices = isChoices(argument) ? argument : await chooseTraining(parts, mined);
      return choices === undefined ? undefined : startTraining(parts, choices);
    },
    'lrat.openRun': onEach(async run => views.open(run.id, run.name)),
    'lrat.showRunLog': onEach(async run => views.openLog(run.id)),
    'lrat.stopRun': onRuns(async runs => {
      requireTrust();
      // What has ended meanwhile, or was selected with the others, has nothing to stop.
      const running = runs.filter(isRunning);
      const stop = vscode.l10n.t('Stop');
      if (running.length > 1) {
        const question = vscode.l10n.t('Stop {0} runs?', running.length);
        const detail = names(running);
        if ((await vscode.window.showWarningMessage(question, { modal: true, detail }, stop)) !== stop)
          return;
      }
      await Promise.all(running.map(({ id }) => stopRun(runFolder(workspace.path, id))));
      await watch.look();
    }, isRunning),
    'lrat.resumeRun': onEach(
      async run =>
        run.kind === 'judging'
          ? vscode.commands.executeCommand('lrat.judge', { resume: run.id })
          : resumeRun(parts, run),
      isResumable,
    ),
    'lrat.compareRuns': async (_, argument, selected = []) => {
      const chosen = selected.filter(isRunNode).map(({ run }) => run);
      if (chosen.length === 2) return comparisons.open(chosen[0]!.id, chosen[1]!.id);
      const run = isRunNode(argument) ? argument.run : await pickRun(watch, isMeasured);
      const other =
        run &&
        (await pickRun(
          watch,
          each => isMeasured(each) && each.id !== run.id,
          vscode.l10n.t('Compare with…'),
        ));
      return other && comparisons.open(run.id, other.id);
    },
    'lrat.deleteRun': onRuns(
      async runs => {
        requireTrust();
        const folders = runs.map(({ id }) => runFolder(workspace.path, id));
        for (const folder of folders) refuseRunning(folder);
        const remove = vscode.l10n.t('Delete');
        const isOne = runs.length === 1;
        const loss = isOne
          ? vscode.l10n.t(
              'Its metrics, log and checkpoints are removed for good. The labels, pairs or model that came of it stay.',
            )
          : vscode.l10n.t(
              'Their metrics, logs and checkpoints are removed for good. The labels, pairs or models that came of them stay.',
            );
        const answer = await vscode.window.showWarningMessage(
          isOne
            ? vscode.l10n.t('Delete the run of {0}?', runs[0]!.name)
            : vscode.l10n.t('Delete {0} runs?', runs.length),
          { modal: true, detail: isOne ? loss : `${names(runs)}\n\n${loss}` },
          remove,
        );
        if (answer !== remove) return;
        for (const folder of folders) await deleteRun(folder);
        await watch.look();
      },
      run => !isRunning(run),
    ),
  };
}

/** The runs of a question, one on a line. */
function names(runs: readonly RunSummary[]): string {
  return runs.map(({ name, created }) => `${name}, ${new Date(created).toLocaleString()}`).join('\n');
}

export async function resumeRun({ watch, tasks, views }: RunParts, run: RunSummary): Promise<void> {
  requireTrust();
  await start(
    { watch, tasks },
    { type: 'lrat', command: 'train', resume: run.id },
    run.name,
    ({ id, state }) => id === run.id && state === 'running',
  );
  views.open(run.id, run.name);
}

/** Starts a training as a task and shows its run. @returns the run's id */
async function startTraining({ workspace, watch, views, tasks, memory }: RunParts, choices: TrainChoices) {
  await memory.update('training', choices);
  const before = new Set((await watch.look()).runs.map(({ id }) => id));
  const { pairs, base, out, epochs, batch, heldOut } = choices;
  const run = await start(
    { watch, tasks },
    {
      type: 'lrat',
      command: 'train',
      pairs,
      base,
      out,
      ...(epochs !== undefined && { epochs }),
      ...(batch !== undefined && { batch }),
      heldOut,
    },
    vscode.l10n.t('Train {0}', basename(out)),
    ({ id, out: model }) => !before.has(id) && model === resolve(workspace.path, out),
  );
  views.open(run.id, run.name);
  return run.id;
}

/** Runs a task until the run that it starts is there. @throws LratError if the task ends without one */
async function start(
  { watch, tasks }: Pick<RunParts, 'watch' | 'tasks'>,
  definition: LratTaskDefinition,
  name: string,
  accepts: (run: RunSummary) => boolean,
): Promise<RunSummary> {
  const task = tasks.make(definition, name);
  task.presentationOptions = { reveal: vscode.TaskRevealKind.Never, showReuseMessage: false };
  const listeners: vscode.Disposable[] = [];
  let execution: vscode.TaskExecution | undefined;
  const ended = new Promise<void>(done => {
    listeners.push(
      vscode.tasks.onDidEndTask(event => {
        if (event.execution === execution) done();
      }),
    );
  });
  try {
    execution = await vscode.tasks.executeTask(task);
    const run = await watch.appears(accepts, ended);
    if (run !== undefined) return run;
  } finally {
    for (const listener of listeners) listener.dispose();
  }
  throw new LratError(
    vscode.l10n.t('The training ended before its run began. The task’s terminal says why.'),
  );
}

function isRunNode(argument: unknown): argument is RunNode & { kind: 'run' } {
  return (argument as RunNode | undefined)?.kind === 'run';
}

function isMode(argument: unknown): argument is { readonly mode: MiningMode } {
  return typeof (argument as { mode?: unknown } | undefined)?.mode === 'string';
}

function isChoices(argument: unknown): argument is TrainChoices {
  return typeof (argument as TrainChoices | undefined)?.pairs === 'string';
}

function isRunning({ state }: RunSummary): boolean {
  return state === 'running';
}

function isMeasured({ kind, state }: RunSummary): boolean {
  return (kind === 'training' || kind === 'evaluation') && state === 'finished';
}

async function pickRun(
  watch: RunWatch,
  accepts: (run: RunSummary) => boolean = () => true,
  placeHolder = vscode.l10n.t('Which run?'),
): Promise<RunSummary | undefined> {
  const runs = (await watch.look()).runs.filter(accepts);
  if (runs.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t('There is no run for that yet.'));
    return undefined;
  }
  const picked = await vscode.window.showQuickPick(
    runs.map(run => ({
      label: run.name,
      description: `${kindWord(run.kind)} · ${stateWord(run.state)} · ${run.title} · ${run.id}`,
      run,
    })),
    { placeHolder },
  );
  return picked?.run;
}

const modes = ['attributed', 'released', 'paper'] as const;
type Draft = Partial<TrainChoices>;

/** Asks for the pairs, the base, the recipe and the name, in pages that one can go back through. */
async function chooseTraining(
  { workspace, memory }: RunParts,
  mined: Pick<TrainChoices, 'pairs'> | undefined,
): Promise<TrainChoices | undefined> {
  const pages: readonly Page<Draft>[] = [
    ...(mined === undefined ? [(draft: Draft, place: Place) => choosePairs(workspace, draft, place)] : []),
    (draft, place) => chooseBase(workspace, draft, place),
    (draft, place) => chooseRecipe(workspace, draft, place),
    (draft, place) => chooseName(workspace, draft, place),
  ];
  const remembered: Draft = { ...memory.get<TrainChoices>('training'), ...mined };
  const draft = await turnPages(vscode.l10n.t('Train a Retriever'), pages, remembered);
  if (draft === undefined) return undefined;
  const { pairs, base, out, heldOut = defaultHeldOut } = draft;
  if (pairs === undefined || base === undefined || out === undefined) return undefined;
  return { ...draft, pairs, base, out, heldOut };
}

/** Mines as `lrat.mine` does. @returns the pair file, as `TrainChoices` has it */
async function minedPairs(workspace: LratWorkspace, mode: MiningMode) {
  const { out } = await withJob(vscode.l10n.t('Mining pairs'), job => minePairs(workspace, mode, job));
  return { pairs: inWorkspace(workspace, out) };
}

async function choosePairs(workspace: LratWorkspace, draft: Draft, place: Place) {
  const picked = await pick(place, vscode.l10n.t('Pairs to train on'), draft.pairs, pairItems(workspace));
  if (picked === undefined || picked === back) return picked;
  if ('mode' in picked) return minedPairs(workspace, picked.mode);
  if ('value' in picked) return { pairs: picked.value };
  const chosen = await vscode.window.showOpenDialog({
    defaultUri: workspace.folder.uri,
    filters: { [vscode.l10n.t('Pairs')]: ['jsonl'] },
  });
  return chosen?.[0] === undefined ? undefined : { pairs: inWorkspace(workspace, chosen[0].fsPath) };
}

/** Pair files of the workspace: those that have a record beside them. */
async function pairItems(workspace: LratWorkspace) {
  const records = await vscode.workspace.findFiles(
    new vscode.RelativePattern(workspace.folder, '**/*.meta.json'),
    '**/node_modules/**',
    200,
  );
  const found = records
    .map(({ fsPath }) => relative(workspace.path, fsPath.replace(/\.meta\.json$/, '.jsonl')))
    .filter(pairs => existsSync(join(workspace.path, pairs)))
    .sort();
  return [
    ...found.map(pairs => ({
      label: basename(pairs),
      description: describePairs(workspace, pairs),
      value: pairs,
    })),
    ...modes.map(mode => ({
      label: vscode.l10n.t('Mine now: {0}', mode),
      description: vscode.l10n.t('from the index, with today’s labels'),
      mode,
    })),
    { label: vscode.l10n.t('Choose a file…') },
  ];
}

/** What the record beside a pair file says of it. */
function describePairs(workspace: LratWorkspace, pairs: string): string {
  try {
    const record = JSON.parse(readFileSync(pairRecordPath(join(workspace.path, pairs)), 'utf8'));
    return vscode.l10n.t('{0} pairs, {1} · {2}', Number(record.rows), String(record.mode), dirname(pairs));
  } catch {
    return dirname(pairs);
  }
}

async function chooseBase(workspace: LratWorkspace, draft: Draft, place: Place) {
  const home = workspace.inHome('models');
  const models = existsSync(home)
    ? readdirSync(home).filter(name => existsSync(join(home, name, 'modules.json')))
    : [];
  const items = [
    {
      label: vscode.l10n.t('New static encoder'),
      description: vscode.l10n.t('vocabulary from the pairs; trains on a CPU in seconds to minutes'),
      value: 'static',
    },
    ...models.map(name => {
      const value = join('.lrat', 'models', name);
      return {
        label: name,
        description: refusalOf(workspace, value) ?? vscode.l10n.t('go on from this model'),
        value,
      };
    }),
    { label: vscode.l10n.t('Choose a folder…') },
  ];
  for (;;) {
    const picked = await pick(place, vscode.l10n.t('Model to start from'), draft.base, items);
    if (picked === undefined || picked === back) return picked;
    const base = 'value' in picked ? picked.value : await chooseModelFolder(workspace);
    if (base === undefined) return undefined;
    const refusal = refusalOf(workspace, base);
    if (refusal === undefined) return { base };
    void vscode.window.showErrorMessage(refusal);
  }
}

async function chooseModelFolder(workspace: LratWorkspace): Promise<string | undefined> {
  const chosen = await vscode.window.showOpenDialog({
    canSelectFiles: false,
    canSelectFolders: true,
    defaultUri: workspace.folder.uri,
  });
  return chosen?.[0] && inWorkspace(workspace, chosen[0].fsPath);
}

/** Why a training cannot start from a base, in words; undefined if it can. */
function refusalOf(workspace: LratWorkspace, base: string): string | undefined {
  try {
    familyOf(workspace, base);
    return undefined;
  } catch (error) {
    return describeError(error);
  }
}

function familyOf(workspace: LratWorkspace, base: string): string {
  return base === 'static' ? base : modelFamily(resolve(workspace.path, base));
}

/** Part of the questions that is held out unless the user says otherwise. */
const defaultHeldOut = 0.2;

/** The recipe's defaults, each of which can be changed before the training starts. */
async function chooseRecipe(workspace: LratWorkspace, draft: Draft, place: Place) {
  const defaults = recipeFor(familyOf(workspace, draft.base ?? 'static'));
  let recipe = { heldOut: defaultHeldOut, ...draft };
  for (;;) {
    const { epochs = defaults.epochs, batch = defaults.batchSize, heldOut } = recipe;
    const settings = [
      { label: vscode.l10n.t('Epochs: {0}', epochs), name: 'epochs', value: epochs },
      { label: vscode.l10n.t('Batch: {0} rows', batch), name: 'batch', value: batch },
      {
        label: vscode.l10n.t('Held out: {0} % of the questions', 100 * heldOut),
        name: 'heldOut',
        value: 100 * heldOut,
      },
    ] as const;
    const go = vscode.l10n.t('Go on with this recipe');
    const device = vscode.l10n.t('on the CPU, {0} threads', availableParallelism());
    const picked = await pick(place, vscode.l10n.t('Recipe'), undefined, [
      { label: go, description: device },
      ...settings,
    ]);
    if (picked === undefined || picked === back) return picked;
    if (!('name' in picked)) return { epochs, batch, heldOut };
    const answer = await vscode.window.showInputBox({
      prompt: picked.label,
      value: String(picked.value),
      validateInput: text => checkSetting(picked.name, text),
    });
    if (answer !== undefined) {
      const number = Number(answer);
      recipe = { ...recipe, [picked.name]: picked.name === 'heldOut' ? number / 100 : number };
    }
  }
}

function checkSetting(name: 'epochs' | 'batch' | 'heldOut', text: string): string | undefined {
  const number = text.trim() === '' ? Number.NaN : Number(text);
  if (name === 'heldOut') {
    return number >= 0 && number < 100 ? undefined : vscode.l10n.t('A number from 0 to below 100.');
  }
  return Number.isSafeInteger(number) && number > 0 ? undefined : vscode.l10n.t('A whole number from 1 on.');
}

async function chooseName(workspace: LratWorkspace, draft: Draft, place: Place) {
  const models = workspace.inHome('models');
  const stem = basename(draft.pairs ?? 'model', '.jsonl');
  let name = stem;
  for (let i = 2; existsSync(join(models, name)); i++) name = `${stem}-${i}`;
  const answer = await ask(place, vscode.l10n.t('Name of the model, in .lrat/models'), name, text => {
    if (!/^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u.test(text)) {
      return vscode.l10n.t('Letters, digits, points, dashes and underscores.');
    }
    return existsSync(join(models, text))
      ? vscode.l10n.t('A model of this name is there; choose another name.')
      : undefined;
  });
  return typeof answer === 'string' ? { out: join('.lrat', 'models', answer) } : answer;
}

function inWorkspace(workspace: LratWorkspace, path: string): string {
  const inside = relative(workspace.path, path);
  return inside.startsWith('..') || isAbsolute(inside) ? path : inside;
}
