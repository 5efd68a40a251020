import { figure } from './numbers.ts';

/**
 * The views' strings in the editor's language. Imported as `l10n` and called as `l10n.t`, as in the editor, so that
 * `npm run l10n` finds them; the page brings the bundle.
 */
const bundle: Readonly<Record<string, string>> = JSON.parse(
  document.getElementById('l10n')?.textContent ?? '{}',
);

/**
 * @param message the English text, in which `{0}` stands for the first of the values
 * @param values numbers are written as the language writes them; one that only names something, like a line, is a string
 */
export function t(message: string, ...values: readonly (string | number)[]): string {
  return (bundle[message] ?? message).replace(/\{(\d+)\}/g, (place, index: string) => {
    const value = values[Number(index)] ?? place;
    return typeof value === 'number' ? figure(value) : value;
  });
}
