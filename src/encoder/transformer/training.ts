import { copyFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { LratError } from '../../base/errors.ts';
import { Random } from '../../base/random.ts';
import { sharedFloats } from '../../base/shared.ts';
import type { Value } from '../../engine/graph.ts';
import { add, matmul, mul, slice } from '../../engine/operators.ts';
import { type HostTensor, tensor } from '../../engine/tensor.ts';
import {
  cardName,
  changeSettings,
  type ModelCard,
  modelFiles,
  renderCard,
  writeModelFolder,
} from '../model-folder.ts';
import { writeSafetensors } from '../safetensors.ts';
import type { BatchText, Lora, Parameter, Pass, TrainableEncoder, TrainingOptions } from '../trainable.ts';
import type { Bucket } from './buckets.ts';
import { dropoutInputs, dropoutTensors } from './dropout.ts';
import { forward, liveTransformerEncoder, textInputs, textTensors } from './encoder.ts';
import { poolingConfig, promptConfig, readPrompts, type TransformerModel, wrapperConfig } from './model.ts';
import { intoBlocks, layOut } from './passes.ts';

/**
 * Bytes that a pass may take, gradients and all: a sixth of the machine's memory, or of what the process may have. Not of
 * what is free, so that a resumed training has the same passes. More than one pass costs a second encoding of all texts.
 */
function passBytes(): number {
  const memory = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  return Math.min(2 ** 34, Math.max(2 ** 30, memory / 6));
}

/** Times what a pass needs: memory is taken in pieces of other sizes from pass to pass. */
const scattered = 1.4;

/** Transformers for the trainer. @param base whose parameters are trained in place: a copy would take as much memory again */
export function trainableTransformer(base: TransformerModel, options: TrainingOptions): TrainableEncoder {
  const { architecture } = base;
  const own = base.parameters;
  const free = [...own].filter(
    ([name]) => options.frozenLayers === 0 || layerOf(name) >= options.frozenLayers,
  );
  const additions = options.lora === null ? null : loraOf(free, options.lora, options.seed);
  const parameters = additions ?? new Map(free);
  if (parameters.size === 0) {
    throw new LratError(`has no layer left to train: ${options.frozenLayers} are frozen.`, {
      place: base.folder,
      remedy: 'Freeze fewer layers (--freeze).',
    });
  }
  /** The model as it is now: with additions added. */
  const current = (): TransformerModel => ({
    ...base,
    parameters: additions === null ? own : merged(own, additions, options.lora!),
  });
  const known = { query: new Map<string, Int32Array>(), document: new Map<string, Int32Array>() };
  const tokensOf = ({ kind, text }: BatchText): Int32Array => {
    let tokens = known[kind].get(text);
    if (tokens === undefined) {
      tokens = base.tokenizer.encode(base.prompts[kind] + text);
      known[kind].set(text, tokens);
    }
    return tokens;
  };

  return {
    family: architecture.family,
    parameters,
    frozen: new Map([...own].filter(([name]) => !parameters.has(name))),
    dimension: architecture.hidden,
    tokensPerPass: Math.max(256, Math.floor(passBytes() / scattered / architecture.bytesPerToken)),
    tensorBytesPerToken: 4 * Math.max(architecture.widest, architecture.dropout.heads * base.maxTokens),

    plan(texts, tokensPerPass, step, layout) {
      const tokens = texts.map(tokensOf);
      const lengths = tokens.map(({ length }) => length);
      // The words of the batch are numbered anew: a table of these is all that the graphs get.
      const rows: number[] = [];
      const numbers = new Map<number, number>();
      const renumbered = tokens.map(ids =>
        ids.map(id => {
          let number = numbers.get(id);
          if (number === undefined) {
            number = rows.push(id) - 1;
            numbers.set(id, number);
          }
          return number;
        }),
      );
      const most = Math.min(layout.buckets, bucketsOfDistinctSizes(base.architecture.maxTokens));
      const passes = layOut(lengths, tokensPerPass, most).map((own): Pass => {
        const inputs: Record<string, HostTensor> = {};
        const buckets = [...own];
        if (layout.blocks) {
          const { block, filling } = intoBlocks(own);
          inputs.block = tensor('bool', [block], new Uint8Array(block));
          if (filling > 0) buckets.push(fillerOf(filling, architecture.maxTokens));
        }
        for (const [i, bucket] of buckets.entries()) {
          for (const [name, values] of Object.entries(textTensors(bucket, renumbered, base.pooling)))
            inputs[`${name}${i}`] = values;
        }
        if (options.dropout > 0) {
          const seed = 1_000_003 * options.seed + step;
          Object.assign(inputs, dropoutTensors(architecture, options.dropout, seed, buckets, lengths));
        }
        return {
          ...{ key: keyOf(own.length, layout.blocks, buckets.length > own.length), inputs },
          members: own.flatMap(({ members }) => members),
          tokens: buckets.reduce((sum, { texts, length }) => sum + texts * length, 0),
        };
      });
      return {
        passes,
        rows: new Map([[architecture.words, Int32Array.from(rows)]]),
        tokens: lengths.reduce((sum, length) => sum + length, 0),
      };
    },

    sizes(key) {
      const { all, inBlocks } = readKey(key);
      const buckets = Array.from({ length: all }, (_, i) => [`texts${i}`, `length${i}`]);
      return inBlocks ? [...buckets, ['block']] : buckets;
    },

    forward(graph, parameter, key, sizes) {
      const { own, all, inBlocks } = readKey(key);
      const buckets = Array.from({ length: all }, (_, i) =>
        textInputs(graph, sizes[`texts${i}`]!, sizes[`length${i}`]!, String(i)),
      );
      const added = (name: string): Value => {
        const value = parameter(name);
        if (additions === null || !additions.has(`${name}.lora_A`)) return value;
        const { rank, alpha } = options.lora!;
        const product = matmul(parameter(`${name}.lora_B`), parameter(`${name}.lora_A`));
        return add(value, mul(product, alpha / rank));
      };
      const dropout =
        options.dropout > 0 ? dropoutInputs(graph, options.dropout, architecture, buckets) : undefined;
      const block = inBlocks ? graph.input('block', 'bool', [sizes.block!]) : undefined;
      const vectors = forward(base, graph, added, buckets, { dropout, block });
      const texts = buckets.slice(0, own).reduce((sum, { ids }) => sum + ids.shape[0]!, 0);
      return own === all ? vectors : slice(vectors, 0, 0, texts);
    },

    encoder: name => liveTransformerEncoder(name, current()),
    save: (dir, card) => saveTransformer(dir, current(), card),
  };
}

/** A bucket of padding, which belongs to no text: of one row, unless that is longer than the table of positions. */
function fillerOf(tokens: number, maxTokens: number): Bucket {
  const [texts, length] = tokens <= maxTokens ? [1, tokens] : [tokens, 1];
  return { members: [], texts, length };
}

/** The key of a pass: how many buckets it has, whether it goes in blocks, and whether there is one more bucket, of padding. */
function keyOf(buckets: number, inBlocks: boolean, isFilled: boolean): string {
  return [buckets, ...(inBlocks ? ['blocks'] : []), ...(isFilled ? ['filled'] : [])].join(' ');
}

function readKey(key: string): { readonly own: number; readonly all: number; readonly inBlocks: boolean } {
  const [count, ...rest] = key.split(' ');
  const own = Number(count);
  return { own, all: rest.includes('filled') ? own + 1 : own, inBlocks: rest.includes('blocks') };
}

/** The layer that a parameter belongs to, counted from 0; those below all layers are of −1, those above of no number. */
function layerOf(name: string): number {
  const layer = /(?:^|\.)layers?\.(\d+)\./.exec(name)?.[1];
  if (layer !== undefined) return Number(layer);
  return name.startsWith('embed') ? -1 : Number.POSITIVE_INFINITY;
}

/** Additions to those that are matrices of layers: `A` at random, `B` zero, so that the model begins as it is. */
function loraOf(
  parameters: readonly (readonly [string, Parameter])[],
  { rank }: Lora,
  seed: number,
): Map<string, Parameter> {
  const random = Random.seeded(seed);
  return new Map(
    parameters.flatMap(([name, { shape }]): [string, Parameter][] => {
      const layer = layerOf(name);
      if (shape.length !== 2 || layer < 0 || !Number.isFinite(layer)) return [];
      const [out, from] = shape as [number, number];
      const bound = 1 / Math.sqrt(from);
      const a = sharedFloats(rank * from);
      for (let i = 0; i < a.length; i++) a[i] = bound * (2 * random.uniform() - 1);
      return [
        [`${name}.lora_A`, { shape: [rank, from], data: a, decay: true }],
        [`${name}.lora_B`, { shape: [out, rank], data: sharedFloats(out * rank), decay: true }],
      ];
    }),
  );
}

function merged(
  own: ReadonlyMap<string, Parameter>,
  additions: ReadonlyMap<string, Parameter>,
  { rank, alpha }: Lora,
): Map<string, Parameter> {
  return new Map(
    [...own].map(([name, parameter]) => {
      const [a, b] = [additions.get(`${name}.lora_A`), additions.get(`${name}.lora_B`)];
      if (a === undefined || b === undefined) return [name, parameter];
      const [out, from] = parameter.shape as [number, number];
      const data = parameter.data.slice();
      for (let row = 0; row < out; row++) {
        for (let k = 0; k < rank; k++) {
          const factor = (b.data[row * rank + k]! * alpha) / rank;
          for (let column = 0; column < from; column++)
            data[row * from + column]! += factor * a.data[k * from + column]!;
        }
      }
      return [name, { ...parameter, data }];
    }),
  );
}

/** Files beside the weights that are larger belong to other frameworks. */
const largestFile = 64 * 2 ** 20;
/** Weights of this and of other frameworks, and what is written anew. */
const left =
  /(?:^|\/)(?:README\.md|[^/]*\.(?:safetensors|safetensors\.index\.json|bin|bin\.index\.json|h5|msgpack|onnx|onnx_data|ot|gguf))$/i;

/** The modules of every model that is saved. */
const moduleTypes = ['Transformer', 'Pooling', 'Normalize'] as const;

/** Writes the model as it was read, with its parameters as they are now in 32 bits, in place of the model that was there. */
export function saveTransformer(dir: string, model: TransformerModel, card: ModelCard): void {
  const { architecture, parameters, pooling, folder: base } = model;
  writeModelFolder(dir, folder => {
    for (const path of modelFiles(base)) {
      const [from, to] = [join(base, path), join(folder, path)];
      if (left.test(path) || statSync(from).size > largestFile) continue;
      mkdirSync(dirname(to), { recursive: true });
      // What a link leads to, not the link.
      copyFileSync(from, to);
    }
    writeModules(folder, model);
    const own = join(folder, model.modules[0]!.path);
    changeSettings(join(own, 'config.json'), inSinglePrecision);
    changeSettings(join(own, wrapperConfig), settings => ({ ...settings, max_seq_length: model.maxTokens }));
    // Also where they are the base's by its name, or none: this model may bear another name.
    const { query, document } = model.prompts;
    const place = join(folder, promptConfig);
    const prompts = { ...readPrompts(place), query, document };
    changeSettings(place, settings => ({ ...settings, prompts }));
    writeSafetensors(join(own, 'model.safetensors'), parameters, { format: 'pt' });
    const facts = {
      name: basename(dir),
      kind: `A ${architecture.family} encoder (${pooling} pooling):`,
      dimension: architecture.hidden,
    };
    writeFileSync(join(folder, cardName), renderCard(facts, card));
  });
}

/**
 * Lists modules that do what the model does here, where the base has others: one that does not say how it pools, or whether
 * it normalises, leaves that to whoever uses it.
 */
function writeModules(folder: string, { modules, pooling, architecture }: TransformerModel): void {
  if (modules.map(({ type }) => type).join() === moduleTypes.join()) return;
  const list = moduleTypes.map((type, idx) => {
    const path = modules.find(module => module.type === type)?.path ?? `${idx}_${type}`;
    return { idx, name: `${idx}`, path, type: `sentence_transformers.models.${type}` };
  });
  writeFileSync(join(folder, 'modules.json'), `${JSON.stringify(list, null, 2)}\n`);
  changeSettings(join(folder, list[1]!.path, 'config.json'), settings =>
    modules.some(({ type }) => type === 'Pooling') ? settings : poolingConfig(pooling, architecture.hidden),
  );
}

/** By these fields transformers rounds what it reads. */
const precisionFields = ['dtype', 'torch_dtype'];

function inSinglePrecision(config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const present = precisionFields.filter(field => field in config);
  if (present.length === 0) return config;
  return { ...config, ...Object.fromEntries(present.map(field => [field, 'float32'])) };
}

/**
 * How many buckets a graph may have: its sizes are found out by building it at small ones (`SizeSolver`), of which there are
 * two for each bucket, one of padding included, and five more, each another, and all have to be less than the table of positions
 * has rows.
 */
function bucketsOfDistinctSizes(maxTokens: number): number {
  return Math.max(1, Math.floor((maxTokens - 10) / 2));
}
