import { availableParallelism } from 'node:os';
import { dynamicModel } from '../../engine/dynamic.ts';
import { Graph, type Value } from '../../engine/graph.ts';
import { type LoadedModel, loadModel } from '../../engine/inference.ts';
import type { OnnxModel } from '../../engine/onnx.ts';
import { matmul, reshape } from '../../engine/operators.ts';
import { quantised } from '../../engine/quantise.ts';
import type { Device } from '../../engine/runtime.ts';
import { type HostTensor, tensor } from '../../engine/tensor.ts';
import type { Encoder } from '../encoder.ts';
import { normalise } from '../static-training.ts';
import { type ForwardOptions, perBucket, type TokenInputs } from './architecture.ts';
import { type Bucket, batchesByLength } from './buckets.ts';
import type { Pooling, TransformerModel } from './model.ts';

/** Tokens, padding included, that go through the model at a time, and as many as take the time of a call. */
const batchSizes: Readonly<Record<Device, { readonly most: number; readonly perBatch: number }>> = {
  cpu: { most: 2048, perBatch: 32 },
  webgpu: { most: 16_384, perBatch: 1024 },
};

/** In how many bits the matrices of a model are computed with. */
export type Precision = 'fp32' | 'int8';

/**
 * Encodes with the parameters that the model has now. They go into the memory of ONNX Runtime, laid out for its products,
 * and the model is not held.
 */
export async function transformerEncoder(
  name: string,
  model: TransformerModel,
  { precision, device }: { readonly precision: Precision; readonly device: Device },
): Promise<Encoder> {
  const whole = textModel(name, model, device, parameterTensors(model));
  const loaded = await loadModel(precision === 'int8' ? quantised(whole) : whole, {
    device,
    threads: availableParallelism(),
  });
  return encoderOf(
    name,
    model,
    device,
    feeds => loaded.run(feeds),
    () => loaded.dispose(),
  );
}

/**
 * Encodes with the model's parameters as they are at the time of each call: they are fed to each batch, which takes longer
 * than `transformerEncoder` does and holds no copy of them.
 */
export function liveTransformerEncoder(name: string, model: TransformerModel): Encoder {
  const parameters = Object.fromEntries(parameterTensors(model));
  let loading: Promise<LoadedModel> | undefined;
  const load = () =>
    (loading ??= loadModel(textModel(name, model, 'cpu', new Map()), {
      device: 'cpu',
      threads: availableParallelism(),
    }));
  return encoderOf(
    name,
    model,
    'cpu',
    async feeds => (await load()).run({ ...parameters, ...feeds }),
    async () => (await loading)?.dispose(),
  );
}

/** The parameters as tensors around the same numbers. */
export function parameterTensors({ parameters }: TransformerModel): Map<string, HostTensor> {
  return new Map([...parameters].map(([name, { shape, data }]) => [name, tensor('float32', shape, data)]));
}

/** The model from tokens to vectors, with the weights given; the other parameters are its inputs. */
function textModel(
  name: string,
  model: TransformerModel,
  device: Device,
  weights: ReadonlyMap<string, HostTensor>,
): OnnxModel {
  const build = ({ texts, length }: { texts: number; length: number }) => {
    const graph = new Graph(name);
    const parameters = declareParameters(graph, model);
    const vectors = forward(model, graph, parameters, [textInputs(graph, texts, length)]);
    return { graph, outputs: { vectors } };
  };
  // The runtime has no attention in one operator for a GPU.
  return dynamicModel(build, weights, device === 'cpu' ? 'runtime' : 'standard');
}

/** Declares the parameters that are asked for as inputs. */
export function declareParameters(graph: Graph, { parameters }: TransformerModel): (name: string) => Value {
  const declared = new Map(
    [...parameters].map(([name, { shape }]) => [name, graph.input(name, 'float32', shape)]),
  );
  return name => declared.get(name)!;
}

function encoderOf(
  name: string,
  { architecture, tokenizer, prompts, pooling }: TransformerModel,
  device: Device,
  run: (feeds: Record<keyof TextInputs, HostTensor>) => ReturnType<LoadedModel['run']>,
  dispose: () => Promise<void>,
): Encoder {
  const { hidden: dimension } = architecture;
  const { most, perBatch } = batchSizes[device];
  return {
    name,
    dimension,
    async encode(texts, kind) {
      const tokens = texts.map(text => tokenizer.encode(prompts[kind] + text));
      const vectors = new Float32Array(texts.length * dimension);
      const lengths = tokens.map(({ length }) => length);
      for (const batch of batchesByLength(lengths, most, perBatch)) {
        const result = await (await run(textTensors(batch, tokens, pooling))).vectors!.floats();
        batch.members.forEach((member, row) => {
          vectors.set(result.subarray(row * dimension, (row + 1) * dimension), member * dimension);
        });
      }
      return vectors;
    },
    dispose,
  };
}

/** The inputs of a graph for texts: their tokens, and the share that each token has in the vector of its text. */
export interface TextInputs extends Omit<TokenInputs, 'types'> {
  /** `[texts, length]` */
  readonly shares: Value;
}

/** @param which is added to the names of the inputs, where a graph has several buckets */
export function textInputs(graph: Graph, texts: number, length: number, which = ''): TextInputs {
  return {
    ids: graph.input(`ids${which}`, 'int32', [texts, length]),
    mask: graph.input(`mask${which}`, 'float32', [texts, length]),
    shares: graph.input(`shares${which}`, 'float32', [texts, length]),
  };
}

/** The same as tensors. The row of a text without a token is padding altogether, and its vector zero. */
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
    if (own.length === 0) continue;
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

/** L2-normalised vectors `[texts of all buckets, hidden]`; those of padding are zero. */
export function forward(
  { architecture }: Pick<TransformerModel, 'architecture'>,
  graph: Graph,
  parameter: (name: string) => Value,
  buckets: readonly TextInputs[],
  options?: ForwardOptions,
): Value {
  const states = architecture.forward(graph, parameter, buckets, options);
  const pooled = perBucket([states], buckets, ([own], { shares }) => {
    const [texts, length] = shares.shape as [number, number];
    return matmul(reshape(shares, [texts, 1, length]), own!);
  });
  return normalise(reshape(pooled, [-1, architecture.hidden]));
}
