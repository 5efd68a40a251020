import { patternOf } from '../base/matching.ts';
import type { ShownText } from '../protocol.ts';

/** Texts are shown up to so many characters; the log has the rest. */
const most = 20_000;

/**
 * The part of a text that is shown: all of it, or where it is too long its beginning; where the first of the words that
 * are looked for would be missing, as much of the text around them. Never splits a surrogate pair.
 */
export function shownOf(text: string, words = ''): ShownText {
  if (text.length <= most) return { text, cut: null };
  const at = words === '' ? -1 : text.search(patternOf(words));
  const from = at + words.length <= most ? 0 : at - most / 2;
  const start = isHalf(text, from) ? from + 1 : from;
  const end = from + most;
  const part = text.slice(start, isHalf(text, end) ? end - 1 : end);
  return { text: part, cut: { from: start, length: text.length } };
}

/** Whether a text would be cut there between the halves of a character. */
function isHalf(text: string, at: number): boolean {
  return /^[\uDC00-\uDFFF]/.test(text.charAt(at)) && /^[\uD800-\uDBFF]/.test(text.charAt(at - 1));
}
