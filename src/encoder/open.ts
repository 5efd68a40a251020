import { basename } from 'node:path';
import { LratError } from '../base/errors.ts';
import type { Job } from '../base/progress.ts';
import { largestOf, type NamedSize } from '../engine/devices.ts';
import type { ModelFile } from '../engine/model-file.ts';
import type { Device } from '../engine/runtime.ts';
import type { Encoder } from './encoder.ts';
import { readModules } from './model-folder.ts';
import { readStatic, staticEncoder } from './static.ts';
import { trainableStatic } from './static-training.ts';
import type { TrainableEncoder, TrainingOptions } from './trainable.ts';
import { type Precision, transformerEncoder } from './transformer/encoder.ts';
import { readArchitecture, readTextLimit, readTransformer } from './transformer/model.ts';
import { exportTransformer } from './transformer/onnx.ts';
import { trainableTransformer } from './transformer/training.ts';

export interface OpenOptions {
  /**
   * `int8`: the products of transformers in 8 bits, in less time and memory and with slightly other vectors; other families
   * have none and stay as they are.
   */
  readonly precision?: Precision;
  /** Says where a transformer computes, whose largest tensor it is told; the CPU unless given, and always in `int8`. */
  readonly device?: (largest: NamedSize) => Promise<Device>;
  /** Cuts the texts of a transformer shorter than it does by itself; null leaves that as it is. */
  readonly maxTokens?: number | null;
}

/** What there is to a family of models. */
interface Family {
  /** Of the model in a folder: `TrainableEncoder.family`. Raises as `openEncoder` does. */
  name(dir: string): string;
  /** The sentence-transformers module that such models begin with. */
  readonly module: string;
  /** Tokens of a text that a transformer reads; null for a family that reads whole texts. Raises as `openEncoder` does. */
  readonly textLimit: ((dir: string) => number) | null;
  open(dir: string, options: Required<OpenOptions>): Promise<Encoder>;
  openForTraining(dir: string, options: TrainingOptions): Promise<TrainableEncoder>;
  /** Writes the model as ONNX; null for a family that has no such form. */
  readonly exportOnnx: ((dir: string, job: Job) => ModelFile[]) | null;
}

const families: readonly Family[] = [
  {
    name: () => 'static',
    module: 'StaticEmbedding',
    textLimit: null,
    open: async dir => staticEncoder(basename(dir), readStatic(dir)),
    openForTraining: async (dir, { maxTokens }) => trainableStatic(readStatic(dir), maxTokens),
    exportOnnx: null,
  },
  {
    name: dir => readArchitecture(readModules(dir)[0]!.folder).family,
    module: 'Transformer',
    textLimit: dir => readTextLimit(readModules(dir)[0]!.folder),
    async open(dir, { precision, device, maxTokens }) {
      const model = readTransformer(dir, readModules(dir), maxTokens);
      const on = precision === 'int8' ? 'cpu' : await device(largestOf(model.parameters));
      return transformerEncoder(basename(dir), model, { precision, device: on });
    },
    openForTraining: async (dir, options) =>
      trainableTransformer(readTransformer(dir, readModules(dir), options.maxTokens), options),
    exportOnnx: (dir, job) => exportTransformer(dir, readModules(dir), job),
  },
];

/** The family of the model in a folder, told by its first module. */
function familyOf(dir: string): Family {
  const first = readModules(dir)[0]?.type;
  const family = families.find(({ module }) => module === first);
  if (family === undefined) {
    throw new LratError(
      `is a model of an architecture that is not known here (${first ?? 'no module at all'}).`,
      {
        place: dir,
        remedy: `Known: ${families.map(({ module }) => module).join(', ')}.`,
      },
    );
  }
  return family;
}

/** The name of the family (`TrainableEncoder.family`) of the model in a folder. Raises as `openEncoder` does. */
export function modelFamily(dir: string): string {
  return familyOf(dir).name(dir);
}

/** The limit for texts that cuts them shorter than the model in a folder does; undefined if none is given, or it does not. */
export function shorterLimit(dir: string, maxTokens: number | undefined): number | undefined {
  const own = familyOf(dir).textLimit?.(dir);
  return maxTokens !== undefined && own !== undefined && maxTokens < own ? maxTokens : undefined;
}

/**
 * Opens a model folder in the sentence-transformers layout, or a plain checkpoint of Hugging Face. Free the encoder with
 * `dispose`.
 * @throws LratError if its architecture is not known, or something in it is missing or malformed.
 */
export async function openEncoder(
  dir: string,
  { precision = 'fp32', device = async () => 'cpu', maxTokens = null }: OpenOptions = {},
): Promise<Encoder> {
  return familyOf(dir).open(dir, { precision, device, maxTokens });
}

/** Opens a model folder to be trained further. Raises as `openEncoder` does. */
export async function openForTraining(dir: string, options: TrainingOptions): Promise<TrainableEncoder> {
  return familyOf(dir).openForTraining(dir, options);
}

/**
 * Writes the model of a folder as ONNX files that transformers.js loads, into the same folder; see `exportTransformer`.
 * @throws LratError as `openEncoder`, or if it is a static encoder
 */
export function exportOnnx(dir: string, job: Job): ModelFile[] {
  const { exportOnnx } = familyOf(dir);
  if (exportOnnx !== null) return exportOnnx(dir, job);
  throw new LratError('is a static encoder, which has no form in ONNX that transformers.js knows.', {
    place: dir,
    remedy:
      'Name the folder of a transformer; a static encoder is used as it is, by LRAT and sentence-transformers.',
  });
}
