import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installExtension, setUp, unsupported } from '../../scripts/host/code-server.mjs';
import { openWorkbench } from '../../scripts/host/workbench.mjs';
import { makePackage } from '../../scripts/package.mjs';
import { root } from '../../scripts/results.mjs';
import { openTrees } from '../ui/views.ts';
import { simulatedWorkspace } from '../ui/world.ts';
import { saveRandomModel } from '../unit/encoder/transformer-models.ts';

const reason = unsupported();
if (reason !== null) console.warn(`Tests of the package are skipped: ${reason}.`);

/** The package in a clean host, on a folder outside the working tree: the whole story with what was installed alone. */
describe.skipIf(reason !== null)('the package, installed', () => {
  const home = mkdtempSync(join(tmpdir(), 'lrat-installed-'));
  const extensionsDir = join(home, 'extensions');
  let folder: string;
  let workbench: Awaited<ReturnType<typeof openWorkbench>>;

  beforeAll(async () => {
    setUp();
    const { path } = await makePackage('linux-x64', home);
    installExtension(path, extensionsDir);
    folder = await simulatedWorkspace(40);
    mkdirSync(join(folder, '.vscode'));
    const judge = { type: 'lrat', command: 'judge', judge: 'rules', label: 'judge by rules' };
    writeFileSync(
      join(folder, '.vscode', 'tasks.json'),
      JSON.stringify({ version: '2.0.0', tasks: [judge] }),
    );
    workbench = await openWorkbench({
      folder,
      extensionsDir,
      // The terminal as text, not as a picture.
      settings: { 'lrat.person': 'Ada', 'terminal.integrated.gpuAcceleration': 'off' },
    });
  });

  afterAll(async () => {
    await workbench?.close();
    for (const each of [home, folder]) {
      if (each !== undefined) rmSync(each, { recursive: true, force: true });
    }
  });

  const installed = () => {
    const name = readdirSync(extensionsDir).find(each => each.startsWith('lrat.lrat-'));
    return join(extensionsDir, name!);
  };
  const labels = () =>
    readFileSync(join(folder, '.lrat', 'labels.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line));

  /** Processes that hold the ONNX Runtime of the package. */
  const training = (): Process[] =>
    readdirSync('/proc').flatMap(id => {
      try {
        const command = readFileSync(join('/proc', id, 'cmdline'), 'utf8').split('\0');
        const maps = readFileSync(join('/proc', id, 'maps'), 'utf8').match(/\/.*$/gm) ?? [];
        const files = [...command, ...new Set<string>(maps)];
        const holds = files.some(file => file.startsWith(extensionsDir) && file.includes('libonnxruntime'));
        return holds ? [{ command: command.join(' '), files }] : [];
      } catch {
        // No process, or one that has ended.
        return [];
      }
    });

  it('holds what it needs and nothing else', () => {
    const files = readdirSync(installed(), { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => relative(installed(), join(entry.parentPath, entry.name)));
    const wanted =
      /^(package\.(nls(\.de)?\.)?json|readme\.md|changelog\.md|LICENSE\.txt|\.vsixmanifest|l10n\/bundle\.l10n(\.de)?\.json|media\/.+\.(svg|png)|dist\/(NOTICES\.txt|[\w-]+\.(cjs|mjs)|webview\/[\w-]+\.(js|css)|node_modules\/onnxruntime-(node|common)\/.+\.(json|js|node|so\.1)))$/;
    expect(files.filter(file => !wanted.test(file))).toEqual([]);
    for (const name of [
      'l10n/bundle.l10n.de.json',
      'package.nls.de.json',
      'dist/NOTICES.txt',
      'dist/read-worker.mjs',
    ])
      expect(files).toContain(name);
  });

  it('names no path of the working tree in its code', () => {
    const dist = join(installed(), 'dist');
    const code = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter(each =>
      /\.[cm]?js$/.test(each),
    );
    expect(code.length).toBeGreaterThan(5);
    for (const name of code) expect(readFileSync(join(dist, name), 'utf8').includes(root), name).toBe(false);
  });

  it('fetches a model of the hub on the command line', async () => {
    const served = join(home, 'served');
    saveRandomModel(served, 'bert');
    const prefix = '/some/tiny/resolve/main/';
    const server = createServer(({ url = '' }, response) => {
      const file = join(served, url.slice(prefix.length));
      if (url.startsWith(prefix) && existsSync(file)) response.end(readFileSync(file));
      else response.writeHead(404).end();
    });
    await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening));
    writeFileSync(join(home, 'corpus.jsonl'), '{"docid":"1","text":"the red fox"}\n');
    try {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [
          ...[join(installed(), 'dist', 'cli.mjs'), 'embed', '--model', 'hub:some/tiny', '--json'],
          ...['--corpus', 'corpus.jsonl', '--out', 'tiny.vectors'],
        ],
        {
          cwd: home,
          env: {
            ...process.env,
            HF_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
            XDG_CACHE_HOME: join(home, 'cache'),
          },
        },
      );
      // Of the configuration that it is saved with.
      expect(JSON.parse(stdout)).toMatchObject({ model: 'tiny', documents: 1, encoded: 1, dimension: 8 });
    } finally {
      server.close();
    }
  });

  it('indexes the folder', async () => {
    const { page } = workbench;
    await openTrees(workbench);
    await workbench.command('LRAT: Index Workspace');
    const rows = page.locator('[id="workbench.view.extension.lrat"] .monaco-list-row');
    await rows.nth(5).waitFor({ timeout: 60_000 });
  });

  it('opens a trajectory and takes a label by keyboard', async () => {
    const { page } = workbench;
    await page.locator('[id="workbench.view.extension.lrat"] .monaco-list-row').first().click();
    const view = await workbench.view('trajectory');
    await view.locator('.row').first().waitFor();
    await view.locator('.steps').focus();
    await page.keyboard.press('b');
    await view.locator('aside .choices').waitFor();
    await page.keyboard.press('r');
    await view.locator('aside', { hasText: 'weight 1.00' }).waitFor();
    await page.keyboard.press('i');
    await view.locator('aside', { hasText: 'None: irrelevant' }).waitFor();
    const ada = { kind: 'person', name: 'Ada' };
    expect(labels().map(({ label, source }) => [label, source])).toEqual([
      ['relevant', ada],
      ['irrelevant', ada],
    ]);
  });

  it('trains a model to the end, with the ONNX Runtime that was installed', async () => {
    const { page } = workbench;
    const choose = async (title: string, item: string) => {
      await page.locator('.quick-input-widget', { hasText: title }).waitFor();
      await page.locator('.quick-input-list .monaco-list-row', { hasText: item }).first().click();
    };
    await page.keyboard.press('F1');
    await page.locator('.quick-input-widget input').fill('task judge by');
    await choose('', 'judge by rules');
    await expect.poll(() => labels().length, { timeout: 30_000 }).toBeGreaterThan(20);

    await workbench.command('LRAT: Train a Retriever');
    await choose('Train a Retriever (1/4)', 'Mine now: attributed');
    await choose('Train a Retriever (2/4)', 'New static encoder');
    await choose('Train a Retriever (3/4)', 'Go on with this recipe');
    await page.locator('.quick-input-widget', { hasText: 'Train a Retriever (4/4)' }).waitFor();
    await page.keyboard.press('Enter');

    await expect.poll(training, { timeout: 30_000, interval: 20 }).not.toEqual([]);
    const [{ command, files }] = training() as [Process];
    expect(command).toContain(` ${join(installed(), 'dist', 'cli.mjs')} train `);
    expect(
      files.filter(file => file.startsWith(root) && !file.startsWith(join(root, '.cache', 'host'))),
    ).toEqual([]);

    const run = await workbench.view('run');
    await run.locator('.run-state.finished').waitFor({ timeout: 60_000 });
    await run.locator('table.result').waitFor();
  });

  it('makes links of the logs that the command line prints', async () => {
    const { page } = workbench;
    await workbench.command('Terminal: Create New Terminal');
    const { log, step } = labels()[0];
    const prompt = page.locator('.terminal-wrapper.active .xterm-rows', { hasText: /[#$] / });
    await prompt.waitFor();
    await page.keyboard.type(`echo "${log}, step ${step}: relevant."\n`);
    const printed = page.locator('.terminal-wrapper.active .xterm-rows > div', {
      hasText: new RegExp(`^${log}`),
    });
    await printed.waitFor();
    const { x, y } = (await printed.boundingBox())!;
    await page.keyboard.down('Control');
    await page.mouse.move(x + 30, y + 8, { steps: 3 });
    await page.locator('.workbench-hover', { hasText: 'Open Trajectory' }).waitFor();
    await page.mouse.click(x + 30, y + 8);
    await page.keyboard.up('Control');
    const view = await workbench.view('trajectory');
    await view.locator('aside h2', { hasText: new RegExp(`Step ${step}, browse`, 'i') }).waitFor();
  });
});

interface Process {
  readonly command: string;
  /** What it runs and what is mapped into its memory. */
  readonly files: readonly string[];
}
