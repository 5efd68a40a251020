import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setUp, unsupported } from '../../scripts/host/code-server.mjs';
import { openWorkbench, themes } from '../../scripts/host/workbench.mjs';
import { seriousViolations } from './axe.ts';
import { beyondTheEdge, narrow, openTrees, views } from './views.ts';
import { trainedWorkspace } from './world.ts';

const reason = unsupported();
if (reason !== null) console.warn(`Tests of the views in every theme are skipped: ${reason}.`);

/** Every view in every kind of theme: readable, named and operable, as far as axe-core can tell. */
describe.skipIf(reason !== null)('the views', () => {
  let folder: string;

  beforeAll(async () => {
    setUp();
    folder = await trainedWorkspace(60, 2);
  });

  afterAll(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  describe.each(Object.keys(themes) as (keyof typeof themes)[])('in the theme %s', theme => {
    let workbench: Awaited<ReturnType<typeof openWorkbench>>;

    beforeAll(async () => {
      workbench = await openWorkbench({ folder, theme });
      await openTrees(workbench);
    });

    afterAll(() => workbench?.close());

    it.each(Object.keys(views))('%s: no serious violation', async name => {
      expect(await seriousViolations(await views[name]!(workbench))).toEqual([]);
    });
  });

  describe('500 pixels wide', () => {
    const width = 1280;
    let workbench: Awaited<ReturnType<typeof openWorkbench>>;

    beforeAll(async () => {
      workbench = await openWorkbench({ folder, width });
    });

    afterAll(() => workbench?.close());

    it.each(Object.keys(views))('%s: nothing is out of reach, and no serious violation', async name => {
      await workbench.page.setViewportSize({ width, height: 860 });
      await openTrees(workbench);
      const view = await views[name]!(workbench);
      await narrow(workbench, view, 500);
      expect(await beyondTheEdge(view)).toEqual([]);
      expect(await seriousViolations(view)).toEqual([]);
      await workbench.command('View: Close All Editors');
    });
  });
});
