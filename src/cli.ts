import { resolve } from 'node:path';
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { describeError, errorCode } from './base/errors.ts';
import { writeError } from './base/files.ts';
import type { Job } from './base/progress.ts';
import { printable } from './base/text.ts';
import * as text from './cli/answers.ts';
import { followInBackground } from './cli/background.ts';
import { cancelled, jobOf, Terminal } from './cli/terminal.ts';
import { type DeviceWish, deviceWishes } from './engine/device-wish.ts';
import { describeDevices } from './engine/devices.ts';
import { compareRuns } from './jobs/compare-runs.ts';
import { describeDiagnosis } from './jobs/diagnosis-text.ts';
import { diagnose } from './jobs/doctor.ts';
import { embedCorpus } from './jobs/embed.ts';
import { exportPairs } from './jobs/export.ts';
import { exportModel } from './jobs/export-model.ts';
import { buildIndex, indexStatus } from './jobs/index.ts';
import { labelStep, planJudging } from './jobs/judge.ts';
import { searchCorpus } from './jobs/measure.ts';
import { writeSeenCorpus } from './jobs/mine.ts';
import { listRuns, runFolder, stopRun } from './jobs/runs.ts';
import { resumeTraining, trainModel } from './jobs/train.ts';
import { recordedEvaluation, recordedJudging, recordedMining, resumeJudging } from './jobs/work-runs.ts';
import { type Layout, layouts, weightPlaces } from './mining/export.ts';
import { type Precision, precisions } from './retrieval/vectors.ts';
import {
  greatestDropout,
  loraLearningRate,
  normalisations,
  type Recipe,
  schedules,
} from './training/recipe.ts';

/** The composition root of the command line. Results go to standard output, everything else to standard error. */

const exit = { success: 0, failure: 1, usage: 2, cancelled: 130 };
const terminal = new Terminal();
/** What a process that was followed ended with. */
let followed = exit.success;

const program = new Command('lrat')
  .description(
    'Learn to retrieve from agent trajectories: index, judge, mine, train, embed, search, evaluate.',
  )
  .version(packageJson.version)
  .exitOverride()
  .configureOutput({ writeErr: words => terminal.say(words.trimEnd()) })
  .showHelpAfterError('(lrat COMMAND --help tells more)');

/** What may stand beside `train --resume`. */
const resumed = ['--resume', '--workspace', '--json', '--background', '--device'];

interface EmbedOptions {
  readonly model: string;
  readonly corpus: string;
  readonly precision: Precision;
  readonly int8?: boolean;
  readonly maxLength?: number;
  readonly device?: DeviceWish;
  readonly out?: string;
}

interface Common {
  readonly workspace: string;
  readonly json?: true;
  readonly background?: true;
}

/** A command with the options that all of them take. */
function command(usage: string, description: string): Command {
  return program
    .command(usage)
    .description(description)
    .exitOverride()
    .option('--workspace <dir>', 'folder whose .lrat holds index, labels, runs and models', '.')
    .option('--json', 'print one JSON object on standard output');
}

/** A command whose work is a run of the workspace. */
function runCommand(name: string, description: string): Command {
  return command(name, description).option(
    '--background',
    'work in a process of its own, which goes on when this terminal closes; Ctrl-C still stops it',
  );
}

// Without a listener a broken pipe would end the process: work goes on when nobody reads its progress any more.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

/** Writes a result. A reader that has seen enough (`lrat status | head`) is no failure. */
function print(words: string): Promise<void> {
  return new Promise((done, fail) => {
    process.stdout.write(words, error => {
      if (error == null || errorCode(error) === 'EPIPE') done();
      else fail(writeError('standard output', error));
    });
  });
}

/** Runs one command to its answer: `show` makes the text for people of what `work` gave. */
async function answer<Result extends object>(
  common: Common,
  work: (workspace: string, job: Job) => Promise<Result>,
  show: (result: Result) => string,
): Promise<void> {
  if (common.background === true) {
    const args = process.argv.slice(2).filter(argument => argument !== '--background');
    followed = await followInBackground(args, terminal);
    return;
  }
  const result = await work(resolve(common.workspace), jobOf(terminal));
  terminal.close();
  await print(`${common.json === true ? JSON.stringify(result) : printable(show(result))}\n`);
  // A training that is stopped still has an answer: where it stands, and how to go on.
  if ('state' in result && result.state === 'stopped') throw cancelled();
}

