import { readFileSync, statSync } from 'node:fs';
import { LratError } from '../base/errors.ts';
import { clip, normaliseText } from '../base/text.ts';
import type { Outcome, Problem, Trajectory } from './model.ts';
import { asList, field, nameField, namesOf, textField } from './values.ts';
import { explicitVerdict } from './verdict.ts';

/** A larger file of answers is refused, in bytes. */
const largestDocument = 256 * 2 ** 20;

/** What there must be of a trajectory to tell its outcome. */
export type Answered = Pick<
  Trajectory,
  'queryId' | 'question' | 'answer' | 'references' | 'completed' | 'outcome'
>;

/** One question of a reference file: its right answers, or somebody's verdict on the run that answered it. */
export interface Reference {
  readonly id: string | null;
  readonly question: string | null;
  readonly answers: readonly string[];
  readonly verdict: Outcome;
  /** `line 7`, `record 3`. */
  readonly place: string;
}

/** Where an outcome comes from; `none` if it is unknown. */
export type OutcomeSource = 'log verdict' | 'file verdict' | 'file answer' | 'log answer' | 'none';

/**
 * Whether a run was right. An explicit verdict decides, the log's before the file's. Else, where there is a right
 * answer (the file's before the log's), a run that did not finish or says nothing is wrong, and its final answer is
 * compared: see `compareAnswer`. Without either the outcome is unknown.
 */
export function resolveOutcome(
  run: Answered,
  references?: References,
): { readonly outcome: Outcome; readonly source: OutcomeSource } {
  if (run.outcome !== 'unknown') return { outcome: run.outcome, source: 'log verdict' };
  const reference = references?.of(run);
  if (reference && reference.verdict !== 'unknown')
    return { outcome: reference.verdict, source: 'file verdict' };
  const inFile = reference?.answers ?? [];
  const answers = inFile.length > 0 ? inFile : run.references;
  if (answers.length === 0) return { outcome: 'unknown', source: 'none' };
  const outcome = !run.completed || run.answer === null ? 'incorrect' : compareAnswer(run.answer, answers);
  if (outcome === 'unknown') return { outcome, source: 'none' };
  return { outcome, source: inFile.length > 0 ? 'file answer' : 'log answer' };
}

/** A final answer of at most so many words is taken for the answer itself and not for a text about it. */
const longestShortAnswer = 12;

/**
 * Compares a final answer with the right ones as SQuAD does (lower case, no punctuation, no articles). A short answer
 * (an `Exact Answer:` line, `\boxed{}`, or few words) is correct if it equals one of them and incorrect if it has nothing
 * to do with any. An answer that contains a right one word by word is correct. All else stays unknown: a comparison of
 * texts cannot prove a paraphrase wrong.
 */
export function compareAnswer(answer: string, references: readonly string[]): Outcome {
  const marked = markedAnswer(answer);
  const given = normalise(marked ?? answer);
  const right = references.map(normalise).filter(reference => reference !== '');
  if (given === '' || right.length === 0) return 'unknown';
  if (right.some(reference => given === reference || (isTelling(reference) && holds(given, reference))))
    return 'correct';
  const isShort = marked !== null || given.split(' ').length <= longestShortAnswer;
  return isShort && !right.some(reference => holds(reference, given) || holds(given, reference))
    ? 'incorrect'
    : 'unknown';
}

/** The answer where a text marks it: on its last `Exact Answer:` line or in its last `\boxed{}`. */
function markedAnswer(text: string): string | null {
  const line = [...text.matchAll(/^[^\p{L}\n]*exact answer[^\p{L}\p{N}\n]*?:[ \t*_]*(\S.*)$/gimu)].at(-1);
  if (line !== undefined) return line[1]!;
  const boxed = text.lastIndexOf('\\boxed{');
  if (boxed < 0) return null;
  const start = boxed + '\\boxed{'.length;
  let depth = 1;
  for (let at = start; at < text.length; at++) {
    if (text[at] === '{') depth++;
    else if (text[at] === '}' && --depth === 0) return text.slice(start, at);
  }
  return null;
}

