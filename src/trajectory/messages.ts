import type { Call } from './builder.ts';
import type { ToolResult } from './conversation.ts';
import { joinThinks } from './markup.ts';
import { firstReasoning, isReasoning, type Reasoning, reasoningIn, reasoningOf } from './reasoning.ts';
import { asList, field, isFields, nameField, parseStructured, textField } from './values.ts';

/** What one message, or one block of it, says. */
export interface Said extends Reasoning {
  readonly role: Role;
  readonly text: string;
  readonly calls: readonly Call[];
  readonly results: readonly ToolResult[];
  /** The types of its blocks that are neither: `image`, `blob`. */
  readonly unread: readonly string[];
}

type Role = 'user' | 'assistant' | 'tool' | 'other';

const roles: Readonly<Record<string, Role>> = {
  user: 'user',
  human: 'user',
  assistant: 'assistant',
  ai: 'assistant',
  model: 'assistant',
  tool: 'tool',
  function: 'tool',
  system: 'other',
  developer: 'other',
};

/** Fields in which clients wrap the messages of a call, and models' servers those of an answer. */
const wrappers = ['messages', 'message', 'output', 'outputs', 'response', 'input', 'prompt', 'args'];
/** Wrappings around wrappings: a client's around a server's around a message's blocks. */
const deepest = 10;

/**
 * The messages in what a model was told or said, in whatever words its client wrote them down: OpenAI's chat or response
 * items, Anthropic's blocks, LangChain's messages, the parts of OpenTelemetry, the AI SDK's; as values, JSON or Python.
 * @param speaker who is meant where nothing says so
 */
export function readMessages(value: unknown, speaker: 'user' | 'assistant'): readonly Said[] {
  return readAt(value, speaker, 0);
}

function readAt(value: unknown, speaker: Role, depth: number): readonly Said[] {
  if (depth > deepest || value === null || value === undefined) return [];
  if (typeof value === 'string') {
    const structured = parseStructured(value);
    if (structured === null || value.trim() === '') return [];
    const inner = structured === undefined ? [] : readAt(structured, speaker, depth + 1);
    return inner.length > 0 ? inner : [says(speaker, { text: value.trim() })];
  }
  const items = listOf(value);
  if (items !== null) return items.flatMap(item => readAt(item, speaker, depth + 1));
  if (!isFields(value)) return [];
  return readFields(value, speaker, depth);
}

function readFields(fields: unknown, speaker: Role, depth: number): readonly Said[] {
  const choice = asList(field(fields, 'choices'))[0] ?? asList(asList(field(fields, 'generations'))[0])[0];
  if (choice !== undefined) return readAt(field(choice, 'message') ?? choice, 'assistant', depth + 1);
  const message = constructed(fields);
  const role = roleOf(message);
  if (role !== null) return [readMessage(message, role)];
  const block = readBlock(fields);
  if (block !== null) return [says(block.results.length > 0 ? 'tool' : speaker, block)];
  // Monocle: `{"ai": …}`, the role for a name.
  const [name, ...others] = isFields(fields) ? Object.keys(fields) : [];
  if (name !== undefined && others.length === 0 && Object.hasOwn(roles, name)) {
    const told = field(fields, name);
    return name === 'tool' ? [says('tool', { text: '' })] : readAt(told, roles[name]!, depth + 1);
  }
  for (const wrapper of wrappers) {
    const found = readAt(field(fields, wrapper), speaker, depth + 1);
    if (found.length > 0) return found;
  }
  const bare = readMessage(fields, speaker);
  const tells = bare.text !== '' || bare.calls.length > 0 || bare.reasoning !== null || bare.hidden;
  return tells ? [bare] : [];
}

/** LangChain's `{lc: 1, type: "constructor", id: […, "AIMessage"], kwargs}` as the message that it makes. */
export function constructed(value: unknown): unknown {
  const kwargs = field(value, 'kwargs');
  if (field(value, 'type') !== 'constructor' || !isFields(kwargs)) return value;
  const name = asList(field(value, 'id')).at(-1);
  return typeof name === 'string' ? { ...kwargs, type: name } : kwargs;
}

function roleOf(message: unknown): Role | null {
  const role = textField(message, 'role');
  if (role !== null) {
    if (Object.hasOwn(roles, role)) return roles[role]!;
    // Some put the tool's name where the role belongs.
    return field(message, 'content') === undefined ? null : 'other';
  }
  const type = textField(message, 'type')
    ?.toLowerCase()
    .replace(/message(?:chunk)?$/, '');
  const isMessage =
    type !== undefined && Object.hasOwn(roles, type) && field(message, 'content') !== undefined;
  return isMessage ? roles[type]! : null;
}

function readMessage(message: unknown, role: Role): Said {
  const content = field(message, 'content') ?? field(message, 'parts') ?? field(message, 'contents');
  const blocks = readContent(content);
  const calls = [...blocks.calls, ...callsOf(message)];
  const answered = nameField(message, 'tool_call_id', 'toolCallId');
  const isResult = role === 'tool' || answered !== null;
  const own: readonly ToolResult[] =
    isResult && blocks.results.length === 0
      ? [
          {
            id: answered,
            name: nameField(message, 'name'),
            output: content ?? null,
            failed: hasFailed(message),
          },
        ]
      : blocks.results;
  return {
    role: isResult ? 'tool' : role,
    text: isResult
      ? ''
      : [blocks.text, textField(message, 'text') ?? ''].filter(text => text !== '').join('\n'),
    ...firstReasoning(reasoningOf(message), reasoningOf(field(message, 'additional_kwargs')), blocks),
    calls: role === 'assistant' ? distinct(calls) : [],
    results: own,
    unread: blocks.unread,
  };
}

