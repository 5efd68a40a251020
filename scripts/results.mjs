// The counts of a test lane, kept so that several lanes can be added up.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const resultsFolder = join(root, '.cache', 'test-results');

/**
 * `failures` has what failed, by name and message; it may be left out where the lane's own output is all there is.
 * @typedef {{ passed: number, failed: number, skipped: number, failures?: { name: string, message: string }[] }} Counts
 */

/** @param {string} lane @param {Counts} counts */
export function record(lane, counts) {
  mkdirSync(resultsFolder, { recursive: true });
  writeFileSync(join(resultsFolder, `${lane}.json`), JSON.stringify(counts));
}

/** @param {string[]} lanes @returns {Required<Counts>} a lane without a record counts as one failure */
export function total(lanes) {
  const sum = { passed: 0, failed: 0, skipped: 0, failures: [] };
  for (const lane of lanes) {
    let counts = { passed: 0, failed: 1, skipped: 0, failures: [{ name: lane, message: 'left no counts' }] };
    try {
      counts = JSON.parse(readFileSync(join(resultsFolder, `${lane}.json`), 'utf8'));
    } catch {}
    sum.passed += counts.passed;
    sum.failed += counts.failed;
    sum.skipped += counts.skipped;
    for (const { name, message } of counts.failures ?? [])
      sum.failures.push({ name: `${lane}: ${name}`, message });
  }
  return sum;
}

/** Ends a command: what failed, so that the end of its output says it, then the totals. @param {Required<Counts>} sum */
export function finish(sum) {
  for (const { name, message } of sum.failures) {
    const lines = message.split('\n').slice(0, messageLines);
    console.log(`FAILED ${name}\n${lines.map(text => `  ${text}`).join('\n')}`);
  }
  console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
  process.exit(sum.failed === 0 ? 0 : 1);
}

/** Of a message, which may have a picture of a page or a difference of thousands of lines. */
const messageLines = 12;
