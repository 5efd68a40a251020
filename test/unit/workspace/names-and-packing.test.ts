import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packCandidates, unpackCandidates } from '../../../src/workspace/digest.ts';
import { LogNames, nameLogs } from '../../../src/workspace/log-names.ts';

describe('packed candidates', () => {
  it('are the same when they are unpacked, whatever the numbers', () => {
    const number = fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
    const list = fc.array(
      fc.record({ gap: fc.integer({ min: 1, max: 200 }), document: number, size: number }),
      { maxLength: 300 },
    );
    fc.assert(
      fc.property(list, entries => {
        let rank = 0;
        const candidates = entries.map(({ gap, document, size }) => {
          rank += gap;
          return { rank, document, size };
        });
        // Documents are numbered within the trajectory, here in the order of the list.
        const documents = candidates.map(({ document }) => document);
        const numbers = Uint32Array.from(candidates.flatMap(({ rank, size }, i) => [rank, i, size]));
        expect(unpackCandidates(packCandidates(numbers, documents))).toEqual(candidates);
      }),
    );
  });

  it('take few bytes', () => {
    const ten = Uint32Array.from(Array.from({ length: 10 }, (_, i) => [i + 1, i, 300]).flat());
    expect(
      packCandidates(
        ten,
        Array.from({ length: 10 }, (_, i) => 100_000 + i),
      ).length,
    ).toBe(60);
  });
});

describe('names of logs', () => {
  it('are all different, end in the path, and depend on nothing but the set of logs', () => {
    const part = fc.constantFrom('a', 'b', 'c');
    const path = fc.array(part, { minLength: 1, maxLength: 3 }).map(parts => parts.join('/'));
    const logs = fc.uniqueArray(fc.record({ root: path.map(way => `/${way}`), path }), {
      // No root lies in another one, so that no file is in two.
      selector: log => `${log.root}/${log.path}`,
      maxLength: 12,
    });
    fc.assert(
      fc.property(logs, fc.nat(), (logs, turn) => {
        const names = nameLogs(logs);
        expect(new Set(names.values()).size).toBe(logs.length);
        for (const log of logs) expect(`${log.root}/${log.path}`.endsWith(`/${names.get(log)}`)).toBe(true);
        const at = logs.length === 0 ? 0 : turn % logs.length;
        const turned = nameLogs([...logs.slice(at), ...logs.slice(0, at)]);
        for (const log of logs) expect(turned.get(log)).toBe(names.get(log));
        const known = new LogNames(names.values());
        for (const log of logs) expect(known.matching(names.get(log)!)).toEqual([names.get(log)]);
      }),
    );
  });

  it('are found by file, by the end of the path, and by a longer path', () => {
    const names = new LogNames(['x/0.json', 'y/0.json', 'y/10.json', '7.json']);
    expect(names.matching('0.json')).toEqual(['x/0.json', 'y/0.json']);
    expect(names.matching('y/0.json')).toEqual(['y/0.json']);
    expect(names.matching('./y/10.json')).toEqual(['y/10.json']);
    expect(names.matching('C:\\logs\\7.json')).toEqual(['7.json']);
    expect(names.matching('10.jso')).toEqual([]);
  });
});
