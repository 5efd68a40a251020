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

/** Read at a time; a file that is no larger is read once. */
const chunkSize = 1 << 20;

/**
 * The bytes that an open file had when it was opened. What is read first is kept, because a log's beginning is looked at
 * several times.
 */
export class FileBytes {
  readonly #descriptor: number;
  readonly size: number;
  /** The file's beginning, or all of it. */
  readonly head: Buffer;

  constructor(descriptor: number, size: number) {
    this.#descriptor = descriptor;
    this.size = size;
    this.head = readBytes(descriptor, 0, Math.min(size, chunkSize));
  }

  /** All bytes from `start` on. */
  rest(start: number): Buffer {
    if (this.size <= this.head.length) return this.head.subarray(start);
    return readBytes(this.#descriptor, start, this.size - start);
  }

  /**
   * The lines from byte `start` on, read in chunks; lines above `limit` bytes are passed over without being kept. Memory
   * stays within the limit and a chunk, whatever the file's size.
   */
  *lines(start: number, limit: number): Generator<Line> {
    let buffer = this.head;
    /** The line that is being read is `buffer[from, end)`, of which the first `searched` bytes hold no line end. */
    let from = start;
    let end = this.head.length;
    let searched = 0;
    /** Bytes of an overlong line that are gone already. */
    let dropped = 0;
    let offset = start;
    let number = 1;
    for (;;) {
      const found = buffer.subarray(from + searched, end).indexOf(0x0a);
      if (found >= 0) {
        const length = searched + found;
        const bytes = dropped === 0 && length <= limit ? buffer.subarray(from, from + length) : null;
        yield { offset, number, bytes, length: dropped + length, ended: true };
        from += length + 1;
        offset += dropped + length + 1;
        number++;
        searched = dropped = 0;
        continue;
      }
      searched = end - from;
      if (searched > limit) {
        dropped += searched;
        from = end;
        searched = 0;
      }
      if (offset + dropped + searched < this.size) {
        // What is left moves to the front; to a larger buffer if it fills this one, or if this one is the head.
        const fits = searched < buffer.length && buffer !== this.head;
        const room = fits ? buffer : Buffer.allocUnsafe(Math.min(2 * searched, limit) + chunkSize);
        buffer.copy(room, 0, from, end);
        buffer = room;
        from = 0;
        end = searched;
        const read = readSync(this.#descriptor, buffer, end, buffer.length - end, offset + dropped + end);
        end += read;
        if (read > 0) continue;
      }
      const length = dropped + searched;
      const bytes = dropped === 0 ? buffer.subarray(from, end) : null;
      if (length > 0) yield { offset, number, bytes, length, ended: false };
      return;
    }
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
