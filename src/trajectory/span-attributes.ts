import { listOf, readMessages } from './messages.ts';
import type { Span, SpanKind } from './spans.ts';
import { asList, type Fields, field, isFields, nameOf, textField } from './values.ts';

/** What a span's attributes tell of it. */
export type Described = Pick<Span, 'name' | 'model' | 'input' | 'output' | 'callId'> & {
  /** Null if the attributes are of no convention for agents. */
  readonly kind: SpanKind | null;
};

/** More parts than any convention's names have. */
const longestName = 24;

/** Attributes with dotted names, written as such (`llm.model_name`), nested, or both. */
export class Attributes {
  readonly #fields: unknown;
  #tree: Fields | undefined;

  constructor(fields: unknown) {
    this.#fields = fields;
  }

  /** The value of the first of the names that has one: all below the name, if it is no more than a beginning. */
  get(...names: readonly string[]): unknown {
    for (const name of names) {
      const value = walk(this.#fields, name) ?? walk(this.#nested(), name);
      if (value !== undefined && value !== null && value !== '') return value;
    }
    return undefined;
  }

  text(...names: readonly string[]): string | null {
    return nameOf(this.get(...names));
  }

  #nested(): unknown {
    this.#tree ??= nested(this.#fields);
    return this.#tree;
  }
}

/** The dotted names of fields taken apart. Without a prototype, so that a part may have any name. */
function nested(fields: unknown): Fields {
  if (!isFields(fields)) return {};
  if (!Object.keys(fields).some(name => name.includes('.'))) return fields;
  const root: Record<string, unknown> = Object.create(null);
  const branches = new Set<unknown>();
  for (const [name, value] of Object.entries(fields)) {
    const parts = name.split('.');
    const leaf = parts.length > longestName ? name : parts.pop()!;
    let at = root;
    for (const part of leaf === name ? [] : parts) {
      const below = at[part];
      // What is not a branch of this tree is a value of the log, and is not written to.
      const branch = branches.has(below) ? below : Object.assign(Object.create(null), below);
      branches.add(branch);
      at[part] = branch;
      at = branch;
    }
    at[leaf] ??= value;
  }
  return root;
}

/** OpenInference's messages and documents without dots in the names of their parts, as deep as these go. */
function undotted(value: unknown, depth = 0): unknown {
  if (depth > longestName) return value;
  if (Array.isArray(value)) return value.map(item => undotted(item, depth + 1));
  if (!isFields(value)) return value;
  return Object.fromEntries(
    Object.entries(nested(value)).map(([name, part]) => [name, undotted(part, depth + 1)]),
  );
}

