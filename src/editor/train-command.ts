import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import * as vscode from 'vscode';
import { describeError } from '../base/errors.ts';
import type { Job } from '../base/progress.ts';
import { hubReference } from '../encoder/hub-reference.ts';
import { modelFamily } from '../encoder/open.ts';
import { defaultStaticOptions } from '../encoder/static.ts';
import { type DeviceWish, deviceWishes } from '../engine/device-wish.ts';
import { deleteRun, isResumable, type RunSummary, refuseRunning, runFolder, stopRun } from '../jobs/runs.ts';
import type { RecipeOptions } from '../jobs/train.ts';
import type { MiningMode } from '../mining/pair.ts';
import { pairRecordPath } from '../mining/pair-file.ts';
import { greatestDropout, normalisations, recipeFor, schedules } from '../training/recipe.ts';
import { requireTrust } from './commands.ts';
import { moment, ungrouped, whole } from './figures.ts';
import { withJob } from './job.ts';
import { minePairs } from './mine-command.ts';
import { ask, back, type Page, type Place, pick, turnPages } from './pages.ts';
import type { RunComparisons } from './run-comparison.ts';
import { type RunStarter, startRun } from './run-task.ts';
import type { RunWatch } from './run-watch.ts';
import { kindWord, type RunNode, stateWord } from './runs-tree.ts';
import { moreOptions } from './words.ts';
import type { LratWorkspace } from './workspace.ts';

/** What a training is asked for. Paths are relative to the workspace where they lie in it. */
export interface TrainChoices extends RecipeOptions {
  readonly pairs: string;
  /** `static`, the folder of a model, or its name on the hub. */
  readonly base: string;
  readonly out: string;
  /** Part of the questions that is kept out of the training and measured. */
  readonly heldOut: number;
  /** Where a transformer is trained. */
  readonly device?: DeviceWish;
}

/** What the commands on runs work with. */
export interface RunParts extends RunStarter {
  readonly workspace: LratWorkspace;
  readonly comparisons: RunComparisons;
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
  /** Refused before anything is asked. */
  const trusted =
    (command: Command): Command =>
    (job, ...given) => {
      requireTrust();
      return command(job, ...given);
    };
  /** Does the same for each, one after the other. */
  const onEach = (work: (run: RunSummary) => Promise<unknown>, accepts?: (run: RunSummary) => boolean) =>
    onRuns(async runs => {
      for (const run of runs) await work(run);
    }, accepts);
  return {
    'lrat.train': trusted(async (_, argument) => {
      const mined = isMode(argument) ? await minedPairs(workspace, argument.mode) : undefined;
      const choices = isChoices(argument) ? argument : await chooseTraining(parts, mined);
      return choices === undefined ? undefined : startTraining(parts, choices);
    }),
    'lrat.openRun': onEach(async run => views.open(run.id, run.name)),
    'lrat.showRunLog': onEach(async run => views.openLog(run.id)),
    'lrat.stopRun': trusted(
      onRuns(async runs => {
        // What has ended meanwhile, or was selected with the others, has nothing to stop.
        const running = runs.filter(isRunning);
        const stop = vscode.l10n.t('Stop');
        if (running.length > 1) {
          const question = vscode.l10n.t('Stop {0} runs?', whole(running.length));
          const detail = names(running);
          if ((await vscode.window.showWarningMessage(question, { modal: true, detail }, stop)) !== stop)
            return;
        }
        await Promise.all(running.map(({ id }) => stopRun(runFolder(workspace.path, id))));
        await watch.look();
      }, isRunning),
    ),
    'lrat.resumeRun': trusted(
      onEach(
        async run =>
          run.kind === 'judging'
            ? vscode.commands.executeCommand('lrat.judge', { resume: run.id })
            : resumeRun(parts, run),
        isResumable,
      ),
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
    'lrat.deleteRun': trusted(
      onRuns(
        async runs => {
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
              : vscode.l10n.t('Delete {0} runs?', whole(runs.length)),
            { modal: true, detail: isOne ? loss : `${names(runs)}\n\n${loss}` },
            remove,
          );
          if (answer !== remove) return;
          for (const folder of folders) await deleteRun(folder);
          await watch.look();
        },
        run => !isRunning(run),
      ),
    ),
  };
}

/** The runs of a question, one on a line. */
function names(runs: readonly RunSummary[]): string {
  return runs.map(({ name, created }) => `${name}, ${moment(created)}`).join('\n');
}

async function resumeRun(parts: RunParts, { id, name }: RunSummary): Promise<void> {
  await startRun(
    parts,
    { type: 'lrat', command: 'train', resume: id },
    name,
    run => run.id === id && run.state === 'running',
  );
}

