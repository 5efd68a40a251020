import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setUp, unsupported } from '../../scripts/host/code-server.mjs';
import { openWorkbench } from '../../scripts/host/workbench.mjs';
import { leaves, openTrees } from './views.ts';
import { lrat, simulatedWorkspace } from './world.ts';

const reason = unsupported();
if (reason !== null) console.warn(`Tests of another language are skipped: ${reason}.`);

/** A figure with the decimal point of English. */
const english = /\d\.\d/;

describe.skipIf(reason !== null)('in German', () => {
  let folder: string;
  let workbench: Awaited<ReturnType<typeof openWorkbench>>;

  beforeAll(async () => {
    setUp();
    folder = await simulatedWorkspace(20);
    lrat(folder, 'index');
    lrat(folder, 'judge');
    workbench = await openWorkbench({ folder, language: 'de' });
    await openTrees(workbench);
  });

  afterAll(async () => {
    await workbench?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  it('weights have a comma, in the view of a trajectory and in its transcript', async () => {
    const { page } = workbench;
    await leaves(workbench, 'Trajektorien').first().click();
    const view = await workbench.view('trajectory');
    await view.locator('.row .body').first().waitFor();
    expect(await view.locator('.facts').innerText()).toMatch(/mittleres Gewicht \d,\d\d\b/);
    await view.locator('vscode-button', { hasText: 'Mit Paar' }).click();
    await view.locator('.row .body.browse').first().click();
    await view.locator('aside .curve').waitFor();
    const detail = await view.locator('aside').innerText();
    expect(detail).toMatch(/Gewicht \d,\d\d.*μ 0,\d{3}/s);
    expect(detail).not.toMatch(english);
    await view.getByText('Niederschrift', { exact: true }).click();
    const lenses = page.locator('.codelens-decoration', { hasText: /Gewicht \d,\d\d/ });
    await lenses.first().waitFor({ state: 'attached' });
    expect((await page.locator('.codelens-decoration').allTextContents()).join('\n')).not.toMatch(english);
  });

  it('weights and their scale have a comma among the pairs', async () => {
    await workbench.command('LRAT: Paare und Gewichte öffnen');
    const view = await workbench.view('pairs');
    await view.locator('.row .label').first().waitFor();
    expect(await view.locator('.row .weight').first().innerText()).toMatch(/^\d,\d\d$/);
    await view.locator('summary').first().click();
    for (const part of ['.facts', 'svg', 'details table'])
      expect(await view.locator(part).first().textContent()).not.toMatch(english);
  });
});
