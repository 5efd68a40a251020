import { type Result, TrajectoryBuilder } from './builder.ts';
import type { ReadResult } from './format.ts';
import { finalAnswer, joinThinks, splitThink } from './markup.ts';
import { readMessages, type Said } from './messages.ts';
import { besideReasoning, hiddenReasoning } from './reasoning.ts';
import { type Made, OpenCalls, toolInput, toolKey, toolResult } from './span-calls.ts';
import { SpanTree } from './span-tree.ts';
import { readSearchOutput } from './tool-output.ts';
import type { ToolKind, ToolKinds } from './tools.ts';
import { parseStructured, textField } from './values.ts';

/**
 * `chain` is anything that wraps others; its name may tell that it is a tool after all. `aside` is what the model never
 * sees, and is named as what is left out: `a reranking`.
 */
export type SpanKind = 'llm' | 'tool' | 'retriever' | 'agent' | 'chain' | 'aside';

/** One span of a trace: what every format of traces says of it, each in its own words. */
export interface Span {
  /** Its position in the file. */
  readonly step: number;
  readonly id: string | null;
  readonly parent: string | null;
  readonly kind: SpanKind;
  /** Of a tool, the tool's own name. */
  readonly name: string;
  /** Milliseconds, or any number that grows with time; null if unknown. */
  readonly start: number | null;
  readonly end: number | null;
  readonly model: string | null;
  /** What a model was told and said, in any of its clients' words; the arguments and the result of a tool. */
  readonly input: unknown;
  readonly output: unknown;
  /** Which of a model's calls a tool span executes. */
  readonly callId: string | null;
  readonly failed: boolean;
}

/** What is known of a trace besides its spans. */
export interface TraceFrame {
  readonly name: string | null;
  readonly input?: unknown;
  readonly output?: unknown;
}

/** What a trace tells; the rest is up to its format. */
export type TraceResult = Omit<ReadResult, 'retriever' | 'references' | 'outcome'>;

const noContent =
  'content not recorded: the spans tell which tools were called, but not what was asked, found and said. Content is opt-in: switch its capture on and record again.';

/** Reads one trace, its spans in any order. */
export function readTrace(spans: readonly Span[], frame: TraceFrame, tools: ToolKinds): TraceResult {
  return new TraceReader(spans, frame, tools).read();
}

/** Spans of a model that together are one turn. */
interface Turn {
  readonly agent: Span | null;
  readonly spans: Span[];
}

class TraceReader {
  readonly #tree: SpanTree<Span>;
  /** Where each span stands in the order of time. The builder counts steps so; places in the file come back at the end. */
  readonly #order: ReadonlyMap<Span, number>;
  readonly #frame: TraceFrame;
  readonly #tools: ToolKinds;
  readonly #builder: TrajectoryBuilder;
  readonly #said: ReadonlyMap<Span, readonly Said[]>;
  /** The spans that execute tools. */
  readonly #runs: ReadonlySet<Span>;
  /** The agent, or the tool, at whose bidding a span is there. */
  readonly #agents: ReadonlyMap<Span, Span | null>;
  readonly #calls = new OpenCalls();
  /** The number of each agent's last turn. */
  readonly #turns = new Map<Span | null, number>();
  /** The number of the turn in which a run was called. */
  readonly #runTurns = new Map<Span | null, number>();
  #answer: string | null = null;
  #hasAnswered = false;
  #model: string | null = null;

