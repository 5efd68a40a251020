import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Frame } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setUp, unsupported } from '../../scripts/host/code-server.mjs';
import { openWorkbench } from '../../scripts/host/workbench.mjs';
import { focusTree, leaves } from './views.ts';
import { simulatedWorkspace } from './world.ts';

const reason = unsupported();
if (reason !== null) console.warn(`Tests through the screen are skipped: ${reason}.`);
const published = join(import.meta.dirname, '..', '..', '..', 'shared', 'data', 'lrat', 'trajectories');
if (!existsSync(published))
  console.warn('The story on published logs is skipped: ../shared/data is not there.');

async function publishedWorkspace(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'lrat-ui-'));
  cpSync(published, join(folder, 'logs'), { recursive: true });
  return folder;
}

const worlds = [
  { name: 'logs of the simulated world', make: () => simulatedWorkspace(40), isThere: true, epochs: 400 },
  { name: 'published logs', make: publishedWorkspace, isThere: existsSync(published), epochs: 600 },
];

/** The story of the first hour, as a user would go through it, without a mouse: from an unindexed folder to a measured model. */
describe.each(worlds)('the story, through the screen, on $name', ({ make, isThere, epochs }) => {
  describe.skipIf(reason !== null || !isThere)('by keyboard alone', () => {
    let folder: string;
    let workbench: Awaited<ReturnType<typeof openWorkbench>>;
    let view: Frame;
    const press = async (...keys: readonly string[]) => {
      for (const key of keys) await workbench.page.keyboard.press(key);
    };
    const labels = () =>
      readFileSync(join(folder, '.lrat', 'labels.jsonl'), 'utf8')
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line));
    const weights = async (pairs: Frame) =>
      (await pairs.locator('.row .weight').allInnerTexts()).map(Number).sort((a, b) => a - b);

    beforeAll(async () => {
      setUp();
      folder = await make();
      workbench = await openWorkbench({ folder });
    });

    afterAll(async () => {
      await workbench?.close();
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    });

    it('offers one next step while nothing is indexed, and takes it', async () => {
      await workbench.command('LRAT: Focus on Trajectories View');
      const next = workbench.page.locator('.welcome-view-content .monaco-button', {
        hasText: 'Index Workspace',
      });
      await next.first().waitFor();
      await next.first().focus();
      await press('Enter');
      await leaves(workbench, 'Trajectories').nth(5).waitFor({ timeout: 60_000 });
    });

    it('opens a trajectory with its steps, candidates and counts', async () => {
      await focusTree(workbench, 'Trajectories');
      const focused = workbench.page.locator('.monaco-list:focus .monaco-list-row.focused');
      await expect
        .poll(async () => {
          await press('ArrowDown');
          return focused.count();
        })
        .toBe(1);
      await press('Enter');
      view = await workbench.view('trajectory');
      await view.locator('.row .body').first().waitFor();
      expect(await view.locator('h1').innerText()).toMatch(/\w/);
      expect(await view.locator('.facts').innerText()).toMatch(/\d+ search(es)?.*\d+ browses?/s);
      await view.locator('.steps').focus();
      await press('s');
      await view.locator('.row.selected .candidates').waitFor();
      expect(await view.locator('.row.selected .candidates li').count()).toBeGreaterThan(4);
    });

    it('labels a browse by keyboard: one line in the labels, the pair and its weight at once, and undo', async () => {
      await press('b');
      await view.locator('aside .choices').waitFor();
      expect(await view.locator('aside').innerText()).toContain('label unknown');
      await press('r');
      await view.locator('aside', { hasText: 'weight 1.00' }).waitFor();
      expect(labels().map(({ label, source }) => [label, source.kind])).toEqual([['relevant', 'person']]);
      await press('i');
      await view.locator('aside', { hasText: 'None: irrelevant' }).waitFor();
      await press('u');
      await view.locator('aside', { hasText: 'weight 1.00' }).waitFor();
      expect(labels().map(({ label }) => label)).toEqual(['relevant', 'irrelevant', 'relevant']);
    });

    it('goes from a step to its line in the log', async () => {
      const position = workbench.page.locator('.statusbar-item', { hasText: /Ln \d+, Col \d+/ });
      const line = async () => {
        await position.waitFor();
        return Number(/Ln (\d+)/.exec(await position.innerText())?.[1]);
      };
      await press('o');
      const there = await line();
      expect(there).toBeGreaterThan(1);
      // “Open as text” goes to the selected step too.
      await workbench.command('View: Open Previous Editor');
      view = await workbench.view('trajectory');
      await view.locator('aside .choices').waitFor();
      await view.locator('vscode-link', { hasText: 'Open as text' }).locator('a').focus();
      await press('Enter');
      expect(await line()).toBe(there);
    });

    it('shows what the judge gives in the panel of pairs, and how a label changes all weights', async () => {
      await workbench.command('LRAT: Judge Browses');
      await workbench.choose('browses;', 'Rules');
      await expect.poll(() => labels().length, { timeout: 30_000 }).toBeGreaterThan(10);
      await workbench.command('LRAT: Open Pairs and Weights');
      const pairs = await workbench.view('pairs');
      await pairs.locator('.row .weight').nth(3).waitFor();
      await pairs.locator('.table-body').focus();
      await press('j');
      await pairs.locator('.row.selected').waitFor();
      const before = await weights(pairs);
      const count = labels().length;
      // The row with the longest reasoning leaves: the half-life and with it every other weight is another.
      await press('i');
      await expect.poll(() => weights(pairs)).not.toEqual(before);
      expect(labels()).toHaveLength(count + 1);
      await press('u');
      await expect.poll(() => weights(pairs)).toEqual(before);
    });

    it('trains on the pairs, goes on over a reload, and measures what was gained', async () => {
      const { page } = workbench;
      await workbench.command('LRAT: Train a Retriever');
      await workbench.choose('Train a Retriever (1/4)', 'Mine now: attributed');
      await workbench.choose('Train a Retriever (2/4)', 'New static encoder');
      await workbench.choose('Train a Retriever (3/4)', 'Epochs');
      await page.locator('.quick-input-message', { hasText: 'Epochs' }).waitFor();
      await page.keyboard.type(String(epochs));
      await press('Enter');
      await workbench.choose('Train a Retriever (3/4)', 'Go on with this recipe');
      await page.locator('.quick-input-widget', { hasText: 'Train a Retriever (4/4)' }).waitFor();
      await press('Enter');
      let run = await workbench.view('run');
      await run.locator('.run-state.running').waitFor();
      await Promise.all([page.waitForEvent('load'), workbench.command('Developer: Reload Window')]);
      run = await workbench.view('run');
      // It goes on: it is running still, and ends without having been started again.
      await run.locator('.run-state.running').waitFor();
      await run.locator('.run-state.finished').waitFor({ timeout: 90_000 });
      await run.locator('table.result').waitFor();
      expect(await run.locator('table.result').innerText()).toMatch(/\[.*\d.*,.*\d.*\]/);
      await workbench.command('LRAT: Focus on Runs View');
      await leaves(workbench, 'Runs').nth(2).waitFor();
      // Judged, mined and trained, each once.
      expect(await leaves(workbench, 'Runs').count()).toBe(3);
    });

    it('evaluates the model beside BM25 on the questions that it did not see', async () => {
      const { page } = workbench;
      await workbench.command('LRAT: Evaluate Retrievers');
      const models = page.locator('.quick-input-widget', { hasText: 'Evaluate Retrievers (1/3)' });
      await models.waitFor();
      // BM25, the baseline, is ticked; the model comes after it.
      const ticked = models.locator('.monaco-list-row', { has: page.locator('[aria-checked="true"]') });
      await ticked.waitFor();
      const model = models.locator('.monaco-list-row').nth(1);
      for (let turn = 0; turn < 3 && !/focused/.test((await model.getAttribute('class')) ?? ''); turn++)
        await press('ArrowDown');
      await press('Space');
      await expect.poll(() => ticked.count()).toBe(2);
      await press('Enter');
      await workbench.choose('Evaluate Retrievers (2/3)', 'Documents of the logs');
      await workbench.choose('Evaluate Retrievers (3/3)', 'Held-out questions');
      const rows = async () => {
        const run = await workbench.view('run');
        return run.locator('table.result tbody tr').allInnerTexts();
      };
      // The view of the training, which is still there at first, has the base as well.
      await expect.poll(async () => (await rows()).length, { timeout: 60_000 }).toBe(2);
      const [baseline, trained] = await rows();
      expect(baseline).toMatch(/^bm25.*\[.*\d.*,/is);
      expect(trained).toMatch(/\[.*\d.*,/s);
      expect(await leaves(workbench, 'Runs').count()).toBe(4);
    });
  });
});
