import { type EmitOptions, type Graph, toOnnx, type Value } from './graph.ts';
import type { OnnxAttribute, OnnxModel, OnnxNode, OnnxTensor, OnnxWeight } from './onnx.ts';
import { factorsOf, type Polynomial, type SizeGroups, SizeSolver } from './sizes.ts';
import type { HostTensor, Shape } from './tensor.ts';

/** A computation at given sizes. */
export interface Sized {
  readonly graph: Graph;
  /** What the model gives, under the names that it shall have. */
  readonly outputs: Readonly<Record<string, Value>>;
}

/** The sizes of a model of texts: rows of a batch, and tokens of a row. */
const textSizes: SizeGroups<string> = [['texts', 'length']];

/** What others call these sizes, after Hugging Face's exporters. */
const dimensionNames: Readonly<Record<string, string>> = { texts: 'batch_size', length: 'sequence_length' };

/**
 * A model for batches of any size, from a computation that can be built for each. Graphs have static shapes, so it is built
 * for a few sizes: where the models of these differ, in the integers that ONNX takes as shapes and bounds, each integer is
 * a polynomial of the sizes, which the model computes from the shapes of its inputs. All else has to be equal.
 *
 * Every input of the graphs is one of the model, `weights` excepted, which are part of it; what is
 * only made of weights by transposing and joining is kept so made.
 */
export function dynamicModel<Name extends string>(
  build: (sizes: Readonly<Record<Name, number>>) => Sized,
  weights: ReadonlyMap<string, HostTensor>,
  fusions: EmitOptions['fusions'],
  groups: SizeGroups<Name> = textSizes as SizeGroups<Name>,
): OnnxModel {
  const solver = new SizeSolver(groups);
  const emitted = (sizes: Readonly<Record<Name, number>>): OnnxModel => {
    const { graph, outputs } = build(sizes);
    const made = toOnnx(graph, Object.values(outputs), {
      separateInts: true,
      ...(fusions === undefined ? {} : { fusions }),
    });
    return renameOutputs(made, outputs);
  };
  const model = emitted(solver.probes[0]!);
  const unlike = (what: string) => new Error(`graph '${model.name}' differs with its sizes in ${what}`);
  const [nodesOf, constantsOf] = [
    (other: OnnxModel) => JSON.stringify(other.nodes),
    (other: OnnxModel) => JSON.stringify(other.initializers.map(({ name, type }) => [name, type])),
  ];
  const [firstNodes, firstConstants] = [nodesOf(model), constantsOf(model)];
  // Of a model at other sizes nothing is kept but its integers: there are many, and each is as large as the first.
  const numbers = solver.probes.map((sizes, i): Numbers => {
    const other = i === 0 ? model : emitted(sizes);
    if (nodesOf(other) !== firstNodes) throw unlike('its nodes');
    if (constantsOf(other) !== firstConstants) throw unlike('its constants');
    for (const [at, tensor] of other.initializers.entries()) {
      if (!isInts(tensor) && Buffer.compare(tensor.bytes, model.initializers[at]!.bytes) !== 0)
        throw unlike(tensor.name);
    }
    return {
      ints: other.initializers.map(tensor => (isInts(tensor) ? integersOf(tensor.bytes) : [])),
      inputs: other.inputs.map(({ shape }) => shape),
      outputs: other.outputs.map(({ shape }) => shape),
    };
  });
  const sizeAt = (of: (numbers: Numbers) => number): Polynomial => {
    const size = solver.solve(numbers.map(of));
    if (size === null) throw unlike('a size that is no sum and product of them');
    return size;
  };
  const typed = (kind: 'inputs' | 'outputs') =>
    model[kind].map((value, i) => ({
      ...value,
      shape: value.shape.map((_, axis) => nameOf(sizeAt(other => other[kind][i]![axis] as number))),
    }));
  const inputs = typed('inputs').filter(({ name }) => !weights.has(name));
  const writer = new SizeWriter(inputs, groups.flat());
  const initializers: OnnxTensor[] = [];
  const vectors = new Map<string, string>();
  const shared = new Map<string, string>();
  for (const [i, tensor] of model.initializers.entries()) {
    if (!isInts(tensor)) {
      initializers.push(tensor);
      continue;
    }
    const lists = numbers.map(({ ints }) => ints[i]!);
    if (lists.some(({ length }) => length !== lists[0]!.length)) throw unlike(tensor.name);
    const sizes = lists[0]!.map((_, at) => sizeAt(({ ints }) => ints[i]![at]!));
    const key = sizes.map(keyOf).join();
    const known = shared.get(key);
    vectors.set(tensor.name, known ?? tensor.name);
    if (known !== undefined) continue;
    shared.set(key, tensor.name);
    if (sizes.every(isConstant)) initializers.push(tensor);
    else writer.vector(sizes, tensor.name);
  }
  const nodes = model.nodes.map(node => renameInputs(node, vectors));
  const folded = bind(nodes, weights);
  return {
    name: model.name,
    inputs,
    outputs: typed('outputs'),
    initializers: [...writer.constants(), ...initializers],
    weights: folded.weights,
    nodes: [...writer.nodes, ...folded.nodes],
  };
}

