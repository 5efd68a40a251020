import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { LratError } from '../../../src/base/errors.ts';
import { parseProgress, unwatched } from '../../../src/base/progress.ts';
import { Random } from '../../../src/base/random.ts';
import { openEncoder } from '../../../src/encoder/open.ts';
import { buildStatic, saveStatic } from '../../../src/encoder/static.ts';
import { embedCorpus } from '../../../src/jobs/embed.ts';
import { evaluateModels, searchCorpus } from '../../../src/jobs/measure.ts';
import { DenseIndex } from '../../../src/retrieval/dense.ts';
import { blockSize, readVectorHeader, readVectors } from '../../../src/retrieval/vector-file.ts';
import { saveRandomModel } from '../encoder/transformer-models.ts';

const cli = fileURLToPath(new URL('../../../src/cli.ts', import.meta.url));
const size = 2 * blockSize + 300;

let folder: string;
let workspace: string;
let made = 0;
const corpus = () => join(folder, 'corpus.jsonl');
const model = (name = 'model') => join(folder, name);
const out = () => join(workspace, 'out.vectors');
const documents: { docid: string; text: string }[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lrat-embed-'));
  saveRandomModel(model(), 'bert');
  saveRandomModel(model('other'), 'bert', { layer_norm_eps: 1e-6 });
  const words = 'a the red fox jumps over lazy dogs and sees who did it where when why how many'.split(' ');
  const random = Random.seeded(2);
  for (let i = 0; i < size; i++) {
    const length = 1 + Math.floor(16 * random.uniform());
    const text = Array.from({ length }, () => words[Math.floor(random.uniform() * words.length)]).join(' ');
    documents.push({ docid: `d${i}`, text });
  }
  writeFileSync(corpus(), documents.map(document => `${JSON.stringify(document)}\n`).join(''));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  workspace = join(folder, `workspace-${made++}`);
  mkdirSync(workspace);
});

const request = () => ({ workspace, model: model(), corpus: corpus() });
const search = (more: object = {}) =>
  searchCorpus({ ...request(), query: 'who sees the fox', k: 5, ...more }, unwatched);

test('each document gets its own vector, whatever was encoded beside it', async () => {
  const result = await embedCorpus({ ...request(), out: out() }, unwatched);
  expect(result).toMatchObject({
    out: out(),
    documents: size,
    encoded: size,
    dimension: 8,
    precision: 'fp32',
  });
  expect(result.bytes).toBe(readFileSync(out()).length);
  const { ids, vectors } = readVectors(out(), readVectorHeader(out()).source);
  expect(ids).toEqual(documents.map(({ docid }) => docid));
  const encoder = await openEncoder(model());
  for (let i = 0; i < size; i += 97) {
    const alone = await encoder.encode([documents[i]!.text], 'document');
    for (const [j, x] of alone.entries()) expect(vectors.numbers[i * 8 + j]).toBeCloseTo(x, 5);
  }
});

test('what was killed is gone on with, to the same file', async () => {
  const options = ['--workspace', workspace, '--model', model(), '--corpus', corpus(), '--out', out()];
  const child = spawn(process.execPath, [cli, 'embed', ...options], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, LRAT_PROGRESS: 'json' },
  });
  const ended = once(child, 'exit');
  for await (const line of createInterface({ input: child.stderr! })) {
    const progress = parseProgress(line);
    // In the second block: the first is on the disk.
    if (progress?.unit === 'documents' && progress.task.startsWith('Encoding') && progress.done > blockSize) {
      child.kill('SIGKILL');
    }
  }
  expect(await ended).toEqual([null, 'SIGKILL']);
  expect(readdirSync(workspace)).toEqual([`out.vectors.${child.pid}.partial`]);

  const result = await embedCorpus({ ...request(), out: out() }, unwatched);
  expect(result.encoded).toBe(size - blockSize);
  expect(readdirSync(workspace)).toEqual(['out.vectors']);
  const whole = join(workspace, 'whole.vectors');
  await embedCorpus({ ...request(), out: whole }, unwatched);
  expect(readFileSync(out()).equals(readFileSync(whole))).toBe(true);
});

test('what was stopped is gone on with, by a search too, and what is there is not made again', async () => {
  const stop = new AbortController();
  const stopped = embedCorpus(request(), {
    signal: stop.signal,
    report: ({ task, done }) => {
      if (task === 'Encoding documents' && done > blockSize) stop.abort();
    },
  });
  await expect(stopped).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  const encoded: number[] = [];
  await searchCorpus(
    { ...request(), query: 'who sees the fox', k: 5 },
    { ...unwatched, report: ({ task, done }) => task === 'Encoding documents' && encoded.push(done) },
  );
  expect(encoded[0]).toBe(blockSize);
  expect((await embedCorpus(request(), unwatched)).encoded).toBe(0);
  // Other numbers are asked for: the file is made anew.
  const { encoded: again, out: path } = await embedCorpus({ ...request(), precision: 'fp16' }, unwatched);
  expect([again, readVectorHeader(path).precision]).toEqual([size, 'fp16']);
});

