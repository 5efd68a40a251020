import type { Graph, Value } from '../engine/graph.ts';
import type { GradientRows } from '../engine/optimizer.ts';
import type { SizeGroups, Sizes } from '../engine/sizes.ts';
import type { HostTensor } from '../engine/tensor.ts';
import type { Encoder, TextKind } from './encoder.ts';
import type { ModelCard } from './model-folder.ts';
import type { FloatTensor } from './safetensors.ts';

/** A tensor that training changes, in place; in several threads if it lies on shared memory (`sharedFloats`). */
export interface Parameter extends FloatTensor {
  /** Whether weight decay takes part of it. */
  readonly decay: boolean;
  /** What becomes of the rows of a table that a batch does not read; their gradient is zero unless told. */
  readonly others?: GradientRows['others'];
}

/** A text that a batch has, once. */
export interface BatchText {
  readonly kind: TextKind;
  readonly text: string;
}

/** How a device takes the texts of a pass. */
export interface Layout {
  /** By length that a pass has at most: the more, the less is padding, and the more computations. */
  readonly buckets: number;
  /** Whether tokens go through layers that treat each alike in blocks, which a processor's cache holds. */
  readonly blocks: boolean;
}

/** Texts that go through the model at a time. */
export interface Pass {
  /** Passes of one key differ in nothing but the sizes of their inputs: the same graph serves them. */
  readonly key: string;
  readonly inputs: Readonly<Record<string, HostTensor>>;
  /** Row `i` of the vectors is of text `members[i]`. */
  readonly members: readonly number[];
  /** That are computed, padding included. */
  readonly tokens: number;
}

/** How the texts of a batch go through the model. */
export interface Plan {
  /** Each text is in one of them. */
  readonly passes: readonly Pass[];
  /** Which rows of a table the batch reads, each once: the graphs get a table of these rows. Other parameters are read whole. */
  readonly rows: ReadonlyMap<string, Int32Array>;
  /** Tokens of all texts together. */
  readonly tokens: number;
}

/** How a model is trained, beyond what the optimiser does. */
export interface TrainingOptions {
  /** Texts are cut after so many tokens, in training and in the model that comes of it; null leaves that as it is. */
  readonly maxTokens: number | null;
  /** So many of the lowest layers, and the embeddings below them, stay as they are; 0 trains all. */
  readonly frozenLayers: number;
  /** Trains low-rank additions to the matrices of the layers and nothing else (LoRA); null trains the parameters. */
  readonly lora: Lora | null;
  /** Part of the hidden states and of the shares of attention that a step sets to zero; 0 leaves all. */
  readonly dropout: number;
  /** Of what is random. */
  readonly seed: number;
}

/** Hu et al., arXiv 2106.09685: `W + (alpha / rank) · B A`. */
export interface Lora {
  /** Rows of `A`, columns of `B`. */
  readonly rank: number;
  readonly alpha: number;
}

/** What the trainer knows of a family of models. */
export interface TrainableEncoder {
  readonly family: string;
  /** What is learned. */
  readonly parameters: ReadonlyMap<string, Parameter>;
  /** What the graphs need beside them, and training leaves alone. */
  readonly frozen: ReadonlyMap<string, FloatTensor>;
  readonly dimension: number;
  /**
   * Tokens of a pass, padding included, that fit into memory with all that their gradients need; infinite for a model that
   * always takes one pass.
   */
  readonly tokensPerPass: number;
  /** Bytes that the largest tensor of a pass has for each of its tokens; 0 for a model that always takes one pass. */
  readonly tensorBytesPerToken: number;
  /**
   * @param texts each once @param tokensPerPass at most so many, unless a single text has more; filling of blocks comes to it
   * @param step what is random differs with it, and follows from it and the seed
   */
  plan(texts: readonly BatchText[], tokensPerPass: number, step: number, layout: Layout): Plan;
  /** The names of the sizes that the inputs of passes of a key have. */
  sizes(key: string): SizeGroups;
  /**
   * Builds the encoder's part of a graph, with the inputs of the passes of a key.
   * @returns L2-normalised vectors `[members, dimension]`
   */
  forward(graph: Graph, parameter: (name: string) => Value, key: string, sizes: Sizes): Value;
  /** An encoder with the parameters as they are at the time of each call. */
  encoder(name: string): Encoder;
  save(dir: string, card: ModelCard): void;
}
