/**
 * The views' strings in the editor's language. Imported as `l10n` and called as `l10n.t`, as in the editor, so that
 * `npm run l10n` finds them; the page brings the bundle.
 */
const bundle: Readonly<Record<string, string>> = JSON.parse(
  document.getElementById('l10n')?.textContent ?? '{}',
);

/** @param message the English text, in which `{0}` stands for the first of the values */
export function t(message: string, ...values: readonly (string | number)[]): string {
  return (bundle[message] ?? message).replace(/\{(\d+)\}/g, (whole, index: string) =>
    String(values[Number(index)] ?? whole),
  );
}