/** Starts a training as a task and shows its run. @returns the run's id */
async function startTraining(parts: RunParts, choices: TrainChoices): Promise<string> {
  const { workspace, memory } = parts;
  await memory.update('training', choices);
  const { out } = choices;
  const run = await startRun(
    parts,
    { type: 'lrat', command: 'train', ...choices },
    vscode.l10n.t('Train {0}', basename(out)),
    (run, isNew) => isNew && run.out === resolve(workspace.path, out),
  );
  return run.id;
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
  return applicable({ ...draft, pairs, base, out, heldOut }, familyOf(workspace, base));
}

/** Mines as `lrat.mine` does. @returns the pair file, as `TrainChoices` has it */
async function minedPairs(workspace: LratWorkspace, mode: MiningMode) {
  const { out } = await withJob(vscode.l10n.t('Mining pairs'), job => minePairs(workspace, mode, job));
  return { pairs: workspace.within(out) };
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
  return chosen?.[0] === undefined ? undefined : { pairs: workspace.within(chosen[0].fsPath) };
}

/** Pair files of the workspace: those that have a record beside them. */
async function pairItems(workspace: LratWorkspace) {
  const records = await vscode.workspace.findFiles(
    new vscode.RelativePattern(workspace.folder, '**/*.meta.json'),
    '**/node_modules/**',
    200,
  );
  const found = records
    .map(({ fsPath }) => workspace.within(fsPath.replace(/\.meta\.json$/, '.jsonl')))
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
    return vscode.l10n.t(
      '{0} pairs, {1} · {2}',
      whole(Number(record.rows)),
      String(record.mode),
      dirname(pairs),
    );
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
    {
      label: vscode.l10n.t('A model of the hub…'),
      description: vscode.l10n.t('fetched when the training starts, once'),
      value: 'hub:',
    },
  ];
  const last = draft.base?.startsWith('hub:') ? 'hub:' : draft.base;
  for (;;) {
    const picked = await pick(place, vscode.l10n.t('Model to start from'), last, items);
    if (picked === undefined || picked === back) return picked;
    let base = 'value' in picked ? picked.value : await chooseModelFolder(workspace);
    if (base === 'hub:') {
      const named = await ask(
        place,
        vscode.l10n.t('Name on the hub: ORGANISATION/NAME, with @REVISION where it matters'),
        draft.base?.startsWith('hub:') ? draft.base.slice('hub:'.length) : '',
        name =>
          hubReference.test(`hub:${name}`)
            ? undefined
            : vscode.l10n.t('Such as intfloat/multilingual-e5-small.'),
      );
      if (named === back) continue;
      base = named === undefined ? undefined : `hub:${named}`;
    }
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
  return chosen?.[0] && workspace.within(chosen[0].fsPath);
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
  if (base === 'static') return base;
  // What it is shows when it is fetched; static encoders are rare there.
  return base.startsWith('hub:') ? 'transformer' : modelFamily(resolve(workspace.path, base));
}

/** Part of the questions that is held out unless the user says otherwise. */
const defaultHeldOut = 0.2;

/** What is one of a few, and goes on to the next when it is chosen. */
type ChoiceName = 'weights' | 'together' | 'fp16' | 'schedule' | 'normalise' | 'device';
/** What of a recipe is asked for as a number. */
type NumberName = Exclude<keyof RecipeOptions, ChoiceName> | 'heldOut';

/** What a number of the recipe must be, by the words that say so. */
const wholeFromOne = (number: number) =>
  Number.isSafeInteger(number) && number > 0 ? undefined : vscode.l10n.t('A whole number from 1 on.');
const wholeFromZero = (number: number) =>
  Number.isSafeInteger(number) && number >= 0 ? undefined : vscode.l10n.t('A whole number from 0 on.');
const aboveZero = (number: number) => (number > 0 ? undefined : vscode.l10n.t('A number above 0.'));
const fromZero = (number: number) =>
  number >= 0 && number < Number.POSITIVE_INFINITY ? undefined : vscode.l10n.t('A number from 0 on.');
const percent = (number: number) =>
  number >= 0 && number <= 100 ? undefined : vscode.l10n.t('A number from 0 to 100.');
const belowHundred = (number: number) =>
  number >= 0 && number < 100 ? undefined : vscode.l10n.t('A number from 0 to below 100.');
const dropoutPercent = (number: number) =>
  number >= 0 && number <= 100 * greatestDropout
    ? undefined
    : vscode.l10n.t('A number from 0 to {0}.', whole(100 * greatestDropout));

