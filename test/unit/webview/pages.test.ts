import { describe, expect, it } from 'vitest';
import { Pages } from '../../../webview/ui/pages.ts';

/** Pages of ten of the rows 0, 1, 2…, which come when they are let. */
function pages() {
  const asked: number[] = [];
  const waiting: (() => void)[] = [];
  const failures: unknown[] = [];
  let comes = 0;
  const rows = new Pages<number>({
    size: 10,
    pull: ({ from, to }) => {
      asked.push(from);
      const page = Array.from({ length: to - from }, (_, i) => from + i);
      return new Promise((resolve, reject) =>
        waiting.push(() => (from < 10_000 ? resolve(page) : reject(new Error('beyond the end')))),
      );
    },
    came: () => comes++,
    failed: error => failures.push(error),
  });
  const letCome = async () => {
    for (const come of waiting.splice(0)) come();
    await new Promise(resolve => setImmediate(resolve));
  };
  return { rows, asked, failures, letCome, comes: () => comes };
}

describe('pages of rows', () => {
  it('are asked for once, when one of their rows is looked at, and then are there', async () => {
    const { rows, asked, letCome, comes } = pages();
    expect([rows.at(25), rows.at(21), rows.at(30)]).toEqual([undefined, undefined, undefined]);
    expect(asked).toEqual([20, 30]);
    await letCome();
    expect(comes()).toBe(2);
    expect([rows.at(25), rows.at(21), rows.at(30)]).toEqual([25, 21, 30]);
    expect(asked).toEqual([20, 30]);
  });

  it('are dropped where they were not looked at for longest, and asked for anew', async () => {
    const { rows, asked, letCome } = pages();
    for (let row = 0; row < 200; row += 10) {
      rows.at(row);
      await letCome();
    }
    expect(asked).toHaveLength(20);
    // The first page is on the screen still; the second is not.
    expect(rows.at(3)).toBe(3);
    rows.at(200);
    await letCome();
    expect([rows.at(3), rows.at(203)]).toEqual([3, 203]);
    expect(asked).toHaveLength(21);
    expect(rows.at(13)).toBeUndefined();
    expect(asked.at(-1)).toBe(10);
  });

  it('are waited for where rows are loaded, each page once, and a failure is told', async () => {
    const { rows, asked, failures, letCome } = pages();
    const loaded = rows.load([5, 7, 42]);
    expect(asked).toEqual([0, 40]);
    await letCome();
    await loaded;
    expect([rows.at(5), rows.at(42)]).toEqual([5, 42]);
    rows.at(10_000);
    await letCome();
    expect(failures).toEqual([new Error('beyond the end')]);
    const failing = expect(rows.load([10_000])).rejects.toThrow('beyond the end');
    await letCome();
    await failing;
  });
});
