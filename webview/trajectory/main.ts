import { html, nothing, type TemplateResult } from 'lit';
import { classMap } from 'lit/directives/class-map.js';
import { guard } from 'lit/directives/guard.js';
import { ref } from 'lit/directives/ref.js';
import { repeat } from 'lit/directives/repeat.js';
import type { LogPlace, StepKind, StepOutline, StepView, TrajectoryHead } from '../../src/protocol.ts';
import { Editor } from '../rpc.ts';
import { registerControls } from '../ui/controls.ts';
import { renderCounted } from '../ui/counted.ts';
import { type Keys, renderKeys, showKeys } from '../ui/keys.ts';
import * as l10n from '../ui/l10n.ts';
import { decimal, whole } from '../ui/numbers.ts';
import { Pages } from '../ui/pages.ts';
import { View } from '../ui/view.ts';
import { VirtualList } from '../ui/virtual-list.ts';
import type { Actions } from './actions.ts';
import { renderDetail } from './detail.ts';
import { type Marked, marker } from './matches.ts';
import { renderRail } from './rail.ts';
import { renderStep } from './steps.ts';
import { kindWord } from './words.ts';

/** Steps are pulled from the editor in pages of this many. */
const pageSize = 20;

type Filter = 'all' | StepKind | 'unlabelled' | 'paired';

/** What is kept over tab switches and reloads: the place, not the data. */
interface SavedState {
  /** Where the list stood that the trajectory was opened from; it is the list's own. */
  readonly list?: unknown;
  readonly log: string;
  readonly trajectory: string;
  readonly filter: Filter;
  readonly selected: number;
  readonly collapsed: boolean;
}

