import type { BrowseDrop, MiningResult } from '../mining/mine.ts';
import type { MiningMode, Pair } from '../mining/pair.ts';
import { type DropReason, dropReasons } from '../mining/rule.ts';
import type {
  BrowsePlace,
  LabelView,
  LengthRange,
  PairColumn,
  PairQuery,
  PairSelection,
  PairsHead,
  PairTableRow,
} from '../protocol.ts';
import type { BrowseKey } from '../trajectory/outline.ts';

/** Weights nearer than this are told as equal. */
const sameWeight = 0.005;

/** A pair, or a browse that gave none: what is needed to select, sort and show it. */
interface Row extends BrowseKey {
  readonly pair: Pair | null;
  readonly reason: DropReason | null;
  readonly tokens: number | null;
  readonly label: LabelView;
}

type Labels = (browse: BrowseKey) => LabelView;

/** One mode's mining as a table: every browse is one row, a pair or why it gave none. */
export class PairsTable {
  readonly mode: MiningMode;
  readonly mined: MiningResult;
  readonly #rows: readonly Row[];
  /** Rows of one browse, pairs first: a call that opened a document twice is two browses of the same name. */
  readonly #byBrowse: ReadonlyMap<string, readonly Row[]>;
  /** Searches from whose lists the guard took negatives, by `searchKey`. */
  readonly #guarded: ReadonlyMap<string, readonly string[]>;
  #last: { readonly query: string; readonly rows: readonly Row[] } | undefined;

  constructor(mode: MiningMode, mined: MiningResult, labels: Labels) {
    this.mode = mode;
    this.mined = mined;
    const pairs = mined.pairs.map((pair): Row => {
      const { log, trajectory, browseStep: step, positive: doc, reasoningTokens: tokens } = pair;
      const key = { log, trajectory, step, doc };
      return { ...key, pair, reason: null, tokens, label: labels(key) };
    });
    const drops = inOrder(mined.drops).map(({ reasoningTokens: tokens, reason, ...key }): Row => {
      return { ...key, pair: null, reason, tokens, label: labels(key) };
    });
    this.#rows = [...pairs, ...drops];
    this.#byBrowse = Map.groupBy(this.#rows, browseKey);
    const guarded = new Map<string, string[]>();
    for (const { log, trajectory, searchStep, searchPart, document } of mined.guarded) {
      const key = searchKey(log, trajectory, searchStep, searchPart);
      const taken = guarded.get(key);
      if (taken === undefined) guarded.set(key, [document]);
      else taken.push(document);
    }
    this.#guarded = guarded;
  }

  /** @param against another mode's table, to tell what is otherwise here */
  head(against: PairsTable | null): Omit<PairsHead, 'simulation'> {
    const { trajectories, searches, browses, halfLife, muRaw, pairs } = this.mined;
    const lengths = new Map<number, number>();
    for (const { reasoningTokens: length } of pairs) {
      if (length !== null && length > 0) lengths.set(length, (lengths.get(length) ?? 0) + 1);
    }
    const counts: Partial<Record<PairSelection, number>> = {};
    for (const selection of against === null ? selections : [...selections, ...comparisons]) {
      const isIn = this.#selector(selection, against);
      const count = this.#rows.reduce((sum, row) => sum + Number(isIn(row)), 0);
      if (count > 0) counts[selection] = count;
    }
    return {
      ...{ mode: this.mode, trajectories, searches, browses, halfLife, muRaw, counts },
      pairs: counts.pairs ?? 0,
      lengths: [...lengths].sort(([a], [b]) => a - b),
    };
  }

  rows(query: PairQuery, against: PairsTable | null, from: number, to: number) {
    const rows = this.#selected(query, against);
    return { total: rows.length, rows: rows.slice(from, to).map(shown) };
  }

  /** Position of a browse among the rows of a query; −1 if it is not there. */
  find(query: PairQuery, against: PairsTable | null, browse: BrowsePlace): number {
    const key = browseKey(browse);
    return this.#selected(query, against).findIndex(row => browseKey(row) === key);
  }

  pairOf(browse: BrowsePlace): Pair | null {
    return this.#byBrowse.get(browseKey(browse))?.[0]?.pair ?? null;
  }

