import type { Random } from '../base/random.ts';
import type { Document } from '../retrieval/retriever.ts';
import {
  aliasAdjectives,
  aliasNouns,
  aliasSentences,
  fillers,
  type Kind,
  kindNouns,
  relationNamed,
  relations,
} from './language.ts';

/** One relation that holds between two entities, by their proper names. */
export interface Fact {
  readonly subject: string;
  readonly relation: string;
  readonly object: string;
}

/** A page of the simulated corpus: what is written on it, and what a reader understands from it. */
export interface Page {
  readonly id: string;
  readonly title: string;
  /** Title, line break, body. */
  readonly text: string;
  readonly facts: readonly Fact[];
  /** Aliases that the page explains, in the questions' paraphrase (as a reader understands them), to proper names. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Proper names of the entities that the page is about. */
  readonly about: readonly string[];
}

/** A multi-hop question as an agent understands it. */
export interface Question {
  readonly id: string;
  readonly text: string;
  /** What the question calls the entity where it starts: an alias in its own paraphrase, or in a world without a gap the proper name. */
  readonly start: string;
  /** Whether `start` is a proper name, so that no alias has to be understood. */
  readonly named: boolean;
  /** The relations to follow, first first, each in the question's wording. */
  readonly hops: readonly { readonly relation: string; readonly wording: string }[];
}

/** What only the simulation knows about a question. No agent and no log sees it. */
export interface QuestionTruth {
  readonly answer: string;
  /** The fact behind each hop. */
  readonly facts: readonly Fact[];
  /** Per hop, the pages that state its fact. */
  readonly evidence: readonly (readonly string[])[];
}

/** How agents say a relation, in the order in which they try. */
export type Wordings = ReadonlyMap<string, readonly string[]>;

/** A simulated corpus with questions. Everything that an agent may know is beside `truth`, never in it. */
export interface World {
  readonly seed: number;
  /** False in the control: questions and agents speak as the documents do. */
  readonly gap: boolean;
  readonly pages: ReadonlyMap<string, Page>;
  readonly training: readonly Question[];
  readonly heldOut: readonly Question[];
  readonly wordings: Wordings;
  readonly truth: ReadonlyMap<string, QuestionTruth>;
}

export interface WorldSettings {
  /** Recorded in every log; the randomness comes from `random`. */
  readonly seed: number;
  readonly gap: boolean;
  readonly pages: number;
  readonly training: number;
  readonly heldOut: number;
  /** Entities that questions start from; the fewer, the more questions share one. */
  readonly starts: number;
  /** How many more sentences that say nothing a page has than go with what it says; fewer if it is negative. */
  readonly filler: number;
}

export const defaultWorld: Omit<WorldSettings, 'seed'> = {
  gap: true,
  pages: 2400,
  training: 1500,
  heldOut: 300,
  starts: 500,
  filler: 4,
};

interface Entity {
  readonly kind: Kind;
  readonly noun: string;
  readonly name: string;
  /** As the documents have it, and as questions do. */
  readonly alias: string;
  readonly paraphrase: string;
}

const shares: readonly (readonly [Kind, number])[] = [
  ['person', 0.38],
  ['work', 0.2],
  ['town', 0.17],
  ['firm', 0.15],
  ['river', 0.1],
];
/** The most that goes to lists, as a part of the pages; the rest is for entities, with one page or two. */
const listShare = 0.06;
/** Chance that an entity has a second page; that a fact, and that an alias, is told on both. */
const secondPage = 0.85;
const factTwice = 0.3;
const aliasTwice = 0.3;
/** Chance that a list tells an entity's alias. */
const aliasListed = 0.35;
/** Chance that a sentence calls its subject by name and not just `the painter`. */
const byName = 0.4;
/** Chance that questions paraphrase an alias. */
const paraphrased = 0.6;

/** Generates a world: the same random state gives the same world. */
export function generateWorld(settings: WorldSettings, random: Random): World {
  const entities = inventEntities(settings.pages, random);
  const facts = relate(entities, random);
  const pages = new Map(writePages(entities, facts, settings, random).map(page => [page.id, page]));

  const evidence = new Map<string, string[]>();
  for (const page of pages.values()) {
    for (const fact of page.facts) {
      const key = factKey(fact);
      evidence.set(key, [...(evidence.get(key) ?? []), page.id]);
    }
  }
  const truth = new Map<string, QuestionTruth>();
  const questions = ask(entities, facts, settings, random).map(({ question, path }) => {
    truth.set(question.id, {
      answer: path.at(-1)!.object,
      facts: path,
      evidence: path.map(fact => evidence.get(factKey(fact)) ?? []),
    });
    return question;
  });
  return {
    seed: settings.seed,
    gap: settings.gap,
    pages,
    training: questions.slice(0, settings.training),
    heldOut: questions.slice(settings.training),
    wordings: new Map(relations.map(each => [each.name, settings.gap ? each.agents : each.documents])),
    truth,
  };
}

