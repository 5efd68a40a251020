import { appendFileSync, writeFileSync } from 'node:fs';
import { format } from 'node:util';
import Mocha from 'mocha';

/** The test files of each kind of window. */
const windows = {
  folder: async () => {
    await import('./extension.test.ts');
    await import('./around.test.ts');
    await import('./commands.test.ts');
    await import('./evaluate.test.ts');
    await import('./export.test.ts');
    await import('./follow.test.ts');
    await import('./labels.test.ts');
    await import('./manifest.test.ts');
    await import('./notes.test.ts');
    await import('./pairs.test.ts');
    await import('./runs.test.ts');
    await import('./trajectories.test.ts');
    await import('./trees.test.ts');
    await import('./transcript.test.ts');
  },
  indexed: () => import('./indexed.test.ts'),
  none: () => import('./no-folder.test.ts'),
};

/** Runs the test files of a window inside the extension host; VS Code's test mode calls it. */
export async function run(): Promise<void> {
  const output = process.env.LRAT_TEST_OUTPUT;
  if (output !== undefined) {
    Mocha.reporters.Base.consoleLog = (...args: unknown[]) => appendFileSync(output, `${format(...args)}\n`);
  }
  const mocha = new Mocha({ ui: 'bdd', timeout: 60_000, color: false });
  mocha.suite.emit('pre-require', globalThis, '', mocha);
  await windows[process.env.LRAT_TEST_WINDOW as keyof typeof windows]();
  const failures: { name: string; message: string }[] = [];
  await new Promise<void>((resolve, reject) => {
    const runner = mocha.run(failed => {
      const { passes = 0, pending = 0 } = runner.stats ?? {};
      const report = process.env.LRAT_TEST_REPORT;
      if (report !== undefined)
        writeFileSync(report, JSON.stringify({ passed: passes, failed, skipped: pending, failures }));
      if (failed === 0) resolve();
      else reject(new Error(`${failed} tests failed.`));
    });
    runner.on('fail', (test, error: unknown) =>
      failures.push({
        name: test.fullTitle(),
        message: error instanceof Error ? (error.stack ?? '') : String(error),
      }),
    );
  });
}
