import { join } from 'node:path';
import { writeFileAtomic } from '../base/files.ts';
import { type Episode, listLength, snippetTokens } from './episode.ts';
import type { Question, World } from './world.ts';

/** What every simulated log says of itself. */
export const simulationNote =
  'This is simulated: a program searched an invented world. No person and no language model took part.';

/**
 * An episode as an LRAT run record, in the Tongyi client's form (`DocID:` blocks, queries as an array). The verdict
 * `correct` is exact, since the simulation knows the answer; nothing else of the known truth is in it.
 */
export function runRecord(world: World, episode: Episode): object {
  const { question, actions, answer, retriever } = episode;
  const searches = actions.filter(({ kind }) => kind === 'search').length;
  const counts = { search: searches, get_document: episode.steps - searches };
  const docids = new Set<string>();
  const result = actions.map(action => {
    if (action.kind === 'think') {
      return { type: 'reasoning', tool_name: null, arguments: null, output: action.text };
    }
    if (action.kind === 'browse') {
      docids.add(action.id);
      return {
        type: 'tool_call',
        tool_name: 'get_document',
        arguments: JSON.stringify({ docid: action.id }),
        output: `Document ${action.id}:\n${action.text}`,
      };
    }
    const { query, results } = action;
    for (const { id } of results) docids.add(id);
    const blocks = results.map(({ id, title, snippet }) => `DocID:${id}\n[${title}]\n${snippet}`);
    return {
      type: 'tool_call',
      tool_name: 'search',
      arguments: JSON.stringify({ query: [query] }),
      output: `A search for '${query}' found ${results.length} results:\n\n## Web Results\n${blocks.join('\n\n')}`,
    };
  });
  const words = answer === null ? 'I could not find the answer.' : answer;
  return {
    metadata: {
      model: 'simulated-agent',
      simulation: true,
      note: simulationNote,
      world: { seed: world.seed, gap: world.gap },
      snippet_max_tokens: snippetTokens,
      k: listLength,
      searcher_type: retriever,
    },
    query_id: question.id,
    tool_call_counts: counts,
    tool_call_counts_all: counts,
    status: answer === null ? 'gave up' : 'completed',
    retrieved_docids: [...docids].sort(),
    result: [...result, { type: 'output_text', tool_name: null, arguments: null, output: words }],
    query: question.text,
    answer: world.truth.get(question.id)!.answer,
    correct: episode.correct,
  };
}

/** File name of a question's log. */
export const logName = (question: Question) => `run_${question.id}.json`;

/** Writes one log per episode into a folder. */
export function writeLogs(folder: string, world: World, episodes: readonly Episode[]): void {
  for (const episode of episodes) {
    const record = `${JSON.stringify(runRecord(world, episode), null, 1)}\n`;
    writeFileAtomic(join(folder, logName(episode.question)), record);
  }
}
