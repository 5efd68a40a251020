import { html, nothing, type TemplateResult } from 'lit';
import type { RunView } from '../../src/protocol.ts';
import { Editor } from '../rpc.ts';
import { renderChoice } from '../ui/choice.ts';
import { registerControls } from '../ui/controls.ts';
import { type Curve, curveChoices, renderCurve } from '../ui/curves.ts';
import * as l10n from '../ui/l10n.ts';
import { decimal, duration, exact, memory, percent, whole } from '../ui/numbers.ts';
import { renderPending } from '../ui/pending.ts';
import { View } from '../ui/view.ts';
import { renderHeldOut } from './held-out.ts';
import { renderResult } from './result.ts';

/** What is kept over tab switches and reloads. */
interface SavedState {
  readonly run: string;
  readonly curve: Curve;
  readonly metric: string | null;
}

/** Narrower than this, charts stand below each other; as `style.css` has it. */
const narrow = 820;
const margin = 20;
const gap = 40;

/** The run panel: is it getting better, and is it worth going on? */
class RunPanel extends View {
  readonly #editor = new Editor();
  #run: RunView | undefined;
  #failure: string | undefined;
  #curve: Curve = 'loss';
  #metric: string | null = null;
  /** A request of the user's is under way: stopping takes as long as a step. */
  #busy = false;
  readonly #size = new ResizeObserver(() => this.requestUpdate());

  override connectedCallback(): void {
    super.connectedCallback();
    const saved = this.#editor.state as SavedState | undefined;
    if (saved !== undefined) {
      this.#curve = saved.curve;
      this.#metric = saved.metric;
    }
    this.#editor.on('changed', () => void this.#load());
    this.#size.observe(this);
    void this.#load();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#size.disconnect();
  }

