import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type LogRecord, readLog, readRecord } from '../../src/trajectory/log.ts';
import type { BrowseStep, SearchStep, Trajectory } from '../../src/trajectory/model.ts';
import { References, resolveOutcome } from '../../src/trajectory/outcome.ts';

const data = join(import.meta.dirname, '../../../shared/data');
const present = existsSync(data);
if (!present) console.warn(`Skipped: there is no ${data}.`);

/** Everything in a folder's logs; every step's place is checked against the file's bytes. */
function read(folder: string, file = /./): Map<string, LogRecord[]> {
  const logs = new Map<string, LogRecord[]>();
  for (const name of readdirSync(join(data, folder))
    .filter(name => file.test(name))
    .sort()) {
    const path = join(data, folder, name);
    const records = [...readLog(path)];
    const bytes = readFileSync(path);
    for (const record of records) {
      if (record.kind !== 'trajectory') continue;
      const { kind: _, trajectory, ...place } = record;
      const whole = JSON.parse(bytes.subarray(place.offset, place.offset + place.length).toString());
      const steps = whole.result ?? whole.messages ?? whole.values?.messages;
      for (const { step, position } of trajectory.steps) {
        if (position === null) continue;
        const part = bytes.subarray(position.offset, position.offset + position.length).toString();
        // One text has no list of steps: they all stand where it does.
        expect(JSON.parse(part)).toEqual(steps === undefined ? whole : steps[step]);
      }
      const again = readRecord(path, place, {}, trajectory);
      expect(again).toEqual(trajectory);
    }
    logs.set(name, records);
  }
  return logs;
}

function trajectories(logs: ReadonlyMap<string, readonly LogRecord[]>): Trajectory[] {
  return [...logs.values()].flat().map(record => {
    if (record.kind !== 'trajectory') throw new Error(record.reason);
    return record.trajectory;
  });
}

const searches = ({ steps }: Trajectory) =>
  steps.filter((step): step is SearchStep => step.kind === 'search');
const browses = ({ steps }: Trajectory) => steps.filter((step): step is BrowseStep => step.kind === 'browse');

/** How many browses open a document that an earlier step of their trajectory listed. */
function listedBefore(trajectory: Trajectory): number {
  return browses(trajectory).filter(browse =>
    searches(trajectory).some(
      search => search.step < browse.step && search.candidates.some(({ id }) => id === browse.doc),
    ),
  ).length;
}

const json = (...path: string[]) => JSON.parse(readFileSync(join(data, ...path), 'utf8'));
const lines = (...path: string[]) =>
  readFileSync(join(data, ...path), 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line));

