/* A process of its own that tries WebGPU: a driver that fails may take its process with it (see `devices.ts`). */
import type * as Ort from 'onnxruntime-node';
import { guaranteedTensorBytes, type ProbeLine, productSize, worthwhileSpeedup } from './devices.ts';
import { elementTypes, type OnnxModel, type OnnxTensor } from './onnx.ts';
import { type Device, onnxRuntime, openSession } from './runtime.ts';

const largestTried = 2 ** 31;
/** A GPU that takes more times as long as the CPU for a product, with the way there, is slow. */
const comparable = 4;
const manyProducts = 16;

const ints = (name: string, values: readonly number[]): OnnxTensor => ({
  name,
  type: 'int64',
  shape: [values.length],
  bytes: new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer),
});

/** The sum of the squares of `count` products, each of the last one and the same matrix: a number that needs all of them. */
function products(count: number): OnnxModel {
  return {
    name: 'products',
    inputs: ['a', 'b'].map(name => ({ name, type: 'float32', shape: [productSize, productSize] })),
    outputs: [{ name: 'sum', type: 'float32', shape: [] }],
    initializers: [],
    nodes: [
      ...Array.from({ length: count }, (_, i) => ({
        ...{
          type: 'MatMul',
          inputs: [i === 0 ? 'a' : `ab${i - 1}`, 'b'],
          outputs: [`ab${i}`],
          attributes: {},
        },
      })),
      {
        ...{
          type: 'Mul',
          inputs: [`ab${count - 1}`, `ab${count - 1}`],
          outputs: ['squares'],
          attributes: {},
        },
      },
      { type: 'ReduceSum', inputs: ['squares'], outputs: ['sum'], attributes: { keepdims: 0 } },
    ],
  };
}

/** Milliseconds of a product, if `count` are taken of what is there once. */
async function timeProducts(device: Device, count: number): Promise<{ milliseconds: number; sum: number }> {
  const ort = await onnxRuntime();
  const session = await openSession(products(count), { device, threads: 0 });
  const side = [productSize, productSize];
  // Of a size with which products neither grow nor vanish.
  const numbers = (seed: number) =>
    Float32Array.from(
      { length: productSize ** 2 },
      (_, i) => Math.sin(seed * i * (1 + (i % 31))) / Math.sqrt(productSize / 2),
    );
  const feeds = { a: new ort.Tensor(numbers(0.37), side), b: new ort.Tensor(numbers(0.61), side) };
  const run = async () => (((await session.run(feeds)).sum as Ort.Tensor).data as Float32Array)[0]!;
  // The first run makes the shaders. A slow device has shown what it is with the second.
  const sum = await run();
  let milliseconds = Number.POSITIVE_INFINITY;
  for (let spent = 0; spent < 200; ) {
    const start = performance.now();
    await run();
    const taken = performance.now() - start;
    milliseconds = Math.min(milliseconds, taken / count);
    spent += taken;
  }
  await session.release();
  return { milliseconds, sum };
}

/** Whether a product in half precision comes out as it should: each of its numbers is the size of the matrices. */
async function multipliesInHalf(): Promise<boolean> {
  const ort = await onnxRuntime();
  const size = 64;
  const model: OnnxModel = {
    name: 'product in half precision',
    inputs: ['a', 'b'].map(name => ({ name, type: 'float32', shape: [size, size] })),
    outputs: [{ name: 'ab', type: 'float32', shape: [size, size] }],
    initializers: [],
    nodes: [
      { type: 'Cast', inputs: ['a'], outputs: ['half a'], attributes: { to: elementTypes.float16 } },
      { type: 'Cast', inputs: ['b'], outputs: ['half b'], attributes: { to: elementTypes.float16 } },
      { type: 'MatMul', inputs: ['half a', 'half b'], outputs: ['half ab'], attributes: {} },
      { type: 'Cast', inputs: ['half ab'], outputs: ['ab'], attributes: { to: elementTypes.float32 } },
    ],
  };
  const session = await openSession(model, { device: 'webgpu', threads: 1 });
  try {
    const ones = () => new ort.Tensor(new Float32Array(size ** 2).fill(1), [size, size]);
    const { ab } = await session.run({ a: ones(), b: ones() });
    return ((ab as Ort.Tensor).data as Float32Array).every(x => x === size);
  } finally {
    await session.release();
  }
}

/** Whether tensors of a size can be operands and result of a sum and a scattered sum at once. */
async function computesWith(bytes: number): Promise<boolean> {
  const ort = await onnxRuntime();
  const width = 1024;
  const rows = bytes / 4 / width;
  const model: OnnxModel = {
    name: `${bytes} bytes`,
    inputs: [
      { name: 'x', type: 'float32', shape: [1, width] },
      { name: 'rows', type: 'int32', shape: [1, width] },
    ],
    outputs: [{ name: 'last', type: 'float32', shape: [1, width] }],
    initializers: [
      ints('shape', [rows, width]),
      ints('start', [rows - 1]),
      ints('end', [rows]),
      ints('axis', [0]),
    ],
    nodes: [
      { type: 'Expand', inputs: ['x', 'shape'], outputs: ['table'], attributes: {} },
      {
        type: 'ScatterElements',
        inputs: ['table', 'rows', 'x'],
        outputs: ['scattered'],
        attributes: { axis: 0, reduction: 'add' },
      },
      { type: 'Add', inputs: ['table', 'scattered'], outputs: ['sum'], attributes: {} },
      { type: 'Slice', inputs: ['sum', 'start', 'end', 'axis'], outputs: ['last'], attributes: {} },
    ],
  };
  const session = await openSession(model, { device: 'webgpu', threads: 1 });
  try {
    const { last } = await session.run({
      x: new ort.Tensor(new Float32Array(width).fill(1.5), [1, width]),
      rows: new ort.Tensor(new Int32Array(width).fill(rows - 1), [1, width]),
    });
    return ((last as Ort.Tensor).data as Float32Array).every(x => x === 4.5);
  } finally {
    await session.release();
  }
}

function tell(line: ProbeLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function probe(): Promise<void> {
  let [webgpu, cpu] = [await timeProducts('webgpu', 1), await timeProducts('cpu', 1)];
  // The time of one product on a fast GPU is that of the way there, which a training goes once.
  if (webgpu.milliseconds < comparable * cpu.milliseconds) {
    webgpu = await timeProducts('webgpu', manyProducts);
    cpu = await timeProducts('cpu', manyProducts);
  }
  if (!(Math.abs(webgpu.sum / cpu.sum - 1) < 1e-3)) {
    return tell({ failed: `a product of matrices came out as ${webgpu.sum} and not ${cpu.sum}` });
  }
  tell({ cpu: cpu.milliseconds, webgpu: webgpu.milliseconds });
  tell({ half: await multipliesInHalf().catch(() => false) });
  if (cpu.milliseconds < worthwhileSpeedup * webgpu.milliseconds) return;
  for (let bytes = 2 * guaranteedTensorBytes; bytes <= largestTried; bytes *= 2) {
    if (!(await computesWith(bytes).catch(() => false))) return;
    tell({ tensorBytes: bytes });
  }
}

await probe().catch((error: unknown) =>
  tell({ failed: error instanceof Error ? error.message : String(error) }),
);
