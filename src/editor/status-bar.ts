import * as vscode from 'vscode';
import { whole } from './figures.ts';
import { isAwaited } from './process.ts';
import type { RunWatch } from './run-watch.ts';
import { headline, kindWord, stateWord } from './runs-tree.ts';
import { setting } from './settings.ts';
import type { LratWorkspace } from './workspace.ts';

/** The status bar's item: the run that is going on, else what the index holds once something of it is looked at. */
export class StatusBar implements vscode.Disposable {
  readonly #workspace: LratWorkspace;
  readonly #watch: RunWatch;
  readonly #item: vscode.StatusBarItem;
  readonly #listeners: vscode.Disposable;
  #trajectories: number | undefined;

  constructor(workspace: LratWorkspace, watch: RunWatch) {
    this.#workspace = workspace;
    this.#watch = watch;
    this.#item = vscode.window.createStatusBarItem('lrat.status', vscode.StatusBarAlignment.Left);
    this.#item.name = 'LRAT';
    this.#listeners = vscode.Disposable.from(
      workspace.onDidOpen(() => void this.#count()),
      workspace.onDidChange(change => {
        if (change === 'index' && workspace.inspector.isOpen) void this.#count();
      }),
      watch.onDidChange(() => this.#show()),
    );
  }

  dispose(): void {
    this.#listeners.dispose();
    this.#item.dispose();
  }

  async #count(): Promise<void> {
    const status = await this.#workspace.inspector.ask('status').catch(() => undefined);
    this.#trajectories = status?.trajectories;
    this.#show();
  }

  #show(): void {
    const { running } = this.#watch;
    if (running !== undefined) {
      const share = running.steps === 0 ? 0 : Math.floor((100 * running.step) / running.steps);
      this.#item.text = `$(sync~spin) ${vscode.l10n.t('LRAT {0} {1} %', kindWord(running.kind), share)}`;
      this.#item.tooltip = `${running.name}: ${running.title}`;
      this.#item.command = {
        command: 'lrat.openRun',
        title: vscode.l10n.t('Open Run'),
        arguments: [{ kind: 'run', run: running }],
      };
    } else if (this.#trajectories !== undefined) {
      this.#item.text = vscode.l10n.t('LRAT {0} trajectories', whole(this.#trajectories));
      this.#item.tooltip = vscode.l10n.t('Trajectories in the index of this workspace');
      this.#item.command = 'lrat.trajectories.focus';
    } else {
      this.#item.hide();
      return;
    }
    this.#item.show();
  }
}

/**
 * Tells when a run ended that nobody was looking at, whoever started it. One that the user stopped needs no telling, and
 * of one that a command here waits for, the command tells.
 */
export function tellEnds(watch: RunWatch, shows: (id: string) => boolean): vscode.Disposable {
  return watch.onDidEnd(async run => {
    if (isAwaited(run.pid) || run.state === 'stopped') return;
    if (shows(run.id) || !setting('notifyWhenRunEnds')) return;
    const open = vscode.l10n.t('Open');
    const told = headline(run);
    // It begins the sentence.
    const kind = capitalised(kindWord(run.kind));
    const choice = await (run.state === 'finished'
      ? vscode.window.showInformationMessage(
          vscode.l10n.t('{0} finished: {1}', kind, [run.name, told].filter(Boolean).join(', ')),
          open,
        )
      : vscode.window.showErrorMessage(
          vscode.l10n.t(
            '{0} {1}: {2}',
            kind,
            stateWord(run.state),
            [run.name, run.error].filter(Boolean).join(': '),
          ),
          open,
        ));
    if (choice === open) await vscode.commands.executeCommand('lrat.openRun', { kind: 'run', run });
  });
}

function capitalised(word: string): string {
  return word.charAt(0).toLocaleUpperCase(vscode.env.language) + word.slice(1);
}
