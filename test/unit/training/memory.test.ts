import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { saveRandomModel } from '../encoder/transformer-models.ts';

const folder = mkdtempSync(join(tmpdir(), 'lrat-memory-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A step in a process that may have so many kilobytes of addresses. */
function step(kilobytes: number | 'unlimited'): { status: number | null; lines: string[] } {
  const script = fileURLToPath(new URL('step-process.ts', import.meta.url));
  const { status, stdout } = spawnSync(
    'sh',
    ['-c', 'ulimit -v "$0" && exec node "$@"', String(kilobytes), script, folder, '8000'],
    { encoding: 'utf8' },
  );
  return { status, lines: stdout.trim().split('\n') };
}

describe.runIf(process.platform === 'linux')('a step for which memory does not suffice', () => {
  it('is taken in smaller passes, which it says, with the same loss', () => {
    saveRandomModel(folder, 'bert');
    const whole = step('unlimited');
    expect(whole).toMatchObject({ status: 0, lines: [expect.any(String)] });
    // How much Node takes for itself differs: the first limit that the whole step does not fit into, and it does.
    const limits = [2400, 2200, 2000, 1900, 1800, 1700, 1600, 1500].map(megabytes => 1000 * megabytes);
    let limited: ReturnType<typeof step> | undefined;
    for (const limit of limits) {
      limited = step(limit);
      if (limited.status === 0 && limited.lines.length > 1) break;
    }
    expect(limited?.lines[0]).toMatch(/^Memory ran out with \d+ tokens at a time: going on with \d+\.$/);
    expect(Math.abs(Number(limited!.lines.at(-1)) - Number(whole.lines[0]))).toBeLessThan(1e-4);
  }, 300_000);
});