/** The integers in which models for different sizes may differ. */
interface Numbers {
  /** Of each initializer that is a vector of them. */
  readonly ints: readonly (readonly number[])[];
  readonly inputs: readonly (readonly (number | string)[])[];
  readonly outputs: readonly (readonly (number | string)[])[];
}

function isInts({ type, shape }: OnnxTensor): boolean {
  return type === 'int64' && shape.length === 1;
}

/** Reads others in place of some names, in bodies of loops too. */
function renameInputs(node: OnnxNode, names: ReadonlyMap<string, string>): OnnxNode {
  const attributes = Object.entries(node.attributes).map(([key, value]): [string, OnnxAttribute] => {
    if (typeof value !== 'object' || !('graph' in value)) return [key, value];
    const nodes = value.graph.nodes.map(inner => renameInputs(inner, names));
    return [key, { graph: { ...value.graph, nodes } }];
  });
  return {
    ...node,
    inputs: node.inputs.map(name => names.get(name) ?? name),
    attributes: Object.fromEntries(attributes),
  };
}

/** What a node reads, its bodies included. */
function namesRead({ inputs, attributes }: OnnxNode): string[] {
  const inner = Object.values(attributes).flatMap(value =>
    typeof value === 'object' && 'graph' in value ? value.graph.nodes.flatMap(namesRead) : [],
  );
  return [...inputs, ...inner];
}

/** Gives the outputs their names. */
function renameOutputs(
  { model, outputNames }: ReturnType<typeof toOnnx>,
  outputs: Sized['outputs'],
): OnnxModel {
  const names = Object.entries(outputs).map(([name, value]) => ({ name, from: outputNames.get(value)! }));
  const copies = names.map(
    ({ name, from }): OnnxNode => ({
      ...{ type: 'Identity', inputs: [from], outputs: [name], attributes: {} },
    }),
  );
  const renamed = names.map(({ name, from }) => ({
    ...model.outputs.find(output => output.name === from)!,
    name,
  }));
  return { ...model, nodes: [...model.nodes, ...copies], outputs: renamed };
}

function integersOf(bytes: Uint8Array): number[] {
  return Array.from(new BigInt64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8), Number);
}

function isConstant(size: Polynomial): boolean {
  return [...size.keys()].every(monomial => monomial === '');
}

function keyOf(size: Polynomial): string {
  return [...size].map(([monomial, coefficient]) => `${coefficient}${monomial}`).join('+');
}

/** A size of an input or output: a number or a name. */
function nameOf(size: Polynomial): number | string {
  if (isConstant(size)) return size.get('') ?? 0;
  const [[monomial, coefficient], ...others] = [...size] as [[string, number], ...unknown[]];
  if (others.length > 0 || coefficient !== 1 || monomial.includes('*')) return keyOf(size);
  return dimensionNames[monomial] ?? monomial;
}

/** Writes the nodes that compute sizes. */
class SizeWriter {
  readonly nodes: OnnxNode[] = [];
  readonly #monomials = new Map<string, string>();
  readonly #integers = new Map<number, string>();
  readonly #sums = new Map<string, string>();

  constructor(
    inputs: readonly { readonly name: string; readonly shape: readonly (number | string)[] }[],
    names: readonly string[],
  ) {
    for (const name of names) {
      const dimension = dimensionNames[name] ?? name;
      const input = inputs.find(({ shape }) => shape.includes(dimension));
      // A size that no input has is one that nothing depends on, or it is missed when it is asked for.
      if (input === undefined) continue;
      const start = input.shape.indexOf(dimension);
      this.#monomials.set(name, this.#node('Shape', [input.name], { start, end: start + 1 }));
    }
  }

