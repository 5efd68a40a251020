// Bundles the command line, the extension, their workers and the webviews into `dist`; `scripts/package.mjs` bundles the
// same into the package.
import { realpathSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

// Native packages, and those that read files beside their own, stay outside the bundle.
const external = ['vscode', 'onnxruntime-node'];

// Of transformers.js only the settings are used (`src/encoder/hub.ts`). Its entry would bring an ONNX Runtime for the web and
// sharp along, and load ONNX Runtime; the module of the settings, which the entry exports as it is, imports nothing.
const alias = {
  '@huggingface/transformers': './node_modules/@huggingface/transformers/src/env.js',
};

/**
 * @param {string} outdir emptied first
 * @param {{ packaged?: boolean }} options packaged: small, without source maps
 * @returns {Promise<string[]>} folders of the packages whose code went in
 */
export async function bundle(outdir, { packaged = false } = {}) {
  const shared = {
    bundle: true,
    platform: 'node',
    target: 'node22',
    external,
    alias,
    minify: packaged,
    sourcemap: !packaged,
    metafile: true,
    logLevel: 'warning',
  };
  rmSync(outdir, { recursive: true, force: true });
  const built = await Promise.all([
    build({
      ...shared,
      entryPoints: {
        cli: 'src/cli.ts',
        'read-worker': 'src/workspace/read-worker.ts',
        'text-worker': 'src/workspace/text-worker.ts',
        'webgpu-probe': 'src/engine/webgpu-probe.ts',
        'adamw-worker': 'src/engine/adamw-worker.ts',
        'search-worker': 'src/retrieval/search-worker.ts',
        'trial-worker': 'src/agent/trial-worker.ts',
        'inspect-worker': 'src/jobs/inspect-worker.ts',
        'follow-worker': 'src/jobs/follow-worker.ts',
      },
      outdir,
      outExtension: { '.js': '.mjs' },
      format: 'esm',
      // Bundled CommonJS packages call require for Node's own modules.
      banner: {
        js: "import { createRequire as __cr } from 'node:module'; const require = __cr(import.meta.url);",
      },
    }),
    build({
      ...shared,
      entryPoints: { extension: 'src/extension.ts' },
      outdir,
      outExtension: { '.js': '.cjs' },
      format: 'cjs',
      // The host's navigator only says that it is no browser's, with an error in the log.
      define: { 'import.meta.url': 'importMetaUrl', navigator: 'undefined' },
      banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
    }),
    build({
      bundle: true,
      entryPoints: {
        trajectory: 'webview/trajectory/main.ts',
        list: 'webview/list/main.ts',
        run: 'webview/run/main.ts',
        compare: 'webview/compare/main.ts',
        pairs: 'webview/pairs/main.ts',
        runs: 'webview/runs/main.ts',
        style: 'webview/style.css',
      },
      outdir: join(outdir, 'webview'),
      format: 'iife',
      target: 'chrome128',
      minify: true,
      metafile: true,
      logLevel: 'warning',
    }),
  ]);
  const packages = built.flatMap(({ metafile }) =>
    Object.keys(metafile.inputs).flatMap(
      input => /.*\bnode_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(input) ?? [],
    ),
  );
  return [...new Set(packages)].map(folder => resolve(folder));
}

// Right after the setup the shell may still have another Node, which has no import.meta.main.
if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await bundle('dist');
