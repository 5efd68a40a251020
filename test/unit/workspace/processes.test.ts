import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.ts';
import { answer } from '../../conformance/command-line.ts';
import { dump, expectSame, openIndex, smallRun, temporaryFolder, write } from './support.ts';

/** Kills that interrupt the writing; a hundred, as in `docs/performance.md`, with `LRAT_KILLS=100`. */
const kills = Number(process.env.LRAT_KILLS ?? 6);
const program = join(import.meta.dirname, 'index-process.ts');

function start(workspace: string, logs: string): ChildProcess {
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, workspace, logs], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Logs of one run, so many that they are written in several transactions, and two that are read in many parts. */
function writeLogs(folder: string, seed: string): void {
  for (let i = 0; i < 300; i++) write(join(folder, `${i}.json`), smallRun(`${seed}-${i}`));
  for (const name of ['long', 'longer']) {
    const lines = Array.from({ length: 500 }, (_, i) => JSON.stringify(smallRun(`${seed}-${name}-${i}`)));
    write(join(folder, `${name}.jsonl`), lines.join('\n'));
  }
}

async function reference(logs: string): Promise<string[]> {
  const folder = temporaryFolder();
  await openIndex(folder).update([logs]);
  return dump(folder);
}

/** Lets a process index, and kills it so many milliseconds after it has written so many times; whether it was in time. */
async function killed(workspace: string, logs: string, writes: number, after: number): Promise<boolean> {
  const child = start(workspace, logs);
  let written = 0;
  createInterface({ input: child.stdout! }).on('line', line => {
    if (line.startsWith('wrote') && ++written === writes) setTimeout(() => child.kill('SIGKILL'), after);
  });
  const [code, signal] = await once(child, 'exit');
  expect(code ?? 0).toBe(0);
  return signal === 'SIGKILL';
}

/** Indexes in a process that nobody kills; how often it writes, and how many milliseconds lie between. */
async function rhythm(workspace: string, logs: string): Promise<{ writes: number; apart: number }> {
  const times: number[] = [];
  const child = start(workspace, logs);
  createInterface({ input: child.stdout! }).on('line', line => {
    if (line.startsWith('wrote')) times.push(performance.now());
  });
  expect((await once(child, 'exit'))[0]).toBe(0);
  return { writes: times.length, apart: (times.at(-1)! - times[0]!) / times.length };
}

describe('an index', () => {
  it('that is killed at any moment of its writing is completed to the same content', {
    timeout: 60_000 + 30_000 * kills,
  }, async () => {
    const folder = temporaryFolder();
    const logs = join(folder, 'logs');
    const random = Random.seeded(7);
    const references = new Map<string, string[]>();
    for (const seed of ['first', 'second']) {
      writeLogs(logs, seed);
      references.set(seed, await reference(logs));
    }
    const { writes, apart } = await rhythm(folder, logs);
    let [interrupted, tries] = [0, 0];
    // One that comes too late, as may be where the machine is busy, or before anything is written does not count.
    for (; interrupted < kills && tries < 5 * kills; tries++) {
      // Every other kill meets what the one before it left. The others meet an index that is whole, of other logs, or none.
      const isFirst = tries % 2 === 0;
      const isFresh = tries % 6 === 0;
      const seed = tries % 4 < 2 ? 'first' : 'second';
      const wanted = references.get(seed)!;
      if (isFirst) writeLogs(logs, seed);
      if (isFresh) rmSync(join(folder, '.lrat'), { recursive: true });
      const before = isFresh ? [] : dump(folder);
      const times = isFirst ? 1 + random.below(Math.max(1, writes - 1)) : 1;
      const isInTime = await killed(folder, logs, times, random.below(1 + Math.floor(apart)));
      // What is there can be read at once, and is never half of a log.
      const index = openIndex(folder);
      for (const name of ['long.jsonl', 'longer.jsonl'])
        expect([0, 500]).toContain(index.trajectoriesIn(name));
      const left = dump(folder);
      if (isInTime && !isDeepStrictEqual(left, before) && !isDeepStrictEqual(left, wanted)) interrupted++;
      if (!isFirst || interrupted === kills) {
        await index.update([logs]);
        expectSame(dump(folder), wanted);
      }
      index.close();
    }
    expect(interrupted).toBe(kills);
  });

  it('that two windows and a command line write at once is right, and all finish', async () => {
    const folder = temporaryFolder();
    const logs = join(folder, 'logs');
    write(join(folder, '.lrat/config.json'), { version: 1, tokenizer: 'words' });
    writeLogs(logs, 'first');
    const windows = [start(folder, logs), start(folder, logs)].map(
      async child => (await once(child, 'exit'))[0],
    );
    const { found } = await answer(['index', logs, '--workspace', folder]);
    expect(found).toBe(302);
    expect(await Promise.all(windows)).toEqual([0, 0]);
    expectSame(dump(folder), await reference(logs));
  });

  it('that two processes write at once is right, and both finish', async () => {
    const folder = temporaryFolder();
    const logs = join(folder, 'logs');
    for (const seed of ['first', 'second']) {
      writeLogs(logs, seed);
      const children = [start(folder, logs), start(folder, logs)];
      const codes = await Promise.all(children.map(async child => (await once(child, 'exit'))[0]));
      expect(codes).toEqual([0, 0]);
      expectSame(dump(folder), await reference(logs));
    }
  });
});
