import * as vscode from 'vscode';
import { isArchive } from '../trajectory/log.ts';

/**
 * Shows a file as text at a place that counts from 1. The editor opens it, for extensions are not given files above
 * 50 MB; and the editor of texts is asked for, for the file may have the trajectory view as its default.
 */
export async function showText(uri: vscode.Uri, line = 1, column = 1): Promise<void> {
  const position = new vscode.Position(line - 1, column - 1);
  const selection = new vscode.Range(position, position);
  await vscode.commands.executeCommand('vscode.openWith', uri, 'default', { selection, preview: true });
}

/** Shows a log as text at a place; of an archive, which is no text, how it is read. */
export async function showLog(uri: vscode.Uri, line?: number, column?: number): Promise<void> {
  if (isArchive(uri.fsPath)) await vscode.commands.executeCommand('lrat.explainLog', uri);
  else await showText(uri, line, column);
}
