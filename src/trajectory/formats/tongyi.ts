import type { Call } from '../builder.ts';
import { type Message, readConversation } from '../conversation.ts';
import type { Detection, ReadContext, RecordFormat, RecordResult } from '../format.ts';
import { splitThink, tagged, toolResponses, withoutCalls } from '../markup.ts';
import {
  asList,
  contentText,
  field,
  isFields,
  nameField,
  namesOf,
  parseArguments,
  textField,
} from '../values.ts';
import { explicitVerdict } from '../verdict.ts';

/**
 * The text of Tongyi DeepResearch, WebDancer, WebSailor and what is prompted like them: `{messages}` whose assistant
 * messages carry `<think>`, `<tool_call>` and `<answer>`, and whose user messages carry `<tool_response>`.
 */
export const tongyi: RecordFormat = {
  name: 'tongyi',
  unit: 'record',

  detect(record: unknown): Detection | null {
    const messages = field(record, 'messages');
    if (!Array.isArray(messages)) return null;
    let score = 0;
    for (const message of messages) {
      const content = field(message, 'content');
      if (field(message, 'role') !== 'assistant' || typeof content !== 'string') continue;
      if (content.includes('<tool_call>')) {
        return { score: 1, reason: 'its assistant messages carry `<tool_call>` in their text' };
      }
      if (content.includes('<think>') && content.includes('<answer>')) score = 0.4;
    }
    // An agent may answer without a single call; the fields of its runner tell it from any other text in tags.
    const isRun = ['termination', 'prediction', 'rollout_idx', 'functions'].some(
      name => field(record, name) !== undefined,
    );
    return score === 0
      ? null
      : { score: isRun ? 0.8 : score, reason: 'its assistant messages carry `<think>` and `<answer>`' };
  },

  read(record: unknown, { tools }: ReadContext): RecordResult {
    const conversation = readConversation(asList(field(record, 'messages')).map(readMessage), tools);
    const { steps, noPairs, skipped, answered } = conversation;
    const termination = textField(record, 'termination');
    return {
      steps,
      noPairs,
      skipped,
      stepList: ['messages'],
      queryId: nameField(record, 'query_id', 'qid', 'question_id', 'id'),
      question: textField(record, 'question') ?? conversation.question,
      agent: textField(record, 'model') ?? textField(field(record, 'metadata'), 'model'),
      retriever:
        textField(record, 'retriever') ?? textField(field(record, 'metadata'), 'retriever', 'searcher_type'),
      answer: conversation.answer ?? textField(record, 'prediction'),
      references: asList(field(record, 'answer')).flatMap(namesOf),
      // `answer`, `generate an answer as token limit reached`; all else is a way of giving up.
      completed: termination === null ? answered : /^(?:generate an )?answer(?! not found)/.test(termination),
      outcome: explicitVerdict(record),
    };
  },
};

function readMessage(message: unknown): Message {
  const role = field(message, 'role');
  const text = contentText(field(message, 'content'));
  if (role === 'assistant') {
    const { rest } = splitThink(text);
    const calls = tagged(rest, 'tool_call').map(readCall);
    const isCutOff = rest.lastIndexOf('<tool_call>') > rest.lastIndexOf('</tool_call>');
    const reasoning = textField(message, 'reasoning_content', 'reasoning');
    const leftOut = isCutOff ? ['a call that was cut off'] : [];
    return { role, reasoning, hidden: false, text: withoutCalls(text), calls, leftOut };
  }
  const outputs = toolResponses(text);
  if (outputs !== null) {
    return { role: 'tool', results: outputs.map(output => ({ id: null, name: null, output })) };
  }
  return role === 'user' ? { role, text: askedIn(text) } : { role: 'other' };
}

function readCall(text: string): Call {
  const call = parseArguments(text);
  const name = nameField(call, 'name');
  if (isFields(call) && name !== null)
    return { id: null, name, arguments: call.arguments ?? call.parameters };
  // Not even nearly JSON (code in the call, unescaped quotes): its name is all that can be had.
  return { id: null, name: /["']name["']\s*:\s*["']([^"']+)/.exec(text)?.[1] ?? 'unknown', arguments: null };
}

/** The question in a first message that begins with the instructions. */
function askedIn(text: string): string {
  const marker = '\nUser:';
  const at = text.includes('</tools>') ? text.lastIndexOf(marker) : -1;
  return at < 0 ? text : text.slice(at + marker.length);
}
