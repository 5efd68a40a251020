import { type Emitter, misuse, type Operator, type Products, type Value } from './graph.ts';
import { elementTypes } from './onnx.ts';
import { type DataType, type Shape, sizeOf, type TensorType } from './tensor.ts';

/**
 * The operators. Each is defined in one place: the type of its result, the ONNX nodes that compute it, and its gradient.
 * A function is the way to use it. Operands may be numbers where a tensor fixes the data type.
 */

export type Operand = Value | number;

/** Every operator by name: what a graph may consist of, and what has to be tested. */
export const operators = new Map<string, Operator<never>>();

function define<A = void>(
  operator: Operator<A>,
): (inputs: readonly Value[], ...attributes: A extends void ? [] : [A]) => Value {
  operators.set(operator.name, operator);
  return (inputs, ...attributes) => inputs[0]!.graph.apply(operator, inputs, attributes[0] as A);
}

type Fail = (reason: string) => never;

function isFloat(dtype: DataType): boolean {
  return dtype === 'float32' || dtype === 'float64' || dtype === 'float16';
}

function checkFloat(inputs: readonly TensorType[], fail: Fail): void {
  if (!inputs.every(input => isFloat(input.dtype))) fail('only floating-point tensors can be computed with');
}

function checkSameType(inputs: readonly TensorType[], fail: Fail): void {
  if (!inputs.every(input => input.dtype === inputs[0]!.dtype)) fail('the data types differ');
}

/** The shape that shapes broadcast to: aligned at their last axis, sizes equal or 1. */
function broadcastShape(shapes: readonly Shape[], fail: Fail): Shape {
  const rank = Math.max(...shapes.map(shape => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map(shape => shape[axis - rank + shape.length] ?? 1);
    const size = sizes.find(size => size !== 1) ?? 1;
    if (sizes.some(other => other !== size && other !== 1)) {
      fail(`the shapes do not broadcast (axis ${axis - rank}: ${sizes.join(' and ')})`);
    }
    return size;
  });
}

function checkAxis(axis: number, rank: number, fail: Fail): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || positive < 0 || positive >= rank) fail(`there is no axis ${axis}`);
  return positive;
}

function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** Sums `gradient` over the axes along which an operand of shape `shape` was broadcast. */
function unbroadcast(gradient: Value, shape: Shape): Value {
  if (sameShape(gradient.shape, shape)) return gradient;
  const added = gradient.shape.length - shape.length;
  const axes = gradient.shape.flatMap((size, axis) =>
    axis < added || (shape[axis - added] === 1 && size !== 1) ? [axis] : [],
  );
  if (shape.length === 1 && axes.length === added) return sumOfRows(gradient);
  return reshape(reduceSum(gradient, axes, { keepDims: true }), shape);
}

/** The rows along the last axis, as one matrix. */
function rowsOf(x: Value): Value {
  return reshape(x, [-1, x.shape.at(-1)!]);
}

/** `[last axis]`. A product with ones: ONNX Runtime takes half the time for it that it takes for a sum. */
export function sumOfRows(x: Value): Value {
  const rows = rowsOf(x);
  const ones = expand(x.graph.constant(1, x.dtype), [1, rows.shape[0]!]);
  return reshape(matmul(ones, rows, 'float32'), rows.shape.slice(1));
}

/** Operands as values: numbers become scalars of the data type that the tensors have. */
function lift(operands: readonly Operand[]): Value[] {
  const model = operands.find(operand => typeof operand !== 'number');
  if (model === undefined) throw new TypeError('an operator needs at least one tensor');
  return operands.map(operand =>
    typeof operand === 'number' ? model.graph.constant(operand, model.dtype) : operand,
  );
}

/* Element by element, with broadcasting. */

type Vjp<A> = NonNullable<Operator<A>['vjp']>;

function binary(name: string, type: string, vjp: Vjp<void>): (a: Operand, b: Operand) => Value {
  const apply = define<void>({
    name,
    infer(inputs, _, fail) {
      checkFloat(inputs, fail);
      checkSameType(inputs, fail);
      return {
        dtype: inputs[0]!.dtype,
        shape: broadcastShape(
          inputs.map(input => input.shape),
          fail,
        ),
      };
    },
    emit: (emitter, inputs, output) => emitter.node(type, inputs, {}, output),
    vjp: (use, gradient) =>
      vjp(use, gradient).map((part, i) => part && unbroadcast(part, use.inputs[i]!.shape)),
  });
  return (a, b) => apply(lift([a, b]));
}

