import { TrajectoryBuilder } from '../builder.ts';
import type { Detection, RecordFormat, RecordResult } from '../format.ts';
import { finalAnswer, splitThink } from '../markup.ts';
import type { Stretch } from '../source/record.ts';
import { readSearchOutput } from '../tool-output.ts';
import { field, isFields, nameField, namesOf, textField } from '../values.ts';
import { explicitVerdict } from '../verdict.ts';

/** The tags around queries and documents: of Search-R1, of R1-Searcher, and of SimpleDeepSearcher and Search-o1. */
const dialects = [
  {
    any: /<\/?(?:search|information)>/g,
    query: ['<search>', '</search>'],
    documents: ['<information>', '</information>'],
  },
  {
    any: /<\|(?:begin|end)_of_(?:query|documents)\|>/g,
    query: ['<|begin_of_query|>', '<|end_of_query|>'],
    documents: ['<|begin_of_documents|>', '<|end_of_documents|>'],
  },
  {
    any: /<\|(?:begin|end)_search_(?:query|result)\|>/g,
    query: ['<|begin_search_query|>', '<|end_search_query|>'],
    documents: ['<|begin_search_result|>', '<|end_search_result|>'],
  },
] as const;
type Dialect = (typeof dialects)[number];

/**
 * The one-text logs of Search-R1, R1-Searcher, SimpleDeepSearcher and Search-o1: reasoning with queries and documents in
 * tags, as a field of a record, or as a text with the prompts, and then one run after the other. Their agents read whole
 * passages in the list and open nothing, so these logs can be counted but give no pairs.
 */
export const searchTags: RecordFormat = {
  name: 'search-tags',
  unit: 'record',

  detect(record: unknown): Detection | null {
    const tagged = taggedText(record);
    if (tagged === null) return null;
    const { name, dialect } = tagged;
    const where = name === null ? 'it' : `its \`${name}\``;
    if (dialect === null) return { score: 0.3, reason: `${where} has \`<think>\` and \`<answer>\`` };
    // A field may only repeat what messages beside it say in full.
    const score = name === null || name === known ? 0.9 : 0.6;
    return { score, reason: `${where} is a text of reasoning with searches in tags` };
  },

  read(record: unknown): readonly RecordResult[] {
    const { name, text, dialect } = taggedText(record)!;
    const runs = runsIn(text).map(run => readRun(text, run, dialect ?? dialects[0]));
    if (name === null) return runs;
    const stop = textField(record, 'stop_reason_final');
    return runs.map(run => {
      const answer = run.answer ?? textField(record, 'pred_ans')?.trim() ?? null;
      return {
        ...run,
        textPath: [name],
        queryId: nameField(record, 'query_id', 'qid', 'id'),
        question:
          textField(record, 'question', 'Question', 'query') ?? run.question ?? promptIn(record, name),
        agent: textField(record, 'model'),
        retriever: textField(record, 'retriever'),
        answer,
        references: namesOf(field(record, 'answer') ?? field(record, 'golden_answers')),
        completed: stop === null ? run.completed : stop === 'finished',
        outcome: explicitVerdict(record),
      };
    });
  },
};

interface TaggedText {
  /** The field that holds it; null if the record is the text. */
  readonly name: string | null;
  readonly text: string;
  /** Null if the agent answers without a search. */
  readonly dialect: Dialect | null;
}

/** The field of R1-Searcher, which is known by its name: not every run searches. */
const known = 'gen_text_store';

/** A record's text in tags. */
function taggedText(record: unknown): TaggedText | null {
  if (typeof record === 'string') {
    const dialect = dialectOf(record);
    return dialect === null ? null : { name: null, text: record, dialect };
  }
  const text = textField(record, known);
  if (text !== null) return { name: known, text, dialect: dialects[1] };
  if (!isFields(record)) return null;
  let silent: TaggedText | null = null;
  for (const [name, text] of Object.entries(record)) {
    if (typeof text !== 'string') continue;
    const dialect = dialectOf(text);
    if (dialect !== null) return { name, text, dialect };
    const answers =
      text.includes('</think>') &&
      text.includes('<answer>') &&
      runsIn(text).some(({ from, to }) => /<\/think>[\s\S]*<answer>/.test(text.slice(from, to)));
    if (answers) silent ??= { name, text, dialect };
  }
  return silent;
}

/** The dialect in which an agent is shown documents after a query. Prompts that explain the tags show it none. */
function dialectOf(text: string): Dialect | null {
  const searches = (dialect: Dialect): boolean =>
    text.includes(dialect.query[1]) &&
    text.includes(dialect.documents[1]) &&
    runsIn(text).some(run =>
      piecesIn(text, run, dialect).some(
        ({ kind }, i, pieces) => kind === 'query' && pieces[i + 1]?.kind === 'documents',
      ),
    );
  return dialects.find(searches) ?? null;
}

/** A stretch of text that an agent wrote, and what it had been asked. */
interface Run {
  readonly question: string | null;
  readonly from: number;
  readonly to: number;
}

/**
 * What agents wrote in a text: where its chat's marks say so; or after each prompt of Search-R1, which ends with the
 * question; else all of it.
 */