command(
  'index [paths...]',
  'read logs (default: the workspace) into the index; unchanged files are not read again',
)
  .option('--answers <file>', 'reference answers or verdicts: TSV `id question answer`, or JSON lines')
  .action((paths: string[], options: Common & { answers?: string }) =>
    answer(
      options,
      (workspace, job) => buildIndex({ workspace, paths, answers: options.answers }, job),
      text.ofIndexing,
    ),
  );

command('status', 'what the index holds, by retriever and outcome').action((options: Common) =>
  answer(options, workspace => indexStatus(workspace), text.ofStatus),
);

command('doctor <log>', 'explain how a log is understood, step by step; writes nothing')
  .option('--trajectory <id>', 'which trajectory to show step by step (default: the first)')
  .action((log: string, options: Common & { trajectory?: string }) =>
    answer(options, (workspace, job) => diagnose({ ...options, workspace, log }, job), describeDiagnosis),
  );

runCommand('judge', 'label the browses that nobody has judged')
  .addOption(new Option('--judge <kind>', 'who judges').choices(['rules', 'openai']))
  .option('--url <url>', 'base URL of an OpenAI-compatible endpoint (the key is read from LRAT_API_KEY)')
  .option('--model <name>', 'model at that endpoint')
  .option('--concurrency <n>', 'requests at once', positiveInteger)
  .option('--resume <run>', 'go on with a stopped judging, by its id, as it began; nothing else is needed')
  .addOption(
    new Option('--dry-run', 'say how many browses would be judged and what would be asked').conflicts(
      'resume',
    ),
  )
  .action(
    ({
      resume,
      dryRun,
      ...options
    }: Common & {
      judge?: 'rules' | 'openai';
      url?: string;
      model?: string;
      concurrency?: number;
      resume?: string;
      dryRun?: true;
    }) =>
      dryRun === true
        ? answer(options, (workspace, job) => planJudging({ ...options, workspace }, job), text.ofJudgePlan)
        : answer(
            options,
            (workspace, job) =>
              resume === undefined
                ? recordedJudging({ ...options, workspace }, job)
                : resumeJudging(workspace, resume, job),
            text.ofJudging,
          ),
  );

command('label', 'set the label of a browse by hand; it outranks every judge')
  .argument('<log>', 'name of the log, or the end of its path')
  .argument('<step>', "position in the log's own list of steps, from 0", wholeNumber)
  .addArgument(
    new Argument('<label>', 'what it shall be').choices(['relevant', 'irrelevant', 'unknown'] as const),
  )
  .option('--trajectory <id>', 'which trajectory, in a log that holds several')
  .option('--doc <id>', 'which document, for a step that opened several')
  .option('--note <text>', 'why')
  .action(
    (
      log: string,
      step: number,
      label: 'relevant' | 'irrelevant' | 'unknown',
      options: Common & { trajectory?: string; doc?: string; note?: string },
    ) =>
      answer(options, workspace => labelStep({ ...options, workspace, log, step, label }), text.ofLabelling),
  );

runCommand('mine', 'mine training pairs from the index')
  .addOption(new Option('--mode <mode>', 'rules of pairing').choices(['paper', 'released', 'attributed']))
  .option('--labels <file>', 'labels to mine with (default: .lrat/labels.jsonl)')
  .option(
    '--corpus <file>',
    'texts: JSON lines {docid, text} or {id, contents} (default: what the logs show)',
  )
  .option(
    '--tokenizer <name>',
    'unit of reasoning length: words, cl100k_base, or a folder with a tokenizer.json',
  )
  .addOption(
    new Option('--outcome <outcome>', 'which trajectories')
      .choices(['correct', 'incorrect', 'all'])
      .default('all'),
  )
  .requiredOption('--out <file>', 'where the pairs go, JSON lines')
  .action(
    (
      options: Common & {
        mode?: 'paper' | 'released' | 'attributed';
        labels?: string;
        corpus?: string;
        tokenizer?: string;
        outcome: 'correct' | 'incorrect' | 'all';
        out: string;
      },
    ) => answer(options, (workspace, job) => recordedMining({ ...options, workspace }, job), text.ofMining),
  );

command('export', 'write mined pairs in the layout of a trainer')
  .requiredOption('--pairs <file>', 'pairs from `lrat mine`')
  .addOption(new Option('--layout <name>', 'for which trainer').choices(layouts).makeOptionMandatory())
  .requiredOption('--out <file>', 'where the rows go, JSON lines')
  .addHelpText(
    'after',
    `\nWhere the weights stand:\n${layouts.map(name => `  ${name}: ${weightPlaces[name]}`).join('\n')}`,
  )
  .action((options: Common & { pairs: string; layout: Layout; out: string }) =>
    answer(options, (_, job) => exportPairs(options, job), text.ofExport),
  );

