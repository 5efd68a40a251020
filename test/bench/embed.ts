import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { corpusOf, defaultWorld, generateWorld } from '../../src/agent/world.ts';
import { unwatched } from '../../src/base/progress.ts';
import { Random } from '../../src/base/random.ts';
import { type OpenOptions, openEncoder } from '../../src/encoder/open.ts';
import { DenseRetriever } from '../../src/retrieval/dense.ts';
import { median } from './measure.ts';
import { miniLm, torchPython } from './minilm.ts';

/**
 * Texts per second through all-MiniLM-L6-v2, ours and sentence-transformers', as JSON: `node test/bench/embed.ts [TEXTS
 * [ROUNDS [DEVICE]]]`. The texts are stretches of the simulated world's pages of 4 to 192 words, as many of each length as of its
 * double; all take turns, round after round, with as many threads as there are cores. What 8 bits cost is told by the ten
 * nearest texts of 500 questions: how many are the same. The device is `cpu`, or `gpu`: WebGPU for us in place of 8 bits, and
 * CUDA for PyTorch.
 */
const [textCount, rounds] = [Number(process.argv[2] ?? 5000), Number(process.argv[3] ?? 5)];
const onGpu = process.argv[4] === 'gpu';
const [fewestWords, mostWords, questions, k] = [4, 192, 500, 10];

const random = Random.seeded(1);
const world = generateWorld({ ...defaultWorld, seed: 1 }, random);
const words = corpusOf(world).flatMap(({ text }) => text.split(/\s+/));
const texts = Array.from({ length: textCount }, () => {
  const length = Math.floor(fewestWords * (mostWords / fewestWords) ** random.uniform());
  const start = Math.floor(random.uniform() * (words.length - length));
  return words.slice(start, start + length).join(' ');
});

const folder = mkdtempSync(join(tmpdir(), 'lrat-embed-'));

/** sentence-transformers in a process of its own. */
function peerOf(model: string, python: string): { pass: () => Promise<number>; end: () => void } {
  const file = join(folder, 'texts.json');
  writeFileSync(file, JSON.stringify(texts));
  const script = fileURLToPath(new URL('peers/embed.py', import.meta.url));
  const args = [script, model, file, String(availableParallelism()), onGpu ? 'cuda' : 'cpu'];
  const child = spawn(python, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, HF_HUB_OFFLINE: '1' },
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    /** The seconds of one pass over the texts. */
    async pass() {
      child.stdin.write('\n');
      const { value, done } = await answers.next();
      if (done === true) throw new Error('sentence-transformers ended before it answered');
      return JSON.parse(value).seconds;
    },
    end: () => child.stdin.end(),
  };
}

async function figuresOf(model: string): Promise<Record<string, number>> {
  const others: Readonly<Record<string, OpenOptions>> = onGpu
    ? { webgpu: { device: async () => 'webgpu' } }
    : { int8: { precision: 'int8' } };
  const sides = Object.entries<OpenOptions>({ fp32: {}, ...others });
  const encoders = await Promise.all(sides.map(([, options]) => openEncoder(model, options)));
  const python = torchPython();
  const peer = python === null ? null : peerOf(model, python);
  const passes = new Map<string, () => Promise<number>>(
    sides.map(([name], i) => [
      name,
      async () => {
        const started = performance.now();
        await encoders[i]!.encode(texts, 'document');
        return (performance.now() - started) / 1000;
      },
    ]),
  );
  if (peer !== null) passes.set('sentence-transformers', peer.pass);
  const seconds = new Map([...passes.keys()].map(name => [name, [] as number[]]));
  for (const encoder of encoders) await encoder.encode(texts.slice(0, 32), 'document');
  for (let round = 0; round < rounds; round++)
    for (const [name, pass] of passes) seconds.get(name)!.push(await pass());
  peer?.end();

  const documents = texts.map((text, i) => ({ id: String(i), text }));
  const asked = world.training.slice(0, questions).map(({ text }) => text);
  const [exact, rounded] = await Promise.all(
    encoders.map(async encoder => {
      const lists = await (await DenseRetriever.build(encoder, documents, unwatched)).searchAll(asked, k);
      return lists.map(hits => new Set(hits.map(({ id }) => id)));
    }),
  );
  const same = exact!.reduce((sum, hits, i) => sum + [...hits].filter(id => rounded![i]!.has(id)).length, 0);
  await Promise.all(encoders.map(encoder => encoder.dispose()));

  const rate = (name: string) => texts.length / median(seconds.get(name)!);
  const ratios =
    peer === null
      ? []
      : sides.map(([name]) => [
          `times sentence-transformers in ${name}`,
          rate(name) / rate('sentence-transformers'),
        ]);
  return Object.fromEntries([
    ...[...seconds.keys()].map(name => [`texts/s ${name}`, rate(name)]),
    ...ratios,
    [`of the ${k} nearest texts the same in ${sides[1]![0]}`, same / (k * asked.length)],
  ]);
}

try {
  const model = miniLm();
  if (model === null) process.exitCode = 1;
  else console.log(JSON.stringify(await figuresOf(model)));
} finally {
  rmSync(folder, { recursive: true });
}
