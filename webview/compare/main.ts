import { html, nothing, type TemplateResult } from 'lit';
import { ref } from 'lit/directives/ref.js';
import { repeat } from 'lit/directives/repeat.js';
import type { CompareCell, CompareRow, CompareSide, Comparison } from '../../src/protocol.ts';
import { Editor } from '../rpc.ts';
import { registerControls } from '../ui/controls.ts';
import { type Keys, renderKeys, showKeys } from '../ui/keys.ts';
import * as l10n from '../ui/l10n.ts';
import { decimal, whole } from '../ui/numbers.ts';
import { Pages } from '../ui/pages.ts';
import { renderPending } from '../ui/pending.ts';
import { View } from '../ui/view.ts';
import { VirtualList } from '../ui/virtual-list.ts';

/** Rows are pulled from the editor in pages of this many. */
const pageSize = 20;

/** What is kept over tab switches and reloads: the place, not the data. */
interface SavedState {
  readonly left: { readonly log: string; readonly trajectory: string };
  readonly right: { readonly log: string; readonly trajectory: string };
  readonly selected: number;
  readonly onlyDifferences: boolean;
}

/** Two trajectories side by side: where did they search alike, and where did they part? */
class CompareView extends View {
  readonly #editor = new Editor();
  readonly #list = new VirtualList(
    this,
    () => this.querySelector('.compared'),
    () => 260,
  );
  #head: Comparison | undefined;
  #failure: string | undefined;
  #rows = this.#newRows();
  /** Numbers of the rows that the filter shows, in order. */
  #shown: readonly number[] = [];
  #selected = 0;
  #onlyDifferences = false;

  override connectedCallback(): void {
    super.connectedCallback();
    const saved = this.#editor.state as SavedState | undefined;
    if (saved !== undefined) {
      this.#selected = saved.selected;
      this.#onlyDifferences = saved.onlyDifferences;
    }
    window.addEventListener('keydown', this.#onKey);
    this.#editor.on('changed', () => void this.#load());
    void this.#load().then(() => this.#list.show(Math.max(0, this.#shown.indexOf(this.#selected)), 'center'));
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener('keydown', this.#onKey);
  }

  async #load(): Promise<void> {
    try {
      // What is on the screen stays until all of it is there anew.
      const rows = this.#newRows();
      const [head] = await Promise.all([
        this.#editor.request('compare.head', null),
        rows.load([this.#selected, ...this.#list.items().flatMap(({ index }) => this.#shown[index] ?? [])]),
      ]);
      this.#head = head;
      this.#failure = undefined;
      this.#rows = rows;
      this.#applyFilter();
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
    }
    this.requestUpdate();
    await this.updateComplete;
  }

  #applyFilter(): void {
    const differs = this.#head?.differs ?? [];
    this.#shown = differs.flatMap((is, row) => (is || !this.#onlyDifferences ? [row] : []));
    if (!this.#shown.includes(this.#selected)) {
      this.#selected = this.#shown.find(row => row > this.#selected) ?? this.#shown.at(-1) ?? 0;
    }
    this.#list.resize(this.#shown.length, position => this.#shown[position] ?? position);
    this.#save();
  }

  #newRows(): Pages<CompareRow> {
    return new Pages({
      size: pageSize,
      pull: range => this.#editor.request('compare.rows', range),
      came: () => this.requestUpdate(),
      failed: error => this.#fail(error),
    });
  }

  #save(): void {
    if (this.#head === undefined) return;
    const [left, right] = this.#head.sides.map(({ log, trajectory }) => ({ log, trajectory }));
    this.#editor.state = {
      left: left!,
      right: right!,
      selected: this.#selected,
      onlyDifferences: this.#onlyDifferences,
    } satisfies SavedState;
  }

  #select(row: number | undefined): void {
    if (row === undefined) return;
    this.#selected = row;
    this.#save();
    this.#list.show(this.#shown.indexOf(row));
    this.requestUpdate();
  }

  #show(onlyDifferences: boolean): void {
    this.#onlyDifferences = onlyDifferences;
    this.#applyFilter();
    this.requestUpdate();
  }

  #open(side: 0 | 1, step: number): void {
    void this.#editor.request('compare.open', { side, step }).catch(this.#fail);
  }

  /** Opens the step of a side in the selected row, if it has one. */
  #openSelected(side: 0 | 1): void {
    const row = this.#rows.at(this.#selected);
    const cell = side === 0 ? row?.left : row?.right;
    if (cell) this.#open(side, cell.step);
  }

  readonly #fail = (error: unknown): void => {
    this.#failure = error instanceof Error ? error.message : String(error);
    this.requestUpdate();
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof Element && event.target.closest('dialog') !== null) return;
    const onButton =
      event.target instanceof Element && event.target.closest('button, vscode-button') !== null;
    const at = this.#shown.indexOf(this.#selected);
    switch (event.key) {
      case 'j':
      case 'k':
        this.#select(this.#shown[event.key === 'j' ? at + 1 : Math.max(0, at - 1)]);
        break;
      case '?':
        showKeys(this);
        break;
      case 'd':
        this.#show(!this.#onlyDifferences);
        break;
      case 'a':
        this.#openSelected(0);
        break;
      case 'b':
        this.#openSelected(1);
        break;
      case 'Enter':
        if (onButton) return;
        this.#openSelected(this.#rows.at(this.#selected)?.left === null ? 1 : 0);
        break;
      default:
        return;
    }
    event.preventDefault();
  };

  protected override render(): TemplateResult {
    const head = this.#head;
    if (head === undefined) {
      return renderPending(this.#failure, () => void this.#load());
    }
    const differing = head.differs.filter(Boolean).length;
    return html`<header class="compare-head">
        ${this.#failure === undefined ? nothing : html`<p class="banner" role="alert">${this.#failure}</p>`}
        ${renderHead(head)}
        <div class="toolbar">
          ${this.#renderFilter(l10n.t('All rows'), head.differs.length, false)}
          ${this.#renderFilter(l10n.t('Differences'), differing, true)}
          <span class="keys">
            <kbd>j</kbd> <kbd>k</kbd> ${l10n.t('rows')} · <kbd>d</kbd> ${l10n.t('differences')} ·
            <kbd>a</kbd> <kbd>b</kbd> ${l10n.t('open step')}
          </span>
          ${renderKeys(keys())}
        </div>
      </header>
      <main class="compared" tabindex="0" aria-label=${l10n.t('Searches side by side')}>
        ${
          this.#shown.length === 0
            ? html`<p class="muted empty">
                ${head.differs.length === 0 ? l10n.t('Neither trajectory searches.') : l10n.t('No search differs.')}
              </p>`
            : nothing
        }
        <div class="canvas" .style=${`height: ${this.#list.height}px`}>
          ${repeat(
            this.#list.items(),
            ({ index }) => this.#shown[index],
            ({ index, start }) => this.#renderRow(index, start),
          )}
        </div>
      </main>`;
  }

  #renderFilter(name: string, rows: number, onlyDifferences: boolean): TemplateResult {
    const isShown = onlyDifferences === this.#onlyDifferences;
    return html`<vscode-button
      appearance=${isShown ? 'primary' : 'secondary'}
      aria-pressed=${isShown}
      @click=${() => this.#show(onlyDifferences)}
      >${name} ${whole(rows)}</vscode-button
    >`;
  }

  #renderRow(position: number, start: number): TemplateResult {
    const number = this.#shown[position]!;
    const row = this.#rows.at(number);
    const isSelected = number === this.#selected;
    return html`<section
      class=${isSelected ? 'beside selected' : 'beside'}
      data-index=${position}
      aria-label=${l10n.t('Row {0}', number + 1)}
      aria-current=${isSelected ? 'true' : nothing}
      .style=${`transform: translateY(${start}px)`}
      @click=${() => this.#select(number)}
      ${ref(this.#list.measure)}
    >
      ${
        row === undefined
          ? html`<p class="muted">${l10n.t('Loading…')}</p>`
          : html`${this.#renderCell(0, row.left)}${this.#renderCell(1, row.right)}`
      }
    </section>`;
  }

  #renderCell(side: 0 | 1, cell: CompareCell | null): TemplateResult {
    if (cell === null) return html`<div class="cell gap">${l10n.t('no search like it')}</div>`;
    return html`<div class="cell">
      <p class="caption">
        <span class="side">${side === 0 ? 'A' : 'B'}</span>
        <button type="button" class="step-link" @click=${() => this.#open(side, cell.step)}>
          ${l10n.t('step {0}', String(cell.step))}
        </button>
      </p>
      <p class="query">${cell.query}</p>
      <ol>
        ${cell.candidates.map(
          candidate => html`<li class=${candidate.shared ? 'shared' : ''}>
            <span class="rank">${candidate.rank}</span>
            <span class="title">${candidate.title ?? candidate.id}</span>
            <span class="marks">${marks(candidate).join(' · ')}</span>
          </li>`,
        )}
      </ol>
    </div>`;
  }
}

/** What became of a candidate, in signs and words. */
function marks(candidate: CompareCell['candidates'][number]): string[] {
  const { shared, browsed, browsedByOther, label, weight } = candidate;
  return [
    ...(shared ? [`= ${l10n.t('in both')}`] : []),
    ...(label === 'relevant' ? [`✓ ${l10n.t('relevant')}`] : []),
    ...(label === 'irrelevant' ? [`✕ ${l10n.t('irrelevant')}`] : []),
    ...(browsed && label === null ? [`○ ${l10n.t('browsed')}`] : []),
    ...(browsed && !browsedByOther ? [l10n.t('by this one only')] : []),
    ...(weight === null ? [] : [l10n.t('weight {0}', decimal(weight, 2))]),
  ];
}

function renderHead({ sides, shared, union }: Comparison): TemplateResult {
  const [a, b] = sides;
  const outcome = ({ outcome }: CompareSide) => {
    if (outcome === 'correct') return `✓ ${l10n.t('correct')}`;
    return outcome === 'incorrect' ? `✗ ${l10n.t('incorrect')}` : `○ ${l10n.t('outcome unknown')}`;
  };
  const rows: readonly (readonly [string, (side: CompareSide) => string | number])[] = [
    [l10n.t('Log'), ({ log }) => log],
    [l10n.t('Agent'), ({ agent }) => agent ?? '–'],
    [l10n.t('Retriever'), ({ retriever }) => retriever ?? '–'],
    [l10n.t('Outcome'), outcome],
    [l10n.t('Searches'), ({ searches }) => whole(searches)],
    [l10n.t('Browses'), ({ browses }) => whole(browses)],
    [l10n.t('Relevant documents'), ({ relevant }) => whole(relevant)],
    [l10n.t('Pairs'), ({ pairs }) => whole(pairs)],
    [l10n.t('Documents seen'), ({ documents }) => whole(documents)],
  ];
  const share = union === 0 ? 0 : Math.round((100 * shared) / union);
  return html`<h1>${a.question ?? a.trajectory}</h1>
    ${
      a.question === b.question
        ? nothing
        : html`<p class="banner">${l10n.t('B is of another question: {0}', b.question ?? b.trajectory)}</p>`
    }
    <table class="sides">
      <thead>
        <tr>
          <td></td>
          <th scope="col">A</th>
          <th scope="col">B</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ([name, value]) => html`<tr>
            <th scope="row">${name}</th>
            ${sides.map(side => html`<td>${value(side)}</td>`)}
          </tr>`,
        )}
      </tbody>
    </table>
    <p class="facts">${l10n.t('{0} documents were seen by both: {1} % of the {2} that either saw', shared, share, union)}</p>`;
}

function keys(): Keys {
  return [
    [['j', 'k'], l10n.t('next, previous row')],
    [['d'], l10n.t('all rows, or those that differ')],
    [['a', 'b'], l10n.t('open the step of A, of B')],
    [['Enter'], l10n.t('open the step: that of A, or else of B')],
  ];
}

registerControls();
customElements.define('lrat-compare', CompareView);