export const add = binary('add', 'Add', (_, gradient) => [gradient, gradient]);

export const sub = binary('sub', 'Sub', (_, gradient) => [gradient, neg(gradient)]);

export const mul = binary('mul', 'Mul', ({ inputs: [a, b] }, gradient) => [
  mul(gradient, b!),
  mul(gradient, a!),
]);

export const div = binary('div', 'Div', ({ inputs: [, b], result }, gradient) => {
  const byA = div(gradient, b!);
  return [byA, neg(mul(byA, result))];
});

/** Whether `a < b`: a `bool` tensor. */
export const less = (() => {
  const apply = define<void>({
    name: 'less',
    infer(inputs, _, fail) {
      checkSameType(inputs, fail);
      const shape = broadcastShape(
        inputs.map(input => input.shape),
        fail,
      );
      return { dtype: 'bool', shape };
    },
    emit: (emitter, inputs, output) => emitter.node('Less', inputs, {}, output),
  });
  return (a: Operand, b: Operand): Value => apply(lift([a, b]));
})();

/** `a` where `condition` holds, else `b`. */
export const where = (() => {
  const apply = define<void>({
    name: 'where',
    infer([condition, a, b], _, fail) {
      if (condition!.dtype !== 'bool') fail('the condition must be bool');
      checkSameType([a!, b!], fail);
      return { dtype: a!.dtype, shape: broadcastShape([condition!.shape, a!.shape, b!.shape], fail) };
    },
    emit: (emitter, inputs, output) => emitter.node('Where', inputs, {}, output),
    vjp: ({ inputs: [condition, a, b] }, gradient) => [
      undefined,
      unbroadcast(where(condition!, gradient, 0), a!.shape),
      unbroadcast(where(condition!, 0, gradient), b!.shape),
    ],
  });
  return (condition: Value, a: Operand, b: Operand): Value => apply([condition, ...lift([a, b])]);
})();

function unary(name: string, type: string, derivative: (x: Value, y: Value, gradient: Value) => Value) {
  const apply = define<void>({
    name,
    infer(inputs, _, fail) {
      checkFloat(inputs, fail);
      return inputs[0]!;
    },
    emit: (emitter, inputs, output) => emitter.node(type, inputs, {}, output),
    vjp: ({ inputs: [x], result }, gradient) => [derivative(x!, result, gradient)],
  });
  return (x: Value): Value => apply([x]);
}

export const neg = unary('neg', 'Neg', (_x, _y, gradient) => neg(gradient));
export const exp = unary('exp', 'Exp', (_x, y, gradient) => mul(gradient, y));
export const log = unary('log', 'Log', (x, _y, gradient) => div(gradient, x));
export const sqrt = unary('sqrt', 'Sqrt', (_x, y, gradient) => div(mul(gradient, 0.5), y));
export const tanh = unary('tanh', 'Tanh', (_x, y, gradient) => mul(gradient, sub(1, mul(y, y))));
export const sigmoid = unary('sigmoid', 'Sigmoid', (_x, y, gradient) => mul(gradient, mul(y, sub(1, y))));
export const cos = unary('cos', 'Cos', (x, _y, gradient) => neg(mul(gradient, sin(x))));
export const sin = unary('sin', 'Sin', (x, _y, gradient) => mul(gradient, cos(x)));
export const relu = unary('relu', 'Relu', (x, _y, gradient) => where(less(0, x), gradient, 0));
/** The error function, of which the exact GELU is made. */
export const erf = unary('erf', 'Erf', (x, _y, gradient) =>
  mul(gradient, mul(2 / Math.sqrt(Math.PI), exp(neg(mul(x, x))))),
);

/**
 * The exact GELU, `x Φ(x)`, arXiv 1606.08415. Of what its gradient and that of a product with it need, `x` alone is kept from the
 * forward pass, unless the graph keeps all.
 */
