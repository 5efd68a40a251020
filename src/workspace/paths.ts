import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { writeError, writeFileAtomic } from '../base/files.ts';

/** Where everything of a workspace lies on the disk. Nothing here need exist yet. */
export interface WorkspacePaths {
  /** The folder that the user works in; relative paths of the configuration are relative to it. */
  readonly workspace: string;
  /** `.lrat` in it, which holds all the rest. */
  readonly home: string;
  readonly config: string;
  readonly labels: string;
  readonly index: string;
  readonly pairs: string;
  readonly runs: string;
  readonly models: string;
  readonly indexes: string;
}

export function workspacePaths(workspace: string): WorkspacePaths {
  const root = resolve(workspace);
  const home = join(root, '.lrat');
  return {
    workspace: root,
    home,
    config: join(home, 'config.json'),
    labels: join(home, 'labels.jsonl'),
    index: join(home, 'index.db'),
    pairs: join(home, 'pairs'),
    runs: join(home, 'runs'),
    models: join(home, 'models'),
    indexes: join(home, 'indexes'),
  };
}

/** What can be made again, or is too large, stays out of version control; config.json and labels.jsonl belong in it. */
const gitignore = `index.db*
judge-cache.jsonl
corpus.jsonl
pairs/
runs/
models/
indexes/
*.tmp
`;

/** Makes the `.lrat` folder of a workspace, with its .gitignore, if it is not there. */
export function ensureWorkspace(workspace: string): WorkspacePaths {
  const paths = workspacePaths(workspace);
  try {
    mkdirSync(paths.home, { recursive: true });
  } catch (error) {
    throw writeError(paths.home, error);
  }
  const ignore = join(paths.home, '.gitignore');
  if (!existsSync(ignore)) writeFileAtomic(ignore, gitignore);
  return paths;
}
