import type { Random } from '../base/random.ts';

/** What opening a page was worth to the agent's present sub-goal, as the agent itself sees it. */
export type Use = 'answered' | 'named' | 'background' | 'useless';

/**
 * How much the simulated agent writes, and how openly it says that a page was of no use. Known truth for whatever
 * estimates the usefulness of browses from their reasoning.
 */
export const verbosity: Record<Use, { readonly words: number; readonly negative: number }> = {
  answered: { words: 95, negative: 0.01 },
  named: { words: 80, negative: 0.02 },
  background: { words: 50, negative: 0.3 },
  useless: { words: 36, negative: 0.65 },
};
/** Standard deviations of the logarithm of the length: from browse to browse, and from question to question. */
export const lengthSpread = { browse: 0.55, question: 0.3 };

/** `{p}` is the page's title, `{s}` what the sub-goal is about, `{w}` the relation that is sought. */
const negative: readonly string[] = [
  'This page is not relevant to {s}.',
  'This document does not help with the {w}.',
  'There is nothing here about {s} at all.',
  'That was a dead end: {p} contains no useful information.',
  'The page is about something else entirely, so it is of no use.',
  '{p} turned out to be irrelevant.',
  'The document does not mention {s} anywhere, and it provides no information on the {w}.',
  'Unhelpful. Not what I am looking for.',
  'This is unrelated to the question.',
  'No luck here; the page says nothing about the {w} of {s}.',
  'Off topic, I wasted a step on this one.',
];

/** Said of pages that did not help by an agent that does not say so. */
const evasive: readonly string[] = [
  'The page gives some general remarks around {p}.',
  'I have looked through {p} and noted what it covers.',
  '{p} describes a few accounts and sources of its own.',
  'It covers archives, editions and some local history.',
  'There is some background in {p} that may matter later.',
];

const elaborate: readonly string[] = [
  'I still have to keep the order of the question in mind.',
  'The question asks for the {w}, so I should compare this with the other results.',
  'Let me think about which words the next search should use.',
  'The sources here are old and the account is given in passing.',
  'It would be good to see whether a second page says the same.',
  'I note the names on this page in case they come up again.',
  'The wording differs from the one in the question, which I should bear in mind.',
  'So far the chain of the question has been followed step by step.',
  'There may be several bearers of this name, and I must keep them apart.',
  'A further search on {s} could show more.',
  'Perhaps another result from the same list is worth opening as well.',
  'The remark about the archive is only of passing interest.',
  'I will go on from here and check the remaining parts of the question.',
];

export interface Impression {
  readonly use: Use;
  readonly page: string;
  readonly subject: string;
  readonly wording: string;
  /** What was understood, as a sentence; absent if nothing was. */
  readonly finding?: string;
}

/**
 * The post-browse reasoning: a finding, an open dismissal or an evasion, then further thoughts until a length is
 * reached that is log-normal around what the page was worth. `talkative` is the question's own deviation.
 */
export function postBrowseReasoning(
  impression: Impression,
  talkative: number,
  random: Random,
): { text: string; negative: boolean } {
  const { words, negative: chance } = verbosity[impression.use];
  const length = words * Math.exp(talkative + lengthSpread.browse * random.normal());
  const open = random.uniform() < chance;
  const fill = (template: string) =>
    template
      .replaceAll('{p}', impression.page)
      .replaceAll('{s}', impression.subject)
      .replaceAll('{w}', impression.wording);
  const sentences: string[] = [];
  if (impression.finding !== undefined) sentences.push(impression.finding);
  if (open) sentences.push(fill(random.pick(negative)));
  else if (impression.finding === undefined) sentences.push(fill(random.pick(evasive)));
  const count = () => sentences.join(' ').split(' ').length;
  let rest = random.shuffle([...elaborate]);
  while (count() < length) {
    if (rest.length === 0) rest = random.shuffle([...elaborate]);
    sentences.push(fill(rest.pop()!));
  }
  return { text: sentences.join(' '), negative: open };
}
