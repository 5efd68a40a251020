import { Dialogue } from '../conversation.ts';
import { isUrl } from '../document-key.ts';
import type { Detection, ReadContext, ReadResult, SessionFormat } from '../format.ts';
import {
  asList,
  contentText,
  type Fields,
  field,
  isFields,
  nameField,
  namesOf,
  textField,
} from '../values.ts';
import { readItem } from './openai-items.ts';

const ownTypes: ReadonlySet<unknown> = new Set([
  'session_meta',
  'response_item',
  'event_msg',
  'turn_context',
  'compacted',
]);

/**
 * The sessions of Codex, `~/.codex/sessions/<date>/rollout-<time>-<id>.jsonl`: items of the Responses interface, and events
 * that mostly say the same again. An event counts where no item does; that of a search may show what was found, which its
 * item never does. In files of older versions the items are lines of their own, behind a head.
 */
export const codex: SessionFormat = {
  name: 'codex',
  unit: 'session',
  elements: null,

  detect(record: unknown): Detection | null {
    if (ownTypes.has(field(record, 'type')) && isFields(field(record, 'payload'))) {
      return { score: 1, reason: 'its lines are a `session_meta`, `response_item`s and `event_msg`s' };
    }
    // Older versions write the items themselves as lines.
    const isCall = /^(?:function|custom_tool|local_shell)_call(?:_output)?$/.test(
      nameField(record, 'type') ?? '',
    );
    return isCall && nameField(record, 'call_id') !== null
      ? { score: 0.6, reason: 'its lines are items of the Responses interface, with calls' }
      : null;
  },

  read(records: readonly unknown[], { tools }: ReadContext): readonly ReadResult[] {
    const dialogue = new Dialogue(tools);
    const lines = records.map(lineOf);
    const said = new Said(lines);
    let [name, model, isAborted]: [string | null, string | null, boolean] = [null, null, false];
    for (const [step, { type, payload }] of lines.entries()) {
      if (type === 'session_meta' || type === 'turn_context') {
        name ??= type === 'session_meta' ? nameField(payload, 'id', 'session_id') : null;
        model ??= textField(payload, 'model');
        const folder = textField(payload, 'cwd');
        if (folder !== null) dialogue.workIn(folder);
      } else if (type === 'response_item') readOwn(dialogue, step, payload, said);
      else if (type === 'event_msg') {
        const event = field(payload, 'type');
        if (event === 'task_started' || event === 'turn_aborted') isAborted = event === 'turn_aborted';
        readEvent(dialogue, step, payload, said);
      } else {
        const what = type === 'compacted' ? 'a summary of what came before' : `a line of the type ${type}`;
        dialogue.skip(step, what);
      }
    }
    const { answered, ...read } = dialogue.end();
    return [
      {
        ...read,
        name,
        queryId: null,
        agent: model,
        retriever: null,
        references: [],
        completed: answered && !isAborted,
        outcome: 'unknown',
      },
    ];
  },
};

interface Line {
  readonly type: string;
  readonly payload: Fields;
}

function lineOf(record: unknown): Line {
  const type = nameField(record, 'type');
  const payload = field(record, 'payload');
  if (isFields(payload)) return { type: (type ?? 'unknown').slice(0, 40), payload };
  // A line of an older version: an item, the head or the state.
  if (!isFields(record)) return { type: 'unknown', payload: {} };
  if (type !== null) return { type: 'response_item', payload: record };
  const isHead = field(record, 'id') !== undefined && field(record, 'timestamp') !== undefined;
  return { type: isHead ? 'session_meta' : 'state', payload: record };
}

/** What the items of a session say, so that events that say it again can be told. */
class Said {
  readonly #texts = new Set<string>();
  readonly #calls = new Set<string>();
  readonly #endOf: ReadonlyMap<Fields, Fields>;
  readonly #endsOfItems: ReadonlySet<Fields>;

  constructor(lines: readonly Line[]) {
    const items = lines.filter(({ type }) => type === 'response_item').map(({ payload }) => payload);
    for (const item of items) {
      const pieces = [...asList(field(item, 'content')), ...asList(field(item, 'summary'))];
      const texts = [
        contentText(field(item, 'content')),
        ...pieces.map(piece => textField(piece, 'text') ?? ''),
      ];
      for (const text of texts) this.#texts.add(text.trim());
      const call = nameField(item, 'call_id');
      if (call !== null) this.#calls.add(call);
    }
    const events = lines.filter(({ type }) => type === 'event_msg').map(({ payload }) => payload);
    this.#endOf = endsOfSearches(items, events);
    this.#endsOfItems = new Set(this.#endOf.values());
  }

  /** Whether an item says what an event does. */
  has(event: Fields): boolean {
    if (field(event, 'type') === 'web_search_end') return this.#endsOfItems.has(event);
    const call = nameField(event, 'call_id');
    if (call !== null) return this.#calls.has(call);
    const text = textField(event, 'message', 'text');
    return text !== null && this.#texts.has(text.trim());
  }