export const gelu = (() => {
  interface Part {
    /** `x / √2` */
    readonly z: Value;
    /** `Φ(x)` */
    readonly share: Value;
  }
  const apply = define<{ part: (trigger: Value) => Part }>({
    name: 'gelu',
    infer([x], _, fail) {
      checkFloat([x!], fail);
      return x!;
    },
    emit: (emitter, inputs, output) => emitter.node('Gelu', inputs, {}, output),
    vjp: ({ attributes: { part } }, gradient) => [pullBack(part(gradient), gradient)],
  });
  const pullBack = ({ z, share }: Part, gradient: Value): Value => {
    // Φ(x) + x φ(x) = Φ(x) + z exp(−z² − ln √π), in as few passes over memory as that takes
    const bell = exp(sub(-Math.log(Math.PI) / 2, mul(z, z)));
    return mul(gradient, add(share, mul(z, bell)));
  };
  const partsOf = (x: Value): Part => {
    const z = mul(x, Math.SQRT1_2);
    return { z, share: add(mul(erf(z), 0.5), 0.5) };
  };
  return (x: Value): Value => {
    if (!x.graph.recompute) {
      const part = partsOf(x);
      return withGradient(mul(x, part.share), [x], gradient => [pullBack(part, gradient)]);
    }
    let made: Part | undefined;
    const part = (trigger: Value): Part => {
      made ??= partsOf(after(x, trigger));
      return made;
    };
    return { ...apply([x], { part }), again: trigger => mul(x, part(trigger).share) };
  };
})();

/** `x` to the power of a number. */
export const pow = (() => {
  const apply = define<{ exponent: number }>({
    name: 'pow',
    infer(inputs, _, fail) {
      checkFloat(inputs, fail);
      return inputs[0]!;
    },
    emit: (emitter, inputs, output) => emitter.node('Pow', inputs, {}, output),
    vjp: ({ inputs: [x], attributes: { exponent } }, gradient) => [
      mul(gradient, mul(exponent, pow(x!, exponent - 1))),
    ],
  });
  return (x: Value, exponent: number): Value => apply([x, x.graph.constant(exponent, x.dtype)], { exponent });
})();

/** Another data type; values that become whole numbers are cut towards zero. */
export const cast = (() => {
  const apply = define<{ dtype: DataType }>({
    name: 'cast',
    infer: ([x], { dtype }) => ({ dtype, shape: x!.shape }),
    emit: (emitter, inputs, output, { dtype }) =>
      emitter.node('Cast', inputs, { to: elementTypes[dtype] }, output),
    vjp: ({ inputs: [x], attributes: { dtype } }, gradient) => [
      isFloat(dtype) && isFloat(x!.dtype) ? cast(gradient, x!.dtype) : undefined,
    ],
  });
  return (x: Value, dtype: DataType): Value => (x.dtype === dtype ? x : apply([x], { dtype }));
})();

/* Products. */

/** With the last two axes exchanged. */
export function transposeLast(x: Value): Value {
  const { length } = x.shape;
  return transpose(x, [...x.shape.keys()].slice(0, -2).concat(length - 1, length - 2));
}

/**
 * The matrix product of the last two axes; the axes before them broadcast.
 * @param products of `float32`, in place of the graph's choice
 */
export const matmul = (() => {
  const apply = define<void>({
    name: 'matmul',
    infer([a, b], _, fail) {
      checkFloat([a!, b!], fail);
      checkSameType([a!, b!], fail);
      if (a!.shape.length < 2 || b!.shape.length < 2) fail('both operands need at least two axes');
      if (a!.shape.at(-1) !== b!.shape.at(-2)) {
        fail(`the inner sizes ${a!.shape.at(-1)} and ${b!.shape.at(-2)} differ`);
      }
      const batch = broadcastShape([a!.shape.slice(0, -2), b!.shape.slice(0, -2)], fail);
      return { dtype: a!.dtype, shape: [...batch, a!.shape.at(-2)!, b!.shape.at(-1)!] };
    },
    emit: (emitter, inputs, output) => emitter.node('MatMul', inputs, {}, output),
    // This product was made in the numbers of its operands: half precision has a gradient of its own, below.
    vjp: ({ inputs: [a, b] }, gradient) => productGradients(a!, b!, gradient, 'float32'),
  });
  return (a: Value, b: Value, products: Products = a.graph.products): Value =>
    products === 'float16' && a.dtype === 'float32' && b.dtype === 'float32'
      ? halfProduct(a, b, (a, b) => apply([a, b]))
      : apply([a, b]);
})();

