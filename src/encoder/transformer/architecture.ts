import { pulledBack } from '../../engine/gradient.ts';
import type { Graph, Value } from '../../engine/graph.ts';
import type { Kept } from '../../engine/layers.ts';
import { concat, reshape, slice, withGradient } from '../../engine/operators.ts';
import type { Shape } from '../../engine/tensor.ts';

/** The tokens of texts in a graph; texts are padded at their end. */
export interface TokenInputs {
  /** `int32[texts, length]`; padding is any token. */
  readonly ids: Value;
  /** `[texts, length]`: 1 for a token, 0 for padding. */
  readonly mask: Value;
  /** `int32[texts, length]`: which of two texts a token is of, for models that know them; the first unless told. */
  readonly types?: Value;
}

/**
 * Dropout (Srivastava et al., 2014): a part of numbers is set to zero at random, the others grow by as much. The places
 * where an architecture has it are named; what is kept is an input of the graph, drawn text by text, so that it is the
 * same however the texts of a step go through the model, and when they go through it again.
 */
export interface Dropout {
  /** @param x hidden states in the form of `joined` @param place of the architecture's `dropout.hidden` */
  hidden(x: Value, place: string): Value;
  /** What is kept of attention's shares. @param place of `dropout.attention` */
  attention(place: string, tokens: TokenInputs): Kept;
}

/** How texts go through a transformer in training. */
export interface ForwardOptions {
  readonly dropout?: Dropout | undefined;
  /** As `like` of `feedForward`. */
  readonly block?: Value | undefined;
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
  /** The parameter that has a row for each token. */
  readonly words: string;
  /** Where dropout is, by name, and how many heads of attention there are. */
  readonly dropout: {
    readonly hidden: readonly string[];
    readonly attention: readonly string[];
    readonly heads: number;
  };
  /** The most numbers that a tensor has for a token, but for attention. */
  readonly widest: number;
  /**
   * Bytes that a token takes in a training step, about: all that its gradients keep, of every layer, and the attention of one.
   * So on a GPU; the CPU, which takes texts and rows bit by bit, holds no more.
   */
  readonly bytesPerToken: number;
  /** What stands before the names if the model was saved with a head: `bert.`, `model.`. */
  readonly prefix: string;
  /** The layers, from tokens to hidden states of the last layer in the form of `joined`; those of padding have no meaning. */
  forward(
    graph: Graph,
    parameter: (name: string) => Value,
    buckets: readonly TokenInputs[],
    options?: ForwardOptions,
  ): Value;
}

/**
 * What all buckets of a batch have, `[texts, length, width]` each, as one: a single one stays as it is, several are the rows
 * `[positions, width]`, so that products with weights are one large product and their gradients one as well.
 */
export function joined(parts: readonly Value[]): Value {
  return parts.length === 1 ? parts[0]! : concat(parts.map(asRows), 0);
}

/** The token ids of all buckets, as `joined` has what is looked up by them. */
export function joinedIds(buckets: readonly TokenInputs[]): Value {
  const [first, ...others] = buckets.map(({ ids }) => ids) as [Value, ...Value[]];
  if (others.length === 0) return first;
  return concat(
    [first, ...others].map(ids => reshape(ids, [-1])),
    0,
  );
}

function asRows(x: Value): Value {
  return reshape(x, [-1, x.shape.at(-1)!]);
}

/**
 * What each bucket makes of its part, where texts must be told apart, joined again.
 * @param xs in the form of `joined` @param make from the parts of `xs`, `[texts, length, width]`; a learned value must come
 * from there, as gradients go back to `xs` alone
 */
export function perBucket<Tokens extends TokenInputs>(
  xs: readonly Value[],
  buckets: readonly Tokens[],
  make: (parts: readonly Value[], tokens: Tokens) => Value,
): Value {
  if (buckets.length === 1) return make(xs, buckets[0]!);
  let end = 0;
  const made = buckets.map(tokens => {
    const [texts, length] = tokens.ids.shape as [number, number];
    const start = end;
    end += texts * length;
    const parts = xs.map(x =>
      reshape(slice(x, 0, start, start + texts * length), [texts, length, x.shape[1]!]),
    );
    return { parts, result: make(parts, tokens) };
  });
  // Slices would each give a gradient of all rows, zeros but for their own.
  return withGradient(joined(made.map(({ result }) => result)), xs, gradient => {
    let end = 0;
    const gradients = made.map(({ parts, result }) => {
      const rows = asRows(result).shape[0]!;
      const own = slice(gradient, 0, end, end + rows);
      end += rows;
      return pulledBack(result, reshape(own, result.shape), parts);
    });
    return xs.map((_, i) => joined(gradients.map(parts => parts[i]!)));
  });
}

/** Names for each layer. */
export function numbered(layers: number, names: (layer: number) => readonly string[]): string[] {
  return Array.from({ length: layers }, (_, layer) => names(layer)).flat();
}

/** Added to the score of a position that must not be seen: its share is exactly 0, and a row of such stays finite. */
export const unseen = -1e9;

export const matrix = (...shape: number[]): ParameterSpec => ({ shape, decay: true });
export const vector = (size: number): ParameterSpec => ({ shape: [size], decay: false });