  constructor(spans: readonly Span[], frame: TraceFrame, tools: ToolKinds) {
    this.#tree = new SpanTree(spans);
    this.#order = new Map(this.#tree.spans.map((span, index) => [span, index]));
    this.#frame = frame;
    this.#tools = tools;
    this.#builder = new TrajectoryBuilder(tools);
    const models = this.#tree.spans.filter(({ kind }) => kind === 'llm');
    this.#said = new Map(models.map(span => [span, readMessages(span.output, 'assistant')]));
    this.#runs = this.#findRuns();
    // Frameworks call many a step an agent: one that thinks and acts is meant.
    const thinking = this.#tree.around(models);
    const acting = this.#tree.around(this.#runs);
    this.#agents = this.#tree.nearest(
      span => this.#runs.has(span) || (span.kind === 'agent' && thinking.has(span) && acting.has(span)),
    );
  }

  read(): TraceResult {
    const turns = this.#findTurns();
    const [partOf, lists] = this.#findParts();
    for (const [index, span] of this.#tree.spans.entries()) {
      const turn = turns.get(span);
      if (turn !== undefined) this.#turn(turn);
      else if (this.#runs.has(span) && !partOf.has(span)) this.#run(span, index, lists.get(span));
      else if (span.kind === 'aside') this.#builder.skip(index, span.name);
    }
    for (const made of this.#calls) this.#builder.call(made.at, { ...made, id: null }, made.turn);
    const { steps, noPairs, skipped } = this.#builder.build();
    const place = (index: number): number => this.#tree.spans[index]?.step ?? index;
    const framed = lastWords(this.#frame.output);
    const answer = framed ?? this.#answer ?? lastWords(this.#root?.output);
    const isDone = this.#hasAnswered || framed !== null || turns.size === 0;
    return {
      name: this.#frame.name,
      queryId: null,
      question: this.#question(),
      agent: this.#model,
      answer,
      completed: isDone && this.#root?.failed !== true,
      steps: steps.map(step => ({ ...step, step: place(step.step) })),
      noPairs: this.#hasContent() ? noPairs : noContent,
      skipped: skipped.map(({ step, reason }) => ({ step: step === null ? null : place(step), reason })),
    };
  }

  /** What has all else within it, if anything has. */
  get #root(): Span | undefined {
    return this.#tree.spans.find(
      span =>
        this.#tree.parentOf(span) === null &&
        (span.kind === 'agent' || span.kind === 'chain') &&
        !this.#runs.has(span),
    );
  }

  /** Spans of tools and retrievers; and those that are named as a tool and have nothing of the kind within them. */
  #findRuns(): ReadonlySet<Span> {
    const called = new Set(
      [...this.#said.values()].flatMap(said =>
        said.flatMap(({ calls }) => calls.map(({ name }) => toolKey(name))),
      ),
    );
    const named = this.#tree.spans.filter(
      span =>
        span.kind === 'chain' &&
        (isKnown(span.input) || isKnown(span.output)) &&
        (called.has(toolKey(span.name)) || this.#tools(span.name) !== 'other'),
    );
    const runs = this.#tree.spans.filter(({ kind }) => kind === 'tool' || kind === 'retriever');
    const wrapping = this.#tree.around([...this.#said.keys(), ...runs, ...named]);
    return new Set([...runs, ...named.filter(span => !wrapping.has(span))]);
  }

  /**
   * Runs within a search or a browse are how it was done, not what the agent did. Where the outer one shows no list, as
   * when it makes a text of it, the inner one's counts.
   */
  #findParts(): readonly [ReadonlySet<Span>, ReadonlyMap<Span, unknown>] {
    const around = this.#tree.nearest(
      span => this.#runs.has(span) && /search|browse/.test(this.#kindOf(span)),
    );
    const parts = new Set<Span>();
    const lists = new Map<Span, unknown>();
    for (const span of this.#runs) {
      const outer = around.get(span) ?? null;
      if (outer === null) continue;
      parts.add(span);
      if (this.#kindOf(outer) === 'search' && showsList(span.output) && !lists.has(outer)) {
        lists.set(outer, showsList(outer.output) ? outer.output : span.output);
      }
    }
    return [parts, lists];
  }

  /** Which spans of models are turns of an agent, by the first span of each turn. */
  #findTurns(): ReadonlyMap<Span, Turn> {
    const twice = this.#saidTwice();
    const acting = new Set<Span | null>();
    for (const [span, said] of this.#said) {
      if (said.some(({ calls }) => calls.length > 0)) acting.add(this.#agents.get(span) ?? null);
    }
    const turns = new Map<Span, Turn>();
    const last = new Map<Span | null, Turn | null>();
    for (const span of this.#tree.spans) {
      const agent = this.#agents.get(span) ?? null;
      if (this.#runs.has(span)) last.set(agent, null);
      if (span.kind !== 'llm' || twice.has(span)) continue;
      if (agent !== null && agent.kind !== 'agent' && !acting.has(agent)) {
        this.#builder.skip(this.#order.get(span)!, 'a model call within a tool');
        continue;
      }
      const before = last.get(agent);
      const previous = before?.spans.at(-1);
      // Some clients write every block of a message as a span of its own: the next begins where the last one ends.
      const goesOn =
        previous?.parent === span.parent &&
        span.start !== null &&
        previous.end !== null &&
        span.start <= previous.end;
      if (before !== null && before !== undefined && goesOn) before.spans.push(span);
      else {
        const turn = { agent, spans: [span] };
        turns.set(span, turn);
        last.set(agent, turn);
      }
    }
    return turns;
  }

  /** Of a model's span around another model's, the one that tells less: clients and their libraries both write spans. */
  #saidTwice(): ReadonlySet<Span> {
    const around = this.#tree.nearest(({ kind }) => kind === 'llm');
    const inner = Map.groupBy(this.#said.keys(), span => around.get(span) ?? null);
    const twice = new Set<Span>();
    for (const [outer, within] of inner) {
      if (outer === null) continue;
      const own = this.#said.get(outer) ?? [];
      const others = within.flatMap(span => this.#said.get(span) ?? []);
      const tellMore = countCalls(others) >= countCalls(own) && others.length > 0;
      for (const span of tellMore ? [outer] : within) twice.add(span);
    }
    return twice;
  }

  #turn({ agent, spans }: Turn): void {
    for (const span of spans) this.#readResults(span);
    const number = this.#builder.turn(this.#turns.get(agent) ?? null);
    this.#turns.set(agent, number);
    const acts = spans.some(span => countCalls(this.#said.get(span) ?? []) > 0);
    const reasoned = spans.some(span => this.#said.get(span)?.some(tellsReasoning));
    for (const span of spans) {
      const at = this.#order.get(span)!;
      this.#model ??= span.model;
      this.#hasAnswered = false;
      const said = this.#said.get(span) ?? [];
      if (said.length === 0) this.#builder.skip(at, 'a model call whose words are not recorded');
      for (const type of said.flatMap(({ unread }) => unread)) {
        this.#builder.skip(at, `content of the type ${type}`);
      }
      const own = said.filter(({ role }) => role === 'assistant');
      const text = own
        .map(message => message.text)
        .filter(text => text !== '')
        .join('\n');
      const kept = joinThinks(own.flatMap(message => message.reasoning ?? []));
      const { think, rest } = splitThink(text);
      if (own.some(({ hidden }) => hidden)) this.#builder.skip(at, hiddenReasoning);
      const isAloud = acts && !reasoned;
      if (acts && reasoned && rest !== '') this.#builder.skip(at, besideReasoning);
      this.#builder.think(at, kept ?? think ?? (isAloud ? rest : null));
      for (const { calls } of own) for (const call of calls) this.#calls.add({ ...call, at, turn: number });
      if (!acts && rest !== '') {
        this.#builder.answer(at, rest);
        this.#answer = finalAnswer(rest);
        this.#hasAnswered = true;
      }
      // What the model's own server executed is shown at once.
      for (const { results } of said) for (const result of results) this.#readResult(result, at);
    }
  }

  /** Results that have no span of their own stand in what the model is told next. */
  #readResults(span: Span): void {
    if (this.#calls.isEmpty) return;
    for (const { results } of readMessages(span.input, 'user')) {
      for (const result of results) this.#readResult(result, this.#order.get(span)!);
    }
  }

  #readResult(result: Result, at: number): void {
    const made = this.#calls.withId(result.id);
    if (made === undefined) return;
    this.#calls.close(made);
    this.#execute(made, at, result);
  }

  #run(span: Span, at: number, list: unknown): void {
    const result = toolResult(list ?? span.output, span.failed);
    const input = toolInput(span.input);
    const made = this.#calls.answeredBy(span.name, result.id ?? span.callId, input);
    // What is not shown here may yet be shown in what the model is told next.
    if (made !== undefined && !isKnown(result.output)) return;
    if (made !== undefined) this.#calls.close(made);
    const agent = this.#agents.get(span) ?? null;
    const call = {
      name: made?.name ?? span.name,
      // The executed arguments: clients fill in what a model left open.
      arguments: isKnown(input) ? input : made?.arguments,
      at: made?.at ?? at,
      turn: made?.turn ?? this.#turns.get(agent) ?? this.#runTurns.get(agent) ?? this.#begin(agent),
    };
    this.#runTurns.set(span, call.turn);
    this.#execute(call, at, result, span.kind === 'retriever' ? 'search' : undefined);
  }

  /** A turn of which nothing is shown but what it did. */
  #begin(agent: Span | null): number {
    const number = this.#builder.turn(null);
    this.#turns.set(agent, number);
    return number;
  }

  #execute(
    { name, arguments: input, ...made }: Omit<Made, 'id'>,
    at: number,
    result: Result,
    kind?: ToolKind,
  ): void {
    const call = { id: null, name, arguments: input, ...(kind === undefined ? {} : { kind }) };
    this.#builder.call(made.at, call, made.turn);
    this.#builder.result(at, { ...result, id: null });
  }

  #kindOf(span: Span): ToolKind {
    return span.kind === 'retriever' ? 'search' : this.#tools(span.name);
  }

  #question(): string | null {
    const agents = this.#tree.spans.filter(({ kind }) => kind === 'agent');
    const told = [this.#frame, this.#root, ...agents, ...this.#said.keys()];
    for (const span of told) {
      const asked = questionIn(span?.input);
      if (asked !== null) return asked;
    }
    return null;
  }

  /** False if what models and tools were told and said was left out of the log. */
  #hasContent(): boolean {
    const telling = [...this.#said.keys(), ...this.#runs];
    return telling.length === 0 || telling.some(({ input, output }) => isKnown(input) || isKnown(output));
  }
}

