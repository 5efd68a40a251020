import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LabelStore } from '../../../src/workspace/labels.ts';
import { workspacePaths } from '../../../src/workspace/paths.ts';
import { SeenTexts } from '../../../src/workspace/texts.ts';
import { openIndex, temporaryFolder } from './support.ts';

const data = join(import.meta.dirname, '../../../../shared/data');
const present = existsSync(data);
if (!present) console.warn(`Skipped: the real logs are not at ${data}.`);

describe.skipIf(!present)('the index of real logs', () => {
  it('has the published trajectories, their labels and the texts that they show', async () => {
    const folder = temporaryFolder();
    const logs = join(data, 'lrat/trajectories');
    const index = openIndex(folder);
    await index.update([logs]);
    // The counts are those of the manifest.
    expect(index.status()).toMatchObject({ trajectories: 7, searches: 75, browses: 17, problems: [] });
    expect(index.logs()).toEqual(['0.json', '1.json', '10.json', '11.json', '14.json', '4.json', '5.json']);

    const path = join(data, 'lrat/labels.jsonl');
    const labels = LabelStore.open(path).resolve(index);
    expect(labels.problems).toEqual([]);
    const given = readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
    for (const { log, step, label } of given) {
      const [browse] = index.browsesAt(log, step);
      expect(labels.lookup({ log, step, ...browse! })).toBe(label);
    }

    // Every document that is named in the raw text of a list or of a page has a text.
    const raw = readdirSync(logs)
      .map(name => readFileSync(join(logs, name), 'utf8'))
      .join('\n');
    const named = new Set(
      [...raw.matchAll(/DocID:(\d+)|Document (\d+):\\n/g)].map(([, listed, opened]) => listed ?? opened!),
    );
    const texts = await SeenTexts.collect(index, workspacePaths(folder));
    expect(new Set(texts.ids())).toEqual(named);
    expect(texts.text('10067184')).toMatch(/^Francesco Paolo Figliuolo\nItalian general \(born 1961\)/);
    texts.close();
  });

  it('says why logs without browses give no pairs', async () => {
    const folder = temporaryFolder();
    const index = openIndex(folder);
    await index.update([join(data, 'r1searcher')]);
    const { trajectories, browses, problems } = index.status();
    expect([trajectories, browses]).toEqual([125, 0]);
    expect(problems.length).toBeGreaterThan(0);
    expect(new Set(problems.map(({ log }) => log))).toEqual(new Set(index.logs()));
    for (const { reason } of problems) expect(reason).toMatch(/search-only/);
  });
});
