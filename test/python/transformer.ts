// Encodes with a transformer that Python made, and trains it for ten steps: node transformer.ts MODEL PLAIN PREPARED OUT
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../src/base/random.ts';
import { openForTraining } from '../../src/encoder/open.ts';
import { type FloatTensor, writeSafetensors } from '../../src/encoder/safetensors.ts';
import type { TrainableEncoder } from '../../src/encoder/trainable.ts';
import { gradients } from '../../src/engine/gradient.ts';
import { Graph } from '../../src/engine/graph.ts';
import { mul, reduceSum } from '../../src/engine/operators.ts';
import { tensor } from '../../src/engine/tensor.ts';
import { publishedRecipe } from '../../src/training/recipe.ts';
import { readTrainingSet } from '../../src/training/rows.ts';
import { compile } from '../unit/engine/compile.ts';
import { putIds, putVectors } from './encodings.ts';
import { tenSteps } from './steps.ts';

const [model, plain, prepared, out] = process.argv.slice(2) as [string, string, string, string];
const put = (name: string, value: unknown) => writeFileSync(join(out, name), JSON.stringify(value));
const { texts }: { texts: string[] } = JSON.parse(readFileSync(join(prepared, 'texts.json'), 'utf8'));

putIds(model, out);
await putVectors(join(out, 'vectors.json'), model, texts);

const options = { maxTokens: null, frozenLayers: 0, lora: null, dropout: 0, seed: 0 };
const fromPlain = await openForTraining(plain, options);
for (const { data } of fromPlain.parameters.values()) for (const i of data.keys()) data[i]! *= 1.01;
const savedFromPlain = join(out, 'saved-from-plain');
fromPlain.save(savedFromPlain, { lineage: {} });
await putVectors(join(out, 'vectors-from-plain.json'), savedFromPlain, texts);

const trainable = await openForTraining(model, { ...options, maxTokens: 32 });
await putBesidePadding('padding.safetensors', trainable);
const set = await readTrainingSet(join(prepared, 'pairs.jsonl'));
const recipe = { ...publishedRecipe, batchSize: 6, groupSize: 3, learningRate: 1e-3, weightDecay: 0.1 };
const steps = await tenSteps(
  trainable,
  set,
  { ...recipe, temperature: 0.1, maxGradientNorm: 0.5 },
  Random.seeded(5),
  join(out, 'step'),
);
put('steps.json', steps);
trainable.save(join(out, 'saved'), { lineage: {} });

/** The vectors of three texts beside a row that is padding altogether, a direction for each, and the gradients of their products. */
async function putBesidePadding(name: string, model: TrainableEncoder): Promise<void> {
  const some = texts.slice(0, 3).map(text => ({ kind: 'document' as const, text }));
  const { passes, rows } = model.plan(some, Number.POSITIVE_INFINITY, 0, { buckets: 8, blocks: false });
  const [{ key, inputs, members }] = passes as [(typeof passes)[0]];
  const [height, length] = [some.length + 1, inputs.ids0!.shape[1]!];
  const directions = Float32Array.from({ length: height * model.dimension }, (_, i) => Math.cos(i));

  // As a training step on the CPU: attention text by text, and other layers in blocks, here of one text.
  const graph = new Graph('beside padding', { textByText: true });
  const feeds = {
    directions: tensor('float32', [height, model.dimension], directions),
    block: tensor('bool', [length], new Uint8Array(length)),
  };
  for (const [input, { dtype, data }] of Object.entries(inputs)) {
    const padding = Array<number>(length).fill(0);
    Object.assign(feeds, { [input]: tensor(dtype, [height, length], [...data, ...padding]) });
  }
  const parameters = [...model.parameters].map(([parameter, { shape, data }]) => {
    const picked = rows.get(parameter);
    const [, width] = shape as [number, number];
    const own =
      picked === undefined
        ? data
        : [...picked].flatMap(row => [...data.subarray(row * width, (row + 1) * width)]);
    const ownShape = picked === undefined ? shape : [picked.length, width];
    Object.assign(feeds, { [parameter]: tensor('float32', ownShape, own) });
    return [parameter, graph.input(parameter, 'float32', ownShape)] as const;
  });
  const declared = new Map(parameters);
  const vectors = model.forward(graph, parameter => declared.get(parameter)!, key, {
    texts0: height,
    length0: length,
    block: length,
  });
  const loss = reduceSum(mul(vectors, graph.input('directions', 'float32', vectors.shape)));
  const byParameter = gradients(loss, [...declared.values()]);
  const outputs = Object.fromEntries(
    [...declared.keys()].map((parameter, i) => [`gradient ${parameter}`, byParameter[i]!]),
  );
  const program = await compile(graph, { vectors, ...outputs }, { device: 'cpu', threads: 1 });
  const results: Readonly<Record<string, { floats(): Promise<Float32Array> }>> = await program.run(feeds);

  const found = new Map<string, FloatTensor>([
    ['vectors', { shape: [height, model.dimension], data: await results.vectors!.floats() }],
    ['directions', { shape: [height, model.dimension], data: directions }],
    ['texts', { shape: [members.length], data: Float32Array.from(members) }],
  ]);
  for (const [parameter, { shape }] of model.parameters) {
    const data = await results[`gradient ${parameter}`]!.floats();
    const picked = rows.get(parameter);
    const whole = new Float32Array(shape.reduce((product, size) => product * size, 1));
    if (picked === undefined) whole.set(data);
    else
      for (const [i, row] of picked.entries())
        whole.set(data.subarray(i * shape[1]!, (i + 1) * shape[1]!), row * shape[1]!);
    found.set(parameter, { shape, data: whole });
  }
  writeSafetensors(join(out, name), found);
  await program.dispose();
}