  /** The event that tells how the search of an item ended. */
  endOf(item: Fields): Fields | undefined {
    return this.#endOf.get(item);
  }
}

/** The event that ends the search of each item: that of its id, else the next that did the same. */
function endsOfSearches(items: readonly Fields[], events: readonly Fields[]): Map<Fields, Fields> {
  const waiting = new Map<string, Fields[]>();
  for (const event of events) {
    if (field(event, 'type') !== 'web_search_end') continue;
    for (const key of keysOf(event)) {
      const others = waiting.get(key);
      if (others === undefined) waiting.set(key, [event]);
      else others.push(event);
    }
  }
  const ends = new Map<Fields, Fields>();
  const taken = new Set<Fields>();
  for (const queue of waiting.values()) queue.reverse();
  for (const item of items) {
    if (field(item, 'type') !== 'web_search_call') continue;
    for (const key of keysOf(item)) {
      const queue = waiting.get(key) ?? [];
      while (queue.length > 0 && taken.has(queue.at(-1)!)) queue.pop();
      const end = queue.pop();
      if (end === undefined) continue;
      taken.add(end);
      ends.set(item, end);
      break;
    }
  }
  return ends;
}

/** What a search is known by, in its item and in the event of its end: its id, and what it did. */
function keysOf(search: Fields): string[] {
  const id = nameField(search, 'call_id', 'id');
  const action = actionOf(search);
  const did = ['type', 'query', 'queries', 'url', 'pattern'].map(name => namesOf(field(action, name)));
  return [...(id === null ? [] : [`id ${id}`]), `did ${JSON.stringify(did)}`];
}

/** What a search did; events of older versions tell no more than a query, or the address that was opened. */
function actionOf(search: Fields): Fields {
  const action = field(search, 'action');
  if (isFields(action)) return action;
  const query = nameField(search, 'query') ?? '';
  return isUrl(query) ? { type: 'open_page', url: query } : { type: 'search', query };
}

/** What Codex itself puts in the user's mouth. */
const notTheUser =
  /^\s*(?:<(?:environment_context|user_instructions|permissions|turn_aborted|skill|user_shell_command|subagent_notification|INSTRUCTIONS)\b|# AGENTS\.md instructions)/;

function readOwn(dialogue: Dialogue, step: number, item: Fields, said: Said): void {
  const type = field(item, 'type');
  if (type === 'reasoning') {
    readItem(dialogue, step, item);
  } else if (type === 'web_search_call') readSearch(dialogue, step, item, said.endOf(item));
  else if (type === 'local_shell_call') {
    readItem(dialogue, step, { ...item, arguments: field(item, 'action') });
  } else if (field(item, 'role') === 'user' && notTheUser.test(contentText(field(item, 'content')))) {
    dialogue.skip(step, 'a message that the user did not write');
  } else readItem(dialogue, step, item);
}

/** The server's own search, and what the event of its end shows that was found. */
function readSearch(dialogue: Dialogue, step: number, search: Fields, end: Fields | undefined): void {
  const action = actionOf(search);
  const found = field(end, 'results');
  const sources = Array.isArray(found) ? found : field(action, 'sources');
  const { id: _, call_id: __, ...item } = search;
  readItem(dialogue, step, { ...item, type: 'web_search_call', action: { ...action, sources } });
}

function readEvent(dialogue: Dialogue, step: number, event: Fields, said: Said): void {
  const type = String(field(event, 'type')).slice(0, 40);
  if (said.has(event)) return;
  const text = textField(event, 'message', 'text');
  if (type === 'user_message' && text !== null) dialogue.user(step, text);
  else if (type === 'agent_message' && text !== null) dialogue.say(step, text);
  else if (type.startsWith('agent_reasoning') && text !== null) dialogue.reason(step, text);
  else if (type === 'web_search_end') readSearch(dialogue, step, event, event);
  else if (type === 'exec_command_end' || type === 'mcp_tool_call_end') readTool(dialogue, step, event);
  else dialogue.skip(step, `an event of the type ${type}`);
}

/** A call that only the event of its end shows, with what it gave. */
function readTool(dialogue: Dialogue, step: number, event: Fields): void {
  const id = nameField(event, 'call_id') ?? `event ${step}`;
  const invocation = field(event, 'invocation');
  const result = field(event, 'result');
  const own = {
    name:
      [nameField(invocation, 'server'), nameField(invocation, 'tool')].filter(Boolean).join('__') ||
      'unknown',
    arguments: field(invocation, 'arguments'),
  };
  const isCommand = invocation === undefined;
  dialogue.call(step, { id, ...(isCommand ? { name: 'exec_command', arguments: event } : own) });
  dialogue.result(step, {
    id,
    name: null,
    output: isCommand
      ? (textField(event, 'aggregated_output', 'stdout') ?? '')
      : (field(result, 'Ok') ?? field(result, 'Err')),
    failed: field(result, 'Err') !== undefined,
  });
}
