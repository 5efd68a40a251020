import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildStatic } from '../../../src/encoder/static.ts';
import { normalise, trainableStatic } from '../../../src/encoder/static-training.ts';
import { gradients } from '../../../src/engine/gradient.ts';
import { Graph, type Value } from '../../../src/engine/graph.ts';
import { matmul, slice } from '../../../src/engine/operators.ts';
import { tensor } from '../../../src/engine/tensor.ts';
import type { Draw } from '../../../src/training/batches.ts';
import { lossTerms, weightedInfoNce } from '../../../src/training/loss.ts';
import type { Recipe } from '../../../src/training/recipe.ts';
import { compile } from '../engine/compile.ts';

type Form = Pick<Recipe, 'weighted' | 'normalisation'>;
const published: Form = { weighted: true, normalisation: 'rows' };
const texts = ['red fox runs', 'blue fox', 'green bird sings', 'the sea', 'a red bird', 'old ship at sea'];

interface Spec {
  readonly query: string;
  readonly positive: number;
  readonly negatives: readonly number[];
  readonly weight: number;
  readonly known?: readonly number[];
}

const drawOf = ({ query, positive, negatives, weight, known = [] }: Spec): Draw => ({
  row: {
    query,
    positives: [positive],
    negatives: [...negatives],
    weight,
    trajectory: 'one',
    known: new Set([positive, ...known]),
  },
  positive,
  negatives,
});

/** Loss and gradients in double precision through ONNX Runtime, by the numbers of the table. */
async function program(draws: readonly Draw[], form: Form, temperature = 0.1) {
  const model = buildStatic(texts, ['crimson animal'], { dimension: 4, seed: 3 });
  // Words of queries start at zero, where the direction of a vector has no gradient.
  for (const [i, value] of model.table.data.entries())
    if (value === 0 && i >= 4) model.table.data[i] = 0.1 + (i % 3);
  const terms = lossTerms([draws], form);
  const rows = terms.queries.length;
  const encoded = [...terms.queries, ...terms.documents.map(document => texts[document]!)];
  const plan = trainableStatic(model, null).plan(
    encoded.map(text => ({ kind: 'query', text })),
    Number.POSITIVE_INFINITY,
    0,
    { buckets: 1, blocks: false },
  );
  const graph = new Graph('loss');
  const feeds: Record<string, ReturnType<typeof tensor>> = {};
  const declare = (name: string, shape: readonly number[], data: Iterable<number>): Value => {
    feeds[name] = tensor('float64', shape, Float64Array.from(data));
    return graph.input(name, 'float64', shape);
  };
  const [[name, indices]] = [...plan.rows] as [[string, Int32Array]];
  const table = new Float64Array(indices.length * 4);
  for (const [i, index] of indices.entries())
    table.set(model.table.data.subarray(index * 4, index * 4 + 4), i * 4);
  const parameter = declare(name, [indices.length, 4], table);
  const shares = plan.passes[0]!.inputs.shares!;
  const vectors = normalise(matmul(declare('shares', shares.shape, shares.data as Float32Array), parameter));
  const declared = {
    bias: declare('bias', [rows, terms.documents.length], terms.bias),
    target: declare('target', [rows, terms.documents.length], terms.target),
    coefficients: declare('coefficients', [rows], terms.coefficients),
  };
  const [queries, documents] = [slice(vectors, 0, 0, rows), slice(vectors, 0, rows, encoded.length)];
  const loss = weightedInfoNce(queries, documents, declared, temperature);
  const [gradient] = gradients(loss, [parameter]);
  const compiled = await compile(graph, { loss, gradient: gradient! }, { device: 'cpu', threads: 1 });
  return {
    table,
    async run(values: Float64Array = table) {
      const results = await compiled.run({
        ...feeds,
        [name]: tensor('float64', [indices.length, 4], values),
      });
      return {
        loss: (await results.loss.read())[0] as number,
        gradient: [...((await results.gradient.read()) as Float64Array)],
      };
    },
  };
}

/** Section 6 of the method, word by word: an average of cross-entropies over what counts as a negative. */
function reference(draws: readonly Draw[], form: Form, temperature = 0.1): number {
  const model = buildStatic(texts, ['crimson animal'], { dimension: 4, seed: 3 });
  for (const [i, value] of model.table.data.entries())
    if (value === 0 && i >= 4) model.table.data[i] = 0.1 + (i % 3);
  const encode = (text: string) => {
    const sum = [0, 0, 0, 0];
    for (const id of model.tokenizer.encode(text))
      for (let j = 0; j < 4; j++) sum[j]! += model.table.data[id * 4 + j]!;
    const length = Math.hypot(...sum);
    return sum.map(x => x / length);
  };
  const similarity = (query: string, document: number) => {
    const [q, d] = [encode(query), encode(texts[document]!)];
    return Math.exp(q.reduce((sum, x, j) => sum + x * d[j]!, 0) / temperature);
  };
  let [sum, weights] = [0, 0];
  for (const [i, { row, positive, negatives }] of draws.entries()) {
    const others = draws.flatMap((other, k) => (k === i ? [] : [other.positive, ...other.negatives]));
    const counted = [...negatives, ...others].filter(document => !row.known.has(document));
    const top = similarity(row.query, positive);
    const all = counted.reduce((total, document) => total + similarity(row.query, document), top);
    const weight = form.weighted ? row.weight : 1;
    sum -= weight * Math.log(top / all);
    weights += weight;
  }
  return form.normalisation === 'rows' ? sum / draws.length : sum / weights;
}

