import { createHash } from 'node:crypto';
import { normaliseText } from '../base/text.ts';
import type { PairRow } from '../mining/pair.ts';
import { questionKey } from '../trajectory/outline.ts';

/** What a row says of the question it comes from. */
export type Asked = Pick<PairRow, 'query' | 'question' | 'query_id'>;

/**
 * The question of a row: its normalised text, without one its id (`questionKey`), and for rows of other builders, which
 * name neither, the search query.
 */
export function rowQuestion({ query, question, query_id }: Asked): string {
  return questionKey({ queryId: query_id, question }) ?? `query ${normaliseText(query)}`;
}

/**
 * Splits rows by question, never by row: tells of each row whether it is held out.
 *
 * Rows that share a question's text or id are on one side, also over several steps, because logs of one benchmark may
 * name the one, the other or both. (Benchmarks that number their questions alike are split in coarser pieces than need
 * be, which leaks nothing.) The side is a hash of question and seed, not a draw: it does not depend on the order of the
 * rows, and a question stays where it is when more are mined, unless a new row's id ties it to another question. For
 * that the fraction is met on average only.
 *
 * @param fraction of the questions that is held out, from 0 to 1
 */
export function holdOut(rows: Iterable<Asked>, fraction: number, seed: number): (row: Asked) => boolean {
  if (!(fraction >= 0 && fraction <= 1))
    throw new RangeError(`a fraction lies between 0 and 1, not ${fraction}`);
  const links = new Links();
  for (const { question, query_id } of rows) {
    const text = questionKey({ queryId: null, question });
    const id = questionKey({ queryId: query_id, question: null });
    if (text !== null && id !== null) links.join(text, id);
  }
  return row => position(links.nameOf(rowQuestion(row)), seed) < fraction;
}

/** Keys that belong together (union-find). */
class Links {
  readonly #parents = new Map<string, string>();

  /** The group's last key in code-unit order: the same in whatever order it grew, and a question's text before its id. */
  nameOf(key: string): string {
    let name = key;
    for (let up = this.#parents.get(name); up !== undefined; up = this.#parents.get(name)) name = up;
    // Everything on the way now points at the name; a loop, because a chain of questions may be long.
    for (let at = key; at !== name; ) {
      const up = this.#parents.get(at)!;
      this.#parents.set(at, name);
      at = up;
    }
    return name;
  }

  join(a: string, b: string): void {
    const [first, last] = [this.nameOf(a), this.nameOf(b)].sort() as [string, string];
    if (first !== last) this.#parents.set(first, last);
  }
}

/** Where a key falls in [0, 1): uniform over keys, the same for ever. */
function position(key: string, seed: number): number {
  return createHash('sha256').update(`${seed} ${key}`).digest().readUInt32BE() / 2 ** 32;
}
