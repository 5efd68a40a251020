import * as vscode from 'vscode';
import type { Job } from '../base/progress.ts';
import type { JudgePlan, JudgeResult } from '../jobs/judge.ts';
import { runFolder } from '../jobs/runs.ts';
import { requireTrust } from './commands.ts';
import { rough, whole } from './figures.ts';
import { withJob } from './job.ts';
import { back, pick } from './pages.ts';
import { runCommandLine } from './process.ts';
import { type ApiKeys, urlProblem } from './secrets.ts';
import { setting } from './settings.ts';
import { moreOptions } from './words.ts';
import type { LratWorkspace } from './workspace.ts';

/** Who judges: the rules, or a model at an OpenAI-compatible endpoint. */
export type JudgeChoice =
  | { readonly judge: 'rules' }
  | { readonly judge: 'openai'; readonly url: string; readonly model: string };

interface JudgeParts {
  readonly workspace: LratWorkspace;
  readonly keys: ApiKeys;
  readonly memory: vscode.Memento;
}

/** What is asked for again: the judge chosen last, and the endpoint chosen last, which it need not be. */
interface Remembered {
  readonly judge: JudgeChoice['judge'];
  readonly url?: string;
  readonly model?: string;
}

type Command = (job: Job, argument?: unknown) => Promise<unknown>;

/** The commands of judging, by name. */
export function judgeCommands(parts: JudgeParts): Record<string, Command> {
  const { keys, memory } = parts;
  return {
    'lrat.judge': async (job, argument) => {
      requireTrust();
      if (isResumption(argument)) return resumeJudging(parts, argument.resume);
      const choice = isChoice(argument) ? argument : await chooseJudge(parts);
      if (choice === undefined) return;
      await memory.update('judge', { ...memory.get<Remembered>('judge'), ...choice });
      // Who gives the choice as an argument has asked already.
      if (choice !== argument && choice.judge === 'openai' && !(await confirm(parts, choice, job))) return;
      return judge(parts, choice);
    },
    'lrat.setApiKey': async (_, argument) => {
      const given = argument as { url?: string; key?: string } | undefined;
      const url = given?.url ?? (await askUrl(memory));
      if (url === undefined) return;
      const key =
        given?.key ??
        (await vscode.window.showInputBox({
          title: vscode.l10n.t('API key for {0}', new URL(url).origin),
          prompt: vscode.l10n.t('Kept in the editor’s secret storage, and nowhere else.'),
          password: true,
          ignoreFocusOut: true,
        }));
      if (key) await keys.set(url, key);
    },
    'lrat.clearApiKey': async (_, argument) => {
      const url = typeof argument === 'string' ? argument : await askUrl(memory);
      if (url !== undefined) await keys.clear(url);
    },
  };
}

/** Judges what is not judged yet; a cancelled judging is a run that can be resumed. */
async function judge({ workspace, keys }: JudgeParts, choice: JudgeChoice): Promise<unknown> {
  return choice.judge === 'rules'
    ? followJudging(workspace, vscode.l10n.t('Judging by rules'), optionsOf(choice))
    : followJudging(
        workspace,
        vscode.l10n.t('Judging by {0}', choice.model),
        optionsOf(choice),
        await keys.environment(choice.url),
      );
}

/** A choice as the command line takes it. */
function optionsOf(choice: JudgeChoice): string[] {
  return Object.entries(choice).flatMap(([name, value]) => [`--${name}`, value]);
}

/** Says what an endpoint would be asked, and whether the user wants that. */
async function confirm(
  { workspace }: JudgeParts,
  choice: JudgeChoice & { judge: 'openai' },
  job: Job,
): Promise<boolean> {
  const plan = (await runCommandLine(
    ['judge', '--workspace', workspace.path, ...optionsOf(choice), '--dry-run'],
    job,
  )) as JudgePlan;
  const { toJudge } = plan;
  const details = describePlan(plan);
  if (toJudge === 0) {
    void vscode.window.showInformationMessage(
      [vscode.l10n.t('There is no browse left that {0} could judge.', choice.model), ...details].join(' '),
    );
    return false;
  }
  const go = vscode.l10n.t('Judge');
  const answer = await vscode.window.showInformationMessage(
    vscode.l10n.t('Judge {0} browses by {1} at {2}?', whole(toJudge), choice.model, new URL(choice.url).host),
    { modal: true, detail: details.join('\n') },
    go,
  );
  return answer === go;
}

