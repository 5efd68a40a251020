import { describe, expect, it } from 'vitest';
import { dynamicModel } from '../../../src/engine/dynamic.ts';
import { Graph, type Value } from '../../../src/engine/graph.ts';
import { loadModel } from '../../../src/engine/inference.ts';
import { attention, geluTanh, linear, rmsNorm, selfAttention } from '../../../src/engine/layers.ts';
import {
  add,
  concat,
  expand,
  gather,
  layerNorm,
  mul,
  reshape,
  slice,
  sub,
  unsqueeze,
} from '../../../src/engine/operators.ts';
import { quantised } from '../../../src/engine/quantise.ts';
import { type HostTensor, tensor } from '../../../src/engine/tensor.ts';
import { compile } from './compile.ts';

const [width, vocabulary] = [8, 300];
let seed = 1;
/** Not random, and without any pattern that the code could meet. */
const noise = (...shape: number[]) => {
  const size = shape.reduce((product, n) => product * n, 1);
  return tensor(
    'float32',
    shape,
    Float32Array.from({ length: size }, () => Math.sin(seed++ * 12.9898)),
  );
};

const weights = new Map<string, HostTensor>([
  ['words', noise(vocabulary, width)],
  ['places', noise(20, width)],
  ['project', noise(width, width)],
  ['shift', noise(width)],
  ['gain', noise(width)],
]);

/** Every composite that has a fusion, and shapes of all kinds. */
interface TextSizes {
  readonly texts: number;
  readonly length: number;
}

function build({ texts, length }: TextSizes, options: ConstructorParameters<typeof Graph>[1] = {}) {
  const graph = new Graph('sized', options);
  const parameter = new Map<string, Value>(
    [...weights].map(([name, { shape }]) => [name, graph.input(name, 'float32', shape)]),
  );
  const get = (name: string) => parameter.get(name)!;
  const ids = graph.input('ids', 'int32', [texts, length]);
  const mask = graph.input('mask', 'float32', [texts, length]);
  const places = slice(get('places'), 0, 2, 2 + length);
  const x = add(gather(get('words'), ids), places);
  const normed = layerNorm(x, get('gain'), get('shift'), 1e-5);
  const thrice = (name: string) => concat([get(name), get(name), get(name)], 0);
  const projected = linear(geluTanh(normed), thrice('project'), thrice('shift'));
  const bias = mul(sub(1, unsqueeze(unsqueeze(mask, 1), 1)), -1e9);
  const seen = selfAttention(projected, 2, bias);
  const shared = slice(x, -1, 0, width / 2);
  const grouped = attention(x, shared, shared, { heads: 2, groups: 1 }, bias);
  const sum = add(add(seen, grouped), x);
  const normedRow = (row: Value) => rmsNorm(row, get('gain'), 1e-6);
  const scaled = graph.textByText ? graph.mapEach([sum], ([text]) => [normedRow(text!)])[0]! : normedRow(sum);
  const flat = reshape(linear(scaled, get('project')), [texts * length, width]);
  const outputs = { flat, spread: expand(unsqueeze(slice(flat, -1, 0, 1), 0), [3, texts * length, 1]) };
  return { graph, outputs };
}

function feedsOf(texts: number, length: number) {
  const ids = Int32Array.from({ length: texts * length }, (_, i) => (i * 37) % vocabulary);
  const mask = Float32Array.from({ length: texts * length }, (_, i) =>
    i % length === 0 || i % 3 > 0 ? 1 : 0,
  );
  return { ids: tensor('int32', [texts, length], ids), mask: tensor('float32', [texts, length], mask) };
}

const device = { device: 'cpu', threads: 1 } as const;

