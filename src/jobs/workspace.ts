import { existsSync } from 'node:fs';
import { LratError } from '../base/errors.ts';
import { type Config, readConfig } from '../workspace/config.ts';
import { readSettings, TrajectoryIndex } from '../workspace/index.ts';
import { type WorkspacePaths, workspacePaths } from '../workspace/paths.ts';

/** A workspace while a job works in it. */
export interface OpenWorkspace {
  readonly paths: WorkspacePaths;
  readonly config: Config;
  readonly index: TrajectoryIndex;
  /** What the user should know, such as that a damaged index was set aside. */
  readonly notices: string[];
}

/** Opens a workspace for the length of some work. `settings` stand before those of its configuration. */
export async function inWorkspace<Result>(
  folder: string,
  work: (workspace: OpenWorkspace) => Promise<Result>,
  settings: Partial<Pick<Config, 'answers' | 'tokenizer'>> = {},
): Promise<Result> {
  if (!existsSync(folder)) {
    throw new LratError('does not exist.', {
      place: folder,
      remedy: 'Name an existing folder with --workspace.',
    });
  }
  const paths = workspacePaths(folder);
  const config = { ...readConfig(paths), ...settings };
  const notices: string[] = [];
  const index = TrajectoryIndex.open(paths, readSettings(config, paths), notice => notices.push(notice));
  try {
    return await work({ paths, config, index, notices });
  } finally {
    index.close();
  }
}
