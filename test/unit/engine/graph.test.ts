import { describe, expect, test } from 'vitest';
import { LratError } from '../../../src/base/errors.ts';
import { Random } from '../../../src/base/random.ts';
import { gradients } from '../../../src/engine/gradient.ts';
import { Graph, toOnnx, type Value } from '../../../src/engine/graph.ts';
import {
  add,
  cast,
  concat,
  div,
  exp,
  expand,
  gather,
  gelu,
  less,
  logSoftmax,
  matmul,
  mul,
  neg,
  reduceMean,
  reduceSum,
  relu,
  reshape,
  scatterAdd,
  slice,
  sqrt,
  squeeze,
  transpose,
  unsqueeze,
  where,
  withGradient,
} from '../../../src/engine/operators.ts';
import { type DataType, type HostTensor, scalar, tensor } from '../../../src/engine/tensor.ts';
import { compile } from './compile.ts';
import { differences, indices, normals, sum, toTensor } from './reference.ts';

/** Values of a graph without inputs left open. */
async function evaluate(
  graph: Graph,
  outputs: Record<string, Value>,
  feeds: Record<string, HostTensor>,
  threads = 1,
): Promise<Record<string, number[]>> {
  const program = await compile(graph, outputs, { device: 'cpu', threads });
  const results = await program.run(feeds);
  await program.dispose();
  const read = Object.entries(results).map(
    async ([name, result]) => [name, Array.from(await result.read())] as const,
  );
  return Object.fromEntries(await Promise.all(read));
}

describe('types are checked while a graph is built', () => {
  const graph = new Graph('shapes');
  const a = graph.input('a', 'float32', [2, 3]);
  const b = graph.input('b', 'float32', [4, 5]);
  const i = graph.input('i', 'int32', [2]);
  const double = graph.input('double', 'float64', []);
  const one = graph.input('one', 'float32', []);

  test.each<[string, () => Value, RegExp]>([
    [
      'inner sizes',
      () => matmul(a, b),
      /^matmul\(a float32\[2, 3\], b float32\[4, 5\]\): the inner sizes 3 and 4 differ/,
    ],
    ['too few axes', () => matmul(a, one), /at least two axes/],
    [
      'no broadcasting',
      () => add(a, b),
      /^add\(a .*, b .*\): the shapes do not broadcast \(axis -2: 2 and 4\)/,
    ],
    ['data types', () => mul(one, double), /the data types differ/],
    ['arithmetic on indices', () => exp(i), /^exp\(i int32\[2\]\): only floating-point/],
    ['a condition that is none', () => where(a, a, a), /the condition must be bool/],
    ['indices that are none', () => gather(a, b), /the indices must be int32/],
    ['rows of a scalar', () => gather(one, i), /a scalar has no rows/],
    ['updates that do not fit', () => scatterAdd(i, b, 3), /the updates need one row per index/],
    ['an axis too far', () => reduceSum(a, [2]), /there is no axis 2/],
    ['an axis twice', () => reduceSum(a, [1, -1]), /the axes 1, -1 repeat/],
    ['an axis before the first', () => logSoftmax(a, -3), /there is no axis -3/],
    ['elements that do not fit', () => reshape(a, [4, -1]), /6 elements do not fit the shape \[4, -1\]/],
    ['two open sizes', () => reshape(a, [-1, -1]), /more than one size is left open/],
    ['no permutation', () => transpose(a, [0, 0]), /\[0, 0\] does not permute the axes/],
    ['an expansion that shrinks', () => expand(a, [1, 3]), /does not expand to \[1, 3\]/],
    ['a slice outside', () => slice(a, 1, 2, 4), /\[2, 4\) is no part of axis 1/],
    ['parts that do not fit', () => concat([a, b], 0), /differ in more than axis 0/],
    ['parts of different rank', () => concat([a, one], 0), /differ in more than axis 0/],
    ['an axis that cannot go', () => squeeze(a, 0), /^squeeze\(a float32\[2, 3\]\): axis 0 is not of size 1/],
    ['an axis that is not there', () => squeeze(a, 2), /there is no axis 2/],
    ['a place too far for an axis', () => unsqueeze(a, 4), /there is no axis 4/],
    [
      'another graph',
      () => add(a, new Graph('other').input('x', 'float32', [])),
      /belong to different graphs/,
    ],
    ['a size of zero', () => graph.input('none', 'float32', [0, 3]), /a size is no count/],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(LratError);
    expect(make).toThrow(message);
    expect(make).toThrow(expect.objectContaining({ place: "graph 'shapes'" }));
  });

  test('a tensor that does not have the elements of its shape', () => {
    expect(() => tensor('float32', [2, 2], [1, 2, 3])).toThrow(
      /3 elements cannot be a tensor float32\[2, 2\]/,
    );
    expect(() => tensor('int32', [1], new Float32Array(1))).toThrow(LratError);
  });

  test('the gradient of what is no scalar', () => {
    expect(() => gradients(a, [a])).toThrow(/the gradient of a float32\[2, 3\] was asked for/);
  });
});

