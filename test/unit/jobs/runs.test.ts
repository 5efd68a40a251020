import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import {
  deleteRun,
  listRuns,
  MetricsReader,
  paceOf,
  readTail,
  runFolder,
  stopRun,
  thinOut,
} from '../../../src/jobs/runs.ts';
import { staticRecipe } from '../../../src/training/recipe.ts';
import { RunFolder, type StepMetric } from '../../../src/training/run-folder.ts';

const root = mkdtempSync(join(tmpdir(), 'lrat-runs-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const workspace = () => mkdtempSync(join(root, 'w-'));

/** A run of this process, as `train` writes it. */
function writeRun(home: string, id: string, base = `.lrat/runs/${id}/base`): RunFolder {
  const folder = new RunFolder(join(home, '.lrat', 'runs', id));
  folder.writeRecord({
    version: 1,
    kind: 'training',
    id,
    created: '2026-01-02T03:04:05.000Z',
    pairs: '.lrat/pairs/mine-0123456789ab-train.jsonl',
    pairsHash: 'x',
    base,
    baseHash: 'x',
    out: '.lrat/models/m',
    recipe: staticRecipe,
    lineage: {},
    versions: {},
  });
  return folder;
}
const at = (step: number) => ({ step, steps: 10, loss: 0.5, figures: { 'recall@10': 0.25 } });
const stepMetric = (step: number, loss = step): StepMetric => ({
  step,
  epoch: 0,
  loss,
  learningRate: 0.1,
  gradientNorm: 2,
  rowsPerSecond: 100,
  tokensPerSecond: 1000,
});
const lineOf = (metric: object) => `${JSON.stringify(metric)}\n`;

/** A real training in a process of its own, past its first step. */
async function startTraining(home: string) {
  const rows = Array.from({ length: 240 }, (_, i) => ({
    query: `asked${i}`,
    pos: [`page${i} words of a page`],
    pos_id: [`d${i}`],
    neg: [`page${(i + 1) % 240} words of a page`],
    neg_id: [`d${(i + 1) % 240}`],
    reweight_rate: 1,
    mode: 'attributed',
    log: 'log.json',
    question: `question ${i}`,
  }));
  writeFileSync(join(home, 'pairs.jsonl'), rows.map(lineOf).join(''));
  const cli = fileURLToPath(new URL('../../../src/cli.ts', import.meta.url));
  const args = [
    'train',
    '--pairs',
    'pairs.jsonl',
    '--base',
    'static',
    '--out',
    'model',
    '--epochs',
    '5000',
    '--batch',
    '8',
  ];
  const child = spawn(process.execPath, [cli, ...args], {
    cwd: home,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, LRAT_PROGRESS: 'json' },
  });
  const ended = once(child, 'exit');
  for await (const line of createInterface(child.stderr)) if (line.startsWith('{"task":"Training"')) break;
  child.stderr.resume();
  const { runs } = await listRuns(home);
  return { run: runs[0]!, folder: new RunFolder(runs[0]!.path), ended };
}

describe('the list of runs', () => {
  it('is empty where there are none', async () => {
    expect(await listRuns(workspace())).toEqual({ runs: [], problems: [] });
  });

  it('tells of each how it stands, newest first', async () => {
    const home = workspace();
    writeRun(home, '20260101-000000-aaaaaa').writeStatus('finished', at(10));
    writeRun(home, '20260102-000000-bbbbbb', 'models/mini').writeStatus('failed', at(4), 'no room');
    writeRun(home, '20260103-000000-cccccc').writeStatus('running', at(5));
    const { runs, problems } = await listRuns(home);
    expect(problems).toEqual([]);
    expect(runs.map(({ id, state, title, error }) => [id.slice(-6), state, title, error])).toEqual([
      ['cccccc', 'running', 'static encoder on mine pairs', null],
      ['bbbbbb', 'failed', 'mini on mine pairs', 'no room'],
      ['aaaaaa', 'finished', 'static encoder on mine pairs', null],
    ]);
    expect(runs[0]).toMatchObject({
      kind: 'training',
      name: 'm',
      out: join(home, '.lrat/models/m'),
      step: 5,
      steps: 10,
      loss: 0.5,
    });
  });

  it('calls a run crashed whose process is gone, whatever has its number now', async () => {
    const home = workspace();
    const folder = writeRun(home, 'r');
    folder.writeStatus('running', at(5));
    const path = join(folder.path, 'status.json');
    const status = JSON.parse(readFileSync(path, 'utf8'));
    const state = async (change: object) => {
      writeFileSync(path, JSON.stringify({ ...status, ...change }));
      return (await listRuns(home)).runs[0]!.state;
    };
    expect(await state({})).toBe('running');
    expect(await state({ pid: 2 ** 22 + 1 })).toBe('crashed');
    if (status.started !== null) expect(await state({ started: '1' })).toBe('crashed');
    rmSync(path);
    expect((await listRuns(home)).runs[0]!.state).toBe('crashed');
  });

  it('reads runs of versions that wrote less into their status', async () => {
    const home = workspace();
    const folder = writeRun(home, 'r');
    folder.writeStatus('stopped', at(5));
    const path = join(folder.path, 'status.json');
    const { loss: _, figures: __, ...old } = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify(old));
    expect((await listRuns(home)).runs[0]).toMatchObject({ state: 'stopped', loss: null, figures: {} });
  });

  it('reports a folder that it cannot read, and leaves it there', async () => {
    const home = workspace();
    writeRun(home, 'good').writeStatus('finished', at(10));
    mkdirSync(join(home, '.lrat/runs/bad'));
    writeFileSync(join(home, '.lrat/runs/bad/run.json'), '{"version": 1');
    const { runs, problems } = await listRuns(home);
    expect(runs.map(({ id }) => id)).toEqual(['good']);
    expect(problems).toMatchObject([
      { log: '.lrat/runs/bad', reason: expect.stringContaining('cannot be read') },
    ]);
    expect(existsSync(join(home, '.lrat/runs/bad/run.json'))).toBe(true);
  });

  it('takes runs that are known as they are', async () => {
    const home = workspace();
    const folder = writeRun(home, 'r');
    folder.writeStatus('stopped', at(5));
    const [before] = (await listRuns(home)).runs;
    folder.writeStatus('finished', at(10));
    expect((await listRuns(home, new Map([['r', before!]]))).runs).toEqual([before]);
  });
});

