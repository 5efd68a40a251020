import type { Random } from '../base/random.ts';
import type { Recipe } from './recipe.ts';
import type { TrainingRow, TrainingSet } from './rows.ts';

/** One row with the documents drawn for it: positions in `TrainingSet.documents`. */
export interface Draw {
  readonly row: TrainingRow;
  readonly positive: number;
  readonly negatives: readonly number[];
}

/**
 * The batches of one epoch: rows in random order, each with one of its positives and `groupSize − 1` of its negatives,
 * with replacement only if it has fewer. From the state that `random` had before, the same epoch can be drawn again.
 */
export function drawEpoch(
  set: TrainingSet,
  recipe: Pick<Recipe, 'batchSize' | 'groupSize'>,
  random: Random,
): Draw[][] {
  const draws = random.shuffle([...set.rows]).map(
    (row): Draw => ({
      row,
      positive: random.pick(row.positives),
      negatives: drawNegatives(row.negatives, recipe.groupSize - 1, random),
    }),
  );
  return Array.from({ length: Math.ceil(draws.length / recipe.batchSize) }, (_, i) =>
    draws.slice(i * recipe.batchSize, (i + 1) * recipe.batchSize),
  );
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
