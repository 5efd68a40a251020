import * as z from 'zod';
import { type Call, TrajectoryBuilder } from './builder.ts';
import type { Detection, ReadContext, ReadResult, RecordFormat, SessionFormat } from './format.ts';
import { finalAnswer, joinThinks, splitThink } from './markup.ts';
import type { JsonPath } from './source/positions.ts';
import { toolKinds } from './tools.ts';
import { asList, contentText, field, nameOf, namesOf } from './values.ts';
import { explicitVerdict } from './verdict.ts';

const name = z.string().trim().min(1);
/** Names of members from outside to inside, with dots between them: `run.events`; empty for the thing itself. */
const path = z.string();
/** What an element of the list of steps is to the reader. */
const roles = ['assistant', 'call', 'result', 'user', 'ignore'] as const;

/**
 * A format that a person describes, in `formats` of `.lrat/config.json`: where the steps are, which field is what, and
 * which tool names mean search and browse. What no field is named for is left unread; `lrat doctor` tells of it (`Coverage`).
 */
export const formatDefinition = z.strictObject({
  name,
  /** Fields that every record of the format has; they tell it from other JSON. */
  has: z.array(path.min(1)).min(1),
  /** Whether each record is a trajectory, or all records of a file are the steps of one. */
  unit: z.enum(['record', 'file']).default('record'),
  /** Where a record keeps its list of steps. Of a file whose records are the steps themselves: empty. */
  steps: path.default(''),
  /** Fields of the record; of a file, of the first record that has them. */
  id: path.optional(),
  question: path.optional(),
  answer: path.optional(),
  references: path.optional(),
  agent: path.optional(),
  retriever: path.optional(),
  /** Fields of a step. */
  step: z.strictObject({
    /** The field that says what the step is. Without it every step is of the kind of `kinds[""]`. */
    kind: path.optional(),
    /** What each of its values means. */
    kinds: z.record(z.string(), z.enum(roles)),
    /** What the agent thought, and what it said. */
    reasoning: path.optional(),
    text: path.optional(),
    /** Where an assistant's step keeps its calls; without it a step of the role `call` is itself one. */
    calls: path.optional(),
    tool: path.default('name'),
    arguments: path.default('arguments'),
    /** What pairs a call with its result; without it they follow each other. */
    callId: path.optional(),
    /** The result of a step of the role `result`, or of a call that has its own. */
    output: path.optional(),
  }),
  /** What this format's tools are called, besides `toolNames`. */
  tools: z
    .strictObject({ search: z.array(name).default([]), browse: z.array(name).default([]) })
    .prefault({}),
  /** What the fields of a search's results are called, where they have no common names. */
  results: z
    .strictObject({
      list: path.default(''),
      id: path.optional(),
      url: path.optional(),
      title: path.optional(),
      snippet: path.optional(),
      score: path.optional(),
    })
    .optional(),
});

export type FormatDefinition = z.output<typeof formatDefinition>;
type StepFields = FormatDefinition['step'];
type Results = NonNullable<FormatDefinition['results']>;

/** A person's own description outranks whatever else a record may look like. */
const certainty = 2;

/** The reader of a format that a person described. */
export function declaredFormat(definition: FormatDefinition): RecordFormat | SessionFormat {
  const { name, has, unit } = definition;
  const detect = (record: unknown): Detection | null =>
    has.every(path => at(record, path) !== undefined)
      ? {
          score: certainty,
          reason: `it has ${has.map(path => `\`${path}\``).join(', ')}, as \`formats\` says`,
        }
      : null;
  const steps = pathOf(definition.steps);
  if (unit === 'record') {
    return {
      name,
      unit,
      detect,
      read: (record, context) => ({
        ...readSteps(definition, [record], stepsOf(definition, record), context),
        stepList: steps,
      }),
    };
  }
  return {
    name,
    unit: 'session',
    detect,
    elements: steps.length === 0 ? null : steps,
    read: (records, context) => {
      const list = records.flatMap(record => stepsOf(definition, record));
      return [readSteps(definition, records, list, context)];
    },
  };
}

/** The steps in a record; of a file whose records are the steps, the record itself. */
export function stepsOf({ unit, steps }: FormatDefinition, record: unknown): readonly unknown[] {
  return unit === 'file' && steps === '' ? [record] : asList(at(record, steps));
}

