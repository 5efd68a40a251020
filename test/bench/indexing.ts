// How fast logs are indexed: `node test/bench/indexing.ts FOLDER`, with logs that generate-logs.ts has written.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readConfig } from '../../src/workspace/config.ts';
import { readSettings, TrajectoryIndex } from '../../src/workspace/index.ts';
import { ensureWorkspace } from '../../src/workspace/paths.ts';

const logs = resolve(process.argv[2]!);
const folder = mkdtempSync(join(tmpdir(), 'lrat-bench-'));
const paths = ensureWorkspace(folder);
const settings = readSettings(readConfig(paths), paths);

/** Seconds that a piece of work takes; what it gives is printed behind them. */
async function timed(what: string, work: () => unknown): Promise<number> {
  const [before, cpu] = [performance.now(), process.cpuUsage()];
  const result = await work();
  const seconds = (performance.now() - before) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const busy = ((user + system) / 1e6).toFixed(2);
  console.log(`${what.padEnd(24)} ${seconds.toFixed(3)} s (CPU ${busy} s) ${JSON.stringify(result)}`);
  return seconds;
}

try {
  const index = TrajectoryIndex.open(paths, settings, console.error);
  let bytes = 0;
  const seconds = await timed('index', async () => {
    const report = await index.update([logs]);
    bytes = report.bytes;
    return report;
  });
  const { trajectories } = index.status();
  console.log(
    `  ${(bytes / 1e6 / seconds).toFixed(1)} MB/s, ${(trajectories / seconds).toFixed(0)} trajectories/s`,
  );
  await timed('index, nothing changed', () => index.update([logs]));
  await timed('status', () => index.status().trajectories);
  await timed('outlines', () => {
    let steps = 0;
    for (const outline of index.outlines()) steps += outline.steps.length;
    return { steps };
  });
  index.close();
  const { size } = statSync(paths.index);
  console.log(`index: ${(size / 1e6).toFixed(1)} MB, ${((100 * size) / bytes).toFixed(1)} % of the logs`);
  console.log(`peak memory: ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
