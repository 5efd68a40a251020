// A workbench on the screen of a headless browser, with the extension under development in it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium as browserType } from 'playwright-core';
import { root } from '../results.mjs';
import { chromium, chromiumArguments, start } from './code-server.mjs';

/**
 * @param {{ folder: string, settings?: Record<string, unknown>, width?: number, height?: number, extensionsDir?: string }} options
 */
export async function openWorkbench({ folder, settings = {}, width = 1280, height = 860, extensionsDir }) {
  const home = mkdtempSync(join(tmpdir(), 'lrat-workbench-'));
  const userDataDir = join(home, 'user');
  mkdirSync(join(userDataDir, 'User'), { recursive: true });
  const quiet = {
    'workbench.startupEditor': 'none',
    'workbench.tips.enabled': false,
    'window.autoDetectHighContrast': false,
    'window.autoDetectColorScheme': false,
    'chat.disableAIFeatures': true,
    'workbench.secondarySideBar.defaultVisibility': 'hidden',
  };
  writeFileSync(join(userDataDir, 'User', 'settings.json'), JSON.stringify({ ...quiet, ...settings }));
  const extensions = extensionsDir ?? join(home, 'extensions');
  mkdirSync(extensions, { recursive: true });
  const host = await start({ home, extensionsDir: extensions, userDataDir });
  const browser = await browserType.launch({ executablePath: chromium(), args: chromiumArguments });
  const page = await browser.newPage({ viewport: { width, height } });
  const { host: authority } = new URL(host.url);
  const payload = [
    ...(extensionsDir === undefined
      ? [['extensionDevelopmentPath', `vscode-remote://${authority}${root}`]]
      : []),
  ];
  const query = new URLSearchParams({ folder, payload: JSON.stringify(payload) });
  await page.goto(`${host.url}/?${query}`);
  await page.locator('.activitybar').waitFor({ timeout: 60_000 });
  return {
    page,
    /** The frame of a view of ours: webviews lie two frames deep. */
    view: async name => {
      const deadline = Date.now() + 30_000;
      while (Date.now() < deadline) {
        for (const frame of page.frames()) {
          if (frame.url().includes('fake.html') && (await frame.locator(`lrat-${name}`).count()) > 0)
            return frame;
        }
        await page.waitForTimeout(100);
      }
      throw new Error(`The view ${name} did not appear.`);
    },
    /** Runs a command by its title in the command palette. */
    command: async title => {
      await page.keyboard.press('F1');
      await page.locator('.quick-input-widget input').fill(`>${title}`);
      await page.locator('.quick-input-list .monaco-list-row').first().waitFor();
      await page.keyboard.press('Enter');
    },
    close: async () => {
      await browser.close();
      await host.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
