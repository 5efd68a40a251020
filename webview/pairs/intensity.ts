import { areaY, axisX, axisY, line, rectY, ruleX, ruleY, text } from '@observablehq/plot';
import { html, nothing, type TemplateResult } from 'lit';
import type { IntensityPreview, PairSummary } from '../../src/protocol.ts';
import { drawChart } from '../ui/chart.ts';
import * as l10n from '../ui/l10n.ts';
import { whole } from './words.ts';

const height = 172;
const margins = { marginLeft: 48, marginRight: 42, marginTop: 16, marginBottom: 30 };
const muted = 'var(--vscode-descriptionForeground)';

/** A half-life that is looked at but not that of the pairs. */
export interface Preview {
  readonly halfLife: number;
  /** Null until it is known. */
  readonly scale: IntensityPreview | null;
}

/** The weight of a length: w(l) = (1 − exp(−ln2·l/β)) / μ_raw (LRAT, section 5.3). */
const weight = (length: number, halfLife: number, muRaw: number): number =>
  -Math.expm1((-Math.LN2 * length) / halfLife) / muRaw;

/** The lengths of post-browse reasoning with the weight curve over them, and the slider that tries other half-lives. */
export function renderIntensity(
  { halfLife, muRaw, lengths, fates }: PairSummary,
  preview: Preview | null,
  width: number,
  onPreview: (halfLife: number | null) => void,
): TemplateResult {
  const title = html`<h2>${l10n.t('Post-browse reasoning length, and the weight it gives')}</h2>`;
  if (halfLife === null || muRaw === null) {
    return html`<section class="intensity" aria-label=${l10n.t('Lengths and weights')}>${title}
      <p class="muted">${
        fates.pair === 0
          ? l10n.t('No pair yet: no lengths to show.')
          : l10n.t('The lengths of these pairs are not known: every weight is 1.')
      }</p></section>`;
  }
  const shown =
    preview?.scale?.muRaw == null
      ? { halfLife, muRaw }
      : { halfLife: preview.halfLife, muRaw: preview.scale.muRaw };
  const most = sliderEnd(halfLife, lengths);
  return html`<section class="intensity" aria-label=${l10n.t('Lengths and weights')}>
    ${title} ${drawIntensity({ halfLife, muRaw }, shown, lengths, width)}
    <div class="slider">
      <label for="half-life">${l10n.t('Half-life β')}</label>
      <input
        id="half-life"
        type="range"
        min="1"
        max=${most}
        step="1"
        .value=${String(preview?.halfLife ?? halfLife)}
        aria-valuetext=${l10n.t('{0} tokens', whole(preview?.halfLife ?? halfLife))}
        @input=${(event: Event) => onPreview(Number((event.target as HTMLInputElement).value))}
      />
      <output for="half-life">${l10n.t('{0} tokens', whole(preview?.halfLife ?? halfLife))}</output>
      ${
        preview === null
          ? html`<span class="muted">${l10n.t('move to preview another; nothing is written')}</span>`
          : html`<strong class="preview">${l10n.t('Preview; β of these pairs is {0}.', whole(halfLife))}</strong>
              <span role="status">${
                preview.scale === null
                  ? nothing
                  : l10n.t(
                      'Weights move by {0} on average.',
                      preview.scale.meanChange.toFixed(preview.scale.meanChange < 0.1 ? 3 : 2),
                    )
              }</span>
              <button class="link" @click=${() => onPreview(null)}>${l10n.t('Reset')}</button>`
      }
    </div>
    ${renderNumbers(lengths, shown)}
  </section>`;
}

interface Scale {
  readonly halfLife: number;
  readonly muRaw: number;
}

