import type { Label, OutlineStep, TrajectoryOutline } from '../trajectory/outline.ts';
import {
  labelOfBrowse,
  type Mined,
  type MiningRule,
  type OutlinedBrowse,
  type OutlinedSearch,
  pairMaker,
} from './rule.ts';

/** All browses of one document that belong to one search: re-reading, paging, scrolling. */
interface Reading {
  readonly search: OutlinedSearch;
  readonly doc: string;
  readonly browses: OutlinedBrowse[];
  /** Whether the search was the latest one when the document was first opened. */
  readonly ofLatest: boolean;
}

/**
 * Mode `attributed`: a browse belongs to the most recent search before it that listed its document, however long ago.
 * The negatives of a relevant reading are the documents of that list that were found irrelevant, then those that were
 * never opened, both in list order; what was found relevant anywhere in the trajectory, or was opened and never judged,
 * is none of them. What other trajectories of the same question know is applied afterwards (`FalseNegativeGuard`).
 */
export const mineAttributed: MiningRule = (outline, labelOf): Mined => {
  const label = (browse: OutlinedBrowse) => labelOfBrowse(outline, browse, labelOf);
  const { readings, drops } = readingsOf(outline);
  const pairs: Mined['pairs'] = [];
  const pair = pairMaker('attributed', outline);

  const verdicts = new Map<string, Label>();
  for (const step of outline.steps) {
    if (step.kind === 'browse' && step.doc !== null) {
      verdicts.set(step.doc, strongest([verdicts.get(step.doc) ?? 'unknown', label(step)]));
    }
  }

  for (const { search, doc, browses, ofLatest } of readings) {
    drops.push(...browses.slice(1).map(browse => ({ browse, reason: 'reread' as const })));
    const verdict = strongest(browses.map(label));
    if (verdict !== 'relevant') {
      drops.push({ browse: browses[0]!, reason: verdict });
      continue;
    }
    const listed = [...new Set(search.documents)];
    const negatives = [
      ...listed.filter(other => verdicts.get(other) === 'irrelevant'),
      ...listed.filter(other => !verdicts.has(other)),
    ];
    const reasoningTokens = lengthOf(browses);
    pairs.push(
      pair({
        search,
        browse: browses[0]!,
        positive: doc,
        negatives,
        reasoningTokens,
        satisfied: true,
        corrected: !ofLatest,
      }),
    );
  }
  return { pairs, drops };
};

/** A browse and the search that it belongs to; null if none before it listed its document. */
export interface Attribution {
  readonly browse: OutlinedBrowse;
  readonly search: OutlinedSearch | null;
  /** Whether that search was the latest one. */
  readonly ofLatest: boolean;
}

/** Gives every browse, in order, to the most recent search before its turn that listed its document. */
export function* attributions(steps: readonly OutlineStep[]): Generator<Attribution> {
  const lister = new Map<string, OutlinedSearch>();
  let latest: OutlinedSearch | undefined;
  /** Searches of the present turn: what is opened beside them was not chosen from their lists. */
  let present: OutlinedSearch[] = [];
  for (const step of steps) {
    if (step.kind !== 'search' && step.kind !== 'browse') continue;
    for (const search of present.filter(({ turn }) => turn < step.turn)) {
      for (const doc of search.documents) lister.set(doc, search);
      latest = search;
    }
    present = present.filter(({ turn }) => turn >= step.turn);
    if (step.kind === 'search') present.push(step);
    else {
      const search = (step.doc === null ? undefined : lister.get(step.doc)) ?? null;
      yield { browse: step, search, ofLatest: search?.step === latest?.step };
    }
  }
}

/** Every browse under the search that it belongs to, in order of the first opening; and those that belong to none. */
function readingsOf(outline: TrajectoryOutline): { readings: Reading[]; drops: Mined['drops'] } {
  const readings = new Map<OutlinedSearch, Map<string, Reading>>();
  const ordered: Reading[] = [];
  const drops: Mined['drops'] = [];
  for (const { browse, search, ofLatest } of attributions(outline.steps)) {
    const { doc } = browse;
    if (doc === null) drops.push({ browse, reason: 'noDocument' });
    else if (search === null) drops.push({ browse, reason: 'neverListed' });
    else {
      const ofSearch = readings.get(search) ?? new Map<string, Reading>();
      readings.set(search, ofSearch);
      const known = ofSearch.get(doc);
      if (known !== undefined) known.browses.push(browse);
      else {
        const reading = { search, doc, browses: [browse], ofLatest };
        ofSearch.set(doc, reading);
        ordered.push(reading);
      }
    }
  }
  return { readings: ordered, drops };
}

/** Relevant if any is; irrelevant if one was judged so; else unknown. */
function strongest(labels: readonly Label[]): Label {
  if (labels.includes('relevant')) return 'relevant';
  return labels.includes('irrelevant') ? 'irrelevant' : 'unknown';
}

/** The length of the reasonings joined; browses of one turn share theirs. Null if none is known. */
function lengthOf(browses: readonly OutlinedBrowse[]): number | null {
  const byTurn = new Map(browses.map(({ turn, reasoningTokens }) => [turn, reasoningTokens]));
  const known = [...byTurn.values()].filter(length => length !== null);
  return known.length === 0 ? null : known.reduce((sum, length) => sum + length, 0);
}
