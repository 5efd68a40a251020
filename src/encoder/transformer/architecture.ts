import type { Graph, Value } from '../../engine/graph.ts';
import type { Shape } from '../../engine/tensor.ts';

/** The tokens of texts in a graph; texts are padded at their end. */
export interface TokenInputs {
  /** `int32[texts, length]`; padding is any token. */
  readonly ids: Value;
  /** `[texts, length]`: 1 for a token, 0 for padding. */
  readonly mask: Value;
}

/** A parameter as `model.safetensors` has it. */
export interface ParameterSpec {
  readonly shape: Shape;
  /** Whether weight decay takes part of it: not of biases and normalisations. */
  readonly decay: boolean;
}

/** A transformer between token ids and hidden states, as its `config.json` describes it. */
export interface Architecture {
  /** `model_type` of the config. */
  readonly family: string;
  /** Size of the hidden states. */
  readonly hidden: number;
  /** Rows of the token embeddings. */
  readonly vocabulary: number;
  /** Greatest length of a text in tokens. */
  readonly maxTokens: number;
  /** By the names that Hugging Face's model has without a head. */
  readonly parameters: ReadonlyMap<string, ParameterSpec>;
  /** What stands before the names if the model was saved with a head: `bert.`, `model.`. */
  readonly prefix: string;
  /** Hidden states of the last layer, `[texts, length, hidden]`; those of padding have no meaning. */
  forward(graph: Graph, parameter: (name: string) => Value, tokens: TokenInputs): Value;
}

/** Added to the score of a position that must not be seen: its share is exactly 0, and a row of such stays finite. */
export const unseen = -1e9;

export const matrix = (...shape: number[]): ParameterSpec => ({ shape, decay: true });
export const vector = (size: number): ParameterSpec => ({ shape: [size], decay: false });
