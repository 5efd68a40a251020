import { html, nothing, type TemplateResult } from 'lit';
import type { BrowseFate, PairCare, PairSubset, PairSummary } from '../../src/protocol.ts';
import * as l10n from '../ui/l10n.ts';
import { careWord, fateWord, subsetWord, whole } from './words.ts';

const fates = [
  'unsatisfied',
  'irrelevantByJudge',
  'irrelevantByPerson',
  'reread',
  'neverListed',
  'notInList',
  'noDocument',
  'unknown',
] as const satisfies readonly BrowseFate[];
/** Shown even when nothing is in them: that nothing was lost there is an answer too. */
const alwaysShown: readonly BrowseFate[] = ['irrelevantByJudge', 'reread', 'neverListed', 'unknown'];
const cares = ['aside', 'sameText', 'corrected'] as const satisfies readonly PairCare[];

/** What became of all browses, and what the guard did; every count leads to the rows that it counts. */
export function renderAccount(
  summary: PairSummary,
  subset: PairSubset,
  show: (subset: PairSubset) => void,
): TemplateResult {
  const entry = (name: PairSubset, word: string, count: number, note = '', kind = '') =>
    html`<li>
      <button
        class=${`count ${kind}`}
        aria-pressed=${subset === name}
        ?disabled=${count === 0}
        @click=${() => show(subset === name ? 'pairs' : name)}
      >
        <span>${word}</span><span class="number">${whole(count)}${note}</span>
      </button>
    </li>`;
  const { fates: counts, care, browses, sources } = summary;
  return html`<section class="account" aria-label=${l10n.t('What became of the browses')}>
    <h2>${l10n.t('What became of {0} browses', whole(browses))}</h2>
    <ul>
      ${entry('pair', fateWord('pair'), counts.pair, '', 'positive')}
      ${(['person', 'model', 'rules'] as const)
        .filter(source => sources[source] > 0 && sources[source] < counts.pair)
        .map(source => entry(source, subsetWord(source), sources[source], '', 'part'))}
      ${fates
        .filter(fate => counts[fate] > 0 || alwaysShown.includes(fate))
        .map(fate => entry(fate, fateWord(fate), counts[fate], '', fate === 'unknown' ? 'aside' : ''))}
    </ul>
    ${
      summary.mode === 'attributed'
        ? html`<h2>${l10n.t('Guard')}</h2>
            <ul>
              ${cares.map(name => {
                const { count, pairs } = care[name];
                const note = name === 'corrected' || count === 0 ? '' : l10n.t(' in {0} pairs', whole(pairs));
                return entry(name, careWord(name), count, note);
              })}
            </ul>`
        : nothing
    }
  </section>`;
}
