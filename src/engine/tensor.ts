import { LratError } from '../base/errors.ts';

/** What a tensor may hold. Indices are `int32`; `bool` is one byte per element, 0 or 1. */
export type DataType = 'float32' | 'float64' | 'int32' | 'bool';

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
  int32: Int32Array,
  bool: Uint8Array,
} as const;

/** The array that holds the elements of each data type. */
export type TensorData = Float32Array | Float64Array | Int32Array | Uint8Array;

export function sizeOf(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
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
  return new HostTensor(dtype, shape, Array.isArray(data) ? arrays[dtype].from(data) : (data as TensorData));
}

export function scalar(value: number, dtype: DataType = 'float32'): HostTensor {
  return tensor(dtype, [], [value]);
}

export function zeroTensor(type: TensorType): HostTensor {
  return new HostTensor(type.dtype, type.shape, new arrays[type.dtype](sizeOf(type.shape)));
}
