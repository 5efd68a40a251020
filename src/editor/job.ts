import * as vscode from 'vscode';
import type { Job } from '../base/progress.ts';
import { whole } from './figures.ts';

/** Does long work with its progress in a notification, whose button stops it. */
export function withJob<Result>(title: string, work: (job: Job) => Promise<Result>): Thenable<Result> {
  return vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title, cancellable: true },
    async (progress, token) => {
      const controller = new AbortController();
      token.onCancellationRequested(() => controller.abort());
      let before = 0;
      return work({
        signal: controller.signal,
        report: ({ done, total }) => {
          const share = total === undefined ? 0 : (100 * done) / total;
          const count = total === undefined ? [done] : [done, total];
          const message = count.map(whole).join(' / ');
          // Work of several parts begins anew with each.
          progress.report({ message, increment: Math.max(0, share - before) });
          before = share;
        },
      });
    },
  );
}
