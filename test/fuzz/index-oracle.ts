import { lstatSync, readdirSync, readFileSync, readlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { unwatched } from '../../src/base/progress.ts';
import { fingerprint } from '../../src/base/text.ts';
import { readConfig } from '../../src/workspace/config.ts';
import { readSettings, TrajectoryIndex } from '../../src/workspace/index.ts';
import { workspacePaths } from '../../src/workspace/paths.ts';
import { reading } from './cases.ts';
import { demand, type Outcome } from './oracle.ts';

/**
 * Brings the index of a workspace up to date with the logs in its folder `logs`, and fails if it says anything else of
 * them than reading each did, or if anything has changed that is not in `.lrat`.
 *
 * @param outcomes by file name
 */
export async function checkIndex(workspace: string, outcomes: ReadonlyMap<string, Outcome>): Promise<void> {
  // Logs that have rested: of one that was written just now the index awaits the rest.
  for (const name of outcomes.keys()) utimesSync(join(workspace, 'logs', name), 0, 0);
  const before = snapshot(workspace);
  const paths = workspacePaths(workspace);
  const settings = readSettings({ ...readConfig(paths), ...reading, tokenizer: 'words' }, paths);
  const index = TrajectoryIndex.open(paths, settings, notice => demand(false, `the index says: ${notice}`));
  try {
    const { found, read } = await index.update([join(workspace, 'logs')], unwatched, { threads: 1 });
    demand(
      found === outcomes.size && read === found,
      `of ${outcomes.size} files ${read} of ${found} were read`,
    );
    for (const [name, { trajectories, problems, unrecognised }] of outcomes) {
      const known = index.fileAt(join(workspace, 'logs', name));
      demand(known !== null, `the index does not know ${name}`);
      const held = index.trajectoriesIn(known.log);
      demand(held === trajectories, `of the ${trajectories} trajectories in ${name} the index has ${held}`);
      const said = new Set(known.problems.map(({ place, reason }) => `${place}: ${reason}`));
      const wanted = unrecognised === null ? problems : [{ place: '', reason: unrecognised }];
      // A database holds no halves of characters.
      for (const { place, reason } of wanted)
        demand(
          said.has(`${place}: ${reason}`.toWellFormed()),
          `of ${name} the index does not say: ${reason}`,
        );
    }
  } finally {
    index.close();
  }
  demand(snapshot(workspace) === before, 'something beside .lrat has changed');
}

/** What lies in a folder beside `.lrat`, as text: kinds, times and contents. Links are not followed, unlike by `readdir`. */
export function snapshot(folder: string): string {
  const lines: string[] = [];
  const open = [folder];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      const path = join(at, entry.name);
      if (path === join(folder, '.lrat')) continue;
      const stats = lstatSync(path, { throwIfNoEntry: false });
      const content = entry.isFile() && stats !== undefined ? fingerprint(readFileSync(path, 'latin1')) : '';
      const target = entry.isSymbolicLink() ? readlinkSync(path) : '';
      lines.push([path, stats?.mode, stats?.size, stats?.mtimeMs, content, target].join(' '));
      if (entry.isDirectory()) open.push(path);
    }
  }
  return lines.sort().join('\n');
}
