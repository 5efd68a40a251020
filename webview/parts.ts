import { html, nothing, type TemplateResult } from 'lit';
import type { LogPlace, NoteView, ShownText } from '../src/protocol.ts';
import * as l10n from './ui/l10n.ts';

/** Says what is missing of a text, and leads to the log, which has it. */
export function renderCut(
  { text, cut }: ShownText,
  place: LogPlace | null,
  openLog: () => void,
): TemplateResult | typeof nothing {
  if (cut === null) return nothing;
  const end = cut.from + text.length;
  return html`<p class="cut muted">
    ${
      cut.from === 0
        ? l10n.t('Cut after {0} of {1} characters; the log has the rest.', end, cut.length)
        : l10n.t('Characters {0} to {1} of {2}; the log has the rest.', cut.from + 1, end, cut.length)
    }
    ${
      place === null
        ? nothing
        : html`<button type="button" class="jump" @click=${openLog}>${l10n.t('Go to line {0} of the log', String(place.line))}</button>`
    }
  </p>`;
}

/** What people have noted on a browse. */
export function renderNotes(notes: readonly NoteView[]): TemplateResult | typeof nothing {
  if (notes.length === 0) return nothing;
  return html`<h2>${l10n.t('Notes')}</h2>
    <dl class="notes">
      ${notes.map(({ name, text }) => html`<dt class="muted">${name}</dt><dd class="prose">${text}</dd>`)}
    </dl>`;
}
