import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describeError, LratError } from '../base/errors.ts';
import type { Job } from '../base/progress.ts';
import { openEncoder } from '../encoder/open.ts';
import { Bm25Index, type Bm25Parameters } from '../retrieval/bm25.ts';
import { corpusFingerprint } from '../retrieval/corpus.ts';
import { DenseIndex, DenseRetriever } from '../retrieval/dense.ts';
import type { Document, Retriever } from '../retrieval/retriever.ts';
import { ensureWorkspace, type WorkspacePaths } from '../workspace/paths.ts';

/** The documents to search, and what stands for all of them. */
export interface Searched {
  readonly documents: Iterable<Document>;
  readonly fingerprint: string;
}

export function searched(documents: Iterable<Document>): Searched {
  return { documents, fingerprint: corpusFingerprint(documents) };
}

/** Where indexes are kept, and who is told if one cannot be. */
export interface IndexStore {
  readonly workspace: WorkspacePaths;
  readonly notify: (notice: string) => void;
}

/**
 * A retriever over a corpus: `bm25`, or the folder of a model. Its index is kept in the workspace under a name that
 * stands for corpus and model, so that the next search need not make it again; one that is damaged is made anew.
 */
export async function openRetriever(
  model: string,
  { documents, fingerprint }: Searched,
  store: IndexStore,
  bm25: Bm25Parameters,
  job: Job,
): Promise<Retriever> {
  if (model === 'bm25') {
    const path = join(store.workspace.indexes, `bm25-${fingerprint}.index`);
    const saved = usable(path, () => Bm25Index.load(path, bm25));
    if (saved !== undefined) return saved;
    const built = await Bm25Index.buildWatched(documents, bm25, job);
    keep(store, () => built.save(path));
    return built;
  }
  const encoder = await openEncoder(model);
  const source = { model: modelFingerprint(model), corpus: fingerprint };
  const path = join(store.workspace.indexes, `vectors-${source.model}-${source.corpus}.index`);
  const saved = usable(path, () => DenseIndex.load(path, source));
  if (saved !== undefined) return new DenseRetriever(encoder, saved);
  const built = await DenseRetriever.build(encoder, documents, job);
  keep(store, () => built.index.save(path, source));
  return built;
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
function keep({ workspace, notify }: IndexStore, save: () => void): void {
  try {
    ensureWorkspace(workspace.workspace);
    save();
  } catch (error) {
    if (!(error instanceof LratError)) throw error;
    notify(`The index is not kept for the next search. ${describeError(error)}`);
  }
}

/** Stands for everything in a model's folder that its vectors depend on; its card is for people. */
function modelFingerprint(folder: string): string {
  const hash = createHash('sha256');
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name !== 'README.md')
    .map(entry => relative(folder, join(entry.parentPath, entry.name)));
  for (const name of names.sort()) hash.update(`${name}\n`).update(readFileSync(join(folder, name)));
  return hash.digest('hex').slice(0, 16);
}
