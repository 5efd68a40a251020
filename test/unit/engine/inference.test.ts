import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { LratError } from '../../../src/base/errors.ts';
import { Graph, toOnnx, type Value } from '../../../src/engine/graph.ts';
import { add, erf, exp, gather, matmul, mul, reduceSum, transpose } from '../../../src/engine/operators.ts';
import { scalar, tensor } from '../../../src/engine/tensor.ts';
import { compile } from './compile.ts';

const cpu = { device: 'cpu', threads: 1 } as const;

describe('a program', () => {
  test('gives each output under its key: computed, passed through, fixed, or twice the same', async () => {
    const graph = new Graph('outputs');
    const x = graph.input('x', 'float32', [2]);
    const fixed = graph.constant(tensor('int32', [3], [7, 8, 9]));
    const sum = add(x, 1);
    const program = await compile(graph, { sum, again: sum, x, fixed }, cpu);
    const results = await program.run({ x: tensor('float32', [2], [1, 2]) });
    expect(Object.keys(results).toSorted()).toEqual(['again', 'fixed', 'sum', 'x']);
    expect(await results.sum.floats()).toEqual(Float32Array.of(2, 3));
    expect(await results.again.floats()).toEqual(Float32Array.of(2, 3));
    expect(await results.x.floats()).toEqual(Float32Array.of(1, 2));
    expect(await results.fixed.read()).toEqual(Int32Array.of(7, 8, 9));
    await program.dispose();
  });

  test('needs only what its outputs depend on, and takes the rest of the graph', async () => {
    const graph = new Graph('parts');
    const [a, b] = [graph.input('a', 'float32', []), graph.input('b', 'float32', [])];
    const program = await compile(graph, { y: mul(a, 2) }, cpu);
    mul(b, 2);
    expect([...program.inputs.keys()]).toEqual(['a']);
    const { y } = await program.run({ a: scalar(4), b: scalar(1) });
    expect(await y.floats()).toEqual(Float32Array.of(8));
    await program.dispose();
  });

  test('does not mistake an input for a computed value of the same name', async () => {
    const graph = new Graph('names');
    const x = graph.input('x', 'float32', []);
    const y = exp(x);
    const namesake = graph.input(y.name, 'float32', []);
    const program = await compile(graph, { y: add(y, namesake) }, cpu);
    const result = await program.run({ x: scalar(0), [namesake.name]: scalar(5) });
    expect(await result.y.floats()).toEqual(Float32Array.of(6));
    await program.dispose();
  });

  test('leaves what it is fed as it was, and its results stay when it runs again', async () => {
    const graph = new Graph('memory');
    const program = await compile(graph, { y: mul(graph.input('x', 'float32', [3]), 3) }, cpu);
    const x = Float32Array.of(1, 2, 3);
    const { y } = await program.run({ x: tensor('float32', [3], x) });
    await program.run({ x: tensor('float32', [3], [0, 0, 0]) });
    expect([x, await y.floats()]).toEqual([Float32Array.of(1, 2, 3), Float32Array.of(3, 6, 9)]);
    await program.dispose();
  });

  test('takes part of a larger buffer', async () => {
    const graph = new Graph('view');
    const view = new Float32Array([9, 1, 2, 9]).subarray(1, 3);
    const y = add(graph.input('x', 'float32', [2]), graph.constant(tensor('float32', [2], view)));
    const program = await compile(graph, { y }, cpu);
    const result = await program.run({ x: tensor('float32', [2], view) });
    expect(await result.y.floats()).toEqual(Float32Array.of(2, 4));
    await program.dispose();
  });

  test('gives the same numbers, run after run and session after session', async () => {
    const make = async () => {
      const graph = new Graph('same');
      const x = graph.input('x', 'float32', [200, 300]);
      return compile(graph, { y: reduceSum(matmul(x, transpose(x)), [1]) }, { device: 'cpu', threads: 2 });
    };
    const x = tensor(
      'float32',
      [200, 300],
      Float32Array.from({ length: 60_000 }, (_, i) => Math.sin(i)),
    );
    const [first, second] = [await make(), await make()];
    const expected = await (await first.run({ x })).y.floats();
    expect(await (await first.run({ x })).y.floats()).toEqual(expected);
    expect(await (await second.run({ x })).y.floats()).toEqual(expected);
    await Promise.all([first.dispose(), second.dispose()]);
  });

  test('a graph far deeper than the call stack', async () => {
    const graph = new Graph('deep');
    let y: Value = graph.input('x', 'float32', []);
    for (let i = 0; i < 20_000; i++) y = add(y, 1);
    const { model } = toOnnx(graph, [y]);
    expect(model.nodes.length).toBe(20_000);
  });
});

