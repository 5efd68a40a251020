import type { LabelLookup, OutlineStep, TrajectoryOutline } from '../../../src/trajectory/outline.ts';

/** A row as LRAT.md, section 3, describes it: written down sentence by sentence, with no regard to speed. */
export interface Row {
  readonly log: string;
  readonly searchStep: number;
  readonly searchPart: number;
  readonly browseStep: number;
  readonly query: string;
  readonly positive: string;
  readonly negatives: readonly string[];
  readonly reasoningTokens: number | null;
  readonly satisfied: boolean;
}

type Search = Extract<OutlineStep, { kind: 'search' }>;
type Browse = Extract<OutlineStep, { kind: 'browse' }>;

const once = (docs: readonly string[]) => docs.filter((doc, at) => docs.indexOf(doc) === at);
const labelIn = (outline: TrajectoryOutline, labelOf: LabelLookup) => (browse: Browse) =>
  labelOf({ log: outline.log, trajectory: outline.trajectory, step: browse.step, doc: browse.doc });

/** The queries of one call as the published builder knows them: the first one, and everything that was listed. */
function asOneCall(steps: readonly OutlineStep[]): OutlineStep[] {
  return steps.flatMap((step): OutlineStep[] => {
    if (step.kind !== 'search') return [step];
    if (step.part > 0) return [];
    const parts = steps.filter(other => other.kind === 'search' && other.step === step.step) as Search[];
    return [{ ...step, documents: parts.flatMap(part => part.documents) }];
  });
}

export function paperRows(outline: TrajectoryOutline, labelOf: LabelLookup): Row[] {
  const label = labelIn(outline, labelOf);
  const steps = asOneCall(outline.steps);
  const rows: Row[] = [];
  steps.forEach((search, at) => {
    if (search.kind !== 'search') return;
    const rest = steps.slice(at + 1);
    const end = rest.findIndex(step => step.kind === 'search' || step.kind === 'tool');
    const run = (end < 0 ? rest : rest.slice(0, end)).filter(step => step.kind === 'browse') as Browse[];
    const browsed = run.map(browse => browse.doc);
    for (const doc of once(browsed.filter(opened => opened !== null))) {
      const first = run.find(browse => browse.doc === doc && label(browse) === 'relevant');
      if (first === undefined || !search.documents.includes(doc)) continue;
      rows.push({
        log: outline.log,
        searchStep: search.step,
        searchPart: 0,
        browseStep: first.step,
        query: search.query,
        positive: doc,
        negatives: once(search.documents.filter(other => !browsed.includes(other))),
        reasoningTokens: first.reasoningTokens,
        satisfied: true,
      });
    }
  });
  return rows;
}

export function releasedRows(outline: TrajectoryOutline, labelOf: LabelLookup): Row[] {
  const label = labelIn(outline, labelOf);
  const steps = asOneCall(outline.steps);
  const rows: Row[] = [];
  let query: Search | null = null;
  let lists: (readonly string[])[] = [];
  let seen: Browse[] = [];
  let at = 0;
  while (at < steps.length) {
    const step = steps[at]!;
    if (step.kind === 'search') {
      query = step;
      lists = [...lists, step.documents];
    }
    if (step.kind !== 'browse') {
      at += 1;
      continue;
    }
    const run: Browse[] = [];
    while (steps[at]?.kind === 'browse') {
      const browse = steps[at] as Browse;
      at += 1;
      if (browse.doc === null) continue;
      run.push(browse);
      if (steps[at]?.kind === 'think') at += 1;
    }
    const docs = (browses: Browse[], wanted: string) =>
      browses.filter(browse => label(browse) === wanted).map(browse => browse.doc!);
    const relevantNow = docs(run, 'relevant');
    const browsed = [...run, ...seen].map(browse => browse.doc!);
    const pool = once([
      ...docs(run, 'irrelevant').reverse(),
      ...docs(seen, 'irrelevant').reverse(),
      ...[...lists].reverse().flatMap(listed => listed.filter(doc => !browsed.includes(doc))),
    ]);
    for (const browse of run) {
      if (query === null || !lists.some(listed => listed.includes(browse.doc!))) continue;
      if (label(browse) === 'unknown') continue;
      rows.push({
        log: outline.log,
        searchStep: query.step,
        searchPart: 0,
        browseStep: browse.step,
        query: query.query,
        positive: browse.doc!,
        negatives: pool.filter(doc => !relevantNow.includes(doc) && doc !== browse.doc),
        reasoningTokens: browse.reasoningTokens,
        satisfied: label(browse) === 'relevant',
      });
    }
    seen = [...seen, ...run];
    if (relevantNow.length > 0) {
      query = null;
      lists = [];
      seen = [];
    }
  }
  return rows;
}

/** `sameQuestion` and `sameText` decide what the guard compares. */
export function attributedRows(
  outline: TrajectoryOutline,
  all: readonly TrajectoryOutline[],
  labelOf: LabelLookup,
  sameQuestion: (a: TrajectoryOutline, b: TrajectoryOutline) => boolean,
  sameText: (a: string, b: string) => boolean,
): Row[] {
  const browsesOf = (of: TrajectoryOutline) => of.steps.filter(step => step.kind === 'browse') as Browse[];
  const relevantIn = (of: TrajectoryOutline) =>
    browsesOf(of).flatMap(browse =>
      browse.doc !== null && labelIn(of, labelOf)(browse) === 'relevant' ? [browse.doc] : [],
    );
  const label = labelIn(outline, labelOf);
  const browses = browsesOf(outline);
  const searches = outline.steps.filter(step => step.kind === 'search') as Search[];
  const order = (step: OutlineStep) => outline.steps.indexOf(step);

  // 1. The most recent search before the browse, made in an earlier turn, whose list holds the document.
  const owner = (browse: Browse) =>
    searches.findLast(
      search =>
        order(search) < order(browse) &&
        search.turn < browse.turn &&
        browse.doc !== null &&
        search.documents.includes(browse.doc),
    );
  const irrelevantHere = browses.filter(browse => label(browse) === 'irrelevant').map(browse => browse.doc);
  const browsedHere = browses.map(browse => browse.doc);
  const relevantForQuestion = all
    .filter(other => other === outline || sameQuestion(other, outline))
    .flatMap(relevantIn);

  const rows: Row[] = [];
  for (const browse of browses) {
    const search = owner(browse);
    if (search === undefined) continue;
    // 3. One browse for all of this document that belong to this search; told at the first of them.
    const together = browses.filter(other => other.doc === browse.doc && owner(other) === search);
    if (together[0] !== browse || !together.some(other => label(other) === 'relevant')) continue;
    const lengths = together
      .filter((other, at) => together.findLastIndex(same => same.turn === other.turn) === at)
      .flatMap(other => other.reasoningTokens ?? []);
    // 4. First what was found irrelevant, then what was not browsed. 5. The guard.
    const allowed = once(search.documents).filter(
      doc => !relevantForQuestion.some(relevant => relevant === doc || sameText(relevant, doc)),
    );
    rows.push({
      log: outline.log,
      searchStep: search.step,
      searchPart: search.part,
      browseStep: browse.step,
      query: search.query,
      positive: browse.doc!,
      negatives: [
        ...allowed.filter(doc => irrelevantHere.includes(doc)),
        ...allowed.filter(doc => !browsedHere.includes(doc)),
      ],
      reasoningTokens: lengths.length === 0 ? null : lengths.reduce((a, b) => a + b, 0),
      satisfied: true,
    });
  }
  return rows;
}
