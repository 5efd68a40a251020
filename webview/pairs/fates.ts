import { html, nothing, type TemplateResult } from 'lit';
import type { PairQuery, PairSelection, PairsHead } from '../../src/protocol.ts';
import * as l10n from '../ui/l10n.ts';
import { whole } from '../ui/numbers.ts';
import { selectionWord } from './words.ts';

/** Every browse is in one of these. */
const ends: readonly PairSelection[] = [
  ...(['pairs', 'unsatisfied', 'irrelevantByJudge', 'irrelevantByPerson', 'reread', 'neverListed'] as const),
  ...(['notInList', 'noDocument', 'unknown', 'otherOutcome', 'noText'] as const),
];
/** What was done about the queries and negatives of the pairs. */
const care: readonly PairSelection[] = [
  ...(['corrected', 'guarded', 'withoutNegatives', 'byPerson', 'byModel', 'byRules'] as const),
];

/** What became of the browses; each count leads to the rows that it counts. */
export function renderFates(
  head: PairsHead,
  { selection }: PairQuery,
  select: (selection: PairSelection) => void,
): TemplateResult {
  const line = (name: PairSelection) => {
    const count = head.counts[name] ?? 0;
    return html`<li>
      <button class="count" aria-pressed=${selection === name} ?disabled=${count === 0} @click=${() => select(name)}>
        <span>${selectionWord(name)}</span> <b class=${name}>${whole(count)}</b>
      </button>
    </li>`;
  };
  const shown = (names: readonly PairSelection[]) =>
    names.filter(name => name === 'pairs' || (head.counts[name] ?? 0) > 0);
  return html`<section class="fates" aria-labelledby="fates">
    <h2 id="fates">${l10n.t('What became of {0} browses', head.browses)}</h2>
    <ul>
      ${shown(ends).map(line)}
    </ul>
    ${
      shown(care).length === 0
        ? nothing
        : html`<h2>${l10n.t('Of the pairs')}</h2>
            <ul>
              ${shown(care).map(line)}
            </ul>`
    }
  </section>`;
}
