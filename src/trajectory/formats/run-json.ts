import { TrajectoryBuilder } from '../builder.ts';
import { areEncrypted } from '../encryption.ts';
import type { Decrypt, Detection, ReadContext, RecordFormat, RecordResult, Refusal } from '../format.ts';
import { finalAnswer, joinThinks, splitThink } from '../markup.ts';
import { besideReasoning, hiddenReasoning } from '../reasoning.ts';
import { asList, contentText, field, isFields, nameField, nameOf, namesOf, textField } from '../values.ts';
import { explicitVerdict } from '../verdict.ts';

const stepTypes: ReadonlySet<unknown> = new Set(['reasoning', 'tool_call', 'output_text']);

/**
 * The run files of LRAT and BrowseComp-Plus: `{query_id, status, tool_call_counts, result: [{type, tool_name,
 * arguments, output}]}`, from any of their clients. They record no turns, so a tool call without a reasoning of its own
 * before it counts as a turn of its own: two browses in a row are not taken for parallel ones. The runs that BrowseComp-Plus
 * publishes are lines of these, with all outputs encrypted.
 */
export const runJson: RecordFormat = {
  name: 'run-json',
  unit: 'record',

  detect(record: unknown): Detection | null {
    const result = field(record, 'result');
    if (!Array.isArray(result) || !result.every(step => typeof field(step, 'type') === 'string')) return null;
    const isRun = nameField(record, 'query_id') !== null;
    const isEmptyRun = isRun && result.length === 0 && field(record, 'tool_call_counts') !== undefined;
    if (!isEmptyRun && !result.some(step => stepTypes.has(field(step, 'type')))) return null;
    const steps = 'its `result` is a list of reasoning, tool_call and output_text steps';
    return isRun
      ? { score: 1, reason: `${steps}, and it has a \`query_id\`` }
      : { score: 0.8, reason: steps };
  },

  read(record: unknown, { tools, decrypt, keeping }: ReadContext): RecordResult | Refusal {
    const result = readable(asList(field(record, 'result')), decrypt);
    if ('refused' in result) return result;
    const builder = new TrajectoryBuilder(tools, afterPrefix, keeping);
    const lastCall = result.findLastIndex(entry => field(entry, 'type') === 'tool_call');
    let turn: 'none' | 'thought' | 'acted' = 'none';
    // What the open turn has: a reasoning, be it hidden; and one that can be read.
    let [reasoned, thought] = [false, false];
    let output = '';
    const inTurn = (what: 'thought' | 'acted'): void => {
      if (turn !== 'thought') {
        builder.turn();
        [reasoned, thought] = [false, false];
      }
      turn = what;
    };

    result.forEach((entry, step) => {
      const type = field(entry, 'type');
      if (type === 'reasoning') {
        const text = reasoningText(field(entry, 'output'));
        inTurn('thought');
        reasoned = true;
        thought ||= text !== null;
        if (text === null) builder.skip(step, hiddenReasoning);
        builder.think(step, text);
      } else if (type === 'tool_call') {
        inTurn('acted');
        const name = nameOf(field(entry, 'tool_name'));
        // A client that paused may have lost the call.
        if (name === null) builder.skip(step, 'a result without its call');
        const call = { name: name ?? 'unknown', arguments: field(entry, 'arguments') };
        builder.call(step, { id: null, ...call });
        builder.result(step, { id: null, output: field(entry, 'output') });
      } else if (type === 'output_text' && step < lastCall) {
        // No answer yet: what the agent says before it goes on to call a tool.
        inTurn('thought');
        const text = contentText(field(entry, 'output'));
        if (reasoned) builder.skip(step, besideReasoning);
        else {
          thought = true;
          builder.think(step, text);
        }
      } else if (type === 'output_text') {
        // The raw last message: its reasoning is there again if a step before shows it.
        const isAgain = turn === 'thought' && thought;
        inTurn('acted');
        output = contentText(field(entry, 'output'));
        if (!isAgain) builder.think(step, splitThink(output).think);
        builder.answer(step, output);
      } else {
        // A client's own kind of step; nothing is known of it but that it stood between the others.
        inTurn('acted');
        builder.tool(step, String(type));
      }
    });

    const metadata = field(record, 'metadata');
    return {
      ...builder.build(),
      stepList: ['result'],
      queryId: nameField(record, 'query_id'),
      question: textField(record, 'query', 'question'),
      agent: textField(metadata, 'model') ?? textField(record, 'model'),
      retriever:
        textField(metadata, 'searcher_type', 'retriever') ?? textField(record, 'searcher_type', 'retriever'),
      answer: finalAnswer(output),
      references: namesOf(field(record, 'answer')),
      // Some clients write no status: then nothing says that the run did not finish.
      completed: (nameField(record, 'status') ?? 'completed') === 'completed',
      outcome: explicitVerdict(record),
    };
  },
};

/** Clients open `xx:123` as document 123, unless the list itself names it so. */
function afterPrefix(id: string, listed: ReadonlySet<string>): string {
  return listed.has(id) ? id : id.slice(id.lastIndexOf(':') + 1).trim() || id;
}

/** A text, a list of texts, or a list of `{type: "summary_text", text}`; null if it was kept secret. */
function reasoningText(output: unknown): string | null {
  return joinThinks(
    asList(output).flatMap(piece => (typeof piece === 'string' ? piece : (textField(piece, 'text') ?? []))),
  );
}

/** The steps with their outputs as they were, if they are encrypted. */
function readable(steps: readonly unknown[], decrypt: Decrypt): readonly unknown[] | Refusal {
  if (!areEncrypted(outputs(steps))) return steps;
  const decrypted = decrypt([...outputs(steps)]);
  if ('refused' in decrypted) return decrypted;
  let next = 0;
  return steps.map(step => mapOutput(step, () => decrypted[next++]));
}

function* outputs(steps: readonly unknown[]): Generator<string> {
  for (const step of steps) {
    const texts: string[] = [];
    mapOutput(step, text => texts.push(text));
    yield* texts;
  }
}

/** A step with another output: a text, or each text of a list, bare or in a `text`. */
function mapOutput(step: unknown, map: (text: string) => unknown): unknown {
  if (!isFields(step)) return step;
  const { output } = step;
  if (typeof output === 'string') return { ...step, output: map(output) };
  if (!Array.isArray(output)) return step;
  const mapped = output.map(piece => {
    if (typeof piece === 'string') return map(piece);
    const text = field(piece, 'text');
    return isFields(piece) && typeof text === 'string' ? { ...piece, text: map(text) } : piece;
  });
  return { ...step, output: mapped };
}