function productGradients(a: Value, b: Value, gradient: Value, products: Products): [byA: Value, byB: Value] {
  const byA = unbroadcast(matmul(gradient, transposeLast(b), products), a.shape);
  const left = a.again?.(gradient) ?? a;
  if (b.shape.length > 2) return [byA, unbroadcast(matmul(transposeLast(left), gradient, products), b.shape)];
  // One matrix for the whole batch: a single product of the flattened operands, not one per element and a sum.
  return [byA, matmul(transposeLast(rowsOf(left)), rowsOf(gradient), products)];
}

/**
 * A product of `float32` in `float16`. Its gradients go through products in `float16` as well. Gradients are often smaller
 * than its smallest number, so they are multiplied at a size near 1/16 and scaled back: no scaling of the loss is needed.
 */
function halfProduct(a: Value, b: Value, multiply: (a: Value, b: Value) => Value): Value {
  const product = cast(multiply(cast(a, 'float16'), cast(b, 'float16')), 'float32');
  return withGradient(product, [a, b], gradient => {
    const size = mul(sqrt(reduceMean(mul(gradient, gradient))), 16);
    // A gradient whose squares are too small for `float32` counts as zero.
    const scaled = div(gradient, add(size, 1e-20));
    return productGradients(a, b, scaled, 'float16').map(part => mul(part, size));
  });
}

/* Along an axis. */

function alongAxis(
  name: string,
  emit: (emitter: Emitter, x: string, axis: number, output: string) => void,
  derivative: (y: Value, gradient: Value, axis: number) => Value,
) {
  const apply = define<{ axis: number }>({
    name,
    infer([x], { axis }, fail) {
      checkFloat([x!], fail);
      checkAxis(axis, x!.shape.length, fail);
      return x!;
    },
    emit: (emitter, [x], output, { axis }) => emit(emitter, x!, axis, output),
    vjp: ({ result, attributes: { axis } }, gradient) => [derivative(result, gradient, axis)],
  });
  return (x: Value, axis = -1): Value => apply([x], { axis });
}

/** `exp(x) / Σ exp(x)` along an axis, the last unless told. */
export const softmax = alongAxis(
  'softmax',
  (emitter, x, axis, output) => emitter.node('Softmax', [x], { axis }, output),
  (y, gradient, axis) => {
    const product = mul(gradient, y);
    return sub(product, mul(y, reduceSum(product, [axis], { keepDims: true })));
  },
);

/**
 * `x − log Σ exp(x)` along an axis, the last unless told. ONNX's LogSoftmax is not used: the runtime has none for WebGPU,
 * and would take `x` to the CPU and back.
 */
export const logSoftmax = alongAxis(
  'logSoftmax',
  (emitter, x, axis, output) => {
    const along = (type: string, x: string) => emitter.node(type, [x, emitter.ints([axis])], { keepdims: 1 });
    const below = emitter.node('Sub', [x, along('ReduceMax', x)]);
    const total = along('ReduceSum', emitter.node('Exp', [below]));
    emitter.node('Sub', [below, emitter.node('Log', [total])], {}, output);
  },
  (y, gradient, axis) => sub(gradient, mul(exp(y), reduceSum(gradient, [axis], { keepDims: true }))),
);

