import { describe, expect, it } from 'vitest';
import { intoBlocks, layOut } from '../../../src/encoder/transformer/passes.ts';

/** Every text once, in a bucket that is as long as its longest. */
function expectWhole(passes: ReturnType<typeof layOut>, lengths: readonly number[]): void {
  const buckets = passes.flat();
  expect(buckets.flatMap(({ members }) => members).toSorted((a, b) => a - b)).toEqual([...lengths.keys()]);
  for (const { members, texts, length } of buckets) {
    expect(texts).toBe(members.length);
    expect(length).toBe(Math.max(...members.map(member => lengths[member]!)));
  }
}

describe('the layout of passes', () => {
  it('cuts many long texts so that no bucket has more than a quarter of all shares of attention', () => {
    for (const lengths of [
      Array.from({ length: 64 }, (_, i) => (i < 44 ? 256 : 10 + 5 * (i % 20))),
      Array.from({ length: 64 }, () => 256),
      Array.from({ length: 12 }, () => 512),
    ]) {
      const passes = layOut(lengths, 100_000, 16);
      expect(passes.map(({ length }) => length)).toEqual([lengths.length < 16 ? 8 : 16]);
      expect(layOut(lengths, 100_000, 8).map(({ length }) => length)).toEqual([8]);
      expectWhole(passes, lengths);
      const shares = passes[0]!.map(({ texts, length }) => texts * length ** 2);
      const all = lengths.reduce((sum, length) => sum + length ** 2, 0);
      expect(Math.max(...shares)).toBeLessThanOrEqual(all / 4);
    }
  });

  it('leaves a few texts of one length together, and cuts others where it saves the most padding', () => {
    const even = Array.from({ length: 32 }, () => 128);
    expect(layOut(even, 100_000, 16)).toEqual([[{ members: [...even.keys()], texts: 32, length: 128 }]]);
    const uneven = Array.from({ length: 40 }, (_, i) => [3, 9, 20, 31, 50, 60, 71, 90][i % 8]!);
    const [pass, ...others] = layOut(uneven, 100_000, 16);
    expect(others).toEqual([]);
    expect(pass!.map(({ texts, length }) => [texts, length])).toEqual(
      [90, 71, 60, 50, 31, 20, 9, 3].map(length => [5, length]),
    );
  });

  it('cuts as it can where a single text has more than a quarter of the shares', () => {
    const lengths = [2000, ...Array.from({ length: 10 }, (_, i) => 10 + i)];
    const passes = layOut(lengths, 100_000, 16);
    expectWhole(passes, lengths);
    expect(passes[0]![0]).toEqual({ members: [0], texts: 1, length: 2000 });
  });
});

describe('blocks of a pass', () => {
  const bucket = (texts: number, length: number) => ({ members: [...Array(texts).keys()], texts, length });

  it.each([
    [[bucket(32, 128)], 512, 0],
    [[bucket(31, 128)], 496, 0],
    [[bucket(3, 7)], 21, 0],
    [[bucket(1, 521)], 522, 1],
    [[bucket(10, 256), bucket(20, 37)], 551, 6],
    [[bucket(1, 1), bucket(1, 2)], 4, 1],
  ])('of %j have %i rows, %i of padding', (buckets, block, filling) => {
    expect(intoBlocks(buckets)).toEqual({ block, filling });
  });

  it('are whole, of one size, with less padding than there are blocks or one row each', () => {
    for (let tokens = 2; tokens < 20_000; tokens += 97) {
      const { block, filling } = intoBlocks([bucket(1, tokens - 1), bucket(1, 1)]);
      const count = (tokens + filling) / block;
      expect(Number.isInteger(count)).toBe(true);
      expect(filling).toBeGreaterThan(0);
      expect(filling).toBeLessThanOrEqual(count);
      expect(block).toBeLessThanOrEqual(1024);
    }
  });
});
