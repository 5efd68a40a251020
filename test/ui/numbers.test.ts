import { rmSync } from 'node:fs';
import type { Frame } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setUp, unsupported } from '../../scripts/host/code-server.mjs';
import { openWorkbench } from '../../scripts/host/workbench.mjs';
import { focusTree, leaves, views } from './views.ts';
import { lrat, simulatedWorkspace } from './world.ts';

const reason = unsupported();
if (reason !== null) console.warn(`Tests of finding and counting are skipped: ${reason}.`);

/** From words and numbers in the views to the steps and rows that hold and make them; by keyboard but for the chart. */
describe.skipIf(reason !== null)('in the views', () => {
  let folder: string;
  let workbench: Awaited<ReturnType<typeof openWorkbench>>;
  let view: Frame;
  const press = async (...keys: readonly string[]) => {
    for (const key of keys) await workbench.page.keyboard.press(key);
  };

  beforeAll(async () => {
    setUp();
    folder = await simulatedWorkspace(30);
    lrat(folder, 'index');
    lrat(folder, 'judge');
    workbench = await openWorkbench({ folder });
    await focusTree(workbench, 'Trajectories');
    await leaves(workbench, 'Trajectories').nth(5).waitFor();
    // A running extension keeps the focus in its tree, also while that is filled for the first time.
    await workbench.page.locator('.monaco-list[aria-label="Trajectories"]:focus').waitFor();
  });

  afterAll(async () => {
    await workbench?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  describe('a trajectory', () => {
    const selected = async () => Number(await view.locator('.row.selected').getAttribute('data-index'));
    const told = () => view.locator('.matches').innerText();

    beforeAll(async () => {
      view = await views.trajectory!(workbench);
    });

    it('goes through all steps that hold words, there and back, and marks the words', async () => {
      await view.locator('vscode-text-field').click();
      await workbench.page.keyboard.type('THE');
      await press('Enter');
      await expect.poll(told).toMatch(/^\d+ of \d+$/);
      const count = Number((await told()).split(' of ')[1]);
      expect(count).toBeGreaterThan(2);
      const first = await selected();
      await expect.poll(() => view.locator('.row.selected .found').count()).toBe(1);
      await expect.poll(() => view.locator('.row.selected mark').first().innerText()).toMatch(/^the$/i);
      const start = Number((await told()).split(' of ')[0]);
      await press('Enter');
      const next = (start % count) + 1;
      await expect.poll(told).toBe(`${next} of ${count}`);
      expect(await selected()).not.toBe(first);
      await press('Shift+Enter');
      await expect.poll(told).toBe(`${start} of ${count}`);
      expect(await selected()).toBe(first);
      // Round to where it began.
      for (let i = 0; i < count; i++) await press('Enter');
      await expect.poll(selected).toBe(first);
    });

    it('says that nothing holds the words', async () => {
      await press('Control+A');
      await workbench.page.keyboard.type('nowhere in this log');
      await press('Enter');
      await expect.poll(told).toBe('no match');
      expect(await view.locator('mark').count()).toBe(0);
    });

    it('lists its keys when asked, and obeys none of them meanwhile', async () => {
      await view.locator('.steps').focus();
      const at = await selected();
      await press('?');
      const list = view.locator('dialog[open]');
      await list.waitFor();
      expect(await list.locator('kbd').allInnerTexts()).toEqual(
        expect.arrayContaining(['S', 'B', 'n', 'u', 'o']),
      );
      await press('j', 'Escape');
      await list.waitFor({ state: 'detached' });
      expect(await selected()).toBe(at);
    });

    it('shows the steps that its counts count', async () => {
      const shown = async () => {
        const kinds = await view.locator('.row .kind').allTextContents();
        return [...new Set(kinds)];
      };
      for (const [fact, kind] of [
        ['search', 'search'],
        ['browse', 'browse'],
        ['pair', 'browse'],
      ] as const) {
        const button = view.locator('.fact button', { hasText: fact });
        const count = Number.parseInt(await button.innerText(), 10);
        await button.focus();
        await press('Enter');
        await expect.poll(() => button.getAttribute('aria-pressed')).toBe('true');
        await expect.poll(shown).toEqual([kind]);
        const filter = view.locator('vscode-button[aria-pressed=true]');
        expect(Number((await filter.first().innerText()).match(/\d+/)?.[0])).toBe(count);
      }
    });
  });

  describe('the pairs', () => {
    const total = async () => Number.parseInt(await view.locator('.table-tools b').innerText(), 10);

    beforeAll(async () => {
      view = await views.pairs!(workbench);
    });

    it('and all browses are shown by the counts in the header', async () => {
      for (const words of ['browses', 'pairs']) {
        const count = view.locator('.fact button', { hasText: words });
        await count.focus();
        await press('Enter');
        await expect.poll(total).toBe(Number.parseInt(await count.innerText(), 10));
        expect(await count.getAttribute('aria-pressed')).toBe('true');
      }
    });

    it('are shown of one bar of the lengths, by keyboard and by mouse, until its chip is removed', async () => {
      const all = await total();
      await view.locator('summary').first().click();
      const button = view.locator('td button').first();
      const count = Number(await button.innerText());
      const name = await button.getAttribute('aria-label');
      expect(count).toBeLessThan(all);
      await button.focus();
      await press('Enter');
      await expect.poll(total).toBe(count);
      const chip = view.locator('.chip');
      expect(name).toContain((await chip.innerText()).replace(/\s*✕/, ''));
      await chip.focus();
      await press('Enter');
      await expect.poll(total).toBe(all);
      expect(await chip.count()).toBe(0);
      await view.locator('.bars rect:has(title)', { hasText: name! }).click();
      await expect.poll(total).toBe(count);
    });
  });

  it('of a comparison, those are shown that its counts count', async () => {
    view = await views.compare!(workbench);
    for (const name of ['Differences', 'All rows']) {
      const button = view.locator('vscode-button', { hasText: name });
      const count = Number.parseInt((await button.innerText()).slice(name.length), 10);
      expect(count).toBeGreaterThan(0);
      await button.focus();
      await press('Enter');
      await expect.poll(() => button.getAttribute('aria-pressed')).toBe('true');
      for (let i = 0; i < count; i++) await press('j');
      await expect
        .poll(() => view.locator('.beside.selected').getAttribute('data-index'))
        .toBe(String(count - 1));
    }
  });
});
