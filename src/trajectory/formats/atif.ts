import type { Call } from '../builder.ts';
import { Dialogue } from '../conversation.ts';
import type { Detection, ReadContext, RecordFormat, RecordResult } from '../format.ts';
import { reasoningIn } from '../reasoning.ts';
import type { JsonPath } from '../source/positions.ts';
import type { ToolKinds } from '../tools.ts';
import {
  asList,
  contentText,
  field,
  isFields,
  nameField,
  nameOf,
  textField,
  unreadBlocks,
} from '../values.ts';
import { explicitVerdict } from '../verdict.ts';

/**
 * Trajectories in ATIF, the interchange format of Harbor that agents are run in, and that others export too (GitHub Copilot
 * in VS Code: one, or a bundle of them): what a call gave stands in the step of the call. Subagents are trajectories of
 * their own, in files of their own or embedded.
 */
export const atif: RecordFormat = {
  name: 'atif',
  unit: 'record',

  detect(record: unknown): Detection | null {
    if (isTrajectory(record))
      return { score: 1, reason: 'its `schema_version` is of ATIF, and it has `steps`' };
    const isBundle = asList(field(record, 'trajectories')).some(isTrajectory);
    return isBundle ? { score: 1, reason: 'its `trajectories` are of ATIF' } : null;
  },

  read(record: unknown, { tools }: ReadContext): readonly RecordResult[] {
    return trajectoriesIn(record).map(({ path, trajectory }) => readTrajectory(trajectory, path, tools));
  },
};

function isTrajectory(value: unknown): boolean {
  return /^ATIF\b/i.test(textField(value, 'schema_version') ?? '') && Array.isArray(field(value, 'steps'));
}

interface Found {
  readonly path: JsonPath;
  readonly trajectory: unknown;
}

/** A trajectory, those of its subagents after it; or those of a bundle. */
function trajectoriesIn(record: unknown): Found[] {
  const found: Found[] = [];
  const waiting: Found[] = [{ path: [], trajectory: record }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { path, trajectory } = next;
    if (isTrajectory(trajectory)) found.push(next);
    // Agents have subagents, not an endless line of them.
    if (path.length > 2 * deepest) continue;
    for (const name of ['subagent_trajectories', 'trajectories']) {
      const list = asList(field(trajectory, name));
      for (let i = list.length - 1; i >= 0; i--) {
        waiting.push({ path: [...path, name, String(i)], trajectory: list[i] });
      }
    }
  }
  return found;
}

const deepest = 8;

function readTrajectory(record: unknown, path: JsonPath, tools: ToolKinds): RecordResult {
  const dialogue = new Dialogue(tools);
  const agent = field(record, 'agent');
  const settings = field(agent, 'extra');
  const [folder] = [...asList(field(settings, 'cwd')), ...asList(field(settings, 'cwds'))];
  if (typeof folder === 'string' && folder !== '') dialogue.workIn(folder);
  let model = textField(agent, 'model_name');
  for (const [i, step] of asList(field(record, 'steps')).entries()) {
    model ??= textField(step, 'model_name');
    readStep(dialogue, i, step);
  }
  if (field(record, 'continued_trajectory_ref') !== undefined)
    dialogue.skip(null, 'what follows in another file');
  const { answered, ...read } = dialogue.end();
  return {
    ...read,
    stepList: [...path, 'steps'],
    name: nameField(record, 'session_id', 'trajectory_id'),
    queryId: null,
    agent: model,
    retriever: null,
    references: [],
    completed: answered,
    outcome: explicitVerdict(record),
  };
}

function readStep(dialogue: Dialogue, i: number, step: unknown): void {
  if (field(step, 'is_copied_context') === true) {
    dialogue.skip(i, 'a step of an earlier trajectory');
    return;
  }
  const source = field(step, 'source');
  const message = field(step, 'message');
  if (source === 'user') dialogue.user(i, contentText(message));
  for (const reason of unreadBlocks(message)) dialogue.skip(i, reason);
  if (source === 'agent') readTurn(dialogue, i, step);
  else if (isFields(field(step, 'observation'))) dialogue.skip(i, 'what is shown without a call');
}

function readTurn(dialogue: Dialogue, i: number, step: unknown): void {
  dialogue.endTurn();
  const { reasoning, hidden } = reasoningIn(field(step, 'message'));
  dialogue.reason(i, textField(step, 'reasoning_content') ?? reasoning, hidden);
  dialogue.say(i, contentText(field(step, 'message')));
  const calls = asList(field(step, 'tool_calls')).map(callOf);
  const answer = calls.length === 1 ? answerOf(calls[0]!) : null;
  const results = asList(field(field(step, 'observation'), 'results'));
  if (answer !== null) {
    dialogue.answer(i, answer);
    return;
  }
  for (const call of calls) dialogue.call(i, call);
  if (calls.length === 0 && results.length > 0) dialogue.skip(i, 'what is shown without a call');
  else for (const result of results) readResult(dialogue, i, result);
  dialogue.endTurn();
}

function callOf(call: unknown): Call {
  return {
    id: nameField(call, 'tool_call_id'),
    name: nameField(call, 'function_name') ?? 'unknown',
    arguments: field(call, 'arguments'),
  };
}

/** What an agent says with a tool that ends its run; null if a call is of another tool. */
function answerOf({ name, arguments: input }: Call): string | null {
  if (!/^(?:finish|final_answer|attempt_completion|task_complete|complete_task)$/i.test(name)) return null;
  return textField(input, 'answer', 'final_answer', 'message', 'result', 'response', 'summary');
}

function readResult(dialogue: Dialogue, i: number, result: unknown): void {
  const output = field(result, 'content') ?? null;
  for (const reason of unreadBlocks(output)) dialogue.skip(i, `${reason} in a result`);
  if (asList(field(result, 'subagent_trajectory_ref')).length > 0) {
    dialogue.skip(i, 'what a subagent did: it is a trajectory of its own');
  }
  const failed = field(field(result, 'extra'), 'is_error') === true;
  dialogue.result(i, { id: nameOf(field(result, 'source_call_id')), name: null, output, failed });
}
