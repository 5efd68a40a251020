import * as z from 'zod';
import { clip } from '../base/text.ts';

/** What a model said, or why that is no verdict. */
export type Reply =
  | { readonly label: 'relevant' | 'irrelevant'; readonly reason: string }
  | { readonly label: null; readonly reason: string };

const verdictSchema = z.object({
  label: z.string().transform(word => labelOfWord(word)),
  reason: z.string().default(''),
});

/** Reads the verdict behind any thinking: one line of JSON, or a last line that is one word. Nothing is guessed. */
export function readReply(content: string): Reply {
  const answer = afterThinking(content);
  if (answer === null) return { label: null, reason: 'the model was still thinking when its reply ended' };
  if (answer === '') return { label: null, reason: 'the model replied nothing' };
  const said = fromJson(answer) ?? fromLastLine(answer);
  return (
    said ?? { label: null, reason: `the reply has no verdict: "${clip(answer.replace(/\s+/g, ' '), 120)}"` }
  );
}

/** What follows the last thinking block; null if one is open. A closing tag may come without its opening one. */
function afterThinking(content: string): string | null {
  const rest = content.replace(/^[\s\S]*<\/(?:think|thinking|thought)>/i, '');
  return /<(?:think|thinking|thought)>/i.test(rest) ? null : rest.trim();
}

/** The last object that is a verdict; a reason may hold braces of its own. */
function fromJson(answer: string): Reply | null {
  const text = answer.slice(-4000);
  const end = text.lastIndexOf('}') + 1;
  for (
    let start = text.lastIndexOf('{', end);
    start >= 0;
    start = start === 0 ? -1 : text.lastIndexOf('{', start - 1)
  ) {
    const verdict = verdictSchema.safeParse(jsonOrNothing(text.slice(start, end)));
    if (!verdict.success || verdict.data.label === null) continue;
    return { label: verdict.data.label, reason: clip(verdict.data.reason, 400) };
  }
  return null;
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fromLastLine(answer: string): Reply | null {
  const line = answer.slice(answer.lastIndexOf('\n') + 1);
  const label = labelOfWord(line.replace(/^[\s*_#>-]*(?:label|verdict|answer)\s*[:=]/i, ''));
  return label === null ? null : { label, reason: '' };
}

function labelOfWord(text: string): 'relevant' | 'irrelevant' | null {
  const word = text
    .toLowerCase()
    .replace(/[\s*_`"'.,!#>()-]+/g, ' ')
    .trim();
  if (word === 'relevant') return 'relevant';
  return word === 'irrelevant' || word === 'not relevant' ? 'irrelevant' : null;
}
