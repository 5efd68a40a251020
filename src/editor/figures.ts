import * as vscode from 'vscode';
import { figuresIn } from '../base/figures.ts';

/** The language of all that the editor says and shows: English where there is no translation. */
export const language = vscode.l10n.bundle === undefined ? 'en' : vscode.env.language;

/** Figures in that language; those of texts that programs read stay as they are. */
export const { whole, decimal, ungrouped, rough, percent, range, moment } = figuresIn(language);

/** The value of a setting of a run. */
export function settingWord(value: unknown): string {
  if (typeof value === 'number') return ungrouped(value);
  return typeof value === 'string' ? value : JSON.stringify(value);
}
