import { defineConfig } from 'vitest/config';

/** What runs on WebGPU, in processes of its own: a driver that fails may take its process with it. */
export default defineConfig({
  test: {
    include: ['test/webgpu/**/*.test.ts', 'test/unit/engine/{operators,layers,device-adamw}.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 1,
    env: { ORT_DISABLE_TELEMETRY: '1', LRAT_TEST_DEVICE: 'webgpu' },
  },
});
