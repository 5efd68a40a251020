import fc from 'fast-check';
import { afterEach, expect } from 'vitest';
import { Random } from '../../../src/base/random.ts';
import { gradients } from '../../../src/engine/gradient.ts';
import { Graph, type Value } from '../../../src/engine/graph.ts';
import { mul, reduceSum } from '../../../src/engine/operators.ts';
import type { DataType } from '../../../src/engine/tensor.ts';
import { compile, type Program } from './compile.ts';
import { differences, type Nd, normals, sum, toTensor } from './reference.ts';

/** The lane `webgpu` runs these tests there. */
export const device = process.env.LRAT_TEST_DEVICE === 'webgpu' ? 'webgpu' : 'cpu';

/** One random use of an operator or a layer, and what it means, in plain JavaScript. */
export interface Case {
  readonly inputs: readonly Nd[];
  /** Of the inputs that are not `float32`. */
  readonly dtypes?: readonly (DataType | undefined)[];
  /** What no gradient is taken by. */
  readonly constants?: readonly Nd[];
  /** @param inputs and then the constants */
  readonly apply: (...inputs: Value[]) => Value;
  readonly reference: (...inputs: Nd[]) => Nd;
}

const programs: Program<unknown>[] = [];
afterEach(async () => {
  await Promise.all(programs.splice(0).map(program => program.dispose()));
});

type GraphOptions = ConstructorParameters<typeof Graph>[1];

/** Checks cases as they are drawn, of several shapes. */
export async function checkDrawn(make: (random: Random) => Case, options: GraphOptions = {}): Promise<void> {
  const shapes = new Set<string>();
  await fc.assert(
    // Without the bias for small numbers, which draws few of them, and so the same cases, over and over.
    fc.asyncProperty(fc.noBias(fc.nat()), async seed => {
      const random = Random.seeded(seed);
      const drawn = make(random);
      shapes.add(JSON.stringify(drawn.inputs.map(nd => nd.shape)));
      await check(drawn, random, options);
    }),
    { numRuns: device === 'cpu' ? 12 : 4 },
  );
  // Where four shapes are possible, all twelve are the same once in four million runs.
  if (device === 'cpu') expect(shapes.size, 'different shapes').toBeGreaterThan(1);
}

/** Runs a case: its result, and the gradients of a random weighting of it by every floating-point input. */
async function check(
  { inputs, dtypes = [], constants = [], apply, reference }: Case,
  random: Random,
  options: GraphOptions,
): Promise<void> {
  const graph = new Graph('case', options);
  const values = inputs.map((nd, i) => graph.input(`x${i}`, dtypes[i] ?? 'float32', nd.shape));
  const result = apply(...values, ...constants.map(nd => graph.constant(toTensor(nd))));
  const expected = reference(...inputs);
  expect(result.shape).toEqual(expected.shape);

  const weights = normals(random, expected.shape);
  const loss = reduceSum(mul(result, graph.constant(toTensor(weights))));
  const differentiable = values.filter(value => value.dtype === 'float32');
  const outputs: Record<string, Value> = { result };
  for (const [i, gradient] of gradients(loss, differentiable).entries())
    outputs[differentiable[i]!.name] = gradient;
  const program = await compile(graph, outputs, { device, threads: 1 });
  programs.push(program);
  const results = await program.run(
    Object.fromEntries(inputs.map((nd, i) => [`x${i}`, toTensor(nd, dtypes[i] ?? 'float32')])),
  );

  expectClose(await results.result!.floats(), expected.data, 'the result');
  for (const { name, shape } of differentiable) {
    const which = Number(name.slice(1));
    const scalarLoss = (x: Nd) => {
      const { data } = reference(...inputs.with(which, x));
      return sum(data.map((y, i) => y * weights.data[i]!));
    };
    expect(results[name]!.shape).toEqual(shape);
    expectClose(
      await results[name]!.floats(),
      differences(scalarLoss, inputs[which]!),
      `the gradient by ${name}`,
    );
  }
}

function expectClose(actual: ArrayLike<number>, expected: readonly number[], what: string): void {
  expect(actual.length, what).toBe(expected.length);
  const scale = Math.max(1, ...expected.map(Math.abs));
  const worst = Math.max(...expected.map((x, i) => Math.abs(x - actual[i]!)));
  expect(worst / scale, `${what}: worst error over largest element`).toBeLessThan(2e-5);
}
