import * as vscode from 'vscode';
import { registerCommands } from './editor/commands.ts';

/** The composition root of the editor. */
export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel('LRAT', { log: true });
  context.subscriptions.push(log, registerCommands(log));
}
