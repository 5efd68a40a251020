import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { unwatched } from '../../../src/base/progress.ts';
import { buildStatic, saveStatic } from '../../../src/encoder/static.ts';
import { searchCorpus } from '../../../src/jobs/measure.ts';

const documents = [
  { docid: 'a', text: 'the mill at Aarburg was founded by a miller' },
  { docid: 'b', text: 'rivers of the north run to the sea' },
  { docid: 'c', text: 'a bridge over the river Aare' },
];

let folder: string;
const corpus = () => join(folder, 'corpus.jsonl');
const indexes = () => join(folder, '.lrat', 'indexes');
const search = (model: string) =>
  searchCorpus({ workspace: folder, model, corpus: corpus(), query: 'miller of Aarburg', k: 2 }, unwatched);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lrat-saved-'));
  writeFileSync(corpus(), documents.map(document => `${JSON.stringify(document)}\n`).join(''));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function makeModel(name: string, seed: number): string {
  const texts = documents.map(({ text }) => text);
  const dir = join(folder, name);
  saveStatic(dir, buildStatic(texts, [], { seed, dimension: 16 }), { lineage: {} });
  return dir;
}

test.each(['bm25', 'model'])('%s: the second search takes the saved index and finds the same', async kind => {
  const model = kind === 'bm25' ? kind : makeModel('model', 1);
  const first = await search(model);
  const [name] = readdirSync(indexes());
  const written = statSync(join(indexes(), name!), { bigint: true }).mtimeNs;
  const second = await search(model);
  expect(first.hits[0]?.id).toBe('a');
  expect(second.hits).toEqual(first.hits);
  expect(readdirSync(indexes())).toEqual([name]);
  expect(statSync(join(indexes(), name!), { bigint: true }).mtimeNs).toBe(written);
});

test('another corpus and another model have indexes of their own', async () => {
  const models = [makeModel('one', 1), makeModel('two', 2)];
  for (const model of models) await search(model);
  expect(readdirSync(indexes())).toHaveLength(2);
  writeFileSync(corpus(), `${JSON.stringify({ docid: 'd', text: 'the miller of Aarburg again' })}\n`);
  const { hits } = await search(models[0]!);
  expect(hits.map(({ id }) => id)).toEqual(['d']);
  expect(readdirSync(indexes())).toHaveLength(3);
});

test('a damaged index is made again', async () => {
  const first = await search('bm25');
  const path = join(indexes(), readdirSync(indexes())[0]!);
  const sound = readFileSync(path);
  writeFileSync(path, sound.subarray(0, sound.length - 20));
  expect((await search('bm25')).hits).toEqual(first.hits);
  expect(readFileSync(path).equals(sound)).toBe(true);
});

test('a query without a known word finds nothing, with a model as with BM25', async () => {
  for (const model of ['bm25', makeModel('model', 1)]) {
    const request = { workspace: folder, model, corpus: corpus(), query: 'zyxw qponm', k: 2 };
    expect((await searchCorpus(request, unwatched)).hits).toEqual([]);
  }
});
