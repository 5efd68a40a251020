// Reads broken logs by the hundred thousand: `npm run fuzz -- [--cases 200000] [--seed 1]`. The log of a case that fails
// is left in `.cache/fuzz`; `--case M` makes it again and runs it alone, here, where a debugger reaches it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openTokenCounter } from '../../src/base/tokenizer.ts';
import { caseOf, type FuzzCase, readSeeds, type Seeds, writeMadeLogs } from './cases.ts';
import { type Failure, fuzz } from './driver.ts';
import { checkLog } from './oracle.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '200000' },
    seed: { type: 'string', default: '1' },
    case: { type: 'string' },
  },
});
const seed = Number(values.seed);
/** So many of the cases that fail alike are kept. */
const shown = 5;
const kept = join(import.meta.dirname, '..', '..', '.cache', 'fuzz');
if (values.case === undefined) await runAll();
else await runOne(Number(values.case));

async function runOne(number: number): Promise<void> {
  const { fixture, changes, path } = keep(caseOf(await seeds(), seed, number));
  console.log(`${path} (${fixture}: ${changes.join(', ')})`);
  console.log(checkLog(path, await openTokenCounter('words')));
}

async function seeds(): Promise<Seeds> {
  const folder = mkdtempSync(join(tmpdir(), 'lrat-fuzz-case-'));
  await writeMadeLogs(folder);
  const all = readSeeds(folder);
  rmSync(folder, { recursive: true });
  return all;
}

/** Leaves the log of a case where a person can look at it. */
function keep(made: FuzzCase): FuzzCase & { readonly path: string } {
  const path = join(kept, `${seed}-${made.number}${made.extension}`);
  mkdirSync(kept, { recursive: true });
  writeFileSync(path, made.bytes);
  return { ...made, path };
}

async function runAll(): Promise<void> {
  const cases = Number(values.cases);
  const processes = availableParallelism();
  const began = performance.now();
  const onFailure = ({ number, fixture, what }: Failure): void =>
    console.error(`case ${number} (${fixture}): ${what.split('\n')[0]}`);
  const onDone = (done: number): void => {
    if (done % 10_000 === 0) console.error(`${done} of ${cases}`);
  };
  const { totals, failures, slowest, slowestIndex, mebibytes } = await fuzz({
    seed,
    cases,
    processes,
    onDone,
    onFailure,
  });
  const seconds = (performance.now() - began) / 1000;

  const all = await seeds();
  for (const same of Map.groupBy(
    failures,
    ({ fixture, what }) => `${fixture} ${what.split('\n')[0]}`,
  ).values()) {
    console.log(`${same[0]!.fixture}, ${same.length} times: ${same[0]!.what}`);
    for (const { number, changes } of same.slice(0, shown)) {
      const { path } = keep(caseOf(all, seed, number));
      console.log(`  --seed ${seed} --case ${number} (${changes.join(', ')}): ${path}`);
    }
  }
  const table = [...totals].sort(([a], [b]) => (a < b ? -1 : 1));
  const sum = { trajectory: 0, problem: 0, unrecognised: 0 };
  for (const [, of] of table)
    for (const kind of Object.keys(sum) as (keyof typeof sum)[]) sum[kind] += of[kind];
  console.table(Object.fromEntries([...table, ['all', sum]]));
  console.log(
    `${cases} cases in ${seconds.toFixed(0)} s (${(cases / seconds).toFixed(0)} per second), ${failures.length} failures; ` +
      `slowest ${slowest.ms.toFixed(0)} ms (--case ${slowest.number}, ${slowest.fixture}), slowest index ${slowestIndex.toFixed(0)} ms, most memory ${mebibytes.toFixed(0)} MiB`,
  );
  process.exitCode = failures.length === 0 ? 0 : 1;
}
