import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openTokenCounter } from '../../../src/base/tokenizer.ts';
import type { ReadContext } from '../../../src/trajectory/format.ts';
import { formats } from '../../../src/trajectory/formats/index.ts';
import { keepTexts } from '../../../src/trajectory/keeping.ts';
import { type LogRecord, type ReadOptions, readLog } from '../../../src/trajectory/log.ts';
import { BufferBytes } from '../../../src/trajectory/source/bytes.ts';
import { parsePieces } from '../../../src/trajectory/source/json-pieces.ts';
import { toolKinds } from '../../../src/trajectory/tools.ts';
import { digestOf } from '../../../src/workspace/digest.ts';
import { fixture, logFile } from './logs.ts';

const context: ReadContext = {
  tools: toolKinds(undefined),
  decrypt: () => ({ refused: 'no key' }),
  keeping: keepTexts,
};

/** The records of all fixtures that are JSON: a document is one, or each of its lines is. */
const records = readdirSync(fixture('.'), { recursive: true, encoding: 'utf8' })
  .filter(name => /\.(?:json|jsonl|traj)$/.test(name))
  .flatMap(name => {
    const text = readFileSync(fixture(name), 'utf8');
    try {
      JSON.parse(text);
      return [{ name, text }];
    } catch {
      return text
        .split('\n')
        .filter(line => line.trim() !== '')
        .map((line, i) => ({ name: `${name}, line ${i + 1}`, text: line }));
    }
  });

describe('a large document, of whose lists no element is held', () => {
  it('is known and read as it is whole, by every format', () => {
    const read = new Set<string>();
    for (const { name, text } of records) {
      const whole: unknown = JSON.parse(text);
      const { value } = parsePieces(new BufferBytes(Buffer.from(text)), 0, 0);
      for (const format of formats) {
        const detected = format.detect(whole);
        expect(format.detect(value), `${format.name}, ${name}`).toEqual(detected);
        if (detected === null || format.unit === 'session') continue;
        expect(format.read(value, context), `${format.name}, ${name}`).toEqual(format.read(whole, context));
        read.add(format.name);
      }
    }
    // All formats of records that have a fixture in JSON.
    expect(read.size).toBeGreaterThanOrEqual(13);
  });
});

describe('an index of a large document', () => {
  const step = (type: string, more: object, output: string) => ({ type, ...more, output });
  const call = (tool_name: string, given: object, output: string) =>
    step('tool_call', { tool_name, arguments: JSON.stringify(given) }, output);
  const page = 'It is long. '.repeat(20_000);
  const result = Array.from({ length: 80 }, (_, i) => [
    step('reasoning', {}, `Reasoning of turn ${i}, which counts.`),
    call(
      'search',
      { query: `question ${i}` },
      `A search for 'question ${i}' found 2 results:\n\nDocID:clueweb22-en0012-33-${i}\n[Title ${i}]\nSnippet ${i}.\n\nDocID:x\n[X]\nOther.`,
    ),
    call('get_document', { docid: `clueweb22-en0012-33-${i}` }, `Document ${i}:\n${page}`),
  ]).flat();
  const path = logFile(JSON.stringify({ query_id: '7', query: 'Who?', status: 'completed', result }));
  const only = (options: ReadOptions): Extract<LogRecord, { kind: 'trajectory' }> => {
    const [record, ...others] = readLog(path, options);
    if (record?.kind !== 'trajectory' || others.length > 0) throw new Error('not one trajectory');
    return record;
  };

  it('is the same from lengths as from texts', async () => {
    const [texts, lengths] = [only({}), only({ lengthsWillDo: true })];
    const shown = texts.trajectory.steps.filter(({ kind }) => kind === 'browse');
    expect(shown[0]).toMatchObject({ text: expect.stringContaining('It is long.') });
    expect(JSON.stringify(lengths)).not.toContain('It is long.');
    expect(JSON.stringify(lengths)).not.toContain('Snippet');
    const counter = await openTokenCounter('cl100k_base');
    expect(digestOf(lengths, counter, undefined)).toEqual(digestOf(texts, counter, undefined));
  });
});