command(
  'export-model <model>',
  'write a transformer (its folder, or hub:ORGANISATION/NAME) as ONNX, in 32 and in 8 bits, into its folder, for transformers.js',
).action((model: string, options: Common) =>
  answer(options, (_, job) => exportModel({ model }, job), text.ofModelExport),
);

command('corpus', 'write the texts of all documents that the logs show')
  .requiredOption('--out <file>', 'where the corpus goes, JSON lines {docid, text}')
  .action((options: Common & { out: string }) =>
    answer(options, (workspace, job) => writeSeenCorpus({ ...options, workspace }, job), text.ofCorpus),
  );

runCommand('train', 'train a retriever on mined pairs')
  .option('--pairs <file>', 'pairs from `lrat mine`')
  .option('--base <model>', '`static`, or a model to go on from: its folder, or hub:ORGANISATION/NAME')
  .option(
    '--corpus <file>',
    'texts for the vocabulary of a new static encoder (default: the texts of the pairs)',
  )
  .option('--out <dir>', 'where the model goes')
  .option('--epochs <n>', 'passes over the pairs', positiveInteger)
  .option('--batch <n>', 'rows per step', positiveInteger)
  .option('--lr <x>', 'peak learning rate', positiveNumber)
  .option('--tau <x>', 'temperature', positiveNumber)
  .option('--group <n>', 'documents per row: one positive and n - 1 negatives', positiveInteger)
  .option('--warmup <x>', 'part of the steps in which the learning rate rises', fraction)
  .addOption(
    new Option('--schedule <name>', 'how the learning rate falls after that (default: linear)').choices(
      schedules,
    ),
  )
  .option(
    '--weight-decay <x>',
    'share of the learning rate by which matrices shrink in a step',
    numberFromZero,
  )
  .option(
    '--clip <norm>',
    'greatest norm of the gradients of a step; 0 leaves them as they are',
    numberFromZero,
  )
  .option('--max-length <n>', 'tokens of a text that are read', positiveInteger)
  .option('--dimension <n>', 'dimension of a new static encoder', positiveInteger)
  .option('--accumulate <n>', 'batches per step, whose losses are averaged', positiveInteger)
  .option('--together', 'put rows of one trajectory into one batch: they share documents')
  .option(
    '--dropout <x>',
    'part of the hidden states of a transformer that a step sets to zero, in steps of 1/256',
    dropoutRate,
  )
  .option('--fp16', 'multiply matrices in half precision on a GPU that can (mixed precision)')
  .option(
    '--freeze <n>',
    'lowest layers of a transformer, and its embeddings, that stay as they are',
    wholeNumber,
  )
  .option(
    '--lora <rank>',
    `train additions of this rank to the matrices of a transformer (LoRA), with --lr ${loraLearningRate} unless told`,
    positiveInteger,
  )
  .option('--eval-steps <n>', 'steps between measurements on the held-out questions', positiveInteger)
  .addOption(
    new Option(
      '--device <name>',
      'where a transformer is trained (default: a GPU where one is faster)',
    ).choices(deviceWishes),
  )
  .option(
    '--patience <n>',
    'end after so many measurements without a better one; keep the best',
    positiveInteger,
  )
  .option('--no-weights', 'give every pair the weight 1')
  .addOption(
    new Option(
      '--normalise <by>',
      'divide the sum of the weighted losses by the number of rows, as published, or by the sum of their weights',
    ).choices(normalisations),
  )
  .option('--held-out <x>', 'part of the questions that is kept for evaluation', fraction)
  .option('--seed <n>', 'seed of everything random', wholeNumber)
  .option(
    '--resume <run>',
    'go on with a stopped run, by its id or folder, as it began; nothing else is needed',
  )
  .action((options: Common & TrainOptions, command: Command) =>
    answer(
      options,
      (workspace, job) => {
        const { resume, pairs, out } = options;
        if (resume !== undefined) {
          const others = command.options.filter(
            option =>
              command.getOptionValueSource(option.attributeName()) === 'cli' &&
              !resumed.includes(option.long!),
          );
          if (others.length > 0) {
            const named = others.map(({ long }) => long).join(', ');
            throw new InvalidArgumentError(`A training is resumed as it began, without ${named}.`);
          }
          return resumeTraining({ workspace, run: resume, device: options.device }, job);
        }
        if (pairs === undefined || out === undefined)
          throw new InvalidArgumentError('train needs --pairs and --out, or --resume.');
        return trainModel({ ...options, workspace, pairs, out }, job);
      },
      text.ofTraining,
    ),
  );