/** The trajectory view: a rail, the list of steps, and the detail of the selected one. */
class TrajectoryView extends View {
  readonly #editor = new Editor();
  readonly #list = new VirtualList(
    this,
    () => this.querySelector('.steps'),
    position => this.#estimate(position),
  );
  #head: TrajectoryHead | undefined;
  #failure: string | undefined;
  /** Indexes of the steps that the filter shows, in order. */
  #shown: readonly number[] = [];
  #found: readonly number[] = [];
  #words = '';
  #steps = this.#newSteps();
  #mark: Marked = marker('');
  /** A match was gone to and is not on the screen yet. */
  #seeksMatch = false;
  #filter: Filter = 'all';
  #selected = 0;
  #collapsed = false;
  #inList = false;

  override connectedCallback(): void {
    super.connectedCallback();
    const saved = this.#editor.state as SavedState | undefined;
    // A list that the trajectory was opened from may have left only its own place.
    if (saved?.filter !== undefined) {
      this.#filter = saved.filter;
      this.#selected = saved.selected;
      this.#collapsed = saved.collapsed;
    }
    window.addEventListener('keydown', this.#onKey);
    this.#editor.on('changed', () => void this.#load());
    this.#editor.on('reveal', ({ step }) => this.#reveal(step));
    void this.#editor.request('trajectory.inList', null).then(inList => {
      this.#inList = inList;
      this.requestUpdate();
    }, this.#fail);
    void this.#start();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener('keydown', this.#onKey);
  }

  /** Shows the trajectory, at the step that it was opened for or else where it was left. */
  async #start(): Promise<void> {
    await this.#load();
    if (this.#head === undefined) return;
    try {
      const step = await this.#editor.request('trajectory.missed', null);
      if (step !== null) this.#reveal(step);
    } catch (error) {
      this.#fail(error);
    }
    this.#list.show(Math.max(0, this.#shown.indexOf(this.#selected)), 'center');
  }

  async #load(): Promise<void> {
    try {
      // Asked for together: the place that is shown first need not wait for the head, and what is on the screen stays
      // until all of it is there anew.
      const steps = this.#newSteps();
      const [head] = await Promise.all([
        this.#editor.request('trajectory.head', null),
        steps.load(this.#inView()),
      ]);
      this.#head = head;
      this.#failure = undefined;
      this.#steps = steps;
      this.#applyFilter();
      this.#save();
      if (this.#words !== '') await this.#look();
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
    }
    this.requestUpdate();
    await this.updateComplete;
  }

  /** Indexes of the steps that the screen and the detail show. */
  #inView(): number[] {
    return [this.#selected, ...this.#list.items().flatMap(({ index }) => this.#shown[index] ?? [])];
  }

  #newSteps(): Pages<StepView> {
    const words = this.#words;
    return new Pages({
      size: pageSize,
      pull: range => this.#editor.request('trajectory.steps', { ...range, words }),
      came: () => this.requestUpdate(),
      failed: error => this.#fail(error),
    });
  }

  #applyFilter(): void {
    const outline = this.#head?.outline ?? [];
    this.#shown = outline.flatMap((step, index) => (matches(step, this.#filter) ? [index] : []));
    this.#list.resize(this.#shown.length, position => this.#shown[position] ?? position);
  }

  /** Height of a row before it has been rendered, in pixels. */
  #estimate(position: number): number {
    const step = this.#head?.outline[this.#shown[position] ?? -1];
    if (step === undefined || this.#collapsed) return 44;
    if (step.kind === 'search') return 70 + 62 * Math.min(step.size, 10);
    return 48 + Math.min(160, step.size / 3);
  }

  readonly #actions: Actions = {
    select: index => {
      if (!this.#shown.includes(index)) this.#setFilter('all');
      this.#selected = index;
      this.#seeksMatch = false;
      this.#save();
      this.#list.show(this.#shown.indexOf(index));
      this.requestUpdate();
    },
    stepAt: index => this.#head!.outline[index]!.step,
    label: label => {
      const step = this.#steps.at(this.#selected);
      if (step?.kind !== 'browse') return;
      void this.#editor
        .request('trajectory.label', { step: step.step, doc: step.doc, label })
        .catch(this.#fail);
    },
    openPair: () => {
      const step = this.#steps.at(this.#selected);
      if (step?.kind !== 'browse') return;
      void this.#editor.request('open.pair', { step: step.step, doc: step.doc }).catch(this.#fail);
    },
    openLog: place => void this.#editor.request('open.log', place).catch(this.#fail),
  };

  readonly #fail = (error: unknown): void => {
    this.#failure = error instanceof Error ? error.message : String(error);
    this.requestUpdate();
  };

  #reveal(step: number): void {
    const index = this.#head?.outline.findIndex(each => each.step === step) ?? -1;
    if (index >= 0) this.#actions.select(index);
  }

  #setFilter(filter: Filter): void {
    this.#filter = filter;
    this.#applyFilter();
    this.#save();
    // The selected step stays in view, or the place where it would stand.
    const at = this.#shown.findIndex(index => index >= this.#selected);
    if (this.#shown.length > 0) this.#list.show(at === -1 ? this.#shown.length - 1 : at, 'center');
    this.requestUpdate();
  }

  #save(): void {
    if (this.#head === undefined) return;
    const { list } = (this.#editor.state ?? {}) as Partial<SavedState>;
    this.#editor.state = {
      list,
      log: this.#head.log,
      trajectory: this.#head.trajectory,
      filter: this.#filter,
      selected: this.#selected,
      collapsed: this.#collapsed,
    } satisfies SavedState;
  }

  /** Looks for words and goes to the first step from the selected one on that holds them. */
  async #find(words: string): Promise<void> {
    this.#words = words;
    this.#mark = marker(words);
    // Of very long texts another part is shown.
    const steps = this.#newSteps();
    await Promise.all([steps.load(this.#inView()), this.#look()]);
    if (words !== this.#words) return;
    this.#steps = steps;
    const next = this.#found.find(index => index >= this.#selected) ?? this.#found[0];
    if (next !== undefined) this.#goToMatch(next);
  }

  async #look(): Promise<void> {
    const words = this.#words;
    const found = words === '' ? [] : await this.#editor.request('trajectory.find', { text: words });
    // Other words may have been asked for meanwhile.
    if (words !== this.#words) return;
    this.#found = found;
    this.requestUpdate();
  }

  /** Goes to the next or the previous step that holds the words; after the last comes the first. */
  #goOnFinding(direction: 1 | -1): void {
    const found = direction === 1 ? this.#found : this.#found.toReversed();
    const next = found.find(index => direction * (index - this.#selected) > 0) ?? found[0];
    if (next !== undefined) this.#goToMatch(next);
  }

  #goToMatch(index: number): void {
    this.#actions.select(index);
    this.#seeksMatch = true;
  }

  /** Brings a match into view that stands deep in its step. */
  protected override updated(): void {
    const match = this.#seeksMatch ? this.querySelector('.row.selected mark') : null;
    if (match === null) return;
    this.#seeksMatch = false;
    const box = match.closest('.page');
    if (box === null) return;
    const { top, bottom } = match.getBoundingClientRect();
    const { top: from, height } = box.getBoundingClientRect();
    if (top < from || bottom > from + height) box.scrollTop += top - from - height / 3;
  }

  readonly #onFindKey = (event: KeyboardEvent): void => {
    const { value } = event.target as HTMLInputElement;
    // Other words than those looked for come as a change of the field.
    if (event.key !== 'Enter' || value === '' || value !== this.#words) return;
    event.preventDefault();
    this.#goOnFinding(event.shiftKey ? -1 : 1);
  };

  /** Selects the nearest step in a direction that a test accepts. */
  #go(direction: 1 | -1, accepts: (step: StepOutline, index: number) => boolean): void {
    const outline = this.#head?.outline ?? [];
    for (let index = this.#selected + direction; index >= 0 && index < outline.length; index += direction) {
      if (!accepts(outline[index]!, index)) continue;
      this.#actions.select(index);
      return;
    }
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof Element && event.target.closest('dialog') !== null) return;
    if (
      event.target instanceof HTMLElement &&
      event.target.closest('input, textarea, vscode-text-field') !== null
    ) {
      if (event.key === 'Escape') this.querySelector<HTMLElement>('.steps')?.focus();
      return;
    }
    const visible = (_: StepOutline, index: number) => this.#shown.includes(index);
    const keys: Record<string, () => void> = {
      j: () => this.#go(1, visible),
      k: () => this.#go(-1, visible),
      s: () => this.#go(1, step => step.kind === 'search'),
      S: () => this.#go(-1, step => step.kind === 'search'),
      b: () => this.#go(1, step => step.kind === 'browse'),
      B: () => this.#go(-1, step => step.kind === 'browse'),
      n: () => this.#go(1, step => step.kind === 'browse' && step.label === 'unknown'),
      r: () => this.#actions.label('relevant'),
      i: () => this.#actions.label('irrelevant'),
      c: () => this.#actions.label(null),
      u: () => void this.#editor.request('trajectory.undo', null).catch(this.#fail),
      o: () => {
        const place = this.#placeInLog();
        if (place !== null) this.#actions.openLog(place);
      },
      '?': () => showKeys(this),
      '/': () => this.querySelector<HTMLElement>('vscode-text-field')?.focus(),
    };
    const action = keys[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  };

  protected override render(): TemplateResult {
    const head = this.#head;
    if (this.#failure !== undefined && head === undefined) {
      return html`<div class="state" role="alert">
        <p>${this.#failure}</p>
        <vscode-button @click=${() => void this.#start()}>${l10n.t('Try again')}</vscode-button>
        <vscode-button appearance="secondary" @click=${() => void this.#editor.request('open.text', null)}>${l10n.t('Open as text')}</vscode-button>
      </div>`;
    }
    if (head === undefined)
      return html`<div class="state"><vscode-progress-ring></vscode-progress-ring></div>`;
    const selected = this.#steps.at(this.#selected);
    return html`
      ${this.#renderHeader(head)} ${this.#renderToolbar(head)}
      ${this.#failure === undefined ? nothing : html`<p class="banner" role="alert">${this.#failure}</p>`}
      <main>
        ${guard([head, this.#selected], () => renderRail(head.outline, this.#selected, this.#actions.select))}
        <div class="steps" role="list" aria-label=${l10n.t('Steps')} tabindex="0">
          <div class="canvas" .style=${`height: ${this.#list.height}px`}>
            ${repeat(
              this.#list.items(),
              ({ index }) => this.#shown[index],
              ({ index, start }) => this.#renderRow(head, index, start),
            )}
          </div>
          ${this.#shown.length === 0 ? html`<p class="state">${l10n.t('No step of this kind.')}</p>` : nothing}
        </div>
        <aside aria-label=${l10n.t('Selected step')}>${selected === undefined ? nothing : renderDetail(selected, head, this.#actions)}</aside>
      </main>
    `;
  }

  #renderRow(head: TrajectoryHead, position: number, start: number): TemplateResult {
    const index = this.#shown[position]!;
    const step = this.#steps.at(index);
    return html`<div
      class=${classMap({ row: true, selected: index === this.#selected })}
      role="listitem"
      aria-current=${index === this.#selected}
      data-index=${position}
      .style=${`transform: translateY(${start}px)`}
      @click=${() => this.#actions.select(index)}
      ${ref(this.#list.measure)}
    >
      ${
        step === undefined
          ? html`<div class="loading" .style=${`height: ${this.#estimate(position)}px`}>${kindWord(head.outline[index]!.kind)}</div>`
          : renderStep(
              step,
              { collapsed: this.#collapsed, isFound: this.#found.includes(index) },
              this.#mark,
              this.#actions,
            )
      }
    </div>`;
  }

  #renderHeader(head: TrajectoryHead): TemplateResult {
    const count = (kind: StepKind) => head.outline.filter(step => step.kind === kind).length;
    const searches = count('search');
    const browses = count('browse');
    const counted = (fact: string, filter: Filter) =>
      renderCounted(fact, filter === this.#filter, () => this.#setFilter(filter));
    const facts = [
      head.agent,
      head.retriever,
      counted(searches === 1 ? l10n.t('1 search') : l10n.t('{0} searches', searches), 'search'),
      counted(browses === 1 ? l10n.t('1 browse') : l10n.t('{0} browses', browses), 'browse'),
      head.noPairs === null ? counted(describePairs(head), 'paired') : l10n.t('no pairs: {0}', head.noPairs),
    ].filter(fact => fact !== null);
    return html`<header>
      <h1>${head.question ?? head.trajectory}</h1>
      ${
        head.references.length === 0
          ? nothing
          : html`<p class="references">
              <span class="muted">${head.references.length === 1 ? l10n.t('Reference answer:') : l10n.t('Reference answers:')}</span>
              ${head.references.join(' · ')}
            </p>`
      }
      <p class="facts">
        <span class="outcome ${head.outcome}">${head.outcome === 'correct' ? '✓ ' : head.outcome === 'incorrect' ? '✗ ' : ''}${outcomeWord(
          head.outcome,
        )}</span>
        ${head.simulation ? html`<span class="fact">${l10n.t('a simulation')}</span>` : nothing}
        ${facts.map(fact => html`<span class="fact">${fact}</span>`)}
        <span class="links">
          ${this.#inList ? html`<vscode-link href="#" @click=${this.#openList}>${l10n.t('All trajectories of the log')}</vscode-link>` : nothing}
          <vscode-link href="#" @click=${this.#compare}>${l10n.t('Compare with…')}</vscode-link>
          <vscode-link href="#" @click=${this.#openTranscript}>${l10n.t('Transcript')}</vscode-link>
          <vscode-link href="#" @click=${this.#openText}>${l10n.t('Open as text')}</vscode-link>
        </span>
      </p>
    </header>`;
  }

  #describeMatches(): string {
    const { length } = this.#found;
    const at = this.#found.indexOf(this.#selected);
    if (at >= 0) return l10n.t('{0} of {1}', at + 1, length);
    return length === 0 ? l10n.t('no match') : length === 1 ? l10n.t('1 step') : l10n.t('{0} steps', length);
  }

  readonly #openTranscript = (event: Event): void => {
    event.preventDefault();
    void this.#editor.request('open.transcript', null).catch(this.#fail);
  };

  readonly #compare = (event: Event): void => {
    event.preventDefault();
    void this.#editor.request('open.compare', null).catch(this.#fail);
  };

  readonly #openList = (event: Event): void => {
    event.preventDefault();
    const { list } = (this.#editor.state ?? {}) as Partial<SavedState>;
    this.#editor.state = { list };
    void this.#editor.request('open.list', null).catch(this.#fail);
  };

  readonly #openText = (event: Event): void => {
    event.preventDefault();
    const place = this.#placeInLog();
    const opened =
      place === null ? this.#editor.request('open.text', null) : this.#editor.request('open.log', place);
    void opened.catch(this.#fail);
  };

  /** Where the selected step stands in the log; null if the format does not tell, or the step is not loaded. */
  #placeInLog(): LogPlace | null {
    return this.#steps.at(this.#selected)?.place ?? null;
  }

  #renderToolbar(head: TrajectoryHead): TemplateResult {
    const filters: readonly [Filter, string][] = [
      ['all', l10n.t('All')],
      ['think', l10n.t('Think')],
      ['search', l10n.t('Search')],
      ['browse', l10n.t('Browse')],
      // Not every trajectory has these.
      ...(['tool', 'answer'] as const)
        .filter(kind => head.outline.some(step => step.kind === kind))
        .map((kind): [Filter, string] => [kind, kind === 'tool' ? l10n.t('Tool') : l10n.t('Answer')]),
      ['unlabelled', l10n.t('Unlabelled')],
      ['paired', l10n.t('With a pair')],
    ];
    return html`<div class="toolbar" role="toolbar" aria-label=${l10n.t('Filter and find')}>
      ${filters.map(
        ([filter, name]) =>
          html`<vscode-button
            appearance=${filter === this.#filter ? 'primary' : 'secondary'}
            aria-pressed=${filter === this.#filter}
            @click=${() => this.#setFilter(filter)}
            >${name} ${whole(head.outline.filter(step => matches(step, filter)).length)}</vscode-button
          >`,
      )}
      <vscode-text-field
        placeholder=${l10n.t('Find in this trajectory')}
        aria-label=${l10n.t('Find in this trajectory')}
        .value=${this.#words}
        @keydown=${this.#onFindKey}
        @change=${(event: Event) => {
          const { value } = event.target as HTMLInputElement;
          if (value !== this.#words) this.#find(value).catch(this.#fail);
        }}
      ></vscode-text-field>
      <span class="muted matches" role="status" aria-live="polite">${this.#words === '' ? nothing : this.#describeMatches()}</span>
      <vscode-button
        appearance="secondary"
        aria-pressed=${this.#collapsed}
        @click=${() => {
          this.#collapsed = !this.#collapsed;
          this.#save();
          this.requestUpdate();
        }}
        >${this.#collapsed ? l10n.t('Expand all') : l10n.t('Collapse all')}</vscode-button
      >
      <span class="keys">
        <kbd>j</kbd><kbd>k</kbd> ${l10n.t('next, previous')} <kbd>s</kbd> ${kindWord('search')} <kbd>b</kbd>
        ${kindWord('browse')} <kbd>n</kbd> ${l10n.t('unlabelled')} <kbd>/</kbd> ${l10n.t('find')}
      </span>
      ${renderKeys(keys())}
    </div>`;
  }
}

function keys(): Keys {
  return [
    [['j', 'k'], l10n.t('next, previous step')],
    [['s', 'S'], l10n.t('next, previous search')],
    [['b', 'B'], l10n.t('next, previous browse')],
    [['n'], l10n.t('next browse without a label')],
    [['r', 'i'], l10n.t('relevant, irrelevant')],
    [['c'], l10n.t('clear the label')],
    [['u'], l10n.t('undo the last label')],
    [['o'], l10n.t('go to the line of the log')],
    [['/'], l10n.t('find')],
    [['Enter', 'Shift+Enter'], l10n.t('in the field: next, previous match')],
    [['Escape'], l10n.t('in the field: back to the steps')],
  ];
}

function matches(step: StepOutline, filter: Filter): boolean {
  if (filter === 'all') return true;
  if (filter === 'unlabelled') return step.kind === 'browse' && step.label === 'unknown';
  if (filter === 'paired') return step.hasPair;
  return step.kind === filter;
}

function describePairs({ pairs, meanWeight }: TrajectoryHead): string {
  const count = pairs === 1 ? l10n.t('1 pair') : l10n.t('{0} pairs', pairs);
  return meanWeight === null ? count : l10n.t('{0}, mean weight {1}', count, decimal(meanWeight, 2));
}

function outcomeWord(outcome: TrajectoryHead['outcome']): string {
  switch (outcome) {
    case 'correct':
      return l10n.t('correct');
    case 'incorrect':
      return l10n.t('incorrect');
    case 'unknown':
      return l10n.t('outcome unknown');
  }
}

registerControls();
customElements.define('lrat-trajectory', TrajectoryView);
