// A training in a process of its own, for tests that kill it: node run-process.ts WORKSPACE [RUN]
import { unwatched } from '../../../src/base/progress.ts';
import { staticRecipe } from '../../../src/training/recipe.ts';
import { resume, train } from '../../../src/training/trainer.ts';

const [workspace, run] = process.argv.slice(2);
const job = {
  ...unwatched,
  report: ({ done }: { done: number }) => process.stdout.write(`${done}\n`),
};
const options = { threads: 1, checkpointSeconds: 0 };
if (run === undefined) {
  const recipe = { ...staticRecipe, epochs: 4, batchSize: 8, groupSize: 3, weightDecay: 0.01, seed: 11 };
  await train(
    {
      workspace: workspace!,
      pairs: `${workspace}/pairs.jsonl`,
      base: { documents: null, dimension: 32 },
      out: `${workspace}/model`,
      recipe,
    },
    job,
    options,
  );
} else await resume(run, job, options);
