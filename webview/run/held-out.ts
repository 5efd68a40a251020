import { areaY, dot, line, link, ruleY, text } from '@observablehq/plot';
import { html, type TemplateResult } from 'lit';
import type { RunView } from '../../src/protocol.ts';
import { drawChart } from '../ui/chart.ts';
import { stepAxis, stepChart } from '../ui/curves.ts';
import * as l10n from '../ui/l10n.ts';
import { decimal, figure, percent, whole } from '../ui/numbers.ts';
import { renderNumbers } from '../ui/table.ts';

const muted = 'var(--vscode-descriptionForeground)';
const ink = 'var(--vscode-foreground)';

/** A metric on the held-out questions after each epoch; the dashed line is the base, with its interval once known. */
export function renderHeldOut(run: RunView, metric: string, width: number): TemplateResult {
  const points = run.heldOut.flatMap(({ step, figures }) => {
    const value = figures[metric];
    return value === undefined ? [] : [{ step, value: 100 * value }];
  });
  const base = points.find(({ step }) => step === 0);
  const last = points.at(-1)!;
  // Its figure stands on the far side of the base's.
  const isAbove = base === undefined || last.value >= base.value;
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
    ...stepChart,
    x: stepAxis(run.steps, width),
    y: { label: null, ticks: 4, line: true, nice: true, insetBottom: 10, tickFormat: figure },
    marks: [
      areaY(band, { x: 'step', y1: 'low', y2: 'high', fill: muted, fillOpacity: 0.15 }),
      ...(base === undefined
        ? []
        : [
            ruleY([base.value], { stroke: muted, strokeDasharray: '4 3' }),
            text([{ step: run.steps, value: base.value }], {
              x: 'step',
              y: 'value',
              text: () => l10n.t('base {0}', decimal(base.value, 1)),
              textAnchor: 'end',
              dy: isAbove ? 9 : -9,
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
        text: ({ value }) => decimal(value, 1),
        dy: isAbove ? -11 : 11,
        dx: -14,
        fill: ink,
      }),
    ],
  });
  return html`${chart}
    ${renderNumbers(
      [l10n.t('Step'), metric],
      points.map(({ step, value }) => [step === 0 ? l10n.t('0 (base)') : whole(step), decimal(value, 1)]),
    )}`;
}
