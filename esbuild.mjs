import { rmSync } from 'node:fs';
import { build } from 'esbuild';

// Native packages, and those that read files beside their own, stay outside the bundle.
const external = ['vscode', 'onnxruntime-node', '@huggingface/transformers'];
const shared = {
  bundle: true,
  platform: 'node',
  target: 'node22',
  external,
  sourcemap: true,
  logLevel: 'warning',
};

rmSync('dist', { recursive: true, force: true });
await Promise.all([
  build({
    ...shared,
    entryPoints: {
      cli: 'src/cli.ts',
      'read-worker': 'src/workspace/read-worker.ts',
      'trial-worker': 'src/agent/trial-worker.ts',
      'inspect-worker': 'src/jobs/inspect-worker.ts',
    },
    outdir: 'dist',
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
    outdir: 'dist',
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
      run: 'webview/run/main.ts',
      style: 'webview/style.css',
    },
    outdir: 'dist/webview',
    format: 'iife',
    target: 'chrome128',
    minify: true,
    logLevel: 'warning',
  }),
]);