/** What a message's content says: a text, or blocks. */
function readContent(content: unknown): Omit<Said, 'role'> {
  if (typeof content === 'string') return { ...nothing, text: content.trim() };
  const items = listOf(content) ?? (isFields(content) ? [content] : []);
  const blocks = items.map(item => {
    const block = field(item, 'message_content') ?? item;
    if (typeof block === 'string') return { ...nothing, text: block };
    const read = readBlock(block);
    return read ?? { ...nothing, text: textField(block, 'text') ?? '' };
  });
  return {
    text: blocks
      .map(({ text }) => text)
      .filter(text => text !== '')
      .join('\n'),
    reasoning: joinThinks(blocks.flatMap(({ reasoning }) => reasoning ?? [])),
    hidden: blocks.some(({ hidden }) => hidden),
    calls: blocks.flatMap(({ calls }) => calls),
    results: blocks.flatMap(({ results }) => results),
    unread: blocks.flatMap(({ unread }) => unread),
  };
}

const nothing: Omit<Said, 'role'> = {
  text: '',
  reasoning: null,
  hidden: false,
  calls: [],
  results: [],
  unread: [],
};

function says(role: Role, said: Partial<Said>): Said {
  return { ...nothing, ...said, role };
}

/** A typed block of content, an item of a response, or one of the untyped shapes that are as telling. Else null. */
function readBlock(block: unknown): Omit<Said, 'role'> | null {
  const type = textField(block, 'type');
  const called = field(block, 'functionCall') ?? field(block, 'function_call');
  if (type === null && isFields(called)) return { ...nothing, calls: callOf(called) };
  if (type === null && textField(block, 'toolName') !== null) {
    const isResult = field(block, 'output') !== undefined || field(block, 'result') !== undefined;
    return isResult ? { ...nothing, results: [resultOf(block)] } : { ...nothing, calls: callOf(block) };
  }
  if (type === null) return null;
  if (/^(?:output_|input_)?text$/.test(type))
    return { ...nothing, text: textField(block, 'text', 'content') ?? '' };
  if (isReasoning(block)) return { ...nothing, ...reasoningIn(block) };
  if (/(?:tool|function)[_-]?call[_-](?:response|result|output)$|tool[_-]result$/.test(type)) {
    return { ...nothing, results: [resultOf(block)] };
  }
  if (/(?:tool|function)[_-]?call$|tool_use$/.test(type)) return { ...nothing, calls: callOf(block) };
  return /^(?:image|audio|video|document|file|blob|uri|input_image|input_file|image_url)$/.test(type)
    ? { ...nothing, unread: [type] }
    : null;
}

function resultOf(block: unknown): ToolResult {
  const output =
    field(block, 'response') ??
    field(block, 'result') ??
    field(block, 'output') ??
    field(block, 'content') ??
    field(block, 'server_tool_call_response');
  return {
    id: nameField(block, 'tool_use_id', 'tool_call_id', 'toolCallId', 'call_id', 'id'),
    name: nameField(block, 'name', 'toolName'),
    output: output ?? null,
    failed: hasFailed(block),
  };
}

function hasFailed(result: unknown): boolean {
  return field(result, 'status') === 'error' || field(result, 'is_error') === true;
}

/** The calls that a message keeps beside its content. */
function callsOf(message: unknown): Call[] {
  const extra = field(message, 'additional_kwargs');
  return [
    ...(listOf(field(message, 'tool_calls')) ?? listOf(field(message, 'toolCalls')) ?? []),
    ...asList(field(extra, 'tool_calls')),
    ...asList(field(message, 'function_call')),
  ].flatMap(call => callOf(field(call, 'tool_call') ?? call));
}

function callOf(call: unknown): Call[] {
  const called = field(call, 'function') ?? field(call, 'server_tool_call') ?? call;
  const name = nameField(called, 'name', 'toolName') ?? nameField(call, 'name');
  const input =
    field(called, 'arguments') ?? field(called, 'input') ?? field(called, 'args') ?? field(call, 'args');
  // A response item has an id of its own besides the one that its result repeats.
  const id = nameField(call, 'call_id', 'toolCallId', 'id');
  return name === null ? [] : [{ id, name, arguments: input ?? (called === call ? null : called) }];
}

/** LangChain writes the same call twice, in its own words and in its provider's. */
function distinct(calls: readonly Call[]): readonly Call[] {
  const seen = new Set<string>();
  return calls.filter(({ id }) => id === null || (!seen.has(id) && seen.add(id)));
}

/** A list, also if it is written as an object whose keys count. Else null. */
export function listOf(value: unknown): readonly unknown[] | null {
  if (Array.isArray(value)) return value;
  if (!isFields(value)) return null;
  const keys = Object.keys(value);
  if (keys.length === 0 || !keys.every(key => /^\d{1,9}$/.test(key))) return null;
  return keys.sort((a, b) => Number(a) - Number(b)).map(key => value[key]);
}
