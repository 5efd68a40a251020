import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'lrat-lost-gpu-'));
const lost = join(folder, 'lose');
const full = join(folder, 'full');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Puts a driver that can lose its device in front of the software one. @returns why that cannot be; null if it could */
function installDriver(): string | null {
  const installed = '/usr/share/vulkan/icd.d';
  if (!existsSync(installed) || !readdirSync(installed).some(name => name.startsWith('lvp_icd')))
    return 'lavapipe is not installed';
  const library = join(folder, 'liblost-gpu.so');
  const { status } = spawnSync('cc', [
    ...['-shared', '-fPIC', '-o', library],
    ...[join(import.meta.dirname, 'lost-gpu.c'), '-ldl'],
  ]);
  if (status !== 0) return 'there is no C compiler';
  const manifest = join(folder, 'driver.json');
  const driver = { file_format_version: '1.0.0', ICD: { library_path: library, api_version: '1.3.0' } };
  writeFileSync(manifest, JSON.stringify(driver));
  // Nothing of this process has asked for drivers yet.
  process.env.VK_DRIVER_FILES = manifest;
  process.env.LRAT_TEST_LOSE_GPU = lost;
  process.env.LRAT_TEST_FILL_GPU = full;
  return null;
}

/** Why no GPU can be lost here; null where one can. */
export const reason = installDriver();
if (reason !== null) console.log(`The test of a lost GPU is skipped: ${reason}.`);

/** From now on the GPU is lost, for this process for good. */
export function loseGpu(): void {
  writeFileSync(lost, '');
}

/** Until the function that is given back is called, the GPU has no memory for large buffers. */
export function fillGpu(): () => void {
  writeFileSync(full, '');
  return () => rmSync(full);
}
