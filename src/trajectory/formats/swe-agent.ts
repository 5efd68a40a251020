import type { Call } from '../builder.ts';
import { Dialogue } from '../conversation.ts';
import type { Detection, ReadContext, RecordFormat, RecordResult } from '../format.ts';
import { besideReasoning, reasoningIn } from '../reasoning.ts';
import { argumentsOf, isFileProgram, programOf } from '../shell.ts';
import type { ToolKinds } from '../tools.ts';
import { asList, contentText, field, isFields, nameField, parseStructured, textField } from '../values.ts';
import { explicitVerdict } from '../verdict.ts';

/**
 * The trajectories of SWE-agent, `.traj`: each step is a thought, a command line and what it gave. Commands of its own
 * (`find_file`, `search_dir`, `open`, `goto`, `scroll_down`) and those of the shell search and show files.
 */
export const sweAgent: RecordFormat = {
  name: 'swe-agent',
  unit: 'record',

  detect(record: unknown): Detection | null {
    const steps = field(record, 'trajectory');
    if (!Array.isArray(steps) || !isFields(field(record, 'info'))) return null;
    // The last step of a run that broke off may have no observation.
    const acts = steps.every(step => isText(step, 'action')) && isText(steps[0], 'observation');
    if (!acts) return null;
    return { score: 1, reason: 'its `trajectory` is of actions and observations, and it has an `info`' };
  },

  read(record: unknown, { tools }: ReadContext): RecordResult {
    const dialogue = new Dialogue(tools);
    const info = field(record, 'info');
    const steps = asList(field(record, 'trajectory'));
    const submission = textField(info, 'submission');
    let state: unknown = stateOf(steps[0]);
    for (const [i, step] of steps.entries()) {
      const own = stateOf(step);
      // Older versions tell the state before a command, and as a text; newer ones the state after it.
      if (isText(step, 'state')) state = own;
      const folder = textField(state, 'working_dir');
      if (folder !== null) dialogue.workIn(folder);
      const submits = i === steps.length - 1 && /^submit\b/.test(textField(step, 'action') ?? '');
      readStep(dialogue, i, step, submits ? submission : null, state, tools);
      if (own !== undefined) state = own;
      // A run that was ended, by its costs say, hands in what there is.
      if (i === steps.length - 1 && !submits && submission !== null) dialogue.say(i, submission);
    }
    const { answered: _, ...read } = dialogue.end();
    const config = configOf(record);
    const problem = field(config, 'problem_statement');
    return {
      ...read,
      stepList: ['trajectory'],
      queryId: nameField(problem, 'id') ?? nameField(record, 'instance_id'),
      question: textField(problem, 'text', 'problem_statement') ?? firstMessage(record),
      agent: nameField(field(field(config, 'agent'), 'model'), 'name'),
      retriever: null,
      references: [],
      completed: field(info, 'exit_status') === 'submitted',
      outcome: explicitVerdict(record),
    };
  },
};

function isText(step: unknown, name: string): boolean {
  return typeof field(step, name) === 'string';
}

function stateOf(step: unknown): unknown {
  const state = field(step, 'state');
  return typeof state === 'string' ? parseStructured(state) : state;
}

/** @param handedIn what the agent hands in with this step: its answer */
function readStep(
  dialogue: Dialogue,
  i: number,
  step: unknown,
  handedIn: string | null,
  state: unknown,
  tools: ToolKinds,
): void {
  const action = textField(step, 'action')?.trim() ?? '';
  const observation = textField(step, 'observation');
  dialogue.endTurn();
  const { reasoning, hidden } = reasoningIn(field(step, 'thinking_blocks'));
  const thought = textField(step, 'thought');
  const isBeside = reasoning !== null || hidden;
  dialogue.reason(i, isBeside ? reasoning : thought, hidden);
  if (isBeside && thought !== null) dialogue.skip(i, besideReasoning);
  if (handedIn !== null) dialogue.say(i, handedIn);
  else if (action !== '') {
    const name = programOf(action);
    dialogue.call(i, { id: String(i), name, ...callOf(name, action, observation ?? '', state, tools) });
    dialogue.result(i, { id: String(i), name, output: observation ?? '' });
  } else if (observation !== null) dialogue.skip(i, 'what the environment says without a command');
}

/** What a command asks for. What `open`, `goto` and scrolling show of which file is told by what they gave. */
function callOf(
  name: string,
  action: string,
  observation: string,
  state: unknown,
  tools: ToolKinds,
): Omit<Call, 'id' | 'name'> {
  const [first, second, ...others] = argumentsOf(action);
  const openFile = textField(state, 'open_file');
  const kind = isFileProgram(name) ? 'shell' : tools(name);
  if (kind === 'search' || kind === 'code-search') {
    return {
      arguments: { query: first, path: second ?? (name === 'search_file' ? openFile : undefined) },
      kind,
    };
  }
  if (kind === 'browse' || kind === 'in-page') {
    const window = windowIn(observation);
    const path = window?.path ?? (kind === 'browse' ? first : openFile);
    return { arguments: { path, view_range: window?.lines }, kind: 'browse' };
  }
  if (first === 'view' || first === 'create') {
    const lines = others.filter(word => /^-?\d+$/.test(word)).map(Number);
    return { arguments: { command: first, path: second, view_range: lines } };
  }
  return { arguments: { command: action }, kind: 'shell' };
}

/** The file that the window shows, and the lines of it, if not all. */
function windowIn(observation: string): { path: string; lines: number[] | undefined } | null {
  const shown = /\[File: (.{1,1000}?) \((\d+) lines total\)\]\s*(?:\((\d+) more lines above\))?/.exec(
    observation,
  );
  if (shown === null) return null;
  const [, path, total, above = '0'] = shown;
  const below = /\((\d+) more lines below\)\s*$/.exec(observation)?.[1] ?? '0';
  const isWhole = above === '0' && below === '0';
  return { path: path!, lines: isWhole ? undefined : [Number(above) + 1, Number(total) - Number(below)] };
}

/** The settings of the run, in newer versions as a text. */
function configOf(record: unknown): unknown {
  const config = field(record, 'replay_config');
  return typeof config === 'string' ? parseStructured(config) : config;
}

function firstMessage(record: unknown): string | null {
  const messages = asList(field(record, 'history'));
  const first = messages.find(
    message => field(message, 'role') === 'user' && field(message, 'is_demo') !== true,
  );
  return contentText(field(first, 'content')).trim() || null;
}
