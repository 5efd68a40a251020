import type { PairQuery, PairRowView } from '../../src/protocol.ts';
import type { Editor } from '../rpc.ts';

/** Rows are pulled from the editor in pages of this many. */
const pageSize = 200;
/** So many pages are held at most, however many there are. */
const keptPages = 8;
/** Milliseconds that rows stand still before their titles are read from the logs. */
const settling = 80;

/** The rows of the table that are near the screen, pulled by position. */
export class PairRows {
  readonly #editor: Editor;
  readonly #onChange: () => void;
  #query: PairQuery | undefined;
  #total = 0;
  #pages = new Map<number, readonly PairRowView[] | 'loading'>();
  /** By document; null where the log has no title. */
  readonly #titles = new Map<string, string | null>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(editor: Editor, onChange: () => void) {
    this.#editor = editor;
    this.#onChange = onChange;
  }

  get total(): number {
    return this.#total;
  }

  /** Rows of a query, those around a position first. What was shown stays until they are there. */
  async load(query: PairQuery, position: number): Promise<void> {
    this.#query = query;
    const wanted = Math.floor(position / pageSize);
    let { total, rows } = await this.#ask(query, wanted);
    if (this.#query !== query) return;
    let page = wanted;
    if (rows.length === 0 && total > 0) {
      page = Math.floor((total - 1) / pageSize);
      ({ total, rows } = await this.#ask(query, page));
      if (this.#query !== query) return;
    }
    this.#total = total;
    this.#pages = new Map([[page, rows]]);
    this.#onChange();
  }

  /** The row at a position; undefined while it is on its way. */
  at(position: number): PairRowView | undefined {
    const query = this.#query;
    if (query === undefined || position < 0 || position >= this.#total) return undefined;
    const page = Math.floor(position / pageSize);
    const known = this.#pages.get(page);
    if (known !== undefined) return known === 'loading' ? undefined : known[position % pageSize];
    const pages = this.#pages;
    if (pages.size >= keptPages) pages.delete(pages.keys().next().value!);
    pages.set(page, 'loading');
    this.#ask(query, page).then(
      ({ rows }) => {
        pages.set(page, rows);
        this.#onChange();
      },
      // It is asked for again when it is next on the screen.
      () => pages.delete(page),
    );
    return undefined;
  }

  title({ doc }: PairRowView): string | null {
    return doc === null ? null : (this.#titles.get(doc) ?? null);
  }

  /** Reads the titles of the rows at some positions, once the table stands still. */
  askTitles(positions: readonly number[]): void {
    const missing = positions
      .map(position => this.#pageRow(position))
      .filter(row => row != null && row.doc !== null && !this.#titles.has(row.doc)) as PairRowView[];
    if (missing.length === 0) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(async () => {
      const keys = missing.map(({ log, trajectory, step, doc }) => ({ log, trajectory, step, doc }));
      // A log that cannot be read gives no titles: the ids stay.
      const titles = await this.#editor.request('pairs.titles', { keys }).catch(() => keys.map(() => null));
      for (const [i, { doc }] of keys.entries()) this.#titles.set(doc!, titles[i] ?? null);
      this.#onChange();
    }, settling);
  }

  #pageRow(position: number): PairRowView | undefined {
    const page = this.#pages.get(Math.floor(position / pageSize));
    return page === undefined || page === 'loading' ? undefined : page[position % pageSize];
  }

  #ask(query: PairQuery, page: number) {
    const from = page * pageSize;
    return this.#editor.request('pairs.rows', { query, from, to: from + pageSize });
  }
}
