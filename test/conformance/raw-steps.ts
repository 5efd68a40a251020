import { basename } from 'node:path';
import { strFromU8, unzipSync } from 'fflate';

/** A search or a browse, as a file's raw bytes tell it; fields as in `OutlineStep`. */
export type RawStep =
  | {
      readonly kind: 'search';
      readonly step: number;
      readonly turn: number;
      readonly part: number;
      readonly query: string;
      readonly documents: readonly string[];
    }
  | {
      readonly kind: 'browse';
      readonly step: number;
      readonly turn: number;
      readonly part: number;
      readonly doc: string;
      readonly reasoning: string | null;
    };

/** One run of an agent, as a file's raw bytes tell it. */
export interface RawRun {
  readonly question: string;
  readonly steps: readonly RawStep[];
}

/** What a file holds: runs that can be mined; runs of which something that pairs need is missing; or no run at all. */
export type RawFile =
  | { readonly kind: 'runs'; readonly runs: (text: string) => RawRun[] }
  | { readonly kind: 'barren'; readonly runs: (bytes: Buffer) => number; readonly lacks: RegExp }
  | { readonly kind: 'no log' };

/** What an address is compared by (FORMATS.md): without its scheme, `www.`, its fragment and its path's trailing slash. */
const key = (url: string): string =>
  url
    .trim()
    .replace(/^https?:\/\/(?:www\.)?/, '')
    .replace(/#.*$/s, '')
    .replace(/^([^?]*?)\/+(?=\?|$)/, '$1');
const all = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, found]) => found!);
const lines = (text: string) =>
  text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line));
const said = (text: string | undefined): string | null => text?.trim() || null;

function lratRun(text: string): RawRun[] {
  const { query: question, result } = JSON.parse(text);
  const steps = result.flatMap(
    (
      { type, tool_name, arguments: given, output }: Record<string, string>,
      step: number,
    ): RawStep | RawStep[] => {
      if (type !== 'tool_call') return [];
      const { query, docid } = JSON.parse(given!);
      const next = result[step + 1];
      const reasoning = next?.type === 'reasoning' ? said(next.output) : null;
      return tool_name === 'search'
        ? {
            kind: 'search',
            step,
            turn: step,
            part: 0,
            query: query[0],
            documents: all(output!, /^DocID:(.*)$/gm),
          }
        : { kind: 'browse', step, turn: step, part: 0, doc: String(docid), reasoning };
    },
  );
  return [{ question, steps }];
}

