import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import * as z from 'zod';
import { runAgent } from '../../src/agent/episode.ts';
import { writeLogs } from '../../src/agent/log.ts';
import { corpusOf, generateWorld } from '../../src/agent/world.ts';
import { unwatched } from '../../src/base/progress.ts';
import { Random } from '../../src/base/random.ts';
import { Bm25Index } from '../../src/retrieval/bm25.ts';
import { formatDefinition } from '../../src/trajectory/declared.ts';
import { readLog } from '../../src/trajectory/log.ts';
import { archiveOf } from './archives.ts';
import { type Content, contentOf, mutateBytes, mutateContent } from './mutate.ts';

/** A sound log that cases are made from. */
export interface Fixture {
  readonly name: string;
  readonly bytes: Buffer;
  readonly content: Content;
}

/** A log that is broken in some way. */
export interface FuzzCase {
  readonly number: number;
  readonly fixture: string;
  /** What was done to it, in order. */
  readonly changes: readonly string[];
  readonly extension: string;
  readonly bytes: Buffer;
}

const fixtures = join(import.meta.dirname, '..', 'fixtures');
const logs = join(fixtures, 'logs');
/** Real logs, where they are at hand. */
const real = join(import.meta.dirname, '..', '..', '..', 'shared', 'data');
/** A larger real log is no seed, in bytes: cases are many. */
const largestSeed = 64 * 2 ** 10;

/** How the logs are read: the fixtures have some of formats that a person described, and some that are encrypted. */
export const reading = {
  formats: z.array(formatDefinition).parse(JSON.parse(readFileSync(join(fixtures, 'formats.json'), 'utf8'))),
  canaryFile: join(fixtures, 'canary.txt'),
};

/** Writes logs that are no files among the fixtures: some of the simulated agent, which LRAT itself makes, and an archive. */
export async function writeMadeLogs(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const world = generateWorld(
    { seed: 1, gap: true, pages: 300, training: 3, heldOut: 1, starts: 10, filler: 4 },
    Random.seeded(1),
  );
  const retriever = Bm25Index.build(corpusOf(world));
  writeLogs(folder, world, await runAgent(world, retriever, world.training, { seed: 1 }, unwatched));
  writeFileSync(join(folder, 'inspect.eval'), inspectArchive());
}

/** The fixture of Inspect AI as the archive that it is mostly kept as. */
function inspectArchive(): Buffer {
  const { samples, ...header } = JSON.parse(readFileSync(join(logs, 'inspect.json'), 'utf8')) as {
    readonly samples: readonly { readonly id: unknown; readonly epoch: unknown }[];
  };
  const member = (name: string, value: unknown) => ({ name, content: JSON.stringify(value, null, 1) });
  return archiveOf([
    member('_journal/start.json', header),
    ...samples.map(sample => member(`samples/${sample.id}_epoch_${sample.epoch}.json`, sample)),
    member('header.json', header),
  ]);
}

/** What cases are made from. */
export interface Seeds {
  /** All fixtures of the log formats, and what is made in code. */
  readonly own: readonly Fixture[];
  /** Small real logs of known formats; none where they are not at hand. */
  readonly real: readonly Fixture[];
}

/** @param made where `writeMadeLogs` has written */
export function readSeeds(made: string): Seeds {
  const read = ({ path, name }: { readonly path: string; readonly name: string }): Fixture => {
    const bytes = readFileSync(path);
    return { name, bytes, content: contentOf(bytes) };
  };
  const small = filesIn(real).filter(({ path }) => statSync(path).size <= largestSeed && isLog(path));
  return { own: [...filesIn(logs), ...filesIn(made)].map(read), real: small.map(read) };
}

function isLog(path: string): boolean {
  for (const { kind } of readLog(path)) if (kind === 'trajectory') return true;
  return false;
}

function filesIn(folder: string): { readonly path: string; readonly name: string }[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .sort()
    .map(path => ({ path, name: relative(folder, path) }));
}

const extensions = ['.json', '.jsonl', '.txt', '.yaml', '.eval', '.log'];

/**
 * A case by its seed and number; fixtures take turns. Every third case is of a real log: the others are the same where
 * there are none.
 */
export function caseOf({ own, real }: Seeds, seed: number, number: number): FuzzCase {
  const random = Random.seeded(mixed(seed, number));
  const thirds = Math.floor((number + 1) / 3);
  const isReal = number % 3 === 2 && real.length > 0;
  const fixture = isReal ? real[(thirds - 1) % real.length]! : own[(number - thirds) % own.length]!;
  let made =
    random.below(2) === 0
      ? mutateContent(fixture.content, random)
      : mutateBytes(fixture.bytes, random.pick(own).bytes, random);
  if (random.below(10) === 0) {
    const { bytes, changes } = mutateBytes(made.bytes, fixture.bytes, random);
    made = { bytes, changes: [...made.changes, ...changes] };
  }
  const extension = random.below(8) === 0 ? random.pick(extensions) : extname(fixture.name);
  return { number, fixture: fixture.name, extension, ...made };
}

/** Neighbouring numbers must not give neighbouring streams (the finaliser of MurmurHash3). */
function mixed(seed: number, number: number): number {
  let hash = Math.imul(seed, 0x9e3779b1) ^ number;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
