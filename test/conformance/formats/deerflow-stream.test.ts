import { describe, expect, it } from 'vitest';
import { browsesOf, present, samples, searchesOf, textsAt } from './real-logs.ts';

interface Data {
  readonly id: string;
  readonly agent?: string;
  readonly role: string;
  readonly content?: string;
  readonly tool_call_id?: string;
  readonly tool_call_chunks?: readonly { readonly name: string | null; readonly args: string }[];
}

/** The events of a stream, by regular expression. */
function eventsOf(text: string): [event: string, data: Data][] {
  return [...text.matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(([, event, data]) => [
    event!,
    JSON.parse(data!),
  ]);
}

/** Names and arguments of the calls, in order: a chunk with a name begins one, and they never interleave here. */
function callsOf(events: readonly [string, Data][]): { name: string; input: Record<string, string> }[] {
  const calls: { name: string; text: string }[] = [];
  for (const [, { tool_call_chunks: chunks = [] }] of events) {
    for (const { name, args } of chunks) {
      if (name === null) calls.at(-1)!.text += args;
      else calls.push({ name, text: args });
    }
  }
  return calls.map(({ name, text }) => ({ name, input: JSON.parse(text) }));
}

describe.skipIf(!present)('event streams of DeerFlow', () => {
  const all = samples('deerflow_v1');
  const each = all.map(sample => {
    const events = eventsOf(sample.text);
    const results = events.flatMap(([event, { content }]) => (event === 'tool_call_result' ? content! : []));
    // Every call but handing over has its result, and they come in the same order.
    const calls = callsOf(events).filter(({ name }) => name !== 'handoff_to_planner');
    return { sample, events, calls: calls.map((call, i) => ({ ...call, output: results[i]! })), results };
  });

  it('are 3 trajectories with 8 searches and 4 browses', () => {
    expect(all.map(({ trajectories }) => trajectories.length)).toEqual([1, 1, 1]);
    expect(all.map(({ trajectories }) => searchesOf(...trajectories).length)).toEqual([2, 5, 1]);
    expect(all.map(({ trajectories }) => browsesOf(...trajectories).length)).toEqual([1, 0, 3]);
    for (const { calls, results } of each) expect(calls).toHaveLength(results.length);
  });

  it('give pairs where a page was crawled that a search before it had listed', () => {
    // All of these agents say something after each page (below).
    const reasons = each.map(({ calls }) => {
      const crawled = calls.flatMap(({ name, input }, i) =>
        name === 'crawl_tool' ? [{ url: input.url!, i }] : [],
      );
      if (crawled.length === 0) return 'search-only';
      const found = (url: string, before: number): boolean =>
        calls.slice(0, before).some(({ name, output }) => /search/.test(name) && output.includes(`"${url}"`));
      return crawled.some(({ url, i }) => found(url, i)) ? null : 'no listed document opened';
    });
    expect(all.map(({ trajectories }) => trajectories[0]!.noPairs?.split(':')[0] ?? null)).toEqual(reasons);
    expect(new Set(reasons)).toEqual(new Set([null, 'no listed document opened', 'search-only']));
  });

  it('search what the pieces of the arguments say, and list what the results list', () => {
    for (const { sample, calls } of each) {
      const searched = calls.filter(({ name }) => /search/.test(name));
      const searches = searchesOf(...sample.trajectories);
      expect(searches.map(({ query }) => query)).toEqual(
        searched.map(({ input }) => input.query ?? input.keywords),
      );
      const listed = searched.map(({ output }) =>
        (JSON.parse(output) as Record<string, string>[]).filter(({ type }) => type !== 'image'),
      );
      expect(listed.flat()).not.toEqual([]);
      expect(searches.map(({ candidates }) => candidates.map(({ url, id }) => url ?? id))).toEqual(
        listed.map(list => list.map(({ url, id }) => url ?? id)),
      );
      expect(searches.map(({ candidates }) => candidates.map(({ snippet }) => snippet))).toEqual(
        listed.map(list => list.map(({ content }) => content)),
      );
    }
  });

  it('open the pages that were crawled; those that were refused say so', () => {
    for (const { sample, calls, events } of each) {
      const crawled = calls.filter(({ name }) => name === 'crawl_tool');
      const browses = browsesOf(...sample.trajectories);
      expect(browses.map(({ doc }) => `https://${doc}`)).toEqual(
        crawled.map(({ input }) => input.url!.replace('//www.', '//').replace(/\/$/, '')),
      );
      for (const [i, { output }] of crawled.entries()) {
        const { crawled_content: text } = JSON.parse(output);
        expect(browses[i]!.text).toBe(text);
        const failure = /"message":"(.*?)","readableMessage"/.exec(text)?.[1] ?? null;
        expect(browses[i]!.error).toBe(failure);
        // What the same agent says next, up to its next call or the end of its message.
        const at = events.findIndex(([, { content }]) => content === output);
        const next = events.slice(at).find(([event]) => event === 'message_chunk')![1].id;
        const said = events.flatMap(([event, data]) =>
          event === 'message_chunk' && data.id === next ? (data.content ?? '') : '',
        );
        expect(browses[i]!.reasoning).toBe(said.join('').trim());
      }
    }
    expect(
      browsesOf(...all.flatMap(({ trajectories }) => trajectories)).filter(b => b.error !== null),
    ).toHaveLength(3);
  });

  it('answer with what the reporter wrote', () => {
    for (const { sample, events } of each) {
      const [trajectory] = sample.trajectories;
      const report = events.flatMap(([, { agent, content }]) =>
        agent === 'reporter' ? (content ?? '') : '',
      );
      expect(trajectory).toMatchObject({
        question: events[0]![1].content,
        answer: report.join('').trim(),
        completed: true,
        agent: null,
      });
      const shown = textsAt(sample, trajectory!);
      trajectory!.steps.forEach((step, i) => {
        const data = JSON.parse(shown[i]!.split('\ndata: ')[1]!) as Data;
        if (step.kind === 'think' || step.kind === 'answer')
          expect(step.text).toContain(data.content!.trim());
        if (step.kind === 'search' || step.kind === 'browse') expect(data.tool_call_id).toBeDefined();
      });
    }
  });
});
