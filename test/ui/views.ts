import type { Frame } from 'playwright-core';
import type { openWorkbench } from '../../scripts/host/workbench.mjs';

type Workbench = Awaited<ReturnType<typeof openWorkbench>>;

/** Rows of one of LRAT's trees that hold no others. */
export function leaves({ page }: Workbench, tree: string) {
  const pane = page.locator(`.pane:has(.pane-header[aria-label^="${tree}"])`);
  return pane.locator('.monaco-list-row:not([aria-expanded])');
}

/** Puts the keyboard's focus into a tree. */
export async function focusTree({ page, command }: Workbench, tree: 'Trajectories' | 'Runs'): Promise<void> {
  const focused = page.locator(`.monaco-list[aria-label="${tree}"]:focus`);
  // While the extension is still starting, the editor hides its trees, and the focus goes with them.
  for (let turn = 0; ; turn++) {
    await command(`LRAT: Focus on ${tree} View`);
    try {
      await focused.waitFor({ timeout: 3_000 });
      return;
    } catch (error) {
      if (turn === 10) throw error;
    }
  }
}

/** Shows LRAT's trees. */
export async function openTrees({ page }: Workbench): Promise<void> {
  await page.locator('.activitybar [aria-label^="LRAT"]').first().click();
}

/** Opens a file of the workspace in the editor that LRAT has for logs, by keyboard. */
export async function openInLrat({ page, command }: Workbench, file: string): Promise<void> {
  const chosen = (text: string) =>
    page.locator('.quick-input-list .monaco-list-row.focused', { hasText: text });
  await page.keyboard.press('Control+P');
  await page.locator('.quick-input-widget input').fill(file);
  await chosen(file).waitFor();
  await page.keyboard.press('Enter');
  await page.locator('.tab.active', { hasText: file }).waitFor();
  await command('View: Reopen Editor With...');
  await page.locator('.quick-input-widget input').fill('LRAT');
  await chosen('LRAT').waitFor();
  await page.keyboard.press('Enter');
}

/** Every view of a workspace that is indexed, judged and has a run: brings it on the screen as users mostly see it. */
export const views: Readonly<Record<string, (workbench: Workbench) => Promise<Frame>>> = {
  async trajectory(workbench) {
    await leaves(workbench, 'Trajectories').first().click();
    const view = await workbench.view('trajectory');
    await view.locator('.row .body').first().waitFor();
    // A browse that gives a pair: all that can be said of one is on the screen.
    await view.locator('vscode-button', { hasText: 'With a pair' }).click();
    await view.locator('.row .body.browse').first().click();
    await view.locator('aside .query').waitFor();
    await view.locator('vscode-button', { hasText: 'All' }).first().click();
    await view.locator('.steps').focus();
    return view;
  },

  async list(workbench) {
    await openInLrat(workbench, 'runs.jsonl');
    const view = await workbench.view('list');
    await view.locator('.facts', { hasText: / pairs/ }).waitFor();
    await view.locator('.entries').focus();
    for (const key of ['j', 'j']) await workbench.page.keyboard.press(key);
    await view.locator('.entry.selected').waitFor();
    return view;
  },

  async pairs(workbench) {
    await workbench.command('LRAT: Open Pairs and Weights');
    const view = await workbench.view('pairs');
    await view.locator('.row .label').first().waitFor();
    await view.locator('.table-body').focus();
    await workbench.page.keyboard.press('j');
    await view.locator('aside .documents').first().waitFor();
    return view;
  },

  async run(workbench) {
    await leaves(workbench, 'Runs').first().click();
    const view = await workbench.view('run');
    await view.locator('svg').first().waitFor();
    return view;
  },

  async compare(workbench) {
    const view = await compareFirst(
      workbench,
      'compare',
      'LRAT: Compare Trajectories',
      'Trajectory to compare',
    );
    await view.locator('.cell').first().waitFor();
    return view;
  },

  async runs(workbench) {
    const view = await compareFirst(workbench, 'runs', 'LRAT: Compare Runs', 'Which run?');
    await view.locator('svg').first().waitFor();
    return view;
  },
};

/** Compares the first of what a command offers with the first of the others. */
async function compareFirst(
  { command, choose, view }: Workbench,
  name: string,
  title: string,
  question: string,
): Promise<Frame> {
  for (let turn = 0; ; turn++) {
    await command(title);
    try {
      await choose(question);
      await choose('Compare with…');
      return await view(name, 10_000);
    } catch (error) {
      // A list that is being filled takes Enter for “nothing” while the one before it is still shown.
      if (turn === 2) throw error;
    }
  }
}

/** What is shown in a text editor. */
export const texts: Readonly<Record<string, (workbench: Workbench) => Promise<void>>> = {
  async transcript(workbench) {
    const { page } = workbench;
    await leaves(workbench, 'Trajectories').first().click();
    const view = await workbench.view('trajectory');
    await view.locator('.row .body').first().waitFor();
    await view.getByText('Transcript', { exact: true }).click();
    await page.locator('.codelens-decoration').first().waitFor({ state: 'attached' });
    await workbench.command('LRAT: Go to Next Browse');
  },

  /** The log itself. */
  async log(workbench) {
    const { page } = workbench;
    await leaves(workbench, 'Trajectories').first().click();
    const view = await workbench.view('trajectory');
    await view.locator('.row .body').first().waitFor();
    await view.locator('.steps').focus();
    await page.keyboard.press('b');
    await page.keyboard.press('o');
    await page.locator('.codelens-decoration').first().waitFor({ state: 'attached' });
  },

  /** The first steps, with the trees of labels beside them. */
  async walkthrough(workbench) {
    const { page } = workbench;
    await page.locator('.monaco-list-row', { hasText: 'Low confidence' }).click();
    await workbench.command('Welcome: Open Walkthrough...');
    await page.locator('.quick-input-widget input').fill('LRAT');
    await page.locator('.quick-input-list .monaco-list-row.focused', { hasText: 'Learn' }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByText('Train and evaluate', { exact: true }).first().waitFor();
  },
};

/** Makes a view so many pixels wide, without the side bar. */
export async function narrow({ page, command }: Workbench, view: Frame, width: number): Promise<void> {
  const sideBar = page.locator('.part.sidebar');
  if (await sideBar.isVisible()) await command('View: Toggle Primary Side Bar Visibility');
  await sideBar.waitFor({ state: 'hidden' });
  const { width: whole, height } = page.viewportSize()!;
  const own = await view.evaluate(() => window.innerWidth);
  await page.setViewportSize({ width: whole + width - own, height });
  await view.waitForFunction(wanted => window.innerWidth === wanted, width);
}

/** What of a view stands beyond its edges, where nobody can scroll to it: the first words of each. */
export function beyondTheEdge(view: Frame): Promise<string[]> {
  return view.evaluate(() => {
    const scrolls = (element: Element | null): boolean =>
      element !== null &&
      (/auto|scroll/.test(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
    const { clientWidth } = document.documentElement;
    return [...document.querySelectorAll('body *')]
      .filter(element => {
        const { left, right, width, height } = element.getBoundingClientRect();
        const isShown = width > 0 && height > 0 && getComputedStyle(element).visibility === 'visible';
        return isShown && (right > clientWidth + 1 || left < -1) && !scrolls(element.parentElement);
      })
      .map(
        element => `${element.localName}.${element.classList}: ${element.textContent.trim().slice(0, 40)}`,
      );
  });
}
