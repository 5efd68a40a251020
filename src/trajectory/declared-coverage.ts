import { clip } from '../base/text.ts';
import {
  at,
  commonNames,
  type FormatDefinition,
  parsed,
  pathOf,
  roleOf,
  stepsOf,
  textAt,
} from './declared.ts';
import type { JsonPath } from './source/positions.ts';
import { asList, isFields, nameOf, namesOf } from './values.ts';

/** A path of a description, and how often it was followed in vain and not. */
export interface PathUse {
  /** The field of the description: `step.arguments`. */
  readonly option: string;
  readonly path: string;
  readonly followed: number;
  /** How often something was there that can be read. */
  readonly found: number;
}

/** A field that is there and not read. */
export interface UnreadField {
  /** `events[].cost` is the field `cost` of a step. */
  readonly field: string;
  readonly times: number;
}

/** What is looked for at a path: a text or number, any number of them, the text of a message, a list, or just anything. */
const readable = {
  name: (value: unknown) => nameOf(value) !== null,
  names: (value: unknown) => namesOf(value).length > 0,
  text: (value: unknown) => textAt(value, '') !== null,
  list: (value: unknown) => asList(value).length > 0,
  anything: (value: unknown) => value !== undefined,
} as const;

/** A path that a description has something read from. */
interface Wanted {
  readonly option: string;
  readonly path: string;
  readonly what: keyof typeof readable;
}

/** A path on the way to what it leads to. */
interface Way {
  readonly path: JsonPath;
  /** Whether all that is at its end is read, or just a text or number. */
  readonly whole: boolean;
}

/** Names come from the log: there is no telling how many there are, or how long. */
const limits = { fields: 1000, name: 200 };

/** What the description of a format reads of records, and what it misses, as its reader would follow it. */
export class Coverage {
  readonly #definition: FormatDefinition;
  readonly #paths = new Map<string, { option: string; path: string; followed: number; found: number }>();
  readonly #unread = new Map<string, number>();

  constructor(definition: FormatDefinition) {
    this.#definition = definition;
  }

