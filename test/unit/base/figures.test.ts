import { describe, expect, it } from 'vitest';
import { figuresIn } from '../../../src/base/figures.ts';

describe('figures', () => {
  const english = figuresIn('en');
  const german = figuresIn('de');

  it('have the decimal point and the groups of the language', () => {
    expect(english.decimal(12345.678, 2)).toBe('12,345.68');
    expect(german.decimal(12345.678, 2)).toBe('12.345,68');
    expect([english.whole(99999.5), german.whole(99999.5)]).toEqual(['100,000', '100.000']);
    expect([english.figure(145.5), german.figure(145.5)]).toEqual(['145.5', '145,5']);
    expect([english.percent(0.6234), german.percent(0.6234)]).toEqual(['62.3', '62,3']);
  });

  it('have a true minus, and none where they round to zero', () => {
    expect(german.decimal(-0.26, 1)).toBe('−0,3');
    expect(german.decimal(-0.04, 1)).toBe('0,0');
    expect([0.021, -0.021, -0.0001].map(english.signed)).toEqual(['+2.1', '−2.1', '+0.0']);
    expect(german.signed(-0.021)).toBe('−2,1');
  });

  it('tell four digits that count, and powers of ten of what is small', () => {
    expect([12.34567, 0.00123456, 0, 3.21e-5, -3.21e-5].map(english.exact)).toEqual([
      ...['12.35', '0.001235', '0', '3.2e−5', '−3.2e−5'],
    ]);
    expect([12.34567, 3.21e-5].map(german.exact)).toEqual(['12,35', '3,2e−5']);
    expect([0.0123, 4, 56.7].map(german.rough)).toEqual(['0,012', '4,0', '57']);
  });

  it('tell a setting with all its digits', () => {
    expect([0.00002, 0.1 + 0.2, 20260101, 1e-7].map(german.ungrouped)).toEqual([
      ...['0,00002', '0,30000000000000004', '20260101', '0,0000001'],
    ]);
  });

  it('part the ends of an interval so that no comma means two things', () => {
    const interval = ({ percent, range }: typeof english) => range(percent(0.601), percent(0.645));
    expect([interval(english), interval(german)]).toEqual(['[60.1, 64.5]', '[60,1; 64,5]']);
  });

  it('are written in every language that an editor can name', () => {
    for (const language of ['zh-cn', 'pt-br', 'qps-ploc', 'fr']) {
      expect(() => figuresIn(language).decimal(1.5, 1)).not.toThrow();
    }
  });
});