  /** The pair that another mode makes of the same browse. */
  #pairLike(row: Row, other: PairsTable): Pair | null {
    const key = browseKey(row);
    const at = this.#byBrowse.get(key)!.indexOf(row);
    return other.#byBrowse.get(key)?.[at]?.pair ?? null;
  }

  /** Documents that the guard took out of a pair's negatives. */
  guardedOf(pair: Pair): readonly string[] {
    return this.#guarded.get(keyOfSearch(pair)) ?? [];
  }

  /** The rows of a query in its order. The last answer is kept: scrolling asks for the same one again and again. */
  #selected(query: PairQuery, against: PairsTable | null): readonly Row[] {
    const name = JSON.stringify(query);
    if (this.#last?.query === name) return this.#last.rows;
    const isIn = this.#selector(query.selection, against);
    const words = query.words.trim().toLowerCase();
    const rows = this.#rows.filter(
      row => isIn(row) && isWithin(row, query.lengths) && (words === '' || textOf(row).includes(words)),
    );
    const by = orders[query.sort];
    const sorted = sortBy(rows, by, query.descending);
    this.#last = { query: name, rows: sorted };
    return sorted;
  }

  #selector(selection: PairSelection, against: PairsTable | null): (row: Row) => boolean {
    const other = (row: Row) => (against === null ? null : this.#pairLike(row, against));
    switch (selection) {
      case 'browses':
        return () => true;
      case 'pairs':
        return ({ pair }) => isTrainedOn(pair);
      case 'weighed':
        return ({ pair }) => pair !== null;
      case 'unsatisfied':
        return ({ pair }) => pair?.satisfied === false;
      case 'dropped':
        return ({ reason }) => reason !== null;
      case 'irrelevantByPerson':
        return ({ reason, label }) => reason === 'irrelevant' && label.by === 'person';
      case 'irrelevantByJudge':
        return ({ reason, label }) => reason === 'irrelevant' && label.by !== 'person';
      case 'corrected':
        return ({ pair }) => pair?.corrected === true;
      case 'guarded':
        return ({ pair }) => pair !== null && this.#guarded.has(keyOfSearch(pair));
      case 'withoutNegatives':
        return ({ pair }) => pair !== null && pair.negatives.length === 0;
      case 'byPerson':
      case 'byModel':
      case 'byRules':
        return ({ pair, label }) => pair?.satisfied === true && label.by === givers[selection];
      case 'gained':
        return row => isTrainedOn(row.pair) && !isTrainedOn(other(row));
      case 'lost':
        return row => !isTrainedOn(row.pair) && isTrainedOn(other(row));
      case 'otherQuery':
        return row => isBoth(row.pair, other(row)) && !isSameSearch(row.pair!, other(row)!);
      case 'otherWeight':
        return row => {
          const before = other(row);
          return (
            isBoth(row.pair, before) &&
            isSameSearch(row.pair!, before!) &&
            Math.abs(row.pair!.weight - before!.weight) >= sameWeight
          );
        };
      default:
        return ({ reason }) => reason === selection;
    }
  }
}

const givers = { byPerson: 'person', byModel: 'model', byRules: 'rules' } as const;

/** By trajectory and then by step: mining tells reason by reason what it left out of a trajectory. */
function inOrder(drops: readonly BrowseDrop[]): readonly BrowseDrop[] {
  const trajectories = Map.groupBy(drops, ({ log, trajectory }) => JSON.stringify([log, trajectory]));
  return [...trajectories.values()].flatMap(own => own.sort((a, b) => a.step - b.step));
}

const selections: readonly PairSelection[] = [
  ...(['browses', 'pairs', 'weighed', 'unsatisfied', 'dropped', ...dropReasons] as const),
  ...(['irrelevantByPerson', 'irrelevantByJudge', 'corrected', 'guarded', 'withoutNegatives'] as const),
  ...(['byPerson', 'byModel', 'byRules'] as const),
];
const comparisons: readonly PairSelection[] = ['gained', 'lost', 'otherQuery', 'otherWeight'];

/** What rows are sorted by; what has none of it comes last. */
const orders: Record<PairColumn, (row: Row) => number | string | null> = {
  query: ({ pair }) => pair?.query.toLowerCase() ?? null,
  positive: ({ doc }) => doc,
  negatives: ({ pair }) => pair?.negatives.length ?? null,
  tokens: ({ tokens }) => tokens,
  weight: ({ pair }) => pair?.weight ?? null,
  label: ({ label }) => `${label.value} ${label.by ?? ''} ${label.name}`,
  place: () => null,
};

function sortBy(
  rows: readonly Row[],
  by: (row: Row) => number | string | null,
  descending: boolean,
): readonly Row[] {
  const sign = descending ? -1 : 1;
  const keyed = rows.map((row, place) => ({ row, key: by(row), place }));
  keyed.sort((a, b) => {
    if (a.key === b.key) return a.key === null ? sign * (a.place - b.place) : a.place - b.place;
    if (a.key === null) return 1;
    if (b.key === null) return -1;
    return a.key < b.key ? -sign : sign;
  });
  return keyed.map(({ row }) => row);
}

function shown({ log, trajectory, step, doc, pair, reason, tokens, label }: Row): PairTableRow {
  return {
    ...{ log, trajectory, step, doc, tokens, label, reason },
    query: pair?.query ?? null,
    searchStep: pair?.searchStep ?? null,
    negatives: pair?.negatives.length ?? null,
    weight: pair?.weight ?? null,
  };
}

/** As `PairsHead.lengths` counts: a length of 0 is none. */
function isWithin({ tokens }: Row, range: LengthRange | null): boolean {
  if (range === null) return true;
  return tokens !== null && tokens > 0 && tokens >= range.from && (range.to === null || tokens < range.to);
}

function textOf({ log, doc, pair }: Row): string {
  return [pair?.query, pair?.question, doc, log].join('\n').toLowerCase();
}

function browseKey({ log, trajectory, step, doc }: BrowsePlace): string {
  return JSON.stringify([log, trajectory, step, doc]);
}

function keyOfSearch({ log, trajectory, searchStep, searchPart }: Pair): string {
  return searchKey(log, trajectory, searchStep, searchPart);
}

function searchKey(log: string, trajectory: string, step: number, part: number): string {
  return JSON.stringify([log, trajectory, step, part]);
}

/** Rows of irrelevant browses, which mode `released` keeps, are in no loss. */
function isTrainedOn(pair: Pair | null): boolean {
  return pair?.satisfied === true;
}

function isBoth(a: Pair | null, b: Pair | null): boolean {
  return isTrainedOn(a) && isTrainedOn(b);
}

function isSameSearch(a: Pair, b: Pair): boolean {
  return a.searchStep === b.searchStep && a.query === b.query;
}
