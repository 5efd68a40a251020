import type { Random } from '../base/random.ts';
import type { Recipe } from './recipe.ts';
import type { TrainingRow, TrainingSet } from './rows.ts';

/** One row with the documents drawn for it: positions in `TrainingSet.documents`. */
export interface Draw {
  readonly row: TrainingRow;
  readonly positive: number;
  readonly negatives: readonly number[];
}

/** The rows of a step: batches whose losses are averaged, each with its own in-batch negatives. */
export type StepDraws = readonly (readonly Draw[])[];

/**
 * The steps of one epoch: rows in random order, each with one of its positives and `groupSize − 1` of its negatives, with
 * replacement only if it has fewer. Rows of one trajectory stand together if the recipe wants it. From the state that
 * `random` had before, the same epoch can be drawn again.
 */
export function drawEpoch(
  set: TrainingSet,
  recipe: Pick<Recipe, 'batchSize' | 'groupSize' | 'accumulation' | 'together'>,
  random: Random,
): StepDraws[] {
  const order = recipe.together
    ? random.shuffle([...Map.groupBy(set.rows, ({ trajectory }) => trajectory).values()]).flat()
    : random.shuffle([...set.rows]);
  const draws = order.map(
    (row): Draw => ({
      row,
      positive: random.pick(row.positives),
      negatives: drawNegatives(row.negatives, recipe.groupSize - 1, random),
    }),
  );
  return pieces(pieces(draws, recipe.batchSize), recipe.accumulation);
}

/** Steps of an epoch. */
export function stepsPerEpoch(
  rows: number,
  { batchSize, accumulation }: Pick<Recipe, 'batchSize' | 'accumulation'>,
) {
  return Math.ceil(Math.ceil(rows / batchSize) / accumulation);
}

function pieces<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}

function drawNegatives(negatives: readonly number[], count: number, random: Random): number[] {
  if (negatives.length === 0) return [];
  if (negatives.length < count) return Array.from({ length: count }, () => random.pick(negatives));
  const rest = [...negatives];
  return Array.from({ length: count }, (_, i) => {
    const j = i + random.below(rest.length - i);
    [rest[i], rest[j]] = [rest[j]!, rest[i]!];
    return rest[i]!;
  });
}

/** The documents of a batch, each once, and how often it stands there. */
export function batchDocuments(draws: readonly Draw[]): { documents: number[]; counts: number[] } {
  const counts = new Map<number, number>();
  for (const { positive, negatives } of draws) {
    for (const document of [positive, ...negatives]) counts.set(document, (counts.get(document) ?? 0) + 1);
  }
  return { documents: [...counts.keys()], counts: [...counts.values()] };
}
