import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { LratError } from '../base/errors.ts';
import { Random } from '../base/random.ts';
import type { Encoder } from './encoder.ts';
import { cardName, type ModelCard, readModules, renderCard, writeModelFolder } from './model-folder.ts';
import { type FloatTensor, openSafetensors, writeSafetensors } from './safetensors.ts';
import {
  makeTokenizer,
  readTokenizerJson,
  type TextTokenizer,
  type TokenizerJson,
  wordSplitter,
  wordTokenizerJson,
} from './tokenizer.ts';

/** The name that sentence-transformers gives the table of a `StaticEmbedding`. */
export const tableName = 'embedding.weight';

/** A static encoder: a text's vector is the mean of its tokens' embeddings, L2-normalised. */
export interface StaticModel {
  readonly tokenizerJson: TokenizerJson;
  readonly tokenizer: TextTokenizer;
  /** `[vocabulary, dimension]`. */
  readonly table: FloatTensor;
}

export interface StaticOptions {
  readonly dimension: number;
  /** At most so many words: those of most documents, then those of queries. */
  readonly vocabularyLimit: number;
  /** Texts are cut after so many tokens; null leaves them whole. */
  readonly maxTokens: number | null;
  readonly seed: number;
}

export const defaultStaticOptions: StaticOptions = {
  dimension: 256,
  vocabularyLimit: 50_000,
  maxTokens: 512,
  seed: 0,
};

/**
 * An untrained static encoder for a corpus. A word's first embedding is a random direction of length
 * `idf = ln(1 + (N − n + ½) / (n + ½))` (N documents, n of them with the word), so that the plain mean is, but for the
 * normalisation that follows, the idf-weighted mean of random directions: a sketch of lexical matching. Words that only
 * queries have say nothing about documents yet and start at zero, as does `[UNK]`, which stays there.
 */
export function buildStatic(
  documents: Iterable<string>,
  queries: Iterable<string>,
  options: Partial<StaticOptions> = {},
): StaticModel {
  const { dimension, vocabularyLimit, maxTokens, seed } = { ...defaultStaticOptions, ...options };
  const split = wordSplitter();
  const found = new Map<string, { documents: number; queries: number }>();
  const count = (text: string, kind: 'documents' | 'queries') => {
    for (const word of new Set(split(text))) {
      const counts = found.get(word);
      if (counts !== undefined) counts[kind]++;
      else found.set(word, { documents: 0, queries: 0, [kind]: 1 });
    }
  };
  let total = 0;
  for (const text of documents) {
    count(text, 'documents');
    total++;
  }
  for (const text of queries) count(text, 'queries');
  const vocabulary = [...found]
    .sort(([a, x], [b, y]) => y.documents - x.documents || y.queries - x.queries || (a < b ? -1 : 1))
    .slice(0, vocabularyLimit);

  const random = Random.seeded(seed);
  const data = new Float32Array((vocabulary.length + 1) * dimension);
  for (const [i, [, { documents: n }]] of vocabulary.entries()) {
    if (n === 0) continue;
    const row = data.subarray((i + 1) * dimension, (i + 2) * dimension);
    const scale = Math.log(1 + (total - n + 0.5) / (n + 0.5)) / Math.sqrt(dimension);
    for (let j = 0; j < dimension; j++) row[j] = scale * random.normal();
  }
  const tokenizerJson = wordTokenizerJson(
    vocabulary.map(([word]) => word),
    maxTokens,
  );
  return {
    tokenizerJson,
    tokenizer: makeTokenizer(tokenizerJson, 'the vocabulary'),
    table: { shape: [vocabulary.length + 1, dimension], data },
  };
}

/** @throws LratError naming file, tensor and remedy if the folder is not a whole static model. */
export function readStatic(dir: string): StaticModel {
  const module = readModules(dir).find(({ type }) => type === 'StaticEmbedding');
  if (module === undefined) throw new LratError('is no static encoder.', { place: dir });
  const tokenizerPath = join(module.folder, 'tokenizer.json');
  const tokenizerJson = readTokenizerJson(tokenizerPath);
  const tokenizer = makeTokenizer(tokenizerJson, tokenizerPath);
  const table = openSafetensors(join(module.folder, 'model.safetensors')).floats(tableName, [
    tokenizer.size,
    -1,
  ]);
  return { tokenizerJson, tokenizer, table };
}

/** Writes the model in the layout of sentence-transformers, in place of the model that was there. */
export function saveStatic(dir: string, model: StaticModel, card: ModelCard): void {
  const dimension = model.table.shape[1]!;
  const modules = [
    // The names that every release knows, older ones included.
    { idx: 0, name: '0', path: '', type: 'sentence_transformers.models.StaticEmbedding' },
    { idx: 1, name: '1', path: '1_Normalize', type: 'sentence_transformers.models.Normalize' },
  ];
  const config = {
    __version__: {},
    prompts: { query: '', document: '' },
    default_prompt_name: null,
    similarity_fn_name: 'cosine',
  };
  writeModelFolder(dir, folder => {
    const put = (name: string, content: unknown) =>
      writeFileSync(join(folder, name), `${JSON.stringify(content, null, 2)}\n`);
    put('modules.json', modules);
    put('config_sentence_transformers.json', config);
    put('tokenizer.json', model.tokenizerJson);
    mkdirSync(join(folder, '1_Normalize'));
    put('1_Normalize/config.json', {});
    writeSafetensors(join(folder, 'model.safetensors'), new Map([[tableName, model.table]]));
    const facts = {
      name: basename(dir),
      kind: `A static encoder (mean of ${model.table.shape[0]} token embeddings):`,
      dimension,
    };
    writeFileSync(join(folder, cardName), renderCard(facts, card));
  });
}

/** Encodes with the model's table as it is at the time of each call. */
export function staticEncoder(name: string, model: StaticModel): Encoder {
  const { tokenizer, table } = model;
  const dimension = table.shape[1]!;
  return {
    name,
    dimension,
    async encode(texts) {
      const vectors = new Float32Array(texts.length * dimension);
      const sum = new Float64Array(dimension);
      for (const [i, text] of texts.entries()) {
        sum.fill(0);
        for (const id of tokenizer.encode(text)) {
          const start = id * dimension;
          for (let j = 0; j < dimension; j++) sum[j]! += table.data[start + j]!;
        }
        let squares = 0;
        for (const x of sum) squares += x * x;
        if (squares === 0) continue;
        const scale = 1 / Math.sqrt(squares);
        for (let j = 0; j < dimension; j++) vectors[i * dimension + j] = sum[j]! * scale;
      }
      return vectors;
    },
    async dispose() {},
  };
}
