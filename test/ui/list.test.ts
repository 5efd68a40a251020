import { mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import type { Frame } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setUp, unsupported } from '../../scripts/host/code-server.mjs';
import { openWorkbench } from '../../scripts/host/workbench.mjs';
import { seriousViolations } from './axe.ts';
import { leaves, openInLrat, openTrees } from './views.ts';
import { joinLogs, lrat, simulatedWorkspace } from './world.ts';

const reason = unsupported();
if (reason !== null) console.warn(`Tests of a log's list are skipped: ${reason}.`);

interface RunRecord {
  readonly query_id: string;
  readonly query: string;
  readonly correct: boolean;
  readonly result: readonly { readonly tool_name: string | null; arguments: string; output: string }[];
}

const packedQuestion = 'What stands in an archive?';

/** A row of the list, told from the raw record and the raw labels alone. */
function rowOf({ query_id, query, correct, result }: RunRecord, relevant: ReadonlySet<string>): string[] {
  const listed = new Set<string>();
  const pairs = new Set<string>();
  let [searches, browses] = [0, 0];
  for (const { tool_name, arguments: given, output } of result) {
    if (tool_name === 'search') {
      searches++;
      for (const [, id] of output.matchAll(/^DocID:(.*)$/gm)) listed.add(id!);
    } else if (tool_name === 'get_document') {
      browses++;
      const { docid } = JSON.parse(given) as { docid: string };
      if (listed.has(docid) && relevant.has(`${query_id} ${docid}`)) pairs.add(docid);
    }
  }
  const outcome = correct ? '✓ correct' : '✗ incorrect';
  return [query_id, query, outcome, String(searches), String(browses), String(pairs.size)];
}

