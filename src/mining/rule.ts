import type { Label, LabelLookup, OutlineStep, TrajectoryOutline } from '../trajectory/outline.ts';
import type { MiningMode, Pair } from './pair.ts';

export type OutlinedSearch = Extract<OutlineStep, { kind: 'search' }>;
export type OutlinedBrowse = Extract<OutlineStep, { kind: 'browse' }>;

/** Why a browse gave no row. */
export const dropReasons = [
  /** Judged of no use. (Mode `released` makes a row of it, `satisfied: false`.) */
  'irrelevant',
  /** Not judged, or the judge failed: unknown is not irrelevant. */
  'unknown',
  /** The log does not tell which document was opened. */
  'noDocument',
  /** In no list before the browse. (Mode `attributed`.) */
  'neverListed',
  /** Not in the lists that the mode looks at. (Modes `paper` and `released`.) */
  'notInList',
  /** Another reading of a document that has its row: paging, scrolling, coming back. */
  'reread',
  /** Its trajectory has another outcome than was asked for. */
  'otherOutcome',
  /** The corpus has no text for its document. */
  'noText',
] as const;
export type DropReason = (typeof dropReasons)[number];

/** A pair before it is known how much it weighs among the others. */
export type UnweightedPair = Omit<Pair, 'weight'>;

/** A browse that gave no pair, and why. */
export interface Drop {
  readonly browse: OutlinedBrowse;
  readonly reason: DropReason;
}

/** What a mode makes of one trajectory. */
export interface Mined {
  readonly pairs: UnweightedPair[];
  /** One for every browse that gave no pair of its own. */
  readonly drops: Drop[];
}

export type MiningRule = (outline: TrajectoryOutline, labelOf: LabelLookup) => Mined;

export function labelOfBrowse(
  outline: TrajectoryOutline,
  browse: OutlinedBrowse,
  labelOf: LabelLookup,
): Label {
  return labelOf({ log: outline.log, trajectory: outline.trajectory, step: browse.step, doc: browse.doc });
}

/** What the published modes see: a call that executed several queries is one search, with one list and its first query. */
export function withWholeCalls(steps: readonly OutlineStep[]): OutlineStep[] {
  const whole: OutlineStep[] = [];
  for (const step of steps) {
    const last = whole.at(-1);
    if (step.kind === 'search' && step.part > 0 && last?.kind === 'search' && last.step === step.step) {
      whole[whole.length - 1] = { ...last, documents: [...last.documents, ...step.documents] };
    } else whole.push(step);
  }
  return whole;
}

/** Makes the pairs of one trajectory, all with its provenance. */
export function pairMaker(
  mode: MiningMode,
  outline: TrajectoryOutline,
): (found: {
  search: OutlinedSearch;
  browse: OutlinedBrowse;
  positive: string;
  negatives: readonly string[];
  reasoningTokens: number | null;
  satisfied: boolean;
  corrected?: boolean;
}) => UnweightedPair {
  const { log, trajectory, queryId, question } = outline;
  const searches = outline.steps.filter(step => step.kind === 'search');
  return ({ search, browse, ...found }) => ({
    mode,
    log,
    trajectory,
    queryId,
    question,
    searchStep: search.step,
    searchPart: search.part,
    browseStep: browse.step,
    query: search.query,
    // Queries of the same turn were sent together: none of them was known to have been tried.
    corrected: false,
    previousQueries: searches.filter(({ turn }) => turn < search.turn).map(({ query }) => query),
    ...found,
  });
}