function normalise(text: string): string {
  return normaliseText(text)
    .replace(/[\p{P}$+<=>^`|~]/gu, '')
    .replace(/(?<![\p{L}\p{N}])(?:a|an|the)(?![\p{L}\p{N}])/gu, ' ')
    .replace(/\s+/gu, ' ')
    .trim();
}

/** Whether an answer says enough that finding it in a long text means something. */
function isTelling(reference: string): boolean {
  return reference.length >= 5 || reference.includes(' ');
}

/** Whether a text holds some words one after the other. */
function holds(text: string, words: string): boolean {
  return ` ${text} `.includes(` ${words} `);
}

/** A file of right answers or verdicts, as the users of benchmarks have them. */
export class References {
  readonly path: string;
  /** What could not be used of the file: unreadable lines, and ids that stand for different things. */
  readonly problems: readonly Problem[];
  readonly #all: readonly Reference[];
  readonly #byId = new Map<string, Reference>();
  readonly #byQuestion = new Map<string, Reference>();

  private constructor(path: string, read: readonly (Reference | Problem)[]) {
    this.path = path;
    const problems = read.filter((item): item is Problem => 'log' in item);
    this.#all = read.filter((item): item is Reference => !('log' in item));
    const contested = new Set<string>();
    for (const reference of this.#all) {
      if (reference.id === null) continue;
      const first = this.#byId.get(reference.id);
      if (first === undefined) this.#byId.set(reference.id, reference);
      else {
        const same = says(first) === says(reference);
        if (!same) contested.add(reference.id);
        const what = same ? 'it says the same.' : 'it says something else, so neither is used.';
        problems.push({
          log: path,
          place: reference.place,
          reason: `repeats the id ${reference.id} of ${first.place}; ${what}`,
        });
      }
    }
    for (const id of contested) this.#byId.delete(id);
    const questions = new Set<string>();
    for (const reference of this.#all) {
      if (reference.question === null || (reference.id !== null && contested.has(reference.id))) continue;
      const question = normaliseText(reference.question);
      const first = this.#byQuestion.get(question);
      if (first !== undefined && says(first) !== says(reference)) questions.add(question);
      else if (first === undefined) this.#byQuestion.set(question, reference);
    }
    // One question with two answers names nothing by itself; its ids still do.
    for (const question of questions) this.#byQuestion.delete(question);
    this.problems = problems;
  }

  /**
   * Reads a file of `id⇥question⇥answer` lines (tabs in the question are its own), or of JSON records
   * `{query_id | id, question, answer}` or `{query_id, correct}`, one per line or in a list. Raises LratError if the file
   * cannot be read at all.
   */
  static read(path: string): References {
    let text: string;
    try {
      if (statSync(path).size > largestDocument)
        throw new Error(`it is larger than ${largestDocument / 2 ** 20} MiB`);
      text = readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
    } catch (error) {
      throw new LratError(`cannot be read (${error instanceof Error ? error.message : String(error)}).`, {
        place: path,
        remedy: 'Name a file of reference answers: TSV, JSON or JSON Lines.',
        cause: error,
      });
    }
    const references = new References(
      path,
      /^\s*[[{]/.test(text) ? readJson(path, text) : readTable(path, text),
    );
    if (references.#all.length > 0) return references;
    throw new LratError('has no reference answers or verdicts.', {
      place: path,
      remedy:
        'Write lines `id<TAB>question<TAB>answer`, or JSON records with `query_id` and `answer` or `correct`.',
    });
  }

  /** The reference for a run: by query id, else by the question's text. Null if there is none, or the two disagree. */
  of(run: Pick<Trajectory, 'queryId' | 'question'>): Reference | null {
    const byId = run.queryId === null ? undefined : this.#byId.get(run.queryId);
    const question = run.question === null ? null : normaliseText(run.question);
    if (
      byId !== undefined &&
      (question === null || byId.question === null || normaliseText(byId.question) === question)
    ) {
      return byId;
    }
    return (question === null ? undefined : this.#byQuestion.get(question)) ?? null;
  }

  /** What does not fit between this file and the runs it is for: ids with another question, and entries without a run. */
  mismatches(runs: Iterable<Pick<Trajectory, 'queryId' | 'question'>>): Problem[] {
    const matched = new Set<Reference>();
    const problems: Problem[] = [];
    const told = new Set<string>();
    let total = 0;
    for (const run of runs) {
      total++;
      const found = this.of(run);
      if (found !== null) matched.add(found);
      const byId = run.queryId === null ? undefined : this.#byId.get(run.queryId);
      if (byId === undefined || byId === found || told.has(run.queryId!)) continue;
      told.add(run.queryId!);
      const reason = `has the id ${run.queryId} for another question ("${clip(byId.question ?? '', 60)}") than the logs ("${clip(run.question ?? '', 60)}"), so it is not used.`;
      problems.push({ log: this.path, place: byId.place, reason });
    }
    const idle = this.#all.filter(reference => !matched.has(reference));
    if (matched.size === 0 && total > 0) {
      problems.push({
        log: this.path,
        place: '',
        reason: `matches none of the ${total} trajectories, by id or by question. Check that it belongs to these logs.`,
      });
    } else if (idle.length > 0) {
      const some = idle.slice(0, 5).map(({ id, place }) => id ?? place);
      const more = idle.length > some.length ? ', …' : '';
      problems.push({
        log: this.path,
        place: '',
        reason: `${idle.length} of its ${this.#all.length} entries match no trajectory (${some.join(', ')}${more}).`,
      });
    }
    return problems;
  }
}