/** A log of several trajectories in the editor: its list, and what is said where there is none; without a mouse. */
describe.skipIf(reason !== null)('the list of a log, by keyboard', () => {
  let folder: string;
  let records: RunRecord[];
  let rows: string[][];
  let workbench: Awaited<ReturnType<typeof openWorkbench>>;
  let view: Frame;
  const index = () => join(folder, '.lrat', 'index.db');
  const press = async (...keys: readonly string[]) => {
    for (const key of keys) await workbench.page.keyboard.press(key);
  };
  const shown = async () => {
    const found = await view.locator('.entry').all();
    return Promise.all(found.map(row => row.locator('[role=cell]').allInnerTexts()));
  };
  const selected = () => view.locator('.entry.selected .name').innerText();

  beforeAll(async () => {
    setUp();
    folder = await simulatedWorkspace(30);
    const log = joinLogs(folder);
    writeFileSync(
      join(folder, 'strange.jsonl'),
      '{"prompt": "a", "score": 1}\n{"prompt": "b", "score": 2}\n',
    );
    const lines = (path: string) => readFileSync(path, 'utf8').trimEnd().split('\n');
    records = lines(log).map(line => JSON.parse(line));
    const packed = { ...records[0]!, query: packedQuestion };
    // The first of the logs in the tree.
    writeFileSync(
      join(folder, 'logs', '0.eval'),
      zipSync({ 'inside.jsonl': strToU8(JSON.stringify(packed)) }),
    );
    lrat(folder, 'index');
    lrat(folder, 'judge');
    const relevant = lines(join(folder, '.lrat', 'labels.jsonl'))
      .map(line => JSON.parse(line))
      .filter(each => each.log.endsWith('runs.jsonl') && each.label === 'relevant')
      .map(({ trajectory, doc }) => `${trajectory} ${doc}`);
    rows = records.map(record => rowOf(record, new Set(relevant)));
    const late = records.slice(0, 2).map(record => `${JSON.stringify(record)}\n`);
    writeFileSync(join(folder, 'logs', 'later.jsonl'), late.join(''));
    // The first look finds an index that cannot be opened.
    renameSync(index(), `${index()}.kept`);
    mkdirSync(index());
    workbench = await openWorkbench({ folder });
  });

  afterAll(async () => {
    await workbench?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  it('says what fails, tries again when asked, and does not wait for the pairs', async () => {
    await openInLrat(workbench, 'runs.jsonl');
    view = await workbench.view('list');
    await view.locator('[role=alert]', { hasText: /index\.db/ }).waitFor();
    const retry = view.locator('vscode-button', { hasText: 'Retry' });
    await retry.focus();
    await press('Enter');
    await view.locator('[role=alert]', { hasText: /index\.db/ }).waitFor();
    expect(await seriousViolations(view)).toEqual([]);
    rmdirSync(index());
    renameSync(`${index()}.kept`, index());
    // What the view says of its first row's pairs, from the first moment on.
    const said = view.evaluate(
      () =>
        new Promise<string[]>(resolve => {
          const texts: string[] = [];
          new MutationObserver(() => {
            const text = document.querySelector('.entry .number:last-child')?.textContent;
            if (text == null || text === texts.at(-1)) return;
            texts.push(text);
            if (/^\d+$/.test(text)) resolve(texts);
          }).observe(document.body, { subtree: true, childList: true, characterData: true });
        }),
    );
    await retry.focus();
    await press('Enter');
    expect(await said).toEqual(['…', rows[0]!.at(-1)]);
    expect(await view.locator('[role=alert]').count()).toBe(0);
  });

  it('shows every trajectory with its outcome, searches, browses and pairs', async () => {
    expect(rows).toHaveLength(10);
    expect(rows.some(row => row.at(-1) !== '0')).toBe(true);
    await expect.poll(shown).toEqual(rows);
    const pairs = rows.reduce((sum, row) => sum + Number(row.at(-1)), 0);
    expect(await view.locator('.facts').innerText()).toContain(`${pairs} pairs`);
  });

  it('shows the trajectories that its counts count', async () => {
    const kinds: readonly (readonly [RegExp, (row: readonly string[]) => boolean])[] = [
      [/ correct$/, row => row[2] === '✓ correct'],
      [/ incorrect$/, row => row[2] === '✗ incorrect'],
      [/^\d+ pairs$/, row => row.at(-1) !== '0'],
      [/ trajectories$/, () => true],
    ];
    for (const [words, isOf] of kinds) {
      const wanted = rows.filter(isOf);
      const count = view.locator('.fact button', { hasText: words });
      if (wanted.length === 0) {
        expect(await count.count()).toBe(0);
        continue;
      }
      await count.focus();
      await press('Enter');
      await expect.poll(shown).toEqual(wanted);
      expect(await count.getAttribute('aria-pressed')).toBe('true');
    }
    expect(await seriousViolations(view)).toEqual([]);
    await view.locator('.entries').focus();
    await press('Home');
  });

  it('opens a trajectory in its place, and leads back to where it stood', async () => {
    await view.locator('.entries').focus();
    await press('j', 'j', 'Enter');
    const trajectory = await workbench.view('trajectory');
    await trajectory.locator('h1', { hasText: records[2]!.query }).waitFor();
    expect(await workbench.page.locator('.tab').count()).toBe(1);
    await trajectory.locator('vscode-link', { hasText: 'All trajectories of the log' }).focus();
    await press('Enter');
    view = await workbench.view('list');
    await view.locator('.entry.selected').waitFor();
    expect(await selected()).toBe(records[2]!.query_id);
    await press('j');
    await expect.poll(selected).toBe(records[3]!.query_id);
    await press('End');
    await expect.poll(selected).toBe(records.at(-1)!.query_id);
  });

  it('shows those that hold the typed words', async () => {
    const words = records[5]!.query.split(' ').slice(-3).join(' ');
    await press('/');
    await view.locator('vscode-text-field:focus').waitFor();
    await workbench.page.keyboard.type(words.toUpperCase());
    const wanted = rows.filter(([, question]) => question!.includes(words));
    await expect.poll(shown).toEqual(wanted);
    expect(await view.locator('[role=status]').innerText()).toBe(`${wanted.length} of 10 trajectories`);
    await press('Enter', 'Enter');
    const trajectory = await workbench.view('trajectory');
    await trajectory.locator('h1', { hasText: wanted[0]![1]! }).waitFor();
  });

  it('says why a file is no log, and opens it as text', async () => {
    await openInLrat(workbench, 'strange.jsonl');
    view = await workbench.view('list');
    await view
      .locator('[role=status]', { hasText: /known format.*2 records.*prompt, score.*run-json/s })
      .waitFor();
    expect(await seriousViolations(view)).toEqual([]);
    await view.locator('vscode-button', { hasText: 'Open as text' }).focus();
    await press('Enter');
    await workbench.page.locator('.view-line', { hasText: '"prompt"' }).first().waitFor();
  });

  it('says where a step stands whose log is in an archive', async () => {
    const { page, command } = workbench;
    await openTrees(workbench);
    await leaves(workbench, 'Trajectories').filter({ hasText: packedQuestion }).click();
    const trajectory = await workbench.view('trajectory');
    await trajectory.locator('h1', { hasText: packedQuestion }).waitFor();
    await trajectory.locator('.row .body').first().waitFor();
    await trajectory.locator('.steps').focus();
    await press('o');
    await page.locator('.statusbar .codicon-bell-dot').waitFor();
    await command('Notifications: Show Notifications');
    const message = page.locator('.notifications-center', {
      hasText: 'logs/0.eval is an archive: this stands in its member inside.jsonl, at line 1.',
    });
    await message.first().waitFor();
    await command('Notifications: Clear All Notifications');
    await command('View: Close All Editors');
  });

  it('offers to index a file that has not been read, and then shows it', async () => {
    await openInLrat(workbench, 'later.jsonl');
    view = await workbench.view('list');
    const offer = view.locator('vscode-button', { hasText: 'Index the workspace' });
    await offer.focus();
    await press('Enter');
    await expect
      .poll(async () => (await shown()).map(([name]) => name), { timeout: 30_000 })
      .toEqual(records.slice(0, 2).map(({ query_id }) => query_id));
  });
});
