/** What is quoted, to its end or the line's; an apostrophe in a word is no quote. */
const quoted = /“[^”]*(?:”|$)|"[^"\n]*(?:"|$)|(?<!\w)'[^'\n]*'|`[^`\n]*`/gm;
/** A URL, or an absolute path with at least one folder. */
const place =
  /\b(?<scheme>[a-z][a-z0-9+.-]*:\/\/)[^\s)]*|(?<![\w.…/\\])(?:[A-Za-z]:)?[/\\][^\s:,;()]+[/\\][^\s:,;()]*/gi;

/**
 * Lines of our own log as they may be shown to strangers: paths only below the workspace, nothing that is quoted (it may
 * be of a user's logs), and nothing that looks like a secret.
 *
 * @param workspace absolute path, which becomes `.`
 */
export function scrub(text: string, workspace: string): string {
  return text
    .replaceAll(workspace, '.')
    .replace(quoted, '“…”')
    .replace(place, (found, scheme: string | undefined) => {
      if (scheme !== undefined && scheme !== 'file://') return `${scheme}…`;
      return `${scheme ?? ''}…${found.slice(Math.max(found.lastIndexOf('/'), found.lastIndexOf('\\')))}`;
    })
    .replace(/\bbearer\s+\S+/gi, 'bearer …')
    .replace(/\b(api[-_ ]?key|token|secret|password|authorization)(\s*[:=]\s*)\S.*$/gim, '$1$2…')
    .replace(/\b(?:sk|pk|hf|ghp|xox[a-z])[-_][\w-]{8,}/g, '…');
}
