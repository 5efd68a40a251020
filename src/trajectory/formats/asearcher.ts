import { TrajectoryBuilder } from '../builder.ts';
import type { Detection, ReadContext, RecordFormat, RecordResult } from '../format.ts';
import { splitThink } from '../markup.ts';
import type { Outcome } from '../model.ts';
import { asList, contentText, field, nameOf, namesOf, textField } from '../values.ts';
import { explicitVerdict, outcomeOf } from '../verdict.ts';

/**
 * The evaluation runs of ASearcher (inclusionAI): `{id, prompt, gt, pred_answer, history}`, a file or a line for each. Its
 * `history` is a list of what the model said (`llm_response` with `tool_calls`), of lists (`search_result`, whose texts and
 * addresses stand in two lists side by side) and of pages (`page_access`). A tool that failed leaves no entry.
 */
export const asearcher: RecordFormat = {
  name: 'asearcher',
  unit: 'record',

  detect(record: unknown): Detection | null {
    const history = field(record, 'history');
    if (!Array.isArray(history)) return null;
    const isRun = history.some(
      entry => field(entry, 'type') === 'llm_response' && typeof field(entry, 'text') === 'string',
    );
    return isRun ? { score: 1, reason: 'its `history` has entries of the type `llm_response`' } : null;
  },

  read(record: unknown, { tools }: ReadContext): RecordResult {
    const history = asList(field(record, 'history'));
    const builder = new TrajectoryBuilder(tools);
    let answer: string | null = null;
    // A thought may be an entry of its own: what the model says next, before it sees anything, is the same turn.
    let inTurn = false;

    history.forEach((entry, step) => {
      const type = field(entry, 'type');
      if (type === 'llm_response') {
        if (!inTurn) builder.turn();
        const calls = asList(field(entry, 'tool_calls'));
        inTurn = calls.length === 0;
        const { think, rest } = splitThink(textField(entry, 'text') ?? '');
        builder.think(step, think ?? rest.replace(/<(search|access|answer)>[\s\S]*$/, ''));
        for (const call of calls) {
          const named = field(call, 'type');
          if (named === 'search' || named === 'access') builder.call(step, callOf(named, call));
          else if (named === 'answer') {
            answer = textField(call, 'content')?.trim() ?? null;
            if (answer !== null) builder.answer(step, answer);
          } else builder.tool(step, nameOf(named) ?? 'unknown');
        }
        return;
      }
      inTurn = false;
      if (type !== 'search_result' && type !== 'page_access') {
        builder.skip(step, 'an entry of an unknown type');
        return;
      }
      const call = callOf(type === 'search_result' ? 'search' : 'access', entry);
      const output = type === 'search_result' ? listOf(entry) : { text: contentText(field(entry, 'page')) };
      if (Array.isArray(output) && output.length < asList(field(entry, 'documents')).length)
        builder.skip(step, 'results without an address');
      if (builder.result(step, { id: call.id, output })) return;
      builder.call(step, call);
      builder.result(step, { id: call.id, output });
    });

    const predicted = textField(record, 'pred_answer')?.trim() ?? null;
    return {
      ...builder.build(),
      stepList: ['history'],
      queryId: nameOf(field(record, 'id')) ?? nameOf(field(record, 'qid')),
      question: (textField(record, 'question') ?? textField(record, 'prompt'))?.trim() ?? null,
      agent: textField(record, 'model', 'model_name_or_path'),
      retriever: textField(record, 'search_client_type', 'retriever'),
      answer: answer ?? predicted,
      references: namesOf(field(record, 'gt') ?? field(record, 'answer')),
      completed: (answer ?? predicted) !== null && textField(record, 'error') === null,
      outcome: verdictIn(record),
    };
  },
};

/** Entries tell what was asked for, not which call it answers: that makes their id. */
function callOf(kind: 'search' | 'access', entry: unknown) {
  const asked = textField(entry, kind === 'search' ? 'query' : 'url')?.trim() ?? '';
  return kind === 'search'
    ? ({ id: `search ${asked}`, name: kind, kind: 'search', arguments: { query: asked } } as const)
    : ({ id: `access ${asked}`, name: kind, kind: 'browse', arguments: { url: asked } } as const);
}

/** Results by their addresses; a result without one cannot be told from others. */
function listOf(entry: unknown): object[] {
  const texts = asList(field(entry, 'documents'));
  return asList(field(entry, 'urls')).flatMap((url, i) => {
    const address = nameOf(url);
    return address === null ? [] : { url: address, text: contentText(texts[i]) };
  });
}

/** The judge's verdict (`MBE`) if there is one. An exact match is right; without one, other words may still be. */
function verdictIn(record: unknown): Outcome {
  const judged = outcomeOf(field(record, 'MBE'));
  if (judged !== 'unknown') return judged;
  return field(record, 'EM') === 1 ? 'correct' : explicitVerdict(record);
}
