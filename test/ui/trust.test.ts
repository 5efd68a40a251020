import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setUp, unsupported } from '../../scripts/host/code-server.mjs';
import { openWorkbench } from '../../scripts/host/workbench.mjs';
import { leaves, openTrees, views } from './views.ts';
import { trainedWorkspace } from './world.ts';

const reason = unsupported();
if (reason !== null) console.warn(`Tests of an untrusted workspace are skipped: ${reason}.`);

/** A workspace that nobody trusts: what is there can be looked at, and nothing is started on it. */
describe.skipIf(reason !== null)('an untrusted workspace', () => {
  let folder: string;
  let workbench: Awaited<ReturnType<typeof openWorkbench>>;

  beforeAll(async () => {
    setUp();
    folder = await trainedWorkspace(20, 1);
    workbench = await openWorkbench({ folder, trust: false });
  });

  afterAll(async () => {
    await workbench?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  it('shows its trees and views', async () => {
    await openTrees(workbench);
    await leaves(workbench, 'Trajectories').nth(3).waitFor();
    const trajectory = await views.trajectory!(workbench);
    expect(await trajectory.locator('.row').count()).toBeGreaterThan(1);
    const pairs = await views.pairs!(workbench);
    expect(await pairs.locator('.row .weight').count()).toBeGreaterThan(1);
  });

  it.each([
    'Index Workspace',
    'Judge Browses',
    'Mine Pairs',
    'Train a Retriever',
    'Evaluate Retrievers',
    'Export Pairs',
    'Stop Run',
    'Resume Run',
    'Delete Run',
    'Explain How a Log Is Read',
  ])('refuses in words: %s', async command => {
    const { page } = workbench;
    const runs = readdirSync(join(folder, '.lrat', 'runs'));
    const index = statSync(join(folder, '.lrat', 'index.db')).mtimeMs;
    await workbench.command(`LRAT: ${command}`);
    await page.locator('.statusbar .codicon-bell-dot').waitFor();
    await workbench.command('Notifications: Show Notifications');
    const message = page.locator('.notifications-center', { hasText: 'needs a trusted workspace' });
    await message.first().waitFor();
    await workbench.command('Notifications: Clear All Notifications');
    await message.first().waitFor({ state: 'detached' });
    expect(readdirSync(join(folder, '.lrat', 'runs'))).toEqual(runs);
    expect(statSync(join(folder, '.lrat', 'index.db')).mtimeMs).toBe(index);
  });
});
