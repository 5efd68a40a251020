import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { completion, startEndpoint } from '../unit/judge/endpoint.ts';
import { temporaryFolder } from '../unit/workspace/support.ts';
import { answer, data, hasData, lrat } from './command-line.ts';

it.skipIf(!hasData)('a model judges the published logs once, at a price that is told', async () => {
  const workspace = temporaryFolder();
  await answer(['index', join(data, 'lrat/trajectories'), '--workspace', workspace]);
  const prices = { input: 3, output: 50 };
  writeFileSync(join(workspace, '.lrat/config.json'), JSON.stringify({ version: 1, judge: { prices } }));
  const { url, asked, stop } = await startEndpoint((_, response) =>
    completion(response, '<think>Hm.</think>{"label": "relevant", "reason": "a fact"}'),
  );
  try {
    const judge = ['judge', '--judge', 'openai', '--url', url, '--model', 'm', '--workspace', workspace];
    // The endpoint counts 100 tokens in and 10 out for each of the 17 browses.
    const usage = { asked: 17, fromCache: 0, failed: 0, inputTokens: 1700, outputTokens: 170 };
    expect(await answer(judge)).toMatchObject({
      relevant: 17,
      usage: { ...usage, cost: expect.closeTo((1700 * 3 + 170 * 50) / 1e6, 12) },
    });
    expect(asked).toHaveLength(17);
    const labels = readFileSync(join(workspace, '.lrat/labels.jsonl'), 'utf8').trim().split('\n');
    expect(labels).toHaveLength(17);
    for (const label of labels) {
      expect(JSON.parse(label)).toMatchObject({ source: { kind: 'model', name: 'm' }, reason: 'a fact' });
    }
    const again = await lrat(judge);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('17 judged before') });
    expect(asked).toHaveLength(17);
  } finally {
    await stop();
  }
});