/** The recipe of the base's family, each setting of which can be changed before the training starts. */
async function chooseRecipe(workspace: LratWorkspace, draft: Draft, place: Place) {
  const { base = 'static' } = draft;
  const family = familyOf(workspace, base);
  let chosen = applicable({ heldOut: defaultHeldOut, ...draft }, family);
  for (;;) {
    const defaults = recipeFor(family, chosen.lora !== undefined);
    const { epochs = defaults.epochs, batch = defaults.batchSize, lr = defaults.learningRate } = chosen;
    const { tau = defaults.temperature, group = defaults.groupSize, warmup = defaults.warmupRatio } = chosen;
    const { maxLength = defaults.maxTokens, dimension = defaultStaticOptions.dimension } = chosen;
    const { accumulate = defaults.accumulation, freeze = defaults.frozenLayers } = chosen;
    const { dropout = defaults.dropout, weightDecay = defaults.weightDecay } = chosen;
    const { clip = defaults.maxGradientNorm ?? 0 } = chosen;
    const { lora = null, patience = defaults.patience } = chosen;
    const { weights = defaults.weighted, together = defaults.together, fp16 = defaults.fp16 } = chosen;
    const { evalSteps = defaults.evaluateSteps, seed = defaults.seed, heldOut } = chosen;
    const { schedule = defaults.decay, normalise = defaults.normalisation, device = 'auto' } = chosen;
    const number = (
      name: NumberName,
      label: string,
      value: number | null,
      check: (number: number) => string | undefined,
      { scale = 1, empty }: { readonly scale?: number; readonly empty?: string } = {},
    ) => ({ name, label, value: value === null ? '' : String(value), check, scale, empty });
    const share = (
      name: NumberName,
      label: (percent: string) => string,
      part: number,
      check: (number: number) => string | undefined,
    ) => number(name, label(ungrouped(rounded(100 * part))), rounded(100 * part), check, { scale: 0.01 });
    const settings = [
      number('epochs', vscode.l10n.t('Epochs: {0}', ungrouped(epochs)), epochs, wholeFromOne),
      number('batch', vscode.l10n.t('Batch: {0} rows', ungrouped(batch)), batch, wholeFromOne),
      number('lr', vscode.l10n.t('Learning rate: {0}', ungrouped(lr)), lr, aboveZero),
      number('tau', vscode.l10n.t('Temperature: {0}', ungrouped(tau)), tau, aboveZero),
      number('group', vscode.l10n.t('Group: {0} documents per row', ungrouped(group)), group, wholeFromOne),
      share('warmup', part => vscode.l10n.t('Warmup: {0} % of the steps', part), warmup, percent),
      number(
        'weightDecay',
        vscode.l10n.t('Weight decay: {0}', ungrouped(weightDecay)),
        weightDecay,
        fromZero,
      ),
      number(
        'clip',
        clip === 0
          ? vscode.l10n.t('Norm of gradients: unlimited')
          : vscode.l10n.t('Norm of gradients: up to {0}', ungrouped(clip)),
        clip,
        fromZero,
      ),
      number(
        'maxLength',
        vscode.l10n.t(
          'Length: {0} tokens of a text',
          maxLength === undefined || maxLength === null ? '∞' : ungrouped(maxLength),
        ),
        maxLength,
        wholeFromOne,
      ),
      number(
        'accumulate',
        vscode.l10n.t('Batches per step: {0}', ungrouped(accumulate)),
        accumulate,
        wholeFromOne,
      ),
      ...(base === 'static'
        ? [
            number(
              'dimension',
              vscode.l10n.t('Dimension: {0}', ungrouped(dimension)),
              dimension,
              wholeFromOne,
            ),
          ]
        : []),
      ...(family === 'static'
        ? []
        : [
            share('dropout', part => vscode.l10n.t('Dropout: {0} %', part), dropout, dropoutPercent),
            number('freeze', vscode.l10n.t('Frozen layers: {0}', ungrouped(freeze)), freeze, wholeFromZero),
            number(
              'lora',
              lora === null
                ? vscode.l10n.t('Low-rank additions (LoRA): none')
                : vscode.l10n.t('Low-rank additions (LoRA): rank {0}', ungrouped(lora)),
              lora,
              wholeFromOne,
              { empty: vscode.l10n.t('Empty: none.') },
            ),
          ]),
      ...(heldOut === 0
        ? []
        : [
            number(
              'evalSteps',
              evalSteps === null
                ? vscode.l10n.t('Measured: after each epoch')
                : vscode.l10n.t('Measured: every {0} steps', ungrouped(evalSteps)),
              evalSteps,
              wholeFromOne,
              { empty: vscode.l10n.t('Empty: after each epoch.') },
            ),
            number(
              'patience',
              patience === null
                ? vscode.l10n.t('Early stopping: none')
                : vscode.l10n.t(
                    'Early stopping: after {0} measurements without a better one',
                    ungrouped(patience),
                  ),
              patience,
              wholeFromOne,
              { empty: vscode.l10n.t('Empty: none.') },
            ),
          ]),
      share(
        'heldOut',
        part => vscode.l10n.t('Held out: {0} % of the questions', part),
        heldOut,
        belowHundred,
      ),
      number('seed', vscode.l10n.t('Seed: {0}', ungrouped(seed)), seed, wholeFromZero),
    ];
    const choice = <Value>(
      name: ChoiceName,
      value: Value,
      values: readonly Value[],
      words: readonly string[],
    ) => ({
      ...{
        name,
        label: words[values.indexOf(value)]!,
        next: values[(values.indexOf(value) + 1) % values.length],
      },
      description: vscode.l10n.t('change with Enter'),
    });
    const onOff = [true, false];
    const choices = [
      choice('schedule', schedule, schedules, [
        vscode.l10n.t('Schedule: the learning rate falls in a line'),
        vscode.l10n.t('Schedule: the learning rate falls along half a cosine'),
      ]),
      choice('weights', weights, onOff, [
        vscode.l10n.t('Weights: those of the pairs'),
        vscode.l10n.t('Weights: 1 for every pair'),
      ]),
      choice('normalise', normalise, normalisations, [
        vscode.l10n.t('Mean: weighted losses by the number of rows, as published'),
        vscode.l10n.t('Mean: weighted losses by the sum of the weights'),
      ]),
      choice('together', together, onOff, [
        vscode.l10n.t('Batches: rows of one trajectory together'),
        vscode.l10n.t('Batches: rows in random order'),
      ]),
      ...(family === 'static'
        ? []
        : [
            choice('fp16', fp16, onOff, [
              vscode.l10n.t('Precision: half, on a GPU that has it (mixed precision)'),
              vscode.l10n.t('Precision: 32 bits'),
            ]),
            choice('device', device, deviceWishes, [
              vscode.l10n.t('Device: a GPU where one is faster'),
              vscode.l10n.t('Device: the CPU'),
              vscode.l10n.t('Device: a GPU (WebGPU)'),
            ]),
          ]),
    ];
    const go = {
      label: vscode.l10n.t('Go on with this recipe'),
      description:
        family === 'static' || device === 'cpu'
          ? vscode.l10n.t('on the CPU, {0} threads', availableParallelism())
          : device === 'webgpu'
            ? vscode.l10n.t('on a GPU')
            : vscode.l10n.t(
                'on a GPU where one is faster, else on the CPU, {0} threads',
                availableParallelism(),
              ),
    };
    const placeholder = `${vscode.l10n.t('Recipe; choose a setting to change it.')} ${moreOptions('train')}`;
    const picked = await pick(place, placeholder, undefined, [go, ...settings, ...choices]);
    if (picked === undefined || picked === back) return picked;
    if (picked === go) return chosen;
    const changed = choices.find(each => each === picked);
    if (changed !== undefined) {
      chosen = { ...chosen, [changed.name]: changed.next };
      continue;
    }
    const { name, value, check, scale, empty } = picked as (typeof settings)[number];
    const isNone = (text: string) => empty !== undefined && text.trim() === '';
    const answer = await vscode.window.showInputBox({
      prompt: empty === undefined ? picked.label : `${picked.label}. ${empty}`,
      value,
      validateInput: text => (isNone(text) ? undefined : check(numberOf(text))),
    });
    if (answer === undefined) continue;
    const { [name]: _, ...others } = chosen;
    chosen = isNone(answer)
      ? { ...others, heldOut }
      : { ...chosen, [name]: rounded(scale * numberOf(answer)) };
  }
}

/** Without what was set for another base, or before nothing was held out. */
function applicable<Chosen extends Draft>(chosen: Chosen, family: string): Chosen {
  const { base = 'static', heldOut = defaultHeldOut } = chosen;
  const ofOthers: readonly string[] = [
    ...(base === 'static' ? [] : ['dimension']),
    ...(family === 'static' ? ['dropout', 'fp16', 'freeze', 'lora', 'device'] : []),
    ...(heldOut > 0 ? [] : ['evalSteps', 'patience']),
  ];
  return Object.fromEntries(Object.entries(chosen).filter(([name]) => !ofOthers.includes(name))) as Chosen;
}

function numberOf(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}

/** Without what binary fractions add: 100 · 0.07 is 7. */
function rounded(number: number): number {
  return Number(number.toPrecision(12));
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
