import type { Value } from '../engine/graph.ts';
import { add, div, logSoftmax, matmul, mul, neg, reduceSum, transpose } from '../engine/operators.ts';
import { batchDocuments, type Draw } from './batches.ts';
import type { Recipe } from './recipe.ts';

/**
 * Weighted InfoNCE (LRAT, section 5.4):
 * `L = −Σᵢ cᵢ · log [ exp(s(qᵢ,dᵢ⁺)/τ) / ( exp(s(qᵢ,dᵢ⁺)/τ) + Σ_{d⁻ ∈ Nᵢ} exp(s(qᵢ,d⁻)/τ) ) ]`
 * with `cᵢ = wᵢ/N`, or `wᵢ/Σw`. All rows meet all documents of the batch in one product; `bias` says which count.
 *
 * @param queries `[rows, dimension]`, L2-normalised, as are the documents.
 * @param documents `[documents, dimension]`: those of all rows, each once.
 * @param terms see `LossTerms`, with the same shapes.
 * @returns a scalar.
 */
export function weightedInfoNce(
  queries: Value,
  documents: Value,
  terms: { readonly bias: Value; readonly target: Value; readonly coefficients: Value },
  temperature: number,
): Value {
  const logits = add(div(matmul(queries, transpose(documents)), temperature), terms.bias);
  const logLikelihood = reduceSum(mul(logSoftmax(logits), terms.target), [1]);
  return neg(reduceSum(mul(logLikelihood, terms.coefficients)));
}

/** What the loss of a batch needs beside the vectors. */
export interface LossTerms {
  /**
   * `[rows, documents]`, added to the logits: 0 for the positive; `ln k` for a negative that stands in the batch k times,
   * as it counts k times in the published computation; `excluded` for known positives and padding.
   */
  readonly bias: Float32Array;
  /** `[rows, documents]`: 1 for the positive, else 0. */
  readonly target: Float32Array;
  /** `[rows]`: `cᵢ`; 0 for padding. */
  readonly coefficients: Float32Array;
}

/** Far below any logit, yet finite: its exponential is exactly 0, and 0 times it is 0 and not NaN. */
const excluded = -1e9;

/**
 * The terms for a batch, padded to `rows × columns`. A negative of row i is its own or one in the batch of another row,
 * unless it is a known positive of row i.
 */
export function lossTerms(
  draws: readonly Draw[],
  rows: number,
  columns: number,
  recipe: Pick<Recipe, 'weighted' | 'normalisation'>,
): LossTerms {
  const { documents, counts } = batchDocuments(draws);
  const bias = new Float32Array(rows * columns).fill(excluded);
  const target = new Float32Array(rows * columns);
  const coefficients = new Float32Array(rows);
  const weights = draws.map(({ row }) => (recipe.weighted ? row.weight : 1));
  const total =
    recipe.normalisation === 'rows' ? draws.length : weights.reduce((sum, weight) => sum + weight, 0);
  const biases = counts.map(Math.log);
  for (const [i, { row, positive }] of draws.entries()) {
    const start = i * columns;
    for (const [j, document] of documents.entries()) {
      if (document === positive) {
        bias[start + j] = 0;
        target[start + j] = 1;
      } else if (!row.known.has(document)) bias[start + j] = biases[j]!;
    }
    // Rows of weight 0 alone give the loss 0, in both forms.
    coefficients[i] = total === 0 ? 0 : weights[i]! / total;
  }
  return { bias, target, coefficients };
}
