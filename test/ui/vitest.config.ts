import { defineConfig } from 'vitest/config';

/** Tests through the screen: one workbench at a time, in a real browser. */
export default defineConfig({
  test: {
    include: ['test/ui/**/*.test.ts', 'test/package/**/*.test.ts'],
    setupFiles: 'test/ui/failures.ts',
    testTimeout: 120_000,
    hookTimeout: 180_000,
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
  },
});
