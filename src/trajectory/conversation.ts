import { type Call, type Result, TrajectoryBuilder } from './builder.ts';
import { finalAnswer, joinThinks, splitThink } from './markup.ts';
import type { Skipped, Step } from './model.ts';
import { besideReasoning, hiddenReasoning, type Reasoning } from './reasoning.ts';
import type { ToolKinds } from './tools.ts';

interface MessageBase {
  /** Its step, where that is not its index in the list: one entry of a log may hold several messages. */
  readonly step?: number;
  /** What else it holds that is not read: `an image`. */
  readonly leftOut?: readonly string[];
}

/** One entry of a message list, whatever its format calls it. */
export type Message = MessageBase &
  (
    | { readonly role: 'user'; readonly text: string }
    | (Reasoning & {
        readonly role: 'assistant';
        readonly text: string;
        readonly calls: readonly Call[];
      })
    | { readonly role: 'tool'; readonly results: readonly ToolResult[] }
    | { readonly role: 'other' }
  );

export interface ToolResult extends Result {
  /** The tool's name, where the result carries it. */
  readonly name: string | null;
}

export interface Conversation {
  readonly steps: readonly Step[];
  readonly noPairs: string | null;
  readonly skipped: readonly Skipped[];
  /** The first thing that the user said. */
  readonly question: string | null;
  readonly answer: string | null;
  /** Whether the last assistant turn is an answer and not a call. */
  readonly answered: boolean;
}

/**
 * Follows a conversation with an agent piece by piece, in the log's order. A turn of the agent runs up to the first result
 * that it sees, or to where the log says that it ends. Its reasoning is what the log keeps apart, else what it marks with
 * `<think>`, else, in a turn that goes on to call a tool, what it says before: the agent thinking aloud. Where there is
 * reasoning that cannot be read, what it says beside it is not taken for it.
 */
export class Dialogue {
  readonly #builder: TrajectoryBuilder;
  #question: string | null = null;
  #answer: string | null = null;
  #answered = false;
  #turn: 'none' | 'speaks' | 'acts' = 'none';
  /** Whether the log keeps the open turn's reasoning apart from what it says, and whether that can be read. */
  #reasoned: 'no' | 'unreadably' | 'readably' = 'no';
  /** What the open turn has said: its answer, unless a call follows. */
  #said: { readonly step: number; readonly text: string }[] = [];

  constructor(tools: ToolKinds) {
    this.#builder = new TrajectoryBuilder(tools);
  }

  /** Where the agent works from here on. */
  workIn(folder: string): void {
    this.#builder.workIn(folder);
  }

  user(step: number, text: string): void {
    this.endTurn();
    const said = text.trim();
    if (said === '') return;
    if (this.#question === null) this.#question = said;
    else this.skip(step, 'a further message of the user');
  }

  /** Reasoning that the log keeps apart from what the agent says. */
  reason(step: number, text: string | null, hidden = false): void {
    if (hidden) {
      this.#begin();
      if (this.#reasoned === 'no') this.#reasoned = 'unreadably';
      this.skip(step, hiddenReasoning);
    }
    if (text === null || text.trim() === '') return;
    this.#begin();
    this.#reasoned = 'readably';
    this.#builder.think(step, text);
  }

  say(step: number, text: string): void {
    const { think, rest } = splitThink(text);
    if (this.#reasoned !== 'readably') this.reason(step, think);
    if (rest === '') return;
    this.#begin();
    this.#said.push({ step, text: rest });
    if (this.#turn === 'acts') this.#thinkAloud();
  }

  call(step: number, call: Call): void {
    this.#begin();
    this.#turn = 'acts';
    this.#thinkAloud();
    this.#builder.call(step, call);
  }

  result(step: number, { name, ...result }: ToolResult): void {
    this.endTurn();
    if (this.#builder.result(step, result)) return;
    // What is known of the call is kept: that it was made.
    this.skip(step, 'the arguments of a call that the log does not show, but only its result');
    this.#builder.call(step, { id: result.id, name: name ?? 'unknown', arguments: null });
    this.#builder.result(step, result);
  }

  /** The final answer, given by a tool that ends the run: what is said before it is the agent thinking aloud. */
  answer(step: number, text: string): void {
    this.#begin();
    this.#thinkAloud();
    this.#turn = 'speaks';
    this.#said = [{ step, text }];
    this.endTurn();
  }

  /** Something that is left out, and what it is: `an image`. */
  skip(step: number | null, reason: string): void {
    this.#builder.skip(step, reason);
  }

  endTurn(): void {
    if (this.#turn === 'none') return;
    const answer = this.#turn === 'speaks' ? joinThinks(this.#said.map(({ text }) => text)) : null;
    this.#answered = answer !== null;
    if (answer !== null) {
      this.#builder.answer(this.#said[0]!.step, answer);
      this.#answer = finalAnswer(answer);
    }
    this.#said = [];
    this.#turn = 'none';
    this.#reasoned = 'no';
  }

  end(): Conversation {
    this.endTurn();
    return {
      ...this.#builder.build(),
      question: this.#question,
      answer: this.#answer,
      answered: this.#answered,
    };
  }

  #begin(): void {
    if (this.#turn !== 'none') return;
    this.#turn = 'speaks';
    this.#builder.turn();
  }

  #thinkAloud(): void {
    for (const { step, text } of this.#said.splice(0)) {
      if (this.#reasoned !== 'no') this.skip(step, besideReasoning);
      else this.#builder.think(step, text);
    }
  }
}

/** Reads a message list. Each assistant message is a turn. */
export function readConversation(messages: readonly Message[], tools: ToolKinds): Conversation {
  const dialogue = new Dialogue(tools);
  messages.forEach((message, index) => {
    follow(dialogue, message, message.step ?? index);
  });
  return dialogue.end();
}

/** Follows a dialogue by one message. */
export function follow(dialogue: Dialogue, message: Message, step: number): void {
  for (const what of message.leftOut ?? []) dialogue.skip(step, what);
  if (message.role === 'user') dialogue.user(step, message.text);
  else if (message.role === 'tool') {
    for (const result of message.results) dialogue.result(step, result);
  } else if (message.role === 'assistant') {
    dialogue.endTurn();
    dialogue.reason(step, message.reasoning, message.hidden);
    dialogue.say(step, message.text);
    for (const call of message.calls) dialogue.call(step, call);
  }
}
