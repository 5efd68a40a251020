import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { arch, cpus, loadavg, platform, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Figure, measure, type Result } from './measure.ts';
import { sizeFigures } from './size.ts';

/**
 * Speed and memory, each figure under its command: `npm run bench -- [GROUP…] [--logs N] [--rounds N]`. Every run is a
 * process of its own; what is shown is the median over the rounds. The commands run in a temporary folder whose logs come
 * from `node test/bench/generate-logs.ts . 1000 files` (or `lines`).
 */
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const bench = join(root, 'test', 'bench');
const cli = join(root, 'dist', 'cli.mjs');
const node = process.execPath;
const epochs = 2;
const tables = [
  { name: 'few', runs: 7, pairs: 100 },
  { name: 'many', runs: 7060, pairs: 100_000 },
];
/** Each search and each browse has reasoning before it; an answer ends the run. */
const long = { searches: 850, browses: 150, steps: 2002 };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { logs: { type: 'string', default: '1000' }, rounds: { type: 'string', default: '5' } },
});
const [count, rounds] = [Number(values.logs), Number(values.rounds)];
const folder = mkdtempSync(join(tmpdir(), 'lrat-bench-'));

const groups: Readonly<Record<string, () => readonly Figure[] | Promise<readonly Figure[]>>> = {
  index() {
    const [files, lines] = [megabytes('files'), megabytes('lines')];
    index();
    const rates = (size: number) => (seconds: number) => ({
      'trajectories/s': count / seconds,
      'MB/s': size / seconds,
    });
    const indexing = (layout: string, size: number) => ({
      command: [node, cli, 'index', layout, '--workspace', 'fresh', '--json'],
      prepare: fresh,
      figures: (seconds: number) => ({
        ...rates(size)(seconds),
        'MB of index': statSync(join(folder, 'fresh', '.lrat', 'index.db')).size / 1e6,
      }),
    });
    const parse: Figure = {
      title: 'JSON.parse of the same files in a loop, nothing else',
      command: [node, join(bench, 'peers', 'parse.ts'), 'files'],
      figures: rates(files),
    };
    const python = pythonCommand();
    const load: Figure[] =
      python === null
        ? []
        : [
            {
              title:
                'the same files loaded in Python: json.load, and a regular expression over each result list',
              command: [python, join(bench, 'peers', 'load.py'), 'files'],
              figures: rates(files),
            },
          ];
    return [
      {
        title: `index, a file per run (${files.toFixed(1)} MB)`,
        ...indexing('files', files),
        peers: [parse, ...load],
      },
      {
        title: `index, JSON Lines of 100 runs (${lines.toFixed(1)} MB)`,
        ...indexing('lines', lines),
      },
      parse,
      ...load,
      {
        title: 'index again, nothing changed',
        command: [node, cli, 'index', 'files', '--workspace', 'indexed', '--json'],
        figures: seconds => ({ 'files/s': count / seconds }),
      },
      {
        title: 'index again, one file changed',
        command: [node, cli, 'index', 'files', '--workspace', 'indexed', '--json'],
        prepare: () => appendFileSync(join(folder, 'files', '0.json'), '\n'),
        figures: seconds => ({ 'files/s': count / seconds }),
      },
      {
        title: 'status',
        command: [node, cli, 'status', '--workspace', 'indexed', '--json'],
        figures: () => ({}),
      },
    ];
  },

  follow() {
    megabytes('files');
    mkdirSync(join(folder, 'followed', '.lrat'), { recursive: true });
    writeFileSync(join(folder, 'followed', '.lrat', 'config.json'), '{"version": 1, "roots": ["../files"]}');
    run([node, cli, 'index', '--workspace', 'followed', '--json']);
    copyFileSync(join(folder, 'files-labels.jsonl'), join(folder, 'followed', '.lrat', 'labels.jsonl'));
    return [
      {
        title: 'logs that change are followed',
        command: [node, join(bench, 'follow.ts'), 'followed', 'files'],
        figures: (_, answer) => answer,
      },
    ];
  },

  mine() {
    index();
    return [
      {
        title: 'mine, with the texts of documents from the logs',
        command: mining,
        figures: (seconds, { rows }) => ({
          'trajectories/s': count / seconds,
          'MB/s of logs': megabytes('files') / seconds,
          'rows/s': rows! / seconds,
        }),
      },
    ];
  },

  train() {
    index();
    run(mining);
    const options = ['--base', 'static', '--epochs', String(epochs), '--workspace', 'fresh'];
    return [
      {
        title: `train a static encoder, ${epochs} epochs, from reading the pairs to the saved model`,
        command: [node, cli, 'train', '--pairs', 'pairs.jsonl', '--out', 'model', ...options, '--json'],
        prepare: fresh,
        figures: (seconds, { rows, rowsPerSecond, tokensPerSecond }) => ({
          'rows/s': (rows! * epochs) / seconds,
          'rows/s while training': rowsPerSecond!,
          'tokens/s while training': tokensPerSecond!,
        }),
      },
    ];
  },

  engine: () => [ownFigures('a training step of the engine', 'engine.ts')],
  encoder: () =>
    ['plain', 'world', 'sample', 'few'].map(name =>
      ownFigures(`training all-MiniLM-L6-v2 beside sentence-transformers: ${name}`, 'train-encoder.ts', name),
    ),
  embed: () => [ownFigures('5,000 texts through all-MiniLM-L6-v2', 'embed.ts')],
  search: () => [
    ownFigures('search', 'search.ts'),
    ownFigures('exact search over 100,000 vectors of 384 numbers, 1,000 queries, 2 threads', 'vectors.ts'),
    ownFigures('what vectors of fewer bits lose, all-MiniLM-L6-v2 on simulated pages', 'precision.ts'),
  ],

  size: () =>
    sizeFigures(count, {
      ...{ folder, node, lrat: [node, cli], python: pythonCommand() },
      generator: join(bench, 'generate-logs.ts'),
      pythonLoader: join(bench, 'peers', 'load.py'),
    }),

  editor() {
    megabytes('files');
    workspace('long', 1, [long.searches, long.browses]);
    for (const { name, runs } of tables) workspace(name, runs, [20, 20, 0.25]);
    return [
      {
        title: `the extension in its host: activated, ${count} logs indexed, a view opened and closed`,
        command: [node, join(bench, 'editor', 'host.ts'), 'files'],
        prepare: () => rmSync(join(folder, 'files', '.lrat'), { recursive: true, force: true }),
        figures: (_, answer) => answer,
      },
      {
        title: `a trajectory of ${long.steps} steps on the screen`,
        command: [node, join(bench, 'editor', 'screen.ts'), 'long', 'trajectory'],
        figures: (_, answer) => answer,
      },
      ...tables.map(({ name, pairs }) => ({
        title: `the panel of about ${pairs} pairs on the screen`,
        command: [node, join(bench, 'editor', 'screen.ts'), name, 'pairs'],
        figures: (_: number, answer: Record<string, number>) => answer,
      })),
    ];
  },
};

