import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkTranslations, gatherStrings } from '../../../scripts/l10n.mjs';
import { root } from '../../../scripts/results.mjs';

const read = (name: string) => JSON.parse(readFileSync(join(root, name), 'utf8')) as Record<string, string>;

describe('the strings that people read', () => {
  it('are all in the bundle, and nothing else is (else run `npm run l10n`)', async () => {
    const strings = await gatherStrings();
    // One of the editor and one of a view: both are looked through.
    expect(strings).toMatchObject({
      'There is no run for that yet.': expect.anything(),
      'Try again': expect.anything(),
    });
    expect(read('l10n/bundle.l10n.json')).toEqual(strings);
  });

  it('are translated with the same keys and the same placeholders', () => {
    expect(checkTranslations()).toEqual([]);
  });

  it('differ from English in German, but for words that are the same in both', () => {
    const german = read('l10n/bundle.l10n.de.json');
    const same = Object.entries(german).filter(([english, text]) => english === text);
    expect(same.length).toBeLessThan(Object.keys(german).length / 10);
  });
});
