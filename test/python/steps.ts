import type { Random } from '../../src/base/random.ts';
import { writeSafetensors } from '../../src/encoder/safetensors.ts';
import type { TrainableEncoder } from '../../src/encoder/trainable.ts';
import { drawEpoch } from '../../src/training/batches.ts';
import { initialMoments } from '../../src/training/learner.ts';
import type { Recipe } from '../../src/training/recipe.ts';
import type { TrainingSet } from '../../src/training/rows.ts';
import { Stepper } from '../../src/training/step.ts';

/**
 * Takes ten steps, each on the first batch of an epoch, and tells what each was on and led to. Parameters and first moments
 * after the steps 1 and 10 are written to `<out>-1.safetensors` and `<out>-10.safetensors`.
 */
export async function tenSteps(
  model: TrainableEncoder,
  set: TrainingSet,
  recipe: Recipe,
  random: Random,
  out: string,
  options: { tokensPerPass?: number } = {},
): Promise<object> {
  const moments = initialMoments(model);
  const stepper = new Stepper(model, moments, set, recipe, { device: 'cpu', threads: 1, ...options });
  const steps = [];
  for (let step = 1; step <= 10; step++) {
    const [draws] = drawEpoch(set, recipe, random);
    const learningRate = recipe.learningRate / step;
    const { loss, gradientNorm } = await stepper.step(draws!, step, learningRate);
    steps.push({
      learningRate,
      loss,
      gradientNorm,
      rows: draws!.flat().map(({ row, positive, negatives }) => ({
        query: row.query,
        weight: row.weight,
        known: [...row.known],
        positive,
        negatives,
      })),
    });
    if (step !== 1 && step !== 10) continue;
    const tensors = [...model.parameters].flatMap(([name, { shape, data }]) => [
      [name, { shape, data }] as const,
      [`${name}.moment1`, { shape, data: moments.get(`${name}.moment1`)! }] as const,
    ]);
    writeSafetensors(`${out}-${step}.safetensors`, new Map(tensors));
  }
  await stepper.dispose();
  const { temperature, weightDecay, maxGradientNorm } = recipe;
  return {
    documents: set.documents.map(({ text }) => text),
    ...{ temperature, weightDecay, maxGradientNorm },
    steps,
  };
}