function readSteps(
  definition: FormatDefinition,
  records: readonly unknown[],
  steps: readonly unknown[],
  { tools }: ReadContext,
): ReadResult {
  const own = toolKinds(definition.tools);
  const builder = new TrajectoryBuilder(name => {
    const kind = own(name);
    return kind === 'other' ? tools(name) : kind;
  });
  const { step: fields } = definition;
  const said: { question: string | null; answer: string | null } = { question: null, answer: null };
  steps.forEach((step, number) => {
    const role = roleOf(definition, step);
    if (role === undefined) {
      const kind = kindOf(definition, step);
      builder.skip(number, `a step of the kind “${kind}”, which the format does not name`);
    } else if (role === 'user') said.question ??= textAt(step, fields.text);
    else if (role === 'assistant') said.answer = readTurn(builder, number, step, definition) ?? said.answer;
    else if (role === 'call') {
      builder.turn();
      builder.think(number, textAt(step, fields.reasoning));
      readCall(builder, number, step, definition);
    } else if (role === 'result' && !builder.result(number, resultOf(step, definition))) {
      builder.skip(number, 'a result without its call');
    }
  });
  const first = (path: string | undefined): unknown =>
    path === undefined ? undefined : records.map(record => at(record, path)).find(found => found != null);
  const built = builder.build();
  const noSteps = `no steps: its \`${definition.steps}\`, where the description of its format has them, holds none.`;
  return {
    ...built,
    ...(steps.length === 0 && { noPairs: noSteps }),
    name: null,
    queryId: nameOf(first(definition.id)),
    question: nameOf(first(definition.question)) ?? said.question,
    agent: nameOf(first(definition.agent)),
    retriever: nameOf(first(definition.retriever)),
    answer: nameOf(first(definition.answer)) ?? said.answer,
    references: namesOf(first(definition.references)),
    completed: (nameOf(first(definition.answer)) ?? said.answer) !== null,
    outcome: explicitVerdict(records[0]),
  };
}

/** What a step says that it is. */
function kindOf({ step: { kind } }: FormatDefinition, step: unknown): string {
  return kind === undefined ? '' : (nameOf(at(step, kind)) ?? '');
}

/** What a step is to the reader; undefined if the description does not say. */
export function roleOf(definition: FormatDefinition, step: unknown): (typeof roles)[number] | undefined {
  const { kinds } = definition.step;
  const kind = kindOf(definition, step);
  return Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
}

/** An assistant's step: its reasoning, its calls, and, if it makes none, what it says as an answer, which is returned. */
function readTurn(
  builder: TrajectoryBuilder,
  number: number,
  step: unknown,
  definition: FormatDefinition,
): string | null {
  const { step: fields } = definition;
  const { think, rest } = splitThink(textAt(step, fields.text) ?? '');
  const calls = fields.calls === undefined ? [] : asList(at(step, fields.calls));
  builder.turn();
  builder.think(number, textAt(step, fields.reasoning) ?? think ?? (calls.length > 0 ? rest : null));
  for (const call of calls) readCall(builder, number, call, definition);
  if (calls.length > 0 || rest === '') return null;
  builder.answer(number, rest);
  return finalAnswer(rest);
}

function readCall(
  builder: TrajectoryBuilder,
  number: number,
  value: unknown,
  definition: FormatDefinition,
): void {
  const { step: fields } = definition;
  const name = nameOf(at(value, fields.tool));
  if (name === null) {
    builder.skip(number, `a call without the name of its tool (\`${fields.tool}\`)`);
    return;
  }
  const call: Call = { id: idOf(value, fields), name, arguments: at(value, fields.arguments) };
  builder.call(number, call);
  if (fields.output !== undefined && at(value, fields.output) !== undefined) {
    builder.result(number, { ...resultOf(value, definition), id: call.id });
  }
}

function resultOf(value: unknown, { step: fields, results }: FormatDefinition) {
  const output = fields.output === undefined ? value : at(value, fields.output);
  return {
    id: idOf(value, fields),
    output: results === undefined ? output : withCommonNames(output, results),
  };
}

/** A search's results under the names that the reader of outputs knows; anything else as it is. */
function withCommonNames(output: unknown, results: Results): unknown {
  const value = typeof output === 'string' ? parsed(output) : output;
  const items = at(value, results.list);
  if (!Array.isArray(items)) return output;
  return items.map(item =>
    Object.fromEntries(
      commonNames(results).flatMap(([common, , path]) => {
        const found = path === undefined ? field(item, common) : at(item, path);
        return found === undefined ? [] : [[common, found]];
      }),
    ),
  );
}

/** What the fields of results are commonly called, which option gives them another name, and that name. */
export function commonNames({
  id,
  url,
  title,
  snippet,
  score,
}: Results): [common: string, option: string, path: string | undefined][] {
  return [
    ['docid', 'id', id],
    ['url', 'url', url],
    ['title', 'title', title],
    ['snippet', 'snippet', snippet],
    ['score', 'score', score],
  ];
}

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function idOf(value: unknown, { callId }: StepFields): string | null {
  return callId === undefined ? null : nameOf(at(value, callId));
}

export function textAt(value: unknown, path: string | undefined): string | null {
  if (path === undefined) return null;
  const found = at(value, path);
  return joinThinks([typeof found === 'string' ? found : contentText(found)]);
}

export function pathOf(path: string): JsonPath {
  return path === '' ? [] : path.split('.');
}

/** What a path leads to; names of a list's elements are their indexes. */
export function at(value: unknown, path: string): unknown {
  let found = value;
  for (const name of pathOf(path)) {
    found = Array.isArray(found) ? found[/^\d+$/.test(name) ? Number(name) : -1] : field(found, name);
  }
  return found;
}
