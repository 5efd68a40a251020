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

/** A mean with its 95 % interval. */
export interface Estimate {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** A paired difference, `variant` minus `baseline`. */
export interface Comparison {
  readonly variant: VariantName;
  readonly baseline: VariantName;
  readonly measure: Measure;
  readonly difference: Estimate;
  /** Whether the interval excludes zero. */
  readonly significant: boolean;
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
    readonly filtered: number;
    readonly halfLife: number | null;
    readonly muRaw: number | null;
  };
  readonly recipe: Readonly<Record<string, number | string>>;
  readonly table: Table;
  readonly comparisons: readonly Comparison[];
  /** The control without a gap: one training seed, its own smaller world. */
  readonly noGap: { readonly questions: number; readonly documents: number; readonly table: Table };
  /** Seconds per stage, wall clock. */
  readonly timings: Readonly<Record<string, number>>;
  readonly logs: string;
  readonly report: string;
}

/** A mean as people read it: per cent with one decimal, or steps. */
export function shown(measure: Measure, value: number): string {
  return measure === 'steps' ? value.toFixed(1) : (100 * value).toFixed(1);
}

export function shownEstimate(measure: Measure, { mean, low, high }: Estimate): string {
  return `${shown(measure, mean)} [${shown(measure, low)}, ${shown(measure, high)}]`;
}

/** A paired difference in words; says so where it is not significant. */
export function shownComparison({ variant, baseline, measure, difference, significant }: Comparison): string {
  const unit = measure === 'steps' ? 'steps' : 'points';
  const sign = difference.mean < 0 ? '' : '+';
  const found = `${variantLabels[variant]} − ${variantLabels[baseline]}, ${measureLabels[measure]}: ${sign}${shownEstimate(measure, difference)} ${unit}`;
  return `${found}${significant ? '' : ' (not significant)'}`;
}

/** The table as plain text with aligned columns. */
export function tableText(table: Table): string {
  const rows = [
    ['', ...measures.map(measure => `${measureLabels[measure]}${measure === 'steps' ? '' : ' %'}`)],
    ...variantNames.map(name => [
      variantLabels[name],
      ...measures.map(measure => shownEstimate(measure, table[name][measure])),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)));
  return rows
    .map(row =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
        .join('  '),
    )
    .join('\n');
}