describe('what goes wrong names the model', () => {
  const graph = new Graph('lookup');
  const table = graph.input('table', 'float32', [2, 2]);
  const rows = graph.input('rows', 'int32', [1]);
  const outputs = { y: gather(table, rows) };
  const feeds = { table: tensor('float32', [2, 2], [1, 2, 3, 4]), rows: tensor('int32', [1], [1]) };

  test.each([
    [
      'another shape',
      { ...feeds, rows: tensor('int32', [2], [0, 1]) },
      /the computation failed: .*rows.* index: 0 Got: 2 Expected: 1/s,
    ],
    [
      'another data type',
      { ...feeds, rows: tensor('float32', [1], [0]) },
      /the computation failed: .*float.*expected.*int32/s,
    ],
    [
      'an index outside of the table',
      { ...feeds, rows: tensor('int32', [1], [2]) },
      /the computation failed: .*Gather/s,
    ],
  ])('%s', async (_, wrong, message) => {
    const program = await compile(graph, outputs, cpu);
    const error = await program.run(wrong).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(LratError);
    expect(error).toMatchObject({ message: expect.stringMatching(message), place: "model 'lookup'" });
    // The program is as good as before.
    expect(await (await program.run(feeds)).y.floats()).toEqual(Float32Array.of(3, 4));
    await program.dispose();
  });

  test('an operator that the device lacks for a data type', async () => {
    const graph = new Graph('double erf');
    const compiled = compile(graph, { y: erf(graph.input('x', 'float64', [1])) }, cpu);
    await expect(compiled).rejects.toMatchObject({
      name: 'LratError',
      message: expect.stringMatching(/^ONNX Runtime refused the graph: .*Erf/s),
      place: "model 'double erf'",
    });
  });

  test('a tensor that was disposed of', async () => {
    const x = scalar(1);
    x.dispose();
    await expect(x.read()).rejects.toThrow('a tensor float32[] was read after its disposal');
  });
});

describe('telemetry', () => {
  const [graph, compile] = ['../../../src/engine/graph.ts', './compile.ts'].map(
    path => new URL(path, import.meta.url).href,
  );
  const script = (code: string) =>
    promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], {
      cwd: fileURLToPath(new URL('../../..', import.meta.url)),
      env: { PATH: process.env.PATH },
    });
  const body = `
    const { Graph } = await import('${graph}');
    const { compile } = await import('${compile}');
    const graph = new Graph('g');
    await compile(graph, { y: graph.constant(1) }, { device: 'cpu', threads: 1 });`;

  test('is off before the native module is loaded', async () => {
    // What native code sees of the environment is what a child process inherits.
    const { stdout } = await script(`${body}
      const { execFileSync } = await import('node:child_process');
      console.log(execFileSync(process.execPath, ['-p', 'process.env.ORT_DISABLE_TELEMETRY']).toString());`);
    expect(stdout.trim()).toBe('1');
  });

  test('a worker whose process has not turned it off is refused', async () => {
    const worker = `const { Worker } = await import('node:worker_threads');
      const worker = new Worker(\`import('node:worker_threads').then(async () => {${body.replaceAll('`', '')}
      })\`, { eval: true });
      worker.on('error', error => console.log(error.message));
      worker.on('exit', () => console.log('done'));`;
    expect((await script(worker)).stdout).toMatch(/^set ORT_DISABLE_TELEMETRY=1 in the main thread/);
    expect((await script(`process.env.ORT_DISABLE_TELEMETRY = '1';${worker}`)).stdout.trim()).toBe('done');
  });
});
