// `npm run package [-- TARGET]`: the extension as a VSIX for one platform. Everything is put together in an empty folder, so
// that nothing can come along from the working tree by chance; `.vscodeignore` says once more what may be in it.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createVSIX } from '@vscode/vsce';
import { bundle } from '../esbuild.mjs';
import { root } from './results.mjs';

/** What the package has of the tree as it is. */
const shipped = /^(CHANGELOG\.md|LICENSE|l10n|media|package\.nls(\..+)?\.json)$/;

/** Bytes; more than this is refused. */
const largest = 45e6;

/** Beside its binding, what ONNX Runtime needs on a platform. The dylib lies in its package twice, under two names. */
const libraries = {
  'linux-x64': ['libonnxruntime.so.1'],
  'linux-arm64': ['libonnxruntime.so.1'],
  'darwin-arm64': ['libonnxruntime.1.dylib'],
  'win32-x64': ['onnxruntime.dll', 'DirectML.dll', 'dxcompiler.dll', 'dxil.dll'],
};

/** @typedef {keyof typeof libraries} Target */

/** @param {string} name */
const packageFolder = name => join(root, 'node_modules', ...name.split('/'));

/**
 * Makes the package.
 * @param {string} target
 * @param {string} folder where it goes
 * @returns {Promise<{ path: string, bytes: number }>}
 */
export async function makePackage(target, folder) {
  if (!Object.hasOwn(libraries, target)) {
    throw new Error(
      `LRAT is not packaged for ${target}: ONNX Runtime has no binary for it. Choose one of ${Object.keys(libraries).join(', ')}.`,
    );
  }
  // What only the working tree has a use for. vsce reads `type` too: the host loads `main` as what its ending says.
  const {
    scripts: _,
    dependencies: _1,
    devDependencies: _2,
    bin: _3,
    private: _4,
    ...manifest
  } = readJson(join(root, 'package.json'));
  const stage = mkdtempSync(join(tmpdir(), 'lrat-package-'));
  try {
    writeFileSync(join(stage, 'package.json'), JSON.stringify(manifest));
    for (const name of readdirSync(root).filter(each => shipped.test(each))) {
      cpSync(join(root, name), join(stage, name), { recursive: true });
    }
    const packages = await bundle(join(stage, 'dist'), { packaged: true });
    copyRuntime(/** @type {Target} */ (target), join(stage, 'dist', 'node_modules'));
    writeFileSync(
      join(stage, 'dist', 'NOTICES.txt'),
      notices([...packages, ...runtimePackages.map(packageFolder)]),
    );

    mkdirSync(folder, { recursive: true });
    const path = join(folder, `${manifest.name}-${target}-${manifest.version}.vsix`);
    await createVSIX({
      cwd: stage,
      target,
      packagePath: path,
      ignoreFile: join(root, '.vscodeignore'),
      readmePath: 'media/extension.md',
      dependencies: false,
      allowMissingRepository: true,
    });
    const bytes = statSync(path).size;
    if (bytes > largest) {
      rmSync(path);
      throw new Error(
        `The package for ${target} has ${megabytes(bytes)}; at most ${megabytes(largest)} are allowed.`,
      );
    }
    return { path, bytes };
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/** What stays outside the bundle, for a native library lies beside it. */
const runtimePackages = ['onnxruntime-node', 'onnxruntime-common'];

/** @param {Target} target @param {string} to the bundle finds packages in `node_modules` beside it */
function copyRuntime(target, to) {
  const binaries = join('bin', 'napi-v6', ...target.split('-'));
  // npm leaves optional files out in silence.
  for (const file of ['onnxruntime_binding.node', ...libraries[target]]) {
    const from = join(packageFolder('onnxruntime-node'), binaries, file);
    if (!existsSync(from))
      throw new Error(`${from} is missing: run \`npm run setup\` again; it is part of onnxruntime-node.`);
    cpSync(from, join(to, 'onnxruntime-node', binaries, file));
  }
  for (const [name, code] of [
    ['onnxruntime-node', 'dist'],
    ['onnxruntime-common', 'dist/cjs'],
  ]) {
    cpSync(join(packageFolder(name), 'package.json'), join(to, name, 'package.json'));
    cpSync(join(packageFolder(name), code), join(to, name, code), {
      recursive: true,
      filter: path => !/\.(map|d\.ts)$/.test(path),
    });
  }
}

/** The licences of packages, by their folders. @param {string[]} folders */
function notices(folders) {
  const parts = folders.map(folder => {
    const { name, version, license } = readJson(join(folder, 'package.json'));
    const file = readdirSync(folder).find(each => /^licen[cs]e/i.test(each));
    const text = file === undefined ? '' : `\n\n${readFileSync(join(folder, file), 'utf8').trim()}`;
    return `${name} ${version} (${license})${text}`;
  });
  return `LRAT contains code of these packages.\n\n${parts.sort().join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

/** @param {string} path */
function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** @param {number} bytes */
const megabytes = bytes => `${(bytes / 1e6).toFixed(1)} MB`;

if (import.meta.main) {
  const [target = 'linux-x64'] = process.argv.slice(2);
  try {
    const { path, bytes } = await makePackage(target, root);
    console.log(`${path}: ${megabytes(bytes)}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
