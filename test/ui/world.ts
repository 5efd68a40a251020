import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gatherLogs, roadPaths } from '../../src/agent/road.ts';
import { defaultWorld, generateWorld } from '../../src/agent/world.ts';
import { unwatched } from '../../src/base/progress.ts';
import { Random } from '../../src/base/random.ts';

/** A folder with the logs that the simulated agent leaves on a small world, not yet indexed. */
export async function simulatedWorkspace(questions: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'lrat-ui-'));
  const settings = { ...defaultWorld, seed: 3, pages: 600, starts: 120, training: questions, heldOut: 20 };
  const world = generateWorld(settings, Random.seeded(settings.seed));
  await gatherLogs(world, roadPaths(folder), settings.seed, unwatched);
  return folder;
}
