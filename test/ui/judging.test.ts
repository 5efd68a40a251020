import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setUp, unsupported } from '../../scripts/host/code-server.mjs';
import { openWorkbench } from '../../scripts/host/workbench.mjs';
import { completion, startEndpoint } from '../unit/judge/endpoint.ts';
import { leaves, openTrees } from './views.ts';
import { lrat, simulatedWorkspace } from './world.ts';

const reason = unsupported();
if (reason !== null) console.warn(`Tests of judging through the screen are skipped: ${reason}.`);

describe.skipIf(reason !== null)('judging by a model', () => {
  let folder: string;
  let workbench: Awaited<ReturnType<typeof openWorkbench>>;
  /** Until then the endpoint thinks. */
  const answers = Promise.withResolvers<void>();
  let announced: number;
  let endpoint: Awaited<ReturnType<typeof startEndpoint>>;

  beforeAll(async () => {
    setUp();
    folder = await simulatedWorkspace(4);
    lrat(folder, 'index');
    endpoint = await startEndpoint(async (_, response) => {
      await answers.promise;
      completion(response, '{"label": "relevant", "reason": "a fact"}');
    });
    workbench = await openWorkbench({ folder });
  });

  afterAll(async () => {
    await workbench?.close();
    await endpoint?.stop();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  it('says what it will ask, and asks it once the user agrees', async () => {
    const { page } = workbench;
    const type = async (title: string, words: string) => {
      await page.locator('.quick-input-title', { hasText: title }).waitFor();
      await page.locator('.quick-input-widget input').first().fill(words);
      await page.keyboard.press('Enter');
    };
    await workbench.command('LRAT: Judge Browses');
    await page.locator('.quick-input-list .monaco-list-row', { hasText: 'A model' }).click();
    await type('Base URL', endpoint.url);
    await type('Model at', 'judge-model');
    await type('API key', '');
    const dialog = page.locator('.monaco-dialog-box');
    await dialog.waitFor();
    const words = await dialog.innerText();
    expect(endpoint.asked).toHaveLength(0);
    announced = Number(/Judge (\d+) browses by judge-model/.exec(words)?.[1]);
    expect(announced).toBeGreaterThan(0);
    expect(words).toMatch(new RegExp(`${announced} requests, about [\\d,]+ input tokens`));
    await dialog.getByRole('button', { name: 'Judge', exact: true }).click();
    await expect.poll(() => endpoint.asked.length, { timeout: 20_000 }).toBeGreaterThan(0);
  });

  it('goes on when the window reloads, is found again, and is told of when it ends', async () => {
    const { page } = workbench;
    await Promise.all([page.waitForEvent('load'), workbench.command('Developer: Reload Window')]);
    await openTrees(workbench);
    await leaves(workbench, 'Runs').filter({ hasText: 'running' }).waitFor();
    answers.resolve();
    await expect.poll(() => endpoint.asked.length, { timeout: 20_000 }).toBe(announced);
    await leaves(workbench, 'Runs').filter({ hasText: 'finished' }).waitFor();
    // Who asked for it waits no more: the window that opened since tells.
    await page.locator('.statusbar .codicon-bell-dot').waitFor();
    await workbench.command('Notifications: Show Notifications');
    await page.locator('.notifications-center', { hasText: 'Judging finished: judge-model' }).waitFor();
    const labels = readFileSync(join(folder, '.lrat', 'labels.jsonl'), 'utf8')
      .split('\n')
      .filter(Boolean);
    expect(labels).toHaveLength(announced);
  });
});