describe('what operators leave open', () => {
  test('unsqueeze and squeeze', () => {
    const x = new Graph('axes').input('x', 'float32', [2, 3]);
    expect([0, 1, 2, -1].map(axis => unsqueeze(x, axis).shape)).toEqual([
      [1, 2, 3],
      [2, 1, 3],
      [2, 3, 1],
      [2, 3, 1],
    ]);
    expect(squeeze(unsqueeze(x, 1), 1).shape).toEqual([2, 3]);
    expect(squeeze(unsqueeze(x, -1), -1).shape).toEqual([2, 3]);
  });

  test('equal numbers are not less, and relu has gradient 0 at 0', async () => {
    const graph = new Graph('equal');
    const x = graph.input('x', 'float32', [2]);
    const [gradient] = gradients(reduceSum(relu(x)), [x]);
    const result = await evaluate(
      graph,
      { below: less(x, 1), gradient: gradient! },
      { x: tensor('float32', [2], [0, 1]) },
    );
    expect(result).toEqual({ below: [1, 0], gradient: [0, 1] });
  });

  test.each<[DataType, number[]]>([
    ['int32', [-1, 0, 1, 2]],
    ['bool', [1, 1, 1, 1]],
    ['float64', [-1.5, 0.25, 1.5, 2]],
  ])('cast to %s', async (dtype, expected) => {
    const graph = new Graph('cast');
    const x = graph.input('x', 'float32', [4]);
    const result = await evaluate(
      graph,
      { y: cast(x, dtype) },
      { x: tensor('float32', [4], [-1.5, 0.25, 1.5, 2]) },
    );
    expect(result.y).toEqual(expected);
  });
});

