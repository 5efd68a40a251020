import { statSync } from 'node:fs';
import { patternOf } from '../base/matching.ts';
import { openTokenCounter, type TokenCounter } from '../base/tokenizer.ts';
import { type MiningResult, mine } from '../mining/mine.ts';
import type { MiningMode, Pair } from '../mining/pair.ts';
import type { DropReason } from '../mining/rule.ts';
import type {
  CandidateView,
  CompareRow,
  Comparison,
  Fate,
  LabelView,
  LogPlace,
  PairDetail,
  PairQuery,
  PairsHead,
  PairTableRow,
  PairView,
  RunsView,
  StepOutline,
  StepView,
  TrajectoryHead,
} from '../protocol.ts';
import type { Position, Problem, Step, Trajectory } from '../trajectory/model.ts';
import type { BrowseKey } from '../trajectory/outline.ts';
import { readConfig } from '../workspace/config.ts';
import {
  type IndexStatus,
  type KnownFile,
  readSettings,
  type TrajectoryEntry,
  type TrajectoryFilter,
  TrajectoryIndex,
} from '../workspace/index.ts';
import {
  type GivenLabel,
  type GivenNote,
  type LabelRecord,
  LabelStore,
  type NewLabel,
  type ResolvedLabels,
} from '../workspace/labels.ts';
import { type WorkspacePaths, workspacePaths } from '../workspace/paths.ts';
import { type Compared, compare, compareRows } from './compare.ts';
import {
  type JudgeAgreement,
  LabelQueues,
  type QueuedBrowse,
  type QueueName,
  type QueueOrder,
} from './label-queue.ts';
import { Minings } from './minings.ts';
import { PairsTable } from './pairs-table.ts';
import { viewRuns } from './runs-view.ts';
import { shownOf } from './shown-text.ts';
import {
  type BrowseMark,
  markOf,
  type Transcript,
  type TranscriptWords,
  transcriptOf,
} from './transcript.ts';

/** A step's length in tokens is counted over so many of its characters at most: the rail need not be exact. */
const countedText = 20_000;
/** So many of a workspace's trajectories are kept as they were read. */
const keptTrajectories = 4;

/** The name that the demo's agent gives itself. */
const simulatedAgent = 'simulated-agent';

/** What is no longer what it was: labels alone, or the trajectories and how they are read. */
export type Change = 'index' | 'labels';

/** What a person says of a browse in one line. */
type Said = Pick<NewLabel, 'label' | 'note'>;

/** A label or note that a person set. */
interface GivenChange {
  readonly key: BrowseKey;
  /** What takes it back. */
  readonly back: Said;
}

/**
 * What the views of a workspace show: its trajectories step by step with what mining makes of them. It stays open while
 * the views are, answers from the index, and reads texts from the logs one trajectory at a time.
 */
export class Inspector {
  readonly #paths: WorkspacePaths;
  #index: TrajectoryIndex;
  /** The same index once more: what is read of one while it is mined is the state that mining began with. */
  #mined: TrajectoryIndex;
  #counter: TokenCounter;
  #mode: MiningMode;
  #person: string;
  #store: LabelStore;
  #labels: ResolvedLabels;
  #labelsStamp: string;
  #indexStamp: number;
  #configStamp: string;
  readonly #minings: Minings;
  readonly #views = new WeakMap<MiningResult, MinedView>();
  readonly #tables = new Map<MiningMode, Promise<PairsTable>>();
  #queues: { readonly low: number; readonly queues: LabelQueues } | undefined;
  readonly #trajectories = new Map<string, Trajectory>();
  readonly #undo: GivenChange[] = [];

  private constructor(
    paths: WorkspacePaths,
    { index, mined, counter, mode, configStamp }: Opened,
    person: string,
    caughtUp: () => void,
  ) {
    this.#paths = paths;
    this.#index = index;
    this.#mined = mined;
    this.#counter = counter;
    this.#mode = mode;
    this.#configStamp = configStamp;
    this.#person = person;
    this.#minings = new Minings(
      of => mine(this.#mined.outlines(), this.#labels.lookup, { mode: of, outcome: 'all' }),
      caughtUp,
    );
    this.#store = LabelStore.open(paths.labels);
    this.#labels = this.#store.resolve(index);
    this.#labelsStamp = stamp(paths.labels);
    this.#indexStamp = index.changes();
  }

