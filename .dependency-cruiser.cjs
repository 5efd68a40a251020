// The layering of docs/architecture.md, as a gate. A folder imports only from the folders on its left.
const road = [
  'base',
  'trajectory',
  'workspace',
  'mining',
  'judge',
  'engine',
  'encoder',
  'training',
  'retrieval',
  'evaluation',
  'agent',
  'jobs',
  'editor',
];

const onlyFromTheLeft = road.slice(0, -1).map((folder, i) => ({
  name: `${folder}-imports-from-its-left`,
  severity: 'error',
  comment: `src/${folder} may import from ${road.slice(0, i).join(', ') || 'nothing else'}.`,
  from: { path: `^src/${folder}/` },
  to: { path: `^src/(${road.slice(i + 1).join('|')})/|^src/(cli|extension)\\.ts$` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...onlyFromTheLeft,
    {
      name: 'engine-knows-no-retrieval',
      severity: 'error',
      comment: 'The engine is tensors only: of the project it may import src/base.',
      from: { path: '^src/engine/' },
      to: { path: '^src/(?!engine/|base/)' },
    },
    {
      name: 'vscode-only-in-the-editor',
      severity: 'error',
      comment: 'Everything that is not the editor runs in plain Node.',
      from: { path: '^src/', pathNot: '^src/(editor/|extension\\.ts$)' },
      to: { path: '^vscode$' },
    },
    {
      // And what imports nothing: the formula of the weights, which previews use, the writing of figures, and the finding of words.
      name: 'webview-sees-the-protocol-only',
      severity: 'error',
      from: { path: '^webview/' },
      to: { path: '^src/', pathNot: '^src/(protocol|mining/intensity|base/(figures|matching))\\.ts$' },
    },
    {
      name: 'toolkit-only-in-webview-ui',
      severity: 'error',
      from: { path: '^(src|webview)/', pathNot: '^webview/ui/' },
      to: { path: '@vscode/webview-ui-toolkit' },
    },
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.mjs', '.js'] },
  },
};