function webdancerRuns(text: string): RawRun[] {
  return lines(text).map(({ messages }): RawRun => {
    const contents: string[] = messages.map(({ content }: { content: string }) => content);
    const steps = contents.flatMap((content, turn): RawStep[] => {
      const [, call] = /<tool_call>\n(.*)\n<\/tool_call>/s.exec(content) ?? [];
      if (messages[turn].role !== 'assistant' || call === undefined) return [];
      const { name, arguments: given } = JSON.parse(call);
      const step = turn + 1;
      if (name === 'search') {
        const lists = contents[step]!.split(/^(?=A Google search for ')/m).slice(1);
        return given.query.map((query: string, part: number) => {
          const documents = all(lists[part]!, /^\d+\. \[.*\]\((.*)\)$/gm).map(key);
          return { kind: 'search', step, turn, part, query, documents };
        });
      }
      const reasoning = said(/<think>(.*)<\/think>/s.exec(contents[step + 1]!)?.[1]);
      return given.url.map((url: string, part: number) => ({
        ...{ kind: 'browse', step, turn, part, doc: key(url), reasoning },
      }));
    });
    return { question: contents[1]!, steps };
  });
}

function deerflowThread(text: string): RawRun[] {
  const { messages } = JSON.parse(text).values;
  const steps = messages.flatMap(({ tool_calls = [] }: { tool_calls?: unknown[] }, turn: number) =>
    (tool_calls as { id: string; name: string; args: Record<string, string> }[]).flatMap(
      ({ id, name, args }): RawStep[] => {
        const step = messages.findIndex((message: { tool_call_id?: string }) => message.tool_call_id === id);
        if (name === 'web_search') {
          const documents = JSON.parse(messages[step].content).map(({ url }: { url: string }) => key(url));
          return [{ kind: 'search', step, turn, part: 0, query: args.query!, documents }];
        }
        if (name !== 'web_fetch' && name !== 'read_file') return [];
        const next = messages.slice(step).find(({ type }: { type: string }) => type === 'ai');
        const aloud = next.tool_calls.length > 0 ? next.content : '';
        const reasoning = said(next.additional_kwargs.reasoning_content ?? aloud);
        return [{ kind: 'browse', step, turn, part: 0, doc: key(args.url ?? args.path!), reasoning }];
      },
    ),
  );
  return [{ question: messages.find(({ type }: { type: string }) => type === 'human').content, steps }];
}

/** Monocle's spans: the tools in the order of time, each in the turn of the last model call before it. */
function monocleRun(text: string): RawRun[] {
  interface Span {
    readonly start_time: string;
    readonly attributes: Readonly<Record<string, string>>;
    readonly events: readonly {
      readonly name: string;
      readonly attributes: Readonly<Record<string, string>>;
    }[];
  }
  const spans: Span[] = JSON.parse(text);
  const ofType = (type: string) =>
    spans
      .filter(({ attributes }) => attributes['span.type'] === type)
      .sort((a, b) => (a.start_time < b.start_time ? -1 : 1));
  const models = ofType('inference.framework');
  const steps = ofType('agentic.tool.invocation').map((span): RawStep => {
    const told = (event: string, name: string) =>
      span.events.find(other => other.name === event)!.attributes[name]!;
    const [given, shown] = [told('data.input', 'input'), told('data.output', 'response')];
    const at = {
      step: spans.indexOf(span),
      turn: models.filter(({ start_time }) => start_time < span.start_time).length,
      part: 0,
    };
    const [, query] = /'query': '(.*?)'/.exec(given) ?? [];
    if (query !== undefined)
      return { kind: 'search', ...at, query, documents: all(shown, /"url": "(.*?)"/g).map(key) };
    return { kind: 'browse', ...at, doc: key(/'url': '(.*?)'/.exec(given)![1]!), reasoning: null };
  });
  return [{ question: 'one run', steps }];
}

/** Events of DeerFlow: a call has the pieces of its arguments behind it, and results come in the order of the calls. */
function deerflowStream(text: string): RawRun[] {
  const events = [...text.matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(([, event, data]) => ({
    event,
    ...JSON.parse(data!),
  }));
  const calls: { name: string; given: string; turn: number }[] = [];
  const turns: string[] = [];
  for (const { id, tool_call_chunks = [] } of events) {
    if (!turns.includes(id)) turns.push(id);
    for (const { name, args } of tool_call_chunks) {
      if (name === null) calls.at(-1)!.given += args;
      else calls.push({ name, given: args, turn: turns.indexOf(id) });
    }
  }
  const results = events.flatMap(({ event, content }, step) =>
    event === 'tool_call_result' ? { step, content: content as string } : [],
  );
  const steps = calls
    .filter(({ name }) => name !== 'handoff_to_planner')
    .flatMap(({ name, given, turn }, i): RawStep[] => {
      const { step, content } = results[i]!;
      const input = JSON.parse(given);
      if (/search/.test(name)) {
        const documents = JSON.parse(content)
          .filter(({ type }: { type: string }) => type !== 'image')
          .map(({ url, id }: { url?: string; id: string }) => key(url ?? id));
        return [{ kind: 'search', step, turn, part: 0, query: input.query ?? input.keywords, documents }];
      }
      if (name !== 'crawl_tool') return [];
      const next = events.slice(step).find(({ event }) => event === 'message_chunk').id;
      const words = events.flatMap(({ event, id, content = '' }) =>
        event === 'message_chunk' && id === next ? content : '',
      );
      return [{ kind: 'browse', step, turn, part: 0, doc: key(input.url), reasoning: said(words.join('')) }];
    });
  return [{ question: events[0]!.content, steps }];
}

function sweAgentRun(text: string): RawRun[] {
  const { trajectory, replay_config } = JSON.parse(text);
  const steps = (trajectory as { action: string; observation: string }[]).flatMap(
    ({ action, observation }, step): RawStep[] => {
      const [name, given] = action.split(' ');
      const at = { step, turn: step, part: 0 };
      if (name === 'find_file')
        return [
          { kind: 'search', ...at, query: given!, documents: all(observation, /^\/testbed\/(\S+)\r?$/gm) },
        ];
      const reasoning = said(trajectory[step + 1]?.thought);
      return name === 'open'
        ? [{ kind: 'browse', ...at, doc: given!.replace(/^"(?:\/testbed\/)?|"$/g, ''), reasoning }]
        : [];
    },
  );
  return [{ question: JSON.stringify(replay_config.problem_statement), steps }];
}

function claudeCodeSession(text: string): RawRun[] {
  const records = lines(text);
  const cwd = `${records.at(-1).cwd}/`;
  const local = (path: string) => path.replace(cwd, '');
  const blocks = records.flatMap(({ message }, step) =>
    Array.isArray(message?.content) ? message.content.map((block: object) => ({ step, ...block })) : [],
  );
  const steps = blocks.flatMap(({ type, id, name, input, step: turn }): RawStep[] => {
    const result = type === 'tool_use' ? blocks.find(({ tool_use_id }) => tool_use_id === id) : undefined;
    if (result === undefined) return [];
    const at = { step: result.step, turn, part: 0 };
    if (name === 'Grep' || name === 'Glob') {
      const documents = records[result.step].toolUseResult.filenames.map(local);
      return [{ kind: 'search', ...at, query: input.pattern, documents }];
    }
    if (name !== 'Read') return [];
    // What it says last is its answer; only before another call it thinks aloud.
    const next = blocks.filter(({ step }) => step > result.step);
    const goesOn = next.some(({ type }) => type === 'tool_use');
    const reasoning = goesOn ? said(next.find(({ type }) => type === 'text')?.text) : null;
    return [{ kind: 'browse', ...at, doc: local(input.file_path), reasoning }];
  });
  return [{ question: records.find(({ type }) => type === 'user').message.content, steps }];
}

const one = (): number => 1;
const count = (pattern: RegExp) => (bytes: Buffer) => bytes.toString().match(pattern)?.length ?? 0;
const noLog: RawFile = { kind: 'no log' };
const runs = (of: (text: string) => RawRun[]): RawFile => ({ kind: 'runs', runs: of });
/** @param lacks how a call that pairs need would look in the raw text */
const barren = (of: (bytes: Buffer) => number, lacks: RegExp): RawFile => ({
  kind: 'barren',
  runs: of,
  lacks,
});

const opening = /"(?:name|function)\\*": ?\\*"(?:\w+_)?(?:fetch|visit|open|browse|crawl|read)(?:_\w+)?\\*"/i;
const searching = /"(?:name|function)\\*": ?\\*"(?:\w+_)?(?:search|grep|glob|find)(?:_\w+)?\\*"/i;

/** All of `shared/data`, by patterns of paths; a file that none of them names, or two, is forgotten. */
const known: readonly (readonly [RegExp, RawFile])[] = [
  [/^lrat\/trajectories\//, runs(lratRun)],
  [/^webdancer\/trajectories\.jsonl$/, runs(webdancerRuns)],
  [/^deerflow\/thread_/, runs(deerflowThread)],
  [/^deerflow\/monocle_/, runs(monocleRun)],
  [/^deerflow_v1\//, runs(deerflowStream)],
  [/^swe_agent\//, runs(sweAgentRun)],
  [/^claude_code\//, runs(claudeCodeSession)],

  [/^atif\//, barren(one, /"function_name": ?"\w*(?:search|fetch|browse|visit)\w*"/)],
  [/^inspect\/.*_browser\.json$/, barren(one, searching)],
  [/^inspect\/log_tool_call_error\.json$/, barren(one, /"tool_calls"/)],
  [/^inspect\/.*\.eval$/, barren(samplesIn, /"tool_calls"/)],
  [/^langfuse\//, barren(one, opening)],
  [/^openai_responses\//, barren(count(/^event: response\.created$/gm), /"sources":\[\{|"type":"open_page"/)],
  [/^provider_cassettes\/.*anthropic_web_fetch/, barren(one, /web_search_tool_result/)],
  [/^provider_cassettes\/.*anthropic_web_search/, barren(one, /web_fetch_tool_result/)],
  [/^provider_cassettes\/.*openai/, barren(one, /open_page|sources:\n *- /)],
  [/^r1searcher\//, barren(count(/\n/g), opening)],
  [/^searchr1\/case\.txt$/, barren(count(/<\|im_start\|>assistant\n/g), opening)],
  [/^react_text\//, barren(count(/^Question: /gm), /^Observation \d+: *(?:\d+\.|\[|- )/m)],

  [/^MANIFEST\.md$/, noLog],
  [/^lrat\/[^/]+$/, noLog],
  [/^webdancer\/questions\.jsonl$/, noLog],
  [/^searchr1\/corpus\.jsonl$/, noLog],
  [/^otel_genai\//, noLog],
];

function samplesIn(archive: Buffer): number {
  return Object.keys(unzipSync(archive)).filter(name => name.startsWith('samples/')).length;
}

/** The text of a log; of an archive, that of all its members. */
export function textOf(path: string, bytes: Buffer): string {
  if (!basename(path).endsWith('.eval')) return bytes.toString();
  return Object.values(unzipSync(bytes))
    .map(member => strFromU8(member))
    .join('\n');
}

/** What the test knows of a file of `shared/data`; an error if that is nothing, or two things. */
export function rawFile(path: string): RawFile {
  const found = known.filter(([pattern]) => pattern.test(path));
  if (found.length !== 1) throw new Error(`${path} is known ${found.length} times`);
  return found[0]![1];
}
