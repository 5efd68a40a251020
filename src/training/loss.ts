import type { Value } from '../engine/graph.ts';
import { add, div, logSoftmax, matmul, mul, neg, reduceSum, transpose } from '../engine/operators.ts';
import { batchDocuments, type StepDraws } from './batches.ts';
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
  // In half precision a temperature of 0.02 would make errors of 0.02 in the logits.
  const similarities = matmul(queries, transpose(documents), 'float32');
  const logits = add(div(similarities, temperature), terms.bias);
  const logLikelihood = reduceSum(mul(logSoftmax(logits), terms.target), [1]);
  return neg(reduceSum(mul(logLikelihood, terms.coefficients)));
}

/** What the loss of a step needs beside the vectors. */
export interface LossTerms {
  /** Of each row. */
  readonly queries: readonly string[];
  /** Of each column: positions in `TrainingSet.documents`, the documents of each batch once. */
  readonly documents: readonly number[];
  /**
   * `[rows, documents]`, added to the logits: 0 for the positive; `ln k` for a negative that stands in the batch k times,
   * as it counts k times in the published computation; `excluded` for known positives and for documents of other batches.
   */
  readonly bias: Float32Array;
  /** `[rows, documents]`: 1 for the positive, else 0. */
  readonly target: Float32Array;
  /** `[rows]`: `cᵢ`, with the number or the weights of all rows of the step. */
  readonly coefficients: Float32Array;
}

/** Far below any logit, yet finite: its exponential is exactly 0, and 0 times it is 0 and not NaN. */
const excluded = -1e9;

/**
 * The terms for the batches of a step: one mean over all their rows, so that no row counts more in a smaller batch. A negative of row i is its own or one in the batch of
 * another row, unless it is a known positive of row i.
 */
export function lossTerms(batches: StepDraws, recipe: Pick<Recipe, 'weighted' | 'normalisation'>): LossTerms {
  const rows = batches.flat();
  const columnsOf = batches.map(batchDocuments);
  const documents = columnsOf.flatMap(({ documents }) => documents);
  const bias = new Float32Array(rows.length * documents.length).fill(excluded);
  const target = new Float32Array(rows.length * documents.length);
  const coefficients = new Float32Array(rows.length);
  const weights = rows.map(({ row }) => (recipe.weighted ? row.weight : 1));
  const total =
    recipe.normalisation === 'rows' ? rows.length : weights.reduce((sum, weight) => sum + weight, 0);
  let [row, column] = [0, 0];
  for (const [b, draws] of batches.entries()) {
    const { documents: own, counts } = columnsOf[b]!;
    const biases = counts.map(Math.log);
    for (const [i, { row: given, positive }] of draws.entries()) {
      const start = (row + i) * documents.length + column;
      for (const [j, document] of own.entries()) {
        if (document === positive) {
          bias[start + j] = 0;
          target[start + j] = 1;
        } else if (!given.known.has(document)) bias[start + j] = biases[j]!;
      }
      // Rows of weight 0 alone give the loss 0, in both forms.
      coefficients[row + i] = total === 0 ? 0 : weights[row + i]! / total;
    }
    row += draws.length;
    column += own.length;
  }
  return { queries: rows.map(({ row }) => row.query), documents, bias, target, coefficients };
}
