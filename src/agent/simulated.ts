import { Random } from '../base/random.ts';
import { fingerprint } from '../base/text.ts';
import { lengthSpread, postBrowseReasoning, type Use } from './reasoning.ts';
import type { Fact, Question, Wordings } from './world.ts';

/** A result as the agent sees it: no more than title and snippet. */
export interface Listing {
  readonly id: string;
  readonly title: string;
  readonly snippet: string;
}

/** What the agent understands of a page that it has opened. */
export interface Opened {
  readonly text: string;
  readonly facts: readonly Fact[];
  readonly aliases: ReadonlyMap<string, string>;
}

/** The agent's only windows to the world. */
export interface Tools {
  search(query: string): Promise<readonly Listing[]>;
  open(id: string): Opened;
}

export type Action =
  | { readonly kind: 'think'; readonly text: string }
  | { readonly kind: 'search'; readonly query: string; readonly results: readonly Listing[] }
  | {
      readonly kind: 'browse';
      readonly id: string;
      readonly text: string;
      /** Known truth, not written to logs: rank in its list, what it was worth, whether it was openly dismissed. */
      readonly rank: number;
      readonly use: Use;
      readonly negative: boolean;
    };

export interface Attempt {
  readonly actions: readonly Action[];
  /** Null if the agent gave up. */
  readonly answer: string | null;
}

export interface AgentSettings {
  /** Searches and browses at most. */
  readonly budget: number;
  /** Searches per sub-goal at most. */
  readonly patience: number;
  /** Pages opened per search at most. */
  readonly opens: number;
  /** A result at rank r is looked at with probability r^−preference: the set preference for high ranks. */
  readonly preference: number;
  /** A result that was looked at is opened if the part of the query's words that it shows, plus noise, exceeds this. */
  readonly threshold: number;
  /** Standard deviation of that noise. */
  readonly noise: number;
  /** Chance of opening the most promising result where none exceeds the threshold. */
  readonly curiosity: number;
  /** Chance of taking a page that states the wanted relation of somebody to be about the question's alias. */
  readonly guess: number;
}

export const defaultAgent: AgentSettings = {
  budget: 30,
  patience: 6,
  opens: 3,
  preference: 0.5,
  threshold: 0.45,
  noise: 0.2,
  curiosity: 0.6,
  guess: 0.1,
};

const functionWords = new Set(
  'a an and at by for from has in is it of on or that the this to was which with'.split(' '),
);

function contentWords(text: string): Set<string> {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return new Set(words.filter(word => !functionWords.has(word)));
}

/**
 * A search agent that works through a question's sub-goals. It knows the question, its own words for relations, and
 * what it has read: nothing of the world's truth. Every decision draws from a stream that is named by question and
 * occasion, so that the same agent behind another retriever meets the same noise (common random numbers).
 */
