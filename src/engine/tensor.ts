import { LratError } from '../base/errors.ts';
import { toHalfPrecision } from '../base/half.ts';

/** What a tensor may hold. Indices are `int32`; `bool` is one byte per element, 0 or 1; `float16` is given by its bits. */
export type DataType = 'float32' | 'float64' | 'float16' | 'int32' | 'bool';

/** Sizes per axis, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

/** What is known of a tensor before it has values. */
export interface TensorType {
  readonly dtype: DataType;
  readonly shape: Shape;
}

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int32: Int32Array,
  bool: Uint8Array,
} as const;

/** The array that holds the elements of each data type. */
export type TensorData = Float32Array | Float64Array | Uint16Array | Int32Array | Uint8Array;

export function sizeOf(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** What ONNX Runtime gives, in the array of its data type: newer versions of Node have one of their own for `float16`. */
export function hostData(dtype: DataType, data: ArrayBufferView): TensorData {
  const Elements = arrays[dtype];
  if (data instanceof Elements) return data;
  return new Elements(
    data.buffer as ArrayBuffer,
    data.byteOffset,
    data.byteLength / Elements.BYTES_PER_ELEMENT,
  );
}

export function describeType(type: TensorType): string {
  return `${type.dtype}[${type.shape.join(', ')}]`;
}

/**
 * Values of a fixed type, row-major, wherever the device keeps them: read them with `read`, hand them on to another
 * run without reading them, and dispose of them when they are no longer needed.
 */
export interface Tensor extends TensorType {
  /** The elements. On the CPU this is the tensor's own memory, not a copy. */
  read(): Promise<TensorData>;
  /** `read` for `float32`; fails for any other type. */
  floats(): Promise<Float32Array>;
  /** Frees the values; to read them afterwards is an error. */
  dispose(): void;
}

/** A tensor in main memory. */
export class HostTensor implements Tensor {
  readonly dtype: DataType;
  readonly shape: Shape;
  #data: TensorData | undefined;

  constructor(dtype: DataType, shape: Shape, data: TensorData) {
    if (!(data instanceof arrays[dtype]) || data.length !== sizeOf(shape)) {
      throw new LratError(
        `${data.constructor.name} of ${data.length} elements cannot be a tensor ${describeType({ dtype, shape })}.`,
      );
    }
    this.dtype = dtype;
    this.shape = shape;
    this.#data = data;
  }

  /** The elements, at once: the tensor's own memory. */
  get data(): TensorData {
    if (this.#data === undefined)
      throw new Error(`a tensor ${describeType(this)} was read after its disposal`);
    return this.#data;
  }

  async read(): Promise<TensorData> {
    return this.data;
  }

  async floats(): Promise<Float32Array> {
    if (!(this.data instanceof Float32Array))
      throw new Error(`a tensor ${describeType(this)} is not float32`);
    return this.data;
  }

  dispose(): void {
    this.#data = undefined;
  }
}

/** A tensor around `data`, which is not copied (a list of numbers is). */
export function tensor(dtype: DataType, shape: Shape, data: TensorData | readonly number[]): HostTensor {
  if (!Array.isArray(data)) return new HostTensor(dtype, shape, data as TensorData);
  const elements = dtype === 'float16' ? toHalfPrecision(Float32Array.from(data)) : arrays[dtype].from(data);
  return new HostTensor(dtype, shape, elements);
}

export function scalar(value: number, dtype: DataType = 'float32'): HostTensor {
  return tensor(dtype, [], [value]);
}

export function zeroTensor(type: TensorType): HostTensor {
  return new HostTensor(type.dtype, type.shape, new arrays[type.dtype](sizeOf(type.shape)));
}
