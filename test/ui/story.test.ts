import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Frame } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setUp, unsupported } from '../../scripts/host/code-server.mjs';
import { openWorkbench } from '../../scripts/host/workbench.mjs';
import { seriousViolations } from './axe.ts';
import { simulatedWorkspace } from './world.ts';

const reason = unsupported();
if (reason !== null) console.warn(`Tests through the screen are skipped: ${reason}.`);

/** The story of the first hour: open the folder, index it, look at a trajectory, correct the judge, by keyboard. */
describe.skipIf(reason !== null)('the story, through the screen', () => {
  let folder: string;
  let workbench: Awaited<ReturnType<typeof openWorkbench>>;
  let view: Frame;

  beforeAll(async () => {
    setUp();
    folder = await simulatedWorkspace(40);
    workbench = await openWorkbench({ folder });
  });

  afterAll(async () => {
    await workbench?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  it('offers one next step while nothing is indexed, and takes it', async () => {
    const { page } = workbench;
    await page.locator('.activitybar [aria-label^="LRAT"]').first().click();
    const next = page.locator('.welcome-view-content .monaco-button', { hasText: 'Index Workspace' });
    await next.waitFor();
    await next.click();
    const rows = page.locator('[id="workbench.view.extension.lrat"] .monaco-list-row');
    await rows.first().waitFor({ timeout: 60_000 });
    expect(await rows.count()).toBeGreaterThan(5);
  });

  it('opens a trajectory with its steps, candidates and counts', async () => {
    const { page } = workbench;
    await page.locator('[id="workbench.view.extension.lrat"] .monaco-list-row').first().click();
    view = await workbench.view('trajectory');
    await view.locator('.row').first().waitFor();
    expect(await view.locator('h1').innerText()).toMatch(/\?$/);
    expect(await view.locator('.facts').innerText()).toMatch(/a simulation.*\d+ searches.*\d+ browses/s);
    await view.locator('.steps').focus();
    await page.keyboard.press('s');
    await view.locator('.row.selected .candidates').waitFor();
    expect(await view.locator('.row.selected .candidates li').count()).toBe(10);
  });

  it('has no serious accessibility violation in the trajectory view', async () => {
    expect(await seriousViolations(view)).toEqual([]);
  });

  it('labels a browse by keyboard: one line in the labels, the pair and its weight at once, and undo', async () => {
    const { page } = workbench;
    const labels = () =>
      readFileSync(join(folder, '.lrat', 'labels.jsonl'), 'utf8')
        .trimEnd()
        .split('\n');
    await view.locator('.steps').focus();
    await page.keyboard.press('b');
    await view.locator('aside .choices').waitFor();
    expect(await view.locator('aside').innerText()).toContain('nobody has judged it');

    await page.keyboard.press('r');
    await view.locator('aside', { hasText: 'weight 1.00' }).waitFor();
    expect(labels()).toHaveLength(1);
    expect(JSON.parse(labels()[0]!)).toMatchObject({ label: 'relevant', source: { kind: 'person' } });

    await page.keyboard.press('i');
    await view.locator('aside', { hasText: 'it is judged irrelevant' }).waitFor();
    await page.keyboard.press('u');
    await view.locator('aside', { hasText: 'weight 1.00' }).waitFor();
    expect(labels()).toHaveLength(3);
    expect(JSON.parse(labels()[2]!)).toMatchObject({ label: 'relevant' });
  });

  it('goes from a step to its line in the log', async () => {
    const { page } = workbench;
    await view.locator('.steps').focus();
    await page.keyboard.press('o');
    const position = page.locator('.statusbar-item', { hasText: /Ln \d+, Col \d+/ });
    await position.waitFor();
    expect(Number(/Ln (\d+)/.exec(await position.innerText())?.[1])).toBeGreaterThan(1);
  });
});
