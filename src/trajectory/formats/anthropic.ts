import { Dialogue } from '../conversation.ts';
import type { Detection, ReadContext, RecordFormat, RecordResult } from '../format.ts';
import { isReasoning, reasoningIn } from '../reasoning.ts';
import type { JsonPath } from '../source/positions.ts';
import type { ToolKind } from '../tools.ts';
import { asList, contentText, field, nameField, namesOf, textField, unreadBlocks } from '../values.ts';
import { explicitVerdict } from '../verdict.ts';

/**
 * Conversations as Anthropic's Messages interface takes them, `{messages: [{role, content: [blocks]}]}` or the bare list,
 * also with the answer that came of it (`response`), and the lines of a batch: `{custom_id, params}` and
 * `{custom_id, result: {message}}`. Each block is a step of its own.
 */
export const anthropic: RecordFormat = {
  name: 'anthropic',
  unit: 'record',

  detect(record: unknown): Detection | null {
    const messages = messagesIn(record).map(({ message }) => message);
    const isBatch = nameField(record, 'custom_id') !== null;
    if (!isBatch && !messages.some(message => field(message, 'role') === 'user')) return null;
    if (messages.length === 0 || !messages.every(isMessage)) return null;
    const blocks = messages.flatMap(blocksOf);
    if (blocks.some(isToolBlock)) {
      return { score: 1, reason: 'its messages hold `tool_use` and `tool_result` blocks' };
    }
    return blocks.some(isThinking) ? { score: 0.3, reason: 'its messages hold `thinking` blocks' } : null;
  },

  read(record: unknown, { tools }: ReadContext): RecordResult {
    const stepPaths: JsonPath[] = [];
    const dialogue = new Dialogue(tools);
    const messages = messagesIn(record);
    for (const { path, message } of messages) {
      dialogue.endTurn();
      const stepAt = (block: number | null): number => {
        stepPaths.push([...path, 'content', ...(block === null ? [] : [String(block)])]);
        return stepPaths.length - 1;
      };
      readMessage(dialogue, placed(message, stepAt));
    }
    const { question, answered, ...read } = dialogue.end();
    const all = messages.map(({ message }) => message);
    const last = all.at(-1);
    return {
      ...read,
      stepList: null,
      stepPaths,
      name: nameField(record, 'custom_id'),
      queryId: nameField(record, 'query_id', 'qid', 'question_id', 'task_id'),
      question: textField(record, 'question', 'query') ?? question,
      agent: textField(field(record, 'params') ?? record, 'model') ?? modelOf(all),
      retriever: textField(record, 'retriever'),
      references: namesOf(field(record, 'answer')),
      completed: answered && !isCutOff(last),
      outcome: explicitVerdict(record),
    };
  },
};

/** Where a record keeps messages: those that were sent, and the one that came back. */
const lists: readonly JsonPath[] = [[], ['messages'], ['params', 'messages']];
const answers: readonly JsonPath[] = [['response'], ['result', 'message']];

function messagesIn(record: unknown): { readonly path: JsonPath; readonly message: unknown }[] {
  const list = lists.find(path => Array.isArray(valueAt(record, path))) ?? null;
  const sent = list === null ? [] : (valueAt(record, list) as readonly unknown[]);
  const answer = answers.find(path => Array.isArray(field(valueAt(record, path), 'content')));
  return [
    ...sent.map((message, i) => ({ path: [...list!, String(i)], message })),
    ...(answer === undefined ? [] : [{ path: answer, message: valueAt(record, answer) }]),
  ];
}

function valueAt(record: unknown, path: JsonPath): unknown {
  return path.reduce(field, record);
}

function isMessage(message: unknown): boolean {
  const role = field(message, 'role');
  const content = field(message, 'content');
  const isSpoken = role === 'user' || role === 'assistant' || role === 'system';
  return isSpoken && (typeof content === 'string' || Array.isArray(content)) && !hasOpenAiCalls(message);
}

/** Gateways write thinking blocks into the messages of OpenAI's interface, too. */
function hasOpenAiCalls(message: unknown): boolean {
  return Array.isArray(field(message, 'tool_calls')) || field(message, 'reasoning_content') !== undefined;
}

function blocksOf(message: unknown): readonly unknown[] {
  const content = field(message, 'content');
  return Array.isArray(content) ? content : [];
}

/** Whether a block is a call or its result, as only this interface writes them. */
export function isToolBlock(block: unknown): boolean {
  const type = field(block, 'type');
  if (typeof type !== 'string') return false;
  if (type.endsWith('tool_use')) return field(block, 'input') !== undefined;
  return type.endsWith('tool_result') && nameField(block, 'tool_use_id') !== null;
}

function isThinking(block: unknown): boolean {
  const type = field(block, 'type');
  return type === 'redacted_thinking' || (type === 'thinking' && field(block, 'thinking') !== undefined);
}

/** A message, and at which step each of its blocks stands. */
export interface PlacedMessage {
  readonly message: unknown;
  readonly blocks: readonly { readonly step: number; readonly block: unknown }[];
}

/** @param stepAt the step of the block with an index; of the whole content if that is a text (null) */
export function placed(message: unknown, stepAt: (block: number | null) => number): PlacedMessage {
  const content = field(message, 'content');
  const blocks = Array.isArray(content)
    ? content.map((block: unknown, i) => ({ step: stepAt(i), block }))
    : typeof content === 'string'
      ? [{ step: stepAt(null), block: { type: 'text', text: content } }]
      : [];
  return { message, blocks };
}

