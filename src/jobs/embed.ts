import { existsSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { LratError } from '../base/errors.ts';
import type { Job } from '../base/progress.ts';
import { modelFolder } from '../encoder/hub.ts';
import { openEncoder } from '../encoder/open.ts';
import { embed } from '../retrieval/embed.ts';
import { readVectors, type VectorSource } from '../retrieval/vector-file.ts';
import type { Precision } from '../retrieval/vectors.ts';
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
  const encoder = await openEncoder(model);
  return withCorpus(request.corpus, job, async ({ documents, fingerprint }, corpus) => {
    const source = { model: await modelFingerprint(model), corpus: fingerprint };
    if (request.out === undefined) ensureWorkspace(workspace.workspace);
    const out = resolve(request.out ?? vectorsPath(workspace, source));
    const encoded = isThere(out, source, precision)
      ? 0
      : await embed(encoder, documents, { path: out, source, precision }, job);
    return {
      ...{ model: basename(resolve(model)), out, documents: documents.size, encoded },
      ...{ dimension: encoder.dimension, precision, bytes: statSync(out).size, problems: corpus.problems },
    };
  });
}

/** Whether a file holds these vectors already. One that holds others, or is damaged, will be replaced. */
function isThere(path: string, source: VectorSource, precision: Precision): boolean {
  if (!existsSync(path)) return false;
  try {
    return readVectors(path, source).vectors.precision === precision;
  } catch (error) {
    if (error instanceof LratError) return false;
    throw error;
  }
}
