import { LratError } from '../base/errors.ts';
import type { ElementType, OnnxAttribute, OnnxModel, OnnxNode, OnnxTensor } from './onnx.ts';
import {
  type DataType,
  describeType,
  type HostTensor,
  type Shape,
  scalar,
  type TensorType,
} from './tensor.ts';

/** A tensor of a graph: its type is known, its values only when the graph runs. */
export interface Value extends TensorType {
  readonly graph: Graph;
  /** Unique in its graph; inputs have the name they were declared with. */
  readonly name: string;
  readonly source: Source;
  /** Computes it anew once another value is there: gradients use this, so that it need not be kept for them. */
  readonly again?: (trigger: Value) => Value;
}

/** Where a value comes from: it is fed to every run, fixed, computed, or, within a loop and of it, an element. */
export type Source =
  | { readonly kind: 'input' }
  | { readonly kind: 'constant'; readonly tensor: HostTensor }
  | { readonly kind: 'node'; readonly node: Node }
  | { readonly kind: 'loop'; readonly loop: Loop }
  | { readonly kind: 'element' };

/** The same computation for each element of the first axis of some values, one after the other: ONNX's Scan. */
export interface Loop {
  readonly inputs: readonly Value[];
  /** What the body uses that is the same for all elements. */
  readonly shared: readonly Value[];
  /** Stand for an element of each input. */
  readonly elements: readonly Value[];
  /** What is computed of an element, in order: the `results` last of all, or among the others. */
  readonly body: readonly Value[];
  readonly results: readonly Value[];
  /** What all elements give, by name, in the order of `results`. */
  readonly outputs: readonly string[];
}

/** One use of an operator. */
export interface Node {
  readonly operator: string;
  readonly inputs: readonly Value[];
  readonly emit: (emitter: Emitter, inputs: readonly string[], output: string) => void;
  /** From the loss's gradient by the node's result to its gradients by the inputs; undefined is zero. */
  readonly vjp: (result: Value, gradient: Value) => readonly (Value | undefined)[];
  /** Set by `fusible`. */
  readonly fusion?: Fusion;
}

/**
 * Another way to the result of several operators: fewer and faster nodes, which have no gradient. `runtime` ones use
 * operators of a later set, which ONNX Runtime has for the CPU.
 */
export interface Fusion {
  readonly kind: 'standard' | 'runtime';
  readonly inputs: readonly Value[];
  readonly emit: Node['emit'];
}

/**
 * An operator: which type its result has, which ONNX nodes compute it, and how gradients go back through it
 * (the vector-Jacobian product). Without `vjp` its result does not depend on its inputs continuously.
 */
export interface Operator<A> {
  readonly name: string;
  readonly infer: (
    inputs: readonly TensorType[],
    attributes: A,
    fail: (reason: string) => never,
  ) => TensorType;
  readonly emit: (
    emitter: Emitter,
    inputs: readonly string[],
    output: string,
    attributes: A,
    result: TensorType,
  ) => void;
  readonly vjp?: (use: Use<A>, gradient: Value) => readonly (Value | undefined)[];
}

/** What an operator's `vjp` may build on. */
export interface Use<A> {
  readonly inputs: readonly Value[];
  readonly result: Value;
  readonly attributes: A;
}

/** Writes ONNX nodes. */
export interface Emitter {
  /** Adds a node and returns its output's name: `output`, or a new one. */
  node(
    type: string,
    inputs: readonly string[],
    attributes?: Record<string, OnnxAttribute>,
    output?: string,
  ): string;
  /** The name of a constant vector of `int64`, as ONNX wants shapes and axes. */
  ints(values: readonly number[]): string;
}

/**
 * In which numbers matrices are multiplied. With `float16` the operands are rounded to 11 bits and the product, also of
 * gradients, comes back as `float32`; everything else stays `float32` (mixed precision). A GPU has to move half as much
 * and many multiply faster; the CPU is slower so.
 */
