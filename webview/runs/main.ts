import { html, nothing, type TemplateResult } from 'lit';
import type { ComparedRun, MeasuredView, RunsView } from '../../src/protocol.ts';
import { Editor } from '../rpc.ts';
import { renderChoice } from '../ui/choice.ts';
import { registerControls } from '../ui/controls.ts';
import { type Curve, curveChoices, renderCurve } from '../ui/curves.ts';
import { bounds, describeP, signedInterval, verdictOf } from '../ui/estimates.ts';
import * as l10n from '../ui/l10n.ts';
import { moment, percent, ungrouped } from '../ui/numbers.ts';
import { renderPending } from '../ui/pending.ts';
import { View } from '../ui/view.ts';
import { renderDifferences } from './differences.ts';
import { settingName } from './words.ts';

/** What is kept over tab switches and reloads. */
interface SavedState {
  readonly runs: readonly [string, string];
  readonly curve: Curve;
}

const letters = ['A', 'B'] as const;
const margin = 20;
/** Charts that are wider say no more. */
const widest = 900;

/** Two runs side by side: is the one better, by how much, and what was done otherwise? */
class RunComparison extends View {
  readonly #editor = new Editor();
  #view: RunsView | undefined;
  #failure: string | undefined;
  #curve: Curve = 'loss';
  #isCopied = false;
  readonly #size = new ResizeObserver(() => this.requestUpdate());

  override connectedCallback(): void {
    super.connectedCallback();
    const saved = this.#editor.state as SavedState | undefined;
    if (saved !== undefined) this.#curve = saved.curve;
    this.#size.observe(this);
    void this.#load();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#size.disconnect();
  }

  /** Waits for an answer; what goes wrong is shown. */
  async #ask(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#failure = undefined;
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
    }
    this.requestUpdate();
  }

  #load(): Promise<void> {
    return this.#ask(async () => {
      this.#view = await this.#editor.request('runs.view', null);
      this.#save();
    });
  }

  #copy(): Promise<void> {
    return this.#ask(async () => {
      await this.#editor.request('runs.copy', null);
      this.#isCopied = true;
    });
  }

  #save(): void {
    if (this.#view === undefined) return;
    const [a, b] = this.#view.sides;
    this.#editor.state = { runs: [a.id, b.id], curve: this.#curve } satisfies SavedState;
  }

  protected override render(): TemplateResult {
    const view = this.#view;
    if (view === undefined) return renderPending(this.#failure, () => void this.#load());
    const { sides, result, problem, settings, curves } = view;
    const width = Math.max(240, Math.min(widest, this.clientWidth - 2 * margin));
    return html`<header class="run">
        <h1>${l10n.t('{0} against {1}', sides[1].name, sides[0].name)}</h1>
        <div class="actions">
          ${sides.map((_, i) => this.#renderOpen(i as 0 | 1))}
          <vscode-button @click=${() => void this.#copy()}>${l10n.t('Copy as Markdown')}</vscode-button>
          <span role="status">${this.#isCopied ? `✓ ${l10n.t('copied')}` : nothing}</span>
        </div>
      </header>
      ${this.#failure === undefined ? nothing : html`<p class="banner" role="alert">${this.#failure}</p>`}
      <section>${renderSides(sides)}</section>
      ${
        result === null
          ? html`<section>
              <h2>${l10n.t('Paired differences')}</h2>
              <p class="banner">${problem}</p>
            </section>`
          : renderMeasured(result, width)
      }
      <section>
        <h2>${l10n.t('Settings that differ')}</h2>
        ${renderSettings(settings)}
      </section>
      ${curves === null ? nothing : this.#renderCurves(curves, width)}`;
  }

  #renderOpen(side: 0 | 1): TemplateResult {
    const open = () => void this.#ask(async () => void (await this.#editor.request('runs.open', { side })));
    return html`<vscode-button appearance="secondary" @click=${open}>${l10n.t('Open {0}', letters[side])}</vscode-button>`;
  }

  #renderCurves(curves: NonNullable<RunsView['curves']>, width: number): TemplateResult {
    return html`<section>
      ${renderChoice(l10n.t('Each step'), curveChoices(), this.#curve, curve => {
        this.#curve = curve;
        this.#save();
        this.requestUpdate();
      })}
      ${renderCurve(
        curves.map((each, i) => ({ ...each, name: letters[i]! })),
        this.#curve,
        width,
      )}
    </section>`;
  }
}

/** A table with a column for each run. */
function renderTable(
  rows: readonly (readonly [name: string, values: readonly (string | null)[]])[],
): TemplateResult {
  return html`<table class="sides">
    <thead>
      <tr>
        <td></td>
        ${letters.map(letter => html`<th scope="col">${letter}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        ([name, values]) => html`<tr>
          <th scope="row">${name}</th>
          ${values.map(value => html`<td>${value ?? '–'}</td>`)}
        </tr>`,
      )}
    </tbody>
  </table>`;
}

function renderSides(sides: RunsView['sides']): TemplateResult {
  const of = (value: (run: ComparedRun) => string) => sides.map(value);
  return renderTable([
    [l10n.t('Name'), of(({ name }) => name)],
    [l10n.t('What'), of(({ title }) => title)],
    [l10n.t('Started'), of(({ created }) => moment(created))],
    [l10n.t('Run'), of(({ id }) => id)],
  ]);
}

function renderSettings(settings: RunsView['settings']): TemplateResult {
  return settings.length === 0
    ? html`<p class="muted">${l10n.t('None: both were asked for the same.')}</p>`
    : renderTable(
        settings.map(({ name, values }) => [
          settingName(name),
          values.map(value => (typeof value === 'number' ? ungrouped(value) : value)),
        ]),
      );
}

/** What was measured: the differences as a chart, and all figures as a table. */
function renderMeasured(measured: MeasuredView, width: number): TemplateResult {
  return html`${measured.differences.map(
    ({ retriever, baseline, metrics }) => html`<section>
        <h2>${l10n.t('{0} against {1}', retriever, baseline)}</h2>
        ${renderDifferences(measured, metrics, width)}
        <div class="scroll" tabindex="0" role="region" aria-label=${l10n.t('{0} against {1}', retriever, baseline)}>
          <table>
            <thead>
              <tr>
                <th scope="col">${l10n.t('Metric')}</th>
                <th scope="col">${baseline}</th>
                <th scope="col">${retriever}</th>
                <th scope="col">${l10n.t('Difference')}</th>
                <th scope="col">p</th>
              </tr>
            </thead>
            <tbody>
              ${measured.metrics.map(metric => {
                const difference = metrics[metric]!;
                return html`<tr>
                  <th scope="row">${metric}</th>
                  ${[baseline, retriever].map(name => renderEstimate(measured, name, metric))}
                  <td class=${verdictOf(difference)}>${signedInterval(difference)}</td>
                  <td>${describeP(difference.p)}</td>
                </tr>`;
              })}
            </tbody>
          </table>
        </div>
      </section>`,
  )}
    <section>
      <p class="muted">
        ${l10n.t('Means over {0} questions in per cent, with 95 % intervals; differences are paired.', measured.questions)}
        ${l10n.t('Hollow dots: it may be chance (p of 0.05 or more).')}
      </p>
    </section>`;
}

function renderEstimate({ rows }: MeasuredView, name: string, metric: string): TemplateResult {
  const estimate = rows.find(({ retriever }) => retriever === name)!.metrics[metric]!;
  return html`<td>${percent(estimate.mean)} <span class="muted">${bounds(estimate)}</span></td>`;
}

registerControls();
customElements.define('lrat-runs', RunComparison);
