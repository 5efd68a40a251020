import { describe, expect, it } from 'vitest';
import { alignTable, formatInterval, formatNumber } from '../../../src/evaluation/table.ts';

describe('tables', () => {
  const header = ['retriever', 'recall@10', 'n'];
  const rows = [
    ['BM25', '62.3 [60.1, 64.5]', '8'],
    ['größer', '7.0', '1,234'],
  ];

  it('have names to the left and numbers to the right', () => {
    expect(alignTable(header, rows)).toBe(
      [
        'retriever          recall@10      n',
        'BM25       62.3 [60.1, 64.5]      8',
        'größer                   7.0  1,234',
      ].join('\n'),
    );
  });
});

describe('numbers', () => {
  it('are per cent with one digit, unless told otherwise', () => {
    expect(formatInterval({ mean: 0.6234, low: -0.0149, high: 1 })).toBe('62.3 [−1.5, 100.0]');
    expect(formatInterval({ mean: 15.38, low: 15, high: 15.756 }, { scale: 1, digits: 2 })).toBe(
      '15.38 [15.00, 15.76]',
    );
  });

  it('have no sign where they round to zero', () => {
    expect(formatNumber(-0.0004)).toBe('0.0');
    expect(formatNumber(-0)).toBe('0.0');
  });
});
