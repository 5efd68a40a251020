import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../src/base/random.ts';

/** What generated logs are like; the defaults are those of the paper's collection (Table 1): 17 searches, 4 browses, 60 KB. */
export interface LogShape {
  readonly searches: number;
  readonly browses: number;
  readonly listLength: number;
  /** Words of a snippet, of an opened document, of a reasoning. */
  readonly snippetWords: number;
  readonly documentWords: number;
  readonly reasoningWords: number;
  readonly documents: number;
}

export const paperShape: LogShape = {
  searches: 17,
  browses: 4,
  listLength: 10,
  snippetWords: 40,
  documentWords: 320,
  reasoningWords: 75,
  documents: 100_000,
};

const common =
  `the of and to a in that is was for it with as his on be at by had not are but from or have an they which one you were
  all her she there would their we him been has when who will no more if out so said what up its about than into them can
  only other time new some could these two may first then do any like my now over such our man me even most made after
  also did many before must through years where much your way well down should because each just those people how too
  little state good very make world still see own work men day get here between both life being under three never know
  same last another while us off might great go come since against right came take used himself few house american use
  place during high without again home around small however found part school every united general upon left once number
  course war until always away something fact water though less public put think almost hand enough took far yet
  government system better set told nothing night end why called eyes find going look asked later point knew next city
  business give group toward days young let room president side social given present several order national possible
  rather second face per among form often important things looked early white case large big need four within felt along
  children saw best church ever least power development light thing seemed family interest want members mind country area
  others done turned although open god service certain kind problem began different door thus help sense means whole
  matter result search document page evidence answer question relevant information article mentions published journal
  university founded author title film series award season player museum river village station record album company`
    .trim()
    .split(/\s+/);

/** Words of English with the frequencies of a natural text (Zipf's law), and names between them. */
class Words {
  readonly #random: Random;
  readonly #words: readonly string[];

  constructor(random: Random) {
    this.#random = random;
    const syllables = 'an er in or st al ar en el is ba do ka lo mi no ra se ti vo'.split(' ');
    const name = () => {
      const letters = Array.from({ length: 2 + random.below(3) }, () => random.pick(syllables)).join('');
      return letters[0]!.toUpperCase() + letters.slice(1);
    };
    this.#words = [...common, ...Array.from({ length: 5000 }, name)];
  }

  some(count: number): string {
    const size = this.#words.length;
    const text = Array.from(
      { length: count },
      () => this.#words[Math.floor(size ** this.#random.uniform()) - 1]!,
    );
    for (let i = 11; i < count; i += 12) text[i] += '.';
    return text.join(' ');
  }
}

/** Writes run logs of the LRAT format, `<folder>/<i>.json`, and returns how many bytes they have. The same seed writes the same. */
export function generateLogs(folder: string, count: number, seed = 1, shape: LogShape = paperShape): number {
  mkdirSync(folder, { recursive: true });
  const random = Random.seeded(seed);
  const words = new Words(random);
  let bytes = 0;
  for (let i = 0; i < count; i++) {
    const record = `${JSON.stringify(runRecord(i, random, words, shape))}\n`;
    writeFileSync(join(folder, `${i}.json`), record);
    bytes += Buffer.byteLength(record);
  }
  return bytes;
}

function runRecord(i: number, random: Random, words: Words, shape: LogShape): object {
  const listed: number[] = [];
  const reason = () => ({
    type: 'reasoning',
    tool_name: null,
    arguments: null,
    output: words.some(shape.reasoningWords),
  });
  const call = (tool_name: string, given: object, output: string) => ({
    ...{ type: 'tool_call', tool_name, arguments: JSON.stringify(given), output },
  });
  const browsesAfter = new Set(
    Array.from({ length: shape.browses }, (_, n) =>
      Math.floor(((n + 1) * shape.searches) / (shape.browses + 1)),
    ),
  );
  const result: object[] = [];
  for (let n = 0; n < shape.searches; n++) {
    const query = words.some(9);
    const blocks = Array.from({ length: shape.listLength }, () => {
      const document = random.below(shape.documents);
      listed.push(document);
      const title = `title ${document}`;
      return `DocID:${document}\n[${title}]\n${title}\n${words.some(shape.snippetWords)}`;
    });
    const output = `A search for '${query}' found ${blocks.length} results:\n\n## Web Results\n${blocks.join('\n\n')}`;
    result.push(reason(), call('search', { query: [query] }, output));
    if (!browsesAfter.has(n)) continue;
    const docid = String(random.pick(listed));
    const page = `Document ${docid}:\n{'docid': '${docid}', 'text': 'title ${docid}\\n${words.some(shape.documentWords)}'}`;
    result.push(reason(), call('get_document', { docid }, page));
  }
  result.push(reason(), { type: 'output_text', tool_name: null, arguments: null, output: words.some(20) });
  return {
    metadata: { model: 'generated', searcher_type: random.pick(['bm25', 'dense']) },
    query_id: String(i),
    status: 'completed',
    result,
    query: words.some(30),
    correct: random.uniform() < 0.76,
  };
}
