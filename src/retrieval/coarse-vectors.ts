import { type Vectors, widened } from './vectors.ts';

/** Documents that share a scale, and of whose products a search looks at the greatest first. */
export const together = 8;

/**
 * A copy of vectors in 8 bits, in memory that threads share. It says of a score where it lies at most and at least: with
 * d = centre + scale · n + rest and q = scale · m + rest,
 *
 *     |q·d − q·centre − scale · scale · n·m| ≤ |rest of q| |scale · n| + |q| |rest of d|
 *
 * (Cauchy-Schwarz). What the documents have in common, often most of their length, adds nothing to it so.
 */
export interface CoarseVectors {
  /** Block b holds the documents b, b + blocks, b + 2 blocks and so on: a sample of them all. */
  readonly blocks: number;
  /** Documents that a block has room for, in whole groups. */
  readonly blockSize: number;
  /** Row-major 128 + n, from 1 to 255, block by block. */
  readonly numbers: Uint8Array;
  readonly centre: Float32Array;
  /** Of each group. */
  readonly scales: Float64Array;
  /** Of each group the greatest |scale · n|. */
  readonly norms: Float64Array;
  /** Of each group the greatest |rest|, and what the rounding of all that is computed from it may amount to. */
  readonly rests: Float64Array;
}

/** Documents of a block, at most: enough for a fast product, which stays in the processor's cache. */
const blockLimit = 1024;
/** The documents of which the centre is the mean, at most. */
const sample = 1024;

/** Room for the copy of vectors, which `coarsen` fills. */
export function coarseRoom(vectors: Vectors): CoarseVectors {
  const { size, dimension } = vectors;
  const blocks = Math.ceil(size / blockLimit);
  const groups = Math.ceil(size / blocks / together);
  const floats = () => new Float64Array(new SharedArrayBuffer(8 * blocks * groups));
  return {
    ...{ blocks, blockSize: groups * together },
    numbers: new Uint8Array(new SharedArrayBuffer(blocks * groups * together * dimension)),
    centre: centreOf(vectors),
    ...{ scales: floats(), norms: floats(), rests: floats() },
  };
}

function centreOf(vectors: Vectors): Float32Array {
  const { size, dimension } = vectors;
  const count = Math.min(sample, size);
  const sums = new Float64Array(dimension);
  const scratch = new Float32Array(dimension);
  for (let n = 0; n < count; n++) {
    const row = widened(vectors, Math.floor((n * size) / count), 1, scratch);
    for (let i = 0; i < dimension; i++) sums[i]! += row[i]!;
  }
  return Float32Array.from(sums, sum => (Number.isFinite(sum) ? sum / count : 0));
}

/** Fills a block of the copy. */
export function coarsen(vectors: Vectors, coarse: CoarseVectors, block: number): void {
  const { size, dimension } = vectors;
  const { blocks, blockSize, numbers, centre, scales, norms, rests } = coarse;
  // A sum of n products of 64 bits is within n 2⁻⁵³ (1 + n 2⁻⁵³ + …) of the true one, of the norms' product (Higham,
  // Accuracy and Stability of Numerical Algorithms, section 3.1). This is eight times as much: the score, its part of the
  // centre, the rests and the comparison itself are rounded.
  const rounding = (dimension + 8) * 2 ** -50;
  const common = Math.sqrt(centre.reduce((sum, x) => sum + x * x, 0));
  const scratch = new Float32Array(dimension);
  const apart = new Float64Array(together * dimension);
  for (let row = block * blockSize; row < (block + 1) * blockSize; row += together) {
    // What fills up the block has the length 0.
    apart.fill(0);
    let greatest = 0;
    for (let i = 0, p = 0; i < together; i++) {
      const position = (row - block * blockSize + i) * blocks + block;
      if (position >= size) break;
      const vector = widened(vectors, position, 1, scratch);
      for (let j = 0; j < dimension; j++, p++) {
        const x = vector[j]! - centre[j]!;
        apart[p] = x;
        if (Math.abs(x) > greatest) greatest = Math.abs(x);
      }
    }
    const scale = greatest === 0 ? 1 : greatest / 127;
    const inverse = 1 / scale;
    let [norm, rest] = [0, 0];
    for (let p = 0, to = row * dimension; p < apart.length; ) {
      let [squares, left] = [0, 0];
      for (const end = p + dimension; p < end; p++, to++) {
        const x = apart[p]!;
        const rounded = (x * inverse + 128.5) | 0;
        numbers[to] = rounded;
        const n = rounded - 128;
        const r = x - scale * n;
        squares += n * n;
        left += r * r;
      }
      norm = Math.max(norm, squares);
      // Of numbers that are none this is NaN: no bound holds, and nothing is passed over.
      rest = Math.max(rest, left);
    }
    const group = row / together;
    scales[group] = scale;
    norms[group] = 1.0001 * scale * Math.sqrt(norm);
    rests[group] = 1.0001 * Math.sqrt(rest) + rounding * (norms[group]! + Math.sqrt(rest) + common);
  }
}

/** A query in 8 bits or 7, and lengths in units of its scale. */
export interface CoarseQuery {
  readonly scale: number;
  /** Its product with the centre. */
  readonly offset: number;
  readonly norm: number;
  readonly rest: number;
}

/**
 * @param reach the greatest number m
 * @param to where its numbers are written
 * @param step between two of them
 */
export function coarseQuery(
  query: Float64Array,
  centre: Float32Array,
  reach: number,
  to: Int8Array,
  step: number,
): CoarseQuery {
  let [greatest, offset] = [0, 0];
  for (let i = 0; i < query.length; i++) {
    greatest = Math.max(greatest, Math.abs(query[i]!));
    offset += query[i]! * centre[i]!;
  }
  const scale = greatest === 0 ? 1 : greatest / reach;
  let [squares, left] = [0, 0];
  for (let i = 0; i < query.length; i++) {
    const x = query[i]! / scale;
    const m = Math.round(x);
    to[i * step] = m;
    squares += x * x;
    left += (x - m) ** 2;
  }
  return { scale, offset, norm: 1.0001 * Math.sqrt(squares), rest: 1.0001 * Math.sqrt(left) };
}
