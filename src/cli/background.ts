import { spawn } from 'node:child_process';
import { parseProgress } from '../base/progress.ts';
import { samePress, type Terminal } from './terminal.ts';

/**
 * Runs this command line once more as a process of its own session and follows it. That process goes on when the
 * follower ends: a closed terminal or a stopped task does not end it. Ctrl-C is passed on, so it still stops the work.
 *
 * @param args arguments of `lrat` for that process
 * @returns its exit code; 0 if the follower leaves before it ends
 */
export function followInBackground(args: readonly string[], terminal: Terminal): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...args], {
      detached: true,
      windowsHide: true,
      env: { ...process.env, LRAT_PROGRESS: 'json', LRAT_BACKGROUND: '1' },
      // When the follower is gone, nobody reads these: the command line takes that in its stride.
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let rest = '';
    child.stdout.pipe(process.stdout, { end: false });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const progress = parseProgress(line);
        if (progress === undefined) terminal.say(line);
        else terminal.report(progress);
      }
    });
    child.on('error', reject);
    child.on('close', code => {
      terminal.close();
      if (rest !== '') terminal.say(rest);
      resolve(code ?? 1);
    });

    let pressed = Number.NEGATIVE_INFINITY;
    process.on('SIGINT', () => {
      if (performance.now() - pressed < samePress) return;
      pressed = performance.now();
      child.kill('SIGINT');
    });
    for (const name of ['SIGTERM', 'SIGHUP'] as const) {
      process.on(name, () => {
        terminal.close();
        terminal.say('The run goes on in the background: `lrat runs` shows it, `lrat stop RUN` stops it.');
        process.exit(0);
      });
    }
  });
}
