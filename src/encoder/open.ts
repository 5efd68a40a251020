import { basename } from 'node:path';
import { LratError } from '../base/errors.ts';
import type { Encoder } from './encoder.ts';
import { readModules } from './model-folder.ts';
import { readStatic, staticEncoder } from './static.ts';
import { trainableStatic } from './static-training.ts';
import type { TrainableEncoder } from './trainable.ts';
import { transformerEncoder } from './transformer/encoder.ts';
import { readArchitecture, readTransformer } from './transformer/model.ts';
import { trainableTransformer } from './transformer/training.ts';

/** What there is to a family of models. */
interface Family {
  /** Of the model in a folder: `TrainableEncoder.family`. Raises as `openEncoder` does. */
  name(dir: string): string;
  /** The sentence-transformers module that such models begin with. */
  readonly module: string;
  open(dir: string): Promise<Encoder>;
  openForTraining(dir: string, maxTokens: number | null): Promise<TrainableEncoder>;
}

const families: readonly Family[] = [
  {
    name: () => 'static',
    module: 'StaticEmbedding',
    open: async dir => staticEncoder(basename(dir), readStatic(dir)),
    openForTraining: async (dir, maxTokens) => trainableStatic(readStatic(dir), maxTokens),
  },
  {
    name: dir => readArchitecture(readModules(dir)[0]!.folder).family,
    module: 'Transformer',
    open: async dir => transformerEncoder(basename(dir), readTransformer(dir, readModules(dir))),
    openForTraining: async (dir, maxTokens) =>
      trainableTransformer(readTransformer(dir, readModules(dir), maxTokens)),
  },
];

/** The family of the model in a folder, told by its `modules.json`. */
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

/**
 * Opens a model folder in the sentence-transformers layout.
 * @throws LratError if its architecture is not known, or something in it is missing or malformed.
 */
export async function openEncoder(dir: string): Promise<Encoder> {
  return familyOf(dir).open(dir);
}

/**
 * Opens a model folder to be trained further.
 * @param maxTokens texts are cut after so many tokens, in training and in the model that comes of it.
 */
export async function openForTraining(dir: string, maxTokens: number | null): Promise<TrainableEncoder> {
  return familyOf(dir).openForTraining(dir, maxTokens);
}
