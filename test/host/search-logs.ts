/** Logs for tests in the host, as BrowseComp-Plus writes them: one record each. */
export interface Told {
  readonly id: string;
  readonly question: string;
  /** Each search with the documents that it lists and the one that is opened after it, if any. */
  readonly searches: readonly {
    readonly query: string;
    readonly docs: readonly string[];
    readonly opens?: string;
  }[];
}

export function record({ id, question, searches }: Told): object {
  const call = (tool_name: string, args: object, output: string) => ({
    ...{ type: 'tool_call', tool_name, arguments: JSON.stringify(args), output },
  });
  const think = (output: string) => ({ type: 'reasoning', tool_name: null, arguments: null, output });
  return {
    metadata: { model: 'agent', searcher_type: 'bm25', k: 2 },
    query_id: id,
    query: question,
    status: 'completed',
    tool_call_counts: { search: searches.length },
    retrieved_docids: searches.flatMap(({ docs }) => docs),
    result: [
      think(`Look into ${question}`),
      ...searches.flatMap(({ query, docs, opens }) => [
        call(
          'search',
          { query },
          `A search for '${query}' found ${docs.length} results:\n\n## Web Results\n${docs
            .map(doc => `DocID:${doc}\n[Title ${doc}]\nTitle ${doc}\nWords of ${doc}.`)
            .join('\n\n')}`,
        ),
        ...(opens === undefined
          ? []
          : [
              call(
                'get_document',
                { docid: opens },
                `Document ${opens}:\nTitle ${opens}\nWords of ${opens}.`,
              ),
              think(`The page ${opens} answers it, so the search for it is over.`),
            ]),
      ]),
      { type: 'output_text', tool_name: null, arguments: null, output: 'An answer' },
    ],
  };
}
