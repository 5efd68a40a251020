import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { openWorkbenches } from '../../scripts/host/workbench.mjs';
import { resultsFolder } from '../../scripts/results.mjs';

// What is on the screen when a test fails tells more than what was waited for.
afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return;
  for (const [i, { page, home }] of [...openWorkbenches].entries()) {
    const picture = join(resultsFolder, `failed-${task.name.replace(/\W+/g, '-').slice(0, 80)}-${i}.png`);
    await page.screenshot({ path: picture }).catch(() => {});
    const shown = await page
      .locator('.quick-input-widget, .notification-list-item, .monaco-dialog-box')
      .allInnerTexts()
      .catch(() => []);
    const logs = globSync(join(home, 'user', 'logs', '**', '*.log')).filter(path =>
      /LRAT|exthost\.log/.test(path),
    );
    const tails = logs.map(
      path => `${path}\n${readFileSync(path, 'utf8').split('\n').slice(-30).join('\n')}`,
    );
    console.error([`Failed: ${task.name}. The screen: ${picture}`, ...shown, ...tails].join('\n---\n'));
  }
});
