import type { Label, OutlineStep } from '../trajectory/outline.ts';
import {
  labelOfBrowse,
  type Mined,
  type MiningRule,
  type OutlinedBrowse,
  type OutlinedSearch,
  pairMaker,
  withWholeCalls,
} from './rule.ts';

interface JudgedBrowse {
  readonly browse: OutlinedBrowse;
  readonly doc: string;
  readonly label: Label;
}

/**
 * Mode `released`: what the builder published with the paper does, step by step, including what it does wrong: every
 * browse of a run takes the latest query, even for a document of an earlier list, and a relevant one clears all memory.
 * Irrelevant browses give rows too (`satisfied: false`), and repeated browses repeated rows. A browse whose label is
 * unknown, which that builder cannot have, gives no row and is no negative either.
 */
export const mineReleased: MiningRule = (outline, labelOf): Mined => {
  const mined: Mined = { pairs: [], drops: [] };
  const pair = pairMaker('released', outline);
  const steps = withWholeCalls(outline.steps);
  let search: OutlinedSearch | null = null;
  let lists: (readonly string[])[] = [];
  /** Documents of the irrelevant browses since the last reset, and of those with no label. */
  let irrelevant: string[] = [];
  let unknown: string[] = [];

  for (let i = 0; i < steps.length; ) {
    const step = steps[i]!;
    if (step.kind === 'search') {
      search = step;
      lists.push(step.documents);
    }
    if (step.kind !== 'browse') {
      i++;
      continue;
    }
    const { browses, end } = runFrom(steps, i);
    i = end;
    const nameless = browses.filter(({ doc }) => doc === null);
    mined.drops.push(...nameless.map(browse => ({ browse, reason: 'noDocument' as const })));
    const run = browses.flatMap((browse): JudgedBrowse[] =>
      browse.doc === null
        ? []
        : [{ browse, doc: browse.doc, label: labelOfBrowse(outline, browse, labelOf) }],
    );
    const found = (label: Label) => run.filter(each => each.label === label).map(({ doc }) => doc);
    const relevant = new Set(found('relevant'));
    const rejected = found('irrelevant');
    unknown.push(...found('unknown'));
    const opened = new Set([...relevant, ...rejected, ...irrelevant, ...unknown]);
    const unopened = lists.toReversed().flatMap(list => list.filter(doc => !opened.has(doc)));
    const candidates = new Set([...rejected.toReversed(), ...irrelevant.toReversed(), ...unopened]);
    const listed = new Set(lists.flat());

    for (const { browse, doc, label } of run) {
      if (search === null || !listed.has(doc)) mined.drops.push({ browse, reason: 'notInList' });
      else if (label === 'unknown') mined.drops.push({ browse, reason: 'unknown' });
      else {
        const negatives = [...candidates].filter(other => !relevant.has(other) && other !== doc);
        const satisfied = label === 'relevant';
        const { reasoningTokens } = browse;
        mined.pairs.push(pair({ search, browse, positive: doc, negatives, reasoningTokens, satisfied }));
      }
    }

    irrelevant.push(...rejected);
    if (relevant.size > 0) {
      search = null;
      lists = [];
      irrelevant = [];
      unknown = [];
    }
  }
  return mined;
};

/**
 * The consecutive browses from a position on, each followed by at most one think, and the position behind them. A
 * browse without a document does not end the run, but a think after it does.
 */
function runFrom(
  steps: readonly OutlineStep[],
  start: number,
): { readonly browses: OutlinedBrowse[]; readonly end: number } {
  const browses: OutlinedBrowse[] = [];
  let end = start;
  for (let step = steps[end]; step?.kind === 'browse'; step = steps[end]) {
    browses.push(step);
    end += step.doc !== null && steps[end + 1]?.kind === 'think' ? 2 : 1;
  }
  return { browses, end };
}
