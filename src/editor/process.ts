import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { LratError } from '../base/errors.ts';
import { type Job, parseProgress } from '../base/progress.ts';

/** The bundled command line, beside the bundled extension. */
export const cli = fileURLToPath(new URL('./cli.mjs', import.meta.url));

/** Processes whose answer somebody in this window waits for, or waited for. */
const awaited = new Set<number>();

/** Whether the end of a process is told by what started it here. */
export function isAwaited(pid: number | null): boolean {
  return pid !== null && awaited.has(pid);
}

/**
 * Runs the command line as a child process, so that nothing it does can block the extension host, and gives back the
 * one JSON object of its standard output. The process has a session of its own: it goes on when the window reloads or
 * closes, and a run is found again.
 *
 * @param args arguments of `lrat`, without `--json`
 * @param secrets what only the environment may carry
 * @throws LratError with the command's own words if it fails; an AbortError if the job was cancelled
 */
export function runCommandLine(
  args: readonly string[],
  job: Job,
  secrets: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cli, ...args, '--json'], {
      // In the desktop program execPath is Electron, which is Node when told so.
      env: {
        ...process.env,
        ...secrets,
        ...{ ELECTRON_RUN_AS_NODE: '1', ORT_DISABLE_TELEMETRY: '1' },
        ...{ LRAT_PROGRESS: 'json', LRAT_BACKGROUND: '1' },
      },
      detached: true,
      windowsHide: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    if (child.pid !== undefined) awaited.add(child.pid);
    const stop = () => child.kill('SIGINT');
    job.signal.addEventListener('abort', stop, { once: true });

    let output = '';
    let words = '';
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const progress = parseProgress(line);
        if (progress === undefined) words += `${line}\n`;
        else job.report(progress);
      }
    });
    child.on('error', reject);
    child.on('close', code => {
      job.signal.removeEventListener('abort', stop);
      if (job.signal.aborted || code === 130) return reject(new DOMException('Cancelled.', 'AbortError'));
      if (code !== 0) return reject(new LratError((words + rest).trim() || `lrat ended with code ${code}.`));
      try {
        resolve(JSON.parse(output));
      } catch (cause) {
        reject(new LratError('The command line gave no JSON.', { cause }));
      }
    });
  });
}
