import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { guard } from 'lit/directives/guard.js';
import { repeat } from 'lit/directives/repeat.js';
import type {
  MiningModeName,
  PairChange,
  PairColumn,
  PairDetail,
  PairKey,
  PairQuery,
  PairRowView,
  PairSubset,
  PairSummary,
} from '../../src/protocol.ts';
import { Editor } from '../rpc.ts';
import { registerControls } from '../ui/controls.ts';
import * as l10n from '../ui/l10n.ts';
import { VirtualList } from '../ui/virtual-list.ts';
import { renderAccount } from './account.ts';
import { renderDetail } from './detail.ts';
import { type Preview, renderIntensity } from './intensity.ts';
import { PairRows } from './rows.ts';
import { renderHead, renderRow, rowHeight } from './table.ts';
import { changeWord, subsetWord, whole } from './words.ts';

const modes = ['attributed', 'paper', 'released'] as const satisfies readonly MiningModeName[];
const changes = ['gained', 'lost', 'query', 'weight'] as const satisfies readonly PairChange[];
/** Milliseconds without a further key or move before the editor is asked. */
const settling = 120;

/** What is kept over tab switches and reloads: the place, not the data. */
interface SavedState {
  readonly query: PairQuery;
  readonly selected: PairKey | null;
}

/** The panel of pairs and weights: what will be trained on, and what became of the rest. */
class PairsPanel extends LitElement {
  readonly #editor = new Editor();
  readonly #rows = new PairRows(this.#editor, () => this.#onRows());
  readonly #list = new VirtualList(
    this,
    () => this.querySelector('.pair-rows'),
    () => rowHeight,
  );
  readonly #resize = new ResizeObserver(() => this.requestUpdate());
  #summary: PairSummary | undefined;
  #failure: string | undefined;
  #query: PairQuery = {
    mode: null,
    against: null,
    subset: 'pairs',
    words: '',
    sort: 'weight',
    descending: true,
    halfLife: null,
  };
  #preview: Preview | null = null;
  #position = 0;
  #selected: PairKey | null = null;
  #detail: { readonly key: string; readonly detail: PairDetail } | undefined;
  /** Labels that were given and are not yet in the rows. */
  readonly #given = new Map<string, 'relevant' | 'irrelevant' | null>();
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();

  /** No shadow tree: one style sheet serves the whole view. */
  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const saved = this.#editor.state as SavedState | undefined;
    if (saved !== undefined) {
      this.#query = { ...saved.query, halfLife: null };
      this.#selected = saved.selected;
    }
    this.#resize.observe(this);
    this.#editor.on('changed', () => void this.#load());
    this.#editor.on('revealPair', key => void this.#reveal(key));
    void this.#editor
      .request('pairs.wanted', null)
      .then(wanted => {
        if (wanted === null) return this.#load();
        this.#query = { ...this.#query, subset: 'pairs', words: '' };
        this.#selected = wanted;
        return this.#load();
      })
      .catch(this.#fail);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resize.disconnect();
  }

  /** Asks anew for all that is shown, and stays at the selected row if there still is one. */
  async #load(): Promise<void> {
    try {
      const { mode, against } = this.#query;
      this.#summary = await this.#editor.request('pairs.summary', { mode, against });
      this.#failure = undefined;
      const found =
        this.#selected === null
          ? null
          : await this.#editor.request('pairs.position', { query: this.#query, key: this.#selected });
      await this.#rows.load(this.#query, found ?? this.#position);
      this.#given.clear();
      this.#detail = undefined;
      await this.updateComplete;
      this.#select(found ?? this.#position);
    } catch (error) {
      this.#fail(error);
    }
  }

  readonly #fail = (error: unknown): void => {
    this.#failure = error instanceof Error ? error.message : String(error);
    this.requestUpdate();
  };

  #onRows(): void {
    this.#list.resize(this.#rows.total, position => position);
    this.requestUpdate();
  }

  /** Other rows or another order; the selected row stays selected where it is still shown. */
  async #show(change: Partial<PairQuery>, { keep = true }: { keep?: boolean } = {}): Promise<void> {
    const isOtherMode = 'mode' in change;
    this.#query = { ...this.#query, ...change };
    if (!keep) {
      this.#selected = null;
      this.#position = 0;
    }
    this.#save();
    if (isOtherMode) this.#preview = null;
    this.requestUpdate();
    await this.#load();
  }

  async #reveal(key: PairKey): Promise<void> {
    this.#selected = key;
    await this.#show({ subset: 'pairs', words: '' });
  }

  #select(position: number): void {
    const last = this.#rows.total - 1;
    this.#position = Math.max(0, Math.min(position, last));
    if (last >= 0) this.#list.show(this.#position);
    const row = this.#rows.at(this.#position);
    if (row !== undefined) {
      const { log, trajectory, step, doc } = row;
      this.#selected = { log, trajectory, step, doc };
      this.#save();
      this.#soon('detail', () => this.#loadDetail(row));
    }
    this.requestUpdate();
  }

  async #loadDetail(row: PairRowView): Promise<void> {
    const { log, trajectory, step, doc } = row;
    const key = { log, trajectory, step, doc };
    try {
      const detail = await this.#editor.request('pairs.detail', { mode: this.#query.mode, key });
      this.#detail = { key: nameOf(key), detail };
      this.requestUpdate();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Does something once nothing of its kind has been asked for in a while. */
  #soon(what: 'detail' | 'preview' | 'words', work: () => Promise<void>): void {
    clearTimeout(this.#timers.get(what));
    this.#timers.set(
      what,
      setTimeout(() => void work(), settling),
    );
  }

  #save(): void {
    this.#editor.state = { query: this.#query, selected: this.#selected } satisfies SavedState;
  }

  #sort(column: PairColumn): void {
    const { sort, descending } = this.#query;
    const isText = column === 'query' || column === 'positive' || column === 'label' || column === 'place';
    void this.#show({ sort: column, descending: sort === column ? !descending : !isText });
  }

  #setPreview(halfLife: number | null): void {
    const own = this.#summary?.halfLife ?? null;
    const wanted = halfLife === own ? null : halfLife;
    this.#preview = wanted === null ? null : { halfLife: wanted, scale: this.#preview?.scale ?? null };
    this.requestUpdate();
    this.#soon('preview', () => this.#loadPreview(wanted));
  }

  async #loadPreview(halfLife: number | null): Promise<void> {
    try {
      this.#query = { ...this.#query, halfLife };
      const scale =
        halfLife === null
          ? null
          : await this.#editor.request('pairs.preview', { mode: this.#query.mode, halfLife });
      if (this.#preview?.halfLife !== (halfLife ?? undefined)) return;
      this.#preview = halfLife === null ? null : { halfLife, scale };
      await this.#rows.load(this.#query, this.#position);
    } catch (error) {
      this.#fail(error);
    }
    this.requestUpdate();
  }

  #label(label: 'relevant' | 'irrelevant' | null): void {
    const row = this.#rows.at(this.#position);
    if (row === undefined) return;
    const { log, trajectory, step, doc } = row;
    const key = { log, trajectory, step, doc };
    this.#given.set(nameOf(key), label);
    this.requestUpdate();
    void this.#editor.request('pairs.label', { key, label }).catch(this.#fail);
  }

  #openStep(step: number): void {
    const row = this.#rows.at(this.#position);
    if (row === undefined) return;
    const { log, trajectory } = row;
    void this.#editor.request('pairs.openStep', { log, trajectory, step }).catch(this.#fail);
  }

  readonly #openLog = (): void => {
    const row = this.#rows.at(this.#position);
    const { line, column } = this.#detail?.detail ?? {};
    if (row === undefined || line == null || column == null) return;
    void this.#editor.request('pairs.openLog', { log: row.log, line, column }).catch(this.#fail);
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(
      1,
      Math.floor((this.querySelector('.pair-rows')?.clientHeight ?? 0) / rowHeight) - 1,
    );
    const go = (by: number) => () => this.#select(this.#position + by);
    const keys: Record<string, () => void> = {
      j: go(1),
      k: go(-1),
      ArrowDown: go(1),
      ArrowUp: go(-1),
      PageDown: go(page),
      PageUp: go(-page),
      Home: () => this.#select(0),
      End: () => this.#select(this.#rows.total - 1),
      Enter: () => this.#openStep(this.#rows.at(this.#position)?.step ?? 0),
      o: this.#openLog,
      r: () => this.#label('relevant'),
      i: () => this.#label('irrelevant'),
      c: () => this.#label(null),
      u: () => void this.#editor.request('pairs.undo', null).catch(this.#fail),
      '/': () => this.querySelector<HTMLElement>('vscode-text-field')?.focus(),
    };
    const action = keys[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  };

  protected override render(): TemplateResult {
    const summary = this.#summary;
    if (summary === undefined) {
      return this.#failure === undefined
        ? html`<div class="state" role="status"><vscode-progress-ring></vscode-progress-ring><p>${l10n.t('Mining the pairs…')}</p></div>`
        : html`<div class="state" role="alert"><p>${this.#failure}</p>
            <vscode-button @click=${() => void this.#load()}>${l10n.t('Try again')}</vscode-button></div>`;
    }
    const next = nextStep(summary);
    return html`
      ${this.#renderHeader(summary)}
      ${this.#failure === undefined ? nothing : html`<p class="banner" role="alert">${this.#failure}</p>`}
      ${
        next === null
          ? html`<div class="overview">
                ${guard([summary, this.#preview, this.clientWidth], () =>
                  renderIntensity(summary, this.#preview, this.#chartWidth(), halfLife =>
                    this.#setPreview(halfLife),
                  ),
                )}
                ${renderAccount(summary, this.#query.subset, subset => void this.#show({ subset }, { keep: false }))}
              </div>
              ${this.#renderTable(summary)}`
          : html`<div class="state"><p>${next.words}</p>
              <vscode-button @click=${() => void this.#editor.request('pairs.run', { command: next.command }).catch(this.#fail)}
                >${next.action}</vscode-button></div>`
      }
    `;
  }

  #chartWidth(): number {
    const wide = this.clientWidth > 900;
    return Math.max(320, Math.min(900, wide ? this.clientWidth - 400 : this.clientWidth - 40));
  }

  #renderHeader(summary: PairSummary): TemplateResult {
    const { trajectories, searches, browses, fates, halfLife, muRaw, mode } = summary;
    const counts = l10n.t(
      '{0} trajectories, {1} searches, {2} browses',
      whole(trajectories),
      whole(searches),
      whole(browses),
    );
    const scale =
      halfLife === null || muRaw === null
        ? ''
        : l10n.t(', half-life β {0} tokens, μ {1}', whole(halfLife), muRaw.toFixed(3));
    return html`<header class="pairs">
      <div>
        <h1>${l10n.t('Pairs and weights')}</h1>
        <p class="muted">${counts} → <strong class="positive-word">${l10n.t('{0} pairs', whole(fates.pair))}</strong>${scale}</p>
      </div>
      <div class="actions">
        <div class="modes" role="group" aria-label=${l10n.t('Mode of mining')}>
          ${modes.map(
            name =>
              html`<button aria-pressed=${name === mode} @click=${() => void this.#setMode(name)}>${name}</button>`,
          )}
        </div>
      </div>
      ${this.#renderChanges(summary)}
    </header>`;
  }

  /** What another mode changes, against the one that was shown before; only looked at, never written. */
  #renderChanges({ changes: change, mode, ownMode }: PairSummary): TemplateResult | typeof nothing {
    if (change === null) return nothing;
    const { subset } = this.#query;
    return html`<p class="changes" role="status">
      ${l10n.t('{0} against {1}: pairs', mode, change.against)}
      ${changes.map(
        name =>
          html`<button
            class="link"
            aria-pressed=${subset === name}
            ?disabled=${change.counts[name] === 0}
            @click=${() => void this.#show({ subset: subset === name ? 'pairs' : name }, { keep: false })}
            >${whole(change.counts[name])} ${changeWord(name)}</button
          >`,
      )}
      ${mode === ownMode ? nothing : html`<span class="muted">${l10n.t('A view only: the workspace mines as {0}.', ownMode)}</span>`}
    </p>`;
  }

  async #setMode(mode: MiningModeName): Promise<void> {
    const before = this.#summary?.mode;
    if (before === undefined || before === mode) return;
    const { subset } = this.#query;
    const isOfOld = subset !== 'pairs' && subset !== 'pair';
    await this.#show({
      mode,
      against: before,
      halfLife: null,
      ...(isOfOld && { subset: 'pairs' as PairSubset }),
    });
  }

  #renderTable(summary: PairSummary): TemplateResult {
    const { total } = this.#rows;
    const { subset, words, sort, descending } = this.#query;
    const selected = this.#rows.at(this.#position);
    const isNarrowed = subset !== 'pairs' || words !== '';
    const detail =
      selected !== undefined && this.#detail?.key === nameOf(selected) ? this.#detail.detail : undefined;
    return html`<div class="toolbar" role="toolbar" aria-label=${l10n.t('Filter')}>
        <strong>${l10n.t('{0}: {1}', subsetWord(subset), whole(total))}</strong>
        ${isNarrowed ? html`<button class="link" @click=${() => void this.#show({ subset: 'pairs', words: '' })}>${l10n.t('Show all pairs')}</button>` : nothing}
        <vscode-text-field
          placeholder=${l10n.t('Filter by words')}
          aria-label=${l10n.t('Filter by words')}
          .value=${words}
          @input=${this.#onWords}
        ></vscode-text-field>
        <span class="keys"><kbd>j</kbd><kbd>k</kbd> ${l10n.t('next, previous')} <kbd>↵</kbd> ${l10n.t('open')} <kbd>r</kbd><kbd>i</kbd><kbd>c</kbd> ${l10n.t('label')} <kbd>u</kbd> ${l10n.t('undo')}</span>
      </div>
      <main>
        <div class="grid" role="grid" aria-label=${subsetWord(subset)} aria-rowcount=${total + 1} aria-colcount="7">
          ${renderHead(sort, descending, column => this.#sort(column))}
          <div
            class="pair-rows"
            role="rowgroup"
            tabindex="0"
            aria-activedescendant=${`row-${this.#position}`}
            @keydown=${this.#onKey}
          >
            <div class="canvas" role="presentation" .style=${`height: ${this.#list.height}px`}>
              ${repeat(
                this.#list.items(),
                ({ index }) => index,
                ({ index, start }) => {
                  const row = this.#rows.at(index);
                  const given = row === undefined ? undefined : this.#given.get(nameOf(row));
                  return renderRow(
                    row,
                    { position: index, start, selected: index === this.#position, given },
                    {
                      title: row === undefined ? null : this.#rows.title(row),
                      preview: this.#preview !== null,
                      select: () => this.#select(index),
                      open: step => {
                        this.#select(index);
                        this.#openStep(step);
                      },
                    },
                  );
                },
              )}
            </div>
            ${total === 0 ? html`<p class="state">${summary.fates.pair === 0 && !isNarrowed ? l10n.t('No browse gave a pair; the counts above say why.') : l10n.t('No row holds these words.')}</p>` : nothing}
          </div>
        </div>
        <aside aria-label=${l10n.t('Selected row')}>
          ${
            selected === undefined
              ? nothing
              : renderDetail(selected, detail, {
                  label: label => this.#label(label),
                  openStep: step => this.#openStep(step),
                  openLog: this.#openLog,
                })
          }
        </aside>
      </main>`;
  }

  readonly #onWords = (event: Event): void => {
    const words = (event.target as HTMLInputElement).value;
    this.#soon('words', () => this.#show({ words }));
  };

  protected override updated(): void {
    this.#rows.askTitles(this.#list.items().map(({ index }) => index));
  }
}

/** The one thing to do while there is nothing to show; null if there is something. */
function nextStep({ browses, fates }: PairSummary) {
  if (browses === 0) {
    return {
      words: l10n.t('No search-agent logs are indexed yet, so there is nothing to mine.'),
      action: l10n.t('Index the workspace'),
      command: 'index',
    } as const;
  }
  if (fates.unknown === browses) {
    return {
      words: l10n.t(
        'None of the {0} browses has a label, and only relevant ones give pairs.',
        whole(browses),
      ),
      action: l10n.t('Judge the browses'),
      command: 'judge',
    } as const;
  }
  return null;
}

function nameOf({ log, trajectory, step, doc }: PairKey): string {
  return JSON.stringify([log, trajectory, step, doc]);
}

registerControls();
customElements.define('lrat-pairs', PairsPanel);
