/** A page that a run opens, and what is thought after it. */
export interface Visit {
  readonly doc: string;
  readonly reasoning: string;
}

/** A run log as the published ones are: one search that lists ten pages, then the visits. */
export function runLog(question: string, visits: readonly Visit[], id = '1'): object {
  const listed = Array.from({ length: 10 }, (_, i) => String(100 + i));
  const found = listed.map(doc => `DocID:${doc}\n[Page ${doc}]\nPage ${doc}\nWords of page ${doc}.`);
  const call = (tool_name: string, given: object, output: string) => ({
    type: 'tool_call',
    tool_name,
    arguments: JSON.stringify(given),
    output,
  });
  const think = (output: string) => ({ type: 'reasoning', tool_name: null, arguments: null, output });
  return {
    metadata: { model: 'agent', searcher_type: 'bm25', k: 10 },
    query_id: id,
    query: question,
    status: 'completed',
    tool_call_counts: { search: 1, get_document: visits.length },
    retrieved_docids: listed,
    result: [
      think('First a search.'),
      call(
        'search',
        { query: question },
        `A search for '${question}' found 10 results:\n\n## Web Results\n${found.join('\n\n')}`,
      ),
      ...visits.flatMap(({ doc, reasoning }) => [
        call('get_document', { docid: doc }, `Document ${doc}:\nPage ${doc}\nMore words of page ${doc}.`),
        think(reasoning),
      ]),
      { type: 'output_text', tool_name: null, arguments: null, output: 'The answer.' },
    ],
  };
}
