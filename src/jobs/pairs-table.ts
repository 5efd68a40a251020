import { type IntensityScale, relevanceIntensity, rescaled } from '../mining/intensity.ts';
import type { MiningResult } from '../mining/mine.ts';
import type { MiningMode, Pair } from '../mining/pair.ts';
import type {
  BrowseFate,
  IntensityPreview,
  PairCare,
  PairChange,
  PairColumn,
  PairDetail,
  PairKey,
  PairQuery,
  PairRowView,
  PairSubset,
  PairSummary,
} from '../protocol.ts';
import type { Step, Trajectory } from '../trajectory/model.ts';
import type { BrowseKey } from '../trajectory/outline.ts';
import type { ResolvedLabels } from '../workspace/labels.ts';

/** Bars of the histogram, the last of which holds the long tail. */
const bars = 40;
/** Orders that are kept: going back to a filter or a column costs nothing. */
const keptOrders = 6;
/** Reasoning is shown up to so many characters; the log has the rest. */
const shownReasoning = 20_000;
/** Weights that differ by less look the same in the table. */
const sameWeight = 0.005;

const fates = [
  'pair',
  'unsatisfied',
  'irrelevantByPerson',
  'irrelevantByJudge',
  'reread',
  'neverListed',
  'notInList',
  'noDocument',
  'unknown',
] as const satisfies readonly BrowseFate[];
const sources = ['person', 'model', 'rules'] as const;

interface Row extends PairRowView {
  readonly pair: Pair | null;
  /** Negatives that the guard took out of the pair's search. */
  readonly aside: number;
  readonly sameText: number;
}

/**
 * Every browse of a workspace under one mode of mining, as a table that is sorted and filtered here and shown by the
 * page. Whoever shows it never holds more than a page, however many rows there are.
 */
export class PairsTable {
  readonly mode: MiningMode;
  readonly #mined: MiningResult;
  readonly #titles: ReadonlyMap<string, string | null>;
  readonly #rows: readonly Row[];
  readonly #at: ReadonlyMap<string, number>;
  readonly #ranks = new Map<string, Float64Array>();
  readonly #orders = new Map<string, Int32Array>();
  readonly #changes = new Map<MiningMode, ReadonlyMap<number, ReadonlySet<PairChange>>>();

  /**
   * @param questions by trajectory as `trajectoryKey` names it, for the rows that have no query
   * @param titles of documents, as far as they are known; more may come
   */
  constructor(
    mode: MiningMode,
    mined: MiningResult,
    labels: ResolvedLabels,
    questions: ReadonlyMap<string, string | null>,
    titles: ReadonlyMap<string, string | null>,
  ) {
    this.mode = mode;
    this.#mined = mined;
    this.#titles = titles;
    const rows = rowsOf(mined, labels, questions);
    this.#rows = rows;
    this.#at = new Map(rows.map((row, at) => [keyOf(row), at]));
  }