command('runs', 'the runs of the workspace, newest first, and how they stand').action((options: Common) =>
  answer(options, workspace => listRuns(workspace), text.ofRuns),
);

command(
  'compare <run> <other>',
  'two trainings or evaluations that were measured on the same questions',
).action((run: string, other: string, options: Common) =>
  answer(options, (workspace, job) => compareRuns({ workspace, runs: [run, other] }, job), text.ofComparison),
);

command(
  'stop <run>',
  'stop a run, wherever it was started; --resume of `lrat train` or `lrat judge` goes on with it',
).action((run: string, options: Common) =>
  answer(
    options,
    async workspace => ({ run, stopped: await stopRun(runFolder(workspace, run)) }),
    text.ofStopping,
  ),
);

command('devices', 'what could compute here, which device is chosen, and why').action((options: Common) =>
  answer(options, () => describeDevices(), text.ofDevices),
);

command(
  'embed',
  'make the vectors of a corpus, or go on with making them; searches take them from the workspace',
)
  .requiredOption('--model <dir>', 'folder of a model, or hub:ORGANISATION/NAME')
  .requiredOption('--corpus <file>', 'JSON lines {docid, text} or {id, contents}')
  .addOption(
    new Option('--precision <name>', 'of the numbers that are kept').choices(precisions).default('fp32'),
  )
  .option(
    '--int8',
    'multiply the matrices of a transformer in 8 bits, on the CPU: less time, slightly other vectors',
  )
  .option('--max-length <n>', 'tokens of a text that a transformer reads', positiveInteger)
  .addOption(
    new Option(
      '--device <name>',
      'where a transformer computes (default: a GPU where one is faster)',
    ).choices(deviceWishes),
  )
  .option('--out <file>', 'where the vectors go (default: the workspace keeps them for its searches)')
  .action((options: Common & EmbedOptions) =>
    answer(options, (workspace, job) => embedCorpus({ ...options, workspace }, job), text.ofEmbedding),
  );

command('search <query>', 'search a corpus')
  .requiredOption('--model <dir>', 'folder of a model, hub:ORGANISATION/NAME, or `bm25`')
  .requiredOption('--corpus <file>', 'JSON lines {docid, text} or {id, contents}')
  .option('-k, --k <n>', 'how many documents', positiveInteger, 10)
  .option('--k1 <x>', 'BM25: saturation of term frequency', positiveNumber)
  .option('--b <x>', 'BM25: normalisation by length', fraction)
  .option('--vectors <file>', 'vectors from `lrat embed --out` (default: those of the workspace)')
  .action(
    (
      query: string,
      options: Common & {
        model: string;
        corpus: string;
        k: number;
        k1?: number;
        b?: number;
        vectors?: string;
      },
    ) =>
      answer(options, (workspace, job) => searchCorpus({ ...options, workspace, query }, job), text.ofSearch),
  );

runCommand('eval', 'measure retrievers on held-out questions')
  .requiredOption(
    '--model <dirs...>',
    'folders of models, hub:ORGANISATION/NAME, or `bm25`; the first is the baseline',
  )
  .requiredOption('--corpus <file>', 'JSON lines {docid, text} or {id, contents}')
  .option('--pairs <file>', 'judge by the positives of these pairs')
  .option('--queries <tsv>', 'queries, `id<TAB>query`')
  .option('--qrels <file>', 'relevant documents, TREC format')
  .option('-k, --k <n...>', 'cut-offs of the metrics', (value: string, before: number[] = []) => [
    ...before,
    positiveInteger(value),
  ])
  .option('--k1 <x>', 'BM25: saturation of term frequency', positiveNumber)
  .option('--b <x>', 'BM25: normalisation by length', fraction)
  .option('--vectors <files...>', 'vectors from `lrat embed --out` (default: those of the workspace)')
  .option('--runs <dir>', 'write TREC run files here')
  .option('--seed <n>', 'seed of the bootstrap', wholeNumber)
  .action(
    (
      options: Common & {
        model: string[];
        corpus: string;
        pairs?: string;
        queries?: string;
        qrels?: string;
        k?: number[];
        k1?: number;
        b?: number;
        vectors?: string[];
        runs?: string;
        seed?: number;
      },
    ) =>
      answer(
        options,
        (workspace, job) =>
          recordedEvaluation(
            { ...options, workspace, models: options.model, judged: judgedBy(options), cutoffs: options.k },
            job,
          ),
        text.ofEvaluation,
      ),
  );

