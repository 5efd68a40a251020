import { readSync } from 'node:fs';

/** One line of a file, without its end. */
export interface Line {
  /** Bytes from the file's beginning. */
  readonly offset: number;
  /** From 1. */
  readonly number: number;
  /** Its bytes, valid until the next line is read; null if it is longer than the limit. */
  readonly bytes: Buffer | null;
  readonly length: number;
  /** Whether a line end follows: a last line without one may still be being written. */
  readonly ended: boolean;
}

const chunkSize = 1 << 20;

/**
 * The lines of an open file from byte `from` on, read in chunks; lines above `limit` bytes are passed over without being
 * kept. Memory stays within the limit and a chunk, whatever the file's `size`, which only says how large a chunk pays.
 */
export function* readLines(descriptor: number, limit: number, from: number, size: number): Generator<Line> {
  let buffer = Buffer.allocUnsafe(Math.max(1, Math.min(chunkSize, size - from + 1)));
  /** The line that is being read is `buffer[start, end)`, of which `searched` bytes hold no line end. */
  let start = 0;
  let end = 0;
  let offset = from;
  let number = 1;
  let searched = 0;
  /** Bytes of an overlong line that are gone already. */
  let dropped = 0;

  for (;;) {
    const found = buffer.subarray(start + searched, end).indexOf(0x0a);
    if (found >= 0) {
      const length = searched + found;
      const whole = dropped === 0 && length <= limit;
      yield {
        offset,
        number,
        bytes: whole ? buffer.subarray(start, start + length) : null,
        length: dropped + length,
        ended: true,
      };
      start += length + 1;
      offset += dropped + length + 1;
      number++;
      searched = 0;
      dropped = 0;
      continue;
    }
    searched = end - start;
    if (searched > limit) {
      dropped += searched;
      start = end = searched = 0;
    } else if (start > 0) {
      buffer.copyWithin(0, start, end);
      end -= start;
      start = 0;
    }
    if (end === buffer.length) {
      const larger = Buffer.allocUnsafe(Math.min(buffer.length * 2, limit + chunkSize));
      buffer.copy(larger, 0, 0, end);
      buffer = larger;
    }
    const read = readSync(descriptor, buffer, end, buffer.length - end, offset + dropped + end);
    if (read > 0) {
      end += read;
      continue;
    }
    const length = dropped + searched;
    if (length > 0) {
      yield { offset, number, bytes: dropped === 0 ? buffer.subarray(0, end) : null, length, ended: false };
    }
    return;
  }
}

/** The bytes `[offset, offset + length)` of an open file; fewer if it ends before. */
export function readBytes(descriptor: number, offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const read = readSync(descriptor, bytes, filled, length - filled, offset + filled);
    if (read === 0) break;
    filled += read;
  }
  return bytes.subarray(0, filled);
}
