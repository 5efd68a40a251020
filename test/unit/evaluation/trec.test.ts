import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { describeError, LratError } from '../../../src/base/errors.ts';
import {
  readQrels,
  readQueries,
  readRun,
  writeQrels,
  writeQueries,
  writeRun,
} from '../../../src/evaluation/trec.ts';

const folder = mkdtempSync(join(tmpdir(), 'lrat-trec-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'file.txt');

function fileOf(text: string | Uint8Array): string {
  writeFileSync(path, text);
  return path;
}

function errorOf(work: () => unknown): LratError {
  try {
    work();
  } catch (error) {
    if (error instanceof LratError) return error;
    throw error;
  }
  throw new Error('there was no error');
}

const id = fc.stringMatching(/^[\w:/.%é文-]{1,12}$/u);

describe('qrels', () => {
  it('are read back as they were written', () => {
    const gains = fc.array(fc.tuple(id, fc.integer({ min: -2, max: 4 })), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            id,
            gains.map(entries => new Map(entries)),
          ),
          { maxLength: 5 },
        ),
        entries => {
          const qrels = new Map(entries);
          writeQrels(path, qrels);
          expect(readQrels(path)).toEqual(qrels);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('are read with tabs, Windows line ends, a byte order mark and empty lines', () => {
    expect(readQrels(fileOf('\uFEFF1\t0\ta\t1\r\n\r\n1 Q0 b  0\r\n2 Q0 a 2'))).toEqual(
      new Map([
        [
          '1',
          new Map([
            ['a', 1],
            ['b', 0],
          ]),
        ],
        ['2', new Map([['a', 2]])],
      ]),
    );
  });

  it('write white space within an id so that it does not part fields', () => {
    writeQrels(path, new Map([['q 1', new Map([['a\tb', 1]])]]));
    expect(readQrels(path)).toEqual(new Map([['q%201', new Map([['a%09b', 1]])]]));
  });

  it.each([
    ['a gain that is no number', '1 0 a 1\n1 0 b yes\n'],
    ['a missing field', '1 0 a 1\n1 0 b\n'],
    ['a field too many', '1 0 a 1\n1 0 b 1 tag\n'],
    ['a second judgement', '1 0 a 1\n1 0 a 0\n'],
    ['bytes that are no text', Buffer.concat([Buffer.from('1 0 a 1\n'), Buffer.from([0, 255, 254, 0, 1])])],
    ['an endless line', `1 0 a 1\n${'x'.repeat(2 ** 21)}\n`],
  ])('are refused with the line, and a remedy: %s', (_, text) => {
    const error = errorOf(() => readQrels(fileOf(text)));
    expect(error.place).toBe(`${path}:2`);
    expect(error.remedy).toBeDefined();
  });

  it('are refused by name if they cannot be opened', () => {
    expect(describeError(errorOf(() => readQrels(join(folder, 'absent'))))).toContain(join(folder, 'absent'));
    expect(errorOf(() => readQrels(folder)).place).toBe(folder);
  });
});

describe('runs', () => {
  it('are read back in the order in which they were written, also where scores tie or differ in their last digits', () => {
    const score = fc.oneof(
      fc.constantFrom(0, -0, 1, 0.5, -3, 1e-45, -1e-45),
      fc.double({ noNaN: true, min: -1e6, max: 1e6 }),
      fc.double({ noNaN: true, min: 0.5, max: 0.5 + 1e-12 }),
    );
    const hits = fc
      .uniqueArray(fc.record({ id, score }), { selector: hit => hit.id, minLength: 1, maxLength: 12 })
      .map(list => list.toSorted((a, b) => b.score - a.score));
    fc.assert(
      fc.property(hits, list => {
        writeRun(path, 'our run', new Map([['q', list]]));
        const read = readRun(path).get('q')!;
        expect(read.map(hit => hit.id)).toEqual(list.map(hit => hit.id));
        for (const [i, hit] of read.entries()) {
          // Single precision, which trec_eval reads, and strictly falling there.
          expect(hit.score).toBe(Math.fround(hit.score));
          if (i > 0) expect(hit.score).toBeLessThan(read[i - 1]!.score);
          expect(Math.abs(hit.score - list[i]!.score)).toBeLessThanOrEqual(
            2e-6 * Math.abs(list[i]!.score) + 1e-43,
          );
        }
      }),
    );
  });

  it('are ranked by score, and by document id from the last where scores are equal', () => {
    const run = readRun(fileOf('q Q0 a 1 0.5 r\nq Q0 c 2 0.5 r\nq Q0 b 3 2e0 r\np Q0 a 1 -1 r\n'));
    expect([...run].map(([query, hits]) => [query, hits.map(hit => hit.id)])).toEqual([
      ['q', ['b', 'c', 'a']],
      ['p', ['a']],
    ]);
  });

  it.each([
    ['a score that is no number', 'q Q0 b 2 high r'],
    ['a rank that is no number', 'q Q0 b x 0.5 r'],
    ['a missing tag', 'q Q0 b 2 0.4'],
    ['a field too many', 'q Q0 b 2 0.4 my run'],
    ['a document twice', 'q Q0 a 2 0.4 r'],
  ])('are refused with the line, and a remedy: %s', (_, line) => {
    const error = errorOf(() => readRun(fileOf(`q Q0 a 1 0.5 r\n${line}\n`)));
    expect(error.place).toBe(`${path}:2`);
    expect(error.remedy).toBeDefined();
  });
});

describe('queries', () => {
  it('are read back as they were written, on one line each', () => {
    writeQueries(path, [
      { id: '1', text: 'who wrote it?' },
      { id: '2', text: 'two\nlines\tand a tab' },
    ]);
    expect(readQueries(path)).toEqual([
      { id: '1', text: 'who wrote it?' },
      { id: '2', text: 'two lines and a tab' },
    ]);
  });

  it('may have an answer behind them', () => {
    expect(readQueries(fileOf('1\twho wrote it?\tnobody\n2\twhen?\n3\twhere?\t\n'))).toEqual([
      { id: '1', text: 'who wrote it?' },
      { id: '2', text: 'when?' },
      { id: '3', text: 'where?' },
    ]);
  });

  it.each([
    ['no tab', 'just words'],
    ['no query', '2\t '],
    ['a fourth column', '2\tquestion\tanswer\tmore'],
    ['an id that was there', '1\tother'],
  ])('are refused with the line, and a remedy: %s', (_, line) => {
    const error = errorOf(() => readQueries(fileOf(`1\tfirst\n${line}\n`)));
    expect(error.place).toBe(`${path}:2`);
    expect(error.remedy).toBeDefined();
  });
});
