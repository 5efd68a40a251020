import type { Call, Result } from '../builder.ts';
import { Dialogue } from '../conversation.ts';
import type { Detection, ReadContext, RecordFormat, RecordResult } from '../format.ts';
import { reasoningIn } from '../reasoning.ts';
import type { JsonPath } from '../source/positions.ts';
import { asList, contentText, field, nameField, namesOf, textField, unreadBlocks } from '../values.ts';
import { explicitVerdict } from '../verdict.ts';

/** Types of items that only this interface has. */
const ownType = /^(?:reasoning|item_reference|[a-z_]+_call(?:_output)?|mcp_[a-z_]+)$/;
const spoken: ReadonlySet<unknown> = new Set(['user', 'assistant', 'system', 'developer']);

/**
 * Items of OpenAI's Responses interface as agents keep them to send them again: a bare list, `{input, output}` or
 * `{items}`, and the lines of a batch's results, `{custom_id, response: {body: {output}}}`.
 */
export const openaiItems: RecordFormat = {
  name: 'openai-items',
  unit: 'record',

  detect(record: unknown): Detection | null {
    const lists = itemLists(record);
    const items = lists.flatMap(({ items }) => items);
    if (items.length === 0 || !items.every(isItem)) return null;
    const acts = items.some(item => /_call$/.test(String(field(item, 'type'))));
    return acts
      ? {
          score: 1,
          reason: 'its items are messages, reasoning and calls, as the Responses interface has them',
        }
      : items.some(item => field(item, 'role') === undefined)
        ? { score: 0.3, reason: 'its items are messages and reasoning' }
        : null;
  },

  read(record: unknown, { tools }: ReadContext): RecordResult {
    const dialogue = new Dialogue(tools);
    const stepPaths: JsonPath[] = [];
    for (const { path, items } of itemLists(record)) {
      for (const [i, item] of items.entries()) {
        readItem(dialogue, stepPaths.length, item);
        stepPaths.push([...path, String(i)]);
      }
    }
    const { question, answered, ...read } = dialogue.end();
    const body = bodyOf(record);
    const status = textField(body, 'status');
    return {
      ...read,
      stepList: null,
      stepPaths,
      name: nameField(record, 'custom_id'),
      queryId: nameField(record, 'query_id', 'qid', 'question_id', 'task_id'),
      question: textField(record, 'question', 'query') ?? question ?? textField(body, 'input'),
      agent: textField(body, 'model') ?? textField(record, 'model'),
      retriever: textField(record, 'retriever'),
      references: namesOf(field(record, 'answer')),
      completed: answered && (status === null || status === 'completed'),
      outcome: explicitVerdict(record),
    };
  },
};

/** What a batch's line has in `response.body`; any other record is its own body. */
function bodyOf(record: unknown): unknown {
  if (nameField(record, 'custom_id') === null) return record;
  return field(field(record, 'response'), 'body') ?? record;
}

function itemLists(record: unknown): { readonly path: JsonPath; readonly items: readonly unknown[] }[] {
  if (Array.isArray(record)) return [{ path: [], items: record }];
  if (field(record, 'object') === 'response') return [];
  const body = bodyOf(record);
  const way = body === record ? [] : ['response', 'body'];
  return ['input', 'items', 'output'].flatMap(name => {
    const items = field(body, name);
    return Array.isArray(items) ? [{ path: [...way, name], items }] : [];
  });
}

/** Whether a value looks like an item of this interface, or a message that it takes in the place of one. */
export function isItem(item: unknown): boolean {
  const type = field(item, 'type');
  if (type === undefined || type === 'message') return spoken.has(field(item, 'role'));
  return typeof type === 'string' && ownType.test(type);
}

/** Reads one item. Those of calls that the server carries out have no `call_id`, and hold what came of them themselves. */
export function readItem(dialogue: Dialogue, step: number, item: unknown): void {
  const type = field(item, 'type') ?? 'message';
  if (type === 'message') readMessage(dialogue, step, item);
  else if (type === 'reasoning') {
    const { reasoning, hidden } = reasoningIn(item);
    dialogue.reason(step, reasoning, hidden);
  } else if (type === 'web_search_call') readWebSearch(dialogue, step, item);
  else if (type === 'file_search_call') {
    const queries = namesOf(field(item, 'queries'));
    searchFor(dialogue, step, item, queries, field(item, 'results'));
  } else if (typeof type === 'string' && type.endsWith('_call_output')) {
    dialogue.result(step, { id: nameField(item, 'call_id'), name: null, output: field(item, 'output') });
  } else if (typeof type === 'string' && type.endsWith('_call')) {
    const id = nameField(item, 'call_id');
    const name = nameField(item, 'name') ?? type.slice(0, -'_call'.length);
    const call = { id, name, arguments: field(item, 'arguments') ?? field(item, 'input') };
    if (id !== null) dialogue.call(step, call);
    else carriedOut(dialogue, step, item, call, { output: field(item, 'output') ?? null });
  } else dialogue.skip(step, `an item of the type ${String(type).slice(0, 40)}`);
}

function readMessage(dialogue: Dialogue, step: number, item: unknown): void {
  const role = field(item, 'role');
  const content = field(item, 'content');
  if (role === 'user') dialogue.user(step, contentText(content));
  if (role === 'assistant') {
    const { reasoning, hidden } = reasoningIn(content);
    dialogue.reason(step, reasoning, hidden);
    dialogue.say(step, contentText(content));
  }
  for (const reason of unreadBlocks(content)) dialogue.skip(step, reason);
  const isCited = asList(content).some(part => asList(field(part, 'annotations')).length > 0);
  if (isCited) dialogue.skip(step, 'citations');
}

/** The server's own search: what it asked and opened. Its lists are there only if the request asked for the sources. */
function readWebSearch(dialogue: Dialogue, step: number, item: unknown): void {
  const action = field(item, 'action');
  const kind = field(action, 'type');
  if (kind === 'open_page' || kind === 'find_in_page') {
    const input = { url: field(action, 'url'), pattern: field(action, 'pattern') };
    const isElsewhere = kind === 'open_page' || typeof input.url === 'string';
    const call = { name: kind, arguments: input, kind: isElsewhere ? 'browse' : 'in-page' } as const;
    carriedOut(dialogue, step, item, call, { output: null, unshown: true });
    return;
  }
  const queries = namesOf(field(action, 'queries'));
  const asked = queries.length > 0 ? queries : namesOf(field(action, 'query'));
  searchFor(dialogue, step, item, asked, field(action, 'sources'));
}

/** Several queries of one call share its list: the log does not tell which of them found what. */
function searchFor(
  dialogue: Dialogue,
  step: number,
  item: unknown,
  queries: readonly string[],
  found: unknown,
): void {
  const results = asList(found);
  if (queries.length > 1 && results.length > 0) {
    dialogue.skip(step, 'which of several queries found which result: each has the list of all');
  }
  const output = (queries.length > 0 ? queries : ['']).map(query => ({ query, results }));
  carriedOut(dialogue, step, item, { name: 'search', arguments: { queries }, kind: 'search' }, { output });
}

/** A call that stands together with its result. */
function carriedOut(
  dialogue: Dialogue,
  step: number,
  item: unknown,
  call: Omit<Call, 'id'>,
  result: Omit<Result, 'id' | 'failed'>,
): void {
  const failed = field(item, 'status') === 'failed' || (field(item, 'error') ?? null) !== null;
  const id = `item ${step}`;
  dialogue.call(step, { ...call, id });
  dialogue.result(step, { ...result, id, name: call.name, failed });
}
