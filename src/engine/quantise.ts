import { elementTypes, type OnnxModel, type OnnxNode, type OnnxTensor, type OnnxWeight } from './onnx.ts';

/** Larger tables are worth a conversion of the rows that are read. */
const smallestTable = 2 ** 16;

const lastAxis = '%last_axis';
/** Rows of zeros are divided by this instead of their greatest number. */
const smallestScale = '%smallest_scale';

const constants: readonly OnnxTensor[] = [
  { name: lastAxis, type: 'int64', shape: [1], bytes: new Uint8Array(BigInt64Array.of(-1n).buffer) },
  { name: smallestScale, type: 'float32', shape: [], bytes: new Uint8Array(Float32Array.of(1e-20).buffer) },
];

/**
 * The same model with its matrices in 8 bits: those of products with a scale per column, and the numbers that they are
 * multiplied with rounded to 8 bits when it runs (ONNX's dynamic quantisation); large tables with a scale per row.
 * Symmetric, to the nearest of −127…127.
 *
 * ONNX has one scale for all rows that are multiplied at once. A few tokens have numbers ten times as large as the rest, which
 * would leave these but a few steps, and make a text's vector depend on the texts beside it: so each row is divided by its
 * greatest number before, and its products are multiplied with it after.
 */
export function quantised(model: OnnxModel): OnnxModel {
  const weights = new Map((model.weights ?? []).map(weight => [weight.name, weight]));
  const result = new Map<string, OnnxWeight>();
  const nodes: OnnxNode[] = [];
  const rounded = new Map<string, Rounded>();
  const node = (type: string, inputs: readonly string[], output: string, attributes = {}) => {
    nodes.push({ type, inputs, outputs: [output], attributes });
    return output;
  };
  const roundedRows = (x: string): Rounded => {
    const known = rounded.get(x);
    if (known !== undefined) return known;
    const sizes = node('ReduceMax', [node('Abs', [x], `${x}.sizes`), lastAxis], `${x}.greatest`, {
      keepdims: 1,
    });
    const rowScale = node('Max', [sizes, smallestScale], `${x}.row_scale`);
    const even = node('Div', [x, rowScale], `${x}.even`);
    const [bytes, scale, zero] = ['int8', 'int8_scale', 'int8_zero'].map(part => `${x}.${part}`) as [
      string,
      string,
      string,
    ];
    nodes.push({
      type: 'DynamicQuantizeLinear',
      inputs: [even],
      outputs: [bytes, scale, zero],
      attributes: {},
    });
    const rows = { bytes, scale, zero, rowScale };
    rounded.set(x, rows);
    return rows;
  };
  for (const each of model.nodes) {
    const [x, y] = each.inputs;
    const [output] = each.outputs as [string];
    const weight = weights.get(each.type === 'MatMul' ? y! : x!);
    if (weight?.shape.length !== 2) {
      nodes.push(each);
    } else if (each.type === 'MatMul') {
      const { values, scales } = inBytes(weight, 'columns');
      for (const part of [values, scales]) result.set(part.name, part);
      const { bytes, scale, zero, rowScale } = roundedRows(x!);
      const product = node('MatMulInteger', [bytes, values.name, zero], `${output}.int32`);
      const wide = node('Cast', [product], `${output}.wide`, { to: elementTypes.float32 });
      const even = node(
        'Mul',
        [wide, node('Mul', [scale, scales.name], `${output}.scales`)],
        `${output}.even`,
      );
      node('Mul', [even, rowScale], output);
    } else if (each.type === 'Gather' && weight.shape[0]! * weight.shape[1]! >= smallestTable) {
      const { values, scales } = inBytes(weight, 'rows');
      for (const part of [values, scales]) result.set(part.name, part);
      const rows = node('Gather', [values.name, y!], `${output}.int8`, each.attributes);
      const wide = node('Cast', [rows], `${output}.wide`, { to: elementTypes.float32 });
      node('Mul', [wide, node('Gather', [scales.name, y!], `${output}.scales`, each.attributes)], output);
    } else {
      nodes.push(each);
    }
  }
  const used = new Set(nodes.flatMap(({ inputs }) => inputs));
  for (const [name, weight] of weights) if (used.has(name)) result.set(name, weight);
  const initializers = [...model.initializers, ...constants];
  return { ...model, nodes, initializers, weights: [...result.values()] };
}

/** The names of what rows in 8 bits are made of: bytes, their scale and zero for all rows, and a scale for each. */
interface Rounded {
  readonly bytes: string;
  readonly scale: string;
  readonly zero: string;
  readonly rowScale: string;
}

/** A matrix in 8 bits, and its scales: `[columns]`, or `[rows, 1]`. */
function inBytes(weight: OnnxWeight, by: 'rows' | 'columns'): { values: OnnxWeight; scales: OnnxWeight } {
  const [rows, columns] = weight.shape as [number, number];
  const lines = by === 'rows' ? rows : columns;
  const floats = () => {
    const { buffer, byteOffset, byteLength } = weight.bytes();
    return new Float32Array(buffer, byteOffset, byteLength / 4);
  };
  const scalesOf = (values: Float32Array) => {
    const scales = new Float32Array(lines);
    for (let row = 0, i = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, i++) {
        const line = by === 'rows' ? row : column;
        const size = Math.abs(values[i]!) / 127;
        if (size > scales[line]!) scales[line] = size;
      }
    }
    return scales;
  };
  return {
    values: {
      ...{ name: `${weight.name}.int8`, type: 'int8', shape: weight.shape },
      bytes() {
        const values = floats();
        const scales = scalesOf(values);
        const bytes = new Int8Array(values.length);
        for (let row = 0, i = 0; row < rows; row++) {
          for (let column = 0; column < columns; column++, i++) {
            const scale = scales[by === 'rows' ? row : column]!;
            // A line of zeros has no scale and stays zero.
            if (scale > 0) bytes[i] = Math.round(values[i]! / scale);
          }
        }
        return new Uint8Array(bytes.buffer);
      },
    },
    scales: {
      ...{ name: `${weight.name}.scale`, type: 'float32', shape: by === 'rows' ? [rows, 1] : [columns] },
      bytes: () => new Uint8Array(scalesOf(floats()).buffer),
    },
  };
}
