import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LratError } from '../../../src/base/errors.ts';
import { Random } from '../../../src/base/random.ts';
import { DenseIndex } from '../../../src/retrieval/dense.ts';
import { readVectors, type VectorHeader, VectorWriter } from '../../../src/retrieval/vector-file.ts';
import { precisions, widened } from '../../../src/retrieval/vectors.ts';

const source = { model: '1111', corpus: '2222' };
const header: VectorHeader = { source, precision: 'fp32', dimension: 5, documents: 10, block: 4 };
const random = Random.seeded(3);
const rows = Float32Array.from({ length: 50 }, () => random.normal());
const ids = Array.from({ length: 10 }, (_, i) => `dö${i}`);
/** Begins and ends of the blocks, in numbers. */
const blocks = [
  [0, 20],
  [20, 40],
  [40, 50],
] as const;

let folder: string;
const path = () => join(folder, 'some.vectors');
const partial = (pid = process.pid) => `${path()}.${pid}.partial`;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lrat-vectors-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Writes what is missing, and says how many vectors were there. */
function write(changes: Partial<VectorHeader> = {}, upTo = 3): number {
  const writer = new VectorWriter(path(), { ...header, ...changes });
  try {
    const there = writer.size;
    for (const [begin, end] of blocks.slice(Math.ceil(there / header.block), upTo)) {
      writer.append(rows.subarray(begin, end));
    }
    if (upTo === 3) writer.finish(ids);
    return there;
  } finally {
    writer.close();
  }
}

function refusal(work: () => unknown, place = path()): LratError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(LratError);
    expect(error).toMatchObject({ place, remedy: expect.stringMatching(/\w\.$/) });
    return error as LratError;
  }
  throw new Error('was not refused');
}

describe('a file of vectors', () => {
  it.each(precisions)('gives back what was written, as near as its numbers are: %s', precision => {
    write({ precision });
    const { vectors, ids: found } = readVectors(path(), source);
    expect(found).toEqual(ids);
    expect(vectors).toMatchObject({ precision, dimension: 5, size: 10 });
    const read = widened(vectors, 0, 10, new Float32Array(50));
    for (let i = 0; i < rows.length; i++) {
      const row = rows.subarray(i - (i % 5), i - (i % 5) + 5);
      const greatest = Math.max(...row.map(Math.abs));
      const allowed = { fp32: 0, fp16: Math.abs(rows[i]!) * 2 ** -11, int8: (0.5001 * greatest) / 127 };
      expect(Math.abs(read[i]! - rows[i]!)).toBeLessThanOrEqual(allowed[precision]);
      if (precision === 'int8' && Math.abs(rows[i]!) === greatest) expect(read[i]).toBeCloseTo(rows[i]!, 6);
    }
    expect(readdirSync(folder)).toEqual(['some.vectors']);
  });

  it('is searched as the vectors that it was made of', () => {
    write();
    const query = rows.subarray(15, 20);
    expect(DenseIndex.load(path(), source).search(query, 4)).toEqual(
      DenseIndex.of(ids, rows, 5).search(query, 4),
    );
  });

  it('refuses vectors of another model or corpus', () => {
    write();
    for (const what of ['model', 'corpus'] as const) {
      const { message } = refusal(() => readVectors(path(), { ...source, [what]: '3333' }));
      expect(message).toContain(`another ${what} (${source[what]}, 3333 is needed)`);
    }
  });

  it('is refused when it is cut at any byte, when any byte has changed, and when blocks have changed places', () => {
    write({ precision: 'int8' });
    const whole = readFileSync(path());
    const refuse = (bytes: Uint8Array) => {
      writeFileSync(path(), bytes);
      return refusal(() => readVectors(path(), source)).message;
    };
    for (let length = 0; length < whole.length; length++) {
      expect(refuse(whole.subarray(0, length))).toMatch(/cut off|damaged|no vectors/);
    }
    for (let i = 0; i < whole.length; i++) {
      const bytes = Buffer.from(whole);
      bytes[i]! ^= 4;
      expect(refuse(bytes)).toMatch(/damaged|no vectors|version/);
    }
    expect(refuse(Buffer.concat([whole, Buffer.of(0)]))).toContain('damaged');

    // Blocks of 4 × (5 numbers and a scale) and a seal, from the end of the header on.
    const size = 4 * 9 + 32;
    const start = 16 + whole.readUInt32LE(12) + 32;
    const [first, second] = [
      whole.subarray(start, start + size),
      whole.subarray(start + size, start + 2 * size),
    ];
    const rest = whole.subarray(start + 2 * size);
    expect(refuse(Buffer.concat([whole.subarray(0, start), second, first, rest]))).toContain('block 1 of 3');
  });

  it('is missed where it is not', () => {
    expect(refusal(() => readVectors(path(), source)).message).toContain('does not exist');
  });
});

