import { resolve } from 'node:path';
import type { Job } from '../base/progress.ts';
import { References } from '../trajectory/outcome.ts';
import { updateConfig } from '../workspace/config.ts';
import type { IndexStatus, UpdateReport } from '../workspace/index.ts';
import { existingWorkspace, inWorkspace } from './workspace.ts';

export interface IndexRequest {
  readonly workspace: string;
  /** Folders and files; none: those of the configuration. */
  readonly paths: readonly string[];
  /** Reference answers; remembered in the configuration, because outcomes depend on them. */
  readonly answers?: string | undefined;
}

export type IndexResult = UpdateReport & IndexStatus & { readonly notices: readonly string[] };

/** Brings the index of a workspace up to date with its logs. */
export async function buildIndex(
  { workspace, paths, answers }: IndexRequest,
  job: Job,
): Promise<IndexResult> {
  if (answers !== undefined) {
    const file = resolve(answers);
    const known = existingWorkspace(workspace);
    // A file that cannot be used must not stay in the configuration, where every later run would stumble over it.
    References.read(file);
    updateConfig(known, { answers: file });
  }
  return inWorkspace(workspace, async ({ index, config, notices }) => {
    const roots = paths.length > 0 ? paths : config.roots.map(root => resolve(workspace, root));
    const report = await index.update(
      roots.map(root => resolve(root)),
      job,
    );
    return { ...report, ...index.status(), notices };
  });
}

/** What the index of a workspace holds. */
export function indexStatus(
  workspace: string,
): Promise<IndexStatus & { readonly notices: readonly string[] }> {
  return inWorkspace(workspace, async ({ index, notices }) => ({ ...index.status(), notices }));
}
