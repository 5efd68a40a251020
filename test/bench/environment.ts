import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const folder = join(root, '.cache', 'bench-python');
const windows = process.platform === 'win32';

/** Python of the benchmark's own virtual environment, with packages of its index; null, said why, without them. */
export function pythonWith(...packages: readonly string[]): string | null {
  const python = join(folder, windows ? 'Scripts/python.exe' : 'bin/python');
  const run = (program: string, ...args: string[]) =>
    spawnSync(program, args, { stdio: ['ignore', 2, 'inherit'] }).status === 0;
  const skip = (why: string): null => {
    console.error(`Left out for want of ${packages.join(', ')}: ${why}`);
    return null;
  };
  if (!existsSync(python) && !run(windows ? 'python' : 'python3', '-m', 'venv', folder)) {
    return skip('there is no Python 3 that can make a virtual environment.');
  }
  const list = join(folder, 'installed.txt');
  const installed = existsSync(list) ? readFileSync(list, 'utf8').split('\n') : [];
  const missing = packages.filter(name => !installed.includes(name));
  if (missing.length === 0) return python;
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  if (!run(python, ...install, ...missing)) return skip('pip cannot install it.');
  writeFileSync(list, [...installed, ...missing].join('\n'));
  return python;
}
