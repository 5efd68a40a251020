import { existsSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { LratError } from '../base/errors.ts';
import type { Job } from '../base/progress.ts';
import { modelFolder } from '../encoder/hub.ts';
import { modelFamily, openEncoder, shorterLimit } from '../encoder/open.ts';
import type { DeviceWish } from '../engine/device-wish.ts';
import { chooseDevice, type DeviceChoice } from '../engine/devices.ts';
import { type Documents, type Embedding, embed } from '../retrieval/embed.ts';
import {
  readVectorHeader,
  readVectors,
  type VectorForm,
  type VectorSource,
} from '../retrieval/vector-file.ts';
import type { Precision, Vectors } from '../retrieval/vectors.ts';
import type { Problem } from '../trajectory/model.ts';
import { ensureWorkspace } from '../workspace/paths.ts';
import { withCorpus } from './measure.ts';
import { modelFingerprint, vectorsPath } from './saved-index.ts';
import { existingWorkspace } from './workspace.ts';

export interface EmbedRequest {
  readonly workspace: string;
  /** Folder of a model, or its name on the hub (`modelFolder`). */
  readonly model: string;
  readonly corpus: string;
  readonly precision?: Precision | undefined;
  /** Whether a transformer multiplies matrices in 8 bits: on the CPU, in less time, with slightly other vectors. */
  readonly int8?: boolean | undefined;
  /** Tokens of a text that a transformer reads; as many as the model says unless told. */
  readonly maxLength?: number | undefined;
  /** Where a transformer computes; a GPU where one is faster unless told. */
  readonly device?: DeviceWish | undefined;
  /** The file of vectors; the workspace's own unless given, which searches take without being told. */
  readonly out?: string | undefined;
}

export interface EmbedResult extends VectorForm {
  readonly model: string;
  readonly out: string;
  readonly documents: number;
  /** Of them, those that were encoded now; the others had been before. */
  readonly encoded: number;
  readonly dimension: number;
  /** Where was computed, and why there; null if nothing was, or a static encoder. */
  readonly computing: string | null;
  /** Of the file. */
  readonly bytes: number;
  /** Lines of the corpus that could not be used. */
  readonly problems: readonly Problem[];
}

/** Makes the vectors of a corpus, or goes on with making them. A file that has them already is left as it is. */
export async function embedCorpus(request: EmbedRequest, job: Job): Promise<EmbedResult> {
  const { precision = 'fp32', int8 = false } = request;
  const model = await modelFolder(request.model, job);
  const workspace = existingWorkspace(request.workspace);
  // A folder that is no model is refused before the corpus is read.
  checkOptions(request, modelFamily(model));
  const maxTokens = shorterLimit(model, request.maxLength);
  const form: VectorForm = { precision, ...(int8 && { products: 'int8' }), ...(maxTokens && { maxTokens }) };
  return withCorpus(request.corpus, job, async ({ documents, fingerprint }, corpus) => {
    const source = { model: await modelFingerprint(model), corpus: fingerprint };
    if (request.out === undefined) ensureWorkspace(workspace.workspace);
    const out = resolve(request.out ?? vectorsPath(workspace, source));
    const had = vectorsIn(out, source, form);
    const made =
      had === null ? await makeVectors(request, model, documents, { path: out, source, ...form }, job) : null;
    return {
      ...{ model: basename(resolve(model)), out, documents: documents.size, encoded: made?.encoded ?? 0 },
      ...{ dimension: (had ?? made!).dimension, ...form, computing: made?.computing ?? null },
      ...{ bytes: statSync(out).size, problems: corpus.problems },
    };
  });
}

/** @throws LratError for options that would do nothing */
function checkOptions({ int8 = false, maxLength, device }: EmbedRequest, family: string): void {
  const idle = int8 ? '--int8' : maxLength === undefined ? null : '--max-length';
  if (family === 'static' && idle !== null) {
    throw new LratError('a static encoder multiplies no matrices and reads whole texts.', {
      place: idle,
      remedy: 'Leave it out, or name the folder of a transformer by --model.',
    });
  }
  if (family === 'static' && device === 'webgpu') {
    throw new LratError('static encoders compute on the CPU.', {
      place: '--device',
      remedy: 'Leave it out, or name the folder of a transformer by --model.',
    });
  }
  if (int8 && device === 'webgpu') {
    throw new LratError('is for the CPU, and the GPU was asked for.', {
      place: '--int8',
      remedy: 'Leave it out, or leave --device out.',
    });
  }
}

async function makeVectors(
  { device: wish = 'auto', int8 = false }: EmbedRequest,
  model: string,
  documents: Documents,
  embedding: Embedding,
  job: Job,
) {
  let computing: string | null = null;
  const tell = ({ device, reason }: DeviceChoice) => {
    computing = `computing on ${device}: ${reason}`;
    job.report({ task: computing, done: 0, total: documents.size, unit: 'documents' });
    return device;
  };
  if (int8) tell({ device: 'cpu', reason: 'It alone multiplies matrices in 8 bits.' });
  const encoder = await openEncoder(model, {
    precision: int8 ? 'int8' : 'fp32',
    device: async largest => tell(await chooseDevice(wish, largest)),
    maxTokens: embedding.maxTokens ?? null,
  });
  try {
    const encoded = await embed(encoder, documents, embedding, job);
    return { encoded, dimension: encoder.dimension, computing };
  } finally {
    await encoder.dispose();
  }
}

/** The vectors, if a file holds them already. One that holds others, or is damaged, will be replaced. */
function vectorsIn(path: string, source: VectorSource, form: VectorForm): Vectors | null {
  if (!existsSync(path)) return null;
  try {
    const header = readVectorHeader(path);
    const same = (['precision', 'products', 'maxTokens'] as const).every(key => header[key] === form[key]);
    return same ? readVectors(path, source).vectors : null;
  } catch (error) {
    if (error instanceof LratError) return null;
    throw error;
  }
}
