import type { Value } from '../engine/graph.ts';
import { div, less, matmul, mul, reduceSum, sqrt, where } from '../engine/operators.ts';
import { tensor } from '../engine/tensor.ts';
import { type StaticModel, saveStatic, staticEncoder, tableName } from './static.ts';
import { makeTokenizer, withMaxTokens } from './tokenizer.ts';
import type { TrainableEncoder } from './trainable.ts';

/**
 * The static family for the trainer. A batch reads only the rows of its own tokens: texts are the matrix of their token
 * shares `[texts, tokens]` (rows sum to 1) times those rows, a dense product that runs at the speed of the machine.
 */
export function trainableStatic(base: StaticModel, maxTokens: number | null): TrainableEncoder {
  const tokenizerJson = withMaxTokens(base.tokenizerJson, maxTokens);
  const tokenizer = makeTokenizer(tokenizerJson, 'tokenizer.json');
  const model: StaticModel = {
    tokenizerJson,
    tokenizer,
    table: { ...base.table, data: base.table.data.slice() },
  };
  const dimension = model.table.shape[1]!;
  // An unknown word whose embedding is zero says nothing and shall not learn to: it would stand for every unknown word.
  const { unknown } = tokenizer;
  const silent =
    unknown !== null &&
    model.table.data.subarray(unknown * dimension, (unknown + 1) * dimension).every(value => value === 0)
      ? unknown
      : null;

  const known = new Map<string, Int32Array>();
  const tokensOf = (text: string): Int32Array => {
    let tokens = known.get(text);
    if (tokens === undefined) {
      tokens = tokenizer.encode(text).filter(id => id !== silent);
      known.set(text, tokens);
    }
    return tokens;
  };

  /** Where a token stands among the rows of the batch at hand; -1 where it does not. */
  const slots = new Int32Array(model.table.shape[0]!).fill(-1);

  /** For the matrices of a batch, used again and again. */
  const memory = { queries: new Float32Array(), documents: new Float32Array() };

  return {
    family: 'static',
    parameters: new Map([[tableName, { ...model.table, decay: true }]]),

    batch(queries, documents) {
      const texts = { queries: queries.map(tokensOf), documents: documents.map(tokensOf) };
      const indices: number[] = [];
      let tokens = 0;
      for (const ids of [...texts.queries, ...texts.documents]) {
        tokens += ids.length;
        for (const id of ids) if (slots[id] === -1) slots[id] = indices.push(id) - 1;
      }
      const size = bucket(indices.length);
      const shares = (kind: keyof typeof texts) => {
        const rows = bucket(texts[kind].length);
        const length = rows * size;
        if (memory[kind].length < length) memory[kind] = new Float32Array(length);
        const matrix = memory[kind].subarray(0, length).fill(0);
        for (const [row, ids] of texts[kind].entries()) {
          const start = row * size;
          const share = 1 / ids.length;
          for (let k = 0; k < ids.length; k++) matrix[start + slots[ids[k]!]!]! += share;
        }
        return tensor('float32', [rows, size], matrix);
      };
      const inputs = { queryTokens: shares('queries'), documentTokens: shares('documents') };
      for (const id of indices) slots[id] = -1;
      return {
        key: `${inputs.queryTokens.shape[0]}×${inputs.documentTokens.shape[0]}×${size}`,
        inputs,
        rows: new Map([[tableName, { indices: Int32Array.from(indices), size }]]),
        queries: inputs.queryTokens.shape[0]!,
        documents: inputs.documentTokens.shape[0]!,
        tokens,
      };
    },

    forward(_graph, parameters, inputs) {
      const rows = parameters.get(tableName)!;
      const encode = (shares: Value) => normalise(matmul(shares, rows));
      return { queries: encode(inputs.queryTokens!), documents: encode(inputs.documentTokens!) };
    },

    encoder: name => staticEncoder(name, model),
    save: (dir, card) => saveStatic(dir, model, card),
  };
}

/** Rows of length 1. A row of zeros stays one, with finite gradients (PyTorch's `normalize`, whose ε is 1e-12). */
export function normalise(x: Value): Value {
  const squares = reduceSum(mul(x, x), [-1], { keepDims: true });
  return div(x, sqrt(where(less(squares, 1e-24), 1e-24, squares)));
}

/** The next size of which there are eight per doubling: at most an eighth is padding, and few graphs are needed. */
function bucket(n: number): number {
  const step = Math.max(8, 2 ** (Math.floor(Math.log2(Math.max(n, 1))) - 3));
  return Math.max(step, Math.ceil(n / step) * step);
}
