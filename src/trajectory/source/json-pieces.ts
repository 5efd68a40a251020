import type { Bytes } from './bytes.ts';
import { jsonErrorAt } from './json-syntax.ts';
import { skipSpace, skipValue } from './positions.ts';

/** What is no larger is parsed in one go, in bytes. */
const usualPiece = 4 * 2 ** 20;
/** A single text or number that is longer is refused, in bytes: as a string it may take twice that. */
const longestText = 128 * 2 ** 20;
/** Deeper than this, large values are not taken apart. */
const deepest = 64;

/** Where and why a text is no JSON. `index` is that of the byte. */
export class JsonFault extends Error {
  readonly index: number;

  constructor(index: number, message: string) {
    super(message);
    this.index = index;
  }
}

/**
 * Parses the JSON value at `from` without ever holding its whole text: what is large is taken apart and its members are
 * parsed one by one. Of a large list the elements are not even held as values: each is parsed when it is looked at, and
 * is another object each time, so that `bytes` must stay readable. Raises JsonFault, of a list also when its elements
 * are looked at and the bytes are no longer what they were.
 */
export function parsePieces(
  bytes: Bytes,
  from: number,
  pieceSize = usualPiece,
): { readonly value: unknown; readonly end: number } {
  return piece(bytes, skipSpace(bytes, from), pieceSize, 0);
}

/** The elements of the array at `from`, and where each of them begins and ends. Raises JsonFault. */
export function* elementsOf(
  bytes: Bytes,
  from: number,
): Generator<{ readonly from: number; readonly end: number }> {
  yield* members(bytes, skipSpace(bytes, from) + 1, ']', at => at);
}

function piece(
  bytes: Bytes,
  from: number,
  pieceSize: number,
  depth: number,
): { value: unknown; end: number } {
  const end = skipValue(bytes, from);
  if (end - from <= pieceSize || depth >= deepest) return { value: parse(bytes, from, end), end };
  const first = bytes.at(from);
  const member = (at: number, end: number): unknown =>
    end - at <= pieceSize ? parse(bytes, at, end) : piece(bytes, at, pieceSize, depth + 1).value;
  if (first === 0x5b) {
    const bounds: number[] = [];
    for (const { from: at, end } of members(bytes, from + 1, ']', at => at)) {
      member(at, end);
      bounds.push(at, end);
    }
    return { value: lazyList(bounds.length / 2, i => member(bounds[2 * i]!, bounds[2 * i + 1]!)), end };
  }
  if (first === 0x7b) {
    const entries: [string, unknown][] = [];
    let name = '';
    const named = (at: number): number => {
      if (bytes.at(at) !== 0x22) throw fault(bytes, at, 'a name in quotes');
      const end = skipValue(bytes, at);
      name = parse(bytes, at, end) as string;
      const colon = skipSpace(bytes, end);
      if (bytes.at(colon) !== 0x3a) throw fault(bytes, colon, '`:`');
      return skipSpace(bytes, colon + 1);
    };
    for (const { from: at, end } of members(bytes, from + 1, '}', named)) {
      entries.push([name, member(at, end)]);
    }
    // Defines members, also one named __proto__, as JSON.parse does.
    return { value: Object.fromEntries(entries), end };
  }
  if (end - from <= longestText) return { value: parse(bytes, from, end), end };
  throw new JsonFault(from, `one text of ${Math.round((end - from) / 2 ** 20)} MiB is too long to be read`);
}

/** A list that cannot be changed, whose elements are made when they are looked at; the last one is kept. */
function lazyList(length: number, elementAt: (index: number) => unknown): readonly unknown[] {
  let last = -1;
  let element: unknown;
  const at = (index: number): unknown => {
    if (index !== last) element = elementAt(index);
    last = index;
    return element;
  };
  const indexOf = (key: string | symbol): number => {
    const index = typeof key === 'string' && /^\d/.test(key) ? Number(key) : -1;
    return index < length ? index : -1;
  };
  return new Proxy<unknown[]>([], {
    get(target, key) {
      if (key === 'length') return length;
      const index = indexOf(key);
      return index >= 0 ? at(index) : Reflect.get(target, key);
    },
    has: (target, key) => indexOf(key) >= 0 || Reflect.has(target, key),
    getOwnPropertyDescriptor(target, key) {
      const index = indexOf(key);
      if (index >= 0) return { value: at(index), enumerable: true, configurable: true, writable: true };
      const own = Reflect.getOwnPropertyDescriptor(target, key);
      return key === 'length' ? { ...own, value: length } : own;
    },
    ownKeys: () => [...Array.from({ length }, (_, i) => String(i)), 'length'],
    set: () => false,
    deleteProperty: () => false,
    defineProperty: () => false,
  });
}

/** What stands between brackets and commas. @param begin from where a member begins to where its value does */
function* members(
  bytes: Bytes,
  from: number,
  closer: ']' | '}',
  begin: (at: number) => number,
): Generator<{ readonly from: number; readonly end: number }> {
  const close = closer.charCodeAt(0);
  let at = skipSpace(bytes, from);
  if (bytes.at(at) === close) return;
  for (;;) {
    const value = begin(at);
    const end = skipValue(bytes, value);
    if (end === value) throw fault(bytes, value, 'a value');
    yield { from: value, end };
    at = skipSpace(bytes, end);
    const next = bytes.at(at);
    if (next === close) return;
    if (next !== 0x2c) throw fault(bytes, at, `\`,\` or \`${closer}\``);
    at = skipSpace(bytes, at + 1);
  }
}

function parse(bytes: Bytes, from: number, end: number): unknown {
  const text = bytes.text(from, end);
  try {
    return JSON.parse(text);
  } catch {
    const at = jsonErrorAt(text) ?? text.length;
    throw fault(bytes, from + Buffer.byteLength(text.slice(0, at)), 'JSON');
  }
}

function fault(bytes: Bytes, at: number, expected: string): JsonFault {
  if (at >= bytes.length) return new JsonFault(bytes.length, 'it ends too early');
  const found = JSON.stringify(bytes.text(at, Math.min(bytes.length, at + 20)));
  return new JsonFault(at, `expected ${expected}, found ${found}`);
}
