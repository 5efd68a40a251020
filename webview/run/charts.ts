import { areaY, dot, line, link, ruleY, text } from '@observablehq/plot';
import { html, type TemplateResult } from 'lit';
import type { RunView } from '../../src/protocol.ts';
import { drawChart } from '../ui/chart.ts';
import * as l10n from '../ui/l10n.ts';
import { exact, percent, whole } from './numbers.ts';

/** What the chart of the steps can show, with its colour. */
export const curves = {
  loss: 'var(--vscode-charts-blue)',
  learningRate: 'var(--vscode-charts-purple)',
  gradientNorm: 'var(--vscode-charts-orange)',
} as const;
export type Curve = keyof typeof curves;

export function curveName(curve: Curve): string {
  switch (curve) {
    case 'loss':
      return l10n.t('Loss');
    case 'learningRate':
      return l10n.t('Learning rate');
    case 'gradientNorm':
      return l10n.t('Gradient norm');
  }
}

const height = 200;
const muted = 'var(--vscode-descriptionForeground)';
const ink = 'var(--vscode-foreground)';

/** A quantity over the steps of the run, with its numbers as a table. */
export function renderCurve(run: RunView, curve: Curve, width: number): TemplateResult {
  const name = curveName(curve);
  const { points } = run;
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined)
    return html`<p class="muted empty">${l10n.t('No step is done yet.')}</p>`;
  const label = l10n.t(
    '{0} from {1} at step {2} to {3} at step {4}.',
    name,
    exact(first[curve]),
    first.step,
    exact(last[curve]),
    last.step,
  );
  const chart = drawChart(label, {
    width,
    height,
    marginLeft: 56,
    marginRight: 20,
    x: {
      domain: [0, run.steps],
      label: l10n.t('step'),
      ticks: ticksFor(width),
      tickFormat: whole,
      line: true,
    },
    y: { label: null, ticks: 4, line: true, zero: curve !== 'loss', nice: true, tickFormat: exact },
    marks: [
      line(points, { x: 'step', y: curve, stroke: curves[curve], strokeWidth: 1.75 }),
      dot([last], { x: 'step', y: curve, fill: curves[curve], r: 3 }),
    ],
  });
  return html`${chart}
    ${
      run.stepsPerPoint === 1
        ? ''
        : html`<p class="muted">${l10n.t('Each point is the mean of {0} steps.', run.stepsPerPoint)}</p>`
    }
    ${numbers(
      [l10n.t('Step'), name],
      points.map(point => [whole(point.step), exact(point[curve])]),
    )}`;
}

/** A metric on the held-out questions after each epoch; the dashed line is the base, with its interval once known. */
export function renderHeldOut(run: RunView, metric: string, width: number): TemplateResult {
  const points = run.heldOut.flatMap(({ step, figures }) => {
    const value = figures[metric];
    return value === undefined ? [] : [{ step, value: 100 * value }];
  });
  const base = points.find(({ step }) => step === 0);
  const last = points.at(-1)!;
  const estimate = run.result?.rows.find(({ retriever }) => retriever === 'base')?.metrics[metric];
  const band =
    estimate === undefined
      ? []
      : [0, run.steps].map(step => ({ step, low: 100 * estimate.low, high: 100 * estimate.high }));
  const trained = run.result?.rows.find(({ retriever }) => retriever === 'trained')?.metrics[metric];
  const label = l10n.t(
    '{0} on held-out questions: {1}.',
    metric,
    points.map(({ step, value }) => l10n.t('{0} at step {1}', percent(value / 100), step)).join(', '),
  );
  const chart = drawChart(label, {
    width,
    height,
    marginLeft: 56,
    marginRight: 20,
    x: {
      domain: [0, run.steps],
      label: l10n.t('step'),
      ticks: ticksFor(width),
      tickFormat: whole,
      line: true,
    },
    y: { label: null, ticks: 4, line: true, nice: true, insetBottom: 10 },
    marks: [
      areaY(band, { x: 'step', y1: 'low', y2: 'high', fill: muted, fillOpacity: 0.15 }),
      ...(base === undefined
        ? []
        : [
            ruleY([base.value], { stroke: muted, strokeDasharray: '4 3' }),
            text([{ step: run.steps, value: base.value }], {
              x: 'step',
              y: 'value',
              text: () => l10n.t('base {0}', base.value.toFixed(1)),
              textAnchor: 'end',
              dy: -8,
              fill: muted,
            }),
          ]),
      line(points, { x: 'step', y: 'value', stroke: 'var(--vscode-charts-green)', strokeWidth: 1.75 }),
      dot(points, { x: 'step', y: 'value', fill: 'var(--vscode-charts-green)', r: 3.5 }),
      link(trained === undefined ? [] : [trained], {
        x1: last.step,
        x2: last.step,
        y1: ({ low }) => 100 * low,
        y2: ({ high }) => 100 * high,
        stroke: 'var(--vscode-charts-green)',
      }),
      text([last], {
        x: 'step',
        y: 'value',
        text: ({ value }) => value.toFixed(1),
        dy: -11,
        dx: -14,
        fill: ink,
      }),
    ],
  });
  return html`${chart}
    ${numbers(
      [l10n.t('Step'), metric],
      points.map(({ step, value }) => [step === 0 ? l10n.t('0 (base)') : whole(step), value.toFixed(1)]),
    )}`;
}

function ticksFor(width: number): number {
  return Math.max(2, Math.floor(width / 110));
}

/** The same as a table. */
function numbers(head: readonly string[], rows: readonly (readonly string[])[]): TemplateResult {
  return html`<details>
    <summary>${l10n.t('Numbers')}</summary>
    <div class="scroll" tabindex="0" role="region" aria-label=${l10n.t('Numbers')}>
      <table>
        <thead>
          <tr>
            ${head.map(name => html`<th scope="col">${name}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(row => html`<tr>${row.map(cell => html`<td>${cell}</td>`)}</tr>`)}
        </tbody>
      </table>
    </div>
  </details>`;
}
