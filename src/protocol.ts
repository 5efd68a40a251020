/**
 * The typed messages between the editor and its webviews, and the shapes they carry. This file and plain types are all
 * that `webview/` sees of `src/`. Every request is answered with a result or an error; events go one way.
 */

export type StepKind = 'think' | 'search' | 'browse' | 'tool' | 'answer';
export type LabelValue = 'relevant' | 'irrelevant' | 'unknown';
export type MiningModeName = 'paper' | 'released' | 'attributed';

/** The label that counts for a browse, and who gave it. */
export interface LabelView {
  readonly value: LabelValue;
  /** `person` outranks `model` outranks `rules`; null where nobody has judged. */
  readonly by: 'person' | 'model' | 'rules' | null;
  readonly name: string;
  /** Given by the person who looks at it. */
  readonly isOwn: boolean;
  /** From 0 to 1. */
  readonly confidence: number | null;
  readonly reason: string | null;
  /** What people have noted on the browse, whoever gave the label; the newest last. */
  readonly notes: readonly NoteView[];
}

export interface NoteView {
  /** Who wrote it. */
  readonly name: string;
  readonly text: string;
}

/** A text as a view shows it; a very long one in part. */
export interface ShownText {
  readonly text: string;
  readonly cut: Cut | null;
}

/** What is missing of a text: the characters before the part that is shown, and how many the whole has. */
export interface Cut {
  readonly from: number;
  readonly length: number;
}

/** One step without its texts: what the rail and the filters need. */
export interface StepOutline {
  readonly kind: StepKind;
  /** Position in the log's own step list. */
  readonly step: number;
  /** Length of its text in tokens, or for a search the number of its candidates. */
  readonly size: number;
  /** Of a browse. */
  readonly label: LabelValue | null;
  /** Whether it is a browse that gives a pair. */
  readonly hasPair: boolean;
}

/** A trajectory as the view opens it: everything but the texts of the steps, which are pulled by the page. */
export interface TrajectoryHead {
  readonly log: string;
  readonly trajectory: string;
  readonly question: string | null;
  readonly outcome: 'correct' | 'incorrect' | 'unknown';
  readonly agent: string | null;
  readonly retriever: string | null;
  /** Answers that count as correct. */
  readonly references: readonly string[];
  readonly outline: readonly StepOutline[];
  readonly pairs: number;
  readonly meanWeight: number | null;
  /** Half-life β in tokens and mean μ_raw of the workspace's pairs; null while nothing is mined. */
  readonly intensity: { readonly halfLife: number; readonly muRaw: number } | null;
  /** Why it can give no pairs, or null. */
  readonly noPairs: string | null;
  readonly simulation: boolean;
}

/**
 * What became of a candidate: `positive` and `negative` are what is trained on; `irrelevant` was opened and judged so;
 * `aside` was taken out by the false-negative guard; `listed` is in no pair.
 */
export type Fate = 'positive' | 'negative' | 'irrelevant' | 'aside' | 'listed';

export interface CandidateView {
  readonly rank: number;
  readonly id: string;
  readonly title: string | null;
  readonly snippet: string;
  readonly score: number | null;
  readonly fate: Fate;
  /** Index (in the outline) of the browses that opened it. */
  readonly browsedAt: readonly number[];
  /** Index of the later searches that list it again. */
  readonly listedAgainAt: readonly number[];
  readonly weight: number | null;
}

/** The pair that a browse gives. */
export interface PairView {
  readonly query: string;
  /** Index (in the outline) of the search that the pair belongs to. */
  readonly searchIndex: number | null;
  /** True if a later search stood between: the query is not that of the latest search. */
  readonly corrected: boolean;
  readonly negatives: number;
  readonly weight: number;
}

/** Where something stands in a log, counted from 1: in the log's text, or in that of a member where the log is an archive. */
export interface LogPlace {
  readonly line: number;
  readonly column: number;
  readonly member: string | null;
}

interface StepViewBase {
  /** Position in the outline. */
  readonly index: number;
  readonly step: number;
  /** Null if the format tells none. */
  readonly place: LogPlace | null;
}

export type StepView =
  | (StepViewBase &
      ShownText & {
        readonly kind: 'think';
        readonly tokens: number;
        /** True if it is the reasoning after a browse. */
        readonly postBrowse: boolean;
      })
  | (StepViewBase & {
      readonly kind: 'search';
      readonly query: string;
      readonly candidates: readonly CandidateView[];
      readonly error: string | null;
    })
  | (StepViewBase &
      ShownText & {
        readonly kind: 'browse';
        readonly doc: string | null;
        readonly title: string | null;
        /** Whether the text is the document, or what a tool drew from it. */
        readonly shows: 'document' | 'extract';
        /** Length of the post-browse reasoning; null if there is none. */
        readonly tokens: number | null;
        readonly label: LabelView;
        readonly pair: PairView | null;
        /** Why it gives no pair, or null if it does. */
        readonly noPair: DropReasonName | null;
        readonly error: string | null;
      })
  | (StepViewBase & { readonly kind: 'tool'; readonly name: string })
  | (StepViewBase & ShownText & { readonly kind: 'answer' });

