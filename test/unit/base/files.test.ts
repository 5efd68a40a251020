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

  it('holds what was written in the background in its order', async () => {
    const path = join(root, 'later.txt');
    const file = new AtomicFile(path);
    const parts = Array.from({ length: 50 }, (_, i) => `${i} é `.repeat(1 + ((i * 977) % 5000)));
    for (const part of parts) await file.writeSoon(part);
    await file.settle();
    file.commit();
    expect(readFileSync(path, 'utf8')).toBe(parts.join(''));
  });

  it.skipIf(process.platform === 'win32')('is not there if it could not be written in the background', () => {
    const path = join(root, 'limited.txt');
    const module = new URL('../../../src/base/files.ts', import.meta.url);
    // No file of this process may have more than a few blocks.
    const script = `
      import { AtomicFile } from ${JSON.stringify(module.href)};
      process.on('SIGXFSZ', () => {});
      const file = new AtomicFile(${JSON.stringify(path)});
      try {
        for (let i = 0; i < 20; i++) await file.writeSoon('x'.repeat(100_000));
        await file.settle();
        file.commit();
      } catch (error) {
        console.log(error.name, error.place);
      }`;
    const said = execFileSync(
      'bash',
      ['-c', 'ulimit -f 400; exec "$0" --input-type=module -e "$1"', process.execPath, script],
      { encoding: 'utf8' },
    );
    expect(said.trim()).toBe(`LratError ${path}`);
    expect(readdirSync(root).filter(name => name.startsWith('limited'))).toEqual([]);
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