describe('stopping and deleting', () => {
  it('stops a training politely: it keeps a checkpoint and says so', async () => {
    const { run, folder, ended } = await startTraining(workspace());
    expect(run.state).toBe('running');
    await expect(deleteRun(folder)).rejects.toThrow('is running');
    expect(await stopRun(folder)).toBe('stopped');
    expect(await ended).toEqual([130, null]);
    expect(folder.listCheckpoints().length).toBeGreaterThan(0);
    await deleteRun(folder);
    expect(existsSync(folder.path)).toBe(false);
  });

  it('ends by force what does not stop', async () => {
    const home = workspace();
    const deaf = `process.on('SIGINT', () => {}); setInterval(() => {}, 1000); process.stdout.write('up\\n')`;
    const child = spawn(process.execPath, ['-e', deaf], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    await once(child.stdout, 'data');
    const folder = writeRun(home, 'r');
    folder.writeStatus('running', at(5));
    const path = join(folder.path, 'status.json');
    const status = JSON.parse(readFileSync(path, 'utf8'));
    const stat = existsSync('/proc/self/stat') ? readFileSync(`/proc/${child.pid}/stat`, 'utf8') : null;
    const started = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
    writeFileSync(path, JSON.stringify({ ...status, pid: child.pid, started }));
    const ended = once(child, 'exit');
    expect(await stopRun(folder, 0.3)).toBe('crashed');
    expect(await ended).toEqual([null, 'SIGKILL']);
  });

  it('leaves a run alone that does not run', async () => {
    const folder = writeRun(workspace(), 'r');
    folder.writeStatus('finished', at(10));
    expect(await stopRun(folder)).toBe('finished');
  });

  it('finds a run by its id, and nothing outside the runs', () => {
    const home = workspace();
    const { path } = writeRun(home, 'r');
    expect(runFolder(home, 'r').path).toBe(path);
    for (const id of ['other', '../../..', '']) expect(() => runFolder(home, id)).toThrow('is no run');
  });
});

describe('metrics that grow', () => {
  it('are taken line by line, and a line being written when it is whole', async () => {
    const folder = writeRun(workspace(), 'r');
    const reader = new MetricsReader(folder);
    await reader.update();
    expect(reader.steps).toEqual([]);
    const whole = lineOf(stepMetric(1)) + lineOf({ step: 1, epoch: 0, figures: { 'recall@10': 0.5 } });
    const half = lineOf(stepMetric(2));
    writeFileSync(folder.metrics, whole + half.slice(0, 20));
    await reader.update();
    expect(reader.steps.map(({ step }) => step)).toEqual([1]);
    expect(reader.figures).toEqual([{ step: 1, epoch: 0, figures: { 'recall@10': 0.5 } }]);
    appendFileSync(folder.metrics, half.slice(20));
    await Promise.all([reader.update(), reader.update()]);
    expect(reader.steps.map(({ step }) => step)).toEqual([1, 2]);
  });

  it('are read anew when a resumed run has rewound them', async () => {
    const folder = writeRun(workspace(), 'r');
    for (let step = 1; step <= 5; step++) folder.addMetric(stepMetric(step));
    folder.flush();
    const reader = new MetricsReader(folder);
    await reader.update();
    folder.rewindMetrics(3);
    // As long as before, with other steps in it.
    for (const step of [4, 5]) folder.addMetric(stepMetric(step, -step));
    folder.flush();
    await reader.update();
    expect(reader.steps.map(({ loss }) => loss)).toEqual([1, 2, 3, -4, -5]);
  });

  it('come out the same however they were cut into looks', async () => {
    const lines = Array.from({ length: 40 }, (_, i) => lineOf(stepMetric(i + 1))).join('');
    const bytes = Buffer.from(lines);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 6 }), async cuts => {
        const folder = writeRun(workspace(), 'r');
        const reader = new MetricsReader(folder);
        const ends = [...cuts.sort((a, b) => a - b), bytes.length];
        for (const [i, end] of ends.entries()) {
          appendFileSync(folder.metrics, bytes.subarray(ends[i - 1] ?? 0, end));
          await reader.update();
        }
        expect(reader.steps.map(({ step }) => step)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
      }),
      { numRuns: 30 },
    );
  });
});

