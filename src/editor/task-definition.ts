/** A task of type `lrat`, as tasks.json has it: a command of the command line with its options. */
export interface LratTaskDefinition {
  readonly type: 'lrat';
  readonly command: 'index' | 'judge' | 'mine' | 'export' | 'corpus' | 'train' | 'embed' | 'search' | 'eval';
  /** Of `index`: the logs. */
  readonly paths?: readonly string[];
  /** Of `search`: what is asked. */
  readonly query?: string;
  /**
   * Every other property is an option, in camel case: `heldOut` is `--held-out`. The manifest declares each, for VS Code
   * hands on what is declared and nothing else.
   */
  readonly [option: string]: unknown;
}

/** What the manifest names by what holds unless it is refused: `weights: false` is `--no-weights`. */
const refusable = new Set(['weights']);

/** Commands that are runs of the workspace: each works in a process that outlives the task's terminal. */
const runs = new Set(['judge', 'mine', 'train', 'eval']);

/** Arguments of `lrat` for a task. */
export function argumentsOf({
  type: _,
  command,
  paths = [],
  query,
  ...options
}: LratTaskDefinition): string[] {
  const operands = query === undefined ? paths : [query];
  return [
    command,
    ...(runs.has(command) ? ['--background'] : []),
    ...Object.entries(options).flatMap(([name, value]) => optionArguments(name, value)),
    ...(operands.length > 0 ? ['--', ...operands] : []),
  ];
}

function optionArguments(name: string, value: unknown): string[] {
  const option = name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);
  if (value === undefined) return [];
  if (typeof value !== 'boolean') return [`--${option}`, ...[value].flat().map(String)];
  if (refusable.has(name)) return value ? [] : [`--no-${option}`];
  return value ? [`--${option}`] : [];
}
