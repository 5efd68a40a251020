import { expect, test } from 'vitest';
import { Graph } from '../../src/engine/graph.ts';
import { add, expand, mul, reduceSum } from '../../src/engine/operators.ts';
import { tensor } from '../../src/engine/tensor.ts';
import { compile } from '../unit/engine/compile.ts';
import { fillGpu, loseGpu, reason } from './lost-gpu.ts';

test.skipIf(reason !== null)(
  'a GPU without memory is an error that says so, and goes on with less',
  async () => {
    const graph = new Graph('full');
    const x = graph.input('x', 'float32', [1, 1024]);
    const sum = (rows: number) => reduceSum(add(expand(x, [rows, 1024]), x));
    const feeds = { x: tensor('float32', [1, 1024], new Float32Array(1024).fill(1)) };
    const [large, small] = [
      await compile(graph, { sum: sum(9000) }, { device: 'webgpu', threads: 1 }),
      await compile(graph, { sum: sum(2) }, { device: 'webgpu', threads: 1 }),
    ];
    const empty = fillGpu();
    await expect(large.run(feeds)).rejects.toMatchObject({
      name: 'LratError',
      message: expect.stringContaining('the GPU failed to allocate memory'),
      remedy: expect.stringContaining('smaller batches'),
    });
    expect(await (await small.run(feeds)).sum.floats()).toEqual(Float32Array.of(4096));
    empty();
    await Promise.all([large.dispose(), small.dispose()]);
  },
);

test.skipIf(reason !== null)('a GPU that is lost in the middle is an error that says so', async () => {
  const graph = new Graph('lost');
  const x = graph.input('x', 'float32', [64]);
  const program = await compile(
    graph,
    { y: mul(x, 2), sum: reduceSum(x) },
    { device: 'webgpu', threads: 1, keep: ['y'] },
  );
  const feeds = { x: tensor('float32', [64], new Float32Array(64).fill(1)) };
  const before = await program.run(feeds);
  expect(await before.sum.floats()).toEqual(Float32Array.of(64));

  loseGpu();
  const lost = {
    name: 'LratError',
    message: expect.stringContaining('the GPU was lost in the middle of a computation'),
    remedy: expect.stringContaining('Start again from the last checkpoint'),
  };
  await expect(program.run(feeds)).rejects.toMatchObject({ ...lost, place: "model 'lost'" });
  await expect(program.run({ x: before.y })).rejects.toMatchObject(lost);
  await expect(before.y.read()).rejects.toMatchObject(lost);
  before.y.dispose();
  await program.dispose();
});
