import { defineConfig } from 'vitest/config';

/** Tests through the screen: one workbench at a time, in a real browser. */
export default defineConfig({
  test: {
    include: ['test/ui/**/*.test.ts', 'test/package/**/*.test.ts'],
    setupFiles: 'test/ui/failures.ts',
    testTimeout: 120_000,
    hookTimeout: 180_000,
    // On a busy machine a second is not enough for what is looked at until it is so.
    expect: { poll: { timeout: 20_000 } },
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
  },
});