export type Products = 'float32' | 'float16';

/**
 * A computation over tensors of static shape, built value by value (see `operators.ts`). Types are checked while it is
 * built; `toOnnx` and `dynamicModel` make models of it, which run.
 */
export class Graph {
  /** For messages. */
  readonly name: string;
  /** How `matmul` multiplies tensors of `float32`. */
  readonly products: Products;
  /** Whether gradients compute again what is quickly computed and large to keep. */
  readonly recompute: boolean;
  /** Whether attention goes through texts one by one (see `mapEach`), for a processor's cache. */
  readonly textByText: boolean;
  readonly #inputs = new Map<string, Value>();
  readonly #scalars = new Map<string, Value>();
  #values = 0;

  constructor(
    name: string,
    {
      products = 'float32',
      recompute = true,
      textByText = false,
    }: {
      readonly products?: Products;
      readonly recompute?: boolean;
      readonly textByText?: boolean;
    } = {},
  ) {
    this.name = name;
    this.products = products;
    this.recompute = recompute;
    this.textByText = textByText;
  }

  /** Declares a tensor that every run is fed with. */
  input(name: string, dtype: DataType, shape: Shape): Value {
    if (this.#inputs.has(name)) throw new Error(`graph '${this.name}': two inputs are named '${name}'`);
    if (!shape.every(size => Number.isInteger(size) && size > 0)) {
      throw new LratError(
        `the input ${name} cannot be ${describeType({ dtype, shape })}: a size is no count.`,
        {
          place: `graph '${this.name}'`,
        },
      );
    }
    const value = this.#value(name, { dtype, shape: [...shape] }, { kind: 'input' });
    this.#inputs.set(name, value);
    return value;
  }

  /** A tensor that is part of the graph. A number is a scalar, `float32` unless told. */
  constant(content: HostTensor | number, dtype: DataType = 'float32'): Value {
    if (typeof content !== 'number') {
      return this.#value(`constant_${this.#values}`, content, { kind: 'constant', tensor: content });
    }
    const key = `${dtype}:${content}`;
    const known = this.#scalars.get(key);
    if (known !== undefined) return known;
    const value = this.constant(scalar(content, dtype));
    this.#scalars.set(key, value);
    return value;
  }

  /** The result of an operator: called by the functions of `operators.ts`. */
  apply<A>(operator: Operator<A>, inputs: readonly Value[], attributes: A): Value {
    const fail = (reason: string) => misuse(operator.name, inputs, reason);
    if (inputs.some(input => input.graph !== this)) fail('the operands belong to different graphs');
    const type = operator.infer(inputs, attributes, fail);
    return this.#value(`${operator.name}_${this.#values}`, type, {
      kind: 'node',
      node: {
        operator: operator.name,
        inputs,
        emit: (emitter, names, output) => operator.emit(emitter, names, output, attributes, type),
        vjp: (result, gradient) => operator.vjp?.({ inputs, result, attributes }, gradient) ?? [],
      },
    });
  }

  /**
   * The same for each element of the first axis of `inputs` (as `jax.lax.map`), one after the other, so that what is computed
   * on the way is no larger than one of them needs. Results have no gradient but one that is given by `withGradient`.
   * @param inputs with first axes of one size @param make from an element of each, which has the axes after the first; what it
   * uses besides is the same for all
   * @returns for each result of `make` those of all elements, along a new first axis
   */
  mapEach(inputs: readonly Value[], make: (elements: readonly Value[]) => readonly Value[]): Value[] {
    const count = inputs[0]!.shape[0];
    if (count === undefined || inputs.some(({ shape }) => shape[0] !== count))
      misuse('mapEach', inputs, 'the first axes differ, or there is none');
    const elements = inputs.map(({ dtype, shape }) =>
      this.#value(`element_${this.#values}`, { dtype, shape: shape.slice(1) }, { kind: 'element' }),
    );
    const results = make(elements);
    if (new Set(results).size !== results.length) misuse('mapEach', inputs, 'a result is there twice');
    const inner = new Set(elements);
    const body: Value[] = [];
    const shared: Value[] = [];
    for (const value of ancestry(results)) {
      if (inner.has(value)) continue;
      if (operandsOf(value).some(operand => inner.has(operand))) {
        // ONNX has it, but nothing here needs it.
        if (value.source.kind !== 'node') misuse('mapEach', inputs, 'a loop in a loop');
        inner.add(value);
        body.push(value);
      } else shared.push(value);
    }
    const computed = new Set(body);
    if (results.some(result => !computed.has(result)))
      misuse('mapEach', inputs, 'a result is not computed from the elements, or is one of them');
    const used = new Set(body.flatMap(operandsOf));
    const outputs = results.map((_, i) => `loop_${this.#values}_${i}`);
    const loop: Loop = {
      ...{ inputs, elements, body, results, outputs },
      shared: shared.filter(value => used.has(value)),
    };
    return results.map(({ dtype, shape }, i) =>
      this.#value(outputs[i]!, { dtype, shape: [count, ...shape] }, { kind: 'loop', loop }),
    );
  }

  #value(name: string, type: TensorType, source: Source): Value {
    this.#values++;
    return { graph: this, name, dtype: type.dtype, shape: type.shape, source };
  }
}