/** How a run stands. `crashed`: it says that it runs, and its process is gone. */
export type RunStateName = 'running' | 'stopped' | 'finished' | 'failed' | 'crashed';

/** A value with its 95 % interval. */
export interface EstimateView {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** What a training did, step by step. */
export interface TrainingCurves {
  readonly steps: number;
  /** At most 600; each is the mean of `stepsPerPoint` steps and stands at the last of them. */
  readonly points: readonly {
    readonly step: number;
    readonly loss: number;
    readonly learningRate: number;
    readonly gradientNorm: number;
  }[];
  readonly stepsPerPoint: number;
}

/** Retrievers on the same questions: means of rates from 0 to 1, and paired differences from a baseline. */
export interface MeasuredView {
  readonly metrics: readonly string[];
  readonly questions: number;
  readonly rows: readonly {
    readonly retriever: string;
    readonly metrics: Readonly<Record<string, EstimateView>>;
  }[];
  readonly differences: readonly {
    readonly retriever: string;
    readonly baseline: string;
    readonly metrics: Readonly<Record<string, EstimateView & { readonly p: number }>>;
  }[];
}

/** One of two compared runs. */
export interface ComparedRun {
  readonly id: string;
  readonly kind: 'training' | 'evaluation';
  readonly name: string;
  readonly title: string;
  readonly created: string;
}

/** Two trainings or evaluations side by side, the older first. */
export interface RunsView {
  readonly sides: readonly [ComparedRun, ComparedRun];
  /** Null where they cannot be set side by side, with the reason. */
  readonly result: (MeasuredView & { readonly queries: number }) | null;
  readonly problem: string | null;
  /** What was asked for otherwise, by the names that `run.json` has; null where a run has no such setting. */
  readonly settings: readonly {
    readonly name: string;
    readonly values: readonly [string | number | null, string | number | null];
  }[];
  /** Of two trainings. */
  readonly curves: readonly [TrainingCurves, TrainingCurves] | null;
}

/** A run as its panel shows it. */
export interface RunView extends TrainingCurves {
  readonly id: string;
  readonly kind: 'training' | 'judging' | 'mining' | 'evaluation';
  /** Whether it can go on where it stopped. */
  readonly canResume: boolean;
  /** What came of judging or mining, as words and numbers. */
  readonly counts: readonly (readonly [string, number])[];
  readonly title: string;
  readonly state: RunStateName;
  /** Whether it goes on when the window or terminal that started it closes. */
  readonly background: boolean;
  readonly error: string | null;
  readonly created: string;
  readonly step: number;
  /** Mean over the steps of the epoch so far. */
  readonly loss: number | null;
  /** What was asked for, as names and values. */
  readonly settings: readonly (readonly [string, string])[];
  /** Null before the first step. */
  readonly pace: {
    readonly rowsPerSecond: number;
    readonly tokensPerSecond: number;
    readonly gradientNorm: number;
    readonly learningRate: number;
    /** Bytes. */
    readonly memory: number | null;
    readonly secondsLeft: number;
  } | null;
  /** Measured on held-out questions, as rates from 0 to 1; at step 0 they are the base's. */
  readonly heldOut: readonly { readonly step: number; readonly figures: Readonly<Record<string, number>> }[];
  /** Retrievers on the same held-out questions, once it is finished. */
  readonly result: MeasuredView | null;
  /** The last lines of its log. */
  readonly log: readonly string[];
}

/** One of two compared trajectories, in figures. */
export interface CompareSide {
  readonly log: string;
  readonly trajectory: string;
  readonly question: string | null;
  readonly outcome: 'correct' | 'incorrect' | 'unknown';
  readonly agent: string | null;
  readonly retriever: string | null;
  readonly searches: number;
  readonly browses: number;
  /** Documents judged relevant. */
  readonly relevant: number;
  readonly pairs: number;
  /** Different documents that it was shown. */
  readonly documents: number;
}

export interface Comparison {
  readonly sides: readonly [CompareSide, CompareSide];
  /** Documents that both were shown, and that either was. */
  readonly shared: number;
  readonly union: number;
  /** For every row, whether its two searches differ in query or candidates. */
  readonly differs: readonly boolean[];
}

/** A search of one side of a comparison. */
export interface CompareCell {
  /** Of the search, as its log numbers it. */
  readonly step: number;
  readonly query: string;
  readonly candidates: readonly {
    readonly id: string;
    readonly title: string | null;
    readonly rank: number;
    /** The search beside it lists it too. */
    readonly shared: boolean;
    readonly browsed: boolean;
    readonly browsedByOther: boolean;
    /** What was judged of it here; null where it was not opened or nobody judged. */
    readonly label: 'relevant' | 'irrelevant' | null;
    /** Weight of the pair whose positive it is. */
    readonly weight: number | null;
  }[];
}

/** Two searches that stand beside each other; null where one side has none. */
export interface CompareRow {
  readonly left: CompareCell | null;
  readonly right: CompareCell | null;
}

/** Why a browse is in no pair, as mining tells (`src/mining/rule.ts`). */
export type DropReasonName =
  | 'irrelevant'
  | 'unknown'
  | 'noDocument'
  | 'neverListed'
  | 'notInList'
  | 'reread'
  | 'otherOutcome'
  | 'noText';

/**
 * Which rows of a mining are shown: the pairs that are trained on; these and the rows of irrelevant browses, whose
 * lengths are weighed with theirs; the latter alone; the browses that gave none, all or for one reason; pairs whose query was
 * attributed past a later search, or that lost a negative to the false-negative guard; and what another mode would
 * have made otherwise.
 */
export type PairSelection =
  | 'browses'
  | 'pairs'
  | 'weighed'
  | 'unsatisfied'
  | 'dropped'
  | DropReasonName
  | 'irrelevantByPerson'
  | 'irrelevantByJudge'
  | 'corrected'
  | 'guarded'
  | 'withoutNegatives'
  | 'byPerson'
  | 'byModel'
  | 'byRules'
  | 'gained'
  | 'lost'
  | 'otherQuery'
  | 'otherWeight';

export const pairColumns = ['query', 'positive', 'negatives', 'tokens', 'weight', 'label', 'place'] as const;
export type PairColumn = (typeof pairColumns)[number];

/** Known reasoning lengths from `from` tokens on and below `to`; null for no end. */
export interface LengthRange {
  readonly from: number;
  readonly to: number | null;
}

/** What is shown of a mining, and in which order. */
export interface PairQuery {
  readonly mode: MiningModeName;
  /** The mode that it is compared with; null for none. */
  readonly against: MiningModeName | null;
  readonly selection: PairSelection;
  /** Rows whose query, question, document or log hold these words, case ignored. */
  readonly words: string;
  /** Rows whose reasoning has so many tokens; null for any. */
  readonly lengths: LengthRange | null;
  readonly sort: PairColumn;
  readonly descending: boolean;
}

/** A trajectory in the list of its log. */
export interface LogEntry {
  readonly trajectory: string;
  readonly question: string | null;
  readonly outcome: 'correct' | 'incorrect' | 'unknown';
  readonly searches: number;
  readonly browses: number;
  /** Why it can give no pairs, or null if it can. */
  readonly noPairs: string | null;
}

/** A log as an editor shows it. */
export interface LogView {
  readonly log: string;
  /** Whether the index has read the file. */
  readonly isRead: boolean;
  /** Whether it is an archive, which cannot be shown as text. */
  readonly isArchive: boolean;
  readonly entries: readonly LogEntry[];
  /** Who ran and what searched, where all trajectories have the same. */
  readonly agent: string | null;
  readonly retriever: string | null;
  /** What of the file could not be used. `place` is `line 7`, `record 3`, or empty for the whole file. */
  readonly problems: readonly { readonly place: string; readonly reason: string }[];
}

/** Names a browse. */
export interface BrowsePlace {
  readonly log: string;
  readonly trajectory: string;
  readonly step: number;
  readonly doc: string | null;
}

/** A row of the table of pairs: a pair, or a browse that gave none. */
export interface PairTableRow extends BrowsePlace {
  /** Null of a browse that belongs to no search. */
  readonly query: string | null;
  readonly searchStep: number | null;
  readonly negatives: number | null;
  readonly tokens: number | null;
  readonly weight: number | null;
  readonly label: LabelView;
  /** Null of a pair. */
  readonly reason: DropReasonName | null;
}

/** A mining at one glance. */
export interface PairsHead {
  readonly mode: MiningModeName;
  readonly trajectories: number;
  readonly searches: number;
  readonly browses: number;
  /** Rows that are trained on: relevant, by the label that counts. */
  readonly pairs: number;
  /** β in tokens and μ_raw; null while no length is known. */
  readonly halfLife: number | null;
  readonly muRaw: number | null;
  /** Each reasoning length of the pairs, in tokens, with the number of pairs that have it, ascending. */
  readonly lengths: readonly (readonly [tokens: number, pairs: number])[];
  /** How many rows each selection has, where that is not none. */
  readonly counts: Readonly<Partial<Record<PairSelection, number>>>;
  readonly simulation: boolean;
}

/** What belongs to one row. */
export interface PairDetail {
  readonly question: string | null;
  readonly query: string | null;
  readonly title: string | null;
  readonly reasoning: ShownText | null;
  readonly negatives: readonly { readonly id: string; readonly title: string | null }[];
  readonly guarded: readonly { readonly id: string; readonly title: string | null }[];
  /** Where the browse stands; null if the format does not tell. */
  readonly place: LogPlace | null;
}

/** Requests of a webview to the editor: name → parameters and result. */
export interface EditorRequests {
  'trajectory.head': { params: null; result: TrajectoryHead };
  /** What is shown of a very long text holds the words, if the text does. */
  'trajectory.steps': { params: { from: number; to: number; words: string }; result: readonly StepView[] };
  /** Indexes of the steps whose text holds the words, case ignored. */
  'trajectory.find': { params: { text: string }; result: readonly number[] };
  'trajectory.label': {
    params: { step: number; doc: string | null; label: 'relevant' | 'irrelevant' | null };
    result: null;
  };
  'trajectory.undo': { params: null; result: null };
  /** The step that was to be brought into view while the view could not hear of it. */
  'trajectory.missed': { params: null; result: number | null };
  'open.log': { params: LogPlace; result: null };
  'open.text': { params: null; result: null };
  /** Lets the user choose what the trajectory is compared with. */
  'open.compare': { params: null; result: null };
  'list.log': { params: null; result: LogView };
  /** How many pairs the trajectories give, once mining has told; those that give none are left out. */
  'list.pairs': { params: null; result: readonly (readonly [trajectory: string, pairs: number])[] };
  /** Shows a trajectory in the place of the list. */
  'list.open': { params: { trajectory: string }; result: null };
  'list.index': { params: null; result: null };
  /** Whether the view stands in the place of a list, and the way back to it. */
  'trajectory.inList': { params: null; result: boolean };
  'open.list': { params: null; result: null };
  'open.transcript': { params: null; result: null };
  'compare.head': { params: null; result: Comparison };
  'compare.rows': { params: { from: number; to: number }; result: readonly CompareRow[] };
  'compare.open': { params: { side: 0 | 1; step: number }; result: null };
  /** Shows the pair of a browse in the table of pairs. */
  'open.pair': { params: { step: number; doc: string | null }; result: null };
  'pairs.head': {
    params: { mode: MiningModeName | null; against: MiningModeName | null };
    result: PairsHead;
  };
  'pairs.rows': {
    params: PairQuery & { from: number; to: number };
    result: { total: number; rows: readonly PairTableRow[] };
  };
  /** Titles of the documents of browses, in their order; null where the log has none. */
  'pairs.titles': { params: { browses: readonly BrowsePlace[] }; result: readonly (string | null)[] };
  'pairs.detail': { params: { mode: MiningModeName; browse: BrowsePlace }; result: PairDetail };
  /** Position of a browse in the rows; −1 if it is not among them. */
  'pairs.find': { params: PairQuery & { browse: BrowsePlace }; result: number };
  'pairs.label': { params: { browse: BrowsePlace; label: 'relevant' | 'irrelevant' | null }; result: null };
  'pairs.undo': { params: null; result: null };
  /** The browse whose row was to be brought into view while the view could not hear of it. */
  'pairs.missed': { params: null; result: BrowsePlace | null };
  'pairs.openStep': { params: BrowsePlace; result: null };
  'pairs.openLog': { params: { log: string; place: LogPlace }; result: null };
  'pairs.train': { params: { mode: MiningModeName }; result: null };
  'pairs.export': { params: { mode: MiningModeName }; result: null };
  'pairs.judge': { params: null; result: null };
  'run.state': { params: null; result: RunView };
  'run.stop': { params: null; result: null };
  'run.resume': { params: null; result: null };
  'run.openLog': { params: null; result: null };
  'runs.view': { params: null; result: RunsView };
  'runs.open': { params: { side: 0 | 1 }; result: null };
  'runs.copy': { params: null; result: null };
}

/** Events from the editor to a webview. */
export interface EditorEvents {
  /** Logs, labels or pairs changed: fetch again what is shown. */
  changed: null;
  /** Bring a step into view. */
  reveal: { readonly step: number };
  /** Bring the row of a browse into view. */
  revealBrowse: BrowsePlace;
}

export type Message =
  | { readonly kind: 'request'; readonly id: number; readonly method: string; readonly params: unknown }
  | { readonly kind: 'result'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly message: string }
  | { readonly kind: 'event'; readonly event: string; readonly payload: unknown };
