import * as vscode from 'vscode';
import { unwatched } from '../base/progress.ts';
import type { DeviceReport } from '../engine/devices.ts';
import { scrub } from '../jobs/scrub.ts';
import { runCommandLine } from './process.ts';
import type { RunWatch } from './run-watch.ts';
import type { LratWorkspace } from './workspace.ts';

/** Lines of the log that go along. */
const logLines = 200;

/** A log channel that remembers its last lines: its file cannot be read back in every host. */
export function rememberLines(channel: vscode.LogOutputChannel): {
  readonly log: vscode.LogOutputChannel;
  readonly lines: readonly string[];
} {
  const lines: string[] = [];
  const remember =
    (level: 'error' | 'warn' | 'info') =>
    (message: string | Error, ...rest: unknown[]): void => {
      const text = message instanceof Error ? (message.stack ?? message.message) : message;
      lines.push(...`${new Date().toISOString()} [${level}] ${text}`.split('\n'));
      lines.splice(0, lines.length - logLines);
      channel[level](message as string, ...rest);
    };
  const log = Object.create(channel, {
    error: { value: remember('error') },
    warn: { value: remember('warn') },
    info: { value: remember('info') },
  }) as vscode.LogOutputChannel;
  return { log, lines };
}

/**
 * What somebody who helps needs to know, as text to paste: versions, settings, counts, the end of our own log. Nothing of
 * a user's logs, no names, no secrets, and paths below the workspace only.
 */
async function diagnose(
  context: vscode.ExtensionContext,
  workspace: LratWorkspace,
  watch: RunWatch,
  lines: readonly string[],
): Promise<string> {
  const [index, runs, devices] = await Promise.all([
    describeIndex(workspace),
    describeRuns(watch),
    describeDevices(),
  ]);
  const { version } = context.extension.packageJSON;
  const place = vscode.env.remoteName === undefined ? 'local' : 'remote';
  return [
    `LRAT ${version}; ${vscode.env.appName} ${vscode.version}, ${place}; ${process.platform}-${process.arch}; Node ${process.versions.node}`,
    `Workspace: ${vscode.workspace.workspaceFolders?.length} folder(s), ${vscode.workspace.isTrusted ? 'trusted' : 'not trusted'}`,
    devices,
    '',
    'Settings',
    ...describeSettings(context.extension.packageJSON.contributes.configuration.properties),
    '',
    'Index',
    ...index,
    '',
    'Runs',
    ...runs,
    '',
    `The last lines of the log (at most ${logLines})`,
    scrub(lines.join('\n'), workspace.path),
    '',
  ].join('\n');
}

/** Copies what `diagnose` says, and says so. */
export async function copyDiagnostics(
  context: vscode.ExtensionContext,
  workspace: LratWorkspace,
  watch: RunWatch,
  lines: readonly string[],
): Promise<void> {
  await vscode.env.clipboard.writeText(await diagnose(context, workspace, watch, lines));
  void vscode.window.showInformationMessage(
    vscode.l10n.t(
      'The diagnostics are in the clipboard: versions, settings, counts and the end of LRAT’s own log.',
    ),
  );
}

/** Every setting with its value; of one that is a text only whether it is set. */
function describeSettings(properties: Readonly<Record<string, unknown>>): string[] {
  const configuration = vscode.workspace.getConfiguration();
  return Object.keys(properties).map(name => {
    const value = configuration.get<unknown>(name);
    return `  ${name}: ${typeof value === 'string' ? (value === '' ? 'not set' : 'set') : JSON.stringify(value)}`;
  });
}

async function describeIndex(workspace: LratWorkspace): Promise<string[]> {
  const { inspector } = workspace;
  if (!inspector.hasIndex) return ['  none'];
  const [status, entries] = await Promise.all([
    inspector.ask('status'),
    inspector.ask('trajectories', {}, { offset: 0, limit: -1 }),
  ]);
  const formats = Map.groupBy(entries, ({ format }) => format);
  return [
    `  ${status.trajectories} trajectories, ${status.searches} searches, ${status.browses} browses, ${status.problems.length} problems`,
    ...[...formats].map(([format, { length }]) => `  ${format}: ${length}`),
  ];
}

async function describeRuns(watch: RunWatch): Promise<string[]> {
  const { runs, problems } = await watch.look();
  const states = Map.groupBy(runs, ({ state }) => state);
  return [
    ...[...states].map(([state, { length }]) => `  ${length} ${state}`),
    ...(problems.length === 0 ? [] : [`  ${problems.length} that cannot be read`]),
    ...(runs.length + problems.length === 0 ? ['  none'] : []),
  ];
}

async function describeDevices(): Promise<string> {
  if (!vscode.workspace.isTrusted) return 'ONNX Runtime: not asked, the workspace is not trusted';
  try {
    const { runtime, providers, chosen } = (await runCommandLine(['devices'], unwatched)) as DeviceReport;
    const names = providers.map(({ name, bundled }) => (bundled ? name : `${name} (not bundled)`));
    return `ONNX Runtime ${runtime}: ${names.join(', ')}; LRAT chooses ${chosen.device}. ${chosen.reason}`;
  } catch {
    return 'ONNX Runtime: cannot be loaded (`lrat devices` says why)';
  }
}