describe.skipIf(!present)('LRAT run files', () => {
  const logs = present ? read('lrat/trajectories') : new Map<string, LogRecord[]>();

  it('are 7 trajectories with 75 searches and 17 browses, without a problem', () => {
    const all = trajectories(logs);
    expect(all).toHaveLength(7);
    expect(all.flatMap(searches)).toHaveLength(75);
    expect(all.flatMap(browses)).toHaveLength(17);
    expect(all.map(({ noPairs }) => noPairs)).toEqual(Array(7).fill(null));
  });

  it('say step by step what the raw files say', () => {
    for (const [name, [record]] of logs) {
      if (record?.kind !== 'trajectory') throw new Error(name);
      const raw = json('lrat/trajectories', name);
      const { trajectory } = record;
      for (const search of searches(trajectory)) {
        const step = raw.result[search.step];
        expect(search.query).toBe(JSON.parse(step.arguments).query[0]);
        expect(search.candidates.map(({ id }) => id)).toEqual(
          [...step.output.matchAll(/^DocID:(.*)$/gm)].map((match: RegExpMatchArray) => match[1]),
        );
        expect(search.candidates.map(({ rank }) => rank)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        for (const { title, snippet } of search.candidates)
          expect(step.output).toContain(`[${title}]\n${snippet}`);
      }
      for (const browse of browses(trajectory)) {
        const step = raw.result[browse.step];
        expect(browse.doc).toBe(String(JSON.parse(step.arguments).docid));
        expect(raw.result[browse.step + 1].type).toBe('reasoning');
        expect(browse.reasoning).toBe(raw.result[browse.step + 1].output.trim());
        // Whatever the dressing, the words are those of the document, and no escape is left.
        const words = (text: string) =>
          text
            .replace(/\\[nt]/g, ' ')
            .replace(/[^\p{L}\p{N}]+/gu, ' ')
            .trim();
        expect(words(step.output)).toContain(words(browse.text));
        expect(browse.text).not.toMatch(/\\[n'"]|'docid'/);
        expect(browse.text.length).toBeGreaterThan(0.8 * step.output.length - 100);
      }
      const kinds = { reasoning: 'think', output_text: 'answer' } as Record<string, string>;
      expect(trajectory.steps.map(({ step }) => step)).toEqual(raw.result.map((_: unknown, i: number) => i));
      raw.result.forEach((step: { type: string; tool_name: string }, i: number) => {
        const kind = kinds[step.type] ?? (step.tool_name === 'search' ? 'search' : 'browse');
        expect(trajectory.steps[i]!.kind).toBe(kind);
      });
      expect(trajectory).toMatchObject({
        queryId: raw.query_id,
        question: raw.query,
        references: [raw.answer],
        retriever: raw.metadata.searcher_type,
        agent: raw.metadata.model,
      });
    }
  });

  it('ask 166 queries, of which 91 show no list, and each of these is named', () => {
    let [queries, unrun] = [0, 0];
    for (const [name, [record]] of logs) {
      if (record?.kind !== 'trajectory') throw new Error(name);
      const reason = 'a query to which the log shows no list';
      const expected = json('lrat/trajectories', name).result.flatMap(
        ({ tool_name, arguments: input, output }: Record<string, string>, step: number) => {
          if (tool_name !== 'search') return [];
          const asked: string[] = JSON.parse(input!).query;
          queries += asked.length;
          const shown = output!.match(/^A search for '/gm)!.length;
          return Array(asked.length - shown).fill({ step, reason });
        },
      );
      unrun += expected.length;
      expect(record.trajectory.skipped).toEqual(expected);
    }
    expect([queries, unrun]).toEqual([166, 91]);
  });

  it('belong to other questions than InfoSeek-Eval, which is said; their own answers count', () => {
    const all = trajectories(logs);
    const references = References.read(join(data, 'lrat/InfoSeek-Eval.tsv'));
    expect(references.problems).toEqual([]);
    expect(references.mismatches(all)).toMatchObject([
      { reason: expect.stringContaining('matches none of the 7 trajectories') },
    ]);
    for (const trajectory of all) {
      const [reference] = trajectory.references;
      const isThere = trajectory.answer!.toLowerCase().includes(reference!.toLowerCase().replace('$', ''));
      const expected = isThere
        ? { outcome: 'correct', source: 'log answer' }
        : { outcome: 'unknown', source: 'none' };
      expect(resolveOutcome(trajectory, references)).toEqual(expected);
    }
  });

  it('of InfoSeek-Eval are 300, each found by its question and its id', () => {
    const references = References.read(join(data, 'lrat/InfoSeek-Eval.tsv'));
    const rows = readFileSync(join(data, 'lrat/InfoSeek-Eval.tsv'), 'utf8').trimEnd().split('\n');
    expect(rows).toHaveLength(300);
    for (const row of rows) {
      const [id, question, answer] = row.split('\t').map(column => column.trim());
      expect(references.of({ queryId: null, question: question! })?.answers).toEqual([answer]);
      expect(references.of({ queryId: id!, question: null })?.answers).toEqual([answer]);
    }
  });
});

describe.skipIf(!present)('WebDancer text', () => {
  const raws = present ? lines('webdancer/trajectories.jsonl') : [];
  const all = present ? trajectories(read('webdancer', /trajectories/)) : [];

  it('gives a search for every query and a browse for every address in the raw calls', () => {
    expect(all).toHaveLength(raws.length);
    let [queries, addresses, listed] = [0, 0, 0];
    raws.forEach((raw, i) => {
      const asked: string[] = [];
      const opened: string[] = [];
      let shown = '';
      for (const { role, content } of raw.messages.slice(2)) {
        if (role === 'user') shown += content;
        const call = /<tool_call>\n(.*)\n<\/tool_call>/s.exec(role === 'assistant' ? content : '');
        if (call === null) continue;
        const { name, arguments: input } = JSON.parse(call[1]!);
        if (name === 'search') asked.push(...input.query);
        else opened.push(...input.url);
        if (name === 'visit') listed += input.url.filter((url: string) => shown.includes(`](${url})`)).length;
      }
      expect(searches(all[i]!).map(({ query }) => query)).toEqual(asked);
      expect(browses(all[i]!)).toHaveLength(opened.length);
      queries += asked.length;
      addresses += opened.length;
      expect(all[i]!.references).toEqual(raw.answer.flat());
    });
    expect(all.flatMap(searches)).toHaveLength(queries);
    expect(all.flatMap(browses)).toHaveLength(addresses);
    expect(all.map(listedBefore).reduce((sum, n) => sum + n, 0)).toBe(listed);
  });

  it('lists as many candidates as each section says that it found', () => {
    raws.forEach((raw, i) => {
      const shown = raw.messages
        .slice(2)
        .map(({ role, content }: { role: string; content: string }) => (role === 'user' ? content : ''));
      const found = [...shown.join('\n').matchAll(/^A Google search for '.*' found (\d+) results:$/gm)].map(
        match => Number(match[1]),
      );
      expect(searches(all[i]!).map(({ candidates }) => candidates.length)).toEqual(found);
    });
  });

  it('gives every browse the thought of the next message', () => {
    raws.forEach((raw, i) => {
      for (const { step, reasoning } of browses(all[i]!)) {
        const next: string = raw.messages[step + 1].content;
        expect(reasoning).toBe(/<think>(.*)<\/think>/s.exec(next)![1]!.trim());
      }
    });
  });

  it('says of those that open nothing that a list showed before why they give no pairs', () => {
    const reasons = raws.map(({ messages }) => {
      let shown = '';
      let [opens, canPair] = [false, false];
      (messages as { role: string; content: string }[]).slice(2).forEach(({ role, content }, i, all) => {
        if (role === 'user') shown += content;
        const call = /<tool_call>\n(.*)\n<\/tool_call>/s.exec(role === 'assistant' ? content : '');
        const { name, arguments: input } = JSON.parse(call?.[1] ?? '{}');
        if (name !== 'visit') return;
        opens = true;
        const thought = /<think>\s*\S[\s\S]*<\/think>/.test(all[i + 2]!.content);
        canPair ||= thought && input.url.some((url: string) => shown.includes(`](${url})`));
      });
      return canPair ? null : opens ? 'no listed document opened' : 'search-only';
    });
    expect(all.map(({ noPairs }) => noPairs?.split(':')[0] ?? null)).toEqual(reasons);
    expect(new Set(reasons)).toEqual(new Set([null, 'no listed document opened', 'search-only']));
  });
});

describe.skipIf(!present)('LangGraph threads', () => {
  const logs = present ? read('deerflow', /^thread/) : new Map<string, LogRecord[]>();

  it('give the searches, fetches, lists and thoughts of the raw messages', () => {
    for (const [name, [record]] of logs) {
      if (record?.kind !== 'trajectory') throw new Error(name);
      const { trajectory } = record;
      const { messages } = json('deerflow', name).values;
      type Call = { name: string; args: { query: string; url?: string }; id: string };
      const calls: Call[] = messages.flatMap((message: { tool_calls?: Call[] }) => message.tool_calls ?? []);
      const output = ({ id }: Call) =>
        messages.findIndex((message: { tool_call_id?: string }) => message.tool_call_id === id);
      const asked = calls.filter(call => call.name === 'web_search');
      const opened = calls.filter(call => call.name === 'web_fetch' || call.name === 'read_file');
      const thought = (call: Call): string | undefined => {
        const next = messages.slice(output(call)).find(({ type }: { type: string }) => type === 'ai');
        // What it says before it calls a tool is the agent thinking aloud.
        const aloud = next.tool_calls.length > 0 ? next.content : '';
        return next.additional_kwargs.reasoning_content ?? aloud;
      };

      expect(searches(trajectory).map(({ query, step }) => [query, step])).toEqual(
        asked.map(call => [call.args.query, output(call)]),
      );
      expect(searches(trajectory).map(({ candidates }) => candidates.map(({ url }) => url))).toEqual(
        asked.map(call => JSON.parse(messages[output(call)].content).map(({ url }: { url: string }) => url)),
      );
      expect(browses(trajectory).map(({ step, text }) => [step, text])).toEqual(
        opened.map(call => [output(call), messages[output(call)].content.trim()]),
      );
      expect(browses(trajectory).map(({ reasoning }) => reasoning)).toEqual(
        opened.map(call => thought(call)?.trim() || null),
      );
      const seen = (call: Call) =>
        messages
          .slice(0, output(call))
          .some(
            (message: { name: string; content: string }) =>
              message.name === 'web_search' && message.content.includes(`"url": "${call.args.url}"`),
          );
      expect(listedBefore(trajectory)).toBe(opened.filter(seen).length);
      const reason =
        asked.length === 0
          ? 'no searches'
          : opened.some(call => seen(call) && (thought(call) ?? '') !== '')
            ? null
            : opened.some(seen)
              ? 'no reasoning about a listed document'
              : 'no listed document opened';
      expect(trajectory.noPairs?.split(':')[0] ?? null).toBe(reason);
    }
  });

  it('are threads with and without searches, one of which thinks aloud of nothing that was listed', () => {
    const all = trajectories(logs);
    expect(all.map(({ noPairs }) => noPairs?.split(':')[0] ?? null).sort()).toEqual(
      [
        'no reasoning about a listed document',
        'no searches',
        'no searches',
        'no searches',
        null,
        null,
      ].sort(),
    );
  });
});
