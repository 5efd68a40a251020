import { cpus } from 'node:os';
import { Random } from '../../src/base/random.ts';
import { gradients } from '../../src/engine/gradient.ts';
import { Graph } from '../../src/engine/graph.ts';
import { gather, matmul, mul, reduceMean } from '../../src/engine/operators.ts';
import { adamW } from '../../src/engine/optimizer.ts';
import { compile } from '../../src/engine/session.ts';
import { type Tensor, tensor } from '../../src/engine/tensor.ts';

/**
 * The time of a training step of a static encoder: `node test/bench/engine.ts`.
 * 352 texts over 4,000 distinct tokens of a table of 8,000 × 256: product, gradient and AdamW.
 */
const [texts, tokens, vocabulary, dimension] = [352, 4000, 8000, 256];

function step() {
  const graph = new Graph('bench');
  const table = graph.input('table', 'float32', [vocabulary, dimension]);
  const rows = graph.input('rows', 'int32', [tokens]);
  const counts = graph.input('counts', 'float32', [texts, tokens]);
  const vectors = matmul(counts, gather(table, rows, { distinct: true }));
  const loss = reduceMean(mul(vectors, vectors));
  const [gradient] = gradients(loss, [table]);
  return {
    graph,
    loss,
    gradient: gradient!,
    optimizer: adamW([{ parameter: table, gradient: gradient!, decay: true }]),
  };
}

const random = Random.seeded(1);
const normals = (n: number) => Float32Array.from({ length: n }, () => random.normal());
const counts = tensor('float32', [texts, tokens], normals(texts * tokens));
const order = random.shuffle([...Array(vocabulary).keys()]).slice(0, tokens);
const rows = tensor('int32', [tokens], order);
const table = tensor('float32', [vocabulary, dimension], normals(vocabulary * dimension));

async function median(run: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 15; i++) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[7]!;
}

console.log(`${cpus()[0]!.model}, ${cpus().length} cores; milliseconds, medians of 15`);
for (const threads of [1, 2]) {
  const { graph, loss, gradient, optimizer } = step();
  const options = { device: 'cpu', threads } as const;
  const forward = await compile(graph, { loss }, options);
  const backward = await compile(graph, { loss, gradient }, options);
  const started = performance.now();
  const whole = await compile(graph, { loss, ...optimizer.outputs }, options);
  const created = performance.now() - started;
  let state: Record<string, Tensor> = { table, ...optimizer.initialMoments() };
  let n = 0;
  const times = [
    await median(async () => void (await forward.run({ table, rows, counts }))),
    await median(async () => void (await backward.run({ table, rows, counts }))),
    await median(async () => {
      const feeds = { ...state, rows, counts, ...optimizer.scalars(++n, 1e-3) };
      state = optimizer.state(await whole.run(feeds));
    }),
  ];
  const [f, fb, all] = times.map(time => time.toFixed(1));
  console.log(
    `${threads} threads: forward ${f}, with backward ${fb}, with AdamW ${all}; session made in ${created.toFixed(0)}`,
  );
  await Promise.all([forward, backward, whole].map(program => program.dispose()));
}