describe('gradients', () => {
  test('a value that is used several times gathers the gradients of all uses', async () => {
    const graph = new Graph('diamond');
    const x = graph.input('x', 'float32', []);
    // (x² + x)·x = x³ + x²
    const [gradient] = gradients(mul(add(mul(x, x), x), x), [x]);
    expect(await evaluate(graph, { gradient: gradient! }, { x: scalar(3) })).toEqual({
      gradient: [3 * 9 + 2 * 3],
    });
  });

  test('a value that the loss does not depend on, or only by comparison, has gradient zero', async () => {
    const graph = new Graph('unused');
    const [x, y, z] = ['x', 'y', 'z'].map(name => graph.input(name, 'float32', [2])) as [Value, Value, Value];
    const loss = reduceSum(where(less(y, 0), x, neg(x)));
    const [byX, byY, byZ] = gradients(loss, [x, y, z]) as [Value, Value, Value];
    const feeds = { x: tensor('float32', [2], [1, 2]), y: tensor('float32', [2], [-1, 1]) };
    expect(await evaluate(graph, { byX, byY, byZ }, feeds)).toEqual({
      byX: [1, -1],
      byY: [0, 0],
      byZ: [0, 0],
    });
  });

  test('by a value between inputs and loss, and by the loss itself', async () => {
    const graph = new Graph('between');
    const x = graph.input('x', 'float32', []);
    const square = mul(x, x);
    const loss = mul(square, 3);
    const [bySquare, byLoss, byX] = gradients(loss, [square, loss, x]) as [Value, Value, Value];
    const result = await evaluate(graph, { bySquare, byLoss, byX }, { x: scalar(2) });
    expect(result).toEqual({ bySquare: [3], byLoss: [1], byX: [12] });
  });

  test('through a product of a GELU compute it again instead of keeping it, before they go on', async () => {
    const random = Random.seeded(4);
    const shapes = { x: [3, 4], first: [4, 5], second: [5, 2] };
    const graph = new Graph('two layers');
    const [x, first, second] = Object.entries(shapes).map(([name, shape]) =>
      graph.input(name, 'float32', shape),
    ) as [Value, Value, Value];
    const hidden = gelu(matmul(x, first));
    const y = reshape(matmul(reshape(hidden, [3, 1, 5]), second), [3, 2]);
    const loss = reduceSum(mul(y, y));
    const [byX, byFirst, bySecond] = gradients(loss, [x, first, second]) as [Value, Value, Value];
    const types = (...outputs: Value[]) => toOnnx(graph, outputs).model.nodes.map(({ type }) => type);
    const count = (all: readonly string[], type: string) => all.filter(each => each === type).length;
    // From a share that has to wait for the gradient, as the one by x does.
    expect(count(types(loss, bySecond), 'Erf')).toBe(1);
    expect(count(types(byX, byFirst, bySecond), 'Erf')).toBe(1);
    expect(count(types(bySecond), 'Shape')).toBeGreaterThan(0);
    // The gradient by what comes first has to wait for those by the weights behind it.
    expect(count(types(byX), 'MatMul')).toBe(count(types(byX, bySecond), 'MatMul'));

    const inputs = Object.values(shapes).map(shape => normals(random, shape));
    const names = Object.keys(shapes);
    const feeds = (values: typeof inputs) =>
      Object.fromEntries(values.map((nd, i) => [names[i]!, toTensor(nd)]));
    const found = await evaluate(graph, { x: byX, first: byFirst, second: bySecond }, feeds(inputs));
    for (const [i, name] of names.entries()) {
      for (const [at, slope] of found[name]!.entries()) {
        const step = 1e-2;
        const lossAt = async (by: number) => {
          const moved = { ...inputs[i]!, data: inputs[i]!.data.with(at, inputs[i]!.data[at]! + by) };
          return (await evaluate(graph, { loss }, feeds(inputs.with(i, moved)))).loss![0]!;
        };
        expect((await lossAt(step)) - (await lossAt(-step))).toBeCloseTo(2 * step * slope, 3);
      }
    }
  });

  test('of gradients', async () => {
    const graph = new Graph('second order');
    const x = graph.input('x', 'float64', [4]);
    const entropy = (logits: Value) => neg(reduceSum(mul(exp(logSoftmax(logits)), logSoftmax(logits))));
    const [first] = gradients(entropy(x), [x]) as [Value];
    const [second] = gradients(reduceSum(mul(first, first)), [x]) as [Value];
    const program = await compile(graph, { first, second }, { device: 'cpu', threads: 1 });
    const point = normals(Random.seeded(3), [4]);
    const steps: number[] = [];
    for (const i of [0, 1, 2, 3]) {
      const pair = [];
      for (const by of [1e-5, -1e-5]) {
        const moved = { ...point, data: point.data.with(i, point.data[i]! + by) };
        const { first } = await program.run({ x: toTensor(moved, 'float64') });
        pair.push(sum([...(await first.read())].map(g => g * g)));
      }
      steps.push((pair[0]! - pair[1]!) / 2e-5);
    }
    const { second: actual } = await program.run({ x: toTensor(point, 'float64') });
    for (const [i, value] of (await actual.read()).entries()) expect(value).toBeCloseTo(steps[i]!, 7);
    await program.dispose();
  });

  test('of distinct rows are those of rows that may repeat', async () => {
    const random = Random.seeded(5);
    const graph = new Graph('rows');
    const table = graph.input('table', 'float32', [6, 3]);
    const rows = graph.input('rows', 'int32', [2, 2]);
    const gradient = (distinct: boolean) => {
      const picked = gather(table, rows, { distinct });
      return gradients(reduceSum(mul(picked, picked)), [table])[0]!;
    };
    const values = normals(random, [6, 3]);
    const result = await evaluate(
      graph,
      { distinct: gradient(true), any: gradient(false) },
      { table: toTensor(values), rows: tensor('int32', [2, 2], [4, 0, 5, 2]) },
    );
    const expected = values.data.map((x, i) =>
      [0, 2, 4, 5].includes(Math.floor(i / 3)) ? Math.fround(2 * x) : 0,
    );
    expect(result.distinct).toEqual(expected);
    expect(result.any).toEqual(expected);
  });

  test('of rows that repeat are the same in every run on several threads', async () => {
    const random = Random.seeded(7);
    const graph = new Graph('race');
    const [count, size, width] = [4000, 3, 64];
    const which = graph.input('which', 'int32', [count]);
    const updates = graph.input('updates', 'float32', [count, width]);
    const program = await compile(
      graph,
      { y: scatterAdd(which, updates, size) },
      { device: 'cpu', threads: 4 },
    );
    const [i, x] = [indices(random, [count], size), normals(random, [count, width])];
    const feeds = { which: toTensor(i, 'int32'), updates: toTensor(x) };
    const first = await (await program.run(feeds)).y.floats();
    for (const row of [0, 1, 2]) {
      const expected = sum(x.data.filter((_, at) => at % width === 0 && i.data[at / width] === row));
      expect(first[row * width]).toBeCloseTo(expected, 3);
    }
    for (let run = 0; run < 5; run++) expect(await (await program.run(feeds)).y.floats()).toEqual(first);
    await program.dispose();
  });
});

