import { type Difference, describeDifference } from '../evaluation/bootstrap.ts';
import {
  alignTable,
  type Estimate,
  formatInterval,
  type NumberFormat,
  percent,
} from '../evaluation/table.ts';

/** The retrievers that the demo compares, in the order of the table (the paper's ablation, with two controls). */
export const variantNames = ['bm25', 'base', 'naive', 'filter', 'reweight', 'shuffled'] as const;
export type VariantName = (typeof variantNames)[number];

export const variantLabels: Record<VariantName, string> = {
  bm25: 'BM25',
  base: 'base',
  naive: '+naive',
  filter: '+filter',
  reweight: '+reweight',
  shuffled: 'shuffled (control)',
};

export const variantMeanings: Record<VariantName, string> = {
  bm25: 'the first retriever, which gathered the logs; not trained',
  base: 'static encoder, seeded random embeddings, not trained',
  naive: 'trained on every browse as a positive, weight 1',
  filter: 'trained on the browses that the judge keeps, weight 1',
  reweight: 'the same pairs, weighted by relevance intensity',
  shuffled: 'the same weighted pairs with their positives permuted: must hurt',
};

/** What is measured on every held-out question. Rates lie between 0 and 1. */
export const measures = ['recall', 'success', 'evidence', 'steps'] as const;
export type Measure = (typeof measures)[number];

export const measureLabels: Record<Measure, string> = {
  recall: 'recall@10',
  success: 'success rate',
  evidence: 'evidence recall',
  steps: 'steps',
};

/** A paired difference, `variant` minus `baseline`. */
export interface Comparison {
  readonly variant: VariantName;
  readonly baseline: VariantName;
  readonly measure: Measure;
  readonly difference: Difference;
}

export type Table = Readonly<Record<VariantName, Readonly<Record<Measure, Estimate>>>>;

/** Everything that the demo did and found; `result.json` is this. */
export interface DemoResult {
  readonly simulation: true;
  readonly note: string;
  readonly seed: number;
  readonly trainingSeeds: readonly number[];
  readonly world: {
    readonly documents: number;
    readonly trainingQuestions: number;
    readonly heldOutQuestions: number;
  };
  readonly indexed: { readonly trajectories: number; readonly searches: number; readonly browses: number };
  readonly judged: {
    readonly relevant: number;
    readonly irrelevant: number;
    readonly unknown: number;
    /** Against the known truth: part of the useful browses that are kept, and of the others. */
    readonly keptOfUseful: number;
    readonly keptOfOthers: number;
  };
  /** Rows per kind of pairs, and the two numbers that fix the weights. */
  readonly mined: {
    readonly naive: number;
    readonly judged: number;
    readonly halfLife: number | null;
    readonly muRaw: number | null;
  };
  readonly recipe: Readonly<Record<string, number | string>>;
  readonly table: Table;
  /** Standard deviation of the success rate between training seeds, which the intervals do not hold. */
  readonly seedSpread: Readonly<Record<VariantName, number>>;
  readonly comparisons: readonly Comparison[];
  /** The control without a gap: one training seed, its own smaller world. */
  readonly noGap: { readonly questions: number; readonly documents: number; readonly table: Table };
  /** Seconds per stage, wall clock. */
  readonly timings: Readonly<Record<string, number>>;
  readonly logs: string;
  readonly report: string;
}

/** Rates in per cent, steps as they are. */
export const formats: Record<Measure, NumberFormat> = {
  recall: percent,
  success: percent,
  evidence: percent,
  steps: { scale: 1, digits: 1 },
};

/** A paired difference in words; says so where it is not significant. */
export function describeComparison({ variant, baseline, measure, difference }: Comparison): string {
  const names = `${variantLabels[variant]} − ${variantLabels[baseline]}`;
  return `${measureLabels[measure]}, ${names}: ${describeDifference(difference, formats[measure])}`;
}

/** The table as plain text. */
export function tableText(table: Table): string {
  return alignTable(
    ['', ...measures.map(measureHeader)],
    variantNames.map(name => [
      variantLabels[name],
      ...measures.map(measure => formatInterval(table[name][measure], formats[measure])),
    ]),
  );
}

export function measureHeader(measure: Measure): string {
  return measure === 'steps' ? measureLabels.steps : `${measureLabels[measure]} %`;
}
