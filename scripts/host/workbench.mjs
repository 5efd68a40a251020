// A workbench on the screen of a headless browser, with the extension under development in it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium as browserType } from 'playwright-core';
import { root } from '../results.mjs';
import { chromium, chromiumArguments, start } from './code-server.mjs';

/** The built-in themes, one of each kind, with the class that the workbench carries while it shows them. */
export const themes = {
  dark: { name: 'Dark Modern', class: 'dark_modern' },
  light: { name: 'Light Modern', class: 'light_modern' },
  'hc-dark': { name: 'Default High Contrast', class: 'hc_black' },
  'hc-light': { name: 'Default High Contrast Light', class: 'hc_light' },
};

/**
 * The workbenches that are open, for whoever wants to know why something failed.
 * @type {Set<{ page: import('playwright-core').Page, home: string }>}
 */
export const openWorkbenches = new Set();

/**
 * @param {{ folder: string, theme?: keyof themes, settings?: Record<string, unknown>, language?: string, width?: number, height?: number, extensionsDir?: string, trust?: boolean }} options
 */
export async function openWorkbench({
  folder,
  theme,
  settings = {},
  language,
  width = 1280,
  height = 860,
  extensionsDir,
  trust = true,
}) {
  const home = mkdtempSync(join(tmpdir(), 'lrat-workbench-'));
  const userDataDir = join(home, 'user');
  mkdirSync(join(userDataDir, 'User'), { recursive: true });
  const quiet = {
    'workbench.startupEditor': 'none',
    'workbench.tips.enabled': false,
    'security.workspace.trust.startupPrompt': 'never',
    'window.autoDetectHighContrast': false,
    'window.autoDetectColorScheme': theme !== undefined,
    ...(theme !== undefined && {
      'workbench.preferredDarkColorTheme': themes[theme].name,
      'workbench.preferredLightColorTheme': themes[theme].name,
    }),
    'chat.disableAIFeatures': true,
    'workbench.secondarySideBar.defaultVisibility': 'hidden',
  };
  writeFileSync(join(userDataDir, 'User', 'settings.json'), JSON.stringify({ ...quiet, ...settings }));
  const extensions = extensionsDir ?? join(home, 'extensions');
  mkdirSync(extensions, { recursive: true });
  const host = await start({ home, extensionsDir: extensions, userDataDir, trust });
  const browser = await browserType.launch({ executablePath: chromium(), args: chromiumArguments });
  const page = await browser.newPage({ viewport: { width, height } });
  if (language !== undefined) {
    // As if its language pack were installed, of which extensions need no more than the name.
    await page.addInitScript(name => {
      Object.defineProperty(globalThis, '_VSCODE_NLS_LANGUAGE', { get: () => name, set: () => {} });
    }, language);
  }
  const { host: authority } = new URL(host.url);
  const payload = [
    ...(extensionsDir === undefined
      ? [['extensionDevelopmentPath', `vscode-remote://${authority}${root}`]]
      : []),
  ];
  const query = new URLSearchParams({ folder, payload: JSON.stringify(payload) });
  await page.goto(`${host.url}/?${query}`);
  await page.locator('.activitybar').waitFor({ timeout: 60_000 });
  // A fresh workbench looks its theme up before the settings have come; it looks again when the colour scheme changes.
  const dressed = page.locator(`.monaco-workbench[class*="${theme && themes[theme].class}"]`);
  for (let turn = 0; theme !== undefined && (await dressed.count()) === 0; turn++) {
    if (turn === 40) throw new Error(`The workbench does not take the theme ${themes[theme].name}.`);
    await page.emulateMedia({ colorScheme: turn % 2 === 0 ? 'dark' : 'light' });
    await page.waitForTimeout(500);
  }
  const own = { page, home };
  openWorkbenches.add(own);
  return {
    page,
    /** The frame of a view of ours: webviews lie two frames deep. */
    view: async (name, patience = 30_000) => {
      const deadline = Date.now() + patience;
      while (Date.now() < deadline) {
        for (const frame of page.frames()) {
          if (!frame.url().includes('fake.html')) continue;
          // A frame may go while it is looked at: another editor took its place.
          const found = await frame
            .locator(`lrat-${name}`)
            .count()
            .catch(() => 0);
          if (found > 0) return frame;
        }
        await page.waitForTimeout(100);
      }
      throw new Error(`The view ${name} did not appear.`);
    },
    /** Runs a command by its title in the command palette. */
    command: async title => {
      // The list shows what was used last until the typed words have been looked up, and what is not registered yet
      // does not come into an open list.
      const entry = page.locator('.quick-input-list .monaco-list-row.focused', { hasText: title });
      for (let turn = 0; ; turn++) {
        await page.keyboard.press('F1');
        try {
          // A key that comes while the list of the command before closes is lost.
          await page.locator('.quick-input-widget input').fill(`>${title}`, { timeout: 5_000 });
          await entry.waitFor({ timeout: 5_000 });
          break;
        } catch (error) {
          if (turn === 5) throw error;
          await page.keyboard.press('Escape');
        }
      }
      await page.keyboard.press('Enter');
    },
    /**
     * Answers a question of the editor with the first entry that the typed words leave.
     * @param {string} question its title, or what its field says while it is empty
     */
    choose: async (question, words = '') => {
      const widget = page.locator('.quick-input-widget');
      const asked = widget
        .filter({ hasText: question })
        .or(widget.filter({ has: page.locator(`input[placeholder="${question}"]`) }));
      await asked.waitFor();
      await widget.locator('.monaco-progress-container.done').first().waitFor({ state: 'attached' });
      if (words !== '') await page.keyboard.type(words);
      const entry = page.locator('.quick-input-list .monaco-list-row.focused', { hasText: words });
      // What is pressed while the list is being filled is lost, for a user too.
      for (let turn = 0; ; turn++) {
        await entry.waitFor();
        await page.keyboard.press('Enter');
        try {
          await asked.waitFor({ state: 'hidden', timeout: 10_000 });
          return;
        } catch (error) {
          if (turn === 2) throw error;
        }
      }
    },
    close: async () => {
      openWorkbenches.delete(own);
      await browser.close();
      await host.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