describe('a contrastive loss as a whole', () => {
  /** Rows, documents and dimension; row i's positive is document i; document 4 is hidden from row 1. */
  const [n, m, d, temperature] = [3, 6, 4, 0.1];
  const kept = Array.from({ length: n * m }, (_, i) => Number(i !== 1 * m + 4));
  const positive = Array.from({ length: n * m }, (_, i) => Number(Math.floor(i / m) === i % m));

  function plain(queries: number[], documents: number[], weights: number[]): number {
    const rows = (x: number[]) =>
      Array.from({ length: x.length / d }, (_, i) => {
        const row = x.slice(i * d, (i + 1) * d);
        const length = Math.hypot(...row);
        return row.map(value => value / length);
      });
    const losses = rows(queries).map((q, i) => {
      const scores = rows(documents).map(v => sum(v.map((x, k) => x * q[k]!)) / temperature);
      const all = scores.filter((_, j) => kept[i * m + j] === 1);
      return weights[i]! * (Math.log(sum(all.map(Math.exp))) - scores[i]!);
    });
    return sum(losses) / n;
  }

  function build(dtype: 'float32' | 'float64') {
    const graph = new Graph('contrastive');
    const queries = graph.input('queries', dtype, [n, d]);
    const documents = graph.input('documents', dtype, [m, d]);
    const weights = graph.input('weights', dtype, [n]);
    const mask = graph.input('mask', 'bool', [n, m]);
    const targets = graph.constant(tensor(dtype, [n, m], positive));
    const unit = (x: Value) => div(x, sqrt(reduceSum(mul(x, x), [-1], { keepDims: true })));
    const scores = where(mask, div(matmul(unit(queries), transpose(unit(documents))), temperature), -1e9);
    const logLikelihood = reduceSum(mul(targets, logSoftmax(scores)), [-1]);
    const loss = reduceMean(mul(weights, neg(logLikelihood)));
    const [byQueries, byDocuments, byWeights] = gradients(loss, [queries, documents, weights]) as [
      Value,
      Value,
      Value,
    ];
    return { graph, outputs: { loss, queries: byQueries, documents: byDocuments, weights: byWeights } };
  }

  const random = Random.seeded(11);
  const queries = normals(random, [n, d]);
  const documents = normals(random, [m, d]);
  const weights = { shape: [n], data: [0.5, 1.75, 0.25] };
  const mask = tensor('bool', [n, m], kept);

  test.each([
    ['float64', 1e-7],
    ['float32', 2e-5],
  ] as const)('%s: the value and all gradients', async (dtype, tolerance) => {
    const { graph, outputs } = build(dtype);
    const feeds = Object.fromEntries(
      Object.entries({ queries, documents, weights }).map(([name, nd]) => [name, toTensor(nd, dtype)]),
    );
    const result = await evaluate(graph, outputs, { ...feeds, mask });
    const [q, v, w] = [queries.data, documents.data, weights.data];
    const expected = {
      loss: [plain(q, v, w)],
      queries: differences(x => plain(x.data, v, w), queries),
      documents: differences(x => plain(q, x.data, w), documents),
      weights: differences(x => plain(q, v, x.data), weights),
    };
    for (const [name, numbers] of Object.entries(expected)) {
      const scale = Math.max(...numbers.map(Math.abs));
      for (const [i, x] of numbers.entries()) {
        expect(Math.abs(result[name]![i]! - x) / scale, `${name}[${i}]`).toBeLessThan(tolerance);
      }
    }
  });

  test('doubling the weights doubles the loss and its gradients; weight 0 changes nothing', async () => {
    const { graph, outputs } = build('float32');
    const run = (w: number[], q = queries.data) =>
      evaluate(graph, outputs, {
        queries: tensor('float32', [n, d], q),
        documents: toTensor(documents),
        weights: tensor('float32', [n], w),
        mask,
      });
    const once = await run([0.5, 1.75, 0.25]);
    const twice = await run([1, 3.5, 0.5]);
    for (const name of ['loss', 'queries', 'documents']) {
      expect(twice[name]).toEqual(once[name]!.map(x => Math.fround(2 * x)));
    }
    // A query of weight 0 may say what it likes.
    const without = await run([0.5, 0, 0.25]);
    const other = await run(
      [0.5, 0, 0.25],
      queries.data.map((x, i) => (Math.floor(i / d) === 1 ? -3 * x + 1 : x)),
    );
    expect(other.loss).toEqual(without.loss);
    expect(other.documents).toEqual(without.documents);
  });
});

