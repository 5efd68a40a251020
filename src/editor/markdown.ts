import * as vscode from 'vscode';
import { formatInterval } from '../evaluation/table.ts';
import type { MeasuredView } from '../protocol.ts';

/** What was measured as Markdown: the means, and what each retriever wins over its baseline. */
export function markdownOf(
  title: string,
  { metrics, rows, differences, queries, questions }: MeasuredView & { readonly queries: number },
): string {
  const retriever = vscode.l10n.t('Retriever');
  return [
    `# ${escaped(title)}`,
    vscode.l10n.t('{0} queries of {1} questions. Means in percent, with 95 % intervals.', queries, questions),
    markdownTable(
      [retriever, ...metrics],
      rows.map(row => [row.retriever, ...metrics.map(metric => formatInterval(row.metrics[metric]!))]),
    ),
    ...differences.flatMap(difference => [
      `## ${vscode.l10n.t('{0} against {1}', escaped(difference.retriever), escaped(difference.baseline))}`,
      markdownTable(
        [vscode.l10n.t('Metric'), vscode.l10n.t('Paired difference in points'), 'p'],
        metrics.map(metric => {
          const value = difference.metrics[metric]!;
          return [metric, formatInterval(value), value.p.toFixed(4)];
        }),
      ),
    ]),
    '',
  ].join('\n\n');
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
