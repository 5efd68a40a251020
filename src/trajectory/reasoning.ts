import { joinThinks } from './markup.ts';
import { asList, field, textField } from './values.ts';

/** What a log tells of the reasoning behind a message. */
export interface Reasoning {
  /** What can be read of it: its text, else its summary. Null if nothing can. */
  readonly reasoning: string | null;
  /** Whether there is some that cannot be read: it is encrypted, or was not kept. */
  readonly hidden: boolean;
}

/** How what is left out is named: reasoning that is hidden, and words that stand beside any and so are none. */
export const hiddenReasoning = 'a reasoning that is encrypted or was not kept';
export const besideReasoning = 'what it says beside its reasoning and a call';

/** The reasoning of a message, from the first of its fields that has any: servers write the same text under several. */
export function reasoningOf(message: unknown): Reasoning {
  const text = textField(message, 'reasoning_content', 'reasoning', 'reasoningText', 'thinking', 'thought');
  const inBlocks = ['reasoning', 'reasoning_details', 'thinking_blocks', 'content'].map(name =>
    reasoningIn(field(message, name)),
  );
  return firstReasoning({ reasoning: text?.trim() ?? null, hidden: false }, ...inBlocks);
}

/**
 * The reasoning in blocks, or in one: `{type: "thinking", thinking}`, `{type: "reasoning.text", text}`, `{type: "reasoning",
 * content, summary}`. What else is among them tells nothing of it.
 */
export function reasoningIn(blocks: unknown): Reasoning {
  const texts = asList(blocks).filter(isReasoning).map(textIn);
  return { reasoning: joinThinks(texts.filter(text => text !== null)), hidden: texts.includes(null) };
}

/** The first that can be read; what any of them hides is hidden. */
export function firstReasoning(...told: readonly Reasoning[]): Reasoning {
  return {
    reasoning: told.find(({ reasoning }) => reasoning !== null)?.reasoning ?? null,
    hidden: told.some(({ hidden }) => hidden),
  };
}

export function isReasoning(block: unknown): boolean {
  const type = field(block, 'type');
  return typeof type === 'string' && /^(?:(?:redacted|encrypted)_)?(?:thinking|reasoning)/.test(type);
}

/** What a block says; of a redacted one its summary, if it has one. */
function textIn(block: unknown): string | null {
  const isRedacted = field(block, 'redacted') === true;
  const names = [
    ...(isRedacted ? [] : ['thinking', 'reasoning', 'reasoning_content', 'text', 'content']),
    'summary',
  ];
  for (const name of names) {
    const said = field(block, name);
    const pieces = asList(said).map(piece =>
      typeof piece === 'string' ? piece : (textField(piece, 'text') ?? ''),
    );
    const text = joinThinks(pieces);
    if (text !== null) return text;
  }
  return null;
}