describe('a loop over the first axis', () => {
  const fed = { x: tensor('float32', [3, 2], [1, 2, 3, 4, 5, 6]), y: tensor('float32', [2], [10, 20]) };
  const declare = (graph: Graph) =>
    [graph.input('x', 'float32', [3, 2]), graph.input('y', 'float32', [2])] as const;

  test('computes several results of each element, with what is the same for all', async () => {
    const graph = new Graph('loop');
    const [x, y] = declare(graph);
    const shifted = mul(y, 2);
    const [rows, sums] = graph.mapEach([x], ([row]) => [add(row!, shifted), reduceSum(mul(row!, 3))]);
    expect([rows!.shape, sums!.shape]).toEqual([[3, 2], [3]]);
    expect(await evaluate(graph, { sums: sums!, rows: add(rows!, 1) }, fed)).toEqual({
      sums: [9, 21, 33],
      rows: [22, 43, 24, 45, 26, 47],
    });
    expect(await evaluate(graph, { sums: sums! }, fed)).toEqual({ sums: [9, 21, 33] });
    const [loop] = toOnnx(graph, [sums!]).model.nodes.filter(({ type }) => type === 'Scan');
    expect(loop!.outputs).toHaveLength(1);
  });

  test('has the gradient that it is given, and none of its own', async () => {
    const graph = new Graph('loop');
    const [x] = declare(graph);
    const square = () => graph.mapEach([x], ([row]) => [mul(row!, row!)])[0]!;
    expect(() => gradients(reduceSum(square()), [x])).toThrow(
      /^gradient\(loop_.*: a loop has none of its own/,
    );
    const given = withGradient(square(), [x], gradient =>
      graph.mapEach([x, gradient], ([row, gradient]) => [mul(mul(row!, 2), gradient!)]),
    );
    const [byX] = gradients(reduceSum(mul(given, 5)), [x]);
    expect(await evaluate(graph, { byX: byX! }, fed)).toEqual({ byX: [10, 20, 30, 40, 50, 60] });
  });

  test('is refused where it cannot be', () => {
    const graph = new Graph('loop');
    const [x, y] = declare(graph);
    expect(() => graph.mapEach([x, y], ([row]) => [row!])).toThrow(/the first axes differ/);
    expect(() => graph.mapEach([graph.constant(1)], ([x]) => [x!])).toThrow(/or there is none/);
    expect(() => graph.mapEach([x], () => [y])).toThrow(/a result is not computed from the elements/);
    expect(() => graph.mapEach([x], ([row]) => [row!])).toThrow(/or is one of them/);
    const twice = ([row]: readonly Value[]) => Array<Value>(2).fill(neg(row!));
    expect(() => graph.mapEach([x], twice)).toThrow(/a result is there twice/);
    const inner = ([row]: readonly Value[]) => graph.mapEach([row!], ([each]) => [neg(each!)]);
    expect(() => graph.mapEach([x], inner)).toThrow(/a loop in a loop/);
    let leaked: Value | undefined;
    graph.mapEach([x], ([row]) => {
      leaked = neg(row!);
      return [leaked];
    });
    expect(() => toOnnx(graph, [leaked!])).toThrow(/is used outside of its loop/);
  });
});