describe('what is drawn', () => {
  it('has every step while they are few, and means of neighbours when they are many', () => {
    const metrics = Array.from({ length: 7 }, (_, i) => stepMetric(i + 1));
    expect(thinOut(metrics, 7).map(({ loss }) => loss)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(thinOut(metrics, 3).map(({ step, loss }) => [step, loss])).toEqual([
      [3, 2],
      [6, 5],
      [7, 7],
    ]);
    expect(thinOut([], 3)).toEqual([]);
  });

  it('never has more points than asked for, and ends with the last step', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 700 }), (steps, limit) => {
        const points = thinOut(
          Array.from({ length: steps }, (_, i) => stepMetric(i + 1)),
          limit,
        );
        expect(points.length).toBeLessThanOrEqual(limit);
        expect(points.at(-1)!.step).toBe(steps);
      }),
      { numRuns: 50 },
    );
  });

  it('tells the time left from the rows that are left and the time that rows take', () => {
    // A step of 8 rows at 100 and one at 50 rows a second: 0.08 s + 0.16 s for 16 rows.
    const metrics = [stepMetric(1), { ...stepMetric(2), rowsPerSecond: 50 }];
    const pace = paceOf(metrics, 10, 8)!;
    expect(pace.rowsPerSecond).toBeCloseTo(16 / 0.24);
    expect(pace.secondsLeft).toBeCloseTo((8 * 0.24) / 2);
    expect(pace.memory).toBeNull();
    expect(paceOf([], 10, 8)).toBeNull();
  });

  it('has the last lines of the log, whole ones only', async () => {
    const path = join(workspace(), 'log.txt');
    expect(await readTail(path, 3)).toEqual([]);
    writeFileSync(path, 'one\ntwo\nthree\nfour\n');
    expect(await readTail(path, 3)).toEqual(['two', 'three', 'four']);
    expect(await readTail(path, 3, 8)).toEqual(['four']);
  });
});
