import { areaY, line, rectY, ruleX, text } from '@observablehq/plot';
import { html, type TemplateResult } from 'lit';
import { type IntensityScale, relevanceIntensity } from '../../src/mining/intensity.ts';
import type { LengthRange, PairsHead } from '../../src/protocol.ts';
import { drawChart } from '../ui/chart.ts';
import * as l10n from '../ui/l10n.ts';
import { decimal, whole } from '../ui/numbers.ts';
import { renderNumbers } from '../ui/table.ts';
import { rangeWord } from './words.ts';

const [height, mostBars] = [190, 32];
/** Longer reasoning than that of so many of the pairs stands in the last bar. */
const shownShare = 0.98;

/** The weights that another half-life would give the same pairs (LRAT.md, section 5: the mean stays 1). */
export function previewScale(head: PairsHead, halfLife: number): IntensityScale {
  const all = { halfLife, muRaw: 1 };
  let [sum, pairs] = [0, 0];
  for (const [tokens, count] of head.lengths) {
    sum += count * relevanceIntensity(tokens, all);
    pairs += count;
  }
  return { halfLife, muRaw: pairs === 0 ? null : sum / pairs };
}

/** By how much a pair's weight changes between two scales, in the mean. */
export function meanChange(head: PairsHead, from: IntensityScale, to: IntensityScale): number {
  let [sum, pairs] = [0, 0];
  for (const [tokens, count] of head.lengths) {
    sum += count * Math.abs(relevanceIntensity(tokens, to) - relevanceIntensity(tokens, from));
    pairs += count;
  }
  return pairs === 0 ? 0 : sum / pairs;
}

interface Bar {
  readonly from: number;
  /** Where its drawing ends: the last bar takes in all that is longer. */
  readonly to: number;
  readonly range: LengthRange;
  readonly pairs: number;
}

/** The reasoning lengths as bars of equal width; the last takes in what is longer. */
function barsOf({ lengths }: PairsHead): Bar[] {
  const total = lengths.reduce((sum, [, count]) => sum + count, 0);
  let [seen, longest] = [0, 1];
  for (const [tokens, count] of lengths) {
    if (seen >= shownShare * total) break;
    seen += count;
    longest = tokens;
  }
  const width = Math.max(1, niceWidth(longest / mostBars));
  const bars = Array.from({ length: Math.ceil((longest + 1) / width) }, (_, i) => i * width);
  return bars.map((from, i) => {
    const to = from + width;
    const isLast = i === bars.length - 1;
    const inside = lengths.filter(([tokens]) => tokens >= from && (isLast || tokens < to));
    return {
      from,
      to,
      range: { from, to: isLast ? null : to },
      pairs: inside.reduce((sum, [, count]) => sum + count, 0),
    };
  });
}

/** The next of 1, 2, 5, 10, 20, 50, … */
function niceWidth(width: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, width)));
  return [1, 2, 5, 10].map(times => times * power).find(nice => nice >= width)!;
}

/**
 * Post-browse reasoning lengths as bars, the weight that they give as a curve, β as a line that can be moved.
 *
 * @param show shows the rows of a bar
 */
