import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { corpusOf, defaultWorld, generateWorld } from '../../src/agent/world.ts';
import { parseProgress } from '../../src/base/progress.ts';
import { Random } from '../../src/base/random.ts';
import { openEncoder } from '../../src/encoder/open.ts';
import { DenseIndex } from '../../src/retrieval/dense.ts';
import { readVectorHeader } from '../../src/retrieval/vector-file.ts';
import { miniLm } from './minilm.ts';

/**
 * `lrat embed` of a large corpus with all-MiniLM-L6-v2, once, as JSON lines: `node test/bench/embed-corpus.ts FOLDER
 * [DOCUMENTS]`. The documents are the pages of a simulated world. Vectors of 32 bits are made by a process that is
 * interrupted after a third, by one that is killed after another, and by a third one that ends; vectors of 8 bits, from
 * products of 8 bits, by one. Then a search, and how many of the ten nearest of 300 questions are the same in both. Folder
 * and corpus are kept.
 */
const [folder, size] = [resolve(process.argv[2]!), Number(process.argv[3] ?? 100_000)];
const [questions, k] = [300, 10];
const cli = fileURLToPath(new URL('../../dist/cli.mjs', import.meta.url));
const peakTeller = fileURLToPath(new URL('tell-peak.mjs', import.meta.url));
const corpus = join(folder, 'corpus.jsonl');

interface Stop {
  readonly after: number;
  readonly signal: NodeJS.Signals;
}

/** Runs a command of `lrat`; with a stop, until so many documents are encoded. */
async function lrat(args: readonly string[], stop?: Stop) {
  const started = performance.now();
  const common = ['--workspace', folder, '--model', model!, '--corpus', corpus, '--json'];
  const child = spawn(process.execPath, ['--import', peakTeller, cli, ...args, ...common], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, LRAT_PROGRESS: 'json' },
  });
  const ended = new Promise<NodeJS.Signals | number | null>(done =>
    child.on('close', (code, signal) => done(signal ?? code)),
  );
  const output = Promise.all([child.stdout!, child.stdio[3] as NodeJS.ReadableStream].map(text));
  let counted = 0;
  const complaints: string[] = [];
  for await (const line of createInterface({ input: child.stderr! })) {
    const progress = parseProgress(line);
    if (progress === undefined) complaints.push(line);
    else if (progress.task === 'Encoding documents') {
      counted++;
      if (stop !== undefined && progress.done > stop.after) child.kill(stop.signal);
    }
  }
  const end = await ended;
  const [answer, peak] = (await output) as [string, string];
  if (stop === undefined && end !== 0)
    throw new Error(`lrat ${args.join(' ')} ended with ${end}: ${complaints}`);
  const seconds = (performance.now() - started) / 1000;
  return {
    answer: answer === '' ? null : JSON.parse(answer),
    figures: {
      end,
      seconds,
      'reports of progress': counted,
      'peak MB': peak === '' ? null : Number(peak) / 1e6,
    },
  };
}

const tell = (figures: object) => console.log(JSON.stringify(figures));

const model = miniLm();
if (model === null) process.exit(1);
mkdirSync(folder, { recursive: true });
// Pages of 64 words on average.
const settings = { ...defaultWorld, seed: 1, pages: size, filler: -4, training: 0, heldOut: questions };
const world = generateWorld(settings, Random.seeded(1));
if (!existsSync(corpus)) {
  const lines = corpusOf(world).map(({ id, text }) => `${JSON.stringify({ docid: id, text })}\n`);
  writeFileSync(corpus, lines.join(''));
}

const [fp32, int8] = ['fp32', 'int8'].map(name => join(folder, `${name}.vectors`)) as [string, string];
for (const path of [fp32, int8]) rmSync(path, { force: true });
const stops: readonly (Stop | undefined)[] = [
  { after: size / 3, signal: 'SIGINT' },
  { after: (2 * size) / 3, signal: 'SIGKILL' },
  undefined,
];
for (const [out, form, ends] of [
  [fp32, [], stops],
  [int8, ['--int8', '--precision', 'int8'], [undefined]],
] as const) {
  for (const stop of ends) {
    const { answer, figures } = await lrat(['embed', '--out', out, ...form], stop);
    tell({ command: ['embed', ...form].join(' '), ...figures, encoded: answer?.encoded });
  }
  tell({ file: out, MB: statSync(out).size / 1e6, ...readVectorHeader(out) });
}
const { answer, figures } = await lrat(['search', world.heldOut[0]!.text, '--vectors', fp32]);
tell({ command: 'search', ...figures, first: answer.hits[0] });

const encoder = await openEncoder(model);
const vectors = await encoder.encode(
  world.heldOut.map(({ text }) => text),
  'query',
);
const [exact, coarse] = await Promise.all(
  [fp32, int8].map(async path => DenseIndex.load(path, readVectorHeader(path).source).searchAll(vectors, k)),
);
const same = exact!.flatMap((hits, i) => {
  const found = new Set(coarse![i]!.map(({ id }) => id));
  return hits.map(({ id }) => Number(found.has(id)));
});
tell({ 'of the ten nearest the same in int8': same.reduce((sum, x) => sum + x) / same.length });
await encoder.dispose();
