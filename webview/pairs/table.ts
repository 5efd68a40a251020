import { html, type TemplateResult } from 'lit';
import { classMap } from 'lit/directives/class-map.js';
import type { LabelValue, PairColumn, PairRowView } from '../../src/protocol.ts';
import * as l10n from '../ui/l10n.ts';
import { fateWord, whole, whoWord } from './words.ts';

/** Height of a row, in pixels: as in the style sheet. */
export const rowHeight = 30;

const columns: readonly { readonly name: PairColumn; readonly title: string; readonly isNumber?: true }[] = [
  { name: 'query', title: l10n.t('Query') },
  { name: 'positive', title: l10n.t('Positive') },
  { name: 'negatives', title: l10n.t('Neg.'), isNumber: true },
  { name: 'tokens', title: l10n.t('Tokens'), isNumber: true },
  { name: 'weight', title: l10n.t('Weight'), isNumber: true },
  { name: 'label', title: l10n.t('Label') },
  { name: 'place', title: l10n.t('From') },
];

/** The names of the columns, each of which sorts by its column. */
export function renderHead(
  sort: PairColumn,
  descending: boolean,
  onSort: (column: PairColumn) => void,
): TemplateResult {
  return html`<div class="head" role="rowgroup"><div class="cells" role="row" aria-rowindex="1">
    ${columns.map(({ name, title, isNumber }) => {
      const isSorted = name === sort;
      return html`<div
        role="columnheader"
        class=${isNumber ? 'right-cell' : ''}
        aria-sort=${isSorted ? (descending ? 'descending' : 'ascending') : 'none'}
      >
        <button @click=${() => onSort(name)}>${title}<span aria-hidden="true">${isSorted ? (descending ? ' ↓' : ' ↑') : ''}</span></button>
      </div>`;
    })}
  </div></div>`;
}

/** One row; empty while it is on its way. */
export function renderRow(
  row: PairRowView | undefined,
  {
    position,
    start,
    selected,
    given,
  }: {
    readonly position: number;
    readonly start: number;
    readonly selected: boolean;
    /** A label that was just given, and is not in the row yet. */
    readonly given: LabelValue | null | undefined;
  },
  view: {
    readonly title: string | null;
    readonly preview: boolean;
    readonly select: () => void;
    readonly open: (step: number) => void;
  },
): TemplateResult {
  return html`<div
    class=${classMap({ row: true, cells: true, selected, previewed: view.preview })}
    role="row"
    id=${`row-${position}`}
    aria-rowindex=${position + 2}
    aria-selected=${selected}
    data-index=${position}
    .style=${`transform: translateY(${start}px)`}
    @click=${view.select}
  >
    ${row === undefined ? html`<div role="gridcell" class="muted">…</div>` : renderCells(row, given, view)}
  </div>`;
}

function renderCells(
  row: PairRowView,
  given: LabelValue | null | undefined,
  { title, open }: { readonly title: string | null; readonly open: (step: number) => void },
): TemplateResult {
  const { query, question, doc, negatives, tokens, weight, fate, log, step, searchStep } = row;
  const label = given === undefined ? row.label : (given ?? 'unknown');
  const isPending = given !== undefined && given !== row.label;
  const steps = searchStep === null ? `${step}` : `${searchStep} → ${step}`;
  const from = `${log.slice(log.lastIndexOf('/') + 1)} · ${steps}`;
  return html`<div role="gridcell" title=${query ?? question ?? ''}>${
    query === null
      ? html`<span class="muted"><em>${fateWord(fate)}</em>${question === null ? '' : ` · ${question}`}</span>`
      : query
  }</div>
    <div role="gridcell" title=${title ?? doc ?? ''}>${title ?? doc ?? '–'}</div>
    <div role="gridcell" class="right-cell">${query === null ? '' : negatives}</div>
    <div role="gridcell" class="right-cell">${tokens === null ? '–' : whole(tokens)}</div>
    <div role="gridcell" class="right-cell weight">${isPending ? '…' : (weight?.toFixed(2) ?? '–')}</div>
    <div role="gridcell"><span class="label ${label}">${labelWord(label)}</span> ${isPending ? '' : whoWord(row)}</div>
    <div role="gridcell">
      <button class="link" tabindex="-1" title=${log} @click=${(event: Event) => {
        event.stopPropagation();
        open(step);
      }}>${from}</button>
    </div>`;
}

/** A shape beside the word: colour never means something alone. */
function labelWord(label: LabelValue): string {
  switch (label) {
    case 'relevant':
      return `● ${l10n.t('relevant')}`;
    case 'irrelevant':
      return `✕ ${l10n.t('irrelevant')}`;
    case 'unknown':
      return `? ${l10n.t('unlabelled')}`;
  }
}
