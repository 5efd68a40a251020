import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LratError } from '../../../src/base/errors.ts';
import { Bm25Index } from '../../../src/retrieval/bm25.ts';
import { DenseIndex } from '../../../src/retrieval/dense.ts';

const folder = mkdtempSync(join(tmpdir(), 'lrat-index-'));
afterAll(() => rmSync(folder, { recursive: true }));

const path = join(folder, 'small.index');
Bm25Index.build([
  { id: 'a', text: 'gold fish' },
  { id: 'ü', text: 'salt fish' },
]).save(path);
const whole = readFileSync(path);

/** What loading a file with these bytes says. */
function refusal(bytes: Uint8Array): LratError {
  const damaged = join(folder, 'damaged.index');
  writeFileSync(damaged, bytes);
  return refusalOf(() => Bm25Index.load(damaged), damaged);
}

function refusalOf(load: () => unknown, place: string): LratError {
  try {
    load();
  } catch (error) {
    expect(error).toBeInstanceOf(LratError);
    expect((error as LratError).place).toBe(place);
    expect((error as LratError).remedy).toMatch(/\w\.$/);
    return error as LratError;
  }
  throw new Error('was not refused');
}

describe('the file of an index', () => {
  it('is refused when cut at any byte', () => {
    for (let length = 0; length < whole.length; length++) {
      expect(refusal(whole.subarray(0, length)).message).toMatch(/cut off|no index/);
    }
  });

  it('is refused with any bit flipped', () => {
    for (let bit = 0; bit < 8 * whole.length; bit += 3) {
      const bytes = Buffer.from(whole);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      expect(refusal(bytes).message).toMatch(/damaged|no index|version/);
    }
  });

  it('is refused with something behind it', () => {
    expect(refusal(Buffer.concat([whole, Buffer.from('x')])).message).toContain('damaged');
  });

  it('is refused when it is none, of another version or of another kind', () => {
    expect(refusal(Buffer.from('{"id": "a", "text": "a corpus, not an index"}\n')).message).toContain(
      'no index',
    );
    const later = Buffer.from(whole);
    later.writeUInt32LE(2, 8);
    expect(refusal(later).message).toContain('version 2');
    const source = { model: 'm', corpus: 'c' };
    expect(refusalOf(() => DenseIndex.load(path, source), path).message).toContain('holds no vectors');
  });

  it('is missed where it is not, and told from a folder', () => {
    const missing = join(folder, 'missing.index');
    expect(refusalOf(() => Bm25Index.load(missing), missing).message).toContain('does not exist');
    expect(refusalOf(() => Bm25Index.load(folder), folder).message).toContain('cannot be read');
  });

  it('that could not be written leaves what was there, and nothing else', () => {
    const home = join(folder, 'home');
    const taken = join(home, 'taken');
    mkdirSync(join(taken, 'inside'), { recursive: true });
    const save = () => Bm25Index.build([]).save(taken);
    expect(save).toThrow(LratError);
    expect(save).toThrow('is a folder');
    expect([readdirSync(home), readdirSync(taken)]).toEqual([['taken'], ['inside']]);
  });
});
