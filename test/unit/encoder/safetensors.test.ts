import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LratError } from '../../../src/base/errors.ts';
import { openSafetensors, writeSafetensors } from '../../../src/encoder/safetensors.ts';

const folder = mkdtempSync(join(tmpdir(), 'lrat-safetensors-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'model.safetensors');

/** A file with any header, right or wrong, written by hand after the format's description. */
function write(header: string, data: Uint8Array = new Uint8Array()): void {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
  writeFileSync(path, Buffer.concat([length, Buffer.from(header), data]));
}

function caught(action: () => unknown): LratError {
  try {
    action();
  } catch (error) {
    if (error instanceof LratError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const bytes = new Uint8Array(Float32Array.of(1, -2, 3.5, 0).buffer);

describe('safetensors', () => {
  it('reads a file that was laid out by hand', () => {
    write('{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"__metadata__":{"k":"v"}}', bytes);
    const file = openSafetensors(path);
    expect(file.names).toEqual(['a']);
    expect(file.metadata).toEqual({ k: 'v' });
    expect(file.floats('a', [2, -1])).toEqual({ shape: [2, 2], data: Float32Array.of(1, -2, 3.5, 0) });
  });

  it('reads numbers of 16 bits', () => {
    const header = (dtype: string) => `{"a":{"dtype":"${dtype}","shape":[6],"data_offsets":[0,12]}}`;
    const bits = (...halves: number[]) => new Uint8Array(Uint16Array.from(halves).buffer);
    // 1, −2, the greatest and the smallest number, −0, infinity.
    write(header('F16'), bits(0x3c00, 0xc000, 0x7bff, 0x0001, 0x8000, 0x7c00));
    expect(openSafetensors(path).floats('a', [6]).data).toEqual(
      Float32Array.of(1, -2, 65_504, 2 ** -24, -0, Number.POSITIVE_INFINITY),
    );
    write(header('BF16'), bits(0x3f80, 0xc000, 0x4049, 0x0000, 0x8000, 0xff80));
    expect(openSafetensors(path).floats('a', [6]).data).toEqual(
      Float32Array.of(1, -2, 3.140625, 0, -0, Number.NEGATIVE_INFINITY),
    );
  });

  it('writes what the format says: aligned data in the order of the header', () => {
    writeSafetensors(
      path,
      new Map([
        ['first', { shape: [3], data: Float32Array.of(1, 2, 3) }],
        ['second', { shape: [1, 2], data: Float32Array.of(4, 5) }],
      ]),
    );
    const file = readFileSync(path);
    const length = Number(file.readBigUInt64LE());
    expect(length % 8).toBe(0);
    const header = JSON.parse(file.subarray(8, 8 + length).toString());
    expect(header).toEqual({
      first: { dtype: 'F32', shape: [3], data_offsets: [0, 12] },
      second: { dtype: 'F32', shape: [1, 2], data_offsets: [12, 20] },
    });
    expect([0, 4, 8, 12, 16].map(at => file.readFloatLE(8 + length + at))).toEqual([1, 2, 3, 4, 5]);
    expect(file.length).toBe(8 + length + 20);
  });

  const good = '{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}';
  it.each([
    ['no header at all', () => writeFileSync(path, 'x'), /no header/],
    [
      'an absurd header length',
      () => writeFileSync(path, Buffer.alloc(64, 0xff)),
      /no header|header would have/,
    ],
    [
      'a header longer than the file',
      () => writeFileSync(path, Buffer.from([99, 0, 0, 0, 0, 0, 0, 0, 123])),
      /cut off/,
    ],
    ['a header that is not JSON', () => write('{"a":'), /not JSON/],
    ['a header that is a list', () => write('[1]'), /not an object/],
    ['data that is cut off', () => write(good, bytes.subarray(0, 12)), /cut off: tensor 'a' ends at byte/],
    [
      'offsets that do not fit the shape',
      () => write(good.replace('[2,2]', '[2,3]'), bytes),
      /tensor 'a' is described wrongly/,
    ],
    [
      'negative sizes',
      () => write(good.replace('[2,2]', '[-2,-2]'), bytes),
      /tensor 'a' is described wrongly/,
    ],
    ['an unknown type', () => write(good.replace('F32', 'F33'), bytes), /tensor 'a' is described wrongly/],
  ])('refuses %s and names the file', (_, prepare, message) => {
    prepare();
    const error = caught(() => openSafetensors(path));
    expect(error.message).toMatch(message);
    expect(error.place).toBe(path);
    expect(error.remedy).toBeTruthy();
  });

  it('names a tensor that is missing, of another shape, or of another type', () => {
    write(good, bytes);
    const file = openSafetensors(path);
    expect(caught(() => file.floats('b', [2, 2])).message).toBe("tensor 'b' is missing (there: a).");
    expect(caught(() => file.floats('a', [4, -1])).message).toBe(
      "tensor 'a' has shape [2, 2], [4, any] is needed.",
    );
    write(good.replace('F32', 'I32'), bytes);
    expect(caught(() => openSafetensors(path).floats('a', [2, 2])).message).toMatch(
      /'a' is I32; F32, F16 or BF16 is needed/,
    );
  });

  it('says that a file does not exist', () => {
    expect(caught(() => openSafetensors(join(folder, 'none'))).message).toBe('does not exist.');
  });
});
