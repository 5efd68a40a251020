// Draws how time and memory grow with the logs, from the table under “Size” in docs/performance.md:
// `node scripts/draw-size.mjs`, after `npm run bench -- size` has given the table its numbers.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium as browserType } from 'playwright-core';
import { chromium, chromiumArguments } from './host/code-server.mjs';
import { root } from './results.mjs';

const text = readFileSync(join(root, 'docs', 'performance.md'), 'utf8');
const rows = text
  .slice(text.indexOf('| trajectories |'))
  .split('\n\n')[0]
  .split('\n')
  .slice(2)
  .map(line =>
    line
      .split('|')
      .slice(1)
      .map(cell => Number.parseFloat(cell.replaceAll(',', ''))),
  )
  .map(([trajectories, , seconds, , peak]) => ({ trajectories, seconds, peak }));
if (rows.length < 3 || rows.some(row => Object.values(row).some(Number.isNaN))) {
  throw new Error('docs/performance.md: the table under “Size” has no numbers to draw.');
}

const browser = await browserType.launch({ executablePath: chromium(), args: chromiumArguments });
const page = await browser.newPage();
for (const name of ['d3/dist/d3.min.js', '@observablehq/plot/dist/plot.umd.min.js']) {
  await page.addScriptTag({ path: join(root, 'node_modules', name) });
}
const svg = await page.evaluate(rows => {
  const ink = '#57606a';
  const [least] = rows;
  // Through the first point that is more than the start of a program.
  const from = rows[1] ?? least;
  const straight = rows.map(({ trajectories }) => ({
    trajectories,
    seconds: (from.seconds * trajectories) / from.trajectories,
  }));
  const x = {
    type: 'log',
    label: 'trajectories',
    ticks: rows.map(row => row.trajectories),
    tickFormat: ',d',
    insetLeft: 44,
    insetRight: 16,
  };
  const size = {
    width: 460,
    height: 300,
    marginLeft: 56,
    marginTop: 34,
    marginBottom: 42,
    style: { color: ink, background: 'none' },
  };
  const time = Plot.plot({
    ...{ ...size, x },
    y: {
      type: 'log',
      label: 'first index, seconds',
      grid: true,
      ticks: [1, 3, 10, 30, 100],
      tickFormat: 'd',
    },
    marks: [
      Plot.line(straight, { x: 'trajectories', y: 'seconds', stroke: ink, strokeDasharray: '3 3' }),
      Plot.line(rows, { x: 'trajectories', y: 'seconds', stroke: '#0969da', marker: 'dot', strokeWidth: 2 }),
      Plot.text(rows, {
        x: 'trajectories',
        y: 'seconds',
        text: row => `${row.seconds} s`,
        dx: -22,
        dy: -10,
        fill: ink,
      }),
    ],
  });
  const memory = Plot.plot({
    ...{ ...size, x },
    y: { label: 'peak memory, MB', grid: true, domain: [0, 700] },
    marks: [
      Plot.line(rows, { x: 'trajectories', y: 'peak', stroke: '#bf3989', marker: 'dot', strokeWidth: 2 }),
      Plot.text(rows, { x: 'trajectories', y: 'peak', text: row => `${row.peak}`, dy: -12, fill: ink }),
    ],
  });
  const both = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  both.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  both.setAttribute('viewBox', '0 0 960 310');
  both.setAttribute('role', 'img');
  both.setAttribute('aria-label', 'Time and peak memory of the first index over the number of trajectories');
  memory.setAttribute('x', '490');
  both.append(time, memory);
  return both.outerHTML;
}, rows);
await browser.close();
writeFileSync(join(root, 'docs', 'images', 'size.svg'), `${svg}\n`);