/** The pages as a corpus for retrieval, in order of their ids. */
export function corpusOf(world: World): Document[] {
  return [...world.pages.values()].map(({ id, text }) => ({ id, text }));
}

function factKey(fact: Fact): string {
  return `${fact.subject}|${fact.relation}|${fact.object}`;
}

/** English articles, put right after words were filled in. */
const withArticles = (text: string) => text.replace(/\ba (?=[aeiou])/g, 'an ');

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

function inventEntities(pages: number, random: Random): Entity[] {
  const total = Math.floor((pages * (1 - listShare)) / (1 + secondPage));
  const syllables =
    'bal bren cor dal dun el fen gar hal ist jor kel lor mar nev ost pel quin ras sel tor ul ven wes yar zan'.split(
      ' ',
    );
  const endings = 'a ac ane ard el em en ia ic in ine is o olt or und us yn'.split(' ');
  const root = () => capital(random.pick(syllables) + random.pick(syllables) + random.pick(endings));
  // Stems are few, so that most names have namesakes: of another kind, or another member of the family.
  const stems = [...new Set(Array.from({ length: Math.ceil(total * 0.32) }, root))];
  const given = [
    ...new Set(Array.from({ length: 90 }, () => capital(random.pick(syllables) + random.pick(endings)))),
  ];
  const name: Record<Kind, () => string> = {
    person: () => `${random.pick(given)} ${random.pick(stems)}`,
    town: () => random.pick(['Port', 'New', 'Saint', 'Great', 'Little']).concat(' ', random.pick(stems)),
    work: () =>
      `${random.pick(['Song of', 'House of', 'Return to', 'Letters from', 'Night in'])} ${random.pick(stems)}`,
    firm: () => `${random.pick(stems)} ${random.pick(['Works', 'and Sons', 'Line', 'Brothers', 'Union'])}`,
    river: () => `${random.pick(['Upper', 'Lower', 'Old', 'Black'])} ${random.pick(stems)}`,
  };
  const aliases = random.shuffle(
    aliasAdjectives.flatMap(([documents, agents]) =>
      aliasNouns.map(noun => ({
        alias: `the ${capital(documents)} ${capital(noun)}`,
        paraphrase: `the ${capital(random.uniform() < paraphrased ? agents : documents)} ${capital(noun)}`,
      })),
    ),
  );
  const taken = new Set<string>();
  const unused = (invent: () => string): string => {
    for (;;) {
      const candidate = invent();
      if (!taken.has(candidate)) {
        taken.add(candidate);
        return candidate;
      }
    }
  };
  const entities = shares.flatMap(([kind, share]) =>
    Array.from({ length: Math.round(total * share) }, () => kind),
  );
  if (entities.length > aliases.length) {
    throw new RangeError(
      `there are ${aliases.length} aliases for the ${entities.length} entities of ${total} pages`,
    );
  }
  return random.shuffle(entities).map((kind, i) => ({
    kind,
    noun: random.pick(kindNouns[kind]),
    name: unused(name[kind]),
    ...aliases[i]!,
  }));
}

/** For every entity one fact per relation of its kind. */
function relate(entities: readonly Entity[], random: Random): Map<string, Fact[]> {
  const byKind = new Map<Kind, string[]>();
  for (const { kind, name } of entities) byKind.set(kind, [...(byKind.get(kind) ?? []), name]);
  return new Map(
    entities.map(({ kind, name }) => [
      name,
      relations
        .filter(({ subject }) => subject === kind)
        .map(({ name: relation, object }) => {
          const others = byKind.get(object)!.filter(other => other !== name);
          return { subject: name, relation, object: random.pick(others) };
        }),
    ]),
  );
}

