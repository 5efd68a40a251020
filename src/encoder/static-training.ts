import { sharedFloats } from '../base/shared.ts';
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
  const data = sharedFloats(base.table.data.length);
  data.set(base.table.data);
  const model: StaticModel = { tokenizerJson, tokenizer, table: { ...base.table, data } };
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

  return {
    family: 'static',
    parameters: new Map([[tableName, { ...model.table, decay: true, others: 'untouched' }]]),
    frozen: new Map(),
    dimension,
    tokensPerPass: Number.POSITIVE_INFINITY,
    tensorBytesPerToken: 0,

    plan(texts) {
      const ids = texts.map(({ text }) => tokensOf(text));
      const rows: number[] = [];
      const slots = new Map<number, number>();
      for (const text of ids) {
        for (const id of text) if (!slots.has(id)) slots.set(id, rows.push(id) - 1);
      }
      const shares = new Float32Array(texts.length * rows.length);
      for (const [row, text] of ids.entries()) {
        const share = 1 / text.length;
        for (const id of text) shares[row * rows.length + slots.get(id)!]! += share;
      }
      const tokens = ids.reduce((sum, { length }) => sum + length, 0);
      const inputs = { shares: tensor('float32', [texts.length, rows.length], shares) };
      return {
        passes: [{ key: 'all', inputs, members: [...texts.keys()], tokens }],
        rows: new Map([[tableName, Int32Array.from(rows)]]),
        tokens,
      };
    },

    sizes: () => [['texts']],

    forward(graph, parameter, _key, { texts }) {
      const rows = parameter(tableName);
      return normalise(matmul(graph.input('shares', 'float32', [texts!, rows.shape[0]!]), rows));
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
