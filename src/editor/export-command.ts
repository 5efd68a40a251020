import { resolve } from 'node:path';
import * as vscode from 'vscode';
import type { Job } from '../base/progress.ts';
import type { ExportResult } from '../jobs/export.ts';
import type { MineResult } from '../jobs/mine.ts';
import type { Layout } from '../mining/export.ts';
import { requireTrust } from './commands.ts';
import { whole } from './figures.ts';
import { withJob } from './job.ts';
import { minePairs, pickMode } from './mine-command.ts';
import { runCommandLine } from './process.ts';
import type { LratWorkspace } from './workspace.ts';

/** What an export is asked for. */
export interface ExportChoices {
  /** Rules of pairing. */
  readonly mode: string;
  readonly layout: Layout;
  /** May be relative to the workspace. */
  readonly out: string;
}

/** The names that the trainers go by. */
const names: Readonly<Record<Layout, string>> = {
  lrat: 'LRAT',
  'sentence-transformers': 'sentence-transformers',
  flagembedding: 'FlagEmbedding',
  tevatron: 'Tevatron',
};

/** The command of exporting, by name. Its argument is a mode, or all choices. */
export function exportCommands(
  workspace: LratWorkspace,
): Record<string, (job: Job, argument?: unknown) => Promise<unknown>> {
  return {
    'lrat.exportPairs': async (_, argument) => {
      requireTrust();
      const choices = isChoices(argument)
        ? argument
        : await choose(workspace, typeof argument === 'string' ? argument : undefined);
      return choices === undefined ? undefined : exportPairs(workspace, choices);
    },
  };
}

/** Mines with today's labels, writes the pairs as the trainer reads them, and says what was left out. */
async function exportPairs(workspace: LratWorkspace, choices: ExportChoices): Promise<ExportResult> {
  const { mode, layout } = choices;
  const out = resolve(workspace.path, choices.out);
  const [mined, exported] = await withJob(
    vscode.l10n.t('Exporting pairs for {0}', names[layout]),
    async job => {
      const mined = await minePairs(workspace, mode, job);
      const exporting = ['--pairs', mined.out, '--layout', layout, '--out', out];
      return [
        mined,
        (await runCommandLine(['export', '--workspace', workspace.path, ...exporting], job)) as ExportResult,
      ] as const;
    },
  );
  void tell(vscode.Uri.file(out), describe(mined, exported));
  return exported;
}

/** Offers the file once it is there. */
async function tell(file: vscode.Uri, words: string): Promise<void> {
  const open = vscode.l10n.t('Open');
  if ((await vscode.window.showInformationMessage(words, open)) === open)
    await vscode.commands.executeCommand('vscode.open', file);
}

function describe(mined: MineResult, { layout, rows, leftOut, columns }: ExportResult): string {
  const missing: [number, string][] = [
    [mined.dropped.noText, vscode.l10n.t('text unknown: {0}', whole(mined.dropped.noText))],
    [leftOut.irrelevant, vscode.l10n.t('judged irrelevant: {0}', whole(leftOut.irrelevant))],
    [leftOut.withoutNegatives, vscode.l10n.t('without negatives: {0}', whole(leftOut.withoutNegatives))],
  ];
  const told = missing.flatMap(([count, words]) => (count > 0 ? [words] : []));
  return [
    vscode.l10n.t('{0} pairs exported for {1}.', whole(rows), names[layout]),
    ...(told.length === 0 ? [] : [vscode.l10n.t('Left out: {0}.', told.join(', '))]),
    ...(columns === null
      ? []
      : [
          vscode.l10n.t(
            'Negatives per pair: {0}; {1} pairs repeat theirs, {2} negatives are left out.',
            ...[columns.negatives, columns.repeating, columns.cut].map(whole),
          ),
        ]),
  ].join(' ');
}

async function choose(
  workspace: LratWorkspace,
  given: string | undefined,
): Promise<ExportChoices | undefined> {
  const mode = given ?? (await pickMode(vscode.l10n.t('Export pairs')));
  if (mode === undefined) return undefined;
  const item = (layout: Layout, detail: string) => ({ layout, label: names[layout], detail });
  const picked = await vscode.window.showQuickPick(
    [
      item('lrat', vscode.l10n.t('Everything; the weight in reweight_rate.')),
      item(
        'sentence-transformers',
        vscode.l10n.t(
          'The weight in label, which its ranking losses ignore: a loss of your own can read it.',
        ),
      ),
      item(
        'flagembedding',
        vscode.l10n.t('The weight in reweight_rate: LRAT’s trainers read it, the stock trainer ignores it.'),
      ),
      item('tevatron', vscode.l10n.t('The weight in reweight_rate, which its trainer ignores.')),
    ],
    {
      title: vscode.l10n.t('Export pairs of mode {0}', mode),
      placeHolder: vscode.l10n.t('For which trainer?'),
    },
  );
  if (picked === undefined) return undefined;
  const out = await vscode.window.showSaveDialog({
    title: vscode.l10n.t('Export pairs for {0}', picked.label),
    defaultUri: vscode.Uri.joinPath(workspace.folder.uri, `pairs-${mode}-${picked.layout}.jsonl`),
    filters: { [vscode.l10n.t('JSON lines')]: ['jsonl'] },
  });
  return out === undefined ? undefined : { mode, layout: picked.layout, out: out.fsPath };
}

function isChoices(argument: unknown): argument is ExportChoices {
  return typeof argument === 'object' && argument !== null && 'layout' in argument;
}
