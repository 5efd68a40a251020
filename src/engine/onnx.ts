import protobuf from 'protobufjs/light.js';

/** The version of the operator set that nodes are written in. */
const operatorSet = 20;
/** The version of the file format that goes with it. */
const irVersion = 9;

/** ONNX's codes of element types (`TensorProto.DataType`). */
export const elementTypes = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11 } as const;
export type ElementType = keyof typeof elementTypes;

/** An integer, a list of integers, or a string: what the operators in use need. */
export type OnnxAttribute = number | readonly number[] | string;

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

export interface OnnxValue {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
}

/** A model as ONNX sees it: nodes in topological order over named values. */
export interface OnnxModel {
  readonly name: string;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly initializers: readonly OnnxTensor[];
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
    i: [3, 'int64'],
    s: [4, 'bytes'],
    ints: [8, 'int64', 'repeated'],
    type: [20, 'int32'],
  },
  TensorProto: {
    dims: [1, 'int64', 'repeated'],
    dataType: [2, 'int32'],
    name: [8, 'string'],
    rawData: [9, 'bytes'],
  },
  ValueInfoProto: { name: [1, 'string'], type: [2, 'TypeProto'] },
  TypeProto: { tensorType: [1, 'TensorTypeProto'] },
  TensorTypeProto: { elemType: [1, 'int32'], shape: [2, 'TensorShapeProto'] },
  TensorShapeProto: { dim: [1, 'DimensionProto', 'repeated'] },
  DimensionProto: { dimValue: [1, 'int64'] },
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

/** The bytes of an ONNX file. */
export function encodeModel(model: OnnxModel): Uint8Array {
  return modelProto
    .encode({
      irVersion,
      producerName: 'lrat',
      opsetImport: [{ domain: '', version: operatorSet }],
      graph: {
        name: model.name,
        input: model.inputs.map(valueInfo),
        output: model.outputs.map(valueInfo),
        initializer: model.initializers.map(({ name, type, shape, bytes }) => ({
          name,
          dims: shape,
          dataType: elementTypes[type],
          rawData: bytes,
        })),
        node: model.nodes.map(({ type, inputs, outputs, attributes }) => ({
          name: outputs[0],
          opType: type,
          input: inputs,
          output: outputs,
          attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
        })),
      },
    })
    .finish();
}

function valueInfo({ name, type, shape }: OnnxValue): object {
  return {
    name,
    type: {
      tensorType: { elemType: elementTypes[type], shape: { dim: shape.map(size => ({ dimValue: size })) } },
    },
  };
}

/** `type` is ONNX's `AttributeProto.AttributeType`: 2 integer, 3 string, 7 integers. */
function attribute(name: string, value: OnnxAttribute): object {
  if (typeof value === 'number') return { name, type: 2, i: value };
  if (typeof value === 'string') return { name, type: 3, s: Buffer.from(value) };
  return { name, type: 7, ints: value };
}
