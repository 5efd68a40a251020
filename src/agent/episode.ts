import type { Job } from '../base/progress.ts';
import type { Retriever } from '../retrieval/retriever.ts';
import { type AgentSettings, type Attempt, attempt, defaultAgent, type Listing } from './simulated.ts';
import type { Question, World } from './world.ts';

/** Length of a result list, and of a snippet in white-space tokens (LRAT, section 7). */
export const listLength = 10;
export const snippetTokens = 64;

/** One run of the simulated agent on one question, graded exactly. */
export interface Episode extends Attempt {
  readonly question: Question;
  readonly retriever: string;
  readonly correct: boolean;
  /** |listed ∩ evidence| / |evidence|: evidence are the pages that state a fact of the question. */
  readonly evidenceRecall: number;
  /** Searches and browses. */
  readonly steps: number;
}

export interface AgentOptions {
  readonly settings?: AgentSettings;
  /** Seed of the agent's noise; the same for retrievers that are compared. */
  readonly seed: number;
}

/** Lets the simulated agent answer questions with a retriever behind its search. */
export async function runAgent(
  world: World,
  retriever: Retriever,
  questions: readonly Question[],
  { settings = defaultAgent, seed }: AgentOptions,
  job: Job,
): Promise<Episode[]> {
  const listings = new Map<string, Listing>();
  for (const { id, title, text } of world.pages.values()) {
    listings.set(id, { id, title, snippet: text.split(/\s+/).slice(0, snippetTokens).join(' ') });
  }
  const tools = {
    search: async (query: string) =>
      (await retriever.search(query, listLength)).map(({ id }) => listings.get(id)!),
    open: (id: string) => world.pages.get(id)!,
  };
  const episodes: Episode[] = [];
  for (const question of questions) {
    job.signal.throwIfAborted();
    const run = await attempt(question, world.wordings, tools, settings, seed);
    episodes.push({ ...run, question, retriever: retriever.name, ...grade(world, question, run) });
    if (episodes.length % 50 === 0 || episodes.length === questions.length) {
      job.report({
        task: `Agent with ${retriever.name}`,
        done: episodes.length,
        total: questions.length,
        unit: 'questions',
      });
    }
  }
  return episodes;
}

function grade(world: World, question: Question, run: Attempt) {
  const { answer, evidence } = world.truth.get(question.id)!;
  const wanted = new Set(evidence.flat());
  const listed = new Set<string>();
  let steps = 0;
  for (const action of run.actions) {
    if (action.kind !== 'think') steps++;
    if (action.kind === 'search') for (const { id } of action.results) if (wanted.has(id)) listed.add(id);
  }
  return { correct: run.answer === answer, evidenceRecall: listed.size / wanted.size, steps };
}

/** Means over episodes: rates from 0 to 1, steps per question. */
export interface AgentSummary {
  readonly questions: number;
  readonly successRate: number;
  readonly evidenceRecall: number;
  readonly steps: number;
}

export function summarise(episodes: readonly Episode[]): AgentSummary {
  const mean = (of: (episode: Episode) => number) =>
    episodes.reduce((sum, episode) => sum + of(episode), 0) / Math.max(1, episodes.length);
  return {
    questions: episodes.length,
    successRate: mean(({ correct }) => Number(correct)),
    evidenceRecall: mean(({ evidenceRecall }) => evidenceRecall),
    steps: mean(({ steps }) => steps),
  };
}
