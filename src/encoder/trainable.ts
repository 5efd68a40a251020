import type { Graph, Value } from '../engine/graph.ts';
import type { HostTensor } from '../engine/tensor.ts';
import type { Encoder } from './encoder.ts';
import type { ModelCard } from './model-folder.ts';
import type { FloatTensor } from './safetensors.ts';

/** A tensor that training changes, in place. */
export interface Parameter extends FloatTensor {
  /** Whether weight decay takes part of it. */
  readonly decay: boolean;
}

/** The texts of a batch as a family wants them. Its tensors are good until the next batch is made. */
export interface EncoderBatch {
  /** Batches of equal keys have inputs of equal shapes: they run in the same graph. */
  readonly key: string;
  readonly inputs: Readonly<Record<string, HostTensor>>;
  /**
   * Which rows of a parameter the batch reads, and how many rows the graph gets (the rest are zeros). A parameter that
   * is not named is read whole. Only what is read is updated.
   */
  readonly rows: ReadonlyMap<string, { readonly indices: Int32Array; readonly size: number }>;
  /** Texts in the graph, padding included: at least as many as were given. */
  readonly queries: number;
  readonly documents: number;
  /** Tokens in all texts together. */
  readonly tokens: number;
}

/** What the trainer knows of a family of models: a transformer family is another implementation of this. */
export interface TrainableEncoder {
  readonly family: string;
  readonly parameters: ReadonlyMap<string, Parameter>;
  batch(queries: readonly string[], documents: readonly string[]): EncoderBatch;
  /**
   * Builds the encoder's part of the graph of a batch.
   * @returns L2-normalised vectors `[texts, dimension]`; those of padding have no meaning.
   */
  forward(
    graph: Graph,
    parameters: ReadonlyMap<string, Value>,
    inputs: Readonly<Record<string, Value>>,
  ): { readonly queries: Value; readonly documents: Value };
  /** An encoder with the parameters as they are at the time of each call. */
  encoder(name: string): Encoder;
  save(dir: string, card: ModelCard): void;
}
