// How fast logs are indexed: `node test/bench/indexing.ts [logs] [seed]`; 1,000 logs of 60 KB without arguments.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../src/workspace/config.ts';
import { readSettings, TrajectoryIndex } from '../../src/workspace/index.ts';
import { ensureWorkspace } from '../../src/workspace/paths.ts';
import { generateLogs } from './generate-logs.ts';

const [count = 1000, seed = 1] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), 'lrat-bench-'));
const logs = join(folder, 'logs');
const bytes = generateLogs(logs, count, seed);
const paths = ensureWorkspace(folder);
const settings = readSettings(readConfig(paths), paths);

async function timed<Result>(what: string, work: () => Result | Promise<Result>): Promise<Result> {
  const [before, cpu] = [performance.now(), process.cpuUsage()];
  const result = await work();
  const seconds = (performance.now() - before) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const rate = `${(count / seconds).toFixed(0)} trajectories/s, ${(bytes / 1e6 / seconds).toFixed(1)} MB/s`;
  console.log(
    `${what.padEnd(28)} ${seconds.toFixed(3)} s (CPU ${((user + system) / 1e6).toFixed(2)} s), ${rate}`,
  );
  return result;
}

try {
  console.log(`${count} logs, ${(bytes / 1e6).toFixed(1)} MB, ${(bytes / count / 1e3).toFixed(1)} KB each`);
  const index = TrajectoryIndex.open(paths, settings, console.error);
  await timed('index', () => index.update([logs]));
  await timed('index, nothing changed', () => index.update([logs]));
  await timed('status', () => index.status());
  await timed('outlines', () => {
    for (const _ of index.outlines());
  });
  index.close();
  const size = statSync(paths.index).size;
  console.log(`index: ${(size / 1e6).toFixed(1)} MB, ${((100 * size) / bytes).toFixed(1)} % of the logs`);
  console.log(`peak memory: ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
