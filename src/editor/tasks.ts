import * as vscode from 'vscode';
import { cli } from './process.ts';
import type { ApiKeys } from './secrets.ts';
import { argumentsOf, type LratTaskDefinition } from './task-definition.ts';
import { TaskTerminal } from './task-terminal.ts';

/** The command line's tasks: what a workspace can always do, and whatever tasks.json asks for. */
export class LratTasks implements vscode.TaskProvider {
  readonly #folder: vscode.WorkspaceFolder;
  readonly #keys: ApiKeys;

  constructor(folder: vscode.WorkspaceFolder, keys: ApiKeys) {
    this.#folder = folder;
    this.#keys = keys;
  }

  provideTasks(): vscode.Task[] {
    if (!vscode.workspace.isTrusted) return [];
    return [
      this.make({ type: 'lrat', command: 'index' }),
      this.make({ type: 'lrat', command: 'judge', judge: 'rules' }),
      this.make({ type: 'lrat', command: 'mine', out: '.lrat/pairs/attributed.jsonl' }),
    ];
  }

  resolveTask(task: vscode.Task): vscode.Task | undefined {
    const definition = task.definition as LratTaskDefinition;
    if (!vscode.workspace.isTrusted || typeof definition.command !== 'string') return undefined;
    // VS Code knows the resolved task by the definition: it must be the same object.
    return this.make(definition, task.name);
  }

  make(definition: LratTaskDefinition, name: string = definition.command): vscode.Task {
    const cwd = this.#folder.uri.fsPath;
    const args = ['--disable-warning=ExperimentalWarning', cli, ...argumentsOf(definition)];
    // In the desktop program execPath is Electron, which is Node when told so.
    const env = { ELECTRON_RUN_AS_NODE: '1', ORT_DISABLE_TELEMETRY: '1' };
    const execution =
      definition.command === 'judge'
        ? new vscode.CustomExecution(
            async () =>
              new TaskTerminal(async () => ({
                ...{ args, cwd },
                env: { ...env, ...(await this.#keys.ofJudging(cwd, definition)) },
              })),
          )
        : new vscode.ProcessExecution(process.execPath, args, { cwd, env });
    return new vscode.Task(definition, this.#folder, name, 'lrat', execution, ['$lrat', '$lrat-line']);
  }
}
