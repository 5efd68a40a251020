import { describe, expect, it, test } from 'vitest';
import { SizeSolver } from '../../../src/engine/sizes.ts';

/** So many names, in pairs. */
function solverOf(count: number): { solver: SizeSolver<string>; names: string[] } {
  const names = Array.from({ length: count }, (_, i) => `n${i}`);
  const pairs = names.flatMap((_, i) => (i % 2 === 0 ? [names.slice(i, i + 2)] : []));
  return { solver: new SizeSolver(pairs), names };
}

test('the sizes that check the others differ from each other, and are hardly larger than there are names', () => {
  for (let count = 1; count <= 60; count++) {
    const { solver, names } = solverOf(count);
    for (const probe of solver.probes.slice(-2)) {
      const sizes = names.map(name => probe[name]!);
      expect(new Set(sizes).size).toBe(count);
      expect(Math.min(...sizes)).toBeGreaterThan(1);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(count + 3);
    }
  }
});

describe('what depends on sizes', () => {
  const { solver } = solverOf(6);
  const solved = (value: (sizes: Readonly<Record<string, number>>) => number) =>
    solver.solve(solver.probes.map(value));

  it('is found as a sum of sizes and of products of two of a group', () => {
    const polynomial = solved(({ n0, n1, n4 }) => 3 * n0! * n1! - n4! + 7);
    expect(Object.fromEntries(polynomial!)).toEqual({ 'n0*n1': 3, n4: -1, '': 7 });
    expect(Object.fromEntries(solved(() => 5)!)).toEqual({ '': 5 });
  });

  it('is refused where it is nothing of the kind', () => {
    expect(solved(({ n0 }) => n0! * n0!)).toBeNull();
    expect(solved(({ n0, n2 }) => n0! * n2!)).toBeNull();
    expect(solved(({ n0 }) => Math.ceil(n0! / 3))).toBeNull();
  });
});