/**
 * Reads each trace of a file, in the order in which they begin.
 * @param others how many records of the file belong to none @param what these may be
 */
export function readTraces(
  rows: readonly { readonly trace: string | null; readonly span: Span }[],
  read: (trace: string | null, spans: readonly Span[]) => ReadResult,
  others: number,
  what: string,
): ReadResult[] {
  const grouped = Map.groupBy(rows, ({ trace }) => trace);
  const results = [...grouped].map(([trace, own]) =>
    read(
      trace,
      own.map(({ span }) => span),
    ),
  );
  const [first, ...rest] = results;
  if (first === undefined || others === 0) return results;
  const reason = `${others} other ${others === 1 ? 'record' : 'records'} of the file: ${what}`;
  return [{ ...first, skipped: [...first.skipped, { step: null, reason }] }, ...rest];
}

function isKnown(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}

function countCalls(said: readonly Said[]): number {
  return said.reduce((sum, { calls }) => sum + calls.length, 0);
}

/** Whether a message tells of a reasoning that is kept apart, or marked, in what it says. */
function tellsReasoning({ role, reasoning, hidden, text }: Said): boolean {
  return role === 'assistant' && (reasoning !== null || hidden || splitThink(text).think !== null);
}

function showsList(output: unknown): boolean {
  return readSearchOutput(toolResult(output, false).output).lists.some(
    ({ candidates }) => candidates.length > 0,
  );
}

/** A value out of its JSON or Python, also if it was written as text twice. */
function decoded(value: unknown): unknown {
  let inner = value;
  for (let layer = 0; layer < 3 && typeof inner === 'string'; layer++)
    inner = parseStructured(inner) ?? inner;
  return inner;
}

/** The first thing that a user says, or asks in a field of that name. */
function questionIn(input: unknown): string | null {
  const value = decoded(input);
  const asked = textField(value, 'question', 'query', 'user_query', 'task', 'topic');
  if (asked !== null) return asked.trim();
  const said = readMessages(value, 'user').find(({ role, text }) => role === 'user' && text !== '');
  return said?.text ?? null;
}

/** The last text of an assistant in the output of what wraps a run. */
function lastWords(output: unknown): string | null {
  const said = readMessages(output, 'assistant').findLast(
    ({ role, text }) => role === 'assistant' && text !== '',
  );
  return said === undefined ? null : finalAnswer(said.text);
}
