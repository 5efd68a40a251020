import type * as Ort from 'onnxruntime-node';
import { computationFailed } from './devices.ts';
import type { OnnxModel } from './onnx.ts';
import { type Device, onnxRuntime, openSession } from './runtime.ts';
import {
  type DataType,
  describeType,
  HostTensor,
  hostData,
  type Shape,
  sizeOf,
  type Tensor,
  type TensorData,
  type TensorType,
} from './tensor.ts';

/** A tensor in the GPU's memory: what a program keeps there (`keep`), and what `toDevice` puts there. */
export class DeviceTensor implements Tensor {
  readonly dtype: DataType;
  readonly shape: Shape;
  #buffer: Ort.Tensor | undefined;

  constructor(type: TensorType, buffer: Ort.Tensor) {
    this.dtype = type.dtype;
    this.shape = type.shape;
    this.#buffer = buffer;
  }

  /** The runtime's tensor, of this shape unless told: a view, which is not to be disposed of. */
  async view(shape: Shape = this.shape): Promise<Ort.Tensor> {
    if (this.#buffer === undefined)
      throw new Error(`a tensor ${describeType(this)} was used after its disposal`);
    const ort = await onnxRuntime();
    const dataType = this.dtype as Ort.Tensor.GpuBufferDataTypes;
    return ort.Tensor.fromGpuBuffer(this.#buffer.gpuBuffer, { dataType, dims: shape });
  }

  /** Copies the elements to main memory. */
  async read(): Promise<TensorData> {
    // The runtime's own `getData` ends the process; a session whose result lies in main memory reads as well.
    const from = await this.view([sizeOf(this.shape)]);
    const copy = await copier(this.dtype, 'cpu');
    const { to } = await copy.run({ from }).catch((error: unknown) => {
      throw computationFailed(error, 'webgpu', `tensor ${describeType(this)}`);
    });
    return hostData(this.dtype, (to as Ort.Tensor).data as ArrayBufferView);
  }

  async floats(): Promise<Float32Array> {
    const data = await this.read();
    if (!(data instanceof Float32Array)) throw new Error(`a tensor ${describeType(this)} is not float32`);
    return data;
  }

  dispose(): void {
    this.#buffer?.dispose();
    this.#buffer = undefined;
  }
}

/**
 * The tensor in the memory of `device`, copied once if it is not there: for what many runs are fed with.
 * @throws LratError if the GPU has no room for it
 */
export async function toDevice(tensor: Tensor, device: Device): Promise<Tensor> {
  const { dtype, shape } = tensor;
  if (device === 'cpu') {
    return tensor instanceof DeviceTensor ? new HostTensor(dtype, shape, await tensor.read()) : tensor;
  }
  if (tensor instanceof DeviceTensor) return tensor;
  const ort = await onnxRuntime();
  const from = new ort.Tensor(dtype, await tensor.read(), [sizeOf(shape)]);
  const { to } = await (await copier(dtype, 'webgpu')).run({ from }).catch((error: unknown) => {
    throw computationFailed(error, 'webgpu', `tensor ${describeType(tensor)}`);
  });
  return new DeviceTensor(tensor, to as Ort.Tensor);
}

/** What a session on `device` is fed with. */
export async function toRuntime(tensor: Tensor, device: Device): Promise<Ort.Tensor> {
  if (device === 'webgpu' && tensor instanceof DeviceTensor) return tensor.view();
  const ort = await onnxRuntime();
  return new ort.Tensor(tensor.dtype, await tensor.read(), tensor.shape);
}

/** What a session gave. */
export function fromRuntime(type: TensorType, result: Ort.Tensor): Tensor {
  return result.location === 'gpu-buffer'
    ? new DeviceTensor(type, result)
    : new HostTensor(type.dtype, type.shape, hostData(type.dtype, result.data as ArrayBufferView));
}

/** To be called before the first session on the GPU, which may also be the first that is released (see `copier`). */
export async function prepareCopies(): Promise<void> {
  await copier('float32', 'cpu');
}

const copiers = new Map<string, Promise<Ort.InferenceSession>>();

/**
 * A session that copies tensors of a data type and any size. It is never released: with its last session the runtime
 * would give up the GPU, and with it every tensor there.
 */
function copier(dtype: DataType, to: Device): Promise<Ort.InferenceSession> {
  const key = `${dtype} ${to}`;
  let session = copiers.get(key);
  if (session === undefined) {
    const typed = (name: string) => ({ name, type: dtype, shape: ['size'] });
    const model: OnnxModel = {
      name: `copy of ${dtype} to ${to}`,
      inputs: [typed('from')],
      outputs: [typed('to')],
      initializers: [],
      nodes: [{ type: 'Identity', inputs: ['from'], outputs: ['to'], attributes: {} }],
    };
    session = openSession(model, { device: 'webgpu', threads: 1, onDevice: to === 'webgpu' ? ['to'] : [] });
    copiers.set(key, session);
  }
  return session;
}