test('searches and evaluations take the vectors that they are given, and say when they have fewer bits', async () => {
  const exact = await search();
  await embedCorpus({ ...request(), precision: 'int8', out: out() }, unwatched);
  const { hits, notices } = await search({ vectors: out() });
  expect(notices).toEqual([`model is searched by vectors of int8 (${out()}).`]);
  const found = DenseIndex.load(out(), readVectorHeader(out()).source);
  const query = await (await openEncoder(model())).encode(['who sees the fox'], 'query');
  expect(hits.map(({ id, score }) => ({ id, score }))).toEqual(found.search(query, 5));
  for (const [i, { score }] of hits.entries()) expect(score).toBeCloseTo(exact.hits[i]!.score, 1);

  writeFileSync(join(workspace, 'queries.tsv'), 'q1\twho sees the fox\n');
  writeFileSync(join(workspace, 'qrels.txt'), `q1 0 ${hits[0]!.id} 1\n`);
  const judged = { queries: join(workspace, 'queries.tsv'), qrels: join(workspace, 'qrels.txt') };
  const models = [model('other'), model()];
  const evaluated = await evaluateModels(
    { workspace, models, corpus: corpus(), judged, vectors: [out()] },
    unwatched,
  );
  expect(evaluated.notices).toEqual(notices);
  expect(evaluated.scores[0]!.retrievers.model!['recall@1']).toBe(1);
});

test('texts cut shorter and products in 8 bits give vectors of their own, which are told apart', async () => {
  const make = async (name: string, form: object) => {
    const path = join(workspace, name);
    const { encoded, computing } = await embedCorpus({ ...request(), ...form, out: path }, unwatched);
    const header = readVectorHeader(path);
    return { path, encoded, computing, header, numbers: readVectors(path, header.source).vectors.numbers };
  };
  const whole = await make('whole', {});
  const cut = await make('cut', { maxLength: 6 });
  expect(cut.header).toEqual({ ...whole.header, maxTokens: 6 });
  const encoder = await openEncoder(model());
  for (let i = 0; i < size; i += 97) {
    // Beside four words there are [CLS] and [SEP].
    const read = documents[i]!.text.split(' ').slice(0, 4).join(' ');
    const vector = await encoder.encode([read], 'document');
    for (const [j, x] of vector.entries()) expect(cut.numbers[8 * i + j]).toBeCloseTo(x, 5);
  }

  const both = await make('both', { maxLength: 6, int8: true });
  expect(both.computing).toBe('computing on cpu: It alone multiplies matrices in 8 bits.');
  expect(both.header).toEqual({ ...cut.header, products: 'int8' });
  const differences = both.numbers.map((x, i) => Math.abs(x - cut.numbers[i]!));
  expect(differences.every(x => x < 0.05)).toBe(true);
  expect(differences.filter(x => x > 1e-5).length).toBeGreaterThan(size);

  expect((await search({ vectors: both.path })).notices).toEqual([
    `model is searched by vectors of fp32, products in int8, texts cut to 6 tokens (${both.path}).`,
  ]);
  // The command line asks for the same.
  const options = ['--workspace', workspace, '--model', model(), '--corpus', corpus(), '--out', both.path];
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...[cli, 'embed', ...options, '--int8', '--max-length', '6'],
  ]);
  expect(stdout).toContain(`${size} vectors of 8 numbers (fp32, products in int8, texts cut to 6 tokens)`);
  expect(stdout).toContain(`0 were made now, ${size} before.`);
  // A limit that is not below the model's own cuts nothing.
  expect((await make('whole', { maxLength: 32 })).encoded).toBe(0);
  // Others are asked for: the file is made anew.
  expect((await make('both', {})).numbers).toEqual(whole.numbers);
});

test('how vectors are computed is refused where it would do nothing', async () => {
  saveStatic(model('static'), buildStatic(['a red fox'], [], { dimension: 4 }), { lineage: {} });
  const refuse = async (more: object) => {
    const error = await embedCorpus({ ...request(), out: out(), ...more }, unwatched).catch(error => error);
    expect(error).toBeInstanceOf(LratError);
    return `${error.place}: ${error.message} ${error.remedy}`;
  };
  const transformer = 'Leave it out, or name the folder of a transformer by --model.';
  const idle = 'a static encoder multiplies no matrices and reads whole texts.';
  expect(await refuse({ model: model('static'), int8: true })).toBe(`--int8: ${idle} ${transformer}`);
  expect(await refuse({ model: model('static'), maxLength: 9 })).toBe(`--max-length: ${idle} ${transformer}`);
  expect(await refuse({ model: model('static'), device: 'webgpu' })).toBe(
    `--device: static encoders compute on the CPU. ${transformer}`,
  );
  expect(await refuse({ int8: true, device: 'webgpu' })).toContain('--int8: is for the CPU');
  expect(await refuse({ maxLength: 2 })).toBe(
    `${join(model(), 'tokenizer.json')}: puts 2 tokens around a text, and 2 are to be read. Have longer texts read (--max-length, or max_seq_length of the model).`,
  );
});

test('vectors of another model or another corpus are refused', async () => {
  await embedCorpus({ ...request(), out: out() }, unwatched);
  const refuse = async (more: object) => {
    const error = await search({ vectors: out(), ...more }).catch(error => error);
    expect(error).toBeInstanceOf(LratError);
    expect(error).toMatchObject({ place: out(), remedy: expect.stringMatching(/\w\.$/) });
    return (error as LratError).message;
  };
  expect(await refuse({ model: model('other') })).toContain('that is not among');
  const another = join(workspace, 'another.jsonl');
  writeFileSync(another, `${JSON.stringify({ docid: 'x', text: 'a red fox' })}\n`);
  expect(await refuse({ corpus: another })).toContain('another corpus');
});