export function renderIntensity(
  head: PairsHead,
  halfLife: number,
  width: number,
  preview: (halfLife: number | null) => void,
  show: (lengths: LengthRange) => void,
): TemplateResult {
  if (head.halfLife === null || head.muRaw === null || head.lengths.length === 0) {
    return html`<p class="muted empty">${l10n.t('No pair has post-browse reasoning whose length is known: all weigh 1.')}</p>`;
  }
  const isPreview = halfLife !== head.halfLife;
  const scale = isPreview ? previewScale(head, halfLife) : { halfLife: head.halfLife, muRaw: head.muRaw };
  const bars = barsOf(head);
  const end = bars.at(-1)!.to;
  const most = Math.max(...bars.map(({ pairs }) => pairs));
  const weight = (tokens: number) => relevanceIntensity(tokens, scale);
  const curve = Array.from({ length: 81 }, (_, i) => (end * i) / 80 || end / 8000).map(tokens => ({
    tokens,
    weight: weight(tokens),
  }));
  const ceiling = Math.max(1, curve.at(-1)!.weight) * 1.15;
  /** Weights on the scale of the bars. */
  const raised = (value: number) => (value / ceiling) * most;
  const label = l10n.t(
    'Lengths of the post-browse reasoning of {0} pairs and the weight that each length gives: 1.00 at {1} tokens, {2} at {3} tokens; half-life β {4} tokens.',
    head.lengths.reduce((sum, [, count]) => sum + count, 0),
    Math.round(tokensOfWeight(1, scale)),
    decimal(curve.at(-1)!.weight, 2),
    end,
    Math.round(halfLife),
  );
  const muted = 'var(--vscode-descriptionForeground)';
  const chart = drawChart(label, {
    width,
    height,
    marginLeft: 44,
    marginRight: 46,
    marginBottom: 32,
    // Room for β above the highest bar.
    marginTop: 26,
    x: { domain: [0, end], label: l10n.t('tokens of post-browse reasoning'), line: true, tickFormat: whole },
    y: {
      domain: [0, most],
      label: l10n.t('pairs'),
      ticks: 4,
      tickFormat: (n: number) => (Number.isInteger(n) ? whole(n) : ''),
    },
    marks: [
      rectY(bars, {
        x1: 'from',
        x2: 'to',
        y: 'pairs',
        insetLeft: 0.5,
        insetRight: 0.5,
        fill: 'var(--search)',
        fillOpacity: 0.75,
      }),
      areaY(curve, {
        x: 'tokens',
        y: ({ weight: w }) => raised(w),
        fill: 'var(--positive)',
        fillOpacity: 0.06,
      }),
      line(curve, {
        x: 'tokens',
        y: ({ weight: w }) => raised(w),
        stroke: 'var(--positive)',
        strokeWidth: 2,
      }),
      ...(halfLife <= end
        ? [
            ruleX([halfLife], {
              stroke: 'var(--aside)',
              strokeWidth: 2,
              ...(isPreview && { strokeDasharray: '5 3' }),
            }),
            text([halfLife], {
              x: d => d,
              y: most,
              text: () => `β ${whole(halfLife)}`,
              dy: -9,
              fill: 'var(--aside-text)',
            }),
          ]
        : []),
      text(
        [1, 2].filter(w => w <= ceiling),
        {
          x: end,
          y: (w: number) => raised(w),
          text: (w: number) => `w ${decimal(w, 1)}`,
          dx: 6,
          textAnchor: 'start',
          fill: 'var(--positive-text)',
        },
      ),
      ruleX([0], { stroke: muted }),
      // On top, and as high as the chart: a low bar is hard to hit.
      rectY(bars, {
        ...{ x1: 'from', x2: 'to', y1: 0, y2: most, fill: 'transparent', className: 'bars' },
        title: ({ range, pairs }: Bar) => barWord(range, pairs),
      }),
    ],
  });
  const targets = [...chart.querySelectorAll('.bars rect')];
  chart.addEventListener('click', ({ target }) => {
    const bar = bars[targets.indexOf(target as Element)];
    if (bar !== undefined && bar.pairs > 0) show(bar.range);
  });
  const longest = Math.max(head.lengths.at(-1)![0], head.halfLife * 3);
  return html`${chart}
    <div class="beta">
      <label for="beta">${l10n.t('Half-life β')}</label>
      <input
        id="beta"
        type="range"
        min="1"
        max=${Math.ceil(longest)}
        step="1"
        .value=${String(Math.round(halfLife))}
        aria-valuetext=${l10n.t('{0} tokens', whole(halfLife))}
        @input=${(event: Event) => preview(Number((event.target as HTMLInputElement).value))}
      />
      <output>${l10n.t('{0} tokens', whole(halfLife))}</output>
      ${
        isPreview
          ? html`<span class="note" role="status"
                >${l10n.t(
                  'Preview. β of these pairs is {0}; the weights would change by {1} in the mean.',
                  head.halfLife,
                  decimal(meanChange(head, { halfLife: head.halfLife, muRaw: head.muRaw }, scale), 2),
                )}</span
              >
              <vscode-button appearance="secondary" @click=${() => preview(null)}>${l10n.t('Reset')}</vscode-button>`
          : html`<span class="muted">${l10n.t('the median of these pairs; μ {0}', decimal(head.muRaw ?? 0, 3))}</span>`
      }
    </div>
    ${renderNumbers(
      [l10n.t('Tokens'), l10n.t('Pairs'), l10n.t('Weight at the middle')],
      bars.map(({ from, to, range, pairs }) => [
        range.to === null ? l10n.t('{0} and more', from) : `${whole(from)} – ${whole(to - 1)}`,
        pairs === 0
          ? '0'
          : html`<button class="jump" aria-label=${barWord(range, pairs)} @click=${() => show(range)}>${whole(pairs)}</button>`,
        decimal(weight((from + to) / 2), 2),
      ]),
    )}`;
}

function barWord(range: LengthRange, pairs: number): string {
  return `${rangeWord(range)}: ${l10n.t('{0} pairs', pairs)}`;
}

/** The reasoning length that gives a weight, in tokens: the curve read backwards. */
function tokensOfWeight(weight: number, { halfLife, muRaw }: IntensityScale): number {
  if (halfLife === null || muRaw === null) return 0;
  return (-halfLife * Math.log1p(-weight * muRaw)) / Math.LN2;
}
