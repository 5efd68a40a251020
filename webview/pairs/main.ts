import { html, nothing, type TemplateResult } from 'lit';
import { classMap } from 'lit/directives/class-map.js';
import { guard } from 'lit/directives/guard.js';
import { ref } from 'lit/directives/ref.js';
import { repeat } from 'lit/directives/repeat.js';
import { relevanceIntensity } from '../../src/mining/intensity.ts';
import {
  type BrowsePlace,
  type MiningModeName,
  type PairColumn,
  type PairDetail,
  type PairQuery,
  type PairSelection,
  type PairsHead,
  type PairTableRow,
  pairColumns,
} from '../../src/protocol.ts';
import { renderCut, renderNotes } from '../parts.ts';
import { Editor } from '../rpc.ts';
import { registerControls } from '../ui/controls.ts';
import { renderCounted } from '../ui/counted.ts';
import { type Keys, renderKeys, showKeys } from '../ui/keys.ts';
import * as l10n from '../ui/l10n.ts';
import { decimal, whole } from '../ui/numbers.ts';
import { Pages } from '../ui/pages.ts';
import { renderPending } from '../ui/pending.ts';
import { View } from '../ui/view.ts';
import { VirtualList } from '../ui/virtual-list.ts';
import { reasonWord } from '../words.ts';
import { renderFates } from './fates.ts';
import { previewScale, renderIntensity } from './intensity.ts';
import { columnWord, rangeWord, selectionWord, sourceWord } from './words.ts';

/** Rows are pulled from the editor in pages of this many. */
const pageSize = 100;
const rowHeight = 32;
/** Milliseconds without a key or a move after which words count as written, and rows as standing still. */
const pause = 120;
const modes = ['attributed', 'paper', 'released'] as const;

/** What is kept over tab switches and reloads: the place, not the data. */
interface SavedState {
  readonly query: PairQuery;
  readonly selected: BrowsePlace | null;
}