function runsIn(text: string): Run[] {
  const marks = [...text.matchAll(/<\|im_start\|>(\w+)\n/g)];
  if (marks.length > 0) {
    return marks.flatMap((mark, i): Run[] => {
      if (mark[1] !== 'assistant') return [];
      const asked = marks[i - 1];
      const from = mark.index + mark[0].length;
      const question = asked?.[1] === 'user' ? text.slice(asked.index + asked[0].length, mark.index) : null;
      return [{ question: questionIn(question), from, to: marks[i + 1]?.index ?? text.length }];
    });
  }
  const prompts = [...text.matchAll(/You must conduct reasoning inside <think>[^\n]*/g)];
  if (prompts.length === 0) return [{ question: null, from: 0, to: text.length }];
  return prompts.map((prompt, i) => ({
    question: questionIn(prompt[0]),
    from: prompt.index + prompt[0].length,
    to: prompts[i + 1]?.index ?? text.length,
  }));
}

/** What a prompt asks in the end. */
function questionIn(prompt: string | null): string | null {
  if (prompt === null) return null;
  const marker = 'Question: ';
  const at = prompt.lastIndexOf(marker);
  const question = at < 0 ? prompt : prompt.slice(at + marker.length);
  return question.replace(chatEnd, '').trim() || null;
}

const chatEnd = /<\|im_end\|>\s*$/;

/** The question in another field: that of the prompt. */
function promptIn(record: unknown, name: string): string | null {
  for (const [other, text] of Object.entries(isFields(record) ? record : {})) {
    if (other === name || typeof text !== 'string') continue;
    const question = runsIn(text).at(-1)?.question ?? null;
    if (question !== null) return question;
  }
  return null;
}

interface Piece {
  readonly kind: 'query' | 'documents';
  readonly inner: string;
  /** With its tags. */
  readonly from: number;
  readonly to: number;
}

/** Queries and documents in their order. Tags within documents are theirs; documents may be cut off. */
function piecesIn(text: string, { from, to }: Run, dialect: Dialect): Piece[] {
  const pieces: Piece[] = [];
  let open: { readonly kind: Piece['kind']; readonly from: number; readonly begin: number } | null = null;
  const close = (end: number, after: number): void => {
    if (open === null) return;
    pieces.push({ kind: open.kind, inner: text.slice(open.begin, end).trim(), from: open.from, to: after });
    open = null;
  };
  for (const match of text.slice(from, to).matchAll(dialect.any)) {
    const [tag] = match;
    const at = from + match.index;
    const after = at + tag.length;
    const within = (open as { kind: Piece['kind'] } | null)?.kind;
    if (within !== undefined && tag === dialect[within][1]) close(at, after);
    else if (within === 'documents') continue;
    else if (tag === dialect.query[0]) open = { kind: 'query', from: at, begin: after };
    else if (tag === dialect.documents[0]) open = { kind: 'documents', from: at, begin: after };
  }
  if ((open as { kind: Piece['kind'] } | null)?.kind === 'documents') close(to, to);
  return pieces;
}

function readRun(text: string, run: Run, dialect: Dialect): RecordResult {
  const builder = new TrajectoryBuilder(() => 'search');
  const stretches: Stretch[] = [];
  let at = run.from;
  const think = (to: number): void => {
    const piece = text.slice(at, to);
    const { think, rest } = splitThink(piece);
    // Outside its tags everything up to the answer is reasoning, marked or not.
    builder.think(stretches.length, [think, rest].filter(Boolean).join('\n\n'));
    stretches.push(trimmed(text, at, to));
  };
  const pieces = piecesIn(text, run, dialect);
  pieces.forEach((piece, i) => {
    const { kind, inner, from } = piece;
    if (kind === 'documents') {
      if (pieces[i - 1]?.kind !== 'query')
        builder.skip(stretches.length, 'documents that no query asked for');
      return;
    }
    builder.turn();
    think(from);
    const step = stretches.length;
    const next = pieces[i + 1];
    const shown = next?.kind === 'documents' ? next : null;
    // Its id is its own: a query that shows nothing leaves later documents alone.
    const id = String(step);
    builder.call(step, { id, name: 'search', arguments: { query: inner } });
    if (shown !== null) {
      builder.result(step, { id, output: shown.inner });
      const isNamed = readSearchOutput(shown.inner).lists.some(({ candidates }) => candidates.length > 0);
      if (!isNamed) builder.skip(step, 'documents without ids or addresses');
    }
    at = (shown ?? piece).to;
    stretches.push(trimmed(text, from, at));
  });

  const last = text.slice(at, run.to).replace(chatEnd, '');
  const answerAt = last.indexOf('<answer>');
  builder.turn();
  const end = at + last.length;
  const begin = answerAt < 0 ? end : at + answerAt;
  think(begin);
  const answer = answerAt < 0 ? null : finalAnswer(last.slice(answerAt));
  if (answer !== null) {
    builder.answer(stretches.length, answer);
    stretches.push(trimmed(text, begin, end));
  }
  return {
    ...builder.build(),
    stepList: null,
    stretches,
    queryId: null,
    question: run.question,
    agent: null,
    retriever: null,
    answer,
    references: [],
    completed: answer !== null,
    outcome: 'unknown',
  };
}

/** A stretch without the white space around it. */
function trimmed(text: string, from: number, to: number): Stretch {
  const piece = text.slice(from, to);
  const begin = from + piece.length - piece.trimStart().length;
  return [Math.min(begin, to), Math.max(begin, from + piece.trimEnd().length)];
}