  summary(before: PairsTable | null, ownMode: MiningMode): PairSummary {
    const { trajectories, searches, browses, halfLife, muRaw, guarded, pairs } = this.#mined;
    const removed = (because: 'relevant' | 'sameText') =>
      guarded.filter(removal => removal.because === because).length;
    const care = (subset: PairCare, count: number) => ({ count, pairs: this.#count(subset) });
    const corrected = this.#count('corrected');
    return {
      ...{ mode: this.mode, ownMode, trajectories, searches, browses, halfLife, muRaw },
      fates: Object.fromEntries(fates.map(fate => [fate, this.#count(fate)])) as PairSummary['fates'],
      sources: Object.fromEntries(
        sources.map(source => [source, this.#count(source)]),
      ) as PairSummary['sources'],
      care: {
        aside: care('aside', removed('relevant')),
        sameText: care('sameText', removed('sameText')),
        corrected: care('corrected', corrected),
      },
      lengths: histogram(lengthsOf(pairs)),
      changes: before === null ? null : { against: before.mode, counts: this.#changeCounts(before) },
    };
  }

  /** Rows from one position of the query's order to another, and how many there are. */
  rows(
    query: PairQuery,
    before: PairsTable | null,
    from: number,
    to: number,
  ): { total: number; rows: PairRowView[] } {
    const order = this.#order(query, before);
    const scale = this.#scale(query.halfLife);
    return {
      total: order.length,
      rows: Array.from(order.subarray(from, to), at => viewOf(this.#rows[at]!, scale)),
    };
  }

  /** Where the query's order has a browse; null if it does not show it. */
  position(query: PairQuery, before: PairsTable | null, key: PairKey): number | null {
    const at = this.#at.get(keyOf(key)) ?? this.#sameStep(key);
    const position = at === undefined ? -1 : this.#order(query, before).indexOf(at);
    return position === -1 ? null : position;
  }

  /** The pair of a browse, or null. */
  pairOf(key: PairKey): Pair | null {
    const at = this.#at.get(keyOf(key));
    return at === undefined ? null : this.#rows[at]!.pair;
  }

  preview(halfLife: number): IntensityPreview {
    const { pairs } = this.#mined;
    const scale = rescaled(lengthsOf(pairs), halfLife);
    const moved = pairs.reduce(
      (sum, { reasoningTokens, weight }) =>
        sum + Math.abs(relevanceIntensity(reasoningTokens, scale) - weight),
      0,
    );
    return { muRaw: scale.muRaw, meanChange: pairs.length === 0 ? 0 : moved / pairs.length };
  }

  /** A null half-life stands for the pairs' own, under which they have their weight already. */
  #scale(halfLife: number | null): IntensityScale | null {
    return halfLife === null ? null : rescaled(lengthsOf(this.#mined.pairs), halfLife);
  }

  #sameStep({ log, trajectory, step }: PairKey): number | undefined {
    const at = this.#rows.findIndex(
      row => row.log === log && row.trajectory === trajectory && row.step === step,
    );
    return at === -1 ? undefined : at;
  }

  #count(subset: PairSubset): number {
    return this.#rows.reduce((count, row, at) => count + (this.#has(row, at, subset, null) ? 1 : 0), 0);
  }

  #has(row: Row, at: number, subset: PairSubset, before: PairsTable | null): boolean {
    switch (subset) {
      case 'pairs':
        return row.pair !== null;
      case 'person':
      case 'model':
      case 'rules':
        return row.fate === 'pair' && row.by === subset;
      case 'aside':
        return row.aside > 0;
      case 'sameText':
        return row.sameText > 0;
      case 'corrected':
        return row.pair?.corrected ?? false;
      case 'gained':
      case 'lost':
      case 'query':
      case 'weight':
        return before !== null && (this.#changesFrom(before).get(at)?.has(subset) ?? false);
      default:
        return row.fate === subset;
    }
  }

  #order(query: PairQuery, before: PairsTable | null): Int32Array {
    const { subset, words, sort, descending } = query;
    // Another half-life leaves the order of weights as it is, but for pairs of unknown length.
    const halfLife = sort === 'weight' ? query.halfLife : null;
    const name = JSON.stringify([before?.mode, subset, words, sort, descending, halfLife]);
    const known = this.#orders.get(name);
    if (known !== undefined) return known;
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    const shown: number[] = [];
    this.#rows.forEach((row, at) => {
      if (this.#has(row, at, subset, before) && this.#holds(row, wanted)) shown.push(at);
    });
    const ranks = this.#rank(sort, halfLife);
    const sign = descending ? -1 : 1;
    const order = Int32Array.from(shown).sort((a, b) => sign * (ranks[a]! - ranks[b]!) || a - b);
    if (this.#orders.size >= keptOrders) this.#orders.delete(this.#orders.keys().next().value!);
    this.#orders.set(name, order);
    return order;
  }

  /** What a column sorts by, as one number for each row; of text its place among all texts. */
  #rank(column: PairColumn, halfLife: number | null): Float64Array {
    const name = `${column} ${halfLife}`;
    const known = this.#ranks.get(name);
    if (known !== undefined) return known;
    const ranks = this.#ranksOf(column, this.#scale(halfLife));
    // Previews come and go; the other columns stay.
    if (halfLife === null) this.#ranks.set(name, ranks);
    return ranks;
  }

  #ranksOf(column: PairColumn, scale: IntensityScale | null): Float64Array {
    const rows = this.#rows;
    switch (column) {
      case 'query':
        return textRanks(rows.map(row => row.query ?? row.question ?? ''));
      case 'positive':
        return textRanks(rows.map(row => row.doc ?? ''));
      case 'label':
        return textRanks(rows.map(row => `${row.label} ${row.by} ${row.name}`));
      case 'negatives':
        return Float64Array.from(rows, row => row.negatives);
      case 'tokens':
        return Float64Array.from(rows, row => row.tokens ?? -1);
      case 'weight':
        return Float64Array.from(rows, row => weightOf(row, scale) ?? -1);
      case 'place':
        return placeRanks(rows);
    }
  }

  #holds({ query, question, doc, log, name }: Row, words: readonly string[]): boolean {
    if (words.length === 0) return true;
    const title = doc === null ? null : (this.#titles.get(doc) ?? null);
    const text = [query, question, doc, title, log, name].join('\n').toLowerCase();
    return words.every(word => text.includes(word));
  }

  #changeCounts(before: PairsTable): Record<PairChange, number> {
    const counts: Record<PairChange, number> = { gained: 0, lost: 0, query: 0, weight: 0 };
    for (const changes of this.#changesFrom(before).values()) {
      for (const change of changes) counts[change]++;
    }
    return counts;
  }

  /** What each row is other than under another mode, by its position; rows that are the same are left out. */
  #changesFrom(before: PairsTable): ReadonlyMap<number, ReadonlySet<PairChange>> {
    const known = this.#changes.get(before.mode);
    if (known !== undefined) return known;
    const found = new Map<number, ReadonlySet<PairChange>>();
    this.#rows.forEach((row, at) => {
      const other = before.#rows[before.#at.get(keyOf(row)) ?? -1];
      const changes = new Set(changesBetween(other?.pair ?? null, row.pair));
      if (changes.size > 0) found.set(at, changes);
    });
    this.#changes.set(before.mode, found);
    return found;
  }
}

function* changesBetween(before: Pair | null, after: Pair | null): Generator<PairChange> {
  if (before === null && after !== null) yield 'gained';
  if (before !== null && after === null) yield 'lost';
  if (before === null || after === null) return;
  if (before.query !== after.query) yield 'query';
  if (Math.abs(before.weight - after.weight) >= sameWeight) yield 'weight';
}

/** Rows in order of trajectories and steps: pairs, and browses without one. */
function rowsOf(
  { pairs, drops, guarded }: MiningResult,
  labels: ResolvedLabels,
  questions: ReadonlyMap<string, string | null>,
): Row[] {
  const removals = { relevant: new Map<string, number>(), sameText: new Map<string, number>() };
  for (const { because, ...removal } of guarded) {
    const search = searchKey(removal);
    removals[because].set(search, (removals[because].get(search) ?? 0) + 1);
  }
  const label = (key: BrowseKey) => {
    const given = labels.of(key).at(-1);
    return {
      label: given?.label ?? 'unknown',
      by: given?.source.kind ?? null,
      name: given?.source.name ?? '',
    };
  };
  const ofPairs = pairs.map((pair): Row => {
    const { log, trajectory, question, browseStep: step, positive: doc, negatives, searchStep } = pair;
    const search = searchKey(pair);
    return {
      ...{ log, trajectory, step, doc, question, searchStep, pair },
      fate: pair.satisfied ? 'pair' : 'unsatisfied',
      query: pair.query,
      negatives: negatives.length,
      tokens: pair.reasoningTokens,
      weight: pair.weight,
      ...labelOfPair(pair, label({ log, trajectory, step, doc })),
      aside: removals.relevant.get(search) ?? 0,
      sameText: removals.sameText.get(search) ?? 0,
    };
  });
  const ofDrops = drops.map(({ log, trajectory, step, doc, reasoningTokens, reason }): Row => {
    const given = label({ log, trajectory, step, doc });
    const fate =
      reason === 'irrelevant'
        ? given.by === 'person'
          ? 'irrelevantByPerson'
          : 'irrelevantByJudge'
        : // Neither comes about here: all outcomes are mined, and documents count as having a text.
          reason === 'otherOutcome' || reason === 'noText'
          ? 'unknown'
          : reason;
    return {
      ...{ log, trajectory, step, doc, fate, ...given },
      question: questions.get(trajectoryKey(log, trajectory)) ?? null,
      ...{ query: null, searchStep: null, pair: null, weight: null, negatives: 0, aside: 0, sameText: 0 },
      tokens: reasoningTokens,
    };
  });
  return [...ofPairs, ...ofDrops];
}

/** A pair is relevant; if its first browse is not the one that was found so, a later reading of the document is. */
function labelOfPair({ satisfied }: Pair, own: Pick<Row, 'label' | 'by' | 'name'>) {
  return satisfied && own.label !== 'relevant' ? { label: 'relevant' as const, by: null, name: '' } : own;
}

function viewOf({ pair: _, aside, sameText, ...row }: Row, scale: IntensityScale | null): PairRowView {
  return { ...row, weight: weightOf(row, scale) };
}

function weightOf({ weight, tokens }: PairRowView, scale: IntensityScale | null): number | null {
  return scale === null || weight === null ? weight : relevanceIntensity(tokens, scale);
}

function textRanks(texts: readonly string[]): Float64Array {
  const distinct = [...new Set(texts)].sort(new Intl.Collator(undefined, { numeric: true }).compare);
  const rank = new Map(distinct.map((text, at) => [text, at]));
  return Float64Array.from(texts, text => rank.get(text)!);
}

function placeRanks(rows: readonly Row[]): Float64Array {
  const logs = textRanks(rows.map(row => row.log));
  const trajectories = textRanks(rows.map(row => row.trajectory));
  const order = rows
    .map((_, at) => at)
    .sort(
      (a, b) =>
        logs[a]! - logs[b]! || trajectories[a]! - trajectories[b]! || rows[a]!.step - rows[b]!.step || a - b,
    );
  const ranks = new Float64Array(rows.length);
  order.forEach((at, rank) => {
    ranks[at] = rank;
  });
  return ranks;
}

function lengthsOf(pairs: readonly Pair[]): (number | null)[] {
  return pairs.map(({ reasoningTokens }) => reasoningTokens);
}

/** Bars of equal width up to the 98th percentile, so that one long reasoning does not flatten all others. */
function histogram(tokens: readonly (number | null)[]): PairSummary['lengths'] {
  const known = tokens.filter(length => length !== null && length > 0).sort((a, b) => a! - b!) as number[];
  const longest = known.at(-1) ?? 0;
  const usual = known[Math.floor(0.98 * (known.length - 1))] ?? 0;
  const width = Math.max(1, Math.ceil(usual / (bars - 1)));
  const counts = Array.from({ length: Math.min(bars, Math.floor(longest / width) + 1) }, () => 0);
  for (const length of known) counts[Math.min(counts.length - 1, Math.floor(length / width))]!++;
  return { width, counts, longest, unknown: tokens.length - known.length };
}

/** Names a trajectory among those of a workspace. */
export function trajectoryKey(log: string, trajectory: string): string {
  return `${log}\n${trajectory}`;
}

/** What is known of one row: titles and reasoning from its trajectory, the label's reason, the query of others. */
export function pairDetail(
  { steps }: Trajectory,
  key: PairKey,
  pair: Pair | null,
  labels: ResolvedLabels,
): PairDetail {
  const at = steps.findIndex(
    step => step.kind === 'browse' && step.step === key.step && step.doc === key.doc,
  );
  const browse = steps[at];
  const titles = titlesOf(steps);
  const latest = steps.slice(0, Math.max(0, at)).findLast(step => step.kind === 'search');
  const given = labels.of(key).at(-1);
  return {
    positiveTitle: key.doc === null ? null : (titles.get(key.doc) ?? null),
    negatives: (pair?.negatives ?? []).map(id => ({ id, title: titles.get(id) ?? null })),
    reasoning: browse?.kind === 'browse' ? (browse.reasoning?.slice(0, shownReasoning) ?? null) : null,
    line: browse?.position?.line ?? null,
    column: browse?.position?.column ?? null,
    confidence: given?.confidence ?? null,
    reason: given?.reason ?? null,
    latestQuery: pair?.corrected === true ? (latest?.query ?? null) : null,
  };
}

/** Titles of the documents that searches listed; a document listed without one is left out. */
export function titlesOf(steps: readonly Step[]): Map<string, string> {
  const titles = new Map<string, string>();
  for (const step of steps) {
    if (step.kind !== 'search') continue;
    for (const { id, title } of step.candidates) {
      if (title !== null && title !== '' && !titles.has(id)) titles.set(id, title);
    }
  }
  return titles;
}

function keyOf({ log, trajectory, step, doc }: PairKey): string {
  return `${log}\n${trajectory}\n${step}\n${doc}`;
}

function searchKey({
  log,
  trajectory,
  searchStep,
  searchPart,
}: Pick<Pair, 'log' | 'trajectory' | 'searchStep' | 'searchPart'>): string {
  return `${log}\n${trajectory}\n${searchStep}\n${searchPart}`;
}
