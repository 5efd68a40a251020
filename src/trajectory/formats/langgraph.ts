import type { Call } from '../builder.ts';
import { type Message, readConversation } from '../conversation.ts';
import type { Detection, ReadContext, RecordFormat, RecordResult } from '../format.ts';
import { firstReasoning, reasoningOf } from '../reasoning.ts';
import type { JsonPath } from '../source/positions.ts';
import {
  asList,
  contentText,
  field,
  isFields,
  nameField,
  namesOf,
  textField,
  unreadBlocks,
} from '../values.ts';
import { explicitVerdict } from '../verdict.ts';

const types: ReadonlySet<unknown> = new Set([
  'human',
  'ai',
  'tool',
  'system',
  'developer',
  'function',
  'remove',
  'chat',
]);

/** The state of a LangGraph thread, `{values: {messages}}`, or LangChain messages in any of their serialisations. */
export const langgraph: RecordFormat = {
  name: 'langgraph',
  unit: 'record',

  detect(record: unknown): Detection | null {
    const { messages, stepList } = messageList(record);
    const shown = messages.map(typed);
    if (shown.length === 0 || !shown.every(({ type }) => types.has(type))) return null;
    if (shown.some(({ fields }) => callsOf(fields).length > 0)) {
      return { score: 1, reason: 'its messages are of the types human, ai and tool, and call tools' };
    }
    const isThread = stepList.length === 2;
    return { score: isThread ? 0.7 : 0.3, reason: 'its messages are of the types human and ai' };
  },

  read(record: unknown, { tools }: ReadContext): RecordResult {
    const { messages, stepList } = messageList(record);
    const conversation = readConversation(messages.map(readMessage), tools);
    const { steps, noPairs, skipped, question, answer } = conversation;
    const metadata = field(record, 'metadata');
    return {
      steps,
      noPairs,
      skipped,
      stepList,
      queryId: nameField(record, 'query_id') ?? nameField(metadata, 'query_id'),
      question,
      agent: textField(metadata, 'model_name', 'model') ?? modelOf(messages),
      retriever: textField(metadata, 'retriever'),
      answer,
      references: namesOf(field(record, 'answer')),
      // A thread that has nodes left to run was interrupted.
      completed: asList(field(record, 'next')).length === 0,
      outcome: explicitVerdict(record),
    };
  },
};

function messageList(record: unknown): {
  readonly messages: readonly unknown[];
  readonly stepList: JsonPath;
} {
  if (Array.isArray(record)) return { messages: record, stepList: [] };
  const inState = field(field(record, 'values'), 'messages');
  if (Array.isArray(inState)) return { messages: inState, stepList: ['values', 'messages'] };
  const messages = field(record, 'messages');
  return { messages: Array.isArray(messages) ? messages : [], stepList: ['messages'] };
}

/**
 * A message's type and fields, unpacked from `{lc: 1, type: "constructor", id: […, "AIMessage"], kwargs}` or from
 * `{type, data}`.
 */
function typed(message: unknown): { readonly type: unknown; readonly fields: unknown } {
  const type = field(message, 'type');
  const kwargs = field(message, 'kwargs');
  if (type === 'constructor' && isFields(kwargs)) {
    const name = asList(field(message, 'id')).at(-1);
    return { type: withoutChunk(typeof name === 'string' ? name : kwargs.type), fields: kwargs };
  }
  const data = field(message, 'data');
  const isPacked = field(message, 'content') === undefined && isFields(data);
  return { type: withoutChunk(type), fields: isPacked ? data : message };
}

/** `AIMessageChunk` and `aimessage` are `ai`. */
function withoutChunk(type: unknown): unknown {
  return typeof type === 'string' ? type.toLowerCase().replace(/message(?:chunk)?$/, '') : type;
}

function readMessage(message: unknown): Message {
  const { type, fields } = typed(message);
  const content = field(fields, 'content');
  const leftOut = unreadBlocks(content);
  if (type === 'human') return { role: 'user', text: contentText(content), leftOut };
  if (type === 'tool' || type === 'function') {
    const result = {
      id: nameField(fields, 'tool_call_id'),
      name: nameField(fields, 'name'),
      output: content,
      failed: field(fields, 'status') === 'error',
    };
    return { role: 'tool', results: [result], leftOut };
  }
  if (type !== 'ai') return { role: 'other' };
  const unread = asList(field(fields, 'invalid_tool_calls')).map(() => 'a call whose arguments are no JSON');
  return {
    role: 'assistant',
    ...firstReasoning(reasoningOf(field(fields, 'additional_kwargs')), reasoningOf(fields)),
    text: contentText(content),
    calls: callsOf(fields),
    leftOut: [...leftOut, ...unread],
  };
}

function callsOf(fields: unknown): Call[] {
  const own = asList(field(fields, 'tool_calls'));
  const calls = own.length > 0 ? own : asList(field(field(fields, 'additional_kwargs'), 'tool_calls'));
  return calls.flatMap(call => {
    const raw = field(call, 'function');
    const name = nameField(call, 'name') ?? nameField(raw, 'name');
    const input = field(call, 'args') ?? field(raw, 'arguments');
    return name === null ? [] : [{ id: nameField(call, 'id'), name, arguments: input }];
  });
}

function modelOf(messages: readonly unknown[]): string | null {
  for (const message of messages) {
    const model = textField(field(typed(message).fields, 'response_metadata'), 'model_name', 'model');
    if (model !== null) return model;
  }
  return null;
}
