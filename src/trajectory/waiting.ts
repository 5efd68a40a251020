/** Things that wait under a name, or under none, in their order. Adding and taking cost the same however many there are. */
export class Waiting<Value> implements Iterable<Value> {
  /** By number; numbers count up. */
  readonly #values = new Map<number, Value>();
  readonly #byName = new Map<string | null, Line>();
  readonly #all = new Line();
  #added = 0;

  add(name: string | null, value: Value): void {
    const number = this.#added++;
    this.#values.set(number, value);
    this.#all.push(number);
    const line = this.#byName.get(name);
    if (line !== undefined) line.push(number);
    else this.#byName.set(name, new Line(number));
  }

  /** Takes out the first, or the first under a name. */
  take(name?: string | null): Value | undefined {
    const line = name === undefined ? this.#all : this.#byName.get(name);
    const number = line?.first(number => this.#values.has(number));
    if (number === undefined) return undefined;
    const value = this.#values.get(number);
    this.#values.delete(number);
    return value;
  }

  [Symbol.iterator](): Iterator<Value> {
    return this.#values.values();
  }
}

/** Numbers in a row, of which those in front that wait no longer are passed by once. */
class Line {
  readonly #numbers: number[];
  #front = 0;

  constructor(...numbers: number[]) {
    this.#numbers = numbers;
  }

  push(number: number): void {
    this.#numbers.push(number);
  }

  first(waits: (number: number) => boolean): number | undefined {
    while (this.#front < this.#numbers.length && !waits(this.#numbers[this.#front]!)) this.#front++;
    return this.#numbers[this.#front];
  }
}
