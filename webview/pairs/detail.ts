import { html, nothing, type TemplateResult } from 'lit';
import type { PairDetail, PairRowView } from '../../src/protocol.ts';
import * as l10n from '../ui/l10n.ts';
import { fateWord, whoWord } from './words.ts';

/** What can be done with the selected row. */
export interface RowActions {
  readonly label: (label: 'relevant' | 'irrelevant' | null) => void;
  readonly openStep: (step: number) => void;
  readonly openLog: () => void;
}

/** The selected row in full: its query, positive and negatives, the reasoning that judged it, and the ways to them. */
export function renderDetail(
  row: PairRowView,
  detail: PairDetail | undefined,
  actions: RowActions,
): TemplateResult {
  const choice = (value: 'relevant' | 'irrelevant', word: string, key: string) =>
    html`<vscode-button
      appearance=${row.label === value ? 'primary' : 'secondary'}
      aria-pressed=${row.label === value}
      @click=${() => actions.label(value)}
      >${word} <kbd>${key}</kbd></vscode-button
    >`;
  const who = whoWord(row);
  const { confidence = null, reason = null } = detail ?? {};
  return html`<h2>${l10n.t('Query')}</h2>
    ${
      row.query === null
        ? html`<p>${l10n.t('No pair: {0}.', fateWord(row.fate))}</p>${row.question === null ? nothing : html`<p class="muted">${row.question}</p>`}`
        : html`<p class="query">${row.query}</p>`
    }
    ${
      detail?.latestQuery == null
        ? nothing
        : html`<p class="muted">${l10n.t('Not that of the latest search: “{0}”', detail.latestQuery)}</p>`
    }
    <h2>${row.query === null ? l10n.t('Opened') : l10n.t('Positive')}</h2>
    <p>${detail?.positiveTitle ?? row.doc ?? l10n.t('The log does not tell which document was opened.')}</p>
    ${detail?.positiveTitle == null ? nothing : html`<p class="muted id">${row.doc}</p>`}
    <h3>${l10n.t('Relevant?')}</h3>
    <p class="choices">
      ${choice('relevant', l10n.t('relevant'), 'r')} ${choice('irrelevant', l10n.t('irrelevant'), 'i')}
      <vscode-button appearance="secondary" @click=${() => actions.label(null)}>${l10n.t('clear')} <kbd>c</kbd></vscode-button>
    </p>
    <p class="muted">${who === '' ? l10n.t('Nobody has judged it.') : who}${confidence === null ? '' : `, ${confidence.toFixed(2)}`}${reason === null ? '' : `: “${reason}”`}</p>
    <p class="ways">
      <button class="link" @click=${() => actions.openStep(row.step)}>${l10n.t('Browse, step {0}', row.step)}</button>
      ${row.searchStep === null ? nothing : html`<button class="link" @click=${() => actions.openStep(row.searchStep ?? 0)}>${l10n.t('Search, step {0}', row.searchStep)}</button>`}
      ${detail?.line == null ? nothing : html`<button class="link" @click=${actions.openLog}>${l10n.t('Line {0} of the log', detail.line)}</button>`}
    </p>
    ${
      detail === undefined
        ? nothing
        : html`${
            detail.negatives.length === 0
              ? nothing
              : html`<h2>${l10n.t('{0} negatives', detail.negatives.length)}</h2>
                  <ol class="negatives">${detail.negatives.map(({ id, title }) => html`<li>${title ?? id}</li>`)}</ol>`
          }
          <h2>${l10n.t('Reasoning after it')}</h2>
          ${detail.reasoning === null ? html`<p class="muted">${l10n.t('None in the log.')}</p>` : html`<p class="reasoning">${detail.reasoning}</p>`}`
    }`;
}
