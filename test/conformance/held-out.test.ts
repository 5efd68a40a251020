import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../unit/workspace/support.ts';
import { answer, data, hasData } from './command-line.ts';

const questionsOf = (path: string) =>
  new Set(
    readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line): string => JSON.parse(line).question),
  );

describe.skipIf(!hasData)('training on a part of the questions', () => {
  const folder = temporaryFolder(afterAll);
  const at = (name: string) => join(folder, name);
  const run = (...args: string[]) => answer(args, { cwd: folder });
  const train = ['train', '--pairs', 'pairs.jsonl'];
  const trainNew = [...train, '--dimension', '32'];
  beforeAll(async () => {
    await run('index', join(data, 'lrat/trajectories'));
    await run('judge');
    await run('mine', '--out', 'pairs.jsonl');
    await run('corpus', '--out', 'corpus.jsonl');
  });

  it('names the pairs that were held out, on which base and model are measured', async () => {
    const trained = await run(...trainNew, '--out', 'model', '--held-out', '0.3', '--warmup', '1');
    const record = JSON.parse(readFileSync(join(trained.run, 'run.json'), 'utf8'));
    const [held, used] = [questionsOf(trained.heldOut), questionsOf(at(record.pairs))];
    expect(held.size).toBeGreaterThan(0);
    expect(used.size).toBeGreaterThan(0);
    expect([...held].filter(question => used.has(question))).toEqual([]);
    expect(new Set([...held, ...used])).toEqual(questionsOf(at('pairs.jsonl')));
    const models = ['--model', 'bm25', join(trained.run, 'base'), 'model'];
    const measured = await run('eval', ...models, '--corpus', 'corpus.jsonl', '--pairs', trained.heldOut);
    expect(measured.rows).toHaveLength(3);
    expect(measured.questions).toBe(held.size);
  });

  it('goes on from a static model with the steps that such models need', async () => {
    const first = await run(...trainNew, '--out', 'first', '--epochs', '1');
    const second = await run(...train, '--base', 'first', '--out', 'second', '--epochs', '1');
    const recipe = ({ run }: { run: string }) =>
      JSON.parse(readFileSync(join(run, 'run.json'), 'utf8')).recipe;
    expect(recipe(second)).toEqual(recipe(first));
    expect(second.heldOut).toBeNull();
  });
});