/** An operator cannot be used on these operands. */
export function misuse(operator: string, operands: readonly Value[], reason: string): never {
  const described = operands.map(operand => `${operand.name} ${describeType(operand)}`).join(', ');
  throw new LratError(`${operator}(${described}): ${reason}.`, {
    place: `graph '${operands[0]!.graph.name}'`,
  });
}

/** The same value with another way to it, for models that are only run forward. */
export function fusible(value: Value, fusion: Fusion): Value {
  if (value.source.kind !== 'node') return value;
  return { ...value, source: { kind: 'node', node: { ...value.source.node, fusion } } };
}

/** What a value is computed from. */
export function operandsOf({ source }: Value): readonly Value[] {
  if (source.kind === 'node') return source.node.inputs;
  if (source.kind === 'loop') return [...source.loop.inputs, ...source.loop.shared];
  return [];
}

/**
 * Every value that the given ones are computed from, and they themselves, each after what it needs.
 * @param operands of a value, as far as they are asked for
 */
export function ancestry(values: readonly Value[], operands = operandsOf): Value[] {
  const order: Value[] = [];
  const seen = new Set<Value>();
  // Depth first with a stack of its own: graphs are deeper than the call stack allows.
  const stack = values.toReversed().map(value => ({ value, entered: false }));
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { value, entered } = top;
    if (entered) {
      order.push(value);
    } else if (!seen.has(value)) {
      seen.add(value);
      stack.push({ value, entered: true });
      for (const operand of operands(value).toReversed()) stack.push({ value: operand, entered: false });
    }
  }
  return order;
}

export interface EmitOptions {
  /** Which fusions to use: none unless told; `runtime` uses both kinds. */
  readonly fusions?: Fusion['kind'];
  /** Gives every use of a vector of integers one of its own, so that models of other sizes can be compared. */
  readonly separateInts?: boolean;
}