function drawIntensity(own: Scale, shown: Scale, lengths: PairSummary['lengths'], width: number): Element {
  const { counts, width: bar } = lengths;
  const end = bar * counts.length;
  const most = Math.max(1, ...counts);
  const top = 1.04 * Math.max(weight(end, own.halfLife, own.muRaw), weight(end, shown.halfLife, shown.muRaw));
  // Both scales share the frame: weights are drawn as parts of the highest bar.
  const y = (value: number) => (value / top) * most;
  const curve = ({ halfLife, muRaw }: Scale) =>
    Array.from({ length: 121 }, (_, i) => ({
      length: (i * end) / 120,
      height: y(weight((i * end) / 120, halfLife, muRaw)),
    }));
  const bars = counts.map((count, i) => ({ from: i * bar, to: (i + 1) * bar, count }));
  const isPreview = own.halfLife !== shown.halfLife;
  const label = l10n.t(
    'Histogram of {0} lengths up to {1} tokens; the weight rises from 0 to {2}, and is {3} at the half-life of {4} tokens.',
    whole(counts.reduce((sum, count) => sum + count, 0)),
    whole(lengths.longest),
    weight(end, shown.halfLife, shown.muRaw).toFixed(2),
    weight(shown.halfLife, shown.halfLife, shown.muRaw).toFixed(2),
    whole(shown.halfLife),
  );
  const weights = [0.5, 1, 1.5, 2, 3, 5].filter(value => value < top);
  return drawChart(label, {
    ...margins,
    width,
    height,
    x: { domain: [0, end] },
    y: { domain: [0, most * 1.02] },
    marks: [
      rectY(bars, {
        x1: 'from',
        x2: 'to',
        y: 'count',
        fill: 'var(--search)',
        fillOpacity: 0.55,
        insetLeft: 0.5,
        insetRight: 0.5,
      }),
      ruleY([0], { stroke: muted }),
      axisX({ label: l10n.t('tokens'), ticks: Math.max(3, Math.floor(width / 110)), tickFormat: whole }),
      axisY({ label: l10n.t('browses'), ticks: 3, tickFormat: whole, labelArrow: 'none' }),
      axisY(weights.map(y), {
        anchor: 'right',
        label: l10n.t('weight'),
        labelArrow: 'none',
        tickFormat: (value: number) => ((value / most) * top).toFixed(1),
      }),
      isPreview
        ? line(curve(own), { x: 'length', y: 'height', stroke: muted, strokeDasharray: '2 3' })
        : areaY([], {}),
      line(curve(shown), { x: 'length', y: 'height', stroke: 'var(--positive)', strokeWidth: 2 }),
      ruleX([Math.min(shown.halfLife, end)], { stroke: 'var(--aside)', strokeDasharray: '4 3' }),
      text([`β ${whole(shown.halfLife)}`], {
        x: () => Math.min(shown.halfLife, end),
        y: () => most,
        dx: 5,
        dy: -4,
        textAnchor: 'start',
        fill: 'var(--vscode-foreground)',
      }),
    ],
  });
}

/** The same numbers as a table, for those who read rather than see them. */
function renderNumbers(lengths: PairSummary['lengths'], { halfLife, muRaw }: Scale): TemplateResult {
  const { counts, width } = lengths;
  return html`<details>
    <summary>${l10n.t('Numbers')}</summary>
    <div class="scroll" tabindex="0">
      <table>
        <thead>
          <tr><th scope="col">${l10n.t('Tokens')}</th><th scope="col">${l10n.t('Pairs')}</th><th scope="col">${l10n.t('Weight at the middle')}</th></tr>
        </thead>
        <tbody>
          ${counts.map((count, i) => {
            const isLast = i === counts.length - 1;
            const to = isLast ? Math.max(lengths.longest, i * width) : (i + 1) * width - 1;
            return html`<tr><th scope="row">${whole(i * width)} – ${whole(to)}</th><td>${whole(count)}</td><td>${weight((i * width + to) / 2, halfLife, muRaw).toFixed(2)}</td></tr>`;
          })}
        </tbody>
      </table>
    </div>
    ${lengths.unknown === 0 ? nothing : html`<p class="muted">${l10n.t('{0} pairs have no known length; their weight is 1.', whole(lengths.unknown))}</p>`}
  </details>`;
}

/** So far the slider goes: beyond the longest usual reasoning a half-life says nothing. */
function sliderEnd(halfLife: number, { counts, width }: PairSummary['lengths']): number {
  return Math.ceil(Math.max(4 * halfLife, counts.length * width));
}
