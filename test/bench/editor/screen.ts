import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Frame, Page } from 'playwright-core';
import { setUp } from '../../../scripts/host/code-server.mjs';
import { openWorkbench } from '../../../scripts/host/workbench.mjs';

/**
 * How fast a view shows what was asked for, as JSON: `node test/bench/editor/screen.ts WORKSPACE trajectory|pairs`. The
 * workspace is indexed; the first trajectory of its tree, or the panel of pairs, is opened in a real workbench in headless
 * Chromium. A place is shown when its rows stand on the screen with their texts, painted.
 */
const [workspace = '.', shown = 'trajectory'] = process.argv.slice(2);
const places = 40;

/** In every frame: when a row with its text was first painted. */
const watchRows = `{
  const painted = () => setTimeout(() => { window.firstContent = Date.now(); });
  const look = () => {
    if (document.querySelector('.row .body') !== null) requestAnimationFrame(painted);
    else setTimeout(look, 1);
  };
  look();
}`;

setUp();
const workbench = await openWorkbench({ folder: resolve(workspace) });
try {
  const { page } = workbench;
  await page.context().addInitScript(watchRows);
  await page.locator('.activitybar [aria-label^="LRAT"]').first().click();
  const waiting = (waits: readonly number[]) => ({
    [`ms until a place is shown, median of ${places}`]: waits[waits.length >> 1],
    [`ms until a place is shown, slowest of ${places}`]: waits.at(-1),
  });
  if (shown === 'pairs') {
    await workbench.command('LRAT: Open Pairs and Weights');
    const view = await workbench.view('pairs');
    await view.locator('.row .label').first().waitFor({ timeout: 60_000 });
    const rows = Number(await view.locator('.grid').getAttribute('aria-rowcount')) - 1;
    console.log(JSON.stringify({ rows, ...waiting(await jump(view, '.table-body', '.label')) }));
  } else {
    const first = await openFirst(page);
    await workbench.command('View: Close All Editors');
    const again = await openFirst(page);
    const view = await workbench.view('trajectory');
    console.log(
      JSON.stringify({
        'ms from the click to the first content': again.whole,
        'ms of them in the view': again.own,
        'ms from the click, the first view of the window': first.whole,
        'ms of these in the view': first.own,
        ...waiting(await jump(view, '.steps', '.body')),
      }),
    );
  }
} finally {
  await workbench.close();
}

/** Milliseconds until the first step is painted: from the click in the tree, and from the start of the view's page. */
async function openFirst(page: Page): Promise<{ whole: number; own: number }> {
  const leaf = '.monaco-list-row:not([aria-expanded])';
  const row = page.locator(`[id="workbench.view.extension.lrat"] ${leaf}`).first();
  await row.waitFor();
  await page.evaluate(() => {
    window.addEventListener('mousedown', () => Object.assign(window, { clicked: Date.now() }), {
      capture: true,
      once: true,
    });
  });
  await row.click();
  const view = await workbench.view('trajectory');
  for (;;) {
    const shown = await view.evaluate<number | undefined>('window.firstContent');
    if (shown !== undefined) {
      const clicked = await page.evaluate<number>('window.clicked');
      const begun = await view.evaluate(() => performance.timeOrigin);
      return { whole: shown - clicked, own: shown - begun };
    }
    await pause(20);
  }
}

/** Milliseconds until each of many places, far from each other, is shown; sorted. A row has its texts once it has `filled`. */
async function jump(view: Frame, scroller: string, filled: string): Promise<number[]> {
  const measure = async ([times, scroller, filled]: readonly [number, string, string]) => {
    const list = document.querySelector(scroller)!;
    const frame = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    const isShown = () => {
      const { top, bottom } = list.getBoundingClientRect();
      const rows = [...list.querySelectorAll('.row')].filter(row => {
        const place = row.getBoundingClientRect();
        return place.bottom > top && place.top < bottom;
      });
      const covered = rows.reduce((sum, row) => sum + row.getBoundingClientRect().height, 0);
      return covered >= bottom - top && rows.every(row => row.querySelector(filled) !== null);
    };
    const waited: number[] = [];
    // The list keeps the selected step in view until the user scrolls.
    list.dispatchEvent(new WheelEvent('wheel'));
    for (let i = 0; i < times; i++) {
      // The golden ratio's multiples fall far from each other.
      list.scrollTop = ((i * 0.618034) % 1) * (list.scrollHeight - list.clientHeight);
      const begun = performance.now();
      do await frame();
      while (!isShown());
      waited.push(performance.now() - begun);
    }
    return waited;
  };
  const waits = await view.evaluate(measure, [places, scroller, filled] as const);
  return waits.toSorted((a, b) => a - b);
}
