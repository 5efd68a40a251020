import { isAscii } from 'node:buffer';
import { readSync } from 'node:fs';

/** Bytes that can be looked at by index, wherever they are. */
export interface Bytes {
  readonly length: number;
  /** Whether one byte is one character, as far as is known without looking. */
  readonly isAscii: boolean;
  /** The byte at an index; −1 behind the end. */
  at(index: number): number;
  /** Index of the next such byte from an index on, −1 if there is none. */
  indexOf(byte: number, from: number): number;
  /** The text of `[from, to)`, read as UTF-8. */
  text(from: number, to: number): string;
  /** The bytes `[from, to)`. */
  slice(from: number, to: number): Buffer;
  /** The same, whatever becomes of the buffer that they lie in. */
  kept(): Bytes;
}

/** Bytes in memory. */
export class BufferBytes implements Bytes {
  readonly length: number;
  readonly isAscii: boolean;
  readonly #buffer: Buffer;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
    this.length = buffer.length;
    this.isAscii = isAscii(buffer);
  }

  at(index: number): number {
    return index < this.length ? this.#buffer[index]! : -1;
  }

  indexOf(byte: number, from: number): number {
    return this.#buffer.indexOf(byte, from);
  }

  text(from: number, to: number): string {
    return this.#buffer.toString('utf8', from, to);
  }

  slice(from: number, to: number): Buffer {
    return this.#buffer.subarray(from, to);
  }

  kept(): Bytes {
    return new BufferBytes(Buffer.from(this.#buffer));
  }
}

const windowSize = 1 << 20;
/** The window begins so far before what is asked for: a look back does not move it. */
const lookBack = 1 << 12;

/** A stretch of an open file, of which no more than a window is in memory. Made for going through it from left to right. */
export class FileWindow implements Bytes {
  readonly length: number;
  readonly isAscii = false;
  readonly #descriptor: number;
  readonly #start: number;
  readonly #window = Buffer.allocUnsafe(windowSize);
  /** The window holds `[#from, #to)`. */
  #from = 0;
  #to = 0;
  /** Where the file ended when last looked: it may have been cut off since it was opened. */
  #end = Infinity;

  /** @param start offset of the stretch in its file */
  constructor(descriptor: number, start: number, length: number) {
    this.#descriptor = descriptor;
    this.#start = start;
    this.length = length;
  }

  at(index: number): number {
    if (index >= this.#from && index < this.#to) return this.#window[index - this.#from]!;
    return this.#move(index) ? this.#window[index - this.#from]! : -1;
  }

  indexOf(byte: number, from: number): number {
    for (let at = from; at < this.length; at = this.#to) {
      if ((at < this.#from || at >= this.#to) && !this.#move(at)) return -1;
      const found = this.#window.subarray(0, this.#to - this.#from).indexOf(byte, at - this.#from);
      if (found >= 0) return this.#from + found;
    }
    return -1;
  }

  text(from: number, to: number): string {
    return this.slice(from, to).toString('utf8');
  }

  slice(from: number, to: number): Buffer {
    const end = Math.min(to, this.length);
    if (from >= this.#from && end <= this.#to) {
      return Buffer.from(this.#window.subarray(from - this.#from, end - this.#from));
    }
    const bytes = Buffer.allocUnsafe(Math.max(0, end - from));
    return bytes.subarray(0, readFully(this.#descriptor, bytes, this.#start + from));
  }

  kept(): Bytes {
    return this;
  }

  /** Puts the window at an index; false if the file has nothing there. */
  #move(index: number): boolean {
    if (index >= this.length || index >= this.#end) return false;
    this.#from = Math.max(0, index - lookBack);
    const room = this.#window.subarray(0, Math.min(windowSize, this.length - this.#from));
    this.#to = this.#from + readFully(this.#descriptor, room, this.#start + this.#from);
    if (this.#to < this.#from + room.length) this.#end = this.#to;
    return this.#to > index;
  }
}

/** Fills a buffer from a file as far as this goes on; says how far that was. */
export function readFully(descriptor: number, bytes: Buffer, offset: number): number {
  let filled = 0;
  while (filled < bytes.length) {
    const read = readSync(descriptor, bytes, filled, bytes.length - filled, offset + filled);
    if (read === 0) break;
    filled += read;
  }
  return filled;
}
