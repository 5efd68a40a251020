import type { Call } from '../builder.ts';
import { type Message, readConversation } from '../conversation.ts';
import type { Detection, ReadContext, RecordFormat, RecordResult } from '../format.ts';
import { toolResponses } from '../markup.ts';
import { reasoningOf } from '../reasoning.ts';
import type { JsonPath } from '../source/positions.ts';
import { asList, contentText, field, nameField, namesOf, textField, unreadBlocks } from '../values.ts';
import { explicitVerdict } from '../verdict.ts';

const roles: ReadonlySet<unknown> = new Set(['system', 'developer', 'user', 'assistant', 'tool', 'function']);

/**
 * OpenAI chat messages with tool calls, `{messages: […]}` or the bare list, as the many servers and agents write them that
 * speak this interface; with the reasoning fields of DeepSeek, vLLM, OpenRouter, MiniMax, LiteLLM and AgentCPM.
 */
export const openaiChat: RecordFormat = {
  name: 'openai-chat',
  unit: 'record',

  detect(record: unknown): Detection | null {
    const { messages } = messageList(record);
    if (messages.length === 0 || !messages.every(message => roles.has(field(message, 'role')))) return null;
    if (messages.some(message => callsOf(message).length > 0)) {
      // Other formats build on this one; what they know of their own says more.
      return { score: 0.8, reason: 'its assistant messages have `tool_calls`' };
    }
    if (messages.some(message => field(message, 'role') === 'tool')) {
      return { score: 0.7, reason: 'it has messages of the role `tool`' };
    }
    return { score: 0.2, reason: 'it has messages with roles' };
  },

  read(record: unknown, context: ReadContext): RecordResult {
    return readChat(record, context, messages => messages);
  },
};

/** @param understand what the messages say to one who knows their tools better */
export function readChat(
  record: unknown,
  { tools }: ReadContext,
  understand: (messages: readonly Message[]) => readonly Message[],
): RecordResult {
  const { messages, stepList } = messageList(record);
  const conversation = readConversation(understand(messages.map(readMessage)), tools);
  const { steps, noPairs, skipped, question, answer, answered } = conversation;
  const metadata = field(record, 'metadata');
  const status = textField(record, 'status', 'termination');
  return {
    steps,
    noPairs,
    skipped,
    stepList,
    queryId:
      nameField(record, 'query_id', 'qid', 'question_id', 'task_id', 'id') ??
      nameField(metadata, 'query_id', 'qid'),
    question: textField(record, 'question', 'query') ?? question,
    agent: textField(record, 'model') ?? textField(metadata, 'model', 'model_name'),
    retriever: textField(record, 'retriever') ?? textField(metadata, 'retriever', 'searcher_type'),
    answer,
    references: namesOf(field(record, 'answer')),
    completed:
      answered &&
      (status === null || /^(?:completed?|success|succeeded|finished|done|answer)$/i.test(status)),
    outcome: explicitVerdict(record),
  };
}

export function messageList(record: unknown): {
  readonly messages: readonly unknown[];
  readonly stepList: JsonPath;
} {
  if (Array.isArray(record)) return { messages: record, stepList: [] };
  const messages = field(record, 'messages');
  return { messages: Array.isArray(messages) ? messages : [], stepList: ['messages'] };
}

/** One message, and what in it is no text. */
export function readMessage(message: unknown): Message {
  const role = field(message, 'role');
  const content = field(message, 'content');
  const leftOut = [content, field(message, 'reasoning_details'), field(message, 'thinking_blocks')].flatMap(
    unreadBlocks,
  );
  if (role === 'user') {
    const text = contentText(content);
    const outputs = toolResponses(text);
    if (outputs === null) return { role, text, leftOut };
    return { role: 'tool', results: outputs.map(output => ({ id: null, name: null, output })), leftOut };
  }
  if (role === 'tool' || role === 'function') {
    const result = {
      id: nameField(message, 'tool_call_id'),
      name: nameField(message, 'name'),
      output: content,
    };
    return { role: 'tool', results: [result], leftOut };
  }
  if (role !== 'assistant') return { role: 'other' };
  return {
    role,
    ...reasoningOf(message),
    text: contentText(content),
    calls: callsOf(message),
    leftOut,
  };
}

export function callsOf(message: unknown): Call[] {
  if (field(message, 'role') !== 'assistant') return [];
  const legacy = field(message, 'function_call');
  const calls = [
    ...asList(field(message, 'tool_calls')),
    ...(legacy === undefined ? [] : [{ function: legacy }]),
  ];
  return calls.flatMap(call => {
    const called = field(call, 'function') ?? field(call, 'custom') ?? call;
    const name = nameField(called, 'name');
    if (name === null) return [];
    const input = field(called, 'arguments') ?? field(called, 'input') ?? field(called, 'args');
    return [{ id: nameField(call, 'id'), name, arguments: input }];
  });
}