/** Pairs and weights: what will be trained on, and what became of the rest. */
class PairsView extends View {
  readonly #editor = new Editor();
  readonly #list = new VirtualList(
    this,
    () => this.querySelector('.table-body'),
    () => rowHeight,
  );
  #head: PairsHead | undefined;
  #query: PairQuery | undefined;
  #failure: string | undefined;
  #total = 0;
  #rows: Pages<PairTableRow> | undefined;
  /** Titles of documents, null where the log has none. */
  readonly #titles = new Map<string, string | null>();
  #still: ReturnType<typeof setTimeout> | undefined;
  #selected: { readonly position: number; readonly row: PairTableRow } | undefined;
  #detail: PairDetail | undefined;
  #preview: number | null = null;
  #width = 600;
  #pause: ReturnType<typeof setTimeout> | undefined;
  /** Counts the questions for rows: what answers an older one is not shown. */
  #asked = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener('keydown', this.#onKey);
    this.#editor.on('changed', () => void this.#load('next'));
    this.#editor.on('revealBrowse', browse => void this.#reveal(browse));
    new ResizeObserver(([entry]) => {
      this.#width = entry!.contentRect.width;
      this.requestUpdate();
    }).observe(this);
    const saved = this.#editor.state as SavedState | undefined;
    // A state that an older version left knows no lengths.
    this.#query = saved && { ...saved.query, lengths: saved.query.lengths ?? null };
    void this.#start();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener('keydown', this.#onKey);
  }

  /** Shows the table, at the browse that it was opened for or else where it was left. */
  async #start(): Promise<void> {
    const left = (this.#editor.state as SavedState | undefined)?.selected ?? null;
    await this.#load();
    if (this.#head === undefined) return;
    try {
      const browse = (await this.#editor.request('pairs.missed', null)) ?? left;
      if (browse !== null) await this.#reveal(browse);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @param gone what is selected if the selected row is no longer shown: the one in its place, or none */
  async #load(gone: 'next' | 'none' = 'none'): Promise<void> {
    try {
      const { mode = null, against = null } = this.#query ?? {};
      const head = await this.#editor.request('pairs.head', { mode, against });
      this.#head = head;
      this.#query ??= {
        ...{ mode: head.mode, against: null, selection: 'pairs', words: '', lengths: null },
        ...{ sort: 'weight', descending: true },
      };
      await this.#fetch(gone);
      this.#failure = undefined;
    } catch (error) {
      this.#fail(error);
    }
    this.requestUpdate();
    await this.updateComplete;
  }

  /** Asks for the rows around the place that is shown, and shows them in one go: nothing flashes while it loads. */
  async #fetch(gone: 'next' | 'none' = 'none'): Promise<void> {
    const query = this.#query!;
    const asked = ++this.#asked;
    const rows = this.#newRows(query);
    const [{ total }] = await Promise.all([
      this.#editor.request('pairs.rows', { ...query, from: 0, to: 0 }),
      rows.load([this.#list.items()[0]?.index ?? 0]),
    ]);
    if (asked !== this.#asked) return;
    this.#rows = rows;
    this.#total = total;
    this.#list.resize(total, position => position);
    await this.#follow(query, gone);
    if (asked !== this.#asked) return;
    this.#describe();
    this.#save();
    this.requestUpdate();
  }

  /** Finds the selected browse in the rows as they are now: what is marked is what the keys act on. */
  async #follow(query: PairQuery, gone: 'next' | 'none'): Promise<void> {
    const selected = this.#selected;
    if (selected === undefined) return;
    const found = await this.#editor.request('pairs.find', { ...query, browse: placeOf(selected.row) });
    const position = found === -1 && gone === 'next' ? Math.min(selected.position, this.#total - 1) : found;
    const { rows } =
      position < 0
        ? { rows: [] }
        : await this.#editor.request('pairs.rows', { ...query, from: position, to: position + 1 });
    // Another row may have been selected meanwhile.
    if (this.#selected !== selected) return;
    this.#selected = rows[0] && { position, row: rows[0] };
    if (this.#selected === undefined) this.#detail = undefined;
  }

  /** Titles stand in the logs: they are read for the rows on the screen, once these stand still. */
  protected override updated(): void {
    const rows = this.#list.items().flatMap(({ index }) => this.#rows?.at(index) ?? []);
    const unknown = rows.filter(({ doc }) => doc !== null && !this.#titles.has(doc));
    clearTimeout(this.#still);
    if (unknown.length === 0) return;
    this.#still = setTimeout(async () => {
      const titles = await this.#editor
        .request('pairs.titles', { browses: unknown.map(placeOf) })
        // A log that cannot be read has no titles: the ids stay.
        .catch(() => unknown.map(() => null));
      for (const [i, { doc }] of unknown.entries()) this.#titles.set(doc!, titles[i] ?? null);
      this.requestUpdate();
    }, pause);
  }

  #newRows(query: PairQuery): Pages<PairTableRow> {
    return new Pages({
      size: pageSize,
      pull: async range => (await this.#editor.request('pairs.rows', { ...query, ...range })).rows,
      came: () => this.requestUpdate(),
      failed: this.#fail,
    });
  }

  readonly #fail = (error: unknown): void => {
    this.#failure = error instanceof Error ? error.message : String(error);
    this.requestUpdate();
  };

  /** Words are looked for once their writer pauses: each look reads all rows. */
  #askWords(words: string): void {
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.#ask({ words }), pause);
  }

  #ask(change: Partial<PairQuery>): void {
    this.#query = { ...this.#query!, ...change };
    this.querySelector('.table-body')?.scrollTo({ top: 0 });
    this.#fetch().catch(this.#fail);
  }

  #setMode(mode: MiningModeName): void {
    const before = this.#query!.mode;
    if (mode === before) return;
    this.#query = { ...this.#query!, mode, against: before, selection: 'pairs', lengths: null };
    this.#preview = null;
    void this.#load();
  }

  #select(position: number): void {
    const row = this.#rows?.at(position);
    if (row === undefined) return;
    this.#selected = { position, row };
    this.#list.show(position);
    this.#describe();
    this.#save();
    this.requestUpdate();
  }

  #describe(): void {
    const row = this.#selected?.row;
    if (row === undefined) return;
    this.#editor
      .request('pairs.detail', { mode: this.#query!.mode, browse: placeOf(row) })
      .then(detail => {
        if (this.#selected?.row !== row) return;
        this.#detail = detail;
        this.requestUpdate();
      })
      .catch(this.#fail);
  }

  /** Shows the row of a browse, whatever is selected now. */
  async #reveal(browse: BrowsePlace): Promise<void> {
    try {
      if (this.#query === undefined) await this.#load();
      let position = await this.#editor.request('pairs.find', { ...this.#query!, browse });
      if (position === -1) {
        this.#query = { ...this.#query!, selection: 'pairs', words: '', lengths: null };
        position = await this.#editor.request('pairs.find', { ...this.#query, browse });
        if (position === -1) this.#query = { ...this.#query, selection: 'dropped' };
        if (position === -1) position = await this.#editor.request('pairs.find', { ...this.#query, browse });
        await this.#fetch();
      }
      if (position === -1) return;
      this.#list.show(position, 'center');
      await this.#rows?.load([position]);
      this.#select(position);
    } catch (error) {
      this.#fail(error);
    }
  }

  #label(label: 'relevant' | 'irrelevant' | null): void {
    const row = this.#selected?.row;
    if (row === undefined) return;
    this.#editor.request('pairs.label', { browse: placeOf(row), label }).catch(this.#fail);
  }

  #openStep(): void {
    const row = this.#selected?.row;
    if (row !== undefined) this.#editor.request('pairs.openStep', placeOf(row)).catch(this.#fail);
  }

  #openLog(): void {
    const row = this.#selected?.row;
    const place = this.#detail?.place;
    if (row === undefined || place == null) return;
    this.#editor.request('pairs.openLog', { log: row.log, place }).catch(this.#fail);
  }

  #save(): void {
    const query = this.#query;
    if (query === undefined) return;
    const row = this.#selected?.row;
    this.#editor.state = { query, selected: row === undefined ? null : placeOf(row) } satisfies SavedState;
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof Element && event.target.closest('dialog') !== null) return;
    const target = event.target instanceof HTMLElement ? event.target : undefined;
    if (target?.closest('input, textarea, vscode-text-field, summary')) {
      if (event.key === 'Escape') this.querySelector<HTMLElement>('.table-body')?.focus();
      return;
    }
    const at = this.#selected?.position ?? -1;
    const go = (position: number) => this.#select(Math.max(0, Math.min(this.#total - 1, position)));
    const onTable = target?.closest('.table-body') != null;
    const keys: Record<string, () => void> = {
      j: () => go(at + 1),
      k: () => go(at - 1),
      r: () => this.#label('relevant'),
      i: () => this.#label('irrelevant'),
      c: () => this.#label(null),
      u: () => void this.#editor.request('pairs.undo', null).catch(this.#fail),
      o: () => this.#openLog(),
      '?': () => showKeys(this),
      '/': () => this.querySelector<HTMLElement>('vscode-text-field')?.focus(),
      ...(onTable && {
        ArrowDown: () => go(at + 1),
        ArrowUp: () => go(at - 1),
        Home: () => go(0),
        End: () => go(this.#total - 1),
        Enter: () => this.#openStep(),
      }),
    };
    const action = keys[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  };

  protected override render(): TemplateResult {
    const [head, query] = [this.#head, this.#query];
    if (head === undefined || query === undefined) {
      return renderPending(this.#failure, () => void this.#start());
    }
    const halfLife = this.#preview ?? head.halfLife ?? 0;
    return html`
      ${this.#renderHeader(head, query)}
      ${this.#failure === undefined ? nothing : html`<p class="banner" role="alert">${this.#failure}</p>`}
      ${this.#renderEmpty(head)}
      <div class="overview">
        <section class="lengths" aria-labelledby="lengths">
          <h2 id="lengths">${l10n.t('Post-browse reasoning length, and the weight it gives')}</h2>
          ${guard([head, halfLife, this.#width], () =>
            renderIntensity(
              head,
              halfLife,
              Math.max(320, this.#width > 900 ? this.#width - 420 : this.#width - 40),
              next => {
                this.#preview = next === head.halfLife ? null : next;
                this.requestUpdate();
              },
              lengths => this.#ask({ selection: head.counts.unsatisfied ? 'weighed' : 'pairs', lengths }),
            ),
          )}
        </section>
        ${renderFates(head, query, selection => this.#ask({ selection, lengths: null }))}
      </div>
      ${this.#renderTable(head, query)}
    `;
  }

  /** A count that leads to the rows of a selection. */
  #renderCounted(words: string | TemplateResult, selection: PairSelection): TemplateResult {
    const { selection: shown, lengths, words: wanted } = this.#query!;
    const isShown = shown === selection && lengths === null && wanted === '';
    return renderCounted(words, isShown, () => this.#ask({ selection, lengths: null, words: '' }));
  }

  #renderHeader(head: PairsHead, { mode, against }: PairQuery): TemplateResult {
    const { halfLife, muRaw } = head;
    return html`<header class="pairs-header">
      <div>
        <h1>${l10n.t('Pairs and weights')}</h1>
        <p class="facts">
          ${head.simulation ? html`<span class="fact">${l10n.t('a simulation')}</span>` : nothing}
          <span class="fact">${l10n.t('{0} trajectories', head.trajectories)}</span>
          <span class="fact">${l10n.t('{0} searches', head.searches)}</span>
          <span class="fact">${this.#renderCounted(l10n.t('{0} browses', head.browses), 'browses')}</span>
          <span class="fact">${this.#renderCounted(html`<b>${l10n.t('{0} pairs', head.pairs)}</b>`, 'pairs')}</span>
          ${
            halfLife === null || muRaw === null
              ? nothing
              : html`<span class="fact">${l10n.t('half-life β {0} tokens, μ {1}', halfLife, decimal(muRaw, 3))}</span>`
          }
        </p>
      </div>
      <div class="actions">
        <div class="modes" role="group" aria-label=${l10n.t('Rules of pairing')}>
          ${modes.map(
            name =>
              html`<vscode-button
                appearance=${name === mode ? 'primary' : 'secondary'}
                aria-pressed=${name === mode}
                @click=${() => this.#setMode(name)}
                >${name}</vscode-button
              >`,
          )}
        </div>
        <vscode-button
          ?disabled=${head.pairs === 0}
          @click=${() => void this.#editor.request('pairs.train', { mode }).catch(this.#fail)}
          >${l10n.t('Train on these…')}</vscode-button
        >
        <vscode-button
          appearance="secondary"
          ?disabled=${head.pairs === 0}
          @click=${() => void this.#editor.request('pairs.export', { mode }).catch(this.#fail)}
          >${l10n.t('Export…')}</vscode-button
        >
      </div>
      ${against === null || against === mode ? nothing : this.#renderChanges(head, against)}
    </header>`;
  }

  /** What the mode makes otherwise than the one that was shown before. */
  #renderChanges({ counts }: PairsHead, against: MiningModeName): TemplateResult {
    const changes = (['gained', 'lost', 'otherQuery', 'otherWeight'] as const).filter(name => counts[name]);
    return html`<p class="changes" role="status">
      ${l10n.t('Against {0}:', against)}
      ${
        changes.length === 0
          ? l10n.t('the same pairs')
          : changes.map(selection =>
              this.#renderCounted(`${whole(counts[selection]!)} ${selectionWord(selection)}`, selection),
            )
      }
    </p>`;
  }

  #renderEmpty(head: PairsHead): TemplateResult | typeof nothing {
    if (head.pairs > 0) return nothing;
    if (head.browses === 0)
      return html`<p class="banner">${l10n.t('No browse is in the index, so there is nothing to pair. Index logs in which an agent opened documents.')}</p>`;
    return html`<p class="banner">
      ${
        head.counts.unknown
          ? l10n.t('There are no pairs: {0} of {1} browses have no label.', head.counts.unknown, head.browses)
          : l10n.t('There are no pairs; the counts beside say why.')
      }
      ${
        head.counts.unknown
          ? html`<vscode-button @click=${() => void this.#editor.request('pairs.judge', null).catch(this.#fail)}
              >${l10n.t('Judge the browses…')}</vscode-button
            >`
          : nothing
      }
    </p>`;
  }

  #renderTable(head: PairsHead, query: PairQuery): TemplateResult {
    return html`<main class="below">
      <section class="table" aria-label=${selectionWord(query.selection)}>
        <div class="table-tools">
          <span
            ><b>${whole(this.#total)}</b> ${selectionWord(query.selection)}
            ${
              query.selection === 'pairs'
                ? nothing
                : html`<button class="jump" @click=${() => this.#ask({ selection: 'pairs' })}>${l10n.t('Show the pairs')}</button>`
            }
            ${
              query.lengths === null
                ? nothing
                : html`<button
                    class="chip"
                    aria-label=${l10n.t('{0}: show any length', rangeWord(query.lengths))}
                    @click=${() => this.#ask({ lengths: null })}
                  >
                    ${rangeWord(query.lengths)} <span aria-hidden="true">✕</span>
                  </button>`
            }</span
          >
          <vscode-text-field
            placeholder=${l10n.t('Filter by query, question, document or log')}
            aria-label=${l10n.t('Filter by query, question, document or log')}
            .value=${query.words}
            @input=${(event: Event) => this.#askWords((event.target as HTMLInputElement).value)}
          ></vscode-text-field>
          <span class="keys">
            <kbd>j</kbd><kbd>k</kbd> ${l10n.t('next, previous')} <kbd>u</kbd> ${l10n.t('undo')} <kbd>↵</kbd> ${l10n.t('open')}
          </span>
          ${renderKeys(keys())}
        </div>
        <div class="grid" role="table" aria-rowcount=${this.#total + 1}>
          <div class="cells head" role="row" aria-rowindex="1">
            ${pairColumns.map(column => this.#renderColumn(column, query))}
          </div>
          <div class="table-body" role="rowgroup" tabindex="0" aria-label=${l10n.t('Rows')}>
            <div class="canvas" role="presentation" .style=${`height: ${this.#list.height}px`}>
              ${repeat(
                this.#list.items(),
                ({ index }) => index,
                ({ index, start }) => this.#renderRow(head, index, start),
              )}
            </div>
            ${this.#total === 0 ? html`<p class="state" role="presentation">${l10n.t('No row of this kind.')}</p>` : nothing}
          </div>
        </div>
      </section>
      ${this.#renderDetail()}
    </main>`;
  }

  #renderColumn(column: PairColumn, { sort, descending }: PairQuery): TemplateResult {
    const isSorted = sort === column;
    return html`<span
      role="columnheader"
      class=${column}
      aria-sort=${isSorted ? (descending ? 'descending' : 'ascending') : 'none'}
    >
      <button @click=${() => this.#ask({ sort: column, descending: isSorted ? !descending : isNumber(column) })}>
        ${columnWord(column)}<span aria-hidden="true">${isSorted ? (descending ? ' ↓' : ' ↑') : ''}</span>
      </button>
    </span>`;
  }

  #renderRow(head: PairsHead, position: number, start: number): TemplateResult {
    const row = this.#rows?.at(position);
    const isSelected = this.#selected?.position === position;
    return html`<div
      class=${classMap({ row: true, cells: true, selected: isSelected })}
      role="row"
      aria-rowindex=${position + 2}
      aria-current=${isSelected}
      data-index=${position}
      .style=${`transform: translateY(${start}px)`}
      @click=${() => this.#select(position)}
      @dblclick=${() => this.#openStep()}
      ${ref(this.#list.measure)}
    >
      ${row === undefined ? html`<span role="cell" class="query muted">…</span>` : this.#renderCells(head, row)}
    </div>`;
  }

  #renderCells(head: PairsHead, row: PairTableRow): TemplateResult {
    const { query, doc, negatives, tokens, weight, label, reason, log, step, searchStep } = row;
    const title = doc === null ? null : this.#titles.get(doc);
    const previewed =
      this.#preview !== null && weight !== null
        ? relevanceIntensity(tokens, previewScale(head, this.#preview))
        : weight;
    return html`<span role="cell" class="query" title=${query ?? ''}
        >${query ?? html`<i class="muted">${reason === null ? '' : reasonWord(reason)}</i>`}</span
      >
      <span role="cell" class="positive" title=${doc ?? ''}>${title ?? doc ?? '–'}</span>
      <span role="cell" class="negatives">${negatives === null ? '–' : whole(negatives)}</span>
      <span role="cell" class="tokens">${tokens === null ? '–' : whole(tokens)}</span>
      <span role="cell" class=${classMap({ weight: true, previewed: previewed !== weight })}
        >${previewed === null ? '–' : decimal(previewed, 2)}</span
      >
      <span role="cell" class="label"
        ><span class=${`label ${label.value}`}>${labelMark(label.value)}</span> <span class="muted">${sourceWord(label)}</span></span
      >
      <span role="cell" class="place" title=${log}
        >${fileName(log)} · ${searchStep === null ? step : `${searchStep} → ${step}`}</span
      >`;
  }

  #renderDetail(): TemplateResult {
    const [detail, row] = [this.#detail, this.#selected?.row];
    if (detail === undefined || row === undefined) {
      return html`<aside aria-label=${l10n.t('Selected row')}>
        <p class="muted">${l10n.t('Select a row to see its reasoning, its negatives and where it comes from.')}</p>
      </aside>`;
    }
    const names = (documents: PairDetail['negatives'], shape: string) =>
      html`<ul class="documents">
        ${documents.map(({ id, title }) => html`<li><span aria-hidden="true">${shape}</span> ${title ?? id} <code>${title === null ? '' : id}</code></li>`)}
      </ul>`;
    return html`<aside aria-label=${l10n.t('Selected row')}>
      ${detail.query === null ? html`<p>${row.reason === null ? '' : l10n.t('No pair: {0}.', reasonWord(row.reason))}</p>` : html`<h2>${l10n.t('Query')}</h2><p class="query">${detail.query}</p>`}
      <p class="choices">
        ${(['relevant', 'irrelevant'] as const).map(
          value =>
            html`<vscode-button
              class=${value}
              appearance=${row.label.value === value ? 'primary' : 'secondary'}
              aria-pressed=${row.label.value === value}
              @click=${() => this.#label(value)}
              >${labelMark(value)} <kbd>${value[0]}</kbd></vscode-button
            >`,
        )}
        <vscode-button appearance="secondary" @click=${() => this.#label(null)}>${l10n.t('clear')} <kbd>c</kbd></vscode-button>
      </p>
      ${row.label.reason === null ? nothing : html`<p class="muted">${sourceWord(row.label)}: ${row.label.reason}</p>`}
      ${renderNotes(row.label.notes)}
      <p>
        <vscode-link href="#" @click=${stay(() => this.#openStep())}>${l10n.t('Open step {0} in the trajectory', String(row.step))}</vscode-link> <kbd>↵</kbd>
      </p>
      ${
        detail.place === null
          ? nothing
          : html`<p>
              <vscode-link href="#" @click=${stay(() => this.#openLog())}>${l10n.t('Go to line {0} of the log', String(detail.place.line))}</vscode-link> <kbd>o</kbd>
            </p>`
      }
      ${detail.question === null ? nothing : html`<h2>${l10n.t('Question')}</h2><p class="prose">${detail.question}</p>`}
      <h2>${l10n.t('Positive')}</h2>
      <p><span aria-hidden="true">●</span> ${detail.title ?? row.doc ?? l10n.t('document unknown')}</p>
      ${
        detail.reasoning === null
          ? nothing
          : html`<h2>${l10n.t('Reasoning after it, {0} tokens', row.tokens ?? '?')}</h2><p class="prose quoted after">${detail.reasoning.text}</p>
            ${renderCut(detail.reasoning, detail.place, () => this.#openLog())}`
      }
      ${detail.negatives.length === 0 ? nothing : html`<h2>${l10n.t('{0} negatives', detail.negatives.length)}</h2>${names(detail.negatives, '○')}`}
      ${detail.guarded.length === 0 ? nothing : html`<h2>${l10n.t('{0} set aside: relevant in another run of the question', detail.guarded.length)}</h2>${names(detail.guarded, '◐')}`}
    </aside>`;
  }
}

function keys(): Keys {
  return [
    [['j', 'k'], l10n.t('next, previous row')],
    [['↓', '↑', 'Home', 'End'], l10n.t('in the table: next, previous, first, last row')],
    [['r', 'i'], l10n.t('relevant, irrelevant')],
    [['c'], l10n.t('clear the label')],
    [['u'], l10n.t('undo the last label')],
    [['Enter'], l10n.t('in the table: open the step')],
    [['o'], l10n.t('go to the line of the log')],
    [['/'], l10n.t('filter')],
    [['Escape'], l10n.t('in the field: back to the table')],
  ];
}

function labelMark(label: PairTableRow['label']['value']): string {
  switch (label) {
    case 'relevant':
      return `● ${l10n.t('relevant')}`;
    case 'irrelevant':
      return `✕ ${l10n.t('irrelevant')}`;
    case 'unknown':
      return `○ ${l10n.t('unlabelled')}`;
  }
}

/** Numbers are mostly wanted from the largest down. */
function isNumber(column: PairColumn): boolean {
  return column === 'negatives' || column === 'tokens' || column === 'weight';
}

function placeOf({ log, trajectory, step, doc }: PairTableRow): BrowsePlace {
  return { log, trajectory, step, doc };
}

function fileName(log: string): string {
  return log.slice(log.lastIndexOf('/') + 1);
}

/** A link's work without a link's going elsewhere. */
function stay(work: () => void): (event: Event) => void {
  return event => {
    event.preventDefault();
    work();
  };
}

registerControls();
customElements.define('lrat-pairs', PairsView);