  /** Every path that was followed. */
  get paths(): readonly PathUse[] {
    return [...this.#paths.values()];
  }

  get unread(): readonly UnreadField[] {
    return [...this.#unread].map(([field, times]) => ({ field, times }));
  }

  add(record: unknown): void {
    const { has, steps: path, id, question, answer, references, agent, retriever } = this.#definition;
    const own = [
      wanted('id', id, 'name'),
      wanted('question', question, 'name'),
      wanted('answer', answer, 'name'),
      wanted('references', references, 'names'),
      wanted('agent', agent, 'name'),
      wanted('retriever', retriever, 'name'),
    ].flat();
    const named = has.map((path): Way => ({ path: pathOf(path), whole: false }));
    const steps = stepsOf(this.#definition, record);
    // A record that is itself the step has the fields of both.
    if (steps.length === 1 && steps[0] === record) this.#step(record, '', own, named);
    else {
      this.#look(record, '', [...own, ...wanted('steps', path, 'list')], named);
      for (const step of steps) this.#step(step, path === '' ? '[].' : `${path}[].`);
    }
  }

  /** @param own what is read of it besides a step's fields @param named paths whose texts and numbers count as read */
  #step(step: unknown, prefix: string, own: readonly Wanted[] = [], named: readonly Way[] = []): void {
    const { kind, reasoning, text, calls, output } = this.#definition.step;
    const role = roleOf(this.#definition, step);
    if (role === 'ignore') {
      this.#look(step, prefix, own, [{ path: [], whole: true }]);
      return;
    }
    const read = [...own, ...wanted('step.kind', kind, 'name')];
    if (role === 'user' || role === 'assistant') read.push(...wanted('step.text', text, 'text'));
    if (role === 'assistant' || role === 'call') read.push(...wanted('step.reasoning', reasoning, 'text'));
    if (role === 'assistant') read.push(...wanted('step.calls', calls, 'list'));
    if (role === 'call') read.push(...this.#callFields());
    if (role === 'result') read.push(...this.#resultFields());
    const ways = [...named];
    // Without a path to its output the whole step is it, or the list of results in it.
    if (role === 'result' && output === undefined) {
      const isList = this.#shownBy(step)[1] !== null;
      ways.push({ path: isList ? pathOf(this.#definition.results!.list) : [], whole: true });
    }
    this.#look(step, prefix, read, ways);
    if (role === 'result' || (role === 'call' && output !== undefined)) this.#results(step, prefix);
    if (role !== 'assistant' || calls === undefined) return;
    for (const call of asList(at(step, calls))) {
      this.#look(call, `${prefix}${calls}[].`, this.#callFields());
      if (output !== undefined) this.#results(call, `${prefix}${calls}[].`);
    }
  }

  #callFields(): Wanted[] {
    const { tool, arguments: input } = this.#definition.step;
    return [
      ...wanted('step.tool', tool, 'name'),
      ...wanted('step.arguments', input, 'anything'),
      ...this.#resultFields(),
    ];
  }

  #resultFields(): Wanted[] {
    const { callId, output } = this.#definition.step;
    return [...wanted('step.callId', callId, 'name'), ...wanted('step.output', output, 'anything')];
  }

  /** Of the results that a call or a result shows just some fields are read; of anything else that it shows, all. */
  #results(value: unknown, prefix: string): void {
    const { step, results } = this.#definition;
    if (results === undefined) return;
    const { list } = results;
    const [shown, items] = this.#shownBy(value);
    if (list !== '' && shown !== undefined) this.#follow('results.list', list, items !== null);
    if (items === null) return;
    const inOutput = step.output === undefined ? prefix : `${prefix}${step.output}.`;
    if (step.output !== undefined) this.#name(shown, inOutput, [{ path: pathOf(list), whole: true }]);
    const names = commonNames(results);
    const read = names.flatMap(([, option, path]) => wanted(`results.${option}`, path, 'anything'));
    const named = names.flatMap(([name, , path]) =>
      path === undefined ? [{ path: [name], whole: true }] : [],
    );
    const inList = list === '' ? inOutput.replace(/\.$/, '') : inOutput + list;
    for (const item of items) this.#look(item, `${inList}[].`, read, named);
  }

  /** What a call or a result shows, and the list of results in it, if there is one. */
  #shownBy(value: unknown): [shown: unknown, items: readonly unknown[] | null] {
    const { step, results } = this.#definition;
    const output = at(value, step.output ?? '');
    const shown = typeof output === 'string' ? parsed(output) : output;
    const items = results === undefined ? null : at(shown, results.list);
    return [shown, Array.isArray(items) ? items : null];
  }

  /** Follows paths from a value, and names what none of them leads to. */
  #look(value: unknown, prefix: string, read: readonly Wanted[], named: readonly Way[] = []): void {
    for (const { option, path, what } of read) this.#follow(option, path, readable[what](at(value, path)));
    const ways = read.map(({ path, what }): Way => ({ path: pathOf(path), whole: what !== 'name' }));
    this.#name(value, prefix, [...ways, ...named]);
  }

  #follow(option: string, path: string, isFound: boolean): void {
    const use = this.#paths.get(option) ?? { option, path, followed: 0, found: 0 };
    this.#paths.set(option, use);
    use.followed++;
    if (isFound) use.found++;
  }

  /** Names the fields that hold something and that no way goes through. No deeper than the ways go. */
  #name(value: unknown, prefix: string, ways: readonly Way[]): void {
    if (ways.some(({ path, whole }) => whole && path.length === 0)) return;
    const isList = Array.isArray(value);
    if (!isList && !isFields(value)) return;
    for (const [name, content] of Object.entries(value)) {
      if (content === null || content === '') continue;
      const after = ways.flatMap(({ path: [first, ...rest], whole }) =>
        first === name ? [{ path: rest, whole }] : [],
      );
      const isNested = typeof content === 'object';
      // A text or number at the end of a way is read, an object there is not.
      const goesOn = after.some(({ path }) => path.length > 0) || (after.length > 0 && isFields(content));
      if (isNested && goesOn) this.#name(content, `${prefix}${name}.`, after);
      else if (!after.some(({ path, whole }) => path.length === 0 && (whole || !isNested)))
        this.#note(isList ? `${prefix.replace(/\.$/, '')}[]` : prefix + name);
    }
  }

  #note(field: string): void {
    const name = clip(field, limits.name);
    const times = this.#unread.get(name) ?? 0;
    if (times > 0 || this.#unread.size < limits.fields) this.#unread.set(name, times + 1);
  }
}

function wanted(option: string, path: string | undefined, what: Wanted['what']): readonly Wanted[] {
  return path === undefined ? [] : [{ option, path, what }];
}
