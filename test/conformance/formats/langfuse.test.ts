import { describe, expect, it } from 'vitest';
import { browsesOf, present, type Sample, samples, searchesOf, textsAt } from './real-logs.ts';

interface Observation {
  readonly type: string;
  readonly name: string;
  readonly startTime: string;
  readonly input: string;
  readonly output: string;
  readonly metadata: string;
}

const all = samples('langfuse');

/** The only trajectory of a sample, and the observations of its file. */
function only(sample: Sample) {
  const [trajectory, ...others] = sample.trajectories;
  if (trajectory === undefined || others.length > 0) throw new Error(sample.name);
  return { trajectory, observations: JSON.parse(sample.text).observations as Observation[] };
}

const framework = ({ name }: Sample) => name.replace(/-\d{4}-.*/, '');

/** How a text begins: its first line, for texts within texts write line ends and quotes in several ways. */
function opening(text: string): string {
  const [first] = text.split(/[\n"]/, 1);
  expect(first!.trim()).not.toBe('');
  return first!.trim();
}

/** What each export shows, as one finds it by reading the file. */
const expected: Readonly<Record<string, { query?: string; urls?: RegExp; tools?: number; start: string }>> = {
  agno: {
    query: 'currently trending on Twitter',
    urls: /\\"href\\": \\"(.*?)\\"/g,
    start: 'What is currently trending on Twitter?',
  },
  beeai: {
    query: 'Tourism in Barcelona',
    urls: /\\"url\\": \\"(.*?)\\"/g,
    start: "I'm planning a trip to Barcelona",
  },
  'claude-agent': { tools: 2, start: "What's the weather like in Berlin and New York?" },
  crewai: { start: 'Current Task: Define the HTML' },
  'langgraph-js': { tools: 1, start: "What's the weather in San Francisco?" },
  'langgraph-python': {
    query: 'example',
    urls: /\\\\\\"url\\\\\\": \\\\\\"(.*?)\\\\\\"/g,
    start: "Search the web for 'example' and summarize.",
  },
  llamaindex: { start: 'What is Langfuse?' },
  'openai-agents': { tools: 1, start: "What's the weather in Tokyo?" },
  // One of them, final_result, is how the agent hands in its answer.
  'pydantic-ai-tools': { tools: 4, start: 'programming' },
  'vercel-aisdk': { tools: 1, start: 'What is the weather like today in San Francisco?' },
};

describe.skipIf(!present)('Langfuse exports', () => {
  it('are 10, 3 of them with a search each and its list, none with a browse', () => {
    expect(all.map(framework)).toEqual(Object.keys(expected));
    for (const sample of all) {
      const { query, urls, tools = 0, start } = expected[framework(sample)]!;
      const { trajectory, observations } = only(sample);
      expect(trajectory.format).toBe('langfuse');
      expect(trajectory.question?.slice(0, start.length)).toBe(start);
      expect(searchesOf(trajectory).map(search => search.query)).toEqual(query === undefined ? [] : [query]);
      expect(browsesOf(trajectory)).toEqual([]);
      expect(trajectory.steps.filter(({ kind }) => kind === 'tool')).toHaveLength(tools);
      expect(trajectory.noPairs).toMatch(query === undefined ? /^no searches/ : /^search-only/);
      for (const { step, candidates } of searchesOf(trajectory)) {
        // The list stands in the raw text of the observation at which the search is.
        const raw = JSON.stringify(observations[step]!.output);
        const listed = [...raw.matchAll(urls!)].map(match => match[1]);
        expect(listed.length).toBeGreaterThan(0);
        expect(candidates.map(({ url }) => url)).toEqual(listed);
      }
    }
  });

  it('have their steps in the order of time, each at the observation that tells it', () => {
    for (const sample of all) {
      const { trajectory, observations } = only(sample);
      const times = trajectory.steps.map(({ step }) => observations[step]!.startTime);
      expect(times).toEqual(times.toSorted());
      expect(textsAt(sample, trajectory).map(text => JSON.parse(text))).toEqual(
        trajectory.steps.map(({ step }) => observations[step]),
      );
      for (const step of trajectory.steps) {
        const observation = observations[step.step]!;
        const { name, output } = observation;
        if (step.kind === 'search') expect(JSON.stringify(observation)).toContain(step.query);
        else if (step.kind === 'tool') {
          if (step.name === 'final_result') expect(JSON.stringify(output)).toContain(step.name);
          else expect(name).toContain(step.name);
        } else expect(JSON.stringify(output)).toContain(opening(step.text));
      }
    }
  });

  it('tell the answer and the verdict that stand in the trace', () => {
    for (const sample of all) {
      const { answer, outcome, completed } = only(sample).trajectory;
      const raw = sample.text;
      const isAnswered = framework(sample) !== 'vercel-aisdk';
      expect(completed).toBe(isAnswered);
      expect(answer !== null).toBe(isAnswered);
      if (answer !== null) expect(raw).toContain(opening(answer));
      expect(outcome).toBe(/"name": ?"correctness",\s*"value": ?0,/.test(raw) ? 'incorrect' : 'unknown');
    }
  });
});