/** Whether an answer ended before the agent was done. */
export function isCutOff(message: unknown): boolean {
  const reason = textField(message, 'stop_reason');
  return reason !== null && reason !== 'end_turn' && reason !== 'stop_sequence';
}

/** The model that the first message names which names one. */
export function modelOf(messages: readonly unknown[]): string | null {
  for (const message of messages) {
    const model = textField(message, 'model');
    if (model !== null) return model;
  }
  return null;
}

/** Reads one message into a dialogue, block by block. */
export function readMessage(dialogue: Dialogue, { message, blocks }: PlacedMessage): void {
  const role = field(message, 'role');
  let said: { readonly step: number; readonly texts: string[]; isCited: boolean } | null = null;
  const endText = (): void => {
    if (said === null) return;
    const { step, texts, isCited } = said;
    said = null;
    // Citations cut one text of the agent into blocks at any place in it.
    if (role === 'assistant') dialogue.say(step, texts.join(''));
    if (role === 'user') dialogue.user(step, texts.join('\n'));
    if (isCited) dialogue.skip(step, 'citations');
  };
  for (const { step, block } of blocks) {
    const text = field(block, 'type') === 'text' ? field(block, 'text') : block;
    if (typeof text === 'string') {
      said ??= { step, texts: [], isCited: false };
      said.texts.push(text);
      said.isCited ||= asList(field(block, 'citations')).length > 0;
    } else {
      endText();
      readBlock(dialogue, step, block);
    }
  }
  endText();
}

/** What the tools that the server carries out are, whatever names a person gave to others. */
const serverTools: ReadonlyMap<unknown, ToolKind> = new Map([
  ['web_search', 'search'],
  ['web_fetch', 'browse'],
]);

function readBlock(dialogue: Dialogue, step: number, block: unknown): void {
  const type = String(field(block, 'type'));
  if (isReasoning(block)) {
    const { reasoning, hidden } = reasoningIn(block);
    dialogue.reason(step, reasoning, hidden);
  } else if (type.endsWith('tool_use')) {
    const name = nameField(block, 'name') ?? 'unknown';
    const kind = type === 'server_tool_use' ? serverTools.get(name) : undefined;
    const call = { id: nameField(block, 'id'), name, arguments: field(block, 'input') };
    dialogue.call(step, kind === undefined ? call : { ...call, kind });
  } else if (type.endsWith('tool_result')) {
    const content = field(block, 'content');
    const shown = shownIn(content);
    for (const reason of shown.leftOut) dialogue.skip(step, reason);
    dialogue.result(step, {
      id: nameField(block, 'tool_use_id'),
      name: /^(\w+)_tool_result$/.exec(type)?.[1] ?? null,
      output: shown.output,
      failed: field(block, 'is_error') === true || isError(content),
      ...(shown.unshown ? { unshown: true } : {}),
    });
  } else for (const reason of unreadBlocks([block])) dialogue.skip(step, reason);
}

interface Shown {
  readonly output: unknown;
  readonly leftOut: readonly string[];
  readonly unshown?: boolean;
}

/** What a result shows: the blocks of this interface as the lists and pages that they are. */
function shownIn(content: unknown): Shown {
  if (isError(content)) {
    const error = textField(content, 'error_code', 'error_message') ?? 'the tool failed';
    return { output: { error }, leftOut: [] };
  }
  if (field(content, 'type') === 'web_fetch_result') {
    const page = documentText(field(content, 'content'));
    const output = { url: field(content, 'url'), text: page ?? '' };
    return page === null
      ? { output, leftOut: ['a page that is no text'], unshown: true }
      : { output, leftOut: [] };
  }
  const blocks = Array.isArray(content) ? content : [];
  if (blocks.length > 0 && blocks.every(block => field(block, 'type') === 'search_result')) {
    const output = blocks.map(block => ({
      url: field(block, 'source'),
      title: field(block, 'title'),
      snippet: contentText(field(block, 'content')),
    }));
    return { output, leftOut: [] };
  }
  const isEncrypted = blocks.some(block => field(block, 'encrypted_content') !== undefined);
  const leftOut = isEncrypted ? ['snippets that are encrypted'] : [];
  const output = blocks.flatMap(block => {
    const text = field(block, 'type') === 'document' ? documentText(block) : null;
    if (text !== null) return { type: 'text', text };
    const unread = isResult(block) ? [] : unreadBlocks([block]);
    leftOut.push(...unread);
    return unread.length > 0 ? [] : block;
  });
  return { output: Array.isArray(content) ? output : content, leftOut };
}

/** An entry of a list, `web_search_result`. */
function isResult(block: unknown): boolean {
  return String(field(block, 'type')).endsWith('_result');
}

function isError(content: unknown): boolean {
  return String(field(content, 'type')).endsWith('_error');
}

/** The text of a `document` block; null if it is another kind of file. */
function documentText(block: unknown): string | null {
  const source = field(block, 'source');
  if (field(source, 'type') === 'content') return contentText(field(source, 'content'));
  return field(source, 'type') === 'base64' ? null : textField(source, 'data');
}