function writePages(
  entities: readonly Entity[],
  facts: ReadonlyMap<string, readonly Fact[]>,
  { pages: total, filler: least }: WorldSettings,
  random: Random,
): Page[] {
  const filler = () =>
    random
      .pick(fillers)
      .replace('{a}', () => random.pick(aliasAdjectives)[1])
      .replace('{n}', () => random.pick(aliasNouns))
      .replace('{r}', () => random.pick(random.pick(relations).agents))
      .replace('{e}', () => random.pick(entities).name);
  const drafts: Omit<Page, 'id'>[] = [];
  for (const entity of entities) {
    const titles = [entity.name];
    if (random.uniform() < secondPage)
      titles.push(`${entity.name}, ${random.pick(['notes', 'papers', 'a sketch', 'records'])}`);
    const stated = titles.map((): Fact[] => []);
    for (const fact of facts.get(entity.name)!) {
      for (const place of places(titles.length, factTwice, random)) stated[place]!.push(fact);
    }
    const naming = new Set(places(titles.length, aliasTwice, random));
    titles.forEach((title, i) => {
      const telling = stated[i]!.map(fact => {
        const phrase = random.pick(relationNamed(fact.relation).documents);
        const subject = random.uniform() < byName ? fact.subject : `the ${entity.noun}`;
        return capital(
          `${random.pick(['', 'as is known, ', 'by all accounts, '])}${subject} ${phrase} ${fact.object}.`,
        );
      });
      if (naming.has(i)) {
        telling.push(random.pick(aliasSentences).replace('{s}', entity.name).replaceAll('{x}', entity.alias));
      }
      const opening = `${entity.name} is a ${entity.noun} of which several accounts exist.`;
      drafts.push({
        title,
        text: withArticles(
          `${title}\n${[opening, filler(), ...interleave(telling, filler, random, least)].join(' ')}`,
        ),
        facts: stated[i]!,
        aliases: new Map(naming.has(i) ? [[entity.paraphrase, entity.name]] : []),
        about: [entity.name],
      });
    });
  }
  // Lists of names take the places that are left.
  let part = 0;
  while (drafts.length < total) {
    part++;
    const listed = random.shuffle([...entities]).slice(0, 9);
    const told = listed.filter(() => random.uniform() < aliasListed);
    const title = `Register of names, part ${part}`;
    const lines = listed.map(entity =>
      told.includes(entity)
        ? `${entity.name}, ${entity.noun}, also ${entity.alias}.`
        : `${entity.name}, ${entity.noun}.`,
    );
    drafts.push({
      title,
      text: withArticles(
        `${title}\n${[filler(), ...interleave(lines, filler, random, least, 0.4)].join(' ')}`,
      ),
      facts: [],
      aliases: new Map(told.map(({ paraphrase, name }) => [paraphrase, name])),
      about: listed.map(({ name }) => name),
    });
  }
  const first = 100_000;
  return random.shuffle(drafts.slice(0, total)).map((draft, i) => ({ id: String(first + i), ...draft }));
}

/** On which of an entity's pages something stands. */
function places(pages: number, twice: number, random: Random): number[] {
  if (pages === 2 && random.uniform() < twice) return [0, 1];
  return [random.below(pages)];
}

/** Sentences in random order, each with filler before it. */
function interleave(
  sentences: string[],
  filler: () => string,
  random: Random,
  least: number,
  density = 0.6,
): string[] {
  const mixed = [...sentences];
  for (let i = 0; i < sentences.length * density + least; i++) mixed.push(filler());
  return random.shuffle(mixed);
}

function ask(
  entities: readonly Entity[],
  facts: ReadonlyMap<string, readonly Fact[]>,
  settings: WorldSettings,
  random: Random,
): { question: Question; path: Fact[] }[] {
  const starts = entities.slice(0, settings.starts);
  const asked = new Set<string>();
  const result: { question: Question; path: Fact[] }[] = [];
  while (result.length < settings.training + settings.heldOut) {
    const start = random.pick(starts);
    const path: Fact[] = [];
    for (
      let name = start.name, hops = random.uniform() < 0.6 ? 2 : 3;
      path.length < hops;
      name = path.at(-1)!.object
    ) {
      path.push(random.pick(facts.get(name)!));
    }
    const key = path.map(factKey).join('>');
    const visited = new Set([start.name, ...path.map(({ object }) => object)]);
    if (asked.has(key) || visited.size <= path.length) continue;
    asked.add(key);
    const hops = path.map(({ relation }) => {
      const { agents, documents } = relationNamed(relation);
      return { relation, wording: random.pick(settings.gap ? agents : documents) };
    });
    const mention = settings.gap ? start.paraphrase : start.name;
    const sought = relationNamed(path.at(-1)!.relation).object;
    const chain = settings.gap
      ? `${hops
          .map(({ wording }) => `the ${wording} of`)
          .toReversed()
          .join(' ')} the ${start.noun} known as ${mention}`
      : `what stands at the end of: the ${start.noun} ${mention} ${hops.map(({ wording }) => `${wording} …`).join(' which ')}`;
    result.push({
      question: {
        id: `sim-${result.length + 1}`,
        text: `Which ${sought} is ${chain}?`,
        start: mention,
        named: !settings.gap,
        hops,
      },
      path,
    });
  }
  return result;
}
