import { html, type TemplateResult } from 'lit';
import { patternOf } from '../../src/base/matching.ts';

/** A text with the places marked where it holds the words that are looked for. */
export type Marked = (text: string) => string | readonly (string | TemplateResult)[];

/** Marks words, case ignored, in text nodes alone: what a log holds is never read as HTML. */
export function marker(words: string): Marked {
  if (words === '') return text => text;
  const wanted = patternOf(words);
  // Split at a group, every second part is a match.
  return text => text.split(wanted).map((part, i) => (i % 2 === 1 ? html`<mark>${part}</mark>` : part));
}
