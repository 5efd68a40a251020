import * as z from 'zod';

/** The settings of a training. The numbers are of section 5.4 and the appendix of the paper unless said otherwise. */
export const recipeSchema = z.strictObject({
  epochs: z.int().positive(),
  /** Rows per step, `N`. */
  batchSize: z.int().positive(),
  learningRate: z.number().positive(),
  /** Share of all steps in which the learning rate rises. */
  warmupRatio: z.number().min(0).max(1),
  /** How the learning rate falls to zero after that. */
  decay: z.enum(['linear', 'cosine']),
  /** `τ`. */
  temperature: z.number().positive(),
  /** Documents per row: 1 positive and this many less 1 negatives, drawn anew each epoch. */
  groupSize: z.int().positive(),
  /** Texts are cut after so many tokens; null leaves them whole. */
  maxTokens: z.int().positive().nullable(),
  weightDecay: z.number().min(0),
  /** Gradients of a greater norm are scaled down to it; null leaves them as they are. */
  maxGradientNorm: z.number().positive().nullable(),
  /** Whether the weights of the rows count; if not, all are 1. */
  weighted: z.boolean(),
  /** `rows`: Σ wᵢ·CEᵢ / N, as published. `weights`: Σ wᵢ·CEᵢ / Σ wᵢ. */
  normalisation: z.enum(['rows', 'weights']),
  seed: z.int(),
});

export type Recipe = z.infer<typeof recipeSchema>;

/** As published for transformers (0.6 billion parameters and more); bf16 apart, which is the device's matter. */
export const publishedRecipe: Recipe = {
  epochs: 2,
  batchSize: 32,
  learningRate: 1e-6,
  warmupRatio: 0.1,
  decay: 'linear',
  temperature: 0.02,
  groupSize: 10,
  maxTokens: 512,
  weightDecay: 0,
  maxGradientNorm: 1,
  weighted: true,
  normalisation: 'rows',
  seed: 0,
};

/** For static encoders, whose embeddings begin at random and are no network: they learn with far greater steps. */
export const staticRecipe: Recipe = {
  ...publishedRecipe,
  epochs: 10,
  batchSize: 128,
  learningRate: 5e-3,
  temperature: 0.05,
  groupSize: 5,
};

/** The settings that a family of models (`TrainableEncoder.family`) trains with unless told otherwise. */
export function recipeFor(family: string): Recipe {
  return family === 'static' ? staticRecipe : publishedRecipe;
}
