import { expect, test } from 'vitest';
import { Random } from '../../../src/base/random.ts';
import { DeviceAdamW, type LearnedTensor } from '../../../src/engine/device-adamw.ts';
import { HostAdamW } from '../../../src/engine/host-adamw.ts';
import { defaultAdamW } from '../../../src/engine/optimizer.ts';
import { tensor } from '../../../src/engine/tensor.ts';

/** The lane `webgpu` runs these tests there. */
const device = process.env.LRAT_TEST_DEVICE === 'webgpu' ? 'webgpu' : 'cpu';

const settings = { ...defaultAdamW, weightDecay: 0.1, maxGradientNorm: 0.5 };
/** Of a matrix and a bias several, which take their steps as one. */
const shapes = { table: [7, 4], matrix: [3, 4], bias: [4], square: [4, 4], gain: [3], lone: [2, 1] } as const;

function start(): Map<string, LearnedTensor> {
  const random = Random.seeded(5);
  return new Map(
    Object.entries(shapes).map(([name, shape]) => {
      const numbers = () =>
        Float32Array.from({ length: shape.reduce((a: number, b) => a * b, 1) }, () => random.normal());
      return [
        name,
        {
          ...{ shape, data: numbers(), moment1: numbers(), moment2: numbers().map(x => x * x) },
          ...{ decay: shape.length === 2, table: name === 'table' },
        },
      ];
    }),
  );
}

test('steps are those in main memory, with other rows of a table in each', async () => {
  const random = Random.seeded(6);
  const [here, there] = [start(), start()];
  const optimizer = await DeviceAdamW.on(device, there, settings);
  const inMainMemory = new HostAdamW(settings, 1);
  const untouched = start();
  for (const [number, rows] of [[4, 1], [6], [0, 2, 5, 3]].entries()) {
    const indices = Int32Array.from(rows);
    const numbers = (length: number) => Float32Array.from({ length }, () => random.normal());
    const gradients = new Map([
      ['table', tensor('float32', [indices.length, 4], numbers(4 * indices.length))],
      ...Object.entries(shapes)
        .slice(1)
        .map(([name, shape]) => {
          const size = shape.reduce((a: number, b) => a * b, 1);
          return [name, tensor('float32', shape, numbers(size))] as const;
        }),
    ]);
    const trainables = [...here].map(([name, learned]) => ({
      ...learned,
      gradient: gradients.get(name)!.data as Float32Array,
      ...(learned.table && { rows: { indices, width: 4, others: 'zero' as const } }),
    }));
    const { norm } = await inMainMemory.step(trainables, { step: number + 1, learningRate: 0.05 });
    const step = await optimizer.step(gradients, new Map([['table', indices]]), number + 1, 0.05);
    expect(step.gradientNorm / norm).toBeCloseTo(1, 5);
  }
  // Main memory has what it had, until it is asked for.
  for (const [name, { data }] of there) expect(data).toEqual(untouched.get(name)!.data);
  const { feeds, picked } = await optimizer.parameters(new Map([['table', Int32Array.of(6, 1)]]));
  await optimizer.read();
  for (const [name, expected] of here) {
    const actual = there.get(name)!;
    for (const part of ['data', 'moment1', 'moment2'] as const) {
      const worst = Math.max(...expected[part].map((x, i) => Math.abs(x - actual[part][i]!)));
      expect(worst, `${name} ${part}`).toBeLessThan(2e-6);
    }
  }
  const { data } = there.get('table')!;
  expect(await feeds.table!.floats()).toEqual(
    Float32Array.of(...data.subarray(24, 28), ...data.subarray(4, 8)),
  );
  expect(await feeds.bias!.floats()).toEqual(there.get('bias')!.data);
  for (const rows of picked) rows.dispose();
  await optimizer.dispose();
});

test('a table without rows is a mistake of the caller', async () => {
  const optimizer = await DeviceAdamW.on(device, start());
  await expect(optimizer.parameters(new Map())).rejects.toThrow('the rows of the table table are missing');
  await optimizer.dispose();
});
