import * as vscode from 'vscode';
import { whole } from './figures.ts';
import type { LratTaskDefinition } from './task-definition.ts';

/** Counts as trees say them, one and many. */
export function searchesWord(searches: number): string {
  return searches === 1 ? vscode.l10n.t('1 search') : vscode.l10n.t('{0} searches', whole(searches));
}

export function browsesWord(browses: number): string {
  return browses === 1 ? vscode.l10n.t('1 browse') : vscode.l10n.t('{0} browses', whole(browses));
}

export function pairsWord(pairs: number): string {
  switch (pairs) {
    case 0:
      return vscode.l10n.t('no pairs');
    case 1:
      return vscode.l10n.t('1 pair');
    default:
      return vscode.l10n.t('{0} pairs', whole(pairs));
  }
}

export function tokensWord(tokens: number): string {
  return tokens === 1 ? vscode.l10n.t('1 token') : vscode.l10n.t('{0} tokens', whole(tokens));
}

/** Where the options are that a command does not ask for. */
export function moreOptions(command: LratTaskDefinition['command']): string {
  return vscode.l10n.t('Other options: a task “{0}” of type lrat in tasks.json.', command);
}
