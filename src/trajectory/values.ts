import JSON5 from 'json5';
import { clip } from '../base/text.ts';
import { parsePythonLiteral } from './python-literal.ts';

/** A JSON object whose fields nobody has looked at yet. */
export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A field of its own, never one that every object inherits. */
export function field(value: unknown, name: string): unknown {
  return isFields(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** The first of the named fields that is a text that says something. */
export function textField(value: unknown, ...names: readonly string[]): string | null {
  for (const name of names) {
    const found = field(value, name);
    if (typeof found === 'string' && found.trim() !== '') return found;
  }
  return null;
}

/** The first of the named fields that names something: a text, or a number as a text. */
export function nameField(value: unknown, ...names: readonly string[]): string | null {
  for (const name of names) {
    const found = nameOf(field(value, name));
    if (found !== null) return found;
  }
  return null;
}

/** A name as a text: numbers count, empty texts do not. */
export function nameOf(value: unknown): string | null {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
}

/** The texts and numbers that a value is, or that a list holds, as text. */
export function namesOf(value: unknown): string[] {
  return asList(value).flatMap(each => nameOf(each) ?? []);
}

export function numberField(value: unknown, ...names: readonly string[]): number | null {
  for (const name of names) {
    const found = field(value, name);
    if (typeof found === 'number' && Number.isFinite(found)) return found;
  }
  return null;
}

/** A value as a list: itself if it is one, nothing for null, else a list of one. */
export function asList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [value];
}

/**
 * The text of a message's content: a string, or blocks (`{type: "text", text}`, plain strings) joined by line ends.
 * Blocks of other kinds (images, reasoning, tool calls) are left out.
 */
export function contentText(content: unknown): string {
  if (typeof content === 'string') return content;
  return asList(content)
    .map(block => {
      if (typeof block === 'string') return block;
      const type = field(block, 'type');
      const isText = type === undefined || type === 'text' || type === 'output_text' || type === 'input_text';
      return isText ? (textField(block, 'text') ?? '') : '';
    })
    .filter(text => text !== '')
    .join('\n');
}

/** What in a message's content is neither text, reasoning nor a tool's matter, in words: `an image`. */
export function unreadBlocks(content: unknown): string[] {
  if (!Array.isArray(content)) return [];
  return content.flatMap((block: unknown) => {
    const type = field(block, 'type');
    if (typeof type !== 'string') return [];
    if (/^(?:(?:input_|output_)?text|(?:(?:redacted|encrypted)_)?(?:thinking|reasoning))|tool/.test(type))
      return [];
    const [, what] = /(image|audio|video|file|document|refusal)/.exec(type) ?? [];
    if (what === undefined) return `a block of the type ${clip(type, 40)}`;
    return /^[aeiou]/.test(what) ? `an ${what}` : `a ${what}`;
  });
}

/** What a structured text says: JSON, JSON with the slips that models make, or a Python literal. Else undefined. */
export function parseStructured(text: string): unknown {
  const trimmed = text.trim();
  if (!/^[[{"]/.test(trimmed)) return trimmed === 'null' || trimmed === 'None' ? null : undefined;
  // Single quotes tell Python's own writing: a failed JSON.parse costs more than reading it.
  if (/^[[{][\s[{]*'/.test(trimmed)) return parsePythonLiteral(trimmed);
  try {
    return JSON.parse(trimmed);
  } catch {
    return parsePythonLiteral(trimmed);
  }
}

/** The arguments of a tool call, written as an object or as its JSON (or nearly so); a bare text stays a text. */
export function parseArguments(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const exact = parseStructured(value);
  if (exact !== undefined) return exact;
  try {
    return JSON5.parse(value);
  } catch {
    return value;
  }
}
