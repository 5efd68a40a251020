import * as vscode from 'vscode';
import { describeError } from '../base/errors.ts';
import type { Job } from '../base/progress.ts';
import { runCommandLine } from './process.ts';

/** Registers every command of the extension. */
export function registerCommands(log: vscode.LogOutputChannel): vscode.Disposable {
  return vscode.commands.registerCommand('lrat.index', () => guarded(log, 'Indexing', index));
}

/** Reads the logs of the workspace's first folder into its index and tells what it found. */
async function index(job: Job): Promise<unknown> {
  const folder = vscode.workspace.workspaceFolders?.[0];
  if (folder === undefined) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t('Open a folder that holds search-agent logs first.'),
    );
    return undefined;
  }
  await runCommandLine(['index', '--workspace', folder.uri.fsPath], job);
  return runCommandLine(['status', '--workspace', folder.uri.fsPath], job);
}

/**
 * What every command goes through: progress in the status bar, a cancelled command stays silent, a failed one gives a
 * short message whose details are in the log.
 */
async function guarded(
  log: vscode.LogOutputChannel,
  title: string,
  run: (job: Job) => Promise<unknown>,
): Promise<unknown> {
  return vscode.window.withProgress(
    { location: vscode.ProgressLocation.Window, title: `LRAT: ${title}`, cancellable: true },
    async (progress, token) => {
      const controller = new AbortController();
      const listener = token.onCancellationRequested(() => controller.abort());
      try {
        return await run({
          signal: controller.signal,
          report: ({ done, total, unit }) =>
            progress.report({ message: `${done}${total === undefined ? '' : `/${total}`} ${unit}` }),
        });
      } catch (error) {
        if (controller.signal.aborted || (error instanceof Error && error.name === 'AbortError'))
          return undefined;
        log.error(error instanceof Error ? error : String(error));
        const show = vscode.l10n.t('Show log');
        void vscode.window.showErrorMessage(describeError(error), show).then(choice => {
          if (choice === show) log.show();
        });
        return undefined;
      } finally {
        listener.dispose();
      }
    },
  );
}
