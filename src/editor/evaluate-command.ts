import { existsSync, readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import * as vscode from 'vscode';
import type { Job } from '../base/progress.ts';
import { heldOutPairs, type RunSummary, runFolder } from '../jobs/runs.ts';
import { ensureWorkspace } from '../workspace/paths.ts';
import { requireTrust } from './commands.ts';
import { withJob } from './job.ts';
import { back, type Page, type Place, pick, pickSome, turnPages } from './pages.ts';
import { runCommandLine } from './process.ts';
import { type RunStarter, startRun } from './run-task.ts';
import type { RunNode } from './runs-tree.ts';
import { moreOptions } from './words.ts';
import type { LratWorkspace } from './workspace.ts';

/** What an evaluation is asked for. Paths are relative to the workspace where they lie in it. */
export interface EvaluationChoices {
  /** `bm25` and folders of models; the first is the baseline. */
  readonly models: readonly string[];
  /** A file with the texts of documents. */
  readonly corpus: string;
  readonly judged: { readonly pairs: string } | { readonly queries: string; readonly qrels: string };
}

interface EvaluateParts extends RunStarter {
  readonly workspace: LratWorkspace;
  readonly memory: vscode.Memento;
}

type Draft = Partial<EvaluationChoices>;

/** Where the documents of the logs are written when they are the corpus; each time anew, because logs grow. */
const seenCorpus = join('.lrat', 'corpus.jsonl');

/** The command of evaluation, by name. Its argument is a training whose model is measured, or all choices. */
export function evaluateCommands(
  parts: EvaluateParts,
): Record<string, (job: Job, argument?: unknown) => Promise<unknown>> {
  return {
    'lrat.evaluate': async (_, argument) => {
      requireTrust();
      const choices = isChoices(argument) ? argument : await choose(parts, argument);
      return choices === undefined ? undefined : evaluate(parts, choices);
    },
  };
}

/** Starts an evaluation as a task and shows its run. @returns the run's id */
async function evaluate(parts: EvaluateParts, choices: EvaluationChoices): Promise<string> {
  const { workspace, memory } = parts;
  await memory.update('evaluation', choices);
  const { models, corpus, judged } = choices;
  // Where there is no workspace yet the command line keeps no run.
  ensureWorkspace(workspace.path);
  if (corpus === seenCorpus) await writeSeenCorpus(workspace);
  const run = await startRun(
    parts,
    { type: 'lrat', command: 'eval', model: models, corpus, ...judged },
    vscode.l10n.t('Evaluate {0}', models.map(model => basename(model)).join(', ')),
    ({ kind }, isNew) => kind === 'evaluation' && isNew,
  );
  return run.id;
}

/** Writes the texts of all documents that the logs show. */
function writeSeenCorpus({ path }: LratWorkspace): Thenable<unknown> {
  return withJob(vscode.l10n.t('Writing the documents of the logs'), job =>
    runCommandLine(['corpus', '--workspace', path, '--out', join(path, seenCorpus)], job),
  );
}

/** Asks for the retrievers, the documents and what is relevant, beginning with a run's, else with those of the last time. */
async function choose(parts: EvaluateParts, argument: unknown): Promise<EvaluationChoices | undefined> {
  const { workspace, watch, memory } = parts;
  const { runs } = await watch.look();
  const remembered = memory.get<Draft>('evaluation');
  const run = (argument as Partial<RunNode & { kind: 'run' }> | undefined)?.run;
  const pages: readonly Page<Draft>[] = [
    (draft, place) => chooseModels(workspace, draft, place),
    (draft, place) => chooseCorpus(workspace, draft, place),
    (draft, place) => chooseJudged(workspace, runs, draft, place),
  ];
  const start = { ...remembered, ...(run !== undefined && ofTraining(workspace, run)) };
  const draft = await turnPages(vscode.l10n.t('Evaluate Retrievers'), pages, start);
  const { models, corpus, judged } = draft ?? {};
  if (models === undefined || corpus === undefined || judged === undefined) return undefined;
  return { models, corpus, judged };
}

/** What a training offers: its model, and the questions that it did not see. */
function ofTraining(workspace: LratWorkspace, run: RunSummary): Draft {
  const pairs = heldOutOf(workspace, run);
  return {
    ...(run.out !== null && { models: ['bm25', workspace.within(run.out)] }),
    ...(pairs !== null && { judged: { pairs } }),
  };
}

/** The pair file that a training held out; null if it did not. */
function heldOutOf(workspace: LratWorkspace, { id }: RunSummary): string | null {
  const path = heldOutPairs(runFolder(workspace.path, id));
  return path === null ? null : workspace.within(path);
}

async function chooseModels(workspace: LratWorkspace, draft: Draft, place: Place) {
  const home = workspace.inHome('models');
  const found = existsSync(home) ? readdirSync(home).sort() : [];
  const offered = found.map(name => join('.lrat', 'models', name));
  const chosen = draft.models ?? ['bm25'];
  const elsewhere = chosen.filter(model => model !== 'bm25' && !offered.includes(model));
  const items = [
    { label: 'BM25', model: 'bm25' },
    ...[...offered, ...elsewhere.filter(model => existsSync(resolve(workspace.path, model)))].map(model => ({
      label: basename(model),
      model,
    })),
  ];
  const placeholder = vscode.l10n.t('Retrievers; the first is the baseline. {0}', moreOptions('eval'));
  const picked = await pickSome(place, placeholder, ({ model }) => chosen.includes(model), items);
  if (picked === undefined || picked === back) return picked;
  return { models: picked.map(({ model }) => model) };
}

async function chooseCorpus(workspace: LratWorkspace, draft: Draft, place: Place) {
  const last = draft.corpus;
  const picked = await pick(place, vscode.l10n.t('Documents to search in'), last ?? seenCorpus, [
    {
      label: vscode.l10n.t('Documents of the logs'),
      description: vscode.l10n.t('all that the indexed logs show, written to {0}', seenCorpus),
      value: seenCorpus,
    },
    ...(last === undefined || last === seenCorpus
      ? []
      : [{ label: basename(last), description: last, value: last }]),
    { label: vscode.l10n.t('Choose a file…'), description: vscode.l10n.t('corpus, JSON lines') },
  ]);
  if (picked === undefined || picked === back) return picked;
  const corpus = 'value' in picked ? picked.value : await chooseFile(workspace, picked.label, last);
  return corpus === undefined ? undefined : { corpus };
}

async function chooseJudged(
  workspace: LratWorkspace,
  runs: readonly RunSummary[],
  draft: Draft,
  place: Place,
) {
  const judged: Readonly<Partial<Record<'pairs' | 'queries' | 'qrels', string>>> = draft.judged ?? {};
  const picked = await pick(
    place,
    vscode.l10n.t('What tells which documents are relevant?'),
    judged.pairs,
    judgedItems(workspace, runs, draft),
  );
  if (picked === undefined || picked === back) return picked;
  if (picked.by === 'heldOut') return { judged: { pairs: picked.value } };
  if (picked.by === 'pairs') {
    const pairs = await chooseFile(workspace, picked.label, judged.pairs);
    return pairs === undefined ? undefined : { judged: { pairs } };
  }
  const title = vscode.l10n.t('Queries, id and query separated by a tab');
  const queries = await chooseFile(workspace, title, judged.queries);
  if (queries === undefined) return undefined;
  const qrels = await chooseFile(workspace, vscode.l10n.t('Relevant documents in TREC format'), judged.qrels);
  return qrels === undefined ? undefined : { judged: { queries, qrels } };
}

/** The held-out questions of trainings, those of the chosen models first, and files. */
function judgedItems(workspace: LratWorkspace, runs: readonly RunSummary[], { models = [], judged }: Draft) {
  const isChosen = ({ out }: RunSummary) => out !== null && models.includes(workspace.within(out));
  const trainings = runs.filter(({ kind }) => kind === 'training');
  const items = new Map<string, { by: 'heldOut'; label: string; description: string; value: string }>();
  for (const run of [...trainings.filter(isChosen), ...trainings]) {
    const value = heldOutOf(workspace, run);
    // Trainings on the same pairs hold out the same.
    if (value === null || items.has(value)) continue;
    const label = vscode.l10n.t('Held-out questions of {0}', run.name);
    items.set(value, { by: 'heldOut', label, description: value, value });
  }
  const last = judged !== undefined && 'pairs' in judged ? judged.pairs : undefined;
  return [
    ...items.values(),
    ...(last === undefined || items.has(last)
      ? []
      : [{ by: 'heldOut' as const, label: basename(last), description: last, value: last }]),
    { by: 'pairs' as const, label: vscode.l10n.t('Choose a file of pairs…') },
    { by: 'qrels' as const, label: vscode.l10n.t('Queries and qrels…') },
  ];
}

async function chooseFile(
  workspace: LratWorkspace,
  title: string,
  last: string | undefined,
): Promise<string | undefined> {
  const defaultUri =
    last === undefined ? workspace.folder.uri : vscode.Uri.file(resolve(workspace.path, last));
  const [file] = (await vscode.window.showOpenDialog({ title, defaultUri })) ?? [];
  return file && workspace.within(file.fsPath);
}

function isChoices(argument: unknown): argument is EvaluationChoices {
  return typeof argument === 'object' && argument !== null && 'judged' in argument;
}
