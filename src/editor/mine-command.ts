import * as vscode from 'vscode';
import type { Job } from '../base/progress.ts';
import type { MineResult } from '../jobs/mine.ts';
import { requireTrust } from './commands.ts';
import { whole } from './figures.ts';
import { withJob } from './job.ts';
import { runCommandLine } from './process.ts';
import { moreOptions } from './words.ts';
import type { LratWorkspace } from './workspace.ts';

/** The command of mining, by name. Its argument is a mode. */
export function mineCommands(
  workspace: LratWorkspace,
): Record<string, (job: Job, argument?: unknown) => Promise<unknown>> {
  return {
    'lrat.mine': async (_, argument) => {
      requireTrust();
      const mode = typeof argument === 'string' ? argument : await pickMode(vscode.l10n.t('Mine pairs'));
      if (mode === undefined) return;
      const result = await withJob(vscode.l10n.t('Mining pairs'), job => minePairs(workspace, mode, job));
      void tell(result);
      return result;
    },
  };
}

/** Mines with today's labels, into the pair file that the workspace keeps for the mode. */
export async function minePairs(workspace: LratWorkspace, mode: string, job: Job): Promise<MineResult> {
  const out = workspace.inHome('pairs', `${mode}.jsonl`);
  const result = await runCommandLine(
    ['mine', '--workspace', workspace.path, '--mode', mode, '--out', out],
    job,
  );
  await workspace.refresh();
  return result as MineResult;
}

/** Asks for the rules of pairing. */
export async function pickMode(title: string): Promise<string | undefined> {
  const choice = await vscode.window.showQuickPick(
    [
      {
        label: 'attributed',
        description: vscode.l10n.t('each browse belongs to the search that listed it; labels decide'),
      },
      { label: 'released', description: vscode.l10n.t('as the authors’ code does') },
      { label: 'paper', description: vscode.l10n.t('as the paper describes') },
    ].map(mode => ({ ...mode, detail: `.lrat/pairs/${mode.label}.jsonl` })),
    {
      title,
      placeHolder: `${vscode.l10n.t('Rules of pairing, and the file that the pairs go to')}. ${moreOptions('mine')}`,
    },
  );
  return choice?.label;
}

/** Says where the pairs are, and offers to look at them. */
async function tell({ rows, out }: MineResult): Promise<void> {
  const open = vscode.l10n.t('Open Pairs');
  const words = vscode.l10n.t('{0} pairs mined into {1}.', whole(rows), vscode.workspace.asRelativePath(out));
  if ((await vscode.window.showInformationMessage(words, open)) === open)
    await vscode.commands.executeCommand('lrat.openPairs');
}