  async #load(): Promise<void> {
    try {
      this.#run = await this.#editor.request('run.state', null);
      this.#failure = undefined;
      this.#save();
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
    }
    this.requestUpdate();
  }

  async #ask(method: 'run.stop' | 'run.resume' | 'run.openLog'): Promise<void> {
    this.#busy = method !== 'run.openLog';
    this.requestUpdate();
    try {
      await this.#editor.request(method, null);
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
    }
    this.#busy = false;
    await this.#load();
  }

  #save(): void {
    if (this.#run === undefined) return;
    this.#editor.state = {
      run: this.#run.id,
      curve: this.#curve,
      metric: this.#metric,
    } satisfies SavedState;
  }

  /** What the charts show from now on. */
  #show({ curve = this.#curve, metric = this.#metric }: Partial<SavedState>): void {
    this.#curve = curve;
    this.#metric = metric;
    this.#save();
    this.requestUpdate();
  }

  protected override render(): TemplateResult {
    const run = this.#run;
    if (run === undefined) {
      return renderPending(this.#failure, () => void this.#load());
    }
    return html`${this.#renderHeader(run)}
      <progress aria-label=${l10n.t('Progress')} max=${Math.max(1, run.steps)} .value=${run.step}></progress>
      ${this.#failure === undefined ? nothing : html`<p class="banner" role="alert">${this.#failure}</p>`}
      ${run.error === null ? nothing : html`<p class="banner" role="alert">${run.error}</p>`}
      ${renderFigures(run)}
      ${run.kind === 'training' ? html`<div class="charts">${this.#renderCharts(run)}</div>` : nothing}
      ${run.result === null ? nothing : renderResult(run.result, run.kind)}
      <section>
        <h2>${l10n.t('Log')}</h2>
        <pre class="log" tabindex="0" aria-label=${l10n.t('The last lines of the log')}>${run.log.join('\n')}</pre>
      </section>
      <section>
        <details>
          <summary>${l10n.t('Settings')}</summary>
          <dl class="settings">${run.settings.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
        </details>
      </section>`;
  }

  #renderHeader(run: RunView): TemplateResult {
    const goesOn = run.state === 'running';
    return html`<header class="run">
      <div>
        <h1>${run.title}</h1>
        <p class="facts">
          <span class="run-state ${run.state}" role="status">${describeState(run)}</span>
          <span class="fact">${l10n.t('run {0}', run.id)}</span>
          ${run.kind === 'training' ? html`<span class="fact">${l10n.t('on the CPU')}</span>` : nothing}
          ${goesOn && run.background ? html`<span class="fact">${l10n.t('goes on when this window closes')}</span>` : nothing}
        </p>
      </div>
      <div class="actions">
        ${
          goesOn
            ? html`<vscode-button
                appearance="secondary"
                ?disabled=${this.#busy}
                @click=${() => void this.#ask('run.stop')}
                >${this.#busy ? l10n.t('Stopping…') : l10n.t('Stop')}</vscode-button
              >`
            : nothing
        }
        ${
          run.canResume
            ? html`<vscode-button ?disabled=${this.#busy} @click=${() => void this.#ask('run.resume')}
                >${l10n.t('Resume')}</vscode-button
              >`
            : nothing
        }
        <vscode-button appearance="secondary" @click=${() => void this.#ask('run.openLog')}>${l10n.t('Open log')}</vscode-button>
      </div>
    </header>`;
  }

  #renderCharts(run: RunView): TemplateResult {
    const room = this.clientWidth - 2 * margin;
    const metrics = Object.keys(run.heldOut[0]?.figures ?? {});
    const width = Math.max(240, room < narrow ? room : (room - gap) / 2);
    const metric = metrics.includes(this.#metric ?? '') ? this.#metric! : metrics[0];
    return html`<section>
        ${renderChoice(l10n.t('Each step'), curveChoices(), this.#curve, curve => this.#show({ curve }))}
        ${renderCurve([{ ...run, name: run.title }], this.#curve, width)}
      </section>
      <section>
        ${
          metric === undefined
            ? html`<h2>${l10n.t('Held-out questions')}</h2>
                <p class="muted empty">${run.state === 'running' && run.step === 0 ? l10n.t('Measured before the first step.') : l10n.t('No questions are held out in this run.')}</p>`
            : html`${renderChoice(
                l10n.t('Held-out questions'),
                metrics.map(name => [name, name]),
                metric,
                metric => this.#show({ metric }),
              )}
              ${renderHeldOut(run, metric, width)}`
        }
      </section>`;
  }
}

function renderFigures(run: RunView): TemplateResult {
  const { pace } = run;
  const goesOn = run.state === 'running';
  const [metric] = Object.keys(run.heldOut[0]?.figures ?? {});
  const now = metric === undefined ? undefined : run.heldOut.at(-1)?.figures[metric];
  const base = metric === undefined ? undefined : run.heldOut.find(({ step }) => step === 0)?.figures[metric];
  const figures: readonly (readonly [string | null, string])[] = [
    [`${whole(run.step)} / ${whole(run.steps)}`, run.kind === 'training' ? l10n.t('steps') : l10n.t('done')],
    ...run.counts.map(([word, count]): readonly [string, string] => [whole(count), word]),
    [pace === null || !goesOn ? null : duration(pace.secondsLeft), l10n.t('left')],
    [run.loss === null ? null : decimal(run.loss, 3), l10n.t('loss')],
    [
      now === undefined ? null : percent(now),
      base === undefined
        ? l10n.t('{0} held out', metric ?? '')
        : l10n.t('{0} held out; base {1}', metric ?? '', percent(base)),
    ],
    [pace === null ? null : whole(pace.rowsPerSecond), l10n.t('rows/s')],
    [pace === null ? null : whole(pace.tokensPerSecond), l10n.t('tokens/s')],
    [pace === null ? null : exact(pace.gradientNorm), l10n.t('gradient norm')],
    [pace === null ? null : exact(pace.learningRate), l10n.t('learning rate')],
    [pace?.memory == null ? null : memory(pace.memory), l10n.t('memory')],
  ];
  return html`<dl class="figures">
    ${figures.map(([value, name]) =>
      value === null ? nothing : html`<div><dt>${name}</dt><dd>${value}</dd></div>`,
    )}
  </dl>`;
}

function describeState({ state }: RunView): string {
  switch (state) {
    case 'running':
      return `▶ ${l10n.t('running')}`;
    case 'stopped':
      return `❚❚ ${l10n.t('stopped')}`;
    case 'finished':
      return `✓ ${l10n.t('finished')}`;
    case 'failed':
      return `✗ ${l10n.t('failed')}`;
    case 'crashed':
      return `⚠ ${l10n.t('crashed: its process ended without a word')}`;
  }
}

registerControls();
customElements.define('lrat-run', RunPanel);
