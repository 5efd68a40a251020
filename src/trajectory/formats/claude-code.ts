import { type Conversation, Dialogue } from '../conversation.ts';
import type { Detection, ReadContext, ReadResult, SessionFormat } from '../format.ts';
import { isReasoning, reasoningIn } from '../reasoning.ts';
import type { ToolKinds } from '../tools.ts';
import { asList, type Fields, field, isFields, nameField, textField } from '../values.ts';

/**
 * The sessions of Claude Code, `~/.claude/projects/<folder>/<session>.jsonl`: a line for each message, or for each content
 * block of one. A subagent is a trajectory of its own, whether it has a file (`agent-<id>.jsonl`) or shares that of its
 * session (`isSidechain`).
 */
export const claudeCode: SessionFormat = {
  name: 'claude-code',
  unit: 'session',
  elements: null,

  detect(record: unknown): Detection | null {
    if (messageOf(record) === null) return null;
    if (nameField(record, 'sessionId') === null || nameField(record, 'uuid') === null) return null;
    return { score: 1, reason: 'its lines are messages with `sessionId` and `uuid`' };
  },

  read(records: readonly unknown[], { tools }: ReadContext): readonly ReadResult[] {
    const names = new RunNames();
    const runs = new Map<string, Run>();
    const others: Line[] = [];
    const seen = new Set<string>();
    for (const [step, record] of records.entries()) {
      const message = messageOf(record);
      if (message === null) {
        others.push({ step, record });
        continue;
      }
      const name = names.of(record);
      const run = runs.get(name) ?? new Run(name);
      runs.set(name, run);
      const id = nameField(record, 'uuid') ?? `line ${step}`;
      if (seen.has(id)) run.repeated.push(step);
      else run.add({ step, record }, message);
      seen.add(id);
    }
    const [first] = runs.values();
    return [...runs.values()].map(run => run.read(tools, run === first ? others : []));
  },
};

interface Line {
  readonly step: number;
  readonly record: unknown;
}

function messageOf(record: unknown): Fields | null {
  const message = field(record, 'message');
  const role = field(message, 'role');
  return isFields(message) && (role === 'user' || role === 'assistant') ? message : null;
}

/** Which run a line belongs to: its subagent, or its session. */
class RunNames {
  /** Subagents of older versions have no id, but each of their lines names the one before it. */
  readonly #byLine = new Map<string, string>();

  of(record: unknown): string {
    const session = nameField(record, 'sessionId') ?? 'session';
    if (field(record, 'isSidechain') !== true) return session;
    const line = nameField(record, 'uuid') ?? session;
    const before = nameField(record, 'parentUuid');
    const name =
      nameField(record, 'agentId') ?? (before === null ? undefined : this.#byLine.get(before)) ?? line;
    this.#byLine.set(line, name);
    return name;
  }
}

/** The lines of one agent, those of one message together: results may be written between its blocks. */
class Run {
  readonly repeated: number[] = [];
  readonly #name: string;
  readonly #messages = new Map<string, { readonly role: unknown; readonly lines: Line[] }>();
  #model: string | null = null;

  constructor(name: string) {
    this.#name = name;
  }

  add(line: Line, message: Fields): void {
    const id = message.role === 'assistant' ? nameField(message, 'id') : null;
    const key = id ?? `line ${line.step}`;
    const known = this.#messages.get(key);
    if (known === undefined) this.#messages.set(key, { role: message.role, lines: [line] });
    else known.lines.push(line);
    const model = textField(message, 'model');
    if (model !== '<synthetic>') this.#model ??= model;
  }

  read(tools: ToolKinds, others: readonly Line[]): ReadResult {
    const dialogue = new Dialogue(tools);
    for (const { step, record } of others) {
      dialogue.skip(step, `a line of the type ${nameField(record, 'type') ?? 'unknown'}`);
    }
    for (const step of this.repeated) dialogue.skip(step, 'a line that was there before');
    for (const { role, lines } of this.#messages.values()) {
      if (role === 'assistant') dialogue.endTurn();
      for (const line of lines) {
        const folder = textField(line.record, 'cwd');
        if (folder !== null) dialogue.workIn(folder);
        if (role === 'user') readUser(dialogue, line);
        else readAssistant(dialogue, line);
      }
    }
    const { answered, ...conversation }: Conversation = dialogue.end();
    return {
      ...conversation,
      name: this.#name,
      queryId: null,
      agent: this.#model,
      retriever: null,
      references: [],
      completed: answered,
      outcome: 'unknown',
    };
  }
}

/** What Claude Code itself puts in the user's mouth: commands, their output, hooks, the summary of what came before. */
const notTheUser =
  /^\s*(?:<(?:command-|local-command-|bash-|system-reminder|user-memory)|Caveat: |\[Request interrupted)/;

function readUser(dialogue: Dialogue, { step, record }: Line): void {
  for (const block of blocksOf(record)) {
    const type = field(block, 'type');
    if (type === 'tool_result') readResult(dialogue, step, block);
    else if (type !== 'text') dialogue.skip(step, aBlock(type));
    else if (field(record, 'isCompactSummary') === true) dialogue.skip(step, 'a summary of what came before');
    else {
      const text = textField(block, 'text') ?? '';
      if (field(record, 'isMeta') === true || notTheUser.test(text))
        dialogue.skip(step, 'a message that the user did not write');
      else dialogue.user(step, text);
    }
  }
}

function readAssistant(dialogue: Dialogue, { step, record }: Line): void {
  if (field(record, 'isApiErrorMessage') === true) {
    dialogue.skip(step, 'an error of the model provider');
    return;
  }
  for (const block of blocksOf(record)) {
    const type = field(block, 'type');
    if (isReasoning(block)) {
      const { reasoning, hidden } = reasoningIn(block);
      dialogue.reason(step, reasoning, hidden);
    } else if (type === 'text') dialogue.say(step, textField(block, 'text') ?? '');
    else if (typeof type === 'string' && type.endsWith('tool_use')) {
      const name = nameField(block, 'name') ?? 'unknown';
      dialogue.call(step, { id: nameField(block, 'id'), name, arguments: field(block, 'input') });
    } else if (typeof type === 'string' && type.endsWith('tool_result')) readResult(dialogue, step, block);
    else dialogue.skip(step, aBlock(type));
  }
}

function readResult(dialogue: Dialogue, step: number, block: unknown): void {
  const output = field(block, 'content');
  for (const part of asList(output)) {
    const type = field(part, 'type');
    if (type === 'image' || type === 'document') dialogue.skip(step, `${aBlock(type)} in a result`);
  }
  const failed = field(block, 'is_error') === true;
  dialogue.result(step, { id: nameField(block, 'tool_use_id'), name: null, output, failed });
}

function blocksOf(record: unknown): readonly unknown[] {
  const content = field(field(record, 'message'), 'content');
  return asList(content).map(block => (typeof block === 'string' ? { type: 'text', text: block } : block));
}

function aBlock(type: unknown): string {
  return `a block of the type ${typeof type === 'string' ? type : 'unknown'}`;
}
