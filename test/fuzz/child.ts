// Reads every `apart`th case from `from` up to `to`, and says what became of each before the next one begins: whoever
// started this process knows which case it died of. Some hundred cases at a time are indexed together.
// Arguments: own folder, folder of more fixtures, seed, from, to, apart.
import { mkdirSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openTokenCounter } from '../../src/base/tokenizer.ts';
import { caseOf, readSeeds } from './cases.ts';
import type { Line } from './driver.ts';
import { checkIndex } from './index-oracle.ts';
import { checkLog, type Outcome } from './oracle.ts';

const indexedTogether = 200;

const [folder, more, ...numbers] = process.argv.slice(2);
const [seed = 0, from = 0, to = 0, apart = 1] = numbers.map(Number);
const seeds = readSeeds(more!);
const counter = await openTokenCounter('words');
const logs = join(folder!, 'logs');
rmSync(logs, { recursive: true, force: true });
mkdirSync(logs);
const outcomes = new Map<string, Outcome>();

for (let number = from; number < to; number += apart) {
  const { fixture, changes, bytes, extension } = caseOf(seeds, seed, number);
  const name = `${number}${extension}`;
  const path = join(logs, name);
  writeFileSync(path, bytes);
  await report({ number, fixture, changes }, () => {
    const outcome = checkLog(path, counter);
    outcomes.set(name, outcome);
    const { trajectories, problems } = outcome;
    return trajectories > 0 ? 'trajectory' : problems.length > 0 ? 'problem' : 'unrecognised';
  });
  // A log that is wrong by itself is no test of the index.
  if (!outcomes.has(name)) rmSync(path);
  if (outcomes.size < indexedTogether && number + apart < to) continue;
  const changed = [`index of ${outcomes.size} logs`];
  await report({ number, fixture: 'index', changes: changed, isIndex: true }, () =>
    checkIndex(folder!, outcomes),
  );
  for (const indexed of outcomes.keys()) rmSync(join(logs, indexed));
  outcomes.clear();
}

/** Says that something begins, and how it ended, in what time and memory. */
async function report(line: Line, work: () => Line['outcome'] | Promise<void>): Promise<void> {
  tell(line);
  const [before, began] = [process.cpuUsage(), performance.now()];
  let result: Pick<Line, 'outcome' | 'failure'> = {};
  try {
    const outcome = await work();
    if (outcome !== undefined) result = { outcome };
  } catch (error) {
    result = { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  const { user, system } = process.cpuUsage(before);
  const clock = performance.now() - began;
  const ms = (user + system) / 1000;
  tell({ ...line, ...result, ms, clock, kilobytes: process.resourceUsage().maxRSS });
}

function tell(line: Line): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}
