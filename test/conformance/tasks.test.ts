import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { root } from '../../scripts/results.mjs';
import { argumentsOf } from '../../src/editor/task-definition.ts';
import { lrat } from './command-line.ts';

const read = (name: string) => JSON.parse(readFileSync(join(root, name), 'utf8'));
const [definition] = read('package.json').contributes.taskDefinitions;
const commands: readonly string[] = definition.properties.command.enum;
/** What a task says by where and how it runs. */
const ofTasks = new Set(['workspace', 'json', 'background', 'help']);

/** VS Code hands on only what the manifest declares of a task: an option that is not there is dropped in silence. */
describe('a task of type lrat', () => {
  /** The options of each command in camel case, as the command line tells them. */
  const options = new Map<string, string[]>();

  beforeAll(async () => {
    for (const command of commands) {
      const { stdout } = await lrat([command, '--help']);
      const names = [...stdout.matchAll(/^ {2}(?:-\w, )?--(?:no-)?([\w-]+)/gm)].map(([, name]) => name!);
      const camel = names.map(name => name.replace(/-./g, ([, letter]) => letter!.toUpperCase()));
      options.set(
        command,
        camel.filter(name => !ofTasks.has(name)),
      );
    }
  });

  it('has every option of its commands, and no other', () => {
    const { command: _, paths, query, ...declared } = definition.properties;
    expect(Object.keys(declared).sort()).toEqual([...new Set([...options.values()].flat())].sort());
  });

  it.each(['package.nls.json', 'package.nls.de.json'])('says of each whose it is: %s', file => {
    const strings = read(file);
    const { command: _, ...properties } = definition.properties;
    for (const name of Object.keys(properties)) {
      const said = [...strings[`task.${name}`].matchAll(/(?<=^|\. )((?:\w+, )*\w+):/g)];
      const takers = commands.filter(command => options.get(command)!.includes(name));
      const operand = { paths: ['index'], query: ['search'] }[name];
      expect([name, said.flatMap(([, names]) => names!.split(', ')).sort()]).toEqual([
        name,
        (operand ?? takers).toSorted(),
      ]);
    }
  });

  it('becomes arguments of the command line', () => {
    const of = (task: Record<string, unknown>) => argumentsOf({ type: 'lrat', ...task } as never).join(' ');
    expect(of({ command: 'index', paths: ['a', 'b'], answers: 'c.tsv' })).toBe(
      'index --answers c.tsv -- a b',
    );
    expect(of({ command: 'search', model: 'bm25', k: 3, b: 0.4, query: '-' })).toBe(
      'search --model bm25 --k 3 --b 0.4 -- -',
    );
    expect(of({ command: 'eval', model: ['bm25', 'm'], k: [1, 10] })).toBe(
      'eval --background --model bm25 m --k 1 10',
    );
    expect(of({ command: 'train', heldOut: 0.2, weights: false })).toBe(
      'train --background --held-out 0.2 --no-weights',
    );
    expect(of({ command: 'train', weights: true })).toBe('train --background');
    expect(of({ command: 'judge', dryRun: true })).toBe('judge --background --dry-run');
    expect(of({ command: 'judge', dryRun: false })).toBe('judge --background');
  });
});