export async function attempt(
  question: Question,
  wordings: Wordings,
  tools: Tools,
  settings: AgentSettings,
  seed: number,
): Promise<Attempt> {
  const stream = (occasion: string) =>
    Random.seeded(Number.parseInt(fingerprint(`${seed}/${question.id}/${occasion}`).slice(0, 8), 16));
  const talkative = lengthSpread.question * stream('talkative').normal();
  const actions: Action[] = [];
  const read = new Map<string, Opened>();
  let steps = 0;

  /** What the pages read so far say of a sub-goal. */
  const recall = (subject: string, relation: string): string | undefined => {
    for (const page of read.values()) {
      const fact = page.facts.find(each => each.subject === subject && each.relation === relation);
      if (fact !== undefined) return fact.object;
    }
    return undefined;
  };

  /** Which results to open, most promising first. */
  const choose = (query: string, results: readonly Listing[]): { result: Listing; rank: number }[] => {
    const wanted = contentWords(query);
    const seen = results.flatMap((result, i) => {
      const random = stream(`look/${query}/${result.id}`);
      const rank = i + 1;
      if (random.uniform() >= rank ** -settings.preference || read.has(result.id)) return [];
      const shown = contentWords(`${result.title} ${result.snippet}`);
      const overlap = [...wanted].filter(word => shown.has(word)).length / Math.max(1, wanted.size);
      return [{ result, rank, promise: overlap + settings.noise * random.normal() }];
    });
    seen.sort((a, b) => b.promise - a.promise);
    const promising = seen.filter(({ promise }) => promise > settings.threshold);
    if (promising.length > 0) return promising.slice(0, settings.opens);
    return stream(`curious/${query}`).uniform() < settings.curiosity ? seen.slice(0, 1) : [];
  };

  let subject = question.start;
  /** Whether `subject` is a name that documents use; an alias has to be understood first. */
  let named = question.named;
  for (const [hop, { relation, wording }] of question.hops.entries()) {
    let found = named ? recall(subject, relation) : undefined;
    const ways = phrasings(wording, wordings.get(relation)!, stream(`words/${hop}`));
    let way = 0;
    for (let searches = 0; found === undefined && searches < settings.patience; searches++) {
      if (steps >= settings.budget) return { actions, answer: null };
      const query = ways[way++ % ways.length]!(bare(subject));
      // After a browse the reasoning is there already.
      if (actions.at(-1)?.kind !== 'think') {
        actions.push({
          kind: 'think',
          text: plan(hop, subject, wording, query, stream(`plan/${hop}/${searches}`)),
        });
      }
      const results = await tools.search(query);
      actions.push({ kind: 'search', query, results });
      steps++;
      for (const { result, rank } of choose(query, results)) {
        if (steps >= settings.budget) return { actions, answer: null };
        const page = tools.open(result.id);
        read.set(result.id, page);
        steps++;
        const sought = subject;
        let use: Use = page.facts.some(fact => fact.subject === subject || fact.object === subject)
          ? 'background'
          : 'useless';
        if (!named) {
          const name =
            page.aliases.get(subject) ?? guessed(page, relation, stream(`guess/${hop}/${result.id}`));
          if (name !== undefined) {
            subject = name;
            named = true;
            way = 0;
            use = 'named';
          }
        }
        if (named) found = recall(subject, relation);
        if (found !== undefined) use = 'answered';
        const finding = {
          answered: `According to ${result.title}, the ${wording} of ${subject} is ${found}.`,
          named: `So ${sought} is ${subject}, which is the name to look for.`,
          background: `${result.title} tells something of ${subject}, but not the ${wording}.`,
          useless: undefined,
        }[use];
        const { text, negative } = postBrowseReasoning(
          { use, page: result.title, subject, wording, ...(finding === undefined ? {} : { finding }) },
          talkative,
          stream(`reason/${hop}/${result.id}`),
        );
        actions.push({ kind: 'browse', id: result.id, text: page.text, rank, use, negative });
        actions.push({ kind: 'think', text });
        if (found !== undefined) break;
      }
    }
    if (found === undefined) return { actions, answer: null };
    subject = found;
    named = true;
  }
  return { actions, answer: subject };

  function guessed(page: Opened, relation: string, random: Random): string | undefined {
    const fact = page.facts.find(each => each.relation === relation);
    return fact !== undefined && random.uniform() < settings.guess ? fact.subject : undefined;
  }
}

/** A name as it stands in queries. */
const bare = (name: string) => name.replace(/^the /, '');

/** What the agent searches for first: the question's own words. */
export function firstQuery({ start, hops }: Question): string {
  return ownWords(bare(start), hops[0]!.wording);
}

const ownWords = (subject: string, wording: string) => `${subject} ${wording}`;

/** The ways to ask for a relation, in the order of trying: the question's own wording first. */
function phrasings(
  wording: string,
  known: readonly string[],
  random: Random,
): readonly ((subject: string) => string)[] {
  const others = random.shuffle(known.filter(each => each !== wording));
  return [
    subject => ownWords(subject, wording),
    subject => `${others[0]} of ${subject}`,
    subject => subject,
    subject => `who or what is the ${others.at(-1)} of ${subject}`,
    subject => `${subject} ${wording} ${others[0]}`,
  ];
}

function plan(hop: number, subject: string, wording: string, query: string, random: Random): string {
  return random
    .pick([
      'Step {h}: I need the {w} of {s}. I will search for "{q}".',
      'Now for the {w} of {s}. Let me try "{q}".',
      'What is the {w} of {s}? A search for "{q}" should tell.',
      'I have not found the {w} of {s} so far, so the next search is "{q}".',
    ])
    .replace('{h}', String(hop + 1))
    .replaceAll('{w}', wording)
    .replaceAll('{s}', subject)
    .replaceAll('{q}', query);
}
