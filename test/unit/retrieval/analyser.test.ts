import { describe, expect, it } from 'vitest';
import { analyse } from '../../../src/retrieval/analyser.ts';

describe('the analyser', () => {
  it('stems as in the examples of Porter’s paper', () => {
    // M. F. Porter, An algorithm for suffix stripping (1980): words with the outcome of all steps.
    const examples = {
      caresses: 'caress',
      ponies: 'poni',
      cats: 'cat',
      plastered: 'plaster',
      motoring: 'motor',
      hopping: 'hop',
      happy: 'happi',
      relational: 'relat',
      generalizations: 'gener',
      oscillators: 'oscil',
      electrical: 'electr',
      adjustment: 'adjust',
      controlling: 'control',
    };
    expect(analyse(Object.keys(examples).join(' '))).toEqual(Object.values(examples));
  });

  it('leaves stop words and possessives out, whatever the apostrophe', () => {
    expect(analyse("The end of THE war, and Turing’s or Gödel's machine")).toEqual([
      'end',
      'war',
      'ture',
      'godel',
      'machin',
    ]);
  });

  it('makes one term of the forms of a word', () => {
    const forms = ['CAFÉ', 'café', 'cafe\u0301', 'Cafe', 'ca\u00adfé', 'ｃａｆé'];
    expect(forms.map(analyse)).toEqual(forms.map(() => ['cafe']));
    expect(analyse('İstanbul ﬁsh ①')).toEqual(['istanbul', 'fish', '1']);
  });

  it('keeps the marks of scripts whose letters they are', () => {
    expect(analyse('हिन्दी')).toEqual(['हिन्दी']);
  });

  it('follows UAX #29 at signs and digits, and finds words where none are spaced', () => {
    expect(analyse('3.14, 1,000; e.g. U.S.A. (x|y) mid-day 👍')).toEqual([
      '3.14',
      '1,000',
      'e.g',
      'u.s.a',
      'x',
      'y',
      'mid',
      'dai',
    ]);
    expect(analyse('ภาษาไทย').length).toBe(2);
    expect(analyse('東京')).toEqual(['東京']);
  });

  it('finds nothing where there is nothing', () => {
    expect(['', ' \n\t', '… — !?', 'to be or not to be'].flatMap(analyse)).toEqual([]);
  });

  it('takes a word of any length', () => {
    const word = 'ab'.repeat(500_000);
    expect(analyse(`x ${word} y`)).toEqual(['x', word, 'y']);
  });
});
