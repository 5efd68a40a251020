import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildStatic } from '../../../src/encoder/static.ts';
import { trainableStatic } from '../../../src/encoder/static-training.ts';
import { gradients } from '../../../src/engine/gradient.ts';
import { Graph, type Value } from '../../../src/engine/graph.ts';
import { compile } from '../../../src/engine/session.ts';
import { tensor } from '../../../src/engine/tensor.ts';
import type { Draw } from '../../../src/training/batches.ts';
import { batchDocuments } from '../../../src/training/batches.ts';
import { lossTerms, weightedInfoNce } from '../../../src/training/loss.ts';
import type { Recipe } from '../../../src/training/recipe.ts';

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
  const family = trainableStatic(model, null);
  const { documents } = batchDocuments(draws);
  const batch = family.batch(
    draws.map(({ row }) => row.query),
    documents.map(document => texts[document]!),
  );
  const terms = lossTerms(draws, batch.queries, batch.documents, form);
  const graph = new Graph('loss');
  const feeds: Record<string, ReturnType<typeof tensor>> = {};
  const declare = (name: string, shape: readonly number[], data: Iterable<number>): Value => {
    feeds[name] = tensor('float64', shape, Float64Array.from(data));
    return graph.input(name, 'float64', shape);
  };
  const inputs = Object.fromEntries(
    Object.entries(batch.inputs).map(([name, { shape, data }]) => [
      name,
      declare(name, shape, data as Float32Array),
    ]),
  );
  const [name, { indices, size }] = [...batch.rows][0]!;
  const table = new Float64Array(size * 4);
  for (const [i, index] of indices.entries())
    table.set(model.table.data.subarray(index * 4, index * 4 + 4), i * 4);
  const parameter = declare(name, [size, 4], table);
  const { queries, documents: vectors } = family.forward(graph, new Map([[name, parameter]]), inputs);
  const declared = {
    bias: declare('bias', [batch.queries, batch.documents], terms.bias),
    target: declare('target', [batch.queries, batch.documents], terms.target),
    coefficients: declare('coefficients', [batch.queries], terms.coefficients),
  };
  const loss = weightedInfoNce(queries, vectors, declared, temperature);
  const [gradient] = gradients(loss, [parameter]);
  const compiled = await compile(graph, { loss, gradient: gradient! }, { device: 'cpu', threads: 1 });
  return {
    used: indices.length * 4,
    table,
    async run(values: Float64Array = table) {
      const results = await compiled.run({ ...feeds, [name]: tensor('float64', [size, 4], values) });
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
      const { run, table, used } = await program(draws, form);
      const { gradient } = await run();
      const step = 1e-5;
      for (let i = 0; i < used; i++) {
        const [up, down] = [Float64Array.from(table), Float64Array.from(table)];
        up[i]! += step;
        down[i]! -= step;
        const difference = ((await run(up)).loss - (await run(down)).loss) / (2 * step);
        expect(gradient[i]).toBeCloseTo(difference, 6);
      }
      // Padding learns nothing.
      expect(gradient.slice(used).every(value => value === 0)).toBe(true);
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
