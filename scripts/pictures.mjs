// Makes the pictures of the README and the docs: `npm run demo && npm run pictures`. The demo's report, and the views
// of the editor in a dark and a light theme, on logs of the simulated world.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium as browserType } from 'playwright-core';
import { simulatedWorkspace } from '../test/ui/world.ts';
import { chromium, chromiumArguments, setUp } from './host/code-server.mjs';
import { openWorkbench } from './host/workbench.mjs';
import { root } from './results.mjs';

const images = join(root, 'docs', 'images');
const themes = {
  dark: 'Dark Modern',
  light: 'Light Modern',
};

setUp();
mkdirSync(images, { recursive: true });

const report = join(root, 'lrat-demo', 'report.html');
if (existsSync(report)) {
  const browser = await browserType.launch({ executablePath: chromium(), args: chromiumArguments });
  const page = await browser.newPage({ viewport: { width: 1100, height: 1390 } });
  await page.goto(pathToFileURL(report).href);
  await page.screenshot({ path: join(images, 'demo-report.png') });
  await browser.close();
} else console.error('There is no lrat-demo/report.html: run `npm run demo` for its picture.');

/** @param {string} folder @param {string[]} args */
function lrat(folder, ...args) {
  const done = spawnSync(process.execPath, [join(root, 'bin', 'lrat.mjs'), ...args, '--workspace', folder], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (done.status !== 0) throw new Error(`lrat ${args.join(' ')} failed`);
}

const folder = await simulatedWorkspace(200);
lrat(folder, 'index');
lrat(folder, 'judge');
const pairs = join(folder, '.lrat', 'pairs', 'attributed.jsonl');
const corpus = join(folder, 'corpus.jsonl');
lrat(folder, 'mine', '--out', pairs, '--corpus', corpus);
lrat(
  folder,
  'train',
  '--pairs',
  pairs,
  '--out',
  join(folder, '.lrat', 'models', 'first'),
  '--held-out',
  '0.2',
  '--epochs',
  '8',
);

for (const [name, theme] of Object.entries(themes)) {
  const workbench = await openWorkbench({
    folder,
    settings: { 'workbench.colorTheme': theme },
    width: 1400,
    height: 900,
  });
  const { page } = workbench;
  /** @param {string} view */
  const shoot = async view => {
    await page.waitForTimeout(800);
    await page.screenshot({ path: join(images, `${view}-${name}.png`) });
  };
  try {
    await page.locator('.activitybar [aria-label^="LRAT"]').first().click();
    const rows = page.locator('[id="workbench.view.extension.lrat"] .monaco-list-row');
    await rows.nth(5).waitFor();
    await rows.first().click();
    const trajectory = await workbench.view('trajectory');
    await trajectory.locator('.row').first().waitFor();
    await trajectory.locator('.steps').focus();
    await page.keyboard.press('b');
    await trajectory.locator('aside .choices').waitFor();
    await shoot('trajectory');
    await workbench.command('View: Close All Editors');
    await rows.filter({ hasText: 'Static encoder' }).first().click();
    await workbench.view('run');
    await shoot('run');
  } finally {
    await workbench.close();
  }
}
rmSync(folder, { recursive: true, force: true });
