import protobuf from 'protobufjs/light.js';

/** The version of the operator set that nodes are written in, and of the file format that goes with it. */
const usual = { operatorSet: 20, irVersion: 9 };
/** The same for models with operators that came later: not every program that reads a model knows them. */
const later = { operatorSet: 23, irVersion: 11 };
const laterOperators = new Set(['Attention']);

/** ONNX's codes of element types (`TensorProto.DataType`). */
export const elementTypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
} as const;
export type ElementType = keyof typeof elementTypes;

/** An integer, a list of integers, a string, a floating-point number or a body: what the operators in use need. */
export type OnnxAttribute =
  | number
  | readonly number[]
  | string
  | { readonly float: number }
  | { readonly graph: OnnxBody };

/** What a loop computes of an element. Shapes follow from the loop's own; names from outside may be used. */
export interface OnnxBody {
  readonly name: string;
  readonly inputs: readonly Omit<OnnxValue, 'shape'>[];
  readonly outputs: readonly Omit<OnnxValue, 'shape'>[];
  readonly nodes: readonly OnnxNode[];
}

export interface OnnxNode {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

export interface OnnxTensor {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** Little-endian, row-major. */
  readonly bytes: Uint8Array;
}

/** A large tensor, whose bytes are made when they are needed and may stand outside of the model's own bytes. */
export interface OnnxWeight extends Omit<OnnxTensor, 'bytes'> {
  readonly bytes: () => Uint8Array;
}

export interface OnnxValue {
  readonly name: string;
  readonly type: ElementType;
  /** A name is a size that differs from run to run. */
  readonly shape: readonly (number | string)[];
}

/** A model as ONNX sees it: nodes in topological order over named values. */
export interface OnnxModel {
  readonly name: string;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly initializers: readonly OnnxTensor[];
  readonly weights?: readonly OnnxWeight[];
  readonly nodes: readonly OnnxNode[];
}

type Fields = Record<string, [id: number, type: string, rule?: 'repeated']>;

/** The part of `onnx.proto` that models written here use, with its field numbers. */
const schema: Record<string, Fields> = {
  ModelProto: {
    irVersion: [1, 'int64'],
    producerName: [2, 'string'],
    graph: [7, 'GraphProto'],
    opsetImport: [8, 'OperatorSetIdProto', 'repeated'],
  },
  OperatorSetIdProto: { domain: [1, 'string'], version: [2, 'int64'] },
  GraphProto: {
    node: [1, 'NodeProto', 'repeated'],
    name: [2, 'string'],
    initializer: [5, 'TensorProto', 'repeated'],
    input: [11, 'ValueInfoProto', 'repeated'],
    output: [12, 'ValueInfoProto', 'repeated'],
  },
  NodeProto: {
    input: [1, 'string', 'repeated'],
    output: [2, 'string', 'repeated'],
    name: [3, 'string'],
    opType: [4, 'string'],
    attribute: [5, 'AttributeProto', 'repeated'],
  },
  AttributeProto: {
    name: [1, 'string'],
    f: [2, 'float'],
    i: [3, 'int64'],
    s: [4, 'bytes'],
    g: [6, 'GraphProto'],
    ints: [8, 'int64', 'repeated'],
    type: [20, 'int32'],
  },
  TensorProto: {
    dims: [1, 'int64', 'repeated'],
    dataType: [2, 'int32'],
    name: [8, 'string'],
    rawData: [9, 'bytes'],
    externalData: [13, 'StringStringEntryProto', 'repeated'],
    dataLocation: [14, 'int32'],
  },
  StringStringEntryProto: { key: [1, 'string'], value: [2, 'string'] },
  ValueInfoProto: { name: [1, 'string'], type: [2, 'TypeProto'] },
  TypeProto: { tensorType: [1, 'TensorTypeProto'] },
  TensorTypeProto: { elemType: [1, 'int32'], shape: [2, 'TensorShapeProto'] },
  TensorShapeProto: { dim: [1, 'DimensionProto', 'repeated'] },
  DimensionProto: { dimValue: [1, 'int64'], dimParam: [2, 'string'] },
};

const root = protobuf.Root.fromJSON({
  nested: Object.fromEntries(
    Object.entries(schema).map(([message, fields]) => [
      message,
      {
        fields: Object.fromEntries(
          Object.entries(fields).map(([name, [id, type, rule]]) => [
            name,
            rule === undefined ? { id, type } : { id, type, rule },
          ]),
        ),
      },
    ]),
  ),
});
const modelProto = root.lookupType('ModelProto');

/** Where the bytes of a weight stand: a file (or what a session is told to take for one) and a place in it. */
export interface WeightPlace {
  readonly location: string;
  readonly offset: number;
}

/** The bytes of an ONNX file. @param place of each weight outside of it; a model without one has them in `encodeWeight` */
export function encodeModel(model: OnnxModel, place?: (weight: OnnxWeight) => WeightPlace): Uint8Array {
  const { initializers, nodes, weights = [] } = model;
  const outside = place === undefined ? [] : weights.map(weight => outsideTensor(weight, place(weight)));
  const { operatorSet, irVersion } = nodes.some(({ type }) => laterOperators.has(type)) ? later : usual;
  return modelProto
    .encode({
      irVersion,
      producerName: 'lrat',
      opsetImport: [{ domain: '', version: operatorSet }],
      graph: {
        name: model.name,
        input: model.inputs.map(valueInfo),
        output: model.outputs.map(valueInfo),
        initializer: [
          ...initializers.map(({ bytes, ...type }) => ({ ...tensorInfo(type), rawData: bytes })),
          ...outside,
        ],
        node: nodes.map(nodeInfo),
      },
    })
    .finish();
}

/**
 * A weight as bytes to stand after those of `encodeModel`: in protobuf, messages written one after the other are one
 * message. So a large model is written weight by weight.
 */
export function encodeWeight({ bytes, ...type }: OnnxWeight): Uint8Array {
  return modelProto.encode({ graph: { initializer: [{ ...tensorInfo(type), rawData: bytes() }] } }).finish();
}

/** The bytes that a tensor takes. */
export function byteLength({ type, shape }: Omit<OnnxTensor, 'bytes'>): number {
  return shape.reduce((product, size) => product * size, elementBytes[type]);
}

const elementBytes = {
  float32: 4,
  uint8: 1,
  int8: 1,
  int32: 4,
  int64: 8,
  bool: 1,
  float16: 2,
  float64: 8,
} as const;

function tensorInfo({ name, type, shape }: Omit<OnnxTensor, 'bytes'>): object {
  return { name, dims: shape, dataType: elementTypes[type] };
}

function outsideTensor(weight: OnnxWeight, { location, offset }: WeightPlace): object {
  const entries = { location, offset, length: byteLength(weight) };
  return {
    ...tensorInfo(weight),
    externalData: Object.entries(entries).map(([key, value]) => ({ key, value: String(value) })),
    dataLocation: 1,
  };
}

function nodeInfo({ type, inputs, outputs, attributes }: OnnxNode): object {
  return {
    name: outputs[0],
    opType: type,
    input: inputs,
    output: outputs,
    attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  };
}

function valueInfo({ name, type, shape }: Omit<OnnxValue, 'shape'> & Partial<OnnxValue>): object {
  return {
    name,
    type: {
      tensorType: {
        elemType: elementTypes[type],
        ...(shape !== undefined && { shape: { dim: shape.map(dimension) } }),
      },
    },
  };
}

function dimension(size: number | string): object {
  return typeof size === 'string' ? { dimParam: size } : { dimValue: size };
}

function bodyInfo({ name, inputs, outputs, nodes }: OnnxBody): object {
  return {
    name,
    input: inputs.map(valueInfo),
    output: outputs.map(valueInfo),
    node: nodes.map(nodeInfo),
  };
}

/** `type` is ONNX's `AttributeProto.AttributeType`: 1 floating-point, 2 integer, 3 string, 5 graph, 7 integers. */
function attribute(name: string, value: OnnxAttribute): object {
  if (typeof value === 'number') return { name, type: 2, i: value };
  if (typeof value === 'string') return { name, type: 3, s: Buffer.from(value) };
  if ('float' in value) return { name, type: 1, f: value.float };
  if ('graph' in value) return { name, type: 5, g: bodyInfo(value.graph) };
  return { name, type: 7, ints: value };
}
