// Makes the pictures of the README and the docs: `npm run pictures -- lrat-demo/report.html` after `npm run demo`.
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium as browserType } from 'playwright-core';
import { chromium, chromiumArguments } from './host/code-server.mjs';
import { root } from './results.mjs';

const report = resolve(process.argv[2] ?? join(root, 'lrat-demo', 'report.html'));
const browser = await browserType.launch({ executablePath: chromium(), args: chromiumArguments });
const page = await browser.newPage({ viewport: { width: 1100, height: 1390 }, deviceScaleFactor: 1 });
await page.goto(pathToFileURL(report).href);
await page.screenshot({ path: join(root, 'docs', 'images', 'demo-report.png') });
await browser.close();
