import type { Call } from '../builder.ts';
import { type Message, readConversation, type ToolResult } from '../conversation.ts';
import type { Detection, ReadContext, RecordFormat, RecordResult } from '../format.ts';
import type { Outcome } from '../model.ts';
import { reasoningIn } from '../reasoning.ts';
import {
  asList,
  contentText,
  type Fields,
  field,
  isFields,
  nameField,
  namesOf,
  parseArguments,
  textField,
} from '../values.ts';
import { outcomeOf } from '../verdict.ts';

/**
 * Logs of Inspect AI (the evaluation framework of the UK AI Security Institute): a `.json` document with `samples`, or an
 * `.eval` archive whose members `samples/*.json` are one sample each. A sample's `messages` are read: its `events` tell the
 * same again. What a provider's server searched and opened by itself stands in the content of an assistant message, between
 * its thoughts, and is read as the turns that it was.
 */
export const inspect: RecordFormat = {
  name: 'inspect',
  unit: 'record',

  detect(record: unknown): Detection | null {
    if (isSample(record)) return { score: 1, reason: 'it is a sample with `epoch`, `input` and `messages`' };
    const samples = field(record, 'samples');
    const isLog = field(field(record, 'eval'), 'task') !== undefined && Array.isArray(samples);
    return isLog && samples.some(isSample)
      ? { score: 1, reason: 'it has an `eval` and `samples` with messages' }
      : null;
  },

  read(record: unknown, context: ReadContext): RecordResult | readonly RecordResult[] {
    if (isSample(record)) return { ...readSample(record, context), stepList: ['messages'] };
    const task = field(record, 'eval');
    let firstStep = 0;
    return asList(field(record, 'samples')).flatMap(sample => {
      const first = firstStep;
      firstStep += messagesOf(sample).length;
      if (!isSample(sample)) return [];
      const read = readSample(sample, context);
      const agent = read.agent ?? textField(task, 'model');
      return { ...read, agent, stepList: ['samples', '*', 'messages'], firstStep: first };
    });
  },
};

function isSample(record: unknown): record is Fields {
  return (
    typeof field(record, 'epoch') === 'number' &&
    field(record, 'input') !== undefined &&
    messagesOf(record).some(message => typeof field(message, 'role') === 'string')
  );
}

function messagesOf(sample: unknown): readonly unknown[] {
  const messages = field(sample, 'messages');
  return Array.isArray(messages) ? messages : [];
}

function readSample(sample: Fields, { tools }: ReadContext): Omit<RecordResult, 'stepList'> {
  const attached = attachments(sample);
  const messages = messagesOf(sample);
  const browser = new TextBrowser();
  const conversation = readConversation(
    messages.flatMap((message, step) => readMessage(message, step, attached, browser)),
    tools,
  );
  const { steps, noPairs, skipped, answer, answered } = conversation;
  const input = attached(field(sample, 'input'));
  const limit = field(sample, 'limit');
  const error = field(sample, 'error');
  return {
    steps,
    noPairs,
    skipped,
    queryId: nameField(sample, 'id'),
    question: typeof input === 'string' && input.trim() !== '' ? input.trim() : conversation.question,
    agent: modelOf(sample, messages),
    retriever: null,
    answer,
    references: namesOf(field(sample, 'target')),
    completed: answered && !isFields(limit) && !isFields(error),
    outcome: outcomeIn(field(sample, 'scores') ?? field(sample, 'score')),
  };
}

/** The value that a text stands for: long ones are kept once, under `attachments`, by their hash. */
type Attached = (value: unknown) => unknown;

function attachments(sample: Fields): Attached {
  const texts = field(sample, 'attachments');
  return value => {
    const hash = typeof value === 'string' ? /^attachment:\/\/(\w+)$/.exec(value)?.[1] : undefined;
    return hash === undefined ? value : (textField(texts, hash) ?? value);
  };
}

/** The same with attachments in the place of their names, one level down: in blocks, or in arguments. */
function withAttached(value: unknown, attached: Attached): unknown {
  if (Array.isArray(value))
    return value.map(item => (isFields(item) ? withAttached(item, attached) : attached(item)));
  if (!isFields(value)) return attached(value);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, attached(item)]));
}

function readMessage(message: unknown, step: number, attached: Attached, browser: TextBrowser): Message[] {
  const role = field(message, 'role');
  const content = withAttached(field(message, 'content'), attached);
  const leftOut = asList(content).flatMap(unread);
  if (role === 'user') return [{ role, step, text: contentText(content), leftOut }];
  if (role === 'tool') {
    const name = nameField(message, 'function');
    browser.shown(name, content);
    const failed = isFields(field(message, 'error'));
    const result = { id: nameField(message, 'tool_call_id'), name, output: withSources(content), failed };
    return [{ role, step, results: [result], leftOut }];
  }
  if (role !== 'assistant') return [{ role: 'other', step, leftOut }];
  const calls = asList(field(message, 'tool_calls')).flatMap((call): Call | readonly [] => {
    const name = nameField(call, 'function');
    if (name === null) return [];
    const read = {
      id: nameField(call, 'id'),
      name,
      arguments: withAttached(field(call, 'arguments'), attached),
    };
    return browser.followed(read);
  });
  return [...turnsIn(content, step, calls), { role: 'other', step, leftOut }];
}

