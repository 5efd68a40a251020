import { TrajectoryBuilder } from '../builder.ts';
import type { Detection, ReadContext, RecordFormat, RecordResult } from '../format.ts';
import type { Outcome } from '../model.ts';
import type { Stretch } from '../source/record.ts';
import { readSearchOutput } from '../tool-output.ts';
import { field, isFields, nameField, namesOf, textField } from '../values.ts';
import { explicitVerdict } from '../verdict.ts';

/** What begins a part of a run at the head of a line, or a rule between runs. The numbers are those of ReAct's own code. */
const headings = /^(?:(Question|Thought|Action Input|Action|Observation|Final Answer)(?: \d+)?:|-{5,}.*)/gm;

/**
 * The text of ReAct, as its own code and Reflexion print it, and LangChain's agents: `Thought`, `Action` and `Observation`
 * at the head of a line each, one run after the other, each with its `Question`; or such a text as a field of a record. An
 * action is `Search[entity]`, `Lookup[words]` or `Finish[answer]`, or a tool's name with an `Action Input` below it.
 *
 * `Search[entity]` opens the page of that name at once: a search that shows no list, and a browse if there is the page. So
 * such logs give no pairs; those of agents whose tools show lists do.
 */
export const reactText: RecordFormat = {
  name: 'react-text',
  unit: 'record',

  detect(record: unknown): Detection | null {
    const found = reactIn(record);
    if (found === null) return null;
    const what = 'lines that begin with `Thought`, `Action` and `Observation`';
    return found.name === null
      ? { score: 0.9, reason: `it has ${what}` }
      : { score: 0.5, reason: `its \`${found.name}\` is a text with ${what}` };
  },

  read(record: unknown, context: ReadContext): readonly RecordResult[] {
    const { name, runs } = reactIn(record)!;
    return runs.map(run => {
      const read = readRun(run, context);
      if (name === null) return read;
      const verdict = explicitVerdict(record);
      return {
        ...read,
        textPath: [name],
        queryId: nameField(record, 'query_id', 'qid', 'id'),
        question: textField(record, 'question', 'query', 'input') ?? read.question,
        agent: textField(record, 'model'),
        references: namesOf(field(record, 'answer')),
        outcome: verdict === 'unknown' ? read.outcome : verdict,
      };
    });
  },
};

type Heading = 'Question' | 'Thought' | 'Action Input' | 'Action' | 'Observation' | 'Final Answer';

/** What stands below one heading, up to the next. */
interface Part {
  readonly heading: Heading;
  readonly body: string;
  /** With its heading. */
  readonly stretch: Stretch;
}

interface ReactText {
  /** The field that holds it; null if the record is the text. */
  readonly name: string | null;
  readonly runs: readonly (readonly Part[])[];
}

function reactIn(record: unknown): ReactText | null {
  const texts = isFields(record) ? Object.entries(record) : [[null, record] as const];
  for (const [name, text] of texts) {
    if (typeof text !== 'string' || !text.includes('Observation')) continue;
    const runs = runsIn(text);
    if (runs.length > 0) return { name, runs };
  }
  return null;
}

/** The runs in a text: from question to question, those in which something is done and seen. */
function runsIn(text: string): Part[][] {
  const runs: Part[][] = [[]];
  const found = [...text.matchAll(headings)];
  found.forEach((match, i) => {
    const heading = match[1] as Heading | undefined;
    if (heading === undefined) return;
    const end = found[i + 1]?.index ?? text.length;
    const from = match.index;
    const body = text.slice(from + match[0].length, end).trim();
    const to = from + text.slice(from, end).trimEnd().length;
    if (heading === 'Question') runs.push([]);
    runs.at(-1)!.push({ heading, body, stretch: [from, to] });
  });
  return runs.filter(parts => ['Action', 'Observation'].every(isThere(parts)) && !isTemplate(parts));
}

function isThere(parts: readonly Part[]) {
  return (wanted: string): boolean => parts.some(({ heading }) => heading === wanted);
}

