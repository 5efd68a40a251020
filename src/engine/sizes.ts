/** Sizes in which runs of a model differ, by name. */
export type Sizes<Name extends string = string> = Readonly<Record<Name, number>>;

/** Names of sizes. Shapes may have sums of all of them, and products of two of one group. */
export type SizeGroups<Name extends string = string> = readonly (readonly Name[])[];

/** A size as a polynomial of others: coefficients by monomial, which is a list of names; `''` is the constant. */
export type Polynomial = ReadonlyMap<string, number>;

/** The names in a monomial. */
export function factorsOf(monomial: string): string[] {
  return monomial === '' ? [] : monomial.split('*');
}

function evaluate(polynomial: Polynomial, sizes: Sizes): number {
  let sum = 0;
  for (const [monomial, coefficient] of polynomial)
    sum += factorsOf(monomial).reduce((product, name) => product * sizes[name]!, coefficient);
  return sum;
}

/** Finds out how whole numbers depend on sizes, from their values at a few of them. */
export class SizeSolver<Name extends string> {
  /** The sizes at which values have to be known, in this order. */
  readonly probes: readonly Sizes<Name>[];
  readonly #names: readonly Name[];
  readonly #pairs: readonly (readonly [Name, Name])[];

  constructor(groups: SizeGroups<Name>) {
    this.#names = groups.flat();
    this.#pairs = groups.flatMap(names =>
      names.flatMap((a, i) => names.slice(i + 1).map(b => [a, b] as const)),
    );
    // Small, as tables of positions end; above 1, as a size of 1 is broadcast; different from each other.
    const base = this.#sizes((_, i) => 2 + i);
    const raised = (...names: Name[]) => this.#sizes(name => base[name]! + (names.includes(name) ? 1 : 0));
    this.probes = [
      base,
      ...this.#names.map(name => raised(name)),
      ...this.#pairs.map(pair => raised(...pair)),
      // Two that check what the others have shown, also of different sizes: the other way round, and every other one first.
      this.#sizes((_, i) => 2 + this.#names.length - i),
      this.#sizes((_, i) => 4 + (i % 2 === 0 ? i / 2 : Math.ceil(this.#names.length / 2) + (i - 1) / 2)),
    ];
  }

  #sizes(of: (name: Name, i: number) => number): Sizes<Name> {
    return Object.fromEntries(this.#names.map((name, i) => [name, of(name, i)])) as Sizes<Name>;
  }

  /** The polynomial that has these values at the probes; null if none has. */
  solve(values: readonly number[]): Polynomial | null {
    const [base, sizes] = [values[0]!, this.probes[0]!];
    const rise = new Map(this.#names.map((name, i) => [name, values[1 + i]! - base]));
    const polynomial = new Map<string, number>(rise);
    const lower = (name: Name, by: number) => polynomial.set(name, polynomial.get(name)! - by);
    for (const [i, [a, b]] of this.#pairs.entries()) {
      const both = values[1 + this.#names.length + i]!;
      const product = both - base - rise.get(a)! - rise.get(b)!;
      if (product === 0) continue;
      polynomial.set(`${a}*${b}`, product);
      lower(a, product * sizes[b]!);
      lower(b, product * sizes[a]!);
    }
    polynomial.set('', base - evaluate(polynomial, sizes));
    for (const [monomial, coefficient] of polynomial) if (coefficient === 0) polynomial.delete(monomial);
    return this.probes.every((probe, i) => evaluate(polynomial, probe) === values[i]) ? polynomial : null;
  }
}
