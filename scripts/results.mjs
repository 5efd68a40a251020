// The counts of a test lane, kept so that several lanes can be added up.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const resultsFolder = join(root, '.cache', 'test-results');

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/** @param {string} lane @param {Counts} counts */
export function record(lane, counts) {
  mkdirSync(resultsFolder, { recursive: true });
  writeFileSync(join(resultsFolder, `${lane}.json`), JSON.stringify(counts));
}

/** @param {string[]} lanes @returns {Counts} a lane without a record counts as one failure */
export function total(lanes) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const lane of lanes) {
    let counts = { passed: 0, failed: 1, skipped: 0 };
    try {
      counts = JSON.parse(readFileSync(join(resultsFolder, `${lane}.json`), 'utf8'));
    } catch {
      console.error(`The lane "${lane}" left no counts: it counts as failed.`);
    }
    sum.passed += counts.passed;
    sum.failed += counts.failed;
    sum.skipped += counts.skipped;
  }
  return sum;
}

/** @param {Counts} counts */
export const line = ({ passed, failed, skipped }) => `${passed} passed, ${failed} failed, ${skipped} skipped`;