describe('a model for all sizes', () => {
  it.each([
    ['standard', false],
    ['runtime', false],
    [undefined, false],
    [undefined, true],
    ['standard', true],
  ] as const)(
    'computes what the graph of each size does (fusions: %s, attention text by text: %s)',
    async (fusions, textByText) => {
      const own = (sizes: TextSizes) => build(sizes, { textByText });
      const whole = await loadModel(dynamicModel(own, weights, fusions), device);
      const fed = await loadModel(dynamicModel(own, new Map(), fusions), device);
      for (const [texts, length] of [
        [1, 1],
        [1, 18],
        [6, 5],
      ] as const) {
        const { graph, outputs } = build({ texts, length });
        const program = await compile(graph, outputs, device);
        const feeds = { ...feedsOf(texts, length), ...Object.fromEntries(weights) };
        const expected = await program.run(feeds);
        for (const model of [whole, fed]) {
          const results = await model.run(feeds);
          for (const name of ['flat', 'spread'] as const) {
            const [ours, theirs] = [results[name]!, expected[name]];
            expect(ours.shape).toEqual(theirs.shape);
            const numbers = await theirs.floats();
            (await ours.floats()).forEach((value, i) => {
              expect(Math.abs(value - numbers[i]!)).toBeLessThan(1e-5);
            });
          }
        }
        await program.dispose();
      }
      await Promise.all([whole.dispose(), fed.dispose()]);
    },
  );

  it('names its sizes, keeps weights that are only used transposed so, and others as they are', () => {
    const model = dynamicModel(build, weights, 'standard');
    expect(model.inputs.map(({ name, shape }) => [name, ...shape])).toEqual([
      ['ids', 'batch_size', 'sequence_length'],
      ['mask', 'batch_size', 'sequence_length'],
    ]);
    expect(
      model
        .weights!.map(({ name }) => name)
        .filter(name => weights.has(name))
        .sort(),
    ).toEqual(['gain', 'places', 'shift', 'words']);
    expect(model.nodes.filter(({ type, inputs }) => type === 'Transpose' && weights.has(inputs[0]!))).toEqual(
      [],
    );
  });

  it('is refused where a size or a constant depends on the sizes in another way', () => {
    const square = ({ texts, length }: TextSizes) => {
      const { graph, outputs } = build({ texts, length });
      return { graph, outputs: { square: expand(slice(outputs.spread, 1, 0, 1), [3, length * length, 1]) } };
    };
    expect(() => dynamicModel(square, weights, undefined)).toThrow(/no sum and product/);
    const constant = ({ texts, length }: TextSizes) => {
      const { graph, outputs } = build({ texts, length });
      return { graph, outputs: { scaled: mul(outputs.flat, graph.constant(1 / length)) } };
    };
    expect(() => dynamicModel(constant, weights, undefined)).toThrow(/differs with its sizes/);
  });
});

describe('a model in 8 bits', () => {
  it('has its products and large tables in bytes, and nearly the same results', async () => {
    const exact = dynamicModel(build, new Map(weights).set('words', noise(9000, width)), 'standard');
    const model = quantised(exact);
    const types = Object.fromEntries(model.weights!.map(({ name, type, shape }) => [name, [type, ...shape]]));
    expect(types['words.int8']).toEqual(['int8', 9000, width]);
    expect(types['words.int8'.replace('.int8', '.scale')]).toEqual(['float32', 9000, 1]);
    expect(types.places).toEqual(['float32', 20, width]);
    expect(model.nodes.filter(({ type }) => type === 'MatMulInteger')).toHaveLength(2);
    const [a, b] = [await loadModel(exact, device), await loadModel(model, device)];
    const [one, other] = await Promise.all(
      [a, b].map(async model => (await model.run(feedsOf(4, 9))).flat!.floats()),
    );
    const error = one!.reduce((sum, value, i) => sum + (value - other![i]!) ** 2, 0);
    const size = one!.reduce((sum, value) => sum + value ** 2, 0);
    expect(error).toBeGreaterThan(0);
    expect(Math.sqrt(error / size)).toBeLessThan(0.05);
    await Promise.all([a.dispose(), b.dispose()]);
  });

  it('leaves a column of zeros zero', () => {
    const data = noise(width, width).data as Float32Array;
    data.fill(0, 2 * width, 3 * width);
    const model = quantised(
      dynamicModel(
        build,
        new Map(weights).set('project', tensor('float32', [width, width], data)),
        'standard',
      ),
    );
    const weight = model.weights!.find(({ type, shape }) => type === 'int8' && shape[1] === width)!;
    const bytes = new Int8Array(weight.bytes().buffer);
    expect(bytes.filter((_, i) => i % width === 2)).toEqual(new Int8Array(width));
    expect(Math.max(...bytes.map(Math.abs))).toBe(127);
  });
});
