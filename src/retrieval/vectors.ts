import { halfPrecision, toHalfPrecision } from '../base/half.ts';

/** How many bits a number of a stored vector has: floats of 32 or 16, or integers of 8 with a scale per vector. */
export const precisions = ['fp32', 'fp16', 'int8'] as const;
export type Precision = (typeof precisions)[number];

/** Numbers as they are stored; of fp16 their bits. */
export type Numbers = Float32Array | Uint16Array | Int8Array;

/** Vectors of documents, in memory that threads share. A message to a thread copies none of it. */
export interface Vectors {
  readonly precision: Precision;
  readonly dimension: number;
  readonly size: number;
  /** Row-major `size × dimension`. */
  readonly numbers: Numbers;
  /** Of int8, by what each vector's numbers are multiplied; else empty. */
  readonly scales: Float32Array;
}

const room: Readonly<Record<Precision, (numbers: number) => Numbers>> = {
  fp32: numbers => new Float32Array(new SharedArrayBuffer(4 * numbers)),
  fp16: numbers => new Uint16Array(new SharedArrayBuffer(2 * numbers)),
  int8: numbers => new Int8Array(new SharedArrayBuffer(numbers)),
};

export const numberBytes: Readonly<Record<Precision, number>> = { fp32: 4, fp16: 2, int8: 1 };

/** Room for so many vectors, all zero. */
export function sharedVectors(precision: Precision, size: number, dimension: number): Vectors {
  return {
    ...{ precision, dimension, size },
    numbers: room[precision](size * dimension),
    scales: new Float32Array(new SharedArrayBuffer(precision === 'int8' ? 4 * size : 0)),
  };
}

/**
 * Vectors in fewer bits. Those of int8 are symmetric: the number of largest absolute value becomes ±127.
 * @param rows row-major, of 32 bits
 */
export function pack(rows: Float32Array, dimension: number, precision: Precision) {
  const scales = new Float32Array(precision === 'int8' ? rows.length / dimension : 0);
  if (precision === 'fp32') return { numbers: rows, scales };
  if (precision === 'fp16') return { numbers: toHalfPrecision(rows), scales };
  const numbers = new Int8Array(rows.length);
  for (let row = 0; row < scales.length; row++) {
    const begin = row * dimension;
    let greatest = 0;
    for (let i = begin; i < begin + dimension; i++) greatest = Math.max(greatest, Math.abs(rows[i]!));
    if (greatest === 0) continue;
    scales[row] = greatest / 127;
    for (let i = begin; i < begin + dimension; i++) numbers[i] = Math.round((rows[i]! / greatest) * 127);
  }
  return { numbers, scales };
}

/**
 * The vectors from `first` on as 32 bits: the stored ones themselves where they are of 32 bits, else widened into
 * `scratch`, which has room for `count` of them.
 */
export function widened(vectors: Vectors, first: number, count: number, scratch: Float32Array): Float32Array {
  const { numbers, scales, dimension } = vectors;
  const [begin, length] = [first * dimension, count * dimension];
  if (numbers instanceof Float32Array) return numbers.subarray(begin, begin + length);
  if (numbers instanceof Uint16Array) {
    const table = halfPrecision();
    for (let i = 0; i < length; i++) scratch[i] = table[numbers[begin + i]!]!;
  } else {
    for (let row = 0, i = 0; row < count; row++) {
      const scale = scales[first + row]!;
      for (const end = i + dimension; i < end; i++) scratch[i] = scale * numbers[begin + i]!;
    }
  }
  return scratch.subarray(0, length);
}

/** Vectors that are looked at between two uses of a scratch: few enough for the processor's cache. */
export const rowsAtOnce = 256;