  /**
   * @param person the name that labels given here carry
   * @param caughtUp is called when what was shown of pairs, while others were being mined, is to be shown anew
   */
  static async open(workspace: string, person: string, caughtUp = () => {}): Promise<Inspector> {
    const paths = workspacePaths(workspace);
    return new Inspector(paths, await openConfigured(paths), person, caughtUp);
  }

  close(): void {
    this.#index.close();
    this.#mined.close();
  }

  signAs(person: string): void {
    this.#person = person;
    this.#tables.clear();
  }

  /**
   * To be called when index, labels or configuration may have changed on the disk; says what did, other than by this
   * inspector. A configuration with a fault raises LratError once, and what it said before holds until it is mended.
   */
  async refresh(): Promise<Change | null> {
    const isConfigured = stamp(this.#paths.config) === this.#configStamp;
    if (!isConfigured) await this.#configure();
    const index = this.#index.changes();
    const labels = stamp(this.#paths.labels);
    const isRead = isConfigured && index === this.#indexStamp;
    if (isRead && labels === this.#labelsStamp) return null;
    const isLabelled = labels !== this.#labelsStamp;
    if (isLabelled) this.#store = LabelStore.open(this.#paths.labels);
    this.#indexStamp = index;
    this.#labelsStamp = labels;
    this.#trajectories.clear();
    this.#labels = this.#store.resolve(this.#index);
    this.#forgetMined(isConfigured && !isLabelled);
    return isRead ? 'labels' : 'index';
  }

  /** Takes in the configuration as it stands now. */
  async #configure(): Promise<void> {
    this.#configStamp = stamp(this.#paths.config);
    const [index, mined] = [this.#index, this.#mined];
    ({
      index: this.#index,
      mined: this.#mined,
      counter: this.#counter,
      mode: this.#mode,
      configStamp: this.#configStamp,
    } = await openConfigured(this.#paths));
    index.close();
    // It may be being read.
    void this.#minings.settled().then(() => mined.close());
  }

  /** Problems are those that have settled: a log that is being written to may end anywhere. */
  status(): IndexStatus {
    return this.#index.status({ settled: true });
  }

  runs(ids: readonly [string, string]): Promise<RunsView> {
    return viewRuns(this.#paths.workspace, ids);
  }

  trajectories(filter: TrajectoryFilter, page: { offset: number; limit: number }): TrajectoryEntry[] {
    return this.#index.listTrajectories(filter, page);
  }

  /** The trajectories of a log, by its path on the disk; none if it is not in the index. */
  trajectoriesOf(path: string): TrajectoryEntry[] {
    const file = this.#index.fileAt(path);
    return file === null ? [] : this.#index.listTrajectories({ log: file.log });
  }

  /** What the index knows of a file, by its path on the disk; null if nothing. */
  fileAt(path: string): KnownFile | null {
    return this.#index.fileAt(path);
  }

  /** The files that hold no log of a known format, and why. */
  notLogs(): Problem[] {
    return this.#index.notLogs();
  }

  /** The step at a place of a log, or the last one before it; null if the log is not in the index. Counted from 1. */
  stepAt(
    path: string,
    line: number,
    column: number,
  ): { log: string; trajectory: string; step: number } | null {
    const log = this.#index.fileAt(path)?.log;
    const trajectory = log === undefined ? null : this.#index.trajectoryAt(log, line);
    if (log === undefined || trajectory === null) return null;
    const { steps } = this.#read(log, trajectory);
    const at = steps.findLast(
      ({ position }) =>
        position !== null && (position.line < line || (position.line === line && position.column <= column)),
    );
    const step = at ?? steps[0];
    return step === undefined ? null : { log, trajectory, step: step.step };
  }

  /** Where a browse stands in its log; the trajectory's first step unless a browse is named. */
  positionOf(log: string, id: string, browse?: Pick<BrowseKey, 'step' | 'doc'>): LogPlace {
    const at = this.#read(log, id).steps.find(
      each =>
        browse === undefined ||
        (each.kind === 'browse' && each.step === browse.step && each.doc === browse.doc),
    );
    return inLog(at?.position) ?? { line: 1, column: 1, member: null };
  }

  /** Path of a log on the disk. */
  pathOf(log: string): string {
    return this.#index.pathOf(log);
  }

  async head(log: string, id: string): Promise<TrajectoryHead> {
    const trajectory = this.#read(log, id);
    const { pairs, halfLife, muRaw } = await this.#minedView();
    const own = pairs.get(place(log, id)) ?? [];
    const { question, outcome, agent, retriever, references, noPairs } = trajectory;
    return {
      ...{ log, trajectory: id, question, outcome, agent, retriever, references, noPairs },
      outline: this.#outline(log, trajectory, own),
      pairs: own.length,
      meanWeight: own.length === 0 ? null : own.reduce((sum, pair) => sum + pair.weight, 0) / own.length,
      intensity: halfLife === null || muRaw === null ? null : { halfLife, muRaw },
      simulation: agent === simulatedAgent,
    };
  }

  /**
   * How many pairs each trajectory gives, as log, trajectory and count; those that give none are left out.
   *
   * @param log only of this log
   */
  async pairCounts(log?: string): Promise<[log: string, trajectory: string, pairs: number][]> {
    const { pairs } = await this.#minedView();
    return [...pairs.values()].flatMap(own => {
      const [first] = own;
      const isWanted = log === undefined || first!.log === log;
      return isWanted ? [[first!.log, first!.trajectory, own.length]] : [];
    });
  }

  /** How many pairs each trajectory gives, in the order of `trajectories`: numbers alone, for there may be very many. */
  async pairCountsInOrder(): Promise<Uint32Array> {
    const { pairs } = await this.#minedView();
    const entries = this.#index.listTrajectories();
    return Uint32Array.from(entries, ({ log, trajectory }) => pairs.get(place(log, trajectory))?.length ?? 0);
  }

  /** Two trajectories side by side, each given as log and name. */
  async compare(left: readonly [string, string], right: readonly [string, string]): Promise<Comparison> {
    return compare(await this.#compared(...left), await this.#compared(...right));
  }

  async compareRows(
    left: readonly [string, string],
    right: readonly [string, string],
    from: number,
    to: number,
  ): Promise<CompareRow[]> {
    return compareRows(await this.#compared(...left), await this.#compared(...right), from, to);
  }

  async #compared(log: string, id: string): Promise<Compared> {
    const trajectory = this.#read(log, id);
    const own = (await this.#minedView()).pairs.get(place(log, id)) ?? [];
    const labels = new Map<string, 'relevant' | 'irrelevant'>();
    for (const step of trajectory.steps) {
      if (step.kind !== 'browse' || step.doc === null) continue;
      const label = this.#labels.lookup({ log, trajectory: id, step: step.step, doc: step.doc });
      if (label !== 'unknown' && labels.get(step.doc) !== 'relevant') labels.set(step.doc, label);
    }
    return {
      ...{ log, trajectory, labels },
      pairs: own.length,
      weights: new Map(own.map(({ positive, weight }) => [positive, weight])),
    };
  }

  /** @param words that are looked for, which what is shown of a text holds if the text does */
  async steps(log: string, id: string, from: number, to: number, words = ''): Promise<StepView[]> {
    const trajectory = this.#read(log, id);
    const mined = await this.#minedView();
    const view = this.#reader(log, trajectory, mined);
    return trajectory.steps.slice(from, to).map((_, i) => view.step(from + i, words));
  }

  #reader(log: string, trajectory: Trajectory, mined: MinedView): TrajectoryReader {
    return new TrajectoryReader(log, trajectory, this.#labels, this.#person, this.#counter, mined);
  }

  /** Indexes of the steps whose text holds the words, case ignored. */
  find(log: string, id: string, words: string): number[] {
    const pattern = patternOf(words);
    return this.#read(log, id).steps.flatMap((step, index) =>
      textsOf(step).some(text => text.search(pattern) !== -1) ? [index] : [],
    );
  }

  /** A trajectory as text, with its browses and candidates marked. */
  async transcript(log: string, id: string, words: TranscriptWords): Promise<Transcript> {
    const head = await this.head(log, id);
    return transcriptOf(head, await this.steps(log, id, 0, head.outline.length), words);
  }

  /** The browses of a log where they stand in it, by its path on the disk; none if it is not in the index. */
  async marksOf(path: string): Promise<BrowseMark[]> {
    const trajectories = this.trajectoriesOf(path);
    // Mining is for logs: any file may be open.
    if (trajectories.length === 0) return [];
    const mined = await this.#minedView();
    return trajectories.flatMap(({ log, trajectory: id }) => {
      const trajectory = this.#read(log, id);
      const reader = this.#reader(log, trajectory, mined);
      return trajectory.steps.flatMap((step, index): BrowseMark[] => {
        if (step.kind !== 'browse' || step.position === null) return [];
        const { line, column } = step.position;
        const key = { log, trajectory: id, step: step.step, doc: step.doc };
        const view = reader.step(index) as StepView & { kind: 'browse' };
        return [{ ...markOf(view, key), line: line - 1, column: column - 1 }];
      });
    });
  }

  /** A person's label of a browse; null takes an earlier one of this person back. The person's note stays. */
  label(key: BrowseKey, label: 'relevant' | 'irrelevant' | null): void {
    const { label: before, note } = this.#own(key);
    // A note that came with the label would go with it.
    const carried = note?.label === undefined ? {} : { note: note.note };
    this.#undo.push({ key, back: { label: before?.label ?? null, ...carried } });
    this.#append(key, { label, ...carried });
  }

  /** A person's note on a browse, null for none. It says nothing of the browse's relevance. */
  note(key: BrowseKey, note: string | null): void {
    const { label, note: before } = this.#own(key);
    // Notes were once written as labels that leave the browse open: such a label goes with its note.
    const isOneLine = note === null && label?.label === 'unknown' && label === before;
    this.#undo.push({
      key,
      back: { ...(isOneLine && { label: label.label }), note: before?.note ?? null },
    });
    this.#append(key, { ...(isOneLine && { label: null }), note });
  }

  /** Takes the last change of a label or note back; says which browse it was about, or null if there is none. */
  undo(): BrowseKey | null {
    const change = this.#undo.pop();
    if (change === undefined) return null;
    this.#append(change.key, change.back);
    return change.key;
  }

  /** What this person says of a browse, if anything. */
  #own(key: BrowseKey): { label: GivenLabel | undefined; note: GivenNote | undefined } {
    const isMine = (record: LabelRecord) => isOwn(record, this.#person);
    return { label: this.#labels.of(key).findLast(isMine), note: this.#labels.notes(key).findLast(isMine) };
  }

  /**
   * How many browses wait for a person, and how judges agree with people.
   * @param low as in `LabelQueues`
   * @param words as in `LabelQueues.page`
   */
  labelCounts(low: number, words = ''): LabelCounts {
    const queues = this.#labelQueues(low);
    const { browses, labelled, agreements } = queues;
    const counts = (found?: string) => ({
      waiting: queues.count('waiting', found),
      lowConfidence: queues.count('lowConfidence', found),
      disagreement: queues.count('disagreement', found),
    });
    return { ...{ browses, labelled, agreements }, ...counts(), found: counts(words) };
  }

  /** A page of a queue, each browse with the title of its document where the log has one. */
  queuedBrowses(
    low: number,
    queue: QueueName,
    order: QueueOrder,
    words: string,
    from: number,
    limit: number,
  ): (QueuedBrowse & { readonly title: string | null })[] {
    return this.#labelQueues(low)
      .page(queue, order, words, from, limit)
      .map(browse => ({ ...browse, title: this.#titleOf(browse.key) }));
  }

  /** The browse that waits after another one; null if none waits. */
  nextUnlabelled(after: BrowseKey | null, low: number, order: QueueOrder): QueuedBrowse | null {
    return this.#labelQueues(low).next(after, order);
  }

  #labelQueues(low: number): LabelQueues {
    if (this.#queues?.low !== low) {
      this.#queues = { low, queues: new LabelQueues(this.#index.outlines(), this.#labels, low) };
    }
    return this.#queues.queues;
  }

  #titleOf({ log, trajectory, doc }: BrowseKey): string | null {
    return doc === null ? null : (placesOf(this.#read(log, trajectory)).get(doc)?.title ?? null);
  }

  /** @param mode null for the workspace's own */
  async pairsHead(mode: MiningMode | null, against: MiningMode | null): Promise<PairsHead> {
    const table = await this.#pairsTable(mode ?? this.#mode);
    const [first] = this.#index.listTrajectories({}, { limit: 1 });
    return {
      ...table.head(await this.#other(table, against)),
      simulation: first?.agent === simulatedAgent,
    };
  }

  async pairsRows(
    query: PairQuery,
    from: number,
    to: number,
  ): Promise<{ total: number; rows: PairTableRow[] }> {
    const table = await this.#pairsTable(query.mode);
    return table.rows(query, await this.#other(table, query.against), from, to);
  }

  async pairsFind(query: PairQuery, browse: BrowseKey): Promise<number> {
    const table = await this.#pairsTable(query.mode);
    return table.find(query, await this.#other(table, query.against), browse);
  }

  /** Titles of the documents of browses, in their order; null where the log has none. */
  titles(browses: readonly BrowseKey[]): (string | null)[] {
    return browses.map(browse => this.#titleOf(browse));
  }

  /** What belongs to a row of the table, read from its log. */
  async pairsDetail(mode: MiningMode, browse: BrowseKey): Promise<PairDetail> {
    const table = await this.#pairsTable(mode);
    const trajectory = this.#read(browse.log, browse.trajectory);
    const places = placesOf(trajectory);
    const named = (id: string) => ({ id, title: places.get(id)?.title ?? null });
    const pair = table.pairOf(browse);
    const step = trajectory.steps.find(
      each => each.kind === 'browse' && each.step === browse.step && each.doc === browse.doc,
    );
    return {
      question: trajectory.question,
      query: pair?.query ?? null,
      title: browse.doc === null ? null : named(browse.doc).title,
      reasoning: step?.kind === 'browse' && step.reasoning !== null ? shownOf(step.reasoning) : null,
      negatives: pair?.negatives.map(named) ?? [],
      guarded: pair === null ? [] : table.guardedOf(pair).map(named),
      place: inLog(step?.position),
    };
  }

  #other(table: PairsTable, against: MiningMode | null): Promise<PairsTable> | null {
    return against === null || against === table.mode ? null : this.#pairsTable(against);
  }

  #pairsTable(mode: MiningMode): Promise<PairsTable> {
    let table = this.#tables.get(mode);
    if (table === undefined) {
      table = this.#minings
        .current(mode)
        .then(mined => new PairsTable(mode, mined, key => labelView(this.#labels, this.#person, key)));
      this.#tables.set(mode, table);
    }
    return table;
  }

  #append({ log, trajectory, step, doc }: BrowseKey, said: Said): void {
    // Somebody else may have written labels since.
    const isOwn = stamp(this.#paths.labels) === this.#labelsStamp;
    if (!isOwn) this.#store = LabelStore.open(this.#paths.labels);
    const [record] = this.#store.append({
      ...{ log, trajectory, step, doc, ...said },
      source: { kind: 'person', name: this.#person },
    });
    if (isOwn) this.#labels.add({ ...record!, trajectory });
    else this.#labels = this.#store.resolve(this.#index);
    this.#labelsStamp = stamp(this.#paths.labels);
    this.#forgetMined(false);
  }

  #read(log: string, id: string): Trajectory {
    const key = place(log, id);
    const known = this.#trajectories.get(key);
    if (known !== undefined) return known;
    const read = this.#index.trajectory(log, id);
    if (this.#trajectories.size >= keptTrajectories) {
      this.#trajectories.delete(this.#trajectories.keys().next().value!);
    }
    this.#trajectories.set(key, read);
    return read;
  }

  #outline(log: string, { id, steps }: Trajectory, pairs: readonly Pair[]): StepOutline[] {
    const browseOf = (step: number, doc: string | null) => JSON.stringify([step, doc]);
    const paired = new Set(pairs.map(({ browseStep, positive }) => browseOf(browseStep, positive)));
    return steps.map(each => {
      const { kind, step } = each;
      const label =
        kind === 'browse' ? this.#labels.lookup({ log, trajectory: id, step, doc: each.doc }) : null;
      const size =
        kind === 'search'
          ? each.candidates.length
          : kind === 'tool'
            ? 0
            : this.#counter.count(each.text.slice(0, countedText));
      return { kind, step, size, label, hasPair: kind === 'browse' && paired.has(browseOf(step, each.doc)) };
    });
  }

  /** What new steps are shown with: with very many trajectories, mining takes longer than a log rests. */
  async #minedView(): Promise<MinedView> {
    const mined = await this.#minings.latest(this.#mode);
    const view = this.#views.get(mined) ?? viewOf(mined);
    this.#views.set(mined, view);
    return view;
  }

  /** @param canWait as in `Minings` */
  #forgetMined(canWait: boolean): void {
    this.#queues = undefined;
    this.#minings.forget(canWait);
    this.#tables.clear();
  }
}

/** What the configuration of a workspace settles. */
interface Opened {
  readonly index: TrajectoryIndex;
  readonly mined: TrajectoryIndex;
  readonly counter: TokenCounter;
  readonly mode: MiningMode;
  readonly configStamp: string;
}

async function openConfigured(paths: WorkspacePaths): Promise<Opened> {
  const configStamp = stamp(paths.config);
  const config = readConfig(paths);
  const settings = readSettings(config, paths);
  const counter = await openTokenCounter(settings.tokenizer);
  const open = () => TrajectoryIndex.open(paths, settings, () => {});
  return { index: open(), mined: open(), counter, configStamp, mode: config.mining.mode };
}

export interface LabelCounts extends Readonly<Record<QueueName, number>> {
  readonly browses: number;
  /** With a label that says relevant or irrelevant. */
  readonly labelled: number;
  readonly agreements: readonly JudgeAgreement[];
  /** What of each queue holds the words that were looked for. */
  readonly found: Readonly<Record<QueueName, number>>;
}

/** Mining's result, by trajectory. */
interface MinedView extends Pick<MiningResult, 'halfLife' | 'muRaw' | 'dropped'> {
  readonly pairs: ReadonlyMap<string, readonly Pair[]>;
  /** Documents that the guard took out, by trajectory and search. */
  readonly aside: ReadonlySet<string>;
}

function viewOf({ pairs, guarded, halfLife, muRaw, dropped }: MiningResult): MinedView {
  return {
    ...{ halfLife, muRaw, dropped },
    pairs: Map.groupBy(pairs, ({ log, trajectory }) => place(log, trajectory)),
    aside: new Set(
      guarded.map(({ log, trajectory, searchStep, searchPart, document }) =>
        JSON.stringify([log, trajectory, searchStep, searchPart, document]),
      ),
    ),
  };
}

function place(log: string, trajectory: string): string {
  return JSON.stringify([log, trajectory]);
}

function stamp(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stats === undefined ? '' : `${stats.size} ${stats.mtimeNs}`;
}

function textsOf(step: Step): string[] {
  switch (step.kind) {
    case 'think':
    case 'answer':
    case 'browse':
      return [step.text];
    case 'search':
      return [step.query, ...step.candidates.flatMap(({ title, snippet }) => [title ?? '', snippet])];
    case 'tool':
      return [step.name];
  }
}

type SearchStep = Extract<Step, { kind: 'search' }>;
type BrowseStep = Extract<Step, { kind: 'browse' }>;

/** Where a document stands in a trajectory: indexes of the steps that list and that open it, in order. */
interface DocumentPlaces {
  readonly listedAt: number[];
  readonly browsedAt: number[];
  title: string | null;
}

function placesOf({ steps }: Trajectory): Map<string, DocumentPlaces> {
  const places = new Map<string, DocumentPlaces>();
  const of = (id: string) => {
    const document = places.get(id) ?? { listedAt: [], browsedAt: [], title: null };
    places.set(id, document);
    return document;
  };
  steps.forEach((step, at) => {
    if (step.kind === 'browse' && step.doc !== null) of(step.doc).browsedAt.push(at);
    if (step.kind !== 'search') return;
    for (const { id, title } of step.candidates) {
      const document = of(id);
      if (document.listedAt.at(-1) !== at) document.listedAt.push(at);
      document.title ??= title === '' ? null : title;
    }
  });
  return places;
}

/** The steps of one trajectory as the view shows them. */
class TrajectoryReader {
  readonly #log: string;
  readonly #trajectory: Trajectory;
  readonly #labels: ResolvedLabels;
  /** Who looks. */
  readonly #person: string;
  readonly #counter: TokenCounter;
  readonly #mined: MinedView;
  readonly #pairs: readonly Pair[];
  readonly #documents: ReadonlyMap<string, DocumentPlaces>;

  constructor(
    log: string,
    trajectory: Trajectory,
    labels: ResolvedLabels,
    person: string,
    counter: TokenCounter,
    mined: MinedView,
  ) {
    this.#log = log;
    this.#trajectory = trajectory;
    this.#labels = labels;
    this.#person = person;
    this.#counter = counter;
    this.#mined = mined;
    this.#pairs = mined.pairs.get(place(log, trajectory.id)) ?? [];
    this.#documents = placesOf(trajectory);
  }

  /** @param words as in `Inspector.steps` */
  step(index: number, words = ''): StepView {
    const step = this.#trajectory.steps[index]!;
    const base = {
      index,
      step: step.step,
      place: inLog(step.position),
    };
    switch (step.kind) {
      case 'think':
        return {
          ...base,
          kind: 'think',
          ...shownOf(step.text, words),
          tokens: this.#counter.count(step.text),
          postBrowse: this.#latestBrowse(index)?.reasoning?.includes(step.text) ?? false,
        };
      case 'search':
        return {
          ...base,
          kind: 'search',
          query: step.query,
          candidates: step.candidates.map(candidate => this.#candidate(index, step, candidate)),
          error: step.error,
        };
      case 'browse':
        return { ...base, kind: 'browse', ...this.#browse(index, step, words) };
      case 'tool':
        return { ...base, kind: 'tool', name: step.name };
      case 'answer':
        return { ...base, kind: 'answer', ...shownOf(step.text, words) };
    }
  }

  #candidate(
    index: number,
    search: SearchStep,
    { id, rank, title, snippet, score }: SearchStep['candidates'][number],
  ): CandidateView {
    const { browsedAt, listedAt } = this.#documents.get(id)!;
    const own = this.#pairs.filter(
      pair => pair.searchStep === search.step && pair.searchPart === search.part,
    );
    const positive = own.find(pair => pair.positive === id);
    return {
      ...{ rank, id, title, score },
      browsedAt: browsedAt.filter(at => at > index),
      listedAgainAt: listedAt.filter(at => at > index),
      snippet: withoutTitle(snippet, title),
      fate: this.#fate(search, id, own),
      weight: positive?.weight ?? null,
    };
  }

  #fate(search: SearchStep, id: string, own: readonly Pair[]): Fate {
    if (own.some(pair => pair.satisfied && pair.positive === id)) return 'positive';
    const irrelevant = this.#documents
      .get(id)!
      .browsedAt.some(
        at => this.#labels.lookup(this.#key(this.#trajectory.steps[at] as BrowseStep)) === 'irrelevant',
      );
    if (irrelevant) return 'irrelevant';
    if (own.some(pair => pair.negatives.includes(id))) return 'negative';
    const aside = JSON.stringify([this.#log, this.#trajectory.id, search.step, search.part, id]);
    return this.#mined.aside.has(aside) ? 'aside' : 'listed';
  }

  #browse(index: number, step: BrowseStep, words: string) {
    const pair = this.#pairs.find(each => each.browseStep === step.step && each.positive === step.doc);
    const label = labelView(this.#labels, this.#person, this.#key(step));
    return {
      doc: step.doc,
      title: this.#title(step.doc),
      ...shownOf(step.text, words),
      shows: step.shows,
      tokens: step.reasoning === null ? null : this.#counter.count(step.reasoning),
      label,
      pair: pair === undefined ? null : this.#pairView(index, pair),
      noPair: pair === undefined ? this.#noPair(step, label) : null,
      error: step.error,
    };
  }

  #pairView(browse: number, pair: Pair): PairView {
    const { steps } = this.#trajectory;
    const at = steps.findIndex(
      step => step.kind === 'search' && step.step === pair.searchStep && step.part === pair.searchPart,
    );
    const latest = steps.slice(0, browse).findLastIndex(step => step.kind === 'search');
    return {
      query: pair.query,
      searchIndex: at === -1 ? null : at,
      corrected: latest !== -1 && steps[latest]!.step !== pair.searchStep,
      negatives: pair.negatives.length,
      weight: pair.weight,
    };
  }

  /** Why a browse that gives no pair gives none. */
  #noPair(step: BrowseStep, label: LabelView): DropReason {
    if (step.doc === null) return 'noDocument';
    const isListed = this.#trajectory.steps.some(
      other =>
        other.kind === 'search' &&
        other.step <= step.step &&
        other.candidates.some(({ id }) => id === step.doc),
    );
    if (!isListed) return 'neverListed';
    return label.value === 'relevant' ? 'reread' : label.value;
  }

  #title(doc: string | null): string | null {
    return doc === null ? null : (this.#documents.get(doc)?.title ?? null);
  }

  #latestBrowse(index: number): BrowseStep | undefined {
    for (let at = index - 1; at >= 0; at--) {
      const step = this.#trajectory.steps[at]!;
      if (step.kind === 'browse') return step;
    }
    return undefined;
  }

  #key(step: BrowseStep): BrowseKey {
    return { log: this.#log, trajectory: this.#trajectory.id, step: step.step, doc: step.doc };
  }
}

/** The label that counts for a browse, as views show it to a person. */
function labelView(labels: ResolvedLabels, person: string, key: BrowseKey): LabelView {
  const given = labels.of(key).at(-1);
  return {
    value: given?.label ?? 'unknown',
    by: given?.source.kind ?? null,
    name: given?.source.name ?? '',
    isOwn: given !== undefined && isOwn(given, person),
    confidence: given?.confidence ?? null,
    reason: given?.reason ?? null,
    notes: labels.notes(key).map(({ source, note }) => ({ name: source.name, text: note })),
  };
}

function isOwn({ source }: LabelRecord, person: string): boolean {
  return source.kind === 'person' && source.name === person;
}

/** Where a step stands, as views show it. */
function inLog(position: Position | null | undefined): LogPlace | null {
  return position ? { line: position.line, column: position.column, member: position.member ?? null } : null;
}

/** A snippet often begins with the title that is shown above it: in a line of its own, or before a sentence on it. */
function withoutTitle(snippet: string, title: string | null): string {
  if (!title || !snippet.startsWith(title)) return snippet;
  const rest = snippet.slice(title.length);
  return rest.startsWith('\n') || rest.trimStart().startsWith(title) ? rest.trimStart() : snippet;
}
