import { describe, expect, it } from 'vitest';
import { aliasAdjectives, aliasNouns, relationNamed, relations } from '../../../src/agent/language.ts';
import { defaultWorld, type Fact, generateWorld, type World } from '../../../src/agent/world.ts';
import { Random } from '../../../src/base/random.ts';

const worldOf = (seed: number, gap = true) =>
  generateWorld({ ...defaultWorld, seed, gap }, Random.seeded(seed));
const world = worldOf(7);
const everyQuestion = ({ training, heldOut }: World) => [...training, ...heldOut];
const words = (text: string) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

/** Derived from the page's text alone: does it state the fact, by name or as `the painter` on a page about it? */
function states(text: string, { subject, relation, object }: Fact): boolean {
  const [title = '', body = ''] = text.split('\n');
  const owner = title.replace(/, (notes|papers|a sketch|records)$/, '');
  return relationNamed(relation).documents.some(phrase =>
    body
      .split(/(?<=\.) /)
      .some(
        sentence =>
          sentence.endsWith(` ${phrase} ${object}.`) &&
          (sentence.includes(`${subject} ${phrase}`) ||
            (owner === subject && sentence.toLowerCase().includes('the '))),
      ),
  );
}

describe('the simulated world', () => {
  it('has the size that was asked for, and distinct ids, names and questions', () => {
    expect(world.pages.size).toBe(2400);
    expect(world.training).toHaveLength(1500);
    expect(world.heldOut).toHaveLength(300);
    const questions = everyQuestion(world);
    expect(new Set(questions.map(({ id }) => id)).size).toBe(1800);
    const paths = questions.map(({ id }) => JSON.stringify(world.truth.get(id)!.facts));
    expect(new Set(paths).size).toBe(1800);
  });

  it('is the same for the same seed and another for another', () => {
    const content = (of: World) => JSON.stringify([[...of.pages], everyQuestion(of), [...of.truth]]);
    expect(content(worldOf(7))).toBe(content(world));
    expect(content(worldOf(8))).not.toBe(content(world));
  });

  it('has qrels that name just the pages whose text states the fact', () => {
    const sample = everyQuestion(world).slice(0, 60);
    for (const { id } of sample) {
      const { facts, evidence, answer } = world.truth.get(id)!;
      facts.forEach((fact, hop) => {
        const stating = [...world.pages.values()]
          .filter(({ text }) => states(text, fact))
          .map(page => page.id);
        expect(evidence[hop]!.toSorted()).toEqual(stating.toSorted());
        expect(stating.length).toBeGreaterThan(0);
      });
      for (const [i, fact] of facts.entries()) if (i > 0) expect(fact.subject).toBe(facts[i - 1]!.object);
      expect(facts.at(-1)!.object).toBe(answer);
    }
  });

  it('has pages longer than a snippet, nearly all of them', () => {
    const long = [...world.pages.values()].filter(({ text }) => text.split(/\s+/).length > 64);
    expect(long.length / world.pages.size).toBeGreaterThan(0.95);
  });

  it('keeps the telling words of the two languages apart', () => {
    const documents = new Set(relations.flatMap(each => each.documents.flatMap(words)));
    const agents = new Set(relations.flatMap(each => each.agents.flatMap(words)));
    expect([...agents].filter(word => documents.has(word))).toEqual([]);
    const aliasWords = [...aliasAdjectives.flat(), ...aliasNouns];
    expect(new Set(aliasWords).size).toBe(aliasWords.length);
  });

  it('never gives away a name, an answer or the documents’ wording in a question', () => {
    for (const question of everyQuestion(world)) {
      const { facts } = world.truth.get(question.id)!;
      for (const { subject, object } of facts) {
        expect(question.text).not.toContain(subject);
        expect(question.text).not.toContain(object);
      }
      for (const { relation, wording } of question.hops) {
        expect(relationNamed(relation).agents).toContain(wording);
      }
    }
  });

  it('asks in the documents’ words where there is no gap', () => {
    const plain = worldOf(7, false);
    for (const question of plain.heldOut) {
      const { facts } = plain.truth.get(question.id)!;
      expect(question.start).toBe(facts[0]!.subject);
      for (const { relation, wording } of question.hops) {
        expect(relationNamed(relation).documents).toContain(wording);
      }
    }
  });
});
