import type { Position } from '../model.ts';
import { BufferBytes, type Bytes } from './bytes.ts';
import { elementPositions, type JsonPath, type Place, PlaceCounter, pathPositions } from './positions.ts';
import { Utf8Places } from './utf8.ts';
import { weightOf } from './weight.ts';

/** A stretch `[from, to)` of a text, in UTF-16 units. */
export type Stretch = readonly [from: number, to: number];

/** One record of a log before it is known what it is: what a file holds between its commas, lines or events. */
export interface SourceRecord extends Place {
  /** What it says; its text, if that is no JSON. */
  readonly value: unknown;
  /** Bytes. */
  readonly length: number;
  /** Bytes of memory that the value takes, roughly. */
  readonly weight: number;
  /** `line 7`, `record 3`, or empty if it is the whole file. */
  readonly place: string;
  /** Where the elements of the list at a path stand. */
  positions(path: JsonPath): Position[];
  /** The same for each of several lists, in no more than a pass or two for all of them. */
  lists(paths: readonly JsonPath[]): readonly (readonly Position[])[];
  /** Where what each of the paths leads to stands; nothing for those that lead nowhere. */
  places(paths: readonly JsonPath[]): (Position | undefined)[];
  /** Where stretches of its text stand, or of the text at a path in it; nothing if there is no text. */
  stretches(stretches: readonly Stretch[], path?: JsonPath): readonly Position[];
  /** The same, as it is when the next one has been read: the bytes of a record may not outlive that. */
  kept(): SourceRecord;
}

/** A record that is a JSON value. */
export class JsonRecord implements SourceRecord {
  readonly value: unknown;
  readonly place: string;
  readonly offset: number;
  readonly line: number;
  readonly column: number;
  readonly #bytes: Bytes;

  constructor(value: unknown, bytes: Bytes, { offset, line, column }: Place, place: string) {
    this.value = value;
    this.place = place;
    this.offset = offset;
    this.line = line;
    this.column = column;
    this.#bytes = bytes;
  }

  get length(): number {
    return this.#bytes.length;
  }

  get weight(): number {
    return weightOf(this.#bytes);
  }

  positions(path: JsonPath): Position[] {
    return elementPositions(this.#bytes, path, this);
  }

  lists(paths: readonly JsonPath[]): readonly (readonly Position[])[] {
    if (paths.length < 2 || paths.some(path => path.includes('*')))
      return paths.map(path => this.positions(path));
    return this.places(paths).map(place => {
      if (place === undefined) return [];
      const from = place.offset - this.offset;
      return elementPositions(new BufferBytes(this.#bytes.slice(from, from + place.length)), [], place);
    });
  }

  places(paths: readonly JsonPath[]): (Position | undefined)[] {
    return pathPositions(this.#bytes, paths, this);
  }

  stretches(stretches: readonly Stretch[], path: JsonPath = []): readonly Position[] {
    const [place] = this.places([path]);
    if (place === undefined) return [];
    const from = place.offset - this.offset;
    const written = this.#bytes.slice(from, from + place.length).toString('utf8');
    if (!written.startsWith('"')) return [];
    return positionsIn(written, place, writtenAs(written, stretches));
  }

  kept(): SourceRecord {
    return new JsonRecord(this.value, this.#bytes.kept(), this, this.place);
  }
}

/** Tells where in a text that is written in another language than JSON its values stand. */
export interface StretchFinder {
  /** Of the elements of the list at a path. */
  elements(path: JsonPath): readonly Stretch[];
  value(path: JsonPath): Stretch | undefined;
}

/** A record that is a text, or written in one that is no JSON. */
export class TextRecord implements SourceRecord {
  readonly value: unknown;
  readonly place: string;
  readonly offset: number;
  readonly line: number;
  readonly column: number;
  readonly length: number;
  readonly weight: number;
  readonly #text: string;
  readonly #bytes: Buffer;
  readonly #find: StretchFinder;

  /** @param bytes that the text was read from */
  constructor(
    value: unknown,
    text: string,
    bytes: Buffer,
    { offset, line, column }: Place,
    place: string,
    find: StretchFinder = { elements: () => [], value: () => undefined },
  ) {
    this.value = value;
    this.place = place;
    this.offset = offset;
    this.line = line;
    this.column = column;
    this.length = this.weight = bytes.length;
    this.#text = text;
    this.#bytes = bytes;
    this.#find = find;
  }

  positions(path: JsonPath): Position[] {
    return this.#positions(this.#find.elements(path));
  }

  lists(paths: readonly JsonPath[]): readonly (readonly Position[])[] {
    const lists = paths.map(path => this.#find.elements(path));
    const all = this.#positions(lists.flat());
    let end = 0;
    return lists.map(list => {
      end += list.length;
      return all.slice(end - list.length, end);
    });
  }

  places(paths: readonly JsonPath[]): (Position | undefined)[] {
    const found = paths.map(path => this.#find.value(path));
    const positions = this.#positions(found.map(stretch => stretch ?? [0, 0]));
    return positions.map((position, i) => (found[i] === undefined ? undefined : position));
  }

  stretches(stretches: readonly Stretch[], path: JsonPath = []): readonly Position[] {
    // Only the text itself: in one that is written otherwise, nothing tells where its letters stand.
    return path.length === 0 ? this.#positions(stretches) : [];
  }

  kept(): SourceRecord {
    return this;
  }

  #positions(stretches: readonly Stretch[]): Position[] {
    const places = new Utf8Places(this.#bytes);
    return positionsIn(this.#text, this, stretches).map(({ offset, length, line, column }) => {
      const [from, to] = [places.of(offset - this.offset), places.of(offset - this.offset + length)];
      return { offset: this.offset + from, length: to - from, line, column };
    });
  }
}

/** Where stretches of a text stand that begins at a place. */
function positionsIn(text: string, start: Place, stretches: readonly Stretch[]): Position[] {
  const bytes = new BufferBytes(Buffer.from(text));
  const places = new PlaceCounter(bytes, start);
  // Places are counted forwards; stretches come in whatever order their steps have.
  const ordered = inOrder(stretches);
  const found: Position[] = [];
  let [unit, byte] = [0, 0];
  for (const { stretch, index } of ordered) {
    const [from, to] = stretch;
    byte += Buffer.byteLength(text.slice(unit, from));
    unit = from;
    found[index] = { ...places.at(byte), length: Buffer.byteLength(text.slice(from, to)) };
  }
  return found;
}

/** The stretches of a JSON string, quotes and all, in which those of the text that it says are written. */
function writtenAs(json: string, stretches: readonly Stretch[]): Stretch[] {
  const written = stretches.map((): [number, number] => [0, 0]);
  const ends = inOrder(stretches.flat().map((unit): Stretch => [unit, unit]));
  let [unit, at] = [0, 1];
  let backslash = json.indexOf('\\');
  for (const { stretch, index } of ends) {
    const [wanted] = stretch;
    while (backslash >= 0 && unit + backslash - at < wanted) {
      unit += backslash - at + 1;
      at = backslash + (json[backslash + 1] === 'u' ? 6 : 2);
      backslash = json.indexOf('\\', at);
    }
    written[index >> 1]![index % 2] = at + wanted - unit;
  }
  return written;
}

function inOrder(stretches: readonly Stretch[]): { readonly stretch: Stretch; readonly index: number }[] {
  return stretches.map((stretch, index) => ({ stretch, index })).sort((a, b) => a.stretch[0] - b.stretch[0]);
}
