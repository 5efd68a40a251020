import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { type LogRecord, type ReadOptions, readLog } from '../../../src/trajectory/log.ts';
import type { BrowseStep, SearchStep, Step, Trajectory } from '../../../src/trajectory/model.ts';

const folder = mkdtempSync(join(tmpdir(), 'lrat-logs-'));
let files = 0;

afterAll(() => rmSync(folder, { recursive: true }));

/** Writes a log of its own and returns its path. */
export function logFile(content: string | Uint8Array, extension = '.json'): string {
  const path = join(folder, `log-${files++}${extension}`);
  writeFileSync(path, content);
  return path;
}

/** Everything that a log gives. */
export function readAll(
  content: string | Uint8Array,
  extension = '.json',
  options: ReadOptions = {},
): LogRecord[] {
  return [...readLog(logFile(content, extension), options)];
}

/** The trajectories of a log that holds nothing else. */
export function trajectoriesOf(path: string, options: ReadOptions = {}): Trajectory[] {
  return [...readLog(path, options)].map(record => {
    if (record.kind !== 'trajectory') throw new Error(record.reason);
    return record.trajectory;
  });
}

/** Path of a log among the fixtures, by its name there. */
export function fixture(name: string): string {
  return join(import.meta.dirname, '../../fixtures/logs', name);
}

/** What stands in a log at the place of each step: `[kind, text]`. Places in archives are not looked up. */
export function shownAt(path: string, { steps }: Trajectory): [Step['kind'], string][] {
  const bytes = readFileSync(path);
  return steps.map(({ kind, position }) => {
    if (position === null) throw new Error('a step without a place');
    return [kind, bytes.subarray(position.offset, position.offset + position.length).toString('utf8')];
  });
}

/** The only trajectory of a record, read from a file; its steps' places are checked against the bytes. */
export function readOne(record: unknown, options: ReadOptions = {}): Trajectory {
  const path = logFile(JSON.stringify(record, null, 1));
  const records = [...readLog(path, options)];
  expect(records).toMatchObject([{ kind: 'trajectory' }]);
  const [read] = records;
  if (read?.kind !== 'trajectory') throw new Error('unreachable');
  expectPlaces(path, read.trajectory);
  return read.trajectory;
}

/** Each place must hold whole JSON, and its line and column must be where the byte offset says. */
export function expectPlaces(path: string, trajectory: Trajectory): void {
  const bytes = readFileSync(path);
  for (const { position } of trajectory.steps) {
    if (position === null) throw new Error('a step without a place');
    const { offset, length, line, column } = position;
    const before = bytes
      .subarray(0, offset)
      .toString('utf8')
      .replace(/^\uFEFF/, '')
      .split('\n');
    expect([line, column]).toEqual([before.length, before.at(-1)!.length + 1]);
    expect(() => JSON.parse(bytes.subarray(offset, offset + length).toString('utf8'))).not.toThrow();
  }
}

export function searches(trajectory: Trajectory): SearchStep[] {
  return trajectory.steps.filter((step): step is SearchStep => step.kind === 'search');
}

export function browses(trajectory: Trajectory): BrowseStep[] {
  return trajectory.steps.filter((step): step is BrowseStep => step.kind === 'browse');
}

/** Kinds and step numbers, in order: `think 0, search 1`. */
export function outline(steps: readonly Step[]): string {
  return steps.map(({ kind, step }) => `${kind} ${step}`).join(', ');
}

/** The trajectories of a file of `test/fixtures/logs`, read without a problem, and what its bytes are at a step's place. */
export function readFixture(name: string): {
  readonly trajectories: readonly Trajectory[];
  readonly at: (step: Step) => string;
} {
  const path = join(import.meta.dirname, '../../fixtures/logs', name);
  const trajectories = [...readLog(path)].map(record => {
    if (record.kind !== 'trajectory') throw new Error(record.reason);
    expectPlaces(path, record.trajectory);
    return record.trajectory;
  });
  const bytes = readFileSync(path);
  const at = ({ position }: Step): string =>
    bytes.subarray(position!.offset, position!.offset + position!.length).toString('utf8');
  return { trajectories, at };
}

/** What the bytes of a step must show, if they are JSON: the first line of its text, or what it is known by. */
export function telling(step: Step): string {
  const text =
    step.kind === 'search' ? (step.candidates[0]?.id ?? step.query) : step.kind === 'tool' ? '' : step.text;
  return JSON.stringify(text.split('\n', 1)[0]).slice(1, -1);
}
