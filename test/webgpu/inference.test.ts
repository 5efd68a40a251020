import { describe, expect, test } from 'vitest';
import { DeviceTensor, toDevice } from '../../src/engine/device-tensor.ts';
import { chooseDevice } from '../../src/engine/devices.ts';
import { Graph } from '../../src/engine/graph.ts';
import { add, cast, less, mul } from '../../src/engine/operators.ts';
import { HostTensor, scalar, type Tensor, tensor } from '../../src/engine/tensor.ts';
import { compile } from '../unit/engine/compile.ts';

const webgpu = { device: 'webgpu', threads: 1 } as const;

function doubling(size = 3) {
  const graph = new Graph('doubling');
  const x = graph.input('x', 'float32', [size]);
  return { graph, x, y: mul(x, 2) };
}

describe('results that are kept', () => {
  test('feed another run, of this program or another, on either device, and are read when asked for', async () => {
    const { graph, y } = doubling();
    const program = await compile(graph, { y, plain: add(y, 1) }, { ...webgpu, keep: ['y'] });
    const onCpu = await compile(graph, { y }, { device: 'cpu', threads: 1, keep: ['y'] });
    const first = await program.run({ x: tensor('float32', [3], [1, 2, 3]) });
    expect(first.y).toBeInstanceOf(DeviceTensor);
    expect(first.plain).toBeInstanceOf(HostTensor);
    const second = await program.run({ x: first.y });
    first.y.dispose();
    expect(await second.y.floats()).toEqual(Float32Array.of(4, 8, 12));
    const third = await onCpu.run({ x: second.y });
    expect(third.y).toBeInstanceOf(HostTensor);
    expect(await third.y.floats()).toEqual(Float32Array.of(8, 16, 24));
    await onCpu.dispose();
    await program.dispose();
    // What a program kept outlives it.
    expect(await second.y.floats()).toEqual(Float32Array.of(4, 8, 12));
    second.y.dispose();
  });

  test('of every data type, computed or passed through', async () => {
    const graph = new Graph('types');
    const x = graph.input('x', 'float32', [3]);
    const one = graph.input('one', 'float32', []);
    const mask = graph.input('mask', 'bool', [3]);
    const rows = graph.input('rows', 'int32', [2, 1]);
    const outputs = { x, one, mask, rows, half: cast(x, 'float16'), below: less(x, one) };
    const names = Object.keys(outputs) as (keyof typeof outputs)[];
    const program = await compile(graph, outputs, { ...webgpu, keep: names });
    const fed = await toDevice(tensor('float32', [3], [0.5, 1, -2]), 'webgpu');
    const results = await program.run({
      x: fed,
      one: scalar(1),
      mask: tensor('bool', [3], [1, 0, 1]),
      rows: tensor('int32', [2, 1], [7, -8]),
    });
    fed.dispose();
    const read = async (tensor: Tensor) => [tensor.shape, ...(await tensor.read())];
    expect(await Promise.all(Object.values(results).map(read))).toEqual([
      [[3], 0.5, 1, -2],
      [[], 1],
      [[3], 1, 0, 1],
      [[2, 1], 7, -8],
      [[3], 0x3800, 0x3c00, 0xc000],
      [[3], 1, 0, 1],
    ]);
    for (const tensor of Object.values(results)) tensor.dispose();
    await program.dispose();
  });

  test('cannot be used after their disposal', async () => {
    const { graph, y } = doubling();
    const program = await compile(graph, { y }, { ...webgpu, keep: ['y'] });
    const kept = (await program.run({ x: tensor('float32', [3], [1, 2, 3]) })).y;
    kept.dispose();
    kept.dispose();
    const message = 'a tensor float32[3] was used after its disposal';
    await expect(kept.read()).rejects.toThrow(message);
    await expect(program.run({ x: kept })).rejects.toThrow(message);
    await program.dispose();
  });

  test('take no more memory with every run when they are disposed of', async () => {
    // On a software driver the device's memory is the process's own; elsewhere this sees what is held of it.
    const size = 2 ** 20;
    const { graph, y } = doubling(size);
    const program = await compile(graph, { y }, { ...webgpu, keep: ['y'] });
    let state: Tensor = tensor('float32', [size], new Float32Array(size));
    const run = async (times: number) => {
      for (let i = 0; i < times; i++) {
        const { y } = await program.run({ x: state });
        state.dispose();
        state = y;
      }
      return process.memoryUsage.rss();
    };
    const before = await run(10);
    const after = await run(50);
    expect(after - before).toBeLessThan(10 * 4 * size);
    state.dispose();
    await program.dispose();
  });
});

test('a tensor is put on the device once, and back', async () => {
  const host = tensor('float32', [2, 2], [1, 2, 3, 4]);
  const placed = await toDevice(host, 'webgpu');
  expect(placed).toBeInstanceOf(DeviceTensor);
  expect(await toDevice(placed, 'webgpu')).toBe(placed);
  expect(await toDevice(host, 'cpu')).toBe(host);
  const back = await toDevice(placed, 'cpu');
  expect(back).toBeInstanceOf(HostTensor);
  expect([back.shape, await back.floats()]).toEqual([[2, 2], Float32Array.of(1, 2, 3, 4)]);
  placed.dispose();
});

test('this device is found when it is asked for', async () => {
  expect(await chooseDevice('webgpu')).toEqual({
    device: 'webgpu',
    reason: expect.stringMatching(
      /^WebGPU was asked for; a product of two 1024 × 1024 matrices takes [\d.]+ ms on WebGPU and/,
    ),
  });
});
