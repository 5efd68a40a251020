#!/usr/bin/env node
// Takes the arguments of desktop VS Code's test mode and runs the tests in code-server's extension host, so that
// @vscode/test-electron works unmodified where the desktop program cannot be had.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium as browserType } from 'playwright-core';
import { chromium, chromiumArguments, start } from './code-server.mjs';

const options = new Map();
const folders = [];
for (const argument of process.argv.slice(2)) {
  const match = /^--([^=]+)(?:=(.*))?$/s.exec(argument);
  if (match === null) folders.push(resolve(argument));
  else options.set(match[1], match[2] ?? '');
}

const home = mkdtempSync(join(tmpdir(), 'lrat-host-'));
const output = join(home, 'mocha.txt');
const extensionsDir = options.get('extensions-dir') || join(home, 'extensions');
mkdirSync(extensionsDir, { recursive: true });
const host = await start({
  home,
  extensionsDir,
  userDataDir: join(home, 'user'),
  env: { LRAT_TEST_OUTPUT: output },
});
const browser = await browserType.launch({ executablePath: chromium(), args: chromiumArguments });

let printed = 0;
const tail = () => {
  const text = existsSync(output) ? readFileSync(output, 'utf8') : '';
  process.stdout.write(text.slice(printed));
  printed = text.length;
};

let code = 1;
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
  const ended = new Promise(done => {
    page.exposeFunction('codeAutomationExit', done);
    page.exposeFunction('codeAutomationLog', (type, args) => {
      if (process.env.LRAT_HOST_VERBOSE) console.error(type, ...[args].flat());
    });
  });
  const { host: authority } = new URL(host.url);
  const remote = path => `vscode-remote://${authority}${resolve(path)}`;
  const query = new URLSearchParams({
    ...(folders[0] === undefined ? { ew: 'true' } : { folder: folders[0] }),
    payload: JSON.stringify([
      ['extensionDevelopmentPath', remote(options.get('extensionDevelopmentPath'))],
      ['extensionTestsPath', remote(options.get('extensionTestsPath'))],
    ]),
  });
  await page.goto(`${host.url}/?${query}`);
  const watch = setInterval(tail, 250);
  const timer = new Promise(done => setTimeout(() => done('timeout'), 10 * 60_000).unref());
  const result = await Promise.race([ended, timer]);
  clearInterval(watch);
  tail();
  if (result === 'timeout') console.error('The tests did not end within 10 minutes.');
  code = result === 0 ? 0 : 1;
} finally {
  await browser.close();
  await host.stop();
  rmSync(home, { recursive: true, force: true });
}
process.exit(code);
