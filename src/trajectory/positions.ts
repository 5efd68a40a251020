import type { JsonPath } from './format.ts';
import type { Position } from './model.ts';

/** Where a stretch of a file begins: byte offset, and line and column from 1. */
export interface Place {
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const newline = 0x0a;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/**
 * The places of the elements of the array at `path` in a JSON text: `bytes` must be valid JSON and stand at `start` in
 * its file. It skips over what it does not need, so it costs a fraction of parsing. Empty if there is no array there.
 */
export function elementPositions(bytes: Buffer, path: JsonPath, start: Place): Position[] {
  let at = skipSpace(bytes, 0);
  for (const name of path) {
    at = typeof name === 'string' ? memberValue(bytes, at, name) : elementAt(bytes, at, name);
    if (at < 0) return [];
  }
  const places = new PlaceCounter(bytes, start);
  const positions: Position[] = [];
  for (let from = firstElement(bytes, at); from >= 0; ) {
    const end = skipValue(bytes, from);
    positions.push({ ...places.at(from), length: end - from });
    from = nextElement(bytes, end);
  }
  return positions;
}

/** Turns ascending byte indices into places; columns count UTF-16 units, as editors do. */
class PlaceCounter {
  readonly #bytes: Buffer;
  readonly #start: Place;
  #line: number;
  #column: number;
  /** The byte that `#line` and `#column` are of. */
  #at = 0;

  constructor(bytes: Buffer, start: Place) {
    this.#bytes = bytes;
    this.#start = start;
    this.#line = start.line;
    this.#column = start.column;
  }

  at(index: number): Place {
    for (let end = this.#lineEnd(index); end >= 0; end = this.#lineEnd(index)) {
      this.#line++;
      this.#column = 1;
      this.#at = end + 1;
    }
    this.#column += this.#bytes.toString('utf8', this.#at, index).length;
    this.#at = index;
    return { offset: this.#start.offset + index, line: this.#line, column: this.#column };
  }

  #lineEnd(before: number): number {
    const end = this.#bytes.subarray(this.#at, before).indexOf(newline);
    return end < 0 ? -1 : this.#at + end;
  }
}

/** The place of a byte in a text that begins at `start`. */
export function placeAt(bytes: Buffer, index: number, start: Place): Place {
  return new PlaceCounter(bytes, start).at(index);
}

/** Index of the value of a member; of the last one if there are several, as JSON.parse has it. -1 if there is none. */
function memberValue(bytes: Buffer, object: number, name: string): number {
  if (bytes[object] !== openBrace) return -1;
  let found = -1;
  for (let at = skipSpace(bytes, object + 1); bytes[at] === quote; ) {
    const end = skipString(bytes, at);
    const value = skipSpace(bytes, skipSpace(bytes, end) + 1);
    if (JSON.parse(bytes.toString('utf8', at, end)) === name) found = value;
    at = skipSpace(bytes, skipValue(bytes, value));
    if (bytes[at] !== comma) break;
    at = skipSpace(bytes, at + 1);
  }
  return found;
}

function elementAt(bytes: Buffer, array: number, index: number): number {
  let at = firstElement(bytes, array);
  for (let i = 0; at >= 0 && i < index; i++) at = nextElement(bytes, skipValue(bytes, at));
  return at;
}

/** Index of an array's first element, or -1 if it has none or is no array. */
function firstElement(bytes: Buffer, array: number): number {
  if (bytes[array] !== openBracket) return -1;
  const at = skipSpace(bytes, array + 1);
  return bytes[at] === closeBracket ? -1 : at;
}

/** Index of the element after the one that ends at `end`, or -1. */
function nextElement(bytes: Buffer, end: number): number {
  const at = skipSpace(bytes, end);
  return bytes[at] === comma ? skipSpace(bytes, at + 1) : -1;
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  for (let c = bytes[at]; c === 0x20 || c === newline || c === 0x0d || c === 0x09; c = bytes[at]) at++;
  return at;
}

/** Index after the value that begins at `from`. Counts brackets and does not recurse: any depth will do. */
function skipValue(bytes: Buffer, from: number): number {
  const first = bytes[from];
  if (first === quote) return skipString(bytes, from);
  let at = from;
  if (first !== openBrace && first !== openBracket) {
    while (at < bytes.length && !endsScalar(bytes[at]!)) at++;
    return at;
  }
  let depth = 0;
  while (at < bytes.length) {
    const c = bytes[at];
    if (c === quote) {
      at = skipString(bytes, at);
      continue;
    }
    at++;
    if (c === openBrace || c === openBracket) depth++;
    else if ((c === closeBrace || c === closeBracket) && --depth === 0) return at;
  }
  return at;
}

function endsScalar(c: number): boolean {
  return c === comma || c === closeBracket || c === closeBrace || c === colon || c <= 0x20;
}

/** Index after the string that begins at `from`. */
function skipString(bytes: Buffer, from: number): number {
  let at = from + 1;
  while (at < bytes.length) {
    const c = bytes[at];
    if (c === quote) return at + 1;
    at += c === backslash ? 2 : 1;
  }
  return bytes.length;
}