const specs: Spec[] = [
  { query: 'crimson fox', positive: 0, negatives: [1, 2, 2], weight: 0.7 },
  { query: 'animal that sings', positive: 2, negatives: [3, 5, 0], weight: 1.6, known: [4] },
  { query: 'old sea', positive: 5, negatives: [4, 1, 3], weight: 0.4, known: [0] },
];
const draws = specs.map(drawOf);
const scaled = (factor: number) => specs.map(spec => drawOf({ ...spec, weight: spec.weight * factor }));

describe('weighted InfoNCE', () => {
  it('is the formula, on any batch, in both forms', async () => {
    const spec = fc.record({
      query: fc.constantFrom('crimson fox', 'animal', 'old sea', 'red bird sings'),
      positive: fc.nat(5),
      negatives: fc.array(fc.nat(5), { maxLength: 4 }),
      weight: fc.double({ min: 0.05, max: 3, noNaN: true }),
      known: fc.array(fc.nat(5), { maxLength: 2 }),
    });
    const form = fc.record({
      weighted: fc.boolean(),
      normalisation: fc.constantFrom('rows' as const, 'weights' as const),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(spec, { minLength: 1, maxLength: 9 }), form, async (batch, form) => {
        // Mining and training hand over no negative that is known to be a positive.
        const draws = batch.map(spec =>
          drawOf({
            ...spec,
            negatives: spec.negatives.filter(d => d !== spec.positive && !spec.known.includes(d)),
          }),
        );
        const { loss } = await (await program(draws, form)).run();
        expect(loss).toBeCloseTo(reference(draws, form), 5);
      }),
      { numRuns: 25 },
    );
  });

  it.each<Form>([published, { weighted: true, normalisation: 'weights' }])(
    'has the gradients that finite differences show (%o)',
    async form => {
      const { run, table } = await program(draws, form);
      const { gradient } = await run();
      const step = 1e-5;
      for (let i = 0; i < table.length; i++) {
        const [up, down] = [Float64Array.from(table), Float64Array.from(table)];
        up[i]! += step;
        down[i]! -= step;
        const difference = ((await run(up)).loss - (await run(down)).loss) / (2 * step);
        expect(gradient[i]).toBeCloseTo(difference, 6);
      }
    },
  );

  it('doubles with all weights in the 1/N form, gradients too, and stays in the other', async () => {
    for (const [normalisation, factor] of [
      ['rows', 2],
      ['weights', 1],
    ] as const) {
      const form: Form = { weighted: true, normalisation };
      const once = await (await program(draws, form)).run();
      const twice = await (await program(scaled(2), form)).run();
      expect(twice.loss).toBeCloseTo(factor * once.loss, 6);
      for (const [i, value] of once.gradient.entries())
        expect(twice.gradient[i]).toBeCloseTo(factor * value, 6);
    }
  });

  it('is one mean over the rows of all batches of a step, which do not see the documents of each other', () => {
    const [first, second] = [draws.slice(0, 1), draws.slice(1)];
    const terms = lossTerms([first, second], published);
    const own = [first, second].map(batch => lossTerms([batch], published));
    expect(terms.documents).toEqual(own.flatMap(({ documents }) => documents));
    for (const normalisation of ['rows', 'weights'] as const) {
      const form = { ...published, normalisation };
      const sum = draws.reduce((sum, { row }) => sum + row.weight, 0);
      const total = normalisation === 'rows' ? draws.length : sum;
      expect([...lossTerms([first, second], form).coefficients]).toEqual(
        draws.map(({ row }) => Math.fround(row.weight / total)),
      );
    }
    const columns = terms.documents.length;
    const [left] = own.map(({ documents }) => documents.length) as [number];
    for (const [row] of terms.queries.entries()) {
      const [mine, others] =
        row < 1
          ? [
              terms.bias.slice(row * columns, row * columns + left),
              terms.bias.slice(row * columns + left, (row + 1) * columns),
            ]
          : [
              terms.bias.slice(row * columns + left, (row + 1) * columns),
              terms.bias.slice(row * columns, row * columns + left),
            ];
      const alone = row < 1 ? own[0]!.bias : own[1]!.bias.slice((row - 1) * mine.length, row * mine.length);
      expect(mine).toEqual(alone);
      expect(others.every(value => value < -1e8)).toBe(true);
    }
  });

  it('ignores weights when told to', async () => {
    const form: Form = { weighted: false, normalisation: 'rows' };
    expect((await (await program(scaled(3), form)).run()).loss).toBe(
      (await (await program(draws, form)).run()).loss,
    );
  });

  it('does not see the query of a row of weight 0', async () => {
    const losses = await Promise.all(
      ['crimson fox', 'old sea'].map(async query => {
        const batch = [drawOf({ ...specs[0]!, query, weight: 0 }), ...draws.slice(1)];
        return (await (await program(batch, published)).run()).loss;
      }),
    );
    expect(losses[0]).toBe(losses[1]);
  });

  it('keeps finite gradients for texts without words', async () => {
    const { loss, gradient } = await (
      await program([drawOf({ ...specs[0]!, query: '…' }), ...draws], published)
    ).run();
    expect(Number.isFinite(loss)).toBe(true);
    expect(gradient.every(Number.isFinite)).toBe(true);
  });
});
