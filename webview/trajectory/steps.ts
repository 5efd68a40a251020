import { html, nothing, type TemplateResult } from 'lit';
import { classMap } from 'lit/directives/class-map.js';
import type { CandidateView, LabelView, ShownText, StepView } from '../../src/protocol.ts';
import { renderCut } from '../parts.ts';
import * as l10n from '../ui/l10n.ts';
import { decimal, exact } from '../ui/numbers.ts';
import type { Actions } from './actions.ts';
import type { Marked } from './matches.ts';
import { fates, kindWord, labelWord } from './words.ts';

/** @param mark marks what is looked for in a text */
export function renderStep(
  step: StepView,
  { collapsed, isFound }: { readonly collapsed: boolean; readonly isFound: boolean },
  mark: Marked,
  actions: Actions,
): TemplateResult {
  return html`<span class="number">${step.step}${isFound ? html`<span class="found">${l10n.t('match')}</span>` : nothing}</span>
    <div class="body ${step.kind}">${collapsed ? renderLine(step, mark) : renderWhole(step, mark, actions)}</div>`;
}

/** A step on one line. */
function renderLine(step: StepView, mark: Marked): TemplateResult {
  switch (step.kind) {
    case 'think':
    case 'answer':
      return html`<p class="line"><b class="kind">${kindWord(step.kind)}</b> ${mark(step.text)}</p>`;
    case 'search':
      return html`<p class="line"><b class="kind">${kindWord(step.kind)}</b> ${mark(step.query)}</p>`;
    case 'browse':
      return html`<p class="line"><b class="kind">${kindWord(step.kind)}</b> ${step.title ?? step.doc} ${renderLabel(step.label)}</p>`;
    case 'tool':
      return html`<p class="line"><b class="kind">${kindWord(step.kind)}</b> ${mark(step.name)}</p>`;
  }
}

function renderWhole(step: StepView, mark: Marked, actions: Actions): TemplateResult {
  switch (step.kind) {
    case 'think':
      return html`<p class="caption">
          <b class="kind">${kindWord(step.kind)}</b> <span class="muted">${step.postBrowse ? l10n.t('post-browse, {0} tokens', step.tokens) : l10n.t('{0} tokens', step.tokens)}</span>
        </p>
        <p class=${classMap({ prose: true, quoted: true, after: step.postBrowse })}>${mark(step.text)}</p>
        ${renderCutOf(step, actions)}`;
    case 'search':
      return html`<p class="caption"><b class="kind">${kindWord(step.kind)}</b></p>
        <p class="query">${mark(step.query)}</p>
        ${step.error === null ? nothing : html`<p class="error">${step.error}</p>`}
        <ol class="candidates">
          ${step.candidates.map(candidate => renderCandidate(candidate, mark, actions))}
        </ol>`;
    case 'browse':
      return html`<p class="caption">
          <b class="kind">${kindWord(step.kind)}</b> <b>${step.title ?? ''}</b> <code>${step.doc ?? l10n.t('document unknown')}</code>
          ${step.shows === 'extract' ? html`<span class="muted">${l10n.t('an extract')}</span>` : nothing}
          <span class="right">${renderLabel(step.label)}</span>
        </p>
        ${step.error === null ? nothing : html`<p class="error">${step.error}</p>`}
        ${step.text === '' ? nothing : html`<p class="page" tabindex="0">${mark(step.text)}</p>`}
        ${renderCutOf(step, actions)}`;
    case 'tool':
      return html`<p class="caption"><b class="kind">${kindWord(step.kind)}</b> <span class="muted">${mark(step.name)}</span></p>`;
    case 'answer':
      return html`<p class="caption"><b class="kind">${kindWord(step.kind)}</b></p>
        <p class="prose">${mark(step.text)}</p>
        ${renderCutOf(step, actions)}`;
  }
}

function renderCutOf(
  { text, cut, place }: ShownText & Pick<StepView, 'place'>,
  actions: Actions,
): TemplateResult | typeof nothing {
  return renderCut({ text, cut }, place, () => actions.openLog(place!));
}

function renderCandidate(candidate: CandidateView, mark: Marked, actions: Actions): TemplateResult {
  const { shape, word } = fates[candidate.fate];
  return html`<li class=${candidate.fate}>
    <span class="rank">${candidate.rank}</span>
    <span class="shape" aria-hidden="true">${shape}</span>
    <div class="what">
      <p><b>${candidate.title === null ? candidate.id : mark(candidate.title)}</b> <code>${candidate.title === null ? '' : candidate.id}</code>
        ${candidate.score === null ? nothing : html`<span class="muted">${l10n.t('score {0}', exact(candidate.score))}</span>`}</p>
      <p class="snippet">${mark(candidate.snippet)}</p>
    </div>
    <div class="fate">
      <p><span class="word">${word}</span> ${candidate.weight === null ? nothing : decimal(candidate.weight, 2)}</p>
      ${
        candidate.weight === null
          ? nothing
          : html`<div class="bar"><div .style=${`width: ${Math.min(100, 50 * candidate.weight)}%`}></div></div>`
      }
      ${renderLinks(l10n.t('browsed at'), candidate.browsedAt, actions)} ${renderLinks(l10n.t('relisted at'), candidate.listedAgainAt, actions)}
    </div>
  </li>`;
}

function renderLinks(
  word: string,
  indexes: readonly number[],
  actions: Actions,
): TemplateResult | typeof nothing {
  if (indexes.length === 0) return nothing;
  return html`<p class="muted">
    ${word}
    ${indexes.slice(0, 3).map(
      index =>
        html`<button
          class="jump"
          aria-label=${l10n.t('step {0}', String(actions.stepAt(index)))}
          @click=${(event: Event) => {
            event.stopPropagation();
            actions.select(index);
          }}
        >
          ${actions.stepAt(index)}
        </button> `,
    )}${indexes.length > 3 ? l10n.t('and {0} more', indexes.length - 3) : nothing}
  </p>`;
}

export function renderLabel(label: LabelView): TemplateResult {
  const by = label.by === null ? '' : label.isOwn ? l10n.t('by you') : l10n.t('by {0}', label.name);
  const confidence = label.confidence === null ? '' : `, ${decimal(label.confidence, 2)}`;
  return html`<span class="label ${label.value}">${labelWord(label.value)}</span>
    <span class="muted">${by}${confidence}</span>`;
}
