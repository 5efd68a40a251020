import * as z from 'zod';

export const schedules = ['linear', 'cosine'] as const;
export const normalisations = ['rows', 'weights'] as const;

/** More leaves too little of a hidden state to learn from. */
export const greatestDropout = 0.9;

/** The settings of a training. The numbers are of section 5.4 and the appendix of the paper unless said otherwise. */
export const recipeSchema = z.strictObject({
  epochs: z.int().positive(),
  /** Rows per batch, `N`: each sees the documents of all as negatives. */
  batchSize: z.int().positive(),
  /** Batches per step, whose losses are averaged (gradient accumulation). */
  accumulation: z.int().positive().default(1),
  /** Whether rows of one trajectory stand in one batch, as far as they fit: they share documents. */
  together: z.boolean().default(false),
  learningRate: z.number().positive(),
  /** Share of all steps in which the learning rate rises. */
  warmupRatio: z.number().min(0).max(1),
  /** How the learning rate falls to zero after that. */
  decay: z.enum(schedules),
  /** `τ`. */
  temperature: z.number().positive(),
  /** Documents per row: 1 positive and this many less 1 negatives, drawn anew each epoch. */
  groupSize: z.int().positive(),
  /** Texts are cut after so many tokens; null leaves them whole. */
  maxTokens: z.int().positive().nullable(),
  weightDecay: z.number().min(0),
  /** Gradients of a greater norm are scaled down to it; null leaves them as they are. */
  maxGradientNorm: z.number().positive().nullable(),
  /**
   * Part of the hidden states and of the shares of attention that a step sets to zero (transformers), in steps of 1/256: what
   * is above 0 and less counts as 1/256.
   */
  dropout: z.number().min(0).max(greatestDropout).default(0),
  /** Multiplies matrices in half precision on a GPU that can (mixed precision); sums and state stay in 32 bits. */
  fp16: z.boolean().default(false),
  /** So many of the lowest layers, and the embeddings below them, stay as they are. */
  frozenLayers: z.int().nonnegative().default(0),
  /** Trains additions of low rank to the matrices of the layers that are not frozen, and nothing else (arXiv 2106.09685). */
  lora: z.strictObject({ rank: z.int().positive(), alpha: z.number().positive() }).nullable().default(null),
  /**
   * Steps between measurements on held-out questions, of which the best state is kept; null measures after each epoch, and
   * keeps the last state unless there is a `patience`.
   */
  evaluateSteps: z.int().positive().nullable().default(null),
  /**
   * Ends the training after so many measurements in a row that were not better than the best before them, and keeps that
   * best state; null trains to the end.
   */
  patience: z.int().positive().nullable().default(null),
  /** Whether the weights of the rows count; if not, all are 1. */
  weighted: z.boolean(),
  /** `rows`: Σ wᵢ·CEᵢ / N, as published. `weights`: Σ wᵢ·CEᵢ / Σ wᵢ. */
  normalisation: z.enum(normalisations),
  seed: z.int(),
});

export type Recipe = z.infer<typeof recipeSchema>;

/** As published for transformers (0.6 billion parameters and more), except for the numbers: there they are bf16. */
export const publishedRecipe: Recipe = {
  epochs: 2,
  batchSize: 32,
  accumulation: 1,
  together: false,
  learningRate: 1e-6,
  warmupRatio: 0.1,
  decay: 'linear',
  temperature: 0.02,
  groupSize: 10,
  maxTokens: 512,
  weightDecay: 0,
  maxGradientNorm: 1,
  dropout: 0,
  fp16: false,
  frozenLayers: 0,
  lora: null,
  evaluateSteps: null,
  patience: null,
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

/**
 * Peak learning rate of low-rank additions. They begin at zero: with the small steps that a trained model takes without harm they
 * would stay there. 1e-4 to 2e-4 is customary (arXiv 2106.09685 and the examples of PEFT).
 */
export const loraLearningRate = 1e-4;

/**
 * The settings that a family of models (`TrainableEncoder.family`) trains with unless told otherwise.
 * @param hasLora whether only additions of low rank are trained
 */
export function recipeFor(family: string, hasLora = false): Recipe {
  const recipe = family === 'static' ? staticRecipe : publishedRecipe;
  return hasLora ? { ...recipe, learningRate: loraLearningRate } : recipe;
}
