import {
  type DropReason,
  labelOfBrowse,
  type Mined,
  type MiningRule,
  type OutlinedBrowse,
  type OutlinedSearch,
  pairMaker,
  withWholeCalls,
} from './rule.ts';

/**
 * Mode `paper` (section 5.1.1): the browses that follow a search, with no other tool call in between, belong to it. Each
 * relevant document among them that the search listed is a positive; what the search listed and the agent left unopened
 * are its negatives. A document has one row per search, from the first browse that found it relevant.
 */
export const minePaper: MiningRule = (outline, labelOf): Mined => {
  const mined: Mined = { pairs: [], drops: [] };
  const pair = pairMaker('paper', outline);

  const close = (search: OutlinedSearch | null, run: readonly OutlinedBrowse[]): void => {
    const listed = new Set(search?.documents);
    const opened = new Set(run.map(browse => browse.doc));
    const negatives = [...listed].filter(doc => !opened.has(doc));
    const positives = new Set<string>();
    for (const browse of run) {
      const { doc, reasoningTokens } = browse;
      const label = labelOfBrowse(outline, browse, labelOf);
      const drop = (reason: DropReason) => mined.drops.push({ browse, reason });
      if (doc === null) drop('noDocument');
      else if (search === null || !listed.has(doc)) drop('notInList');
      else if (label !== 'relevant') drop(label);
      else if (positives.has(doc)) drop('reread');
      else {
        positives.add(doc);
        mined.pairs.push(
          pair({ search, browse, positive: doc, negatives, reasoningTokens, satisfied: true }),
        );
      }
    }
  };

  let search: OutlinedSearch | null = null;
  let run: OutlinedBrowse[] = [];
  for (const step of withWholeCalls(outline.steps)) {
    if (step.kind === 'browse') run.push(step);
    if (step.kind !== 'search' && step.kind !== 'tool') continue;
    close(search, run);
    run = [];
    search = step.kind === 'search' ? step : null;
  }
  close(search, run);
  return mined;
};
