import { spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { corpusOf, defaultWorld, generateWorld } from '../../src/agent/world.ts';
import { parseProgress } from '../../src/base/progress.ts';
import { Random } from '../../src/base/random.ts';
import { miniLm } from './minilm.ts';

/**
 * `lrat embed` of a large corpus with all-MiniLM-L6-v2, once, as JSON lines: `node test/bench/embed-corpus.ts
 * [DOCUMENTS]`. The documents are pages of simulated worlds, of 64 words on average. Vectors of 32 bits are made by a process
 * that is interrupted after a third, by one that is killed after another, and by a third one that ends; vectors of 8 bits,
 * from products of 8 bits, by one. Then a search.
 */
const size = Number(process.argv[2] ?? 100_000);
/** Pages of a world, which has no more names. */
const most = 20_000;
const folder = mkdtempSync(join(tmpdir(), 'lrat-embed-corpus-'));
const cli = fileURLToPath(new URL('../../dist/cli.mjs', import.meta.url));
const peakTeller = fileURLToPath(new URL('tell-peak.mjs', import.meta.url));
const corpus = join(folder, 'corpus.jsonl');

interface Stop {
  readonly after: number;
  readonly signal: 'SIGINT' | 'SIGKILL';
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
try {
  let question = '';
  for (let made = 0; made < size; made += most) {
    const pages = Math.min(most, size - made);
    const settings = { ...defaultWorld, seed: made, pages, filler: -4, training: 0, heldOut: 1 };
    const world = generateWorld(settings, Random.seeded(made));
    question = world.heldOut[0]!.text;
    for (const { id, text } of corpusOf(world))
      appendFileSync(corpus, `${JSON.stringify({ docid: `${made}-${id}`, text })}\n`);
  }
  const stops: readonly (Stop | undefined)[] = [
    { after: size / 3, signal: 'SIGINT' },
    { after: (2 * size) / 3, signal: 'SIGKILL' },
    undefined,
  ];
  for (const [name, form, ends] of [
    ['fp32', [], stops],
    ['int8', ['--int8', '--precision', 'int8'], [undefined]],
  ] as const) {
    const out = join(folder, `${name}.vectors`);
    for (const stop of ends) {
      const { answer, figures } = await lrat(['embed', '--out', out, ...form], stop);
      tell({ command: ['embed', ...form].join(' '), ...figures, encoded: answer?.encoded });
    }
    tell({ vectors: name, MB: statSync(out).size / 1e6 });
    const { answer, figures } = await lrat(['search', question, '--vectors', out]);
    tell({ command: 'search', ...figures, found: answer.hits.length });
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
