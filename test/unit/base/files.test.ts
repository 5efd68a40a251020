import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { AtomicFile, writeFileAtomic } from '../../../src/base/files.ts';

const root = mkdtempSync(join(tmpdir(), 'lrat-files-'));
afterAll(() => rmSync(root, { recursive: true }));

describe('a file that is written whole', () => {
  it('shows what was there before until it is whole, and that again when it is discarded', () => {
    const path = join(root, 'new', 'kept.txt');
    writeFileAtomic(path, 'old');
    const file = new AtomicFile(path);
    file.write('ne');
    expect(readFileSync(path, 'utf8')).toBe('old');
    file.discard();
    expect(readdirSync(join(root, 'new'))).toEqual(['kept.txt']);
    expect(readFileSync(path, 'utf8')).toBe('old');
    writeFileAtomic(path, 'new');
    expect(readFileSync(path, 'utf8')).toBe('new');
  });

  it('replaces no folder', () => {
    const path = join(root, 'folder');
    mkdirSync(path);
    writeFileSync(join(path, 'inside'), 'x');
    expect(() => writeFileAtomic(path, 'x')).toThrow(
      expect.objectContaining({ name: 'LratError', place: path }),
    );
    expect(readdirSync(path)).toEqual(['inside']);
  });

  it.skipIf(process.platform === 'win32')('replaces no pipe and no device', () => {
    const path = join(root, 'pipe');
    execFileSync('mkfifo', [path]);
    expect(() => writeFileAtomic(path, 'x')).toThrow(
      expect.objectContaining({ name: 'LratError', place: path }),
    );
    expect(lstatSync(path).isFIFO()).toBe(true);
    expect(readdirSync(root).filter(name => name.endsWith('.tmp'))).toEqual([]);
  });
});
