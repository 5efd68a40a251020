import { TopK } from './top-k.ts';
import { rowsAtOnce, type Vectors, widened } from './vectors.ts';

/** The best k of all documents, each compared with the query. Scores are those of `scoresAt`. */
export function bestOfAll(vectors: Vectors, query: Float64Array, k: number): TopK {
  const { size, dimension } = vectors;
  const best = new TopK(k, size);
  const scratch = new Float32Array(rowsAtOnce * dimension);
  const starts = Int32Array.from({ length: rowsAtOnce }, (_, i) => i * dimension);
  const scores = new Float64Array(rowsAtOnce);
  for (let first = 0; first < size; first += rowsAtOnce) {
    const count = Math.min(rowsAtOnce, size - first);
    const rows = widened(vectors, first, count, scratch);
    innerProducts(rows, starts, query, scores.subarray(0, count));
    for (let i = 0; i < count; i++) best.offer(first + i, scores[i]!);
  }
  return best;
}

/** The inner products of some documents with a query, summed in 64 bits from the first number to the last. */
export function scoresAt(vectors: Vectors, positions: Uint32Array, query: Float64Array): Float64Array {
  const { numbers, dimension } = vectors;
  const scores = new Float64Array(positions.length);
  const starts = new Int32Array(positions.length);
  // They lie far apart: to copy them first would cost a second wait for memory. Places must fit into 31 bits.
  if (numbers instanceof Float32Array && numbers.length < 2 ** 31) {
    for (let i = 0; i < starts.length; i++) starts[i] = positions[i]! * dimension;
    innerProducts(numbers, starts, query, scores);
    return scores;
  }
  const rows = new Float32Array(few * dimension);
  for (let i = 0; i < few; i++) starts[i] = i * dimension;
  for (let first = 0; first < positions.length; first += few) {
    const count = Math.min(few, positions.length - first);
    for (let i = 0; i < count; i++) {
      const row = rows.subarray(i * dimension, (i + 1) * dimension);
      const vector = widened(vectors, positions[first + i]!, 1, row);
      if (vector.buffer !== rows.buffer) row.set(vector);
    }
    innerProducts(rows, starts, query, scores.subarray(first, first + count));
  }
  return scores;
}

/** Vectors that are widened one by one before they are multiplied. */
const few = 16;

/**
 * Eight rows at a time: eight independent sums keep the processor and the memory busy, and share each number of the vector.
 * Each row is summed in the same order wherever it stands, so that equal rows have equal scores.
 *
 * @param starts where each row begins among the numbers
 */
function innerProducts(
  numbers: Float32Array,
  starts: Int32Array,
  vector: Float64Array,
  out: Float64Array,
): void {
  const dimension = vector.length;
  let row = 0;
  for (; row + 8 <= out.length; row += 8) {
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    let e = 0;
    let f = 0;
    let g = 0;
    let h = 0;
    let p = starts[row]!;
    const toB = starts[row + 1]! - p;
    const toC = starts[row + 2]! - p;
    const toD = starts[row + 3]! - p;
    const toE = starts[row + 4]! - p;
    const toF = starts[row + 5]! - p;
    const toG = starts[row + 6]! - p;
    const toH = starts[row + 7]! - p;
    for (let i = 0; i < dimension; i++, p++) {
      const x = vector[i]!;
      a += numbers[p]! * x;
      b += numbers[p + toB]! * x;
      c += numbers[p + toC]! * x;
      d += numbers[p + toD]! * x;
      e += numbers[p + toE]! * x;
      f += numbers[p + toF]! * x;
      g += numbers[p + toG]! * x;
      h += numbers[p + toH]! * x;
    }
    out[row] = a;
    out[row + 1] = b;
    out[row + 2] = c;
    out[row + 3] = d;
    out[row + 4] = e;
    out[row + 5] = f;
    out[row + 6] = g;
    out[row + 7] = h;
  }
  for (; row < out.length; row++) {
    let a = 0;
    for (let i = 0, p = starts[row]!; i < dimension; i++, p++) a += numbers[p]! * vector[i]!;
    out[row] = a;
  }
}