function says(reference: Reference): string {
  return JSON.stringify([reference.verdict, reference.answers.map(normalise).sort()]);
}

function readTable(path: string, text: string): (Reference | Problem)[] {
  return text.split(/\r?\n/).flatMap((line, i): (Reference | Problem)[] => {
    const place = `line ${i + 1}`;
    if (line.trim() === '') return [];
    const columns = line.split('\t');
    const [id, answer] = [columns[0]!.trim(), columns.at(-1)!.trim()];
    if (i === 0 && /^(?:query_?id|qid|id)$/i.test(id)) return [];
    if (columns.length < 3 || id === '' || answer === '') {
      return [{ log: path, place, reason: 'is no line `id<TAB>question<TAB>answer`, and was left out.' }];
    }
    const question = columns.slice(1, -1).join('\t').trim();
    return [
      { id, question: question === '' ? null : question, answers: [answer], verdict: 'unknown', place },
    ];
  });
}

function readJson(path: string, text: string): (Reference | Problem)[] {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return text.split('\n').flatMap((line, i): (Reference | Problem)[] => {
      const place = `line ${i + 1}`;
      if (line.trim() === '') return [];
      try {
        return [readReference(path, JSON.parse(line), place)];
      } catch {
        return [{ log: path, place, reason: 'is not JSON, and was left out.' }];
      }
    });
  }
  const records = asList(field(document, 'per_query_metrics') ?? document);
  return records.map((record, i) => readReference(path, record, `record ${i + 1}`));
}

function readReference(path: string, record: unknown, place: string): Reference | Problem {
  const id = nameField(record, 'query_id', 'qid', 'question_id', 'id');
  const question = textField(record, 'question', 'query');
  const given = [
    'answer',
    'answers',
    'reference',
    'reference_answer',
    'correct_answer',
    'gold',
    'ground_truth',
  ];
  const answers = given.flatMap(name => asList(field(record, name)).flatMap(namesOf));
  const verdict = explicitVerdict(record);
  if ((id === null && question === null) || (answers.length === 0 && verdict === 'unknown')) {
    return {
      log: path,
      place,
      reason: 'has no query id or question, or neither an answer nor a verdict, and was left out.',
    };
  }
  return { id, question, answers, verdict, place };
}
