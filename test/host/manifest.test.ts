import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';

interface Contribution {
  readonly command?: string;
  readonly id?: string;
}

/** The manifest cannot drift from the code: what it declares is registered, and what is registered is declared. */
describe('the manifest', () => {
  const extension = vscode.extensions.getExtension('lrat.lrat')!;
  const manifest = JSON.parse(readFileSync(join(extension.extensionPath, 'package.json'), 'utf8'));
  const strings = JSON.parse(readFileSync(join(extension.extensionPath, 'package.nls.json'), 'utf8'));

  before(() => extension.activate());

  it('declares the commands that are registered, no more and no less', async () => {
    const declared = manifest.contributes.commands.map((each: Contribution) => each.command).sort();
    const own = (await vscode.commands.getCommands(true)).filter(
      // VS Code registers commands of its own for every view: focus, open, resetViewLocation, …
      name =>
        name.startsWith('lrat.') &&
        !manifest.contributes.views.lrat.some((view: Contribution) => name.startsWith(`${view.id}.`)),
    );
    assert.deepEqual(own.sort(), declared);
  });

  it('puts only declared commands into menus', () => {
    const declared = new Set(manifest.contributes.commands.map((each: Contribution) => each.command));
    for (const [menu, items] of Object.entries<Contribution[]>(manifest.contributes.menus)) {
      for (const { command } of items)
        if (command) assert.ok(declared.has(command), `${menu} names ${command}`);
    }
  });

  it('has every string that it names, and names every string that it has', () => {
    const named = new Set(
      JSON.stringify(manifest)
        .match(/(?<=")%[\w.]+%(?=")/g)
        ?.map(key => key.slice(1, -1)),
    );
    assert.deepEqual([...named].sort(), Object.keys(strings).sort());
  });
});
