/** A document found for a query. */
export interface Hit {
  readonly id: string;
  readonly score: number;
}

/** Anything that ranks the documents of a corpus for a query: BM25, a dense encoder, a mixture. */
export interface Retriever {
  readonly name: string;
  /** At most `k` hits, best first; equal scores in order of position in the corpus. */
  search(query: string, k: number): Promise<Hit[]>;
  /** The same lists as one by one; there where several queries at once are quicker. */
  searchAll?(queries: readonly string[], k: number): Promise<Hit[][]>;
}

/** A retriever under another name. */
export function named(retriever: Retriever, name: string): Retriever {
  return {
    name,
    search: (query, k) => retriever.search(query, k),
    ...(retriever.searchAll && { searchAll: retriever.searchAll.bind(retriever) }),
  };
}

/** One document of a corpus. */
export interface Document {
  readonly id: string;
  readonly text: string;
}
