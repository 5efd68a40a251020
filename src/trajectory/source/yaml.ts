import { isNode, isSeq, LineCounter, type ParsedNode, parseDocument } from 'yaml';
import type { JsonPath, Place } from './positions.ts';
import { type Stretch, type StretchFinder, TextRecord } from './record.ts';

/** An alias may stand for much; more than so many is an attack, not a recording. */
const mostAliases = 100;

/** What the engine says when a value is nested too deeply for the parser, which calls itself. */
const tooDeep = 'Maximum call stack size exceeded';
const nested = 'is YAML that is nested too deeply to be read';

/** Whether a text looks like recorded HTTP traffic (a VCR cassette). Other YAML is never parsed: it holds no logs. */
export function isCassette(head: string): boolean {
  return /^(?:http_)?interactions:/m.test(head);
}

/** A YAML text as a record; why it is none, if it cannot be read. */
export function yamlRecord(bytes: Buffer, start: Place): TextRecord | { readonly fault: string } {
  const text = bytes.toString('utf8');
  try {
    const lines = new LineCounter();
    const document = parseDocument(text, {
      ...{ schema: 'core', logLevel: 'silent', uniqueKeys: false, lineCounter: lines },
      // Of a text that is no YAML there may be an error per letter: only the first one is told, and put into words here.
      prettyErrors: false,
    });
    const [error] = document.errors;
    if (error !== undefined) {
      // How deep it can be read depends on the caller: the place would not be the same twice.
      if (error.message.startsWith(tooDeep)) return { fault: nested };
      const { line, col } = lines.linePos(error.pos[0]);
      return { fault: `is no YAML at line ${line}, column ${col} (${error.message.split('\n')[0]})` };
    }
    const value = document.toJS({ maxAliasCount: mostAliases }) as unknown;
    const nodeAt = (path: JsonPath): unknown =>
      path.length === 0 ? document.contents : document.getIn(path.map(keyOf), true);
    const find: StretchFinder = {
      elements(path) {
        const node = nodeAt(path);
        return isSeq(node) ? node.items.map(item => stretchOf(item) ?? [0, 0]) : [];
      },
      value: path => stretchOf(nodeAt(path)),
    };
    return new TextRecord(value, text, bytes, start, '', find);
  } catch (error) {
    if (error instanceof RangeError && error.message === tooDeep) return { fault: nested };
    return {
      fault: `is no YAML that can be read (${error instanceof Error ? error.message : String(error)})`,
    };
  }
}

function keyOf(name: string): string | number {
  return /^\d+$/.test(name) ? Number(name) : name;
}

function stretchOf(item: unknown): Stretch | undefined {
  const range = isNode(item) ? (item as ParsedNode).range : null;
  return range ? [range[0], range[1]] : undefined;
}