/** The part of a graph that computes `outputs`, as an ONNX model, and the names under which it has inputs and outputs. */
export function toOnnx(
  graph: Graph,
  outputs: readonly Value[],
  { fusions, separateInts = false }: EmitOptions = {},
): { model: OnnxModel; inputs: Map<string, Value>; outputNames: Map<Value, string> } {
  const nodes: OnnxNode[] = [];
  const initializers: OnnxTensor[] = [];
  const vectors = new Map<string, string>();
  // Inputs may have any name, so computed values carry a mark that sets them apart.
  const onnxName = (value: Value) => (value.source.kind === 'input' ? value.name : `%${value.name}`);
  let inner = 0;
  const emitterOf = (nodes: OnnxNode[]): Emitter => ({
    node(type, inputs, attributes = {}, output = `%inner_${inner++}`) {
      nodes.push({ type, inputs, outputs: [output], attributes });
      return output;
    },
    // Those of a loop's body stand outside of it, where it finds them.
    ints(values) {
      const key = separateInts ? `${vectors.size}` : values.join(',');
      let name = vectors.get(key);
      if (name === undefined) {
        name = `%ints_${vectors.size}`;
        vectors.set(key, name);
        const bytes = new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer);
        initializers.push({ name, type: 'int64', shape: [values.length], bytes });
      }
      return name;
    },
  });
  const emitter = emitterOf(nodes);
  const chosen = (node: Node): Pick<Node, 'inputs' | 'emit'> =>
    node.fusion !== undefined && (fusions === 'runtime' || fusions === node.fusion.kind) ? node.fusion : node;
  const operands = (value: Value) =>
    value.source.kind === 'node' ? chosen(value.source.node).inputs : operandsOf(value);
  const order = ancestry(outputs, operands);
  const names = new Set(order.map(({ name }) => name));
  const emitLoop = ({ inputs, elements, body, results, outputs }: Loop) => {
    const wanted = [...outputs.keys()].filter(i => names.has(outputs[i]!));
    const own = wanted.map(i => results[i]!);
    const needed = new Set(ancestry(own));
    const inside: OnnxNode[] = [];
    const emitter = emitterOf(inside);
    for (const value of body) {
      // Its operands are of the body or shared: those of a fusion might be neither.
      if (value.source.kind === 'node' && needed.has(value))
        value.source.node.emit(emitter, value.source.node.inputs.map(onnxName), onnxName(value));
    }
    const named = (values: readonly Value[]) =>
      values.map(value => ({ name: onnxName(value), type: value.dtype }));
    const graph = { name: outputs[0]!, inputs: named(elements), outputs: named(own), nodes: inside };
    nodes.push({
      ...{ type: 'Scan', inputs: inputs.map(onnxName), outputs: wanted.map(i => `%${outputs[i]!}`) },
      attributes: { num_scan_inputs: inputs.length, body: { graph } },
    });
  };
  const inputs = new Map<string, Value>();
  const loops = new Set<Loop>();
  for (const value of order) {
    const { source } = value;
    if (source.kind === 'input') inputs.set(value.name, value);
    else if (source.kind === 'node') {
      const { inputs: operands, emit } = chosen(source.node);
      emit(emitter, operands.map(onnxName), onnxName(value));
    } else if (source.kind === 'loop') {
      if (!loops.has(source.loop)) emitLoop(source.loop);
      loops.add(source.loop);
    } else if (source.kind === 'constant') {
      const { data } = source.tensor;
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      initializers.push({ name: onnxName(value), type: value.dtype, shape: value.shape, bytes });
    } else throw new Error(`graph '${graph.name}': ${value.name} is used outside of its loop`);
  }
  const outputNames = new Map<Value, string>();
  for (const value of outputs) {
    // A graph's output has to be computed: what is only passed through is copied.
    const isComputed = value.source.kind === 'node' || value.source.kind === 'loop';
    const name = isComputed ? onnxName(value) : emitter.node('Identity', [onnxName(value)]);
    outputNames.set(value, name);
  }
  const typed = (name: string, value: Value): { name: string; type: ElementType; shape: Shape } => ({
    name,
    type: value.dtype,
    shape: value.shape,
  });
  return {
    model: {
      name: graph.name,
      inputs: [...inputs].map(([name, value]) => typed(name, value)),
      outputs: [...outputNames].map(([value, name]) => typed(name, value)),
      initializers,
      nodes,
    },
    inputs,
    outputNames,
  };
}