function walk(value: unknown, name: string): unknown {
  const own = field(value, name);
  if (own !== undefined) return own;
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
    const below = field(value, name.slice(0, dot));
    const found = isFields(below) ? walk(below, name.slice(dot + 1)) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** By the words of OpenInference, OpenTelemetry's GenAI, OpenLLMetry, the AI SDK, Monocle and LangSmith. */
const kinds: readonly (readonly [name: string, kinds: Readonly<Record<string, SpanKind>>])[] = [
  [
    'openinference.span.kind',
    {
      LLM: 'llm',
      TOOL: 'tool',
      RETRIEVER: 'retriever',
      AGENT: 'agent',
      CHAIN: 'chain',
      RERANKER: 'aside',
      EMBEDDING: 'chain',
      GUARDRAIL: 'aside',
      EVALUATOR: 'aside',
    },
  ],
  [
    'gen_ai.operation.name',
    {
      chat: 'llm',
      text_completion: 'llm',
      generate_content: 'llm',
      execute_tool: 'tool',
      retrieval: 'retriever',
      invoke_agent: 'agent',
      invoke_workflow: 'chain',
      create_agent: 'chain',
      embeddings: 'chain',
    },
  ],
  ['traceloop.span.kind', { workflow: 'chain', task: 'chain', agent: 'agent', tool: 'tool' }],
  [
    'span.type',
    {
      inference: 'llm',
      'inference.framework': 'llm',
      'inference.modelapi': 'llm',
      retrieval: 'retriever',
      'agentic.tool.invocation': 'tool',
      'agentic.mcp.invocation': 'tool',
      'agentic.turn': 'agent',
      'agentic.invocation': 'agent',
      'agentic.delegation': 'chain',
      workflow: 'chain',
    },
  ],
  [
    'ai.operationId',
    {
      'ai.generateText': 'llm',
      'ai.streamText': 'llm',
      'ai.generateText.doGenerate': 'llm',
      'ai.streamText.doStream': 'llm',
      'ai.toolCall': 'tool',
    },
  ],
  ['langsmith.span.kind', { llm: 'llm', tool: 'tool', retriever: 'retriever', chain: 'chain' }],
];

/**
 * Reads a span's attributes, in any of the conventions for spans of agents.
 * @param events whose attributes say what the span's own do not: some write all content so
 */
export function describe(attributes: unknown, name: string, events: unknown = []): Described {
  const own = new Attributes(attributes);
  const kind = kindOf(own);
  const told = asList(events).map(event => ({
    name: textField(event, 'name') ?? '',
    attributes: field(event, 'attributes'),
  }));
  const within = told.map(event => new Attributes(event.attributes));
  const find = (...names: readonly string[]): unknown => {
    for (const source of [own, ...within]) {
      const value = source.get(...names);
      if (value !== undefined) return value;
    }
    return undefined;
  };
  const messages = (isMeant: (event: string) => boolean): unknown => {
    const said = told
      .filter(event => isMeant(event.name))
      .map(event => messageOf(event.name, event.attributes));
    return said.length === 0 ? undefined : said;
  };
  const about = { model: own.text(...modelNames) ?? monocleModel(own), callId: own.text(...callIds) };
  // Monocle's events have their own words, which others use for other things.
  const monocle = (event: string, part: string): unknown =>
    field(told.find(({ name: own }) => own === event)?.attributes, part);
  if (kind === 'llm') {
    const input =
      find('gen_ai.input.messages') ??
      undotted(find('llm.input_messages')) ??
      messages(event => /^gen_ai\.(?:system|user|assistant|tool)\.message$/.test(event)) ??
      find('gen_ai.prompt', 'ai.prompt.messages', 'ai.prompt', 'input.value', 'traceloop.entity.input') ??
      monocle('data.input', 'input');
    const output = fullest([
      find('gen_ai.output.messages'),
      wholeMessages(undotted(find('llm.output_messages'))),
      messages(event => event === 'gen_ai.choice'),
      find('gen_ai.completion'),
      aiSdkAnswer(own),
      find('output.value', 'traceloop.entity.output'),
      monocle('data.output', 'response'),
    ]);
    // Copilot keeps the reasoning apart, and says so where it is encrypted.
    const thought = own.text('copilot_chat.reasoning_content');
    const reasoning = { type: 'reasoning', text: thought === '[encrypted]' ? '' : thought };
    const all = thought === null ? output : [reasoning, output];
    return { kind, name, input, output: all, ...about };
  }
  const input =
    find('gen_ai.tool.call.arguments', 'gen_ai.retrieval.query.text', 'ai.toolCall.args') ??
    find('input.value', 'tool.parameters', 'traceloop.entity.input') ??
    find('copilot_chat.user_request', 'gen_ai.input.messages') ??
    monocle('data.input', 'input');
  const retrieved = undotted(find('retrieval.documents'));
  const output =
    find('gen_ai.tool.call.result', 'gen_ai.retrieval.documents', 'ai.toolCall.result') ??
    listOf(retrieved) ??
    retrieved ??
    find('output.value', 'traceloop.entity.output', 'gen_ai.output.messages') ??
    monocle('data.output', 'response');
  return { ...emitted(kind, toolName(own, name)), input, output, ...about };
}

const modelNames = ['gen_ai.response.model', 'gen_ai.request.model', 'llm.model_name', 'ai.model.id'];
const callIds = ['gen_ai.tool.call.id', 'ai.toolCall.id', 'tool_call.id', 'tool.id'];

export function kindOf(attributes: Attributes): SpanKind | null {
  for (const [name, known] of kinds) {
    const kind = attributes.text(name);
    if (kind !== null && Object.hasOwn(known, kind)) return known[kind]!;
  }
  return attributes.text('gen_ai.request.model') === null ? null : 'llm';
}

function monocleModel(attributes: Attributes): string | null {
  return (attributes.text('entity.2.type') ?? '').startsWith('model.')
    ? attributes.text('entity.2.name')
    : null;
}

function toolName(attributes: Attributes, name: string): string {
  const entity = attributes.text('entity.1.type')?.startsWith('tool.') === true ? 'entity.1.name' : '';
  const known = attributes.text(
    'gen_ai.tool.name',
    'tool.name',
    'ai.toolCall.name',
    'traceloop.entity.name',
    entity,
  );
  return known ?? name.replace(/^(?:execute_tool|running tool:) /, '');
}

/** BeeAI writes every event of a run as a span: `tool.search.wikipedia.success-12`. Its success or its error tells all. */
function emitted(
  kind: SpanKind | null,
  name: string,
): { readonly kind: SpanKind | null; readonly name: string } {
  const event = kind === 'tool' ? /^(.+)\.(start|finish|retry|success|error)-\d+$/.exec(name) : null;
  if (event === null) return { kind, name };
  return /success|error/.test(event[2]!) ? { kind, name: event[1]! } : { kind: 'chain', name };
}

/** A message that is an event: `gen_ai.user.message` with a content, `gen_ai.choice` with a message. */
function messageOf(event: string, attributes: unknown): unknown {
  const said = field(attributes, 'message') ?? attributes;
  const [, role] = /^gen_ai\.(\w+)\.message$/.exec(event) ?? [null, 'assistant'];
  if (!isFields(said)) return { role, content: said };
  return { role, ...said };
}

/** Messages that do not begin with the first are the last tokens of a stream. */
function wholeMessages(messages: unknown): unknown {
  return isFields(messages) && !Object.hasOwn(messages, '0') ? undefined : messages;
}

function aiSdkAnswer(attributes: Attributes): unknown {
  const text = attributes.get('ai.response.text', 'ai.result.text');
  const calls = attributes.get('ai.response.toolCalls', 'ai.result.toolCalls');
  if (text === undefined && calls === undefined) return undefined;
  return [text, calls];
}

/** Of several records of the same words the one that tells most: the first with calls and reasoning, if there is one. */
function fullest(outputs: readonly unknown[]): unknown {
  const known = outputs.filter(output => output !== undefined && output !== null);
  if (known.length < 2) return known[0];
  const rated = known.map(output => {
    const said = readMessages(output, 'assistant');
    const rate = (tells: boolean, weight: number): number => (tells ? weight : 0);
    return {
      output,
      rating:
        rate(
          said.some(({ calls }) => calls.length > 0),
          8,
        ) +
        rate(
          said.some(({ reasoning }) => reasoning !== null),
          4,
        ) +
        rate(
          said.some(({ text }) => text !== ''),
          2,
        ) +
        rate(
          said.some(({ hidden }) => hidden),
          1,
        ),
    };
  });
  return rated.reduce((best, other) => (other.rating > best.rating ? other : best)).output;
}
