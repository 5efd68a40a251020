import { html, type TemplateResult } from 'lit';
import type { RunView } from '../../src/protocol.ts';
import { percent, signed } from './numbers.ts';

const names: Readonly<Record<string, string>> = { base: 'base', BM25: 'BM25', trained: 'trained (this run)' };
const significance = 0.05;

/** The retrievers side by side on the held-out questions, with what each wins over the base. */
export function renderResult({
  metrics,
  questions,
  rows,
  differences,
}: NonNullable<RunView['result']>): TemplateResult {
  const [first = ''] = metrics;
  const differenceOf = (retriever: string) =>
    differences.find(each => each.retriever === retriever)?.metrics[first];
  return html`<section>
    <h2>Against the base, ${questions} held-out questions</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Result">
      <table class="result">
        <thead>
          <tr>
            <th scope="col">Retriever</th>
            ${metrics.map(metric => html`<th scope="col">${metric}</th>`)}
            <th scope="col">${first} against the base</th>
            <th scope="col">p</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(({ retriever, metrics: values }) => {
            const difference = differenceOf(retriever);
            return html`<tr>
              <th scope="row">${names[retriever] ?? retriever}</th>
              ${metrics.map(metric => {
                const { mean, low, high } = values[metric]!;
                return html`<td>${percent(mean)} <span class="muted">[${percent(low)}, ${percent(high)}]</span></td>`;
              })}
              ${
                difference === undefined
                  ? html`<td></td><td></td>`
                  : html`<td class=${verdictOf(difference)}>
                        ${signed(difference.mean)} [${signed(difference.low)}, ${signed(difference.high)}]
                      </td>
                      <td>${describeP(difference.p)}</td>`
              }
            </tr>`;
          })}
        </tbody>
      </table>
    </div>
    <p class="muted">
      Means over questions in per cent, with 95 % intervals; differences are paired. The documents searched are those of the
      held-out pairs.
    </p>
  </section>`;
}

function verdictOf({ mean, p }: { mean: number; p: number }): string {
  if (p >= significance) return 'muted';
  return mean > 0 ? 'better' : 'worse';
}

function describeP(p: number): string {
  if (p >= significance) return 'not significant';
  return p < 0.001 ? '< 0.001' : p.toFixed(3);
}
