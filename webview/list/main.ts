import { html, nothing, type TemplateResult } from 'lit';
import { ref } from 'lit/directives/ref.js';
import { repeat } from 'lit/directives/repeat.js';
import type { LogEntry, LogView } from '../../src/protocol.ts';
import { Editor } from '../rpc.ts';
import { registerControls } from '../ui/controls.ts';
import { renderCounted } from '../ui/counted.ts';
import { type Keys, renderKeys, showKeys } from '../ui/keys.ts';
import * as l10n from '../ui/l10n.ts';
import { whole } from '../ui/numbers.ts';
import { View } from '../ui/view.ts';
import { VirtualList } from '../ui/virtual-list.ts';

/** Which trajectories are shown: all, those of an outcome, or those that give pairs. */
type EntryKind = 'all' | LogEntry['outcome'] | 'paired';

/** What is kept over tab switches and reloads. The trajectory that is opened in place adds its own beside it. */
interface SavedState {
  readonly list?: { readonly words: string; readonly kind?: EntryKind; readonly selected: string };
  readonly trajectory?: string;
}

/** What went wrong, and how to do it again. */
interface Failure {
  readonly message: string;
  readonly retry: () => void;
}

/** A log as an editor shows it: its trajectories, or why it has none and what to do next. */
class LogListView extends View {
  readonly #editor = new Editor();
  readonly #list = new VirtualList(
    this,
    () => this.querySelector('.entries'),
    () => 36,
  );
  #view: LogView | undefined;
  /** Pairs by trajectory; undefined until mining, which takes its time, has counted them. */
  #pairs: ReadonlyMap<string, number> | undefined;
  #failure: Failure | undefined;
  /** Which loading is the latest: what an earlier one still brings is out of date. */
  #turn = 0;
  #shown: readonly LogEntry[] = [];
  #words = '';
  #kind: EntryKind = 'all';
  /** Name of the selected trajectory. */
  #selected = '';

  override connectedCallback(): void {
    super.connectedCallback();
    const saved = this.#editor.state as SavedState | undefined;
    this.#words = saved?.list?.words ?? '';
    this.#kind = saved?.list?.kind ?? 'all';
    this.#selected = saved?.list?.selected ?? '';
    window.addEventListener('keydown', this.#onKey);
    this.#editor.on('changed', () => void this.#load());
    void this.#load().then(() => {
      const open = this.#view?.entries.find(({ trajectory }) => trajectory === saved?.trajectory);
      if (open !== undefined) this.#open(open);
      this.#list.show(Math.max(0, this.#at()), 'center');
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener('keydown', this.#onKey);
  }

  async #load(): Promise<void> {
    const turn = ++this.#turn;
    try {
      const view = await this.#editor.request('list.log', null);
      if (turn !== this.#turn) return;
      this.#view = view;
      this.#failure = undefined;
      this.#filter();
    } catch (error) {
      if (turn === this.#turn) this.#fail(error, this.#reload);
      return;
    }
    if (this.#view.entries.length > 0) void this.#count(turn);
    await this.updateComplete;
  }

  /** Asks for the pairs, which only mining all logs can tell; the list is there without them. */
  async #count(turn: number): Promise<void> {
    try {
      const pairs = await this.#editor.request('list.pairs', null);
      if (turn !== this.#turn) return;
      this.#pairs = new Map(pairs);
      this.#filter();
    } catch (error) {
      if (turn === this.#turn) this.#fail(error, this.#reload);
    }
  }

  readonly #reload = (): void => {
    this.#failure = undefined;
    this.requestUpdate();
    void this.#load();
  };

  #filter(): void {
    const wanted = this.#words.toLowerCase();
    this.#shown = (this.#view?.entries ?? []).filter(
      entry =>
        this.#isOf(entry, this.#kind) &&
        `${entry.question ?? ''}\n${entry.trajectory}`.toLowerCase().includes(wanted),
    );
    this.#list.resize(this.#shown.length, index => this.#shown[index]?.trajectory ?? index);
    if (this.#at() < 0) this.#selected = this.#shown[0]?.trajectory ?? '';
    this.requestUpdate();
  }

  #isOf(entry: LogEntry, kind: EntryKind): boolean {
    if (kind === 'all') return true;
    return kind === 'paired' ? (this.#pairs?.get(entry.trajectory) ?? 0) > 0 : entry.outcome === kind;
  }

  /** Shows what a count of the header counts: it counts all of a kind, whatever words they hold. */
  #showKind(kind: EntryKind): void {
    this.#kind = kind;
    this.#words = '';
    this.#filter();
    this.#save();
  }

  #at(): number {
    return this.#shown.findIndex(({ trajectory }) => trajectory === this.#selected);
  }

  #select(entry: LogEntry | undefined): void {
    if (entry === undefined) return;
    this.#selected = entry.trajectory;
    this.#save();
    this.#list.show(this.#shown.indexOf(entry));
    this.requestUpdate();
  }

  #save(): void {
    this.#editor.state = {
      list: { words: this.#words, kind: this.#kind, selected: this.#selected },
    } satisfies SavedState;
  }

  #open(entry: LogEntry): void {
    this.#selected = entry.trajectory;
    this.#save();
    this.#try(() => this.#editor.request('list.open', { trajectory: entry.trajectory }));
  }

  /** Asks for something that needs no answer; where it fails, it can be asked for again. */
  #try(ask: () => Promise<unknown>): void {
    const retry = (): void => {
      this.#failure = undefined;
      this.requestUpdate();
      void ask().catch(error => this.#fail(error, retry));
    };
    retry();
  }

  #fail(error: unknown, retry: () => void): void {
    this.#failure = { message: error instanceof Error ? error.message : String(error), retry };
    this.requestUpdate();
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.target instanceof Element)) return;
    if (event.target.closest('dialog') !== null) return;
    if (event.target.closest('vscode-text-field') !== null) {
      if (event.key !== 'Escape' && event.key !== 'Enter') return;
      this.querySelector<HTMLElement>('.entries')?.focus();
      event.preventDefault();
      return;
    }
    if (event.target.closest('button, vscode-button, vscode-link, summary, a') !== null) return;
    const at = this.#at();
    switch (event.key) {
      case 'j':
      case 'ArrowDown':
        this.#select(this.#shown[at + 1]);
        break;
      case 'k':
      case 'ArrowUp':
        this.#select(this.#shown[Math.max(0, at - 1)]);
        break;
      case 'Home':
        this.#select(this.#shown[0]);
        break;
      case 'End':
        this.#select(this.#shown.at(-1));
        break;
      case 'Enter':
        if (this.#shown[at] !== undefined) this.#open(this.#shown[at]);
        break;
      case '?':
        showKeys(this);
        break;
      case '/':
        this.querySelector<HTMLElement>('vscode-text-field')?.focus();
        break;
      default:
        return;
    }
    event.preventDefault();
  };

  readonly #openText = (event: Event): void => {
    event.preventDefault();
    this.#try(() => this.#editor.request('open.text', null));
  };

  readonly #index = (): void => {
    this.#try(() => this.#editor.request('list.index', null));
  };

  protected override render(): TemplateResult {
    const view = this.#view;
    if (view === undefined) {
      return this.#failure === undefined
        ? html`<div class="state"><vscode-progress-ring></vscode-progress-ring></div>`
        : this.#renderFailed(this.#failure);
    }
    if (view.entries.length === 0) return this.#renderNothing(view);
    return html`<header>
        ${this.#renderBanner()}
        <h1>${view.log}</h1>
        <div class="facts">
          ${this.#factsOf(view).map(fact => html`<span class="fact">${fact}</span>`)}
          ${this.#renderPairs(view)}
          <span class="links"
            ><vscode-link href="#" @click=${this.#openText}>${textWord(view)}</vscode-link></span
          >
        </div>
        ${view.problems.length === 0 ? nothing : this.#renderProblems(view)}
      </header>
      <div class="toolbar">
        <vscode-text-field
          placeholder=${l10n.t('Filter by words')}
          aria-label=${l10n.t('Filter by words')}
          .value=${this.#words}
          @input=${(event: Event) => {
            this.#words = (event.target as HTMLInputElement).value;
            this.#filter();
            this.#save();
          }}
        ></vscode-text-field>
        <span class="muted" role="status"
          >${l10n.t('{0} of {1} trajectories', this.#shown.length, view.entries.length)}</span
        >
        <span class="keys">
          <kbd>j</kbd><kbd>k</kbd> ${l10n.t('next, previous')} <kbd>↵</kbd> ${l10n.t('open')} <kbd>/</kbd>
          ${l10n.t('find')}
        </span>
          ${renderKeys(keys())}
      </div>
      ${this.#renderTable(view)}`;
  }

  #renderTable({ log }: LogView): TemplateResult {
    const heads: readonly [name: string, text: string][] = [
      ['name', l10n.t('Name')],
      ['question', l10n.t('Question')],
      ['outcome', l10n.t('Outcome')],
      ['number', l10n.t('Searches')],
      ['number', l10n.t('Browses')],
      ['number', l10n.t('Pairs')],
    ];
    return html`<main role="table" aria-label=${log} aria-rowcount=${this.#shown.length + 1}>
      <div role="rowgroup">
        <div class="entry-head" role="row" aria-rowindex="1">
          ${heads.map(([name, text]) => html`<span role="columnheader" class=${name}>${text}</span>`)}
        </div>
      </div>
      <div class="entries" role="rowgroup" tabindex="0" aria-label=${l10n.t('Trajectories')}>
        <div class="canvas" role="presentation" .style=${`height: ${this.#list.height}px`}>
          ${repeat(
            this.#list.items(),
            ({ index }) => this.#shown[index]?.trajectory,
            ({ index, start }) => this.#renderEntry(this.#shown[index]!, index, start),
          )}
        </div>
        ${this.#shown.length === 0 ? html`<p class="state" role="presentation">${l10n.t('No trajectory holds these words.')}</p>` : nothing}
      </div>
    </main>`;
  }

  #renderEntry(entry: LogEntry, position: number, start: number): TemplateResult {
    const isSelected = entry.trajectory === this.#selected;
    const { shape, word } = outcomes[entry.outcome];
    return html`<div
      class=${isSelected ? 'entry selected' : 'entry'}
      role="row"
      aria-rowindex=${position + 2}
      aria-current=${isSelected ? 'true' : nothing}
      data-index=${position}
      .style=${`transform: translateY(${start}px)`}
      @click=${() => this.#open(entry)}
      ${ref(this.#list.measure)}
    >
      <span role="cell" class="name" title=${entry.trajectory}>${entry.trajectory}</span>
      <span role="cell" class="question">${entry.question ?? '–'}</span>
      <span role="cell" class="outcome ${entry.outcome}">${shape} ${word}</span>
      <span role="cell" class="number">${whole(entry.searches)}</span>
      <span role="cell" class="number">${whole(entry.browses)}</span>
      ${this.#renderPairCount(entry)}
    </div>`;
  }

  #renderPairCount({ trajectory, noPairs }: LogEntry): TemplateResult {
    if (noPairs !== null) return html`<span role="cell" class="number muted" title=${noPairs}>0</span>`;
    return this.#pairs === undefined
      ? html`<span role="cell" class="number muted" title=${this.#pairsState()}>…</span>`
      : html`<span role="cell" class="number">${whole(this.#pairs.get(trajectory) ?? 0)}</span>`;
  }

  #renderCounted(words: string | TemplateResult, kind: EntryKind): TemplateResult {
    return renderCounted(words, kind === this.#kind && this.#words === '', () => this.#showKind(kind));
  }

  /** What can be said of the log in a line: how many trajectories, how they ended, who ran and what searched. */
  #factsOf({ entries, agent, retriever }: LogView): (string | TemplateResult)[] {
    const all = entries.length === 1 ? l10n.t('1 trajectory') : l10n.t('{0} trajectories', entries.length);
    const counts = (['correct', 'incorrect', 'unknown'] as const).flatMap(outcome => {
      const count = entries.filter(entry => entry.outcome === outcome).length;
      const { shape, word } = outcomes[outcome];
      const words = html`<span class="outcome ${outcome}">${shape} ${whole(count)} ${word}</span>`;
      return count === 0 ? [] : [this.#renderCounted(words, outcome)];
    });
    return [this.#renderCounted(all, 'all'), ...counts, ...[agent, retriever].filter(name => name !== null)];
  }

  /** The pairs of the whole log, or what is becoming of their count. */
  #renderPairs({ entries }: LogView): TemplateResult {
    if (this.#pairs === undefined) return html`<span class="fact">${this.#pairsState()}</span>`;
    const own = this.#pairs;
    const pairs = entries.reduce((sum, { trajectory }) => sum + (own.get(trajectory) ?? 0), 0);
    const words = html`<b>${pairs === 1 ? l10n.t('1 pair') : l10n.t('{0} pairs', pairs)}</b>`;
    return html`<span class="fact">${this.#renderCounted(words, 'paired')}</span>`;
  }

  #pairsState(): string {
    return this.#failure === undefined ? l10n.t('counting pairs…') : l10n.t('pairs not counted');
  }

  #renderProblems({ log, problems }: LogView): TemplateResult {
    return html`<details class="log-problems">
      <summary>
        ${problems.length === 1 ? l10n.t('1 problem in this log') : l10n.t('{0} problems in this log', problems.length)}
      </summary>
      <ul>
        ${problems.slice(0, shownProblems).map(each => this.#renderProblem(each, log))}
        ${problems.length > shownProblems ? html`<li>${l10n.t('{0} and more', shownProblems)}</li>` : nothing}
      </ul>
    </details>`;
  }

  /** @param log named where the problem is the whole file's */
  #renderProblem({ place, reason }: LogView['problems'][number], log: string): TemplateResult {
    const line = Number(/^line (\d+)/.exec(place)?.[1] ?? Number.NaN);
    const open = (event: Event) => {
      event.preventDefault();
      this.#try(() => this.#editor.request('open.log', { line, column: 1, member: null }));
    };
    return Number.isNaN(line)
      ? html`<li><b>${place === '' ? log : place}</b> ${reason}</li>`
      : html`<li><vscode-link href="#" @click=${open}>${place}</vscode-link> ${reason}</li>`;
  }

  /** A log without trajectories: why, and what can be done. */
  #renderNothing(view: LogView): TemplateResult {
    const { log, isRead, isArchive, problems } = view;
    return html`<main class="state nothing">
      ${this.#renderBanner()}
      <h1>${l10n.t('No trajectory to show')}</h1>
      <div role="status">
        ${
          isRead
            ? html`<ul>
                ${problems.map(each => this.#renderProblem(each, log))}
              </ul>`
            : html`<p><b>${log}</b> ${l10n.t('is not in the index: it has not been read yet.')}</p>`
        }
      </div>
      ${
        isRead
          ? html`<p>
              ${
                isArchive
                  ? l10n.t(
                      'LRAT shows logs of agents that search and open documents with tools. See how the archive is read; records of another format can be described in .lrat/config.json.',
                    )
                  : l10n.t(
                      'LRAT shows logs of agents that search and open documents with tools. Open the file as text to see what it holds. “Explain How a Log Is Read” says what was tried; records of another format can be described in .lrat/config.json.',
                    )
              }
            </p>`
          : nothing
      }
      <p class="choices">
        ${isRead ? nothing : html`<vscode-button @click=${this.#index}>${l10n.t('Index the workspace')}</vscode-button>`}
        <vscode-button appearance=${isRead ? 'primary' : 'secondary'} @click=${this.#openText}
          >${textWord(view)}</vscode-button
        >
      </p>
    </main>`;
  }

  #renderFailed({ message, retry }: Failure): TemplateResult {
    return html`<main class="state nothing">
      <h1>${l10n.t('The log could not be shown')}</h1>
      <p role="alert">${message}</p>
      <p class="choices">
        <vscode-button @click=${retry}>${l10n.t('Retry')}</vscode-button>
        <vscode-button appearance="secondary" @click=${this.#openText}>${l10n.t('Open as text')}</vscode-button>
      </p>
    </main>`;
  }

  #renderBanner(): TemplateResult | typeof nothing {
    if (this.#failure === undefined) return nothing;
    const { message, retry } = this.#failure;
    return html`<p class="banner" role="alert">
      ${message} <vscode-button appearance="secondary" @click=${retry}>${l10n.t('Retry')}</vscode-button>
    </p>`;
  }
}

/** More problems than this are counted only: the log as text shows all. */
const shownProblems = 50;

/** What is offered to see the log itself. */
function textWord({ isArchive }: LogView): string {
  return isArchive ? l10n.t('How it is read') : l10n.t('Open as text');
}

/** Shape and word: colour never means something alone. */
const outcomes: Record<LogEntry['outcome'], { readonly shape: string; readonly word: string }> = {
  correct: { shape: '✓', word: l10n.t('correct') },
  incorrect: { shape: '✗', word: l10n.t('incorrect') },
  unknown: { shape: '○', word: l10n.t('outcome unknown') },
};

function keys(): Keys {
  return [
    [['j', 'k'], l10n.t('next, previous trajectory')],
    [['↓', '↑', 'Home', 'End'], l10n.t('next, previous, first, last trajectory')],
    [['Enter'], l10n.t('open the trajectory')],
    [['/'], l10n.t('find')],
    [['Escape'], l10n.t('in the field: back to the list')],
  ];
}

registerControls();
customElements.define('lrat-list', LogListView);
