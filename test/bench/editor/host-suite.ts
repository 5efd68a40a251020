import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { queryObjects, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as vscode from 'vscode';

/** Milliseconds. */
const settling = 3000;
/** Until a view shows its first content, with time to spare: it takes a third of that (see the other figures). */
const showing = 800;
/** Views opened and closed before the memory is measured for the first time, and between the two measurements. */
const [warming, turns] = [21, 100];

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Measures inside the extension host; VS Code's test mode calls it. Writes its figures to LRAT_BENCH_REPORT. */
export async function run(): Promise<void> {
  const extension = vscode.extensions.getExtension('lrat.lrat')!;
  if (extension.isActive) throw new Error('The extension works before anybody asked for it.');
  // The workbench's own extensions start first.
  await pause(settling);
  const idle = await longestBlock(() => pause(settling));
  const begun = performance.now();
  await extension.activate();
  const activation = performance.now() - begun;
  await vscode.commands.executeCommand('lrat.trajectories.focus');
  await pause(settling);
  const indexing = await longestBlock(async () => {
    const status = await vscode.commands.executeCommand<{ trajectories: number } | undefined>('lrat.index');
    if (!status?.trajectories) throw new Error('Nothing was indexed.');
  });

  const folder = vscode.workspace.workspaceFolders![0]!.uri.fsPath;
  const log = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find(name =>
    name.endsWith('.json'),
  )!;
  const uri = vscode.Uri.file(join(folder, log));
  const trajectory = String(JSON.parse(readFileSync(uri.fsPath, 'utf8')).query_id);
  const views = [
    () => vscode.commands.executeCommand('vscode.openWith', uri, 'lrat.trajectory'),
    () => vscode.commands.executeCommand('lrat.openPairs'),
    () => vscode.commands.executeCommand('lrat.openTranscript', { entry: { log, trajectory } }),
  ];
  await openAndClose(views, warming);
  const before = await held();
  await openAndClose(views, turns);
  const after = await held();

  const figures = {
    'ms of activation': activation,
    'ms longest block of the event loop while idle': idle,
    'ms longest block of the event loop while indexing': indexing,
    'more disposables after 100 times open and close': after.disposables - before.disposables,
    'more functions after 100 times open and close': after.functions - before.functions,
    '% more memory after 100 times open and close': (100 * (after.heap - before.heap)) / before.heap,
  };
  writeFileSync(process.env.LRAT_BENCH_REPORT!, JSON.stringify(figures));
}

/** Milliseconds that the event loop was blocked longest while something was done. */
async function longestBlock(work: () => Thenable<unknown>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await work();
  delay.disable();
  return delay.max / 1e6;
}

/** Opens the kinds of view in turn, each until its first content stands there, and closes it. */
async function openAndClose(views: readonly (() => Thenable<unknown>)[], times: number): Promise<void> {
  for (let turn = 0; turn < times; turn++) {
    await views[turn % views.length]!();
    await pause(showing);
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
  }
}

/** What the host holds once everything that can go is gone. */
async function held(): Promise<{ heap: number; disposables: number; functions: number }> {
  for (let i = 0; i < 5; i++) {
    await pause(500);
    collect();
  }
  return {
    heap: process.memoryUsage().heapUsed,
    disposables: Number(queryObjects(vscode.Disposable, { format: 'count' })),
    functions: Number(queryObjects(Function, { format: 'count' })),
  };
}
