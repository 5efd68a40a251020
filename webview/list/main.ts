import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { ref } from 'lit/directives/ref.js';
import { repeat } from 'lit/directives/repeat.js';
import type { LogEntry, LogView } from '../../src/protocol.ts';
import { Editor } from '../rpc.ts';
import { registerControls } from '../ui/controls.ts';
import * as l10n from '../ui/l10n.ts';
import { VirtualList } from '../ui/virtual-list.ts';

/** What is kept over tab switches and reloads. The trajectory that is opened in place adds its own beside it. */
interface SavedState {
  readonly list?: { readonly words: string; readonly selected: string };
  readonly trajectory?: string;
}

/** A log as an editor shows it: its trajectories, or why it has none and what to do next. */
class LogListView extends LitElement {
  readonly #editor = new Editor();
  readonly #list = new VirtualList(
    this,
    () => this.querySelector('.entries'),
    () => 58,
  );
  #view: LogView | undefined;
  #failure: string | undefined;
  #shown: readonly LogEntry[] = [];
  #words = '';
  /** Name of the selected trajectory. */
  #selected = '';

  /** No shadow tree: one style sheet serves the whole view. */
  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const saved = this.#editor.state as SavedState | undefined;
    this.#words = saved?.list?.words ?? '';
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
    try {
      this.#view = await this.#editor.request('list.log', null);
      this.#failure = undefined;
      this.#filter(this.#words);
    } catch (error) {
      this.#fail(error);
    }
    this.requestUpdate();
    await this.updateComplete;
  }

  #filter(words: string): void {
    this.#words = words;
    const wanted = words.toLowerCase();
    this.#shown = (this.#view?.entries ?? []).filter(({ question, trajectory }) =>
      `${question ?? ''}\n${trajectory}`.toLowerCase().includes(wanted),
    );
    this.#list.resize(this.#shown.length, index => this.#shown[index]?.trajectory ?? index);
    if (this.#at() < 0) this.#selected = this.#shown[0]?.trajectory ?? '';
    this.requestUpdate();
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
    this.#editor.state = { list: { words: this.#words, selected: this.#selected } } satisfies SavedState;
  }

  #open(entry: LogEntry): void {
    this.#selected = entry.trajectory;
    this.#save();
    void this.#editor.request('list.open', { trajectory: entry.trajectory }).catch(this.#fail);
  }

  readonly #fail = (error: unknown): void => {
    this.#failure = error instanceof Error ? error.message : String(error);
    this.requestUpdate();
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.target instanceof Element)) return;
    if (event.target.closest('vscode-text-field') !== null) {
      if (event.key === 'Escape') this.querySelector<HTMLElement>('.entries')?.focus();
      return;
    }
    if (event.target.closest('vscode-button, vscode-link') !== null) return;
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
      case 'Enter':
        if (this.#shown[at] !== undefined) this.#open(this.#shown[at]);
        break;
      case '/':
        this.querySelector<HTMLElement>('vscode-text-field')?.focus();
        break;
      default:
        return;
    }
    event.preventDefault();
  };

  readonly #openText = (): void => {
    void this.#editor.request('open.text', null).catch(this.#fail);
  };

  readonly #index = (): void => {
    void this.#editor.request('list.index', null).catch(this.#fail);
  };

  protected override render(): TemplateResult {
    const view = this.#view;
    if (view === undefined) {
      return this.#failure === undefined
        ? html`<div class="state"><vscode-progress-ring></vscode-progress-ring></div>`
        : this.#renderProblem(this.#failure, false);
    }
    if (view.entries.length === 0) {
      return this.#renderProblem(
        this.#failure ??
          view.reason ??
          l10n.t('It is not in the index: it has not been read yet, or its format is not known.'),
        view.reason === null,
      );
    }
    return html`<header>
        ${this.#failure === undefined ? nothing : html`<p class="banner" role="alert">${this.#failure}</p>`}
        <h1>${view.log}</h1>
        <div class="toolbar">
          <vscode-text-field
            placeholder=${l10n.t('Filter by words')}
            aria-label=${l10n.t('Filter by words')}
            .value=${this.#words}
            @input=${(event: Event) => {
              this.#filter((event.target as HTMLInputElement).value);
              this.#save();
            }}
          ></vscode-text-field>
          <span class="muted" role="status"
            >${l10n.t('{0} of {1} trajectories', this.#shown.length, view.entries.length)}</span
          >
          <vscode-button appearance="secondary" @click=${this.#openText}>${l10n.t('Open as text')}</vscode-button>
          <span class="keys">
            <kbd>j</kbd><kbd>k</kbd> ${l10n.t('next, previous')} <kbd>Enter</kbd> ${l10n.t('open')} <kbd>/</kbd>
            ${l10n.t('find')}
          </span>
        </div>
      </header>
      <main class="entries" tabindex="0" aria-label=${l10n.t('Trajectories')}>
        ${this.#shown.length === 0 ? html`<p class="state">${l10n.t('No trajectory holds these words.')}</p>` : nothing}
        <div class="canvas" role="list" .style=${`height: ${this.#list.height}px`}>
          ${repeat(
            this.#list.items(),
            ({ index }) => this.#shown[index]?.trajectory,
            ({ index, start }) => this.#renderEntry(this.#shown[index]!, index, start),
          )}
        </div>
      </main>`;
  }

  #renderEntry(entry: LogEntry, position: number, start: number): TemplateResult {
    const isSelected = entry.trajectory === this.#selected;
    const { shape, word } = outcomes[entry.outcome];
    const counts = [
      l10n.t('{0} searches', entry.searches),
      l10n.t('{0} browses', entry.browses),
      l10n.t('{0} pairs', entry.pairs),
    ];
    return html`<div
      class=${isSelected ? 'entry selected' : 'entry'}
      role="listitem"
      aria-current=${isSelected ? 'true' : nothing}
      data-index=${position}
      .style=${`transform: translateY(${start}px)`}
      @click=${() => this.#open(entry)}
      ${ref(this.#list.measure)}
    >
      <p class="query">${entry.question ?? entry.trajectory}</p>
      <p class="facts"><span class="outcome ${entry.outcome}">${shape} ${word}</span> <span class="muted">${counts.join(' · ')}</span></p>
    </div>`;
  }

  #renderProblem(reason: string, canIndex: boolean): TemplateResult {
    return html`<main class="state">
      <h1>${l10n.t('No trajectory to show')}</h1>
      <p role="status">${reason}</p>
      <p class="choices">
        ${canIndex ? html`<vscode-button @click=${this.#index}>${l10n.t('Index the workspace')}</vscode-button>` : nothing}
        <vscode-button appearance=${canIndex ? 'secondary' : 'primary'} @click=${this.#openText}
          >${l10n.t('Open as text')}</vscode-button
        >
      </p>
    </main>`;
  }
}

/** Shape and word: colour never means something alone. */
const outcomes: Record<LogEntry['outcome'], { readonly shape: string; readonly word: string }> = {
  correct: { shape: '✓', word: l10n.t('correct') },
  incorrect: { shape: '✗', word: l10n.t('incorrect') },
  unknown: { shape: '○', word: l10n.t('outcome unknown') },
};

registerControls();
customElements.define('lrat-list', LogListView);