const mining = [
  ...[node, cli, 'mine', '--mode', 'attributed', '--labels', 'files-labels.jsonl', '--out', 'pairs.jsonl'],
  ...['--workspace', 'indexed', '--json'],
];

/** A script that measures by itself and prints its figures. */
function ownFigures(title: string, script: string, ...args: string[]): Figure {
  return { title, command: [node, join(bench, script), ...args], figures: (_, answer) => answer };
}

const made = new Map<string, number>();

/** Makes logs, unless they are there; how many megabytes they have. */
function megabytes(layout: 'files' | 'lines'): number {
  if (!made.has(layout)) {
    const { bytes } = run([node, join(bench, 'generate-logs.ts'), '.', String(count), layout]);
    made.set(layout, bytes! / 1e6);
  }
  return made.get(layout)!;
}

/** Makes an indexed and labelled workspace of runs of another shape. */
function workspace(name: string, runs: number, shape: readonly number[]): void {
  run([node, join(bench, 'generate-logs.ts'), name, String(runs), 'lines', ...shape.map(String)]);
  run([node, cli, 'index', '--workspace', name, '--json']);
  renameSync(join(folder, name, 'lines-labels.jsonl'), join(folder, name, '.lrat', 'labels.jsonl'));
}

/** Makes a workspace with the logs in its index, unless it is there. */
function index(): void {
  megabytes('files');
  if (made.has('index')) return;
  mkdirSync(join(folder, 'indexed'));
  run([node, cli, 'index', 'files', '--workspace', 'indexed', '--json']);
  made.set('index', 1);
}

function fresh(): void {
  rmSync(join(folder, 'fresh'), { recursive: true, force: true });
  mkdirSync(join(folder, 'fresh'));
}

/** Runs what only prepares. */
function run([program, ...args]: readonly string[]): Record<string, number> {
  const { status, stdout, stderr } = spawnSync(program!, args, { cwd: folder, encoding: 'utf8' });
  if (status === 0) return JSON.parse(stdout);
  throw new Error(`${program} ${args.join(' ')} failed:\n${stderr}`);
}

/** Python itself, not what stands in the path for it; null if there is none. */
function pythonCommand(): string | null {
  const asked = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' });
  return asked.status === 0 ? asked.stdout.trim() : null;
}

function show(figure: Figure, result: Result, others: ReadonlyMap<Figure, Result>): string {
  const { seconds, fastest, slowest, peak, figures } = result;
  const rates = Object.entries(figures).map(([unit, value]) => `${number(value)} ${unit}`);
  const memory = peak === null ? [] : [`peak ${number(peak / 1e6)} MB`];
  const time = `${number(seconds)} s (${number(fastest)} to ${number(slowest)})`;
  const ratios = (figure.peers ?? []).map(
    peer => `  ${number(seconds / others.get(peer)!.seconds)} times as long as: ${peer.title}`,
  );
  return [
    figure.title,
    `  ${shown(figure.command)}`,
    `  ${[time, ...rates, ...memory].join(', ')}`,
    ...ratios,
  ].join('\n');
}

/** A command as a person would type it. */
function shown(command: readonly string[]): string {
  return command
    .join(' ')
    .replace(`${node} ${cli}`, 'lrat')
    .replace(node, 'node')
    .replace(/\S*(?=python[\d.]* )/, '')
    .replaceAll(`${root}/`, '');
}

/** Three digits that count, and all before the point. */
function number(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

const load = () => `load ${loadavg()[0]!.toFixed(2)}`;
const unknown = positionals.find(name => groups[name] === undefined);
if (unknown !== undefined || !(count > 0) || !(rounds > 0)) {
  console.error(`Usage: npm run bench -- [${Object.keys(groups).join('|')} …] [--logs N] [--rounds N]`);
  process.exit(2);
}
console.log(
  `${cpus().length} cores (${cpus()[0]!.model}), ${platform()} ${arch()}, Node ${process.versions.node}`,
);
console.log(`${count} generated logs; medians of ${rounds} rounds; files in the page cache\n`);
try {
  for (const name of positionals.length > 0 ? positionals : Object.keys(groups)) {
    const figures = await groups[name]!();
    const before = load();
    const results = await measure(figures, rounds, folder);
    console.log(`${name} (${before} before, ${load()} after)\n`);
    for (const [figure, result] of results) console.log(`${show(figure, result, results)}\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
