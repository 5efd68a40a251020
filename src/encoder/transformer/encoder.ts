import { availableParallelism } from 'node:os';
import { Graph, type Value } from '../../engine/graph.ts';
import { matmul, reshape, squeeze } from '../../engine/operators.ts';
import { compile, type Program } from '../../engine/session.ts';
import { type HostTensor, tensor } from '../../engine/tensor.ts';
import type { Encoder } from '../encoder.ts';
import { normalise } from '../static-training.ts';
import type { TokenInputs } from './architecture.ts';
import { type Bucket, buckets } from './buckets.ts';
import type { Pooling, TransformerModel } from './model.ts';

/** Tokens, padding included, that go through the model at a time. */
const tokensAtOnce = 4096;

/** Encodes with the model's parameters as they are at the time of each call. */
export function transformerEncoder(name: string, model: TransformerModel): Encoder {
  const programs = new Map<string, Promise<Program<{ vectors: Value }>>>();
  const { architecture, tokenizer, prompts, parameters } = model;
  const { hidden: dimension } = architecture;
  const state = Object.fromEntries(
    [...parameters].map(([name, { shape, data }]) => [name, tensor('float32', shape, data)]),
  );

  const programFor = (texts: number, length: number): Promise<Program<{ vectors: Value }>> => {
    const key = `${texts}×${length}`;
    const known = programs.get(key);
    if (known !== undefined) return known;
    const graph = new Graph(`${name}, ${texts} texts of ${length} tokens`);
    const given = new Map(
      [...parameters].map(([name, { shape }]) => [name, graph.input(name, 'float32', shape)]),
    );
    const vectors = forward(model, graph, name => given.get(name)!, textInputs(graph, texts, length));
    const program = compile(graph, { vectors }, { device: 'cpu', threads: availableParallelism() });
    programs.set(key, program);
    return program;
  };

  return {
    name,
    dimension,
    async encode(texts, kind) {
      const tokens = texts.map(text => tokenizer.encode(prompts[kind] + text));
      const vectors = new Float32Array(texts.length * dimension);
      for (const bucket of buckets(
        tokens.map(({ length }) => length),
        model.maxTokens,
        tokensAtOnce,
      )) {
        const program = await programFor(bucket.texts, bucket.length);
        const feeds = textTensors(bucket, tokens, model.pooling);
        const result = await (await program.run({ ...state, ...feeds })).vectors.floats();
        bucket.members.forEach((member, row) => {
          vectors.set(result.subarray(row * dimension, (row + 1) * dimension), member * dimension);
        });
      }
      return vectors;
    },
  };
}

/** The inputs of a graph for texts: their tokens, and the share that each token has in the vector of its text. */
export interface TextInputs extends TokenInputs {
  /** `[texts, length]` */
  readonly shares: Value;
}

export function textInputs(graph: Graph, texts: number, length: number): TextInputs {
  return {
    ids: graph.input('ids', 'int32', [texts, length]),
    mask: graph.input('mask', 'float32', [texts, length]),
    shares: graph.input('shares', 'float32', [texts, length]),
  };
}

/** The same as tensors. Rows without a text are padding altogether. */
export function textTensors(
  { members, texts, length }: Bucket,
  tokens: readonly Int32Array[],
  pooling: Pooling,
): Record<keyof TextInputs, HostTensor> {
  const ids = new Int32Array(texts * length);
  const mask = new Float32Array(texts * length);
  const shares = new Float32Array(texts * length);
  for (const [row, member] of members.entries()) {
    const own = tokens[member]!;
    const start = row * length;
    ids.set(own, start);
    mask.fill(1, start, start + own.length);
    if (pooling === 'mean') shares.fill(1 / own.length, start, start + own.length);
    else shares[pooling === 'cls' ? start : start + own.length - 1] = 1;
  }
  return {
    ids: tensor('int32', [texts, length], ids),
    mask: tensor('float32', [texts, length], mask),
    shares: tensor('float32', [texts, length], shares),
  };
}

/** L2-normalised vectors `[texts, hidden]`; those of padding are zero. */
export function forward(
  { architecture }: TransformerModel,
  graph: Graph,
  parameter: (name: string) => Value,
  { shares, ...tokens }: TextInputs,
): Value {
  const states = architecture.forward(graph, parameter, tokens);
  const [texts, length] = shares.shape as [number, number];
  return normalise(squeeze(matmul(reshape(shares, [texts, 1, length]), states), 1));
}