/** The turns in an assistant's content: what it did at the provider's server is done when the next block is written. */
function* turnsIn(content: unknown, step: number, calls: readonly Call[]): Generator<Message> {
  let thoughts: unknown[] = [];
  let texts: string[] = [];
  const turn = (calls: readonly Call[]): Message => {
    const message: Message = {
      role: 'assistant',
      step,
      ...reasoningIn(thoughts),
      text: texts.join('\n'),
      calls,
    };
    [thoughts, texts] = [[], []];
    return message;
  };
  for (const block of asList(content)) {
    const used = readUse(block);
    if (used === null) {
      thoughts.push(block);
      texts.push(...(contentText([block]) === '' ? [] : [contentText([block])]));
      continue;
    }
    yield turn([used.call]);
    yield { role: 'tool', step, results: [used.result] };
  }
  yield turn(calls);
}

/** `{type: "tool_use", tool_type, id, name, arguments, result, error}`: a call and its result in one. */
function readUse(block: unknown): { readonly call: Call; readonly result: ToolResult } | null {
  if (field(block, 'type') !== 'tool_use') return null;
  const id = nameField(block, 'id');
  const name = nameField(block, 'name') ?? nameField(block, 'tool_type') ?? 'unknown';
  const input = parseArguments(field(block, 'arguments'));
  const shown = field(block, 'result');
  const error = field(block, 'error') ?? null;
  // OpenAI's sources come, if at all, with the call.
  const instead = error === null ? field(input, 'sources') : { error };
  const output = shown === '' || shown === undefined ? (instead ?? shown) : shown;
  return { call: { id, name, arguments: input }, result: { id, name, output, failed: error !== null } };
}

/** A search tool's answer in prose carries its results as citations. */
function withSources(content: unknown): unknown {
  const sources = asList(content)
    .flatMap(block => asList(field(block, 'citations')))
    .filter(citation => textField(citation, 'url') !== null);
  if (sources.length === 0) return content;
  return sources.map(source => ({
    url: textField(source, 'url'),
    title: textField(source, 'title'),
    snippet: textField(source, 'cited_text'),
  }));
}

/** What a content block holds that is no text, reasoning or call. */
function unread(block: unknown): string[] {
  const type = field(block, 'type');
  if (typeof type !== 'string' || ['text', 'reasoning', 'tool_use'].includes(type)) return [];
  return [/^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`];
}

/**
 * Inspect's browser in text: it shows `[151] link "Work" [url: https://…]`, and is told to click on 151. A click on a link
 * opens its address; any other stays on the page.
 */
class TextBrowser {
  readonly #links = new Map<string, string>();

  shown(tool: string | null, content: unknown): void {
    if (tool === null || !tool.includes('web_browser_')) return;
    for (const [, id, url] of contentText(content).matchAll(
      /^[ \t]*\[(\d+)\] link .*\[url: ([^\]\s]+)\]/gm,
    )) {
      this.#links.set(id!, url!);
    }
  }

  followed(call: Call): Call {
    const click = 'web_browser_click';
    const url = call.name.endsWith(click)
      ? this.#links.get(nameField(call.arguments, 'element_id') ?? '')
      : undefined;
    if (url === undefined) return call;
    return { ...call, name: call.name.replace(click, 'web_browser_go'), arguments: { url } };
  }
}

function modelOf(sample: Fields, messages: readonly unknown[]): string | null {
  const output = textField(field(sample, 'output'), 'model');
  if (output !== null) return output;
  for (const message of messages) {
    const model = field(message, 'role') === 'assistant' ? textField(message, 'model') : null;
    if (model !== null) return model;
  }
  return null;
}

/** `C` and `I` are verdicts, and so are 1 and 0. Scorers that do not agree say nothing. */
function outcomeIn(scores: unknown): Outcome {
  const given = isFields(scores) ? (scores.value === undefined ? Object.values(scores) : [scores]) : [];
  const outcomes = given.map((score): Outcome => {
    const value = field(score, 'value');
    return value === 'C' ? 'correct' : value === 'I' ? 'incorrect' : outcomeOf(value);
  });
  const [first = 'unknown'] = outcomes;
  return outcomes.every(outcome => outcome === first) ? first : 'unknown';
}
