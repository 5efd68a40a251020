import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Frame } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { setUp, unsupported } from '../../scripts/host/code-server.mjs';
import { openWorkbench } from '../../scripts/host/workbench.mjs';
import { views } from './views.ts';
import { joinLogs, lrat, simulatedWorkspace } from './world.ts';

const reason = unsupported();
if (reason !== null) console.warn(`Tests of what goes on between the views are skipped: ${reason}.`);

/** What one view shows because of another, or of what stood there before. */
describe.skipIf(reason !== null)('between the views', () => {
  let folder: string;
  let workbench: Awaited<ReturnType<typeof openWorkbench>>;
  const press = async (...keys: readonly string[]) => {
    for (const key of keys) await workbench.page.keyboard.press(key);
  };
  const labels = () =>
    readFileSync(join(folder, '.lrat', 'labels.jsonl'), 'utf8')
      .trimEnd()
      .split('\n').length;
  /** Opens the first trajectory at a browse that gives a pair, and keeps its tab. */
  const openPaired = async () => {
    await workbench.command('LRAT: Focus on Trajectories View');
    const view = await views.trajectory!(workbench);
    await workbench.command('View: Keep Editor');
    return view;
  };
  const query = (view: Frame) => view.locator('aside .query').innerText();
  const selectedStep = (view: Frame) => view.locator('.row.selected .number').innerText();
  const reload = async () => {
    const { page, command } = workbench;
    await Promise.all([page.waitForEvent('load'), command('Developer: Reload Window')]);
  };

  beforeAll(async () => {
    setUp();
    folder = await simulatedWorkspace(12);
    joinLogs(folder);
    lrat(folder, 'index');
    lrat(folder, 'judge');
    workbench = await openWorkbench({ folder });
  });

  afterEach(() => workbench.command('View: Close All Editors'));

  afterAll(async () => {
    await workbench?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  it('a step leads to its pair in a panel that is a hidden tab, and the pair back to its step', async () => {
    await workbench.command('LRAT: Open Pairs and Weights');
    let pairs = await workbench.view('pairs');
    await pairs.locator('.row .label').first().waitFor();
    let view = await openPaired();
    const wanted = await query(view);
    const step = await selectedStep(view);
    await view.locator('aside vscode-link', { hasText: 'Show among the pairs' }).locator('a').focus();
    await press('Enter');
    pairs = await workbench.view('pairs');
    await pairs.locator('.row.selected').waitFor();
    expect(await query(pairs)).toBe(wanted);
    expect(await pairs.locator('.row.selected .place').innerText()).toMatch(new RegExp(`→ ${step}$`));

    // Another row's step, in the trajectory that is a hidden tab now or in one that is not open.
    await pairs.locator('.table-body').focus();
    await press('j');
    await expect.poll(() => query(pairs)).not.toBe(wanted);
    const [next, place] = [await query(pairs), await pairs.locator('.row.selected .place').innerText()];
    await press('Enter');
    view = await workbench.view('trajectory');
    await view.locator('aside .query').waitFor();
    expect(await query(view)).toBe(next);
    expect(place).toMatch(new RegExp(`→ ${await selectedStep(view)}$`));
    expect(await view.locator('.row.selected').isVisible()).toBe(true);
  });

  it('a label that one view changes shows in the others', async () => {
    const { command, page } = workbench;
    let view = await openPaired();
    const title = await view.locator('aside .query').innerText();
    await command('LRAT: Open Pairs and Weights');
    await (await workbench.view('pairs')).locator('.row .label').first().waitFor();
    await command('View: Move Editor into Next Group');
    // The page that is moved is thrown away.
    await expect.poll(() => page.locator('.editor-group-container').count()).toBe(2);
    await expect
      .poll(async () => (await workbench.view('pairs')).locator('.row .label').count())
      .toBeGreaterThan(0);
    const pairs = await workbench.view('pairs');
    view = await workbench.view('trajectory');
    await view.locator('aside vscode-link', { hasText: 'Show among the pairs' }).locator('a').focus();
    await press('Enter');
    await expect.poll(() => query(pairs)).toBe(title);

    // In the table: the pair goes, in the trajectory it is irrelevant by this person.
    const before = labels();
    await pairs.locator('.table-body').focus();
    await press('i');
    await view.locator('aside', { hasText: 'None: irrelevant' }).waitFor();
    expect(await view.locator('.row.selected').innerText()).toMatch(/irrelevant\s+by you/);
    // In the trajectory: it is back in the table.
    await view.locator('.steps').focus();
    await press('r');
    await expect.poll(labels).toBe(before + 2);
    await pairs.locator('.row', { hasText: title }).first().waitFor();

    // In the transcript beside the table.
    await view.getByText('Transcript', { exact: true }).click();
    const lens = page.locator('.codelens-decoration', { hasText: '● relevant · by' });
    await lens.first().waitFor({ state: 'attached' });
  });

  it('the half-life is previewed by keyboard, in the weights of the table', async () => {
    const pairs = await views.pairs!(workbench);
    const weights = async () => (await pairs.locator('.row .weight').allInnerTexts()).slice(0, 8);
    const before = await weights();
    expect(await pairs.locator('.row .previewed').count()).toBe(0);
    const slider = pairs.locator('.beta input');
    const halfLife = Number(await slider.inputValue());
    await slider.focus();
    for (let i = 0; i < 20; i++) await press('ArrowRight');
    expect(Number(await slider.inputValue())).toBe(halfLife + 20);
    await expect.poll(weights).not.toEqual(before);
    expect(await pairs.locator('.row .previewed').count()).toBeGreaterThan(0);
    for (let i = 0; i < 20; i++) await press('ArrowLeft');
    await expect.poll(weights).toEqual(before);
  });

  it('another filter keeps the selected step in view', async () => {
    const view = await openPaired();
    await view.locator('.steps').focus();
    await press('j', 'j', 'j', 'j', 'j', 'j');
    const step = await selectedStep(view);
    for (const filter of ['Answer', 'All']) {
      await view.locator('.toolbar vscode-button', { hasText: filter }).first().click();
    }
    await view.locator('.row.selected').waitFor();
    expect(await selectedStep(view)).toBe(step);
  });

  describe('after a reload', () => {
    it('the trajectory has the step that was selected', async () => {
      let view = await openPaired();
      const step = await selectedStep(view);
      await reload();
      view = await workbench.view('trajectory');
      await view.locator('.row.selected').waitFor();
      expect(await selectedStep(view)).toBe(step);
    });

    it('the table has the row that was selected, in the order that was asked for', async () => {
      let pairs = await views.pairs!(workbench);
      await pairs.locator('.cells.head button', { hasText: 'Query' }).click();
      const queries = () => pairs.locator('.row .query').allInnerTexts();
      const isSorted = (words: readonly string[]) =>
        words.every((each, i) => i === 0 || words[i - 1]!.toLowerCase() <= each.toLowerCase());
      await expect.poll(async () => isSorted(await queries())).toBe(true);
      await pairs.locator('.table-body').focus();
      await press('Home');
      await press('j', 'j');
      const selected = () => pairs.locator('.row.selected').getAttribute('aria-rowindex');
      await expect.poll(selected).toBe('4');
      const wanted = await pairs.locator('.row.selected .place').innerText();
      await reload();
      pairs = await workbench.view('pairs');
      await expect.poll(selected).toBe('4');
      expect(await pairs.locator('.row.selected .place').innerText()).toBe(wanted);
      expect(await pairs.locator('.cells.head .query').getAttribute('aria-sort')).toBe('ascending');
    });

    it('the comparison has the row that was selected', async () => {
      let view = await views.compare!(workbench);
      await view.locator('.compared').focus();
      await press('j', 'j');
      const wanted = await view.locator('.beside.selected').getAttribute('aria-label');
      expect(wanted).not.toBe('Row 1');
      await reload();
      view = await workbench.view('compare');
      await view.locator('.beside.selected').waitFor();
      expect(await view.locator('.beside.selected').getAttribute('aria-label')).toBe(wanted);
    });
  });
});