/** LangChain's prompt explains the format by an example that says of each part what it is. */
function isTemplate(parts: readonly Part[]): boolean {
  return parts.some(({ heading, body }) => heading === 'Action' && body.startsWith('the action to take'));
}

function readRun(parts: readonly Part[], { tools }: ReadContext): RecordResult {
  const builder = new TrajectoryBuilder(tools);
  let question: string | null = null;
  let answer: string | null = null;
  let outcome: Outcome = 'unknown';
  /** An action that nothing was seen of yet. */
  let action: Action | null = null;
  let inTurn = false;

  const turn = (): void => {
    if (!inTurn) builder.turn();
    inTurn = true;
  };
  const finish = (step: number, said: string): void => {
    answer = said;
    builder.answer(step, said);
  };
  const call = (): void => {
    if (action !== null) builder.call(action.step, { ...action, id: String(action.step) });
    action = null;
  };

  parts.forEach(({ heading, body }, step) => {
    if (heading === 'Question') question = body || null;
    else if (heading === 'Thought') {
      call();
      turn();
      builder.think(step, body);
    } else if (heading === 'Action') {
      call();
      turn();
      action = actionIn(body, step);
      if (action.name !== 'Finish') return;
      finish(step, String(action.arguments ?? ''));
      action = null;
    } else if (heading === 'Action Input') {
      if (action !== null) action = { ...action, arguments: body };
    } else if (heading === 'Final Answer') {
      turn();
      finish(step, body);
    } else {
      inTurn = false;
      if (action !== null) observe(builder, step, action, body);
      else if (answer !== null) outcome = verdictIn(body);
      else builder.skip(step, 'an observation of nothing that was done');
      action = null;
    }
  });
  call();

  return {
    ...builder.build(),
    stepList: null,
    stretches: parts.map(({ stretch }) => stretch),
    queryId: null,
    question,
    agent: null,
    retriever: null,
    answer,
    references: [],
    completed: answer !== null,
    outcome,
  };
}

interface Action {
  readonly step: number;
  readonly name: string;
  /** The input as it is written, or null if it is yet to come. */
  readonly arguments: unknown;
}

function actionIn(body: string, step: number): Action {
  const bracket = body.indexOf('[');
  return body.endsWith(']') && bracket > 0
    ? { step, name: body.slice(0, bracket).trim(), arguments: body.slice(bracket + 1, -1).trim() }
    : { step, name: body.trim() || 'unknown', arguments: null };
}

function observe(builder: TrajectoryBuilder, step: number, action: Action, seen: string): void {
  const { name, arguments: input } = action;
  const id = String(action.step);
  const isOwn = typeof input === 'string' && (name === 'Search' || name === 'Lookup');
  const showsList = readSearchOutput(seen).lists.some(({ candidates }) => candidates.length > 0);
  if (!isOwn || showsList) {
    builder.call(action.step, { id, name, arguments: input });
    builder.result(step, { id, output: seen });
  } else if (name === 'Lookup') {
    builder.call(action.step, { id, name, kind: 'in-page', arguments: { pattern: input } });
    builder.result(step, { id, output: { text: seen } });
  } else {
    builder.call(action.step, { id, name, kind: 'search', arguments: { query: input } });
    builder.result(step, { id, output: [] });
    const missed = /^Could not find (?:\[|that page)/.test(seen);
    if (missed && /Similar: \[[^\]]/.test(seen)) builder.skip(step, 'names of similar pages');
    if (missed || seen === '') return;
    builder.call(action.step, { id, name, kind: 'browse', arguments: { docid: input } });
    builder.result(step, { id, output: { text: seen } });
  }
}

/** What the environment says of a finished run. */
function verdictIn(seen: string): Outcome {
  const verdict = /^Answer is (CORRECT|INCORRECT)\b/.exec(seen)?.[1];
  return verdict === undefined ? 'unknown' : verdict === 'CORRECT' ? 'correct' : 'incorrect';
}
