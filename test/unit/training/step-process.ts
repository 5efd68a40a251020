// Takes one step on texts enough for a gigabyte in one pass, and prints its loss after what was said of memory:
// node step-process.ts MODEL TEXTS
import { Random } from '../../../src/base/random.ts';
import { openForTraining } from '../../../src/encoder/open.ts';
import { initialMoments } from '../../../src/training/learner.ts';
import { publishedRecipe } from '../../../src/training/recipe.ts';
import { Stepper } from '../../../src/training/step.ts';

const [folder, count] = process.argv.slice(2) as [string, string];
const random = Random.seeded(6);
const words = 'the red fox jumps over lazy dogs and sees who did it where when why how many'.split(' ');
const documents = Array.from({ length: Number(count) }, (_, i) => ({
  id: `d${i}`,
  text: Array.from({ length: 14 }, () => random.pick(words)).join(' '),
}));
const rows = 8;
const draws = Array.from({ length: rows }, (_, i) => {
  const negatives = [...documents.keys()].filter(d => d % rows === i && d !== i);
  const row = { query: words[i]!, positives: [i], negatives, weight: 1, trajectory: '', known: new Set([i]) };
  return { row, positive: i, negatives };
});
const recipe = { ...publishedRecipe, maxTokens: 16 };
const model = await openForTraining(folder, recipe);
const set = { documents, rows: [], dropped: {}, hash: '', provenance: { logs: 0, modes: [], questions: 0 } };
const stepper = new Stepper(model, initialMoments(model), set, recipe, {
  device: 'cpu',
  threads: 1,
  tokensPerPass: 1_000_000,
  onRetry: message => console.log(message),
});
const { loss } = await stepper.step([draws], 1, 1e-3);
console.log(String(loss));