  /** A vector of sizes, under a name. */
  vector(sizes: readonly Polynomial[], name: string): void {
    this.#node(
      'Concat',
      sizes.map(size => this.#size(size)),
      { axis: 0 },
      name,
    );
  }

  /** The constants that the nodes need. */
  constants(): OnnxTensor[] {
    return [...this.#integers].map(([value, name]) => ({
      ...{ name, type: 'int64', shape: [1] },
      bytes: new Uint8Array(BigInt64Array.of(BigInt(value)).buffer),
    }));
  }

  #size(size: Polynomial): string {
    const key = keyOf(size);
    const known = this.#sums.get(key);
    if (known !== undefined) return known;
    const terms = [...size].map(([monomial, coefficient]) => {
      if (monomial === '') return this.#integer(coefficient);
      const term = this.#monomial(monomial);
      return coefficient === 1 ? term : this.#node('Mul', [term, this.#integer(coefficient)]);
    });
    const sum = terms.length === 0 ? this.#integer(0) : terms.reduce((a, b) => this.#node('Add', [a, b]));
    this.#sums.set(key, sum);
    return sum;
  }

  #monomial(monomial: string): string {
    let node = this.#monomials.get(monomial);
    if (node === undefined) {
      const factors = factorsOf(monomial);
      if (factors.length === 1) throw new Error(`no input tells the size ${monomial}`);
      node = this.#node(
        'Mul',
        factors.map(factor => this.#monomial(factor)),
      );
      this.#monomials.set(monomial, node);
    }
    return node;
  }

  #integer(value: number): string {
    const name = this.#integers.get(value) ?? `%size_of_${value}`;
    this.#integers.set(value, name);
    return name;
  }

  #node(
    type: string,
    inputs: readonly string[],
    attributes: OnnxNode['attributes'] = {},
    output = `%size_${this.nodes.length}`,
  ): string {
    this.nodes.push({ type, inputs, outputs: [output], attributes });
    return output;
  }
}

/** A matrix or vector of weights, whose numbers are made when they are needed. */
interface Folded {
  readonly shape: Shape;
  readonly data: () => Float32Array;
}

/** Puts weights in place of inputs, and of the nodes that only transpose or join them. */
function bind(
  nodes: readonly OnnxNode[],
  tensors: ReadonlyMap<string, HostTensor>,
): { nodes: OnnxNode[]; weights: OnnxWeight[] } {
  const known = new Map<string, Folded>(
    [...tensors].map(([name, { shape, data }]) => [name, { shape, data: () => data as Float32Array }]),
  );
  const kept = nodes.filter(node => {
    const inputs = node.inputs.map(name => known.get(name));
    const folded = inputs.every(input => input !== undefined) ? fold(node, inputs) : null;
    if (folded !== null) known.set(node.outputs[0]!, folded);
    return folded === null;
  });
  const used = new Set(kept.flatMap(namesRead));
  const weights = [...known].flatMap(([name, { shape, data }]): OnnxWeight[] =>
    used.has(name) ? [{ name, type: 'float32', shape, bytes: () => bytesOf(data()) }] : [],
  );
  return { nodes: kept, weights };
}

/** What a node makes of weights; null for what is left to the runtime. */
function fold({ type, attributes }: OnnxNode, inputs: readonly Folded[]): Folded | null {
  const [first] = inputs;
  if (type === 'Transpose' && first?.shape.length === 2) {
    return { shape: first.shape.toReversed(), data: () => transposed(first) };
  }
  if (type === 'Concat' && attributes.axis === 0) {
    const rows = inputs.reduce((sum, { shape }) => sum + shape[0]!, 0);
    return {
      shape: first!.shape.with(0, rows),
      data() {
        const parts = inputs.map(({ data }) => data());
        const joined = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
        let end = 0;
        for (const part of parts) {
          joined.set(part, end);
          end += part.length;
        }
        return joined;
      },
    };
  }
  return null;
}

function transposed({ shape, data }: Folded): Float32Array {
  const [rows, columns] = shape as [number, number];
  const from = data();
  const result = new Float32Array(from.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      result[column * rows + row] = from[row * columns + column]!;
  return result;
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
