import { expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import type { Architecture, TokenInputs } from '../../src/encoder/transformer/architecture.ts';
import { bert } from '../../src/encoder/transformer/bert.ts';
import { qwen3 } from '../../src/encoder/transformer/qwen3.ts';
import { DeviceTensor } from '../../src/engine/device-tensor.ts';
import { gradients } from '../../src/engine/gradient.ts';
import { Graph, type Products } from '../../src/engine/graph.ts';
import {
  div,
  logSoftmax,
  matmul,
  mul,
  neg,
  reduceMean,
  reduceSum,
  reshape,
  slice,
  sqrt,
  transpose,
} from '../../src/engine/operators.ts';
import { adamW } from '../../src/engine/optimizer.ts';
import { type Tensor, tensor, zeroTensor } from '../../src/engine/tensor.ts';
import { compile } from '../unit/engine/compile.ts';

const models: Record<string, Architecture> = {
  bert: bert({
    ...{ model_type: 'bert', hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 2 },
    ...{ intermediate_size: 24, vocab_size: 30, max_position_embeddings: 12, type_vocab_size: 2 },
    ...{ layer_norm_eps: 1e-12, hidden_act: 'gelu', pad_token_id: 0 },
  }),
  qwen3: qwen3({
    ...{ model_type: 'qwen3', hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 4 },
    ...{ num_key_value_heads: 2, head_dim: 4, intermediate_size: 24, vocab_size: 30 },
    ...{ max_position_embeddings: 12, rms_norm_eps: 1e-6, hidden_act: 'silu', rope_theta: 10_000 },
  }),
};

const [pairs, length] = [4, 7];

/** Queries and documents, each text of its own length. */
function tokens(): Record<keyof Omit<TokenInputs, 'types'>, Tensor> {
  const random = Random.seeded(3);
  const mask = Array.from({ length: 2 * pairs }, (_, text) =>
    Array.from({ length }, (_, at) => Number(at < 2 + (text % (length - 1)))),
  ).flat();
  const ids = mask.map(kept => (kept === 1 ? 4 + random.below(26) : 0));
  return {
    ids: tensor('int32', [2 * pairs, length], ids),
    mask: tensor('float32', [2 * pairs, length], mask),
  };
}

/** A step of contrastive training: the loss of pairs among each other. */
function build({ parameters: specs, forward, hidden }: Architecture, products: Products) {
  const graph = new Graph('step', { products });
  const parameters = new Map(
    [...specs].map(([name, { shape }]) => [name, graph.input(name, 'float32', shape)]),
  );
  const ids = graph.input('ids', 'int32', [2 * pairs, length]);
  const mask = graph.input('mask', 'float32', [2 * pairs, length]);
  const states = forward(graph, name => parameters.get(name)!, [{ ids, mask }]);
  const pooled = reduceSum(mul(states, reshape(mask, [2 * pairs, length, 1])), [1]);
  const unit = div(pooled, sqrt(reduceSum(mul(pooled, pooled), [1], { keepDims: true })));
  const [queries, documents] = [slice(unit, 0, 0, pairs), slice(unit, 0, pairs, 2 * pairs)];
  const scores = div(matmul(queries, transpose(documents), 'float32'), 0.05);
  const own = Array.from({ length: pairs ** 2 }, (_, i) => Number(i % (pairs + 1) === 0));
  const targets = graph.constant(tensor('float32', [pairs, pairs], own));
  const loss = neg(reduceMean(reduceSum(mul(logSoftmax(scores), targets), [1])));
  const names = [...parameters.keys()];
  const byName = gradients(loss, [...parameters.values()]);
  const optimizer = adamW(
    names.map((name, i) => ({
      parameter: parameters.get(name)!,
      gradient: byName[i]!,
      decay: specs.get(name)!.decay,
    })),
  );
  return { graph, loss, optimizer, hidden };
}

function initial({ parameters }: Architecture): Record<string, Tensor> {
  const random = Random.seeded(7);
  const made = [...parameters].map(([name, { shape }]) => {
    // Gains are near 1; near 0 all texts would be one vector, and gradients only rounding.
    const gain = /norm\.weight$/i.test(name) ? 1 : 0;
    const { data } = zeroTensor({ dtype: 'float32', shape });
    return [
      name,
      tensor(
        'float32',
        shape,
        data.map(() => gain + 0.3 * random.normal()),
      ),
    ] as const;
  });
  return Object.fromEntries(made);
}

async function train(model: Architecture, device: 'cpu' | 'webgpu', products: Products, steps: number) {
  const { graph, loss, optimizer } = build(model, products);
  const { gradientNorm, ...learned } = optimizer.outputs;
  const program = await compile(
    graph,
    { ...learned, gradientNorm, loss },
    { device, threads: 1, keep: Object.keys(learned) },
  );
  const inputs = tokens();
  let state: Record<string, Tensor> = { ...initial(model), ...optimizer.initialMoments() };
  const losses: number[] = [];
  for (let step = 1; step <= steps; step++) {
    const results = await program.run({ ...state, ...inputs, ...optimizer.scalars(step, 1e-3) });
    for (const tensor of Object.values(state)) tensor.dispose();
    state = optimizer.state(results);
    losses.push((await results.loss.floats())[0]!);
  }
  const parameters = new Map<string, Float32Array>();
  for (const [name, tensor] of Object.entries(state)) {
    expect(tensor instanceof DeviceTensor, name).toBe(device === 'webgpu');
    parameters.set(name, await tensor.floats());
    tensor.dispose();
  }
  await program.dispose();
  return { losses, parameters };
}

/** The norm of the difference over the norm, of all numbers of two states whose names match. */
function distance(a: Map<string, Float32Array>, b: Map<string, Float32Array>, names: RegExp): number {
  let [difference, size] = [0, 0];
  for (const [name, numbers] of a) {
    if (!names.test(name)) continue;
    for (const [i, x] of numbers.entries()) {
      difference += (x - b.get(name)![i]!) ** 2;
      size += x ** 2;
    }
  }
  return Math.sqrt(difference / size);
}

// A bias of keys moves all scores of a softmax alike: its gradient is zero, of which Adam makes steps of rounding.
const learned = /^(?!.*key\.bias)(?!.*\.moment\d$)/;
const moments = /^(?!.*key\.bias).*\.moment\d$/;

test.each(Object.keys(models))('ten steps of %s are those of the CPU', async name => {
  const model = models[name]!;
  const cpu = await train(model, 'cpu', 'float32', 10);
  const webgpu = await train(model, 'webgpu', 'float32', 10);
  for (const [i, loss] of cpu.losses.entries())
    expect(Math.abs(webgpu.losses[i]! / loss - 1), `loss ${i + 1}`).toBeLessThan(1e-4);
  expect(cpu.losses.at(-1)).toBeLessThan(0.9 * cpu.losses[0]!);
  expect(distance(cpu.parameters, webgpu.parameters, learned)).toBeLessThan(1e-4);
  expect(distance(cpu.parameters, webgpu.parameters, moments)).toBeLessThan(1e-4);
});

test.each(Object.keys(models))('%s with products in half precision stays near', async name => {
  const model = models[name]!;
  // The first moment after one step is a share of the gradient.
  const [gradient, near] = [
    await train(model, 'cpu', 'float32', 1),
    await train(model, 'webgpu', 'float16', 1),
  ];
  expect(distance(gradient.parameters, near.parameters, /^(?!.*key\.bias).*\.moment1$/)).toBeLessThan(0.02);
  const whole = await train(model, 'cpu', 'float32', 10);
  const half = await train(model, 'webgpu', 'float16', 10);
  for (const [i, loss] of whole.losses.entries())
    expect(Math.abs(half.losses[i]! / loss - 1), `loss ${i + 1}`).toBeLessThan(0.03);
});