interface Reduction {
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

function reduction(
  name: string,
  type: string,
  derivative: (x: Value, gradient: Value, count: number, axes: readonly number[]) => Value,
) {
  const apply = define<Reduction>({
    name,
    infer([x], { axes, keepDims }, fail) {
      checkFloat([x!], fail);
      const reduced = new Set(axes.map(axis => checkAxis(axis, x!.shape.length, fail)));
      if (reduced.size !== axes.length) fail(`the axes ${axes.join(', ')} repeat`);
      const shape = x!.shape.flatMap((size, axis) => (reduced.has(axis) ? (keepDims ? [1] : []) : [size]));
      return { dtype: x!.dtype, shape };
    },
    emit: (emitter, inputs, output, { axes, keepDims }) =>
      emitter.node(
        type,
        [...inputs, emitter.ints(axes)],
        { keepdims: keepDims ? 1 : 0, noop_with_empty_axes: 1 },
        output,
      ),
    vjp({ inputs: [x], attributes: { axes } }, gradient) {
      const reduced = axes.map(axis => (axis < 0 ? axis + x!.shape.length : axis));
      const kept = x!.shape.map((size, axis) => (reduced.includes(axis) ? 1 : size));
      const count = sizeOf(x!.shape) / sizeOf(kept);
      return [expand(derivative(x!, reshape(gradient, kept), count, axes), x!.shape)];
    },
  });
  /** Over `axes`, all unless told. */
  return (
    x: Value,
    axes: readonly number[] = [...x.shape.keys()],
    options: { keepDims?: boolean } = {},
  ): Value => (axes.length === 0 ? x : apply([x], { axes, keepDims: options.keepDims ?? false }));
}

export const reduceSum = reduction('reduceSum', 'ReduceSum', (_x, gradient) => gradient);
export const reduceMean = reduction('reduceMean', 'ReduceMean', (_x, gradient, count) =>
  div(gradient, count),
);

/** Where several elements are the greatest, each has the whole gradient: one of the subgradients. */
export const reduceMax = reduction('reduceMax', 'ReduceMax', (x, gradient, _count, axes) =>
  where(less(x, reduceMax(x, axes, { keepDims: true })), 0, gradient),
);

interface Normalisation {
  readonly epsilon: number;
}

/**
 * Ba, Kiros and Hinton's normalisation of the last axis, arXiv 1607.06450: `(x − mean) / √(variance + ε) · gain + shift`.
 * @param gain, shift `[last axis]`
 */
export const layerNorm = (() => {
  const apply = define<Normalisation>({
    name: 'layerNorm',
    infer([x, gain, shift], _, fail) {
      checkFloat([x!, gain!, shift!], fail);
      checkSameType([x!, gain!, shift!], fail);
      const last = x!.shape.slice(-1);
      if (last.length === 0 || !sameShape(gain!.shape, last) || !sameShape(shift!.shape, last))
        fail('gain and shift need the size of the last axis');
      return x!;
    },
    emit: (emitter, inputs, output, { epsilon }) =>
      emitter.node('LayerNormalization', inputs, { axis: -1, epsilon: { float: epsilon } }, output),
    vjp({ inputs: [x, gain, shift], attributes: { epsilon } }, gradient) {
      const size = gain!.shape[0]!;
      const perRow = [...x!.shape.slice(0, -1), 1];
      const mean = (x: Value) => reduceMean(x, [-1], { keepDims: true });
      const centred = sub(x!, mean(x!));
      const scale = div(1, sqrt(add(mean(mul(centred, centred)), epsilon)));
      const product = mul(gradient, centred);
      // Means of what is multiplied with the gain: a product with a column reads it once, and writes nothing in between.
      const column = reshape(div(gain!, size), [size, 1]);
      const meanOf = (x: Value) => reshape(matmul(rowsOf(x), column, 'float32'), perRow);
      const along = mul(centred, mul(mul(scale, scale), meanOf(product)));
      return [
        mul(sub(sub(mul(gradient, gain!), meanOf(gradient)), along), scale),
        reshape(matmul(reshape(scale, [1, -1]), rowsOf(product), 'float32'), [size]),
        unbroadcast(gradient, shift!.shape),
      ];
    },
  });
  return (x: Value, gain: Value, shift: Value, epsilon: number): Value =>
    apply([x, gain, shift], { epsilon });
})();

/* Shapes. */

/** The axes in the order of `permutation`; reversed unless told. */
export const transpose = (() => {
  const apply = define<{ permutation: readonly number[] }>({
    name: 'transpose',
    infer([x], { permutation }, fail) {
      if (
        !sameShape(
          permutation.toSorted((a, b) => a - b),
          [...x!.shape.keys()],
        )
      ) {
        fail(`[${permutation.join(', ')}] does not permute the axes`);
      }
      return { dtype: x!.dtype, shape: permutation.map(axis => x!.shape[axis]!) };
    },
    emit: (emitter, inputs, output, { permutation }) =>
      emitter.node('Transpose', inputs, { perm: permutation }, output),
    vjp: ({ attributes: { permutation } }, gradient) => [
      transpose(
        gradient,
        permutation.map((_, axis) => permutation.indexOf(axis)),
      ),
    ],
  });
  return (x: Value, permutation: readonly number[] = [...x.shape.keys()].reverse()): Value =>
    apply([x], { permutation });
})();

/** The same elements in another shape; one size may be −1, to be found out. */
export const reshape = (() => {
  const apply = define<{ shape: Shape }>({
    name: 'reshape',
    infer([x], { shape }, fail) {
      const size = sizeOf(x!.shape);
      const known = sizeOf(shape.filter(size => size !== -1));
      const found = shape.map(axisSize => (axisSize === -1 ? size / known : axisSize));
      if (shape.filter(size => size === -1).length > 1) fail('more than one size is left open');
      if (sizeOf(found) !== size || !found.every(Number.isInteger)) {
        fail(`${size} elements do not fit the shape [${shape.join(', ')}]`);
      }
      return { dtype: x!.dtype, shape: found };
    },
    emit: (emitter, inputs, output, _, { shape }) =>
      emitter.node('Reshape', [...inputs, emitter.ints(shape)], { allowzero: 1 }, output),
    vjp: ({ inputs: [x] }, gradient) => [reshape(gradient, x!.shape)],
  });
  const make = (x: Value, shape: Shape): Value => {
    if (sameShape(x.shape, shape)) return x;
    const { again } = x;
    const reshaped = apply([x], { shape });
    return again === undefined ? reshaped : { ...reshaped, again: trigger => make(again(trigger), shape) };
  };
  return make;
})();

/** With a new axis of size 1, which is `axis` of the result. */
export function unsqueeze(x: Value, axis: number): Value {
  const at = checkAxis(axis, x.shape.length + 1, reason => misuse('unsqueeze', [x], reason));
  return reshape(x, x.shape.toSpliced(at, 0, 1));
}

/** Without `axis`, whose size must be 1. */
export function squeeze(x: Value, axis: number): Value {
  const fail = (reason: string) => misuse('squeeze', [x], reason);
  const at = checkAxis(axis, x.shape.length, fail);
  if (x.shape[at] !== 1) fail(`axis ${axis} is not of size 1`);
  return reshape(x, x.shape.toSpliced(at, 1));
}

/** Repeated along axes of size 1 (and new axes in front) to fill `shape`. */
export const expand = (() => {
  const apply = define<{ shape: Shape }>({
    name: 'expand',
    infer([x], { shape }, fail) {
      if (!sameShape(broadcastShape([x!.shape, shape], fail), shape))
        fail(`it does not expand to [${shape.join(', ')}]`);
      return { dtype: x!.dtype, shape };
    },
    emit: (emitter, inputs, output, { shape }) =>
      emitter.node('Expand', [...inputs, emitter.ints(shape)], {}, output),
    vjp: ({ inputs: [x] }, gradient) => [unbroadcast(gradient, x!.shape)],
  });
  return (x: Value, shape: Shape): Value => (sameShape(x.shape, shape) ? x : apply([x], { shape }));
})();

/** The elements from `start` up to `end` (excluded) along an axis. */
export const slice = (() => {
  const apply = define<{ axis: number; start: number; end: number }>({
    name: 'slice',
    infer([x], { axis, start, end }, fail) {
      const at = checkAxis(axis, x!.shape.length, fail);
      if (!(start >= 0 && start < end && end <= x!.shape[at]!)) {
        fail(`[${start}, ${end}) is no part of axis ${axis}`);
      }
      return { dtype: x!.dtype, shape: x!.shape.with(at, end - start) };
    },
    emit: (emitter, inputs, output, { axis, start, end }) =>
      emitter.node(
        'Slice',
        [...inputs, emitter.ints([start]), emitter.ints([end]), emitter.ints([axis])],
        {},
        output,
      ),
    vjp({ inputs: [x], attributes: { axis, start, end } }, gradient) {
      const at = axis < 0 ? axis + x!.shape.length : axis;
      const gap = (size: number) => (size === 0 ? [] : [zeros(gradient, x!.shape.with(at, size))]);
      return [concat([...gap(start), gradient, ...gap(x!.shape[at]! - end)], at)];
    },
  });
  return (x: Value, axis: number, start: number, end: number): Value => apply([x], { axis, start, end });
})();

/** Joined along an axis. */
export const concat = (() => {
  const apply = define<{ axis: number }>({
    name: 'concat',
    infer(inputs, { axis }, fail) {
      checkSameType(inputs, fail);
      const { dtype, shape } = inputs[0]!;
      const at = checkAxis(axis, shape.length, fail);
      const rest = shape.toSpliced(at, 1);
      if (
        !inputs.every(
          input => input.shape.length === shape.length && sameShape(input.shape.toSpliced(at, 1), rest),
        )
      ) {
        fail(`the shapes differ in more than axis ${axis}`);
      }
      return {
        dtype,
        shape: shape.with(
          at,
          inputs.reduce((sum, input) => sum + input.shape[at]!, 0),
        ),
      };
    },
    emit: (emitter, inputs, output, { axis }) => emitter.node('Concat', inputs, { axis }, output),
    vjp({ inputs, attributes: { axis } }, gradient) {
      let end = 0;
      return inputs.map(input => {
        const start = end;
        end += input.shape.at(axis)!;
        return slice(gradient, axis, start, end);
      });
    },
  });
  return (inputs: readonly Value[], axis: number): Value =>
    inputs.length === 1 ? inputs[0]! : apply(inputs, { axis });
})();

/* Rows of a table. */

/** Whether the indices of one call are known to differ from each other, which makes gradients cheaper. */
interface Rows {
  readonly distinct: boolean;
}

/** The rows `indices` (`int32`, any shape) of a table: shape `[...indices, ...table without its first axis]`. */
export const gather = (() => {
  const apply = define<Rows>({
    name: 'gather',
    infer([table, indices], _, fail) {
      if (table!.shape.length === 0) fail('a scalar has no rows');
      if (indices!.dtype !== 'int32') fail('the indices must be int32');
      return { dtype: table!.dtype, shape: [...indices!.shape, ...table!.shape.slice(1)] };
    },
    emit: (emitter, inputs, output) => emitter.node('Gather', inputs, { axis: 0 }, output),
    vjp: ({ inputs: [table, indices], attributes }, gradient) => [
      scatterAdd(indices!, gradient, table!.shape[0]!, attributes),
      undefined,
    ],
  });
  return (table: Value, indices: Value, rows: Partial<Rows> = {}): Value =>
    apply([table, indices], { distinct: rows.distinct ?? false });
})();

/**
 * A table of `size` rows, each the sum of the rows of `updates` whose index (`int32`) is its own: the reverse of `gather`.
 *
 * ONNX Runtime adds in parallel in ScatterND, so that rows of the same index race; it adds in order in ScatterElements,
 * which is slower and needs an index per element. The first is used only where indices are known to be distinct.
 */
export const scatterAdd = (() => {
  const apply = define<Rows & { size: number }>({
    name: 'scatterAdd',
    infer([indices, updates], { size }, fail) {
      if (indices!.dtype !== 'int32') fail('the indices must be int32');
      checkFloat([updates!], fail);
      const { length } = indices!.shape;
      if (!sameShape(updates!.shape.slice(0, length), indices!.shape))
        fail('the updates need one row per index');
      return { dtype: updates!.dtype, shape: [size, ...updates!.shape.slice(length)] };
    },
    emit(emitter, [indices, updates, zero], output, { distinct }, { shape }) {
      const table = emitter.node('Expand', [zero!, emitter.ints(shape)]);
      if (distinct) {
        const wide = emitter.node('Cast', [indices!], { to: elementTypes.int64 });
        const column = emitter.node('Unsqueeze', [wide, emitter.ints([-1])]);
        emitter.node('ScatterND', [table, column, updates!], {}, output);
      } else {
        const row = shape.slice(1);
        const flat = emitter.node('Reshape', [updates!, emitter.ints([-1, ...row])]);
        const column = emitter.node('Reshape', [indices!, emitter.ints([-1, ...row.map(() => 1)])]);
        const each = emitter.node('Expand', [column, emitter.node('Shape', [flat])]);
        emitter.node('ScatterElements', [table, each, flat], { axis: 0, reduction: 'add' }, output);
      }
    },
    vjp: ({ inputs: [indices], attributes }, gradient) => [undefined, gather(gradient, indices!, attributes)],
  });
  return (indices: Value, updates: Value, size: number, rows: Partial<Rows> = {}): Value =>
    apply([indices, updates, updates.graph.constant(0, updates.dtype)], {
      size,
      distinct: rows.distinct ?? false,
    });
})();

/* Gradients by hand. */

/**
 * `result`, with a gradient of its own: from the loss's gradient by it, `vjp` makes those by `inputs`, and what it was
 * computed from gets none. For what has a cheaper gradient than the one that follows from its parts.
 */
export const withGradient = (() => {
  const apply = define<{ vjp: (gradient: Value) => readonly Value[] }>({
    name: 'withGradient',
    infer: ([result]) => result!,
    emit: (emitter, [result], output) => emitter.node('Identity', [result!], {}, output),
    vjp: ({ attributes: { vjp } }, gradient) => [undefined, ...vjp(gradient)],
  });
  return (result: Value, inputs: readonly Value[], vjp: (gradient: Value) => readonly Value[]): Value =>
    apply([result, ...inputs], { vjp });
})();

/**
 * `x` itself, which is there no sooner than `trigger`: what is computed from it waits. ONNX Runtime computes what a gradient
 * needs as soon as it can, which keeps it in memory from the forward pass on, and takes the same computation twice for one.
 */
export const after = (() => {
  const apply = define<void>({
    name: 'after',
    infer: ([x]) => x!,
    emit(emitter, [x, trigger], output) {
      // The shape of x, in a way that has to look at the other: nothing is copied.
      const size = emitter.node('Shape', [trigger!], { start: 0, end: 1 });
      const none = emitter.node('Sub', [size, size]);
      const shape = emitter.node('Add', [emitter.node('Shape', [x!]), none]);
      emitter.node('Reshape', [x!, shape], { allowzero: 1 }, output);
    },
    vjp: (_, gradient) => [gradient, undefined],
  });
  /** @param trigger not a scalar */
  return (x: Value, trigger: Value): Value =>
    // An element of a loop is there no sooner than the loop.
    x.shape.length === 0 || x.source.kind === 'element' ? x : apply([x, trigger]);
})();

/**
 * Rows as blocks of as many as `like` has. When it runs, they have to be whole blocks; while a graph is built, at any sizes
 * (`dynamicModel`), they need not.
 * @param x `[rows, …]` @param like its numbers do not matter @returns `[blocks, rows of a block, …]`
 */
export const inBlocks = (() => {
  const apply = define<void>({
    name: 'inBlocks',
    infer([x, like], _, fail) {
      const [rows, size] = [x!.shape[0], like!.shape[0]];
      if (rows === undefined || size === undefined) return fail('a scalar has no rows');
      return { dtype: x!.dtype, shape: [Math.ceil(rows / size), size, ...x!.shape.slice(1)] };
    },
    emit: (emitter, [x], output, _, { shape }) =>
      emitter.node('Reshape', [x!, emitter.ints([-1, ...shape.slice(1)])], { allowzero: 1 }, output),
    vjp: ({ inputs: [x, like] }, gradient) => [fromBlocks(gradient, like!, x!.shape[0]!), undefined],
  });
  return (x: Value, like: Value): Value => apply([x, like]);
})();

/** The reverse of `inBlocks`, to so many rows. */
export const fromBlocks = (() => {
  const apply = define<{ rows: number }>({
    name: 'fromBlocks',
    infer([x], { rows }, fail) {
      if (x!.shape.length < 2) fail('blocks of rows need two axes');
      return { dtype: x!.dtype, shape: [rows, ...x!.shape.slice(2)] };
    },
    emit: (emitter, [x], output, _, { shape }) =>
      emitter.node('Reshape', [x!, emitter.ints(shape)], { allowzero: 1 }, output),
    vjp: ({ inputs: [, like] }, gradient) => [inBlocks(gradient, like!), undefined],
  });
  return (x: Value, like: Value, rows: number): Value => apply([x, like], { rows });
})();

/** `Graph.mapEach` of blocks of rows, as of `inBlocks`, where each result has a row for each. */
export function mapBlocks(
  inputs: readonly Value[],
  like: Value,
  make: (blocks: readonly Value[]) => readonly Value[],
): Value[] {
  const rows = inputs[0]!.shape[0]!;
  const results = like.graph.mapEach(
    inputs.map(x => inBlocks(x, like)),
    make,
  );
  return results.map(result => fromBlocks(result, like, rows));
}

/** Zeros of a shape, in the graph and of the data type of `like`. */
export function zeros(like: Value, shape: Shape = like.shape): Value {
  return expand(like.graph.constant(0, like.dtype), shape);
}