command(
  'demo',
  'the whole road on a simulated world: agents search, pairs are mined, retrievers trained and compared',
)
  .option('--seed <n>', 'seed of the world and of everything in it', wholeNumber, 7)
  .option(
    '--base <model>',
    'model to train instead of a new static encoder: its folder, or hub:ORGANISATION/NAME',
  )
  .option('--out <dir>', 'where logs, pairs, models and the report go', 'lrat-demo')
  .action(async (options: Common & { seed: number; base?: string; out: string }) => {
    // Loaded on demand: no other command needs the simulation.
    const { describeDemo, runDemo } = await import('./agent/demo.ts');
    const out = resolve(options.out);
    await answer(
      options,
      (_, job) =>
        runDemo({ seed: options.seed, base: options.base, out, job, print: words => terminal.say(words) }),
      describeDemo,
    );
  });

interface TrainOptions {
  readonly pairs?: string;
  readonly base?: string;
  readonly corpus?: string;
  readonly out?: string;
  readonly epochs?: number;
  readonly batch?: number;
  readonly lr?: number;
  readonly tau?: number;
  readonly group?: number;
  readonly warmup?: number;
  readonly schedule?: Recipe['decay'];
  readonly weightDecay?: number;
  readonly clip?: number;
  readonly maxLength?: number;
  readonly dimension?: number;
  readonly accumulate?: number;
  readonly together?: boolean;
  readonly dropout?: number;
  readonly fp16?: boolean;
  readonly freeze?: number;
  readonly lora?: number;
  readonly evalSteps?: number;
  readonly patience?: number;
  readonly device?: DeviceWish;
  readonly weights: boolean;
  readonly normalise?: Recipe['normalisation'];
  readonly heldOut?: number;
  readonly seed?: number;
  readonly resume?: string;
}

function judgedBy({ pairs, queries, qrels }: { pairs?: string; queries?: string; qrels?: string }) {
  if (pairs !== undefined && queries === undefined && qrels === undefined) return { pairs };
  if (pairs === undefined && queries !== undefined && qrels !== undefined) return { queries, qrels };
  throw new InvalidArgumentError('eval needs either --pairs, or both --queries and --qrels.');
}

function checkedNumber(value: string, valid: (number: number) => boolean, wanted: string): number {
  const number = value.trim() === '' ? Number.NaN : Number(value);
  if (!valid(number)) throw new InvalidArgumentError(`It must be ${wanted}.`);
  return number;
}

function wholeNumber(value: string): number {
  return checkedNumber(
    value,
    number => Number.isSafeInteger(number) && number >= 0,
    'a whole number from 0 on',
  );
}

function positiveInteger(value: string): number {
  return checkedNumber(
    value,
    number => Number.isSafeInteger(number) && number > 0,
    'a whole number from 1 on',
  );
}

function positiveNumber(value: string): number {
  return checkedNumber(value, number => Number.isFinite(number) && number > 0, 'a number above 0');
}

function numberFromZero(value: string): number {
  return checkedNumber(value, number => Number.isFinite(number) && number >= 0, 'a number from 0 on');
}

function dropoutRate(value: string): number {
  return checkedNumber(
    value,
    number => number >= 0 && number <= greatestDropout,
    `a number from 0 to ${greatestDropout}`,
  );
}

function fraction(value: string): number {
  return checkedNumber(value, number => number >= 0 && number <= 1, 'a number from 0 to 1');
}

async function main(): Promise<number> {
  try {
    await program.parseAsync();
    return followed;
  } catch (error) {
    terminal.close();
    if (error instanceof CommanderError) {
      // Commander has already printed its own message, except for what our actions checked.
      if (error instanceof InvalidArgumentError) terminal.say(`error: ${error.message}`);
      return error.exitCode === 0 ? exit.success : exit.usage;
    }
    if (error instanceof Error && error.name === 'AbortError') {
      terminal.say('Cancelled. What was finished is kept.');
      return exit.cancelled;
    }
    terminal.say(`lrat: ${describeError(error)}`);
    if (process.env.LRAT_DEBUG !== undefined && error instanceof Error) terminal.say(error.stack ?? '');
    return exit.failure;
  }
}

process.exitCode = await main();
