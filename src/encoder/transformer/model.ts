import { existsSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import * as z from 'zod';
import { LratError } from '../../base/errors.ts';
import type { TextKind } from '../encoder.ts';
import type { Module } from '../model-folder.ts';
import { openModelTensors } from '../safetensors.ts';
import { readTokenizerJson } from '../tokenizer.ts';
import type { Parameter } from '../trainable.ts';
import type { Architecture } from './architecture.ts';
import { bert } from './bert.ts';
import { qwen3 } from './qwen3.ts';
import { type ModelTokenizer, modelTokenizer } from './tokens.ts';

/** How the hidden states of a text's tokens become one vector. */
export type Pooling = 'mean' | 'cls' | 'lasttoken';

/** A transformer encoder in memory. */
export interface TransformerModel {
  /** The folder that it was read from, and the modules that it has there. */
  readonly folder: string;
  readonly modules: readonly Module[];
  readonly architecture: Architecture;
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly tokenizer: ModelTokenizer;
  readonly pooling: Pooling;
  /** What stands before a text of each kind. */
  readonly prompts: Readonly<Record<TextKind, string>>;
  /** Texts are cut after so many tokens. */
  readonly maxTokens: number;
}

/** Where sentence-transformers keeps what it adds to a transformer. */
export const wrapperConfig = 'sentence_bert_config.json';

/** And the prompts. */
export const promptConfig = 'config_sentence_transformers.json';

/** Architectures by the `model_type` of their config. */
const architectures: Readonly<Record<string, (config: unknown) => Architecture>> = {
  bert,
  roberta: bert,
  'xlm-roberta': bert,
  qwen3,
};

type Usual = Pick<TransformerModel, 'pooling' | 'prompts'>;

const task = 'Given a web search query, retrieve relevant passages that answer the query';

/**
 * What a model does where its folder does not say. Of BERT's family only the name tells: E5 (arXiv 2212.03533) and
 * multilingual E5 (arXiv 2402.05672) were trained with prompts that their folders do not hold, and BGE (arXiv 2309.07597,
 * 2402.03216) takes the vector of the first token.
 */
function usual(family: string, name: string): Usual {
  // With and without a space after `Query:`, as each was trained (LRAT, section 5.4).
  if (family === 'qwen3')
    return { pooling: 'lasttoken', prompts: { query: `Instruct: ${task}\nQuery:`, document: '' } };
  if (/\be5-\w+-instruct$/i.test(name))
    return { pooling: 'mean', prompts: { query: `Instruct: ${task}\nQuery: `, document: '' } };
  if (/\be5-(?:small|base|large)(?:-v2)?$/i.test(name))
    return { pooling: 'mean', prompts: { query: 'query: ', document: 'passage: ' } };
  if (/\bbge-(?:small|base|large|m3)\b/i.test(name))
    return { pooling: 'cls', prompts: { query: '', document: '' } };
  return { pooling: 'mean', prompts: { query: '', document: '' } };
}

/**
 * Reads a transformer encoder.
 * @param dir folder in the layout of sentence-transformers, whose `modules` are given @param maxTokens cuts texts shorter
 * than the model itself does; null leaves that as it is
 * @throws LratError naming file and remedy if something in it is missing, misshapen or not known here
 */
export function readTransformer(
  dir: string,
  modules: readonly Module[],
  maxTokens: number | null = null,
): TransformerModel {
  const [first, ...others] = modules;
  const folder = first!.folder;
  const unknown = others.find(({ type }) => type !== 'Pooling' && type !== 'Normalize');
  if (unknown !== undefined) {
    throw new LratError(`has a module ${unknown.type}, which is not known here.`, {
      place: dir,
      remedy: 'Known after a Transformer: Pooling, Normalize.',
    });
  }
  const architecture = readArchitecture(folder);
  const defaults = usual(architecture.family, nameOf(resolve(dir)));
  const pooling = others.find(({ type }) => type === 'Pooling');
  const limit = Math.min(readTextLimit(folder, architecture), maxTokens ?? Number.POSITIVE_INFINITY);
  const tokenizerPath = join(folder, 'tokenizer.json');
  const tokenizer = modelTokenizer(readTokenizerJson(tokenizerPath), tokenizerPath, limit);
  if (tokenizer.size > architecture.vocabulary) {
    throw new LratError(
      `has ids up to ${tokenizer.size - 1}, the model's embedding table ${architecture.vocabulary} rows.`,
      {
        place: tokenizerPath,
        remedy: 'Tokenizer and model belong to different models: copy the whole folder again.',
      },
    );
  }
  const own: Partial<Record<string, string>> = readPrompts(join(dir, promptConfig)) ?? {};
  return {
    folder: dir,
    modules,
    architecture,
    parameters: readParameters(folder, architecture),
    tokenizer,
    pooling: pooling === undefined ? defaults.pooling : readPooling(join(pooling.folder, 'config.json')),
    // sentence-transformers knows documents by three names, and takes the first that there is.
    prompts: {
      query: own.query ?? defaults.prompts.query,
      document: own.document ?? own.passage ?? own.corpus ?? defaults.prompts.document,
    },
    maxTokens: limit,
  };
}

/** The name of a model's folder; in Hugging Face's cache (`models--ORGANISATION--NAME/snapshots/REVISION`) that of the model. */
function nameOf(folder: string): string {
  return /models--[^/\\]+?--([^/\\]+)[/\\]snapshots[/\\][^/\\]+$/.exec(folder)?.[1] ?? basename(folder);
}

/** The architecture that the `config.json` in a folder describes. Raises as `readTransformer` does. */
export function readArchitecture(folder: string): Architecture {
  const place = join(folder, 'config.json');
  const config = readJson(place, z.looseObject({ model_type: z.string() }));
  const make = architectures[config.model_type];
  if (make === undefined || !Object.hasOwn(architectures, config.model_type)) {
    throw new LratError(`is of the architecture ${config.model_type}, which is not known here.`, {
      place,
      remedy: `Known: ${Object.keys(architectures).join(', ')}.`,
    });
  }
  try {
    return make(config);
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new LratError(`describes a ${config.model_type} that is not known here: ${reason}`, {
      place,
      cause,
    });
  }
}

/** Normalisations of the first BERT checkpoints are named so. */
function older(name: string): string {
  return name.replace(/LayerNorm\.weight$/, 'LayerNorm.gamma').replace(/LayerNorm\.bias$/, 'LayerNorm.beta');
}

function readParameters(folder: string, { parameters, prefix }: Architecture): Map<string, Parameter> {
  const tensors = openModelTensors(folder);
  const names = new Set(tensors.names);
  return new Map(
    [...parameters].map(([name, { shape, decay }]) => {
      const saved =
        [name, prefix + name].flatMap(each => [each, older(each)]).find(each => names.has(each)) ?? name;
      const { data } = tensors.floats(saved, shape);
      const at = data.findIndex(value => !Number.isFinite(value));
      if (at >= 0) {
        throw new LratError(`tensor '${saved}' holds ${data[at]} (element ${at}).`, {
          place: folder,
          remedy: 'The model is damaged, or its training diverged: take another one.',
        });
      }
      return [name, { shape, data, decay }];
    }),
  );
}

const poolingModes = ['mean', 'cls', 'lasttoken'] as const satisfies readonly Pooling[];
/** Older folders have a field per mode. */
const poolingFields = {
  pooling_mode_mean_tokens: 'mean',
  pooling_mode_cls_token: 'cls',
  pooling_mode_lasttoken: 'lasttoken',
} as const;

function readPooling(place: string): Pooling {
  const config = readJson(place, z.looseObject({}));
  const modes =
    'pooling_mode' in config
      ? [config.pooling_mode].flat()
      : Object.entries(config).flatMap(([name, value]) =>
          name.startsWith('pooling_mode_') && value === true
            ? ((poolingFields as Record<string, string>)[name] ?? name)
            : [],
        );
  const known = poolingModes.find(mode => mode === modes[0]);
  if (modes.length !== 1 || known === undefined || config.include_prompt === false) {
    throw new LratError(`pools by ${modes.join(' and ') || 'nothing'}, in a way that is not known here.`, {
      place,
      remedy: `Known: ${poolingModes.join(', ')}, one of them, prompts included.`,
    });
  }
  return known;
}

/** The config of a module that pools so, in the fields that every release of sentence-transformers knows. */
export function poolingConfig(pooling: Pooling, dimension: number): Record<string, unknown> {
  const modes = Object.entries(poolingFields).map(([field, mode]) => [field, mode === pooling]);
  return { word_embedding_dimension: dimension, ...Object.fromEntries(modes), include_prompt: true };
}

/** Tokens of a text that the model in a folder reads. Raises as `readTransformer` does. */
export function readTextLimit(folder: string, architecture = readArchitecture(folder)): number {
  return Math.min(architecture.maxTokens, readLimit(folder) ?? Number.POSITIVE_INFINITY);
}

/** What the folder says of the greatest length; where two files do, the wrapper's word counts. */
function readLimit(folder: string): number | null {
  const fields = [
    [wrapperConfig, 'max_seq_length'],
    ['tokenizer_config.json', 'model_max_length'],
  ] as const;
  for (const [file, name] of fields) {
    const place = join(folder, file);
    if (!existsSync(place)) continue;
    // A tokenizer without a limit says so by a number beyond all others.
    const limit = readJson(place, z.looseObject({ [name]: z.number().positive().nullish() }))[name];
    if (typeof limit === 'number') return Math.min(limit, Number.MAX_SAFE_INTEGER);
  }
  return null;
}

/** The prompts of a folder by their names; undefined without any. */
export function readPrompts(place: string): Record<string, string> | undefined {
  if (!existsSync(place)) return undefined;
  const schema = z.looseObject({ prompts: z.record(z.string(), z.string()).nullish() });
  return readJson(place, schema).prompts ?? undefined;
}

function readJson<Schema extends z.ZodType>(place: string, schema: Schema): z.infer<Schema> {
  try {
    return schema.parse(JSON.parse(readFileSync(place, 'utf8')));
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new LratError(`cannot be used: ${reason}`, {
      place,
      remedy: 'Copy the whole model folder again.',
      cause,
    });
  }
}
