import { describe, expect, it } from 'vitest';
import { shownOf } from '../../../src/jobs/shown-text.ts';

const most = 20_000;

describe('what is shown of a text', () => {
  it('is all of it, where it is not too long', () => {
    const text = 'a'.repeat(most);
    expect(shownOf(text, 'b')).toEqual({ text, cut: null });
  });

  it('is its beginning, and how much is missing is told', () => {
    const text = `${'a'.repeat(most - 1)}bc`;
    expect(shownOf(text)).toEqual({ text: text.slice(0, most), cut: { from: 0, length: most + 1 } });
    // Words that the beginning holds, and words that no part holds.
    expect(shownOf(text, 'AB')).toEqual(shownOf(text));
    expect(shownOf(text, 'nowhere')).toEqual(shownOf(text));
  });

  it('holds the words that are looked for, where the text does', () => {
    const text = `${'a'.repeat(50_000)}The (end).${'z'.repeat(50_000)}`;
    const { text: part, cut } = shownOf(text, 'the (END)');
    expect(part).toHaveLength(most);
    expect(part).toContain('The (end)');
    expect(text.slice(cut!.from, cut!.from + part.length)).toBe(part);
    // Words across the end of the beginning.
    expect(shownOf(`${'a'.repeat(most - 1)}wood`, 'wood').text).toContain('wood');
    expect(shownOf(`${'a'.repeat(30_000)}wood`, 'wood').text.endsWith('wood')).toBe(true);
  });

  it('splits no character', () => {
    for (const shift of [0, 1]) {
      const text = `${'a'.repeat(shift)}${'😀'.repeat(30_000)}${'x'.repeat(20_000)}`;
      for (const words of ['', 'x']) {
        const { text: part, cut } = shownOf(text, words);
        expect(part.isWellFormed()).toBe(true);
        expect(text.slice(cut!.from, cut!.from + part.length)).toBe(part);
      }
    }
  });
});
