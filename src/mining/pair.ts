export type MiningMode = 'paper' | 'released' | 'attributed';

/** A query, the document judged relevant to it, the documents rejected for it, and where all that was seen. */
export interface Pair {
  readonly mode: MiningMode;
  readonly log: string;
  readonly trajectory: string;
  readonly queryId: string | null;
  readonly question: string | null;
  /** Step of the search that the pair belongs to. */
  readonly searchStep: number;
  /** 0-based position of that search among the queries of its call. */
  readonly searchPart: number;
  /** Step of the (first) browse. */
  readonly browseStep: number;
  readonly query: string;
  readonly positive: string;
  readonly negatives: readonly string[];
  /** Queries of the trajectory before this one, oldest first. */
  readonly previousQueries: readonly string[];
  /** `l`: tokens of the post-browse reasoning; null if unknown. */
  readonly reasoningTokens: number | null;
  /** False only in mode `released`, which emits irrelevant browses too. */
  readonly satisfied: boolean;
  /** True if a later search stood between the pair's and the browse: other modes would have taken its query. */
  readonly corrected: boolean;
  /** `w`, relevance intensity (paper, section 5.3). */
  readonly weight: number;
}

/** One line of a pair file: the released data set's keys, then provenance, null in rows that others have made. */
export interface PairRow {
  readonly query: string;
  readonly pos: readonly string[];
  readonly neg: readonly string[];
  readonly pos_id: readonly string[];
  readonly neg_id: readonly string[];
  readonly reasoning_len: number | null;
  readonly satisfied: boolean;
  readonly reweight_rate: number;
  readonly mode: MiningMode | null;
  readonly log: string | null;
  readonly trajectory: string | null;
  readonly query_id: string | null;
  readonly search_step: number | null;
  readonly browse_step: number | null;
  readonly question: string | null;
  readonly pre_search_reasoning: string | null;
  readonly previous_queries: readonly string[];
}
