import { Random } from '../../src/base/random.ts';
import { gradients } from '../../src/engine/gradient.ts';
import { Graph } from '../../src/engine/graph.ts';
import { gather, matmul, mul, reduceMean } from '../../src/engine/operators.ts';
import { adamW } from '../../src/engine/optimizer.ts';
import { type Tensor, tensor } from '../../src/engine/tensor.ts';
import { compile } from '../unit/engine/compile.ts';
import { medianSeconds } from './measure.ts';

/**
 * The time of a training step of a static encoder, as JSON: `node test/bench/engine.ts`.
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

const figures: Record<string, number> = {};
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
  const times = {
    forward: () => forward.run({ table, rows, counts }),
    'with backward': () => backward.run({ table, rows, counts }),
    'with AdamW': async () => {
      const feeds = { ...state, rows, counts, ...optimizer.scalars(++n, 1e-3) };
      state = optimizer.state(await whole.run(feeds));
    },
  };
  const unit = (what: string) => `ms ${what} (${threads} thread${threads > 1 ? 's' : ''})`;
  for (const [what, step] of Object.entries(times))
    figures[unit(what)] = 1000 * (await medianSeconds(15, step));
  figures[unit('to make the session')] = created;
  await Promise.all([forward, backward, whole].map(program => program.dispose()));
}
console.log(JSON.stringify(figures));