/** What would be asked, and what is left alone; what is none is not said. */
function describePlan({
  toJudge,
  fromCache,
  byPeople,
  already,
  withoutReasoning,
  inputTokens,
  inputCost,
}: JudgePlan): string[] {
  const tokens = inputTokens === null ? null : whole(inputTokens);
  const leftAlone: readonly (readonly [number, string])[] = [
    [byPeople, vscode.l10n.t('labelled by people: {0}', whole(byPeople))],
    [already, vscode.l10n.t('judged before: {0}', whole(already))],
    [withoutReasoning, vscode.l10n.t('without reasoning: {0}', whole(withoutReasoning))],
  ];
  const told = leftAlone.flatMap(([count, words]) => (count > 0 ? [words] : []));
  return [
    ...(tokens === null || toJudge === 0
      ? []
      : [vscode.l10n.t('{0} requests, about {1} input tokens.', whole(toJudge - fromCache), tokens)]),
    ...(fromCache > 0 ? [vscode.l10n.t('Verdicts known from before: {0}.', whole(fromCache))] : []),
    ...(inputCost !== null && inputCost > 0
      ? [vscode.l10n.t('About {0} by your prices, without the answers.', rough(inputCost))]
      : []),
    ...(told.length > 0 ? [vscode.l10n.t('Left alone: {0}.', told.join(', '))] : []),
  ];
}

async function resumeJudging({ workspace, keys }: JudgeParts, id: string): Promise<unknown> {
  const record = runFolder(workspace.path, id).read();
  return followJudging(
    workspace,
    vscode.l10n.t('Judging by {0}', 'name' in record ? record.name : id),
    ['--resume', id],
    await keys.ofJudging(workspace.path, { resume: id }),
  );
}

/** Runs `lrat judge` with its progress as a notification that can be cancelled. */
async function followJudging(
  workspace: LratWorkspace,
  title: string,
  options: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const result = await withJob(title, async job => {
    try {
      const args = ['judge', '--workspace', workspace.path, ...options];
      return (await runCommandLine(args, job, environment)) as JudgeResult;
    } finally {
      // What was judged until a stop stands in the file.
      await workspace.refresh();
    }
  });
  void tell(result);
  return result;
}

/** Says what the judge found, and offers to look at it. */
async function tell({ relevant, irrelevant, unknown }: JudgeResult): Promise<void> {
  const open = vscode.l10n.t('Open Labels');
  const words = vscode.l10n.t(
    'Judged: {0} relevant, {1} irrelevant, {2} unknown.',
    whole(relevant),
    whole(irrelevant),
    whole(unknown),
  );
  if ((await vscode.window.showInformationMessage(words, open)) === open)
    await vscode.commands.executeCommand('lrat.labels.focus');
}

async function chooseJudge({ workspace, memory, keys }: JudgeParts): Promise<JudgeChoice | undefined> {
  const { waiting, browses } = await workspace.inspector.ask('labelCounts', setting('labels.lowConfidence'));
  const before = memory.get<Remembered>('judge');
  const title = vscode.l10n.t('Judge {0} browses; {1} have no label', whole(browses), whole(waiting));
  const kind = await pick(
    { title, step: 1, totalSteps: 1 },
    `${vscode.l10n.t('Who judges? Labels of people always count more.')} ${moreOptions('judge')}`,
    before?.judge,
    [
      {
        label: vscode.l10n.t('Rules'),
        description: vscode.l10n.t('no model; reads English wording'),
        value: 'rules',
      },
      {
        label: vscode.l10n.t('A model'),
        description: vscode.l10n.t('any OpenAI-compatible endpoint'),
        value: 'openai',
      },
    ],
  );
  if (kind === undefined || kind === back) return undefined;
  if (kind.value === 'rules') return { judge: 'rules' };
  const url = await askUrl(memory);
  if (url === undefined) return undefined;
  const model = await vscode.window.showInputBox({
    title: vscode.l10n.t('Model at {0}', new URL(url).origin),
    value: before?.model ?? '',
    validateInput: value => (value.trim() === '' ? vscode.l10n.t('Name the model.') : null),
    ignoreFocusOut: true,
  });
  if (model === undefined) return undefined;
  if (Object.keys(await keys.environment(url)).length === 0) {
    const key = await vscode.window.showInputBox({
      title: vscode.l10n.t('API key for {0}', new URL(url).origin),
      prompt: vscode.l10n.t(
        'Kept in the editor’s secret storage, and nowhere else. Leave it empty if none is needed.',
      ),
      password: true,
      ignoreFocusOut: true,
    });
    if (key === undefined) return undefined;
    if (key !== '') await keys.set(url, key);
  }
  return { judge: 'openai', url, model: model.trim() };
}

function askUrl(memory: vscode.Memento): Thenable<string | undefined> {
  const before = memory.get<Remembered>('judge');
  return vscode.window.showInputBox({
    title: vscode.l10n.t('Base URL of the endpoint'),
    value: before?.url ?? 'http://127.0.0.1:8000/v1',
    validateInput: urlProblem,
    ignoreFocusOut: true,
  });
}

function isResumption(argument: unknown): argument is { readonly resume: string } {
  return typeof (argument as { resume?: unknown } | undefined)?.resume === 'string';
}

function isChoice(argument: unknown): argument is JudgeChoice {
  return typeof argument === 'object' && argument !== null && 'judge' in argument;
}
