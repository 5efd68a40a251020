import { existsSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { LratError } from '../base/errors.ts';
import type { Job } from '../base/progress.ts';
import { modelFolder } from '../encoder/hub.ts';
import { modelFamily, openEncoder } from '../encoder/open.ts';
import type { DeviceWish } from '../engine/device-wish.ts';
import { chooseDevice } from '../engine/devices.ts';
import { type Documents, type Embedding, embed } from '../retrieval/embed.ts';
import { readVectors, type VectorSource } from '../retrieval/vector-file.ts';
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
  /** Where a transformer computes; a GPU where one is faster unless told. */
  readonly device?: DeviceWish | undefined;
  /** The file of vectors; the workspace's own unless given, which searches take without being told. */
  readonly out?: string | undefined;
}

export interface EmbedResult {
  readonly model: string;
  readonly out: string;
  readonly documents: number;
  /** Of them, those that were encoded now; the others had been before. */
  readonly encoded: number;
  readonly dimension: number;
  readonly precision: Precision;
  /** Where was computed, and why there; null if nothing was, or a static encoder. */
  readonly computing: string | null;
  /** Of the file. */
  readonly bytes: number;
  /** Lines of the corpus that could not be used. */
  readonly problems: readonly Problem[];
}

/** Makes the vectors of a corpus, or goes on with making them. A file that has them already is left as it is. */
export async function embedCorpus(request: EmbedRequest, job: Job): Promise<EmbedResult> {
  const { precision = 'fp32' } = request;
  const model = await modelFolder(request.model, job);
  const workspace = existingWorkspace(request.workspace);
  // A folder that is no model is refused before the corpus is read.
  modelFamily(model);
  return withCorpus(request.corpus, job, async ({ documents, fingerprint }, corpus) => {
    const source = { model: await modelFingerprint(model), corpus: fingerprint };
    if (request.out === undefined) ensureWorkspace(workspace.workspace);
    const out = resolve(request.out ?? vectorsPath(workspace, source));
    const had = vectorsIn(out, source, precision);
    const made =
      had === null
        ? await makeVectors(request, model, documents, { path: out, source, precision }, job)
        : null;
    return {
      ...{ model: basename(resolve(model)), out, documents: documents.size, encoded: made?.encoded ?? 0 },
      ...{ dimension: (had ?? made!).dimension, precision, computing: made?.computing ?? null },
      ...{ bytes: statSync(out).size, problems: corpus.problems },
    };
  });
}

async function makeVectors(
  { device: wish = 'auto' }: EmbedRequest,
  model: string,
  documents: Documents,
  embedding: Embedding,
  job: Job,
) {
  let computing: string | null = null;
  const encoder = await openEncoder(model, {
    async device(largest) {
      const { device, reason } = await chooseDevice(wish, largest);
      computing = `computing on ${device}: ${reason}`;
      job.report({ task: computing, done: 0, total: documents.size, unit: 'documents' });
      return device;
    },
  });
  try {
    const encoded = await embed(encoder, documents, embedding, job);
    return { encoded, dimension: encoder.dimension, computing };
  } finally {
    await encoder.dispose();
  }
}

/** The vectors, if a file holds them already. One that holds others, or is damaged, will be replaced. */
function vectorsIn(path: string, source: VectorSource, precision: Precision): Vectors | null {
  if (!existsSync(path)) return null;
  try {
    const { vectors } = readVectors(path, source);
    return vectors.precision === precision ? vectors : null;
  } catch (error) {
    if (error instanceof LratError) return null;
    throw error;
  }
}
