import { type ChildProcess, spawn } from 'node:child_process';
import * as vscode from 'vscode';
import { describeError } from '../base/errors.ts';

/** What a process is started with; the environment may hold secrets. */
export interface Launch {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * The terminal of a task whose process gets a secret by its environment. That of a `ProcessExecution` can be read by
 * every extension; this one is known to nobody but the process.
 */
export class TaskTerminal implements vscode.Pseudoterminal {
  readonly #launch: () => Promise<Launch>;
  readonly #written = new vscode.EventEmitter<string>();
  readonly #closed = new vscode.EventEmitter<number>();
  readonly onDidWrite = this.#written.event;
  readonly onDidClose = this.#closed.event;
  #child: ChildProcess | undefined;

  constructor(launch: () => Promise<Launch>) {
    this.#launch = launch;
  }

  open(): void {
    this.#start().catch((error: unknown) => {
      this.#write(`lrat: ${describeError(error)}\n`);
      this.#closed.fire(1);
    });
  }

  async #start(): Promise<void> {
    const { args, cwd, env } = await this.#launch();
    const child = spawn(process.execPath, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => this.#write(text));
    }
    child.on('error', error => this.#write(`lrat: ${error.message}\n`));
    child.on('close', code => this.#closed.fire(code ?? 1));
  }

  /** Ctrl-C reaches a process as a signal from the system's terminals alone. */
  handleInput(typed: string): void {
    if (typed === '\x03') this.#child?.kill('SIGINT');
  }

  /** What follows the run leaves; the run itself goes on. */
  close(): void {
    this.#child?.kill('SIGHUP');
  }

  #write(text: string): void {
    this.#written.fire(text.replaceAll(/\r?\n/g, '\r\n'));
  }
}
