/** Gain of each judged document of a query; a document without a gain, or with none above 0, is not relevant. */
export type Gains = ReadonlyMap<string, number>;

/** A metric of one query's ranking, cut off at rank k. From 0 to 1. */
type Metric = (ranked: readonly string[], relevant: Gains, k: number) => number;

/**
 * `|top k ∩ relevant| / |relevant|` (trec_eval's `recall_k`). The denominator is all relevant documents, so where there
 * are more than k of them it cannot reach 1. With k infinite, all that was retrieved against a question's evidence, this
 * is evidence recall (LRAT, section 7).
 */
export const recall: Metric = (ranked, relevant, k) => {
  const total = relevantCount(relevant);
  return total === 0 ? 0 : gainsAt(ranked, relevant, k).filter(gain => gain > 0).length / total;
};

/** `1 / rank` of the first relevant document, 0 if there is none in the top k (trec_eval's `recip_rank`, cut off at k). */
export const reciprocalRank: Metric = (ranked, relevant, k) => {
  const first = gainsAt(ranked, relevant, k).findIndex(gain => gain > 0);
  return first === -1 ? 0 : 1 / (first + 1);
};

/**
 * `DCG@k / ideal DCG@k` with `DCG@k = Σ_{r=1..k} gain(r) / log2(r + 1)`; the ideal ranking has the relevant documents by
 * falling gain. Gains are linear, not `2^gain − 1`, and negative ones count as 0 (trec_eval's `ndcg_cut_k`).
 */
export const normalisedGain: Metric = (ranked, relevant, k) => {
  const ideal = [...relevant.values()].filter(gain => gain > 0).sort((a, b) => b - a);
  const best = discounted(ideal.slice(0, k));
  return best === 0 ? 0 : discounted(gainsAt(ranked, relevant, k)) / best;
};

const metrics: Readonly<Record<string, Metric>> = { recall, MRR: reciprocalRank, nDCG: normalisedGain };

/** `recall@10`, `MRR@10`, `nDCG@10`, for each cut-off in turn. */
export function metricNames(cutoffs: readonly number[]): string[] {
  return cutoffs.flatMap(k => Object.keys(metrics).map(name => `${name}@${k}`));
}

/** Every metric at every cut-off, by the names of `metricNames`. A query without relevant documents scores 0. */
export function measure(
  ranked: readonly string[],
  relevant: Gains,
  cutoffs: readonly number[],
): Record<string, number> {
  return Object.fromEntries(
    cutoffs.flatMap(k =>
      Object.entries(metrics).map(([name, metric]) => [`${name}@${k}`, metric(ranked, relevant, k)] as const),
    ),
  );
}

export function relevantCount(relevant: Gains): number {
  return [...relevant.values()].filter(gain => gain > 0).length;
}

/** Gains by rank. A document that is listed again gains nothing the second time: no metric may exceed 1. */
function gainsAt(ranked: readonly string[], relevant: Gains, k: number): number[] {
  const seen = new Set<string>();
  return ranked.slice(0, k).map(id => {
    if (seen.has(id)) return 0;
    seen.add(id);
    return Math.max(0, relevant.get(id) ?? 0);
  });
}

function discounted(gains: readonly number[]): number {
  return gains.reduce((sum, gain, i) => sum + gain / Math.log2(i + 2), 0);
}
