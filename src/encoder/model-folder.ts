import { createHash, randomUUID } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, posix, resolve } from 'node:path';
import * as z from 'zod';
import { LratError } from '../base/errors.ts';
import { writeError, writeFileAtomic } from '../base/files.ts';

/** One module of a sentence-transformers model, with its folder. */
export interface Module {
  /** The class name alone: `StaticEmbedding`, `Transformer`, `Pooling`, `Normalize`. */
  readonly type: string;
  readonly folder: string;
  /** The folder within the model's, with `/` on every system; empty where it is the same. */
  readonly path: string;
}

/** Nothing outside of the folder is part of a model. */
const pathSchema = z
  .string()
  .transform(path => posix.relative('', path.replaceAll('\\', '/')))
  .refine(path => !path.startsWith('..'), 'a module is outside of its folder');
const modulesSchema = z.array(z.object({ type: z.string(), path: pathSchema }));

/**
 * The modules that a sentence-transformers folder lists in `modules.json`. A plain checkpoint of Hugging Face has no such list,
 * and is a transformer alone.
 */
export function readModules(dir: string): Module[] {
  const place = join(dir, 'modules.json');
  if (!existsSync(place) && isCheckpoint(dir)) return [{ type: 'Transformer', folder: dir, path: '' }];
  let text: string;
  try {
    text = readFileSync(place, 'utf8');
  } catch (cause) {
    throw new LratError(
      'is no model folder: it has neither a modules.json that can be read nor a config.json that tells its architecture.',
      {
        place: dir,
        remedy:
          'Name a folder in the sentence-transformers layout, such as `lrat train --out` writes, or a checkpoint of Hugging Face.',
        cause,
      },
    );
  }
  try {
    return modulesSchema.parse(JSON.parse(text)).map(({ type, path }) => ({
      type: type.slice(type.lastIndexOf('.') + 1),
      folder: join(dir, path),
      path,
    }));
  } catch (cause) {
    throw new LratError('is not a list of modules.', {
      place,
      remedy: 'Copy the model folder again.',
      cause,
    });
  }
}

function isCheckpoint(dir: string): boolean {
  try {
    return typeof JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8')).model_type === 'string';
  } catch {
    return false;
  }
}

/** The files of a model, as paths from its folder: those beside its modules, and behind links too. */
export function modelFiles(dir: string): string[] {
  const folders = new Set(['', ...readModules(dir).map(({ path }) => path)]);
  return [...folders]
    .flatMap(folder =>
      existsSync(join(dir, folder))
        ? readdirSync(join(dir, folder)).map(name => posix.join(folder, name))
        : [],
    )
    .filter(path => statSync(join(dir, path), { throwIfNoEntry: false })?.isFile())
    .sort();
}

/** Of a model's files those that its vectors depend on: not its card, and no weights for other programs. */
const decisive =
  /(?:^|\/)(?:modules|config|config_sentence_transformers|sentence_bert_config|tokenizer|tokenizer_config)\.json$|\.safetensors(?:\.index\.json)?$/;

/** What `lrat export-model` sets in settings, for transformers.js alone. */
export const exportFields = {
  'config.json': 'transformers.js_config',
  'tokenizer_config.json': 'padding_side',
} as const;

/**
 * Stands for all that the vectors of a model depend on, in hexadecimal digits: the same after an export, or in a folder of
 * links. Raises as `readModules` does.
 */
export async function hashModel(dir: string): Promise<string> {
  const hash = createHash('sha256');
  for (const path of modelFiles(dir).filter(path => decisive.test(path))) {
    hash.update(`${path}\0`);
    const place = join(dir, path);
    const field = (exportFields as Readonly<Record<string, string>>)[basename(path)];
    if (field !== undefined) hash.update(withoutField(readFileSync(place, 'utf8'), field));
    // Weights may be more than is read at once.
    else for await (const piece of createReadStream(place)) hash.update(piece);
  }
  return hash.digest('hex');
}

function withoutField(json: string, field: string): string {
  try {
    return JSON.stringify(JSON.parse(json), (name, value) => (name === field ? undefined : value));
  } catch {
    return json;
  }
}

type Settings = Readonly<Record<string, unknown>>;

/** Rewrites a file of settings, which may be new, unless `change` gives back what it was given. */
export function changeSettings(place: string, change: (settings: Settings) => Settings): void {
  const settings: Settings = existsSync(place) ? JSON.parse(readFileSync(place, 'utf8')) : {};
  const changed = change(settings);
  if (changed !== settings) writeFileAtomic(place, `${JSON.stringify(changed, null, 2)}\n`);
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

/** The file of a model's card. */
export const cardName = 'README.md';

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
        Object.entries(card.recipe).map(([key, value]) => [key, worded(value)] as const),
      ),
      card.recipe.weighted === false
        ? 'The loss is InfoNCE, in which all pairs count alike.'
        : 'The loss is a weighted InfoNCE. The weight of a pair is the relevance intensity `w = (1 − exp(−ln 2 · l / β)) / μ_raw`, ' +
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

/** A section more at the end of a model's card. */
export function addToCard(dir: string, section: string): void {
  const place = join(dir, cardName);
  writeFileAtomic(place, `${readFileSync(place, 'utf8')}\n${section}\n`);
}

/** A setting for people: of several parts, each with its name. */
function worded(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([part, own]) => `${part} ${own}`)
    .join(', ');
}
