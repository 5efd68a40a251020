import { describe, expect, it } from 'vitest';
import { TrajectoryBuilder } from '../../../src/trajectory/builder.ts';
import { toolKinds } from '../../../src/trajectory/tools.ts';
import { Waiting } from '../../../src/trajectory/waiting.ts';

describe('what waits', () => {
  it('is taken in order, or in order under its name, and once', () => {
    const waiting = new Waiting<number>();
    const names = ['a', null, 'b', 'a', null, 'b'];
    for (const [value, name] of names.entries()) waiting.add(name, value);
    expect(waiting.take('b')).toBe(2);
    expect(waiting.take()).toBe(0);
    expect(waiting.take(null)).toBe(1);
    expect(waiting.take('a')).toBe(3);
    expect(waiting.take('a')).toBeUndefined();
    expect([...waiting]).toEqual([4, 5]);
    waiting.add('a', 6);
    expect([waiting.take('a'), waiting.take(), waiting.take(), waiting.take()]).toEqual([6, 4, 5, undefined]);
    expect([...waiting]).toEqual([]);
  });
});

describe('many calls without ids', () => {
  it('are answered in their order, in time that grows no faster than they do', { timeout: 30_000 }, () => {
    const count = 200_000;
    const builder = new TrajectoryBuilder(toolKinds());
    builder.turn();
    for (let i = 0; i < count; i++)
      builder.call(i, { id: null, name: 'search', arguments: { query: `${i}` } });
    const start = performance.now();
    for (let i = 0; i < count; i++) builder.result(count + i, { id: `r${i}`, output: '[]' });
    // If each looked past all that were answered before, it would take twice as long.
    expect(performance.now() - start).toBeLessThan(8000);
    const { steps } = builder.build();
    expect(steps.every((step, i) => step.kind === 'search' && step.query === `${i}`)).toBe(true);
    expect(steps).toHaveLength(count);
  });
});