describe('writing vectors', () => {
  it('goes on behind the last whole block, wherever it was cut, and ends with the same file', () => {
    write();
    const whole = readFileSync(path());
    rmSync(path());
    write({}, 2);
    const begun = readFileSync(partial());
    const [headerEnd, block] = [begun.length - 2 * 112, 112];
    for (let length = 0; length <= begun.length; length++) {
      writeFileSync(partial(), begun.subarray(0, length));
      expect(write()).toBe(length < headerEnd ? 0 : 4 * Math.floor((length - headerEnd) / block));
      expect(readFileSync(path()).equals(whole)).toBe(true);
    }
  });

  it('writes anew from a damaged block on', () => {
    write();
    const whole = readFileSync(path());
    for (const [at, expected] of [
      [-200, 0],
      [-100, 4],
      [-1, 4],
    ] as const) {
      rmSync(path(), { force: true });
      write({}, 2);
      const begun = readFileSync(partial());
      begun[begun.length + at]! ^= 1;
      writeFileSync(partial(), begun);
      expect(write()).toBe(expected);
      expect(readFileSync(path()).equals(whole)).toBe(true);
    }
  });

  it('has only to finish what was stopped between the last block and the end', () => {
    write();
    const whole = readFileSync(path());
    renameSync(path(), partial());
    truncateSync(partial(), whole.length - 5);
    expect(write()).toBe(10);
    expect(readFileSync(path()).equals(whole)).toBe(true);
  });

  it('leaves alone what was begun with something else, and says what', () => {
    write({}, 2);
    const begun = readFileSync(partial());
    for (const [changes, words] of [
      [{ source: { ...source, model: '9' } }, 'another model (1111, now 9)'],
      [{ source: { ...source, corpus: '9' } }, 'another corpus (2222, now 9)'],
      [{ precision: 'int8' }, 'another precision (fp32, now int8)'],
      [{ products: 'int8' }, 'another precision of products (fp32, now int8)'],
      [{ maxTokens: 64 }, "another greatest length of texts (the model's own, now 64)"],
      [{ dimension: 10 }, 'another dimension (5, now 10)'],
      [{ documents: 9 }, 'another number of documents (10, now 9)'],
    ] as const) {
      expect(refusal(() => write(changes), partial()).message).toContain(words);
      expect(readFileSync(partial()).equals(begun)).toBe(true);
    }
  });

  it('takes over what a process left that is gone, and leaves a living one alone', () => {
    write({}, 1);
    // The process that started this one lives; a pid beyond the system's greatest is nobody's.
    copyFileSync(partial(), partial(process.ppid));
    rmSync(partial());
    expect(refusal(() => write()).message).toContain(`is being written by process ${process.ppid}`);
    renameSync(partial(process.ppid), partial(2 ** 30));
    expect(write()).toBe(4);
    expect(readdirSync(folder)).toEqual(['some.vectors']);
  });

  it('refuses a folder before any work', () => {
    mkdirSync(path());
    expect(refusal(() => write()).message).toContain('is a folder');
    expect(readdirSync(folder)).toEqual(['some.vectors']);
  });

  it('refuses what is not the next block', () => {
    const writer = new VectorWriter(path(), header);
    expect(() => writer.append(rows.subarray(0, 15))).toThrow(RangeError);
    expect(() => writer.finish(ids)).toThrow(RangeError);
    writer.close();
  });
});
