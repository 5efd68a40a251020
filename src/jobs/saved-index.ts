import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describeError, LratError } from '../base/errors.ts';
import type { Job } from '../base/progress.ts';
import type { Encoder } from '../encoder/encoder.ts';
import { modelFolder } from '../encoder/hub.ts';
import { hashModel } from '../encoder/model-folder.ts';
import { openEncoder } from '../encoder/open.ts';
import { Bm25Index, type Bm25Parameters } from '../retrieval/bm25.ts';
import { DenseIndex, DenseRetriever } from '../retrieval/dense.ts';
import { type Documents, embed } from '../retrieval/embed.ts';
import type { Retriever } from '../retrieval/retriever.ts';
import { formInWords, readVectorHeader, type VectorSource } from '../retrieval/vector-file.ts';
import { ensureWorkspace, type WorkspacePaths } from '../workspace/paths.ts';

/** The documents to search, and what stands for all of them. */
export interface Searched {
  readonly documents: Documents;
  readonly fingerprint: string;
}

/** Where indexes are kept, and who is told of what the user should know of them. */
export interface IndexStore {
  readonly workspace: WorkspacePaths;
  /** Files of `lrat embed`, which are searched in place of vectors that the workspace keeps. */
  readonly vectors: readonly string[];
  readonly notify: (notice: string) => void;
}

/**
 * Retrievers over a corpus, each `bm25` or a model (`modelFolder`). Their indexes are kept in the workspace under names that
 * stand for corpus and model, so that the next search need not make them again; one that is damaged is made anew.
 *
 * @throws LratError if a model cannot be opened, or if vectors are given that none of the models has made of the corpus.
 */
export async function openRetrievers(
  models: readonly string[],
  { documents, fingerprint }: Searched,
  store: IndexStore,
  bm25: Bm25Parameters,
  job: Job,
): Promise<Retriever[]> {
  const opened: ({ encoder: Encoder; print: string } | null)[] = [];
  for (const model of models) {
    if (model === 'bm25') opened.push(null);
    else {
      const folder = await modelFolder(model, job);
      opened.push({ encoder: await openEncoder(folder), print: await modelFingerprint(folder) });
    }
  }
  const given = new Map(store.vectors.map(path => [readVectorHeader(path).source.model, path]));
  for (const [print, path] of given) {
    if (opened.every(dense => dense?.print !== print)) {
      throw new LratError(`holds the vectors of a model (${print}) that is not among ${models.join(', ')}.`, {
        place: path,
        remedy: 'Name the model that they were made with, as it was then.',
      });
    }
  }
  const retrievers: Retriever[] = [];
  for (const dense of opened) {
    if (dense === null) retrievers.push(await openBm25({ documents, fingerprint }, store, bm25, job));
    else {
      const { encoder, print } = dense;
      const source = { model: print, corpus: fingerprint };
      retrievers.push(await openDense(encoder, source, documents, given.get(print), store, job));
    }
  }
  return retrievers;
}

async function openBm25(
  { documents, fingerprint }: Searched,
  store: IndexStore,
  bm25: Bm25Parameters,
  job: Job,
): Promise<Retriever> {
  const path = join(store.workspace.indexes, `bm25-${fingerprint}.index`);
  const saved = usable(path, () => Bm25Index.load(path, bm25));
  if (saved !== undefined) return saved;
  const built = await Bm25Index.buildWatched(documents, bm25, job);
  await keep(store, () => built.save(path));
  return built;
}

/** @param given a file of vectors to be searched, whatever the workspace keeps */
async function openDense(
  encoder: Encoder,
  source: VectorSource,
  documents: Documents,
  given: string | undefined,
  store: IndexStore,
  job: Job,
): Promise<Retriever> {
  const path = given ?? vectorsPath(store.workspace, source);
  const load = () => ({ form: formInWords(readVectorHeader(path)), index: DenseIndex.load(path, source) });
  let loaded = given === undefined ? usable(path, load) : load();
  if (loaded === undefined) {
    await keep(store, () => embed(encoder, documents, { path, source, precision: 'fp32' }, job));
    loaded = usable(path, load);
  }
  if (loaded === undefined) return DenseRetriever.build(encoder, documents, job);
  const { form, index } = loaded;
  if (form.join() !== 'fp32')
    store.notify(`${encoder.name} is searched by vectors of ${form.join(', ')} (${path}).`);
  return new DenseRetriever(encoder, index);
}

/** Where a workspace keeps the vectors that a model made of a corpus. */
export function vectorsPath(workspace: WorkspacePaths, source: VectorSource): string {
  return join(workspace.indexes, `vectors-${source.model}-${source.corpus}.index`);
}

/** What was saved, or undefined if there is nothing that can be used: an index can be made again at any time. */
function usable<Index>(path: string, load: () => Index): Index | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return load();
  } catch (error) {
    if (error instanceof LratError) return undefined;
    throw error;
  }
}

/** Saves an index. One that finds no room can be searched all the same, and is made again the next time. */
async function keep({ workspace, notify }: IndexStore, save: () => unknown): Promise<void> {
  try {
    ensureWorkspace(workspace.workspace);
    await save();
  } catch (error) {
    if (!(error instanceof LratError)) throw error;
    notify(`The index is not kept for the next search. ${describeError(error)}`);
  }
}

/** Stands for a model where vectors are kept: short, as it is part of their files' names. */
export async function modelFingerprint(folder: string): Promise<string> {
  return (await hashModel(folder)).slice(0, 16);
}
