import * as vscode from 'vscode';
import type { EstimateView, MeasuredView } from '../protocol.ts';
import { decimal, percent, range, whole } from './figures.ts';

/** What was measured as Markdown: the means, and what each retriever wins over its baseline. */
export function markdownOf(
  title: string,
  { metrics, rows, differences, queries, questions }: MeasuredView & { readonly queries: number },
): string {
  const retriever = vscode.l10n.t('Retriever');
  return [
    `# ${escaped(title)}`,
    vscode.l10n.t(
      '{0} queries of {1} questions. Means in percent, with 95 % intervals.',
      whole(queries),
      whole(questions),
    ),
    markdownTable(
      [retriever, ...metrics],
      rows.map(row => [row.retriever, ...metrics.map(metric => interval(row.metrics[metric]!))]),
    ),
    ...differences.flatMap(difference => [
      `## ${vscode.l10n.t('{0} against {1}', escaped(difference.retriever), escaped(difference.baseline))}`,
      markdownTable(
        [vscode.l10n.t('Metric'), vscode.l10n.t('Paired difference in points'), 'p'],
        metrics.map(metric => {
          const value = difference.metrics[metric]!;
          return [metric, interval(value), decimal(value.p, 4)];
        }),
      ),
    ]),
    '',
  ].join('\n\n');
}

/** `62.3 [60.1, 64.5]` */
function interval({ mean, low, high }: EstimateView): string {
  return `${percent(mean)} ${range(percent(low), percent(high))}`;
}

/** A table whose cells are text. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escaped).join(' | ')} |`;
  return [line(header), `|${header.map(() => ' --- |').join('')}`, ...rows.map(line)].join('\n');
}

/** Names of models and files are text, not Markdown. */
export function escaped(text: string): string {
  return text.replaceAll(/[\\`*_{}[\]<>#|!&]/g, String.raw`\$&`).replaceAll(/\s+/g, ' ');
}
