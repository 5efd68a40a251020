import { Dialogue } from '../conversation.ts';
import type { Detection, ReadContext, RecordFormat, RecordResult } from '../format.ts';
import { joinThinks } from '../markup.ts';
import type { JsonPath } from '../source/positions.ts';
import type { ToolKinds } from '../tools.ts';
import { asList, contentText, field, nameField, textField } from '../values.ts';

const kinds: ReadonlySet<unknown> = new Set(['element', 'request', 'toolCall', 'error']);

/**
 * What GitHub Copilot Chat in VS Code exports of its log, `.chatreplay.json`: prompts, and for each the requests to models and
 * the calls of tools that it led to. Each prompt is a trajectory; a single one may stand alone. A call may carry the
 * thinking of the turn that made it.
 */
export const copilotReplay: RecordFormat = {
  name: 'copilot-replay',
  unit: 'record',

  detect(record: unknown): Detection | null {
    const prompts = promptsIn(record).map(({ prompt }) => prompt);
    if (prompts.length === 0 || !prompts.every(isPrompt)) return null;
    return { score: 1, reason: 'its prompts have `logs` of requests and tool calls' };
  },

  read(record: unknown, { tools }: ReadContext): readonly RecordResult[] {
    return promptsIn(record).map(({ path, prompt }) => readPrompt(prompt, path, tools));
  },
};

function isPrompt(value: unknown): boolean {
  const logs = field(value, 'logs');
  return (
    typeof field(value, 'prompt') === 'string' &&
    Array.isArray(logs) &&
    logs.every(entry => kinds.has(field(entry, 'kind')))
  );
}

function promptsIn(record: unknown): { readonly path: JsonPath; readonly prompt: unknown }[] {
  const prompts = field(record, 'prompts');
  if (!Array.isArray(prompts)) return [{ path: [], prompt: record }];
  return prompts.map((prompt, i) => ({ path: ['prompts', String(i)], prompt }));
}

function readPrompt(prompt: unknown, path: JsonPath, tools: ToolKinds): RecordResult {
  const dialogue = new Dialogue(tools);
  const logs = asList(field(prompt, 'logs'));
  let model = textField(prompt, 'model');
  for (let i = 0; i < logs.length; ) {
    const entry = logs[i];
    const kind = field(entry, 'kind');
    if (kind === 'toolCall') {
      i = readCalls(dialogue, logs, i);
      continue;
    }
    if (kind === 'request' && isOfAgent(entry)) {
      model ??= textField(field(entry, 'metadata'), 'model');
      readAnswer(dialogue, i, entry);
    } else
      dialogue.skip(
        i,
        kind === 'request' ? 'a request beside the conversation' : `an entry of the kind ${kind}`,
      );
    i++;
  }
  const { answered, question: _, ...read } = dialogue.end();
  return {
    ...read,
    stepList: [...path, 'logs'],
    name: nameField(prompt, 'promptId'),
    queryId: null,
    question: textField(prompt, 'prompt')?.trim() ?? null,
    agent: model,
    retriever: null,
    references: [],
    completed: answered,
    outcome: 'unknown',
  };
}

/** Whether a request is the agent's own turn: Copilot also asks models for titles, summaries and the like. */
function isOfAgent(request: unknown): boolean {
  const name = textField(request, 'name') ?? '';
  return (
    field(request, 'type') !== 'MarkdownContentRequest' &&
    /^$|\/|agent/i.test(name) &&
    !/summari[sz]|title/i.test(name)
  );
}

/** What the agent says. The messages that it was sent repeat what came before. */
function readAnswer(dialogue: Dialogue, i: number, request: unknown): void {
  dialogue.endTurn();
  const response = field(request, 'response');
  const message = asList(field(response, 'message'));
  for (const part of message) {
    // Parts of prompts, where they are kept, say by their value what they are.
    think(dialogue, i, field(field(part, 'value'), 'thinking'));
  }
  dialogue.say(
    i,
    message.map(part => (typeof part === 'string' ? part : (textField(part, 'text') ?? ''))).join('\n'),
  );
  if (field(response, 'type') !== 'success') dialogue.skip(i, 'a request that gave no whole answer');
}

/** Reads the calls of one turn, and returns where the next entry is: all are made before any is answered. */
function readCalls(dialogue: Dialogue, logs: readonly unknown[], from: number): number {
  const thinking = field(logs[from], 'thinking');
  let to = from;
  while (to < logs.length && field(logs[to], 'kind') === 'toolCall') {
    const other = field(logs[to], 'thinking');
    if (to > from && other !== undefined && textOf(other) !== textOf(thinking)) break;
    to++;
  }
  think(dialogue, from, thinking);
  for (let i = from; i < to; i++) {
    // Calls that a provider carries out are marked as those of the server.
    const name = nameField(logs[i], 'tool')?.replace(/ \[server\]$/, '') ?? 'unknown';
    dialogue.call(i, { id: String(i), name, arguments: field(logs[i], 'args') });
  }
  for (let i = from; i < to; i++) {
    const response = field(logs[i], 'response');
    dialogue.result(i, {
      id: String(i),
      name: null,
      output: Array.isArray(response) ? contentText(response) : response,
    });
  }
  return to;
}

/** What it thought, or that this is encrypted: some providers send no more than a seal of it. */
function think(dialogue: Dialogue, i: number, thinking: unknown): void {
  const text = textOf(thinking);
  dialogue.reason(i, text, text === null && textField(thinking, 'encrypted') !== null);
}

function textOf(thinking: unknown): string | null {
  const text = field(thinking, 'text');
  return textField(thinking, 'text') ?? joinThinks(asList(text).filter(piece => typeof piece === 'string'));
}
