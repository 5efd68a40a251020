import { dot, link, ruleX, text } from '@observablehq/plot';
import type { MeasuredView } from '../../src/protocol.ts';
import { drawChart } from '../ui/chart.ts';
import { describeP, signedInterval, verdictOf } from '../ui/estimates.ts';
import * as l10n from '../ui/l10n.ts';
import { figure } from '../ui/numbers.ts';

const colours = {
  muted: 'var(--vscode-descriptionForeground)',
  better: 'var(--vscode-charts-green)',
  worse: 'var(--vscode-charts-red)',
} as const;
const rowHeight = 34;

/**
 * Paired differences in points as dots with their intervals; what may be chance is hollow. All charts of a comparison
 * have one scale.
 */
export function renderDifferences(
  { metrics, differences }: MeasuredView,
  shown: MeasuredView['differences'][number]['metrics'],
  width: number,
): Element {
  const ends = differences.flatMap(each =>
    metrics.flatMap(metric => [each.metrics[metric]!.low, each.metrics[metric]!.high]),
  );
  const rows = metrics.map(metric => {
    const difference = shown[metric]!;
    const verdict = verdictOf(difference);
    const [mean, low, high] = [difference.mean, difference.low, difference.high].map(rate => 100 * rate);
    return { metric, difference, verdict, mean: mean!, low: low!, high: high!, colour: colours[verdict] };
  });
  const label = rows.map(
    ({ metric, difference }) => `${metric}: ${signedInterval(difference)}, p ${describeP(difference.p)}.`,
  );
  return drawChart(label.join(' '), {
    width,
    height: rowHeight * rows.length + 46,
    marginLeft: 90,
    marginRight: 30,
    x: {
      domain: [100 * Math.min(0, ...ends), 100 * Math.max(0, ...ends)],
      nice: true,
      label: l10n.t('points'),
      line: true,
      tickFormat: figure,
      ticks: Math.max(3, Math.floor(width / 110)),
    },
    y: { type: 'point', domain: [...metrics], label: null, padding: 0.6, tickSize: 0 },
    marks: [
      ruleX([0], { stroke: colours.muted, strokeDasharray: '4 3' }),
      link(rows, { x1: 'low', x2: 'high', y: 'metric', stroke: ({ colour }) => colour, strokeWidth: 1.75 }),
      dot(rows, {
        ...{ x: 'mean', y: 'metric', r: 4.5, strokeWidth: 1.75 },
        stroke: ({ colour }) => colour,
        fill: ({ verdict, colour }) => (verdict === 'muted' ? 'var(--vscode-editor-background)' : colour),
      }),
      text(rows, {
        ...{ x: 'mean', y: 'metric', dy: -12, fill: 'var(--vscode-foreground)' },
        text: ({ difference }) => signedInterval(difference).split(' ')[0]!,
      }),
    ],
  });
}
