import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import * as z from 'zod';
import { LratError } from '../base/errors.ts';
import { writeError } from '../base/files.ts';

/** One module of a sentence-transformers model, with its folder. */
export interface Module {
  /** The class name alone: `StaticEmbedding`, `Transformer`, `Pooling`, `Normalize`. */
  readonly type: string;
  readonly folder: string;
}

const modulesSchema = z.array(z.object({ type: z.string(), path: z.string() }));

/** The modules that a sentence-transformers folder lists in `modules.json`. */
export function readModules(dir: string): Module[] {
  const place = join(dir, 'modules.json');
  let text: string;
  try {
    text = readFileSync(place, 'utf8');
  } catch (cause) {
    throw new LratError('is no model folder: it has no modules.json that can be read.', {
      place: dir,
      remedy: 'Name a folder in the sentence-transformers layout, such as `lrat train --out` writes.',
      cause,
    });
  }
  try {
    return modulesSchema
      .parse(JSON.parse(text))
      .map(({ type, path }) => ({ type: type.slice(type.lastIndexOf('.') + 1), folder: join(dir, path) }));
  } catch (cause) {
    throw new LratError('is not a list of modules.', {
      place,
      remedy: 'Copy the model folder again.',
      cause,
    });
  }
}

/**
 * Writes a model folder under a temporary name beside `dir`, then lets it take the place of the model that was there.
 * Anything else that stands there is left alone.
 *
 * @throws LratError if `dir` is a file or a folder that holds something other than a model, or cannot be written.
 */
export function writeModelFolder(dir: string, write: (folder: string) => void): void {
  const target = resolve(dir);
  const temporary = `${target}.${randomUUID().slice(0, 8)}.tmp`;
  checkReplaceable(dir);
  const old = `${temporary}.old`;
  try {
    mkdirSync(dirname(target), { recursive: true });
    mkdirSync(temporary);
    write(temporary);
    if (existsSync(target)) renameSync(target, old);
    renameSync(temporary, target);
  } catch (error) {
    if (existsSync(old) && !existsSync(target)) renameSync(old, target);
    rmSync(temporary, { recursive: true, force: true });
    throw error instanceof LratError ? error : writeError(dir, error);
  }
  rmSync(old, { recursive: true, force: true });
}

/** @throws LratError if a model cannot be written there without the loss of something else. */
export function checkReplaceable(dir: string): void {
  if (!existsSync(dir) || existsSync(join(dir, 'modules.json'))) return;
  let entries: string[] | null = null;
  try {
    entries = readdirSync(dir);
  } catch {
    // Not a folder.
  }
  if (entries?.length !== 0) {
    throw new LratError('exists and is not a model folder; it is left as it is.', {
      place: dir,
      remedy: 'Choose another name for the model.',
    });
  }
}

/** What a model folder's README tells of where the model comes from. */
export interface ModelCard {
  /** In order: what (`Logs`, `Mining mode`, `Judge`, `Pairs`, …) and its value, one line each. */
  readonly lineage: Readonly<Record<string, string>>;
  /** The settings of its training; none if it is untrained. */
  readonly recipe?: Readonly<Record<string, unknown>>;
  /** What was measured. */
  readonly figures?: Readonly<Record<string, number>>;
}

export interface ModelFacts {
  readonly name: string;
  /** What kind of encoder, in a sentence. */
  readonly kind: string;
  readonly dimension: number;
}

export function renderCard(facts: ModelFacts, card: ModelCard): string {
  const cell = (text: string) => text.replace(/[|\r\n]+/g, ' ');
  const table = (head: string, rows: readonly (readonly [string, string])[]) =>
    [`| ${head} | |`, '|---|---|', ...rows.map(([key, value]) => `| ${cell(key)} | ${cell(value)} |`)].join(
      '\n',
    );
  const sections = [
    [
      '---',
      'library_name: sentence-transformers',
      'pipeline_tag: sentence-similarity',
      'tags: [sentence-transformers, sentence-similarity, feature-extraction, retrieval, lrat]',
      '---',
    ].join('\n'),
    `# ${facts.name}`,
    `${facts.kind} ${facts.dimension} dimensions, L2-normalised; compare by inner product.`,
    [
      '```python',
      'from sentence_transformers import SentenceTransformer',
      '',
      `model = SentenceTransformer("${basename(facts.name)}")`,
      '```',
    ].join('\n'),
    '## Lineage',
    table('From', Object.entries(card.lineage)),
  ];
  if (card.recipe !== undefined) {
    sections.push(
      '## Training',
      table(
        'Setting',
        Object.entries(card.recipe).map(([key, value]) => [key, String(value)] as const),
      ),
      'The loss is a weighted InfoNCE. The weight of a pair is the relevance intensity `w = (1 − exp(−ln 2 · l / β)) / μ_raw`, ' +
        'where `l` is the length of the reasoning after the document was opened, `β` the half-life and `μ_raw` the mean: ' +
        'Zhou et al., *Learning to Retrieve from Agent Trajectories*, arXiv 2604.04949, section 5.3.',
    );
  }
  if (card.figures !== undefined && Object.keys(card.figures).length > 0) {
    sections.push(
      '## Figures',
      table(
        'Measure',
        Object.entries(card.figures).map(
          ([key, value]) => [key, String(Number(value.toPrecision(6)))] as const,
        ),
      ),
    );
  }
  return `${sections.join('\n\n')}\n`;
}
