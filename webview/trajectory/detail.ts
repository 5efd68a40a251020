import { html, nothing, svg, type TemplateResult } from 'lit';
import type { StepView, TrajectoryHead } from '../../src/protocol.ts';
import { renderNotes } from '../parts.ts';
import * as l10n from '../ui/l10n.ts';
import { decimal, figure } from '../ui/numbers.ts';
import { reasonWord } from '../words.ts';
import type { Actions } from './actions.ts';
import { kindWord, labelWord } from './words.ts';

/** What is known of the selected step: its label with the keys that change it, its weight on the curve, its pair. */
export function renderDetail(step: StepView, head: TrajectoryHead, actions: Actions): TemplateResult {
  return html`<h2>${l10n.t('Step {0}, {1}', String(step.step), kindWord(step.kind))}</h2>
    ${step.kind === 'browse' ? renderBrowse(step, head, actions) : nothing}
    ${step.kind === 'search' ? renderSearch(step) : nothing}
    ${
      step.place === null
        ? nothing
        : html`<p>
            <vscode-link href="#" @click=${stay(() => actions.openLog(step.place!))}>${l10n.t('Go to line {0} of the log', String(step.place.line))}</vscode-link> <kbd>o</kbd>
          </p>`
    }`;
}

function renderBrowse(
  step: StepView & { kind: 'browse' },
  head: TrajectoryHead,
  actions: Actions,
): TemplateResult {
  const { label, pair } = step;
  const choice = (value: 'relevant' | 'irrelevant', key: string) =>
    html`<vscode-button
      class=${value}
      appearance=${label.value === value ? 'primary' : 'secondary'}
      aria-pressed=${label.value === value}
      @click=${() => actions.label(value)}
      >${labelWord(value)} <kbd>${key}</kbd></vscode-button
    >`;
  return html`<h3>${l10n.t('Relevant?')}</h3>
    <p class="choices">
      ${choice('relevant', 'r')} ${choice('irrelevant', 'i')}
      <vscode-button appearance="secondary" @click=${() => actions.label(null)}>${l10n.t('clear')} <kbd>c</kbd></vscode-button>
    </p>
    <p class="muted">${provenance(step)}</p>
    ${renderNotes(label.notes)}
    ${step.tokens === null || head.intensity === null ? nothing : renderCurve(step.tokens, head.intensity)}
    <h2>${l10n.t('Pair from this browse')}</h2>
    ${
      pair === null
        ? html`<p>${l10n.t('None: {0}.', step.noPair === null ? l10n.t('nothing is mined yet') : reasonWord(step.noPair))}</p>`
        : html`<p class="query">${pair.query}</p>
            <p>
              ${
                pair.searchIndex === null
                  ? nothing
                  : html`<vscode-link href="#" @click=${stay(() => actions.select(pair.searchIndex ?? 0))}
                      >${
                        pair.corrected
                          ? l10n.t('To the search of this query; it is not the latest one')
                          : l10n.t('To the search of this query')
                      }</vscode-link
                    >`
              }
            </p>
            <p class="muted">${pair.negatives === 1 ? l10n.t('1 positive, 1 negative, weight {0}', decimal(pair.weight, 2)) : l10n.t('1 positive, {0} negatives, weight {1}', pair.negatives, decimal(pair.weight, 2))}</p>
            <p><vscode-link href="#" @click=${stay(actions.openPair)}>${l10n.t('Show among the pairs')}</vscode-link></p>`
    }`;
}

function provenance(step: StepView & { kind: 'browse' }): string {
  const { by, name, isOwn, confidence, reason } = step.label;
  if (by === null)
    return step.tokens === null
      ? l10n.t('No reasoning after it: nobody can judge.')
      : l10n.t('Nobody has judged it.');
  const who = isOwn ? l10n.t('You') : by === 'rules' ? l10n.t('{0} (rules, not a model)', name) : name;
  return `${who}${confidence === null ? '' : `, ${decimal(confidence, 2)}`}${reason === null ? '' : `: ${reason}`}`;
}

function renderSearch(step: StepView & { kind: 'search' }): TemplateResult {
  const count = (fate: string) => step.candidates.filter(candidate => candidate.fate === fate).length;
  return html`<p>
    ${l10n.t(
      '{0} candidates: {1} positive, {2} negative, {3} opened and irrelevant, {4} set aside.',
      step.candidates.length,
      count('positive'),
      count('negative'),
      count('irrelevant'),
      count('aside'),
    )}
  </p>`;
}

/** Width and height of the curve's box, and its margins, in pixels. */
const box = { width: 300, height: 132, left: 30, bottom: 18, top: 8 };

/** w(l) = (1 − exp(−ln2·l/β)) / μ_raw, with this browse's length on it (LRAT, section 5.3). */
function renderCurve(
  tokens: number,
  { halfLife, muRaw }: { halfLife: number; muRaw: number },
): TemplateResult {
  const weight = (length: number) => (1 - Math.exp((-Math.LN2 * length) / halfLife)) / muRaw;
  const longest = Math.max(4 * halfLife, 1.1 * tokens);
  const x = (length: number) => box.left + ((box.width - box.left - 8) * length) / longest;
  const y = (value: number) =>
    box.height - box.bottom - ((box.height - box.bottom - box.top) * value * muRaw) / 1.02;
  const points = Array.from({ length: 61 }, (_, i) => (i * longest) / 60);
  const path = points
    .map((length, i) => `${i === 0 ? 'M' : 'L'}${x(length).toFixed(1)},${y(weight(length)).toFixed(1)}`)
    .join('');
  const base = box.height - box.bottom;
  const w = weight(tokens);
  return html`<h2>${l10n.t('Relevance intensity')}</h2>
    <svg
      class="curve"
      viewBox="0 0 ${box.width} ${box.height}"
      role="img"
      aria-label=${l10n.t('Weight {0} at {1} tokens; half-life {2} tokens.', decimal(w, 2), tokens, halfLife)}
    >
      ${svg`<path class="axis" d="M${box.left},${box.top}V${base}H${box.width - 8}"></path>
        <path class="line" d=${path}></path>
        <path class="half" d="M${x(halfLife)},${base}V${y(weight(halfLife))}"></path>
        <path class="here" d="M${x(tokens)},${base}V${y(w)}"></path>
        <circle class="here" cx=${x(tokens)} cy=${y(w)} r="4"></circle>
        <text x="4" y=${y(1) + 4}>${decimal(1, 1)}</text>
        <text x=${x(halfLife)} y=${box.height - 4} text-anchor="middle">β ${figure(halfLife)}</text>`}
    </svg>
    <p class="muted">${l10n.t('{0} tokens → weight {1}; half-life β {2}, μ {3}', tokens, decimal(w, 2), halfLife, decimal(muRaw, 3))}</p>`;
}

function stay(action: () => void): (event: Event) => void {
  return event => {
    event.preventDefault();
    action();
  };
}
