/** What a list shows is pulled in pages of `size` rows. */
export interface Source<Row> {
  readonly size: number;
  readonly pull: (range: { readonly from: number; readonly to: number }) => Promise<readonly Row[]>;
  /** A page has come. */
  readonly came: () => void;
  readonly failed: (error: unknown) => void;
}

/** So many pages are kept; the editor has the rest. */
const kept = 20;

/**
 * The rows of a list, pulled by the page as they come on the screen; those pages are kept that were looked at last. What
 * is pulled once the rows are others, with another `Pages`, does not come among these.
 */
export class Pages<Row> {
  readonly #source: Source<Row>;
  /** By number, in the order in which they were looked at; null while they come. */
  readonly #pages = new Map<number, readonly Row[] | null>();

  constructor(source: Source<Row>) {
    this.#source = source;
  }

  /** A row, if its page is here; else the page is asked for. */
  at(row: number): Row | undefined {
    const page = this.#pageOf(row);
    const rows = this.#pages.get(page);
    if (rows === undefined) void this.#pull(page).catch(this.#source.failed);
    else this.#keep(page, rows);
    return rows?.[row % this.#source.size];
  }

  /** Pulls the pages that some rows are in. */
  async load(rows: readonly number[]): Promise<void> {
    await Promise.all([...new Set(rows.map(row => this.#pageOf(row)))].map(page => this.#pull(page)));
  }

  #pageOf(row: number): number {
    return Math.floor(row / this.#source.size);
  }

  async #pull(page: number): Promise<void> {
    const { size, pull, came } = this.#source;
    this.#keep(page, null);
    this.#keep(page, await pull({ from: page * size, to: (page + 1) * size }));
    came();
  }

  #keep(page: number, rows: readonly Row[] | null): void {
    this.#pages.delete(page);
    this.#pages.set(page, rows);
    if (this.#pages.size > kept) this.#pages.delete(this.#pages.keys().next().value!);
  }
}
