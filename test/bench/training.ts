import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { corpusOf, defaultWorld, generateWorld } from '../../src/agent/world.ts';
import { unwatched } from '../../src/base/progress.ts';
import { Random } from '../../src/base/random.ts';
import { staticRecipe } from '../../src/training/recipe.ts';
import { train } from '../../src/training/trainer.ts';

/**
 * Rows per second of a static encoder's training: `node test/bench/training.ts [threads]`.
 * 4,500 pairs over the pages of the simulated world, 256 dimensions, the default recipe; median of five trainings of two
 * epochs. `steps` counts the optimiser's steps alone, `whole` also reading, building the vocabulary and saving.
 */
const threads = Number(process.argv[2] ?? availableParallelism());
const recipe = { ...staticRecipe, epochs: 2 };
const random = Random.seeded(1);
const pages = corpusOf(generateWorld({ ...defaultWorld, seed: 1 }, Random.seeded(1)));
const rows = Array.from({ length: 4_500 }, () => {
  const [positive, ...negatives] = Array.from({ length: 10 }, () => random.pick(pages));
  return {
    query: positive!.text.split(/\s+/).slice(0, 6).join(' '),
    pos: [positive!.text],
    pos_id: [positive!.id],
    neg: negatives.map(page => page.text),
    neg_id: negatives.map(page => page.id),
    reweight_rate: 0.5 + random.uniform(),
  };
});

const workspace = mkdtempSync(join(tmpdir(), 'lrat-bench-'));
try {
  const pairs = join(workspace, 'pairs.jsonl');
  writeFileSync(pairs, rows.map(row => JSON.stringify(row)).join('\n'));
  const options = { workspace, pairs, base: { documents: null }, out: join(workspace, 'model'), recipe };
  const measured: { rowsPerSecond: number; tokensPerSecond: number; whole: number }[] = [];
  for (let i = 0; i < 5; i++) {
    const began = performance.now();
    const { rowsPerSecond, tokensPerSecond } = await train(options, unwatched, { threads });
    const whole = (recipe.epochs * rows.length) / ((performance.now() - began) / 1000);
    measured.push({ rowsPerSecond, tokensPerSecond, whole });
  }
  const median = (of: (m: (typeof measured)[number]) => number) =>
    Math.round(measured.map(of).sort((a, b) => a - b)[2]!).toLocaleString('en');
  console.log(
    `node test/bench/training.ts ${threads}   (${cpus()[0]?.model}, Node ${process.versions.node})`,
  );
  console.log(`steps: ${median(m => m.rowsPerSecond)} rows/s, ${median(m => m.tokensPerSecond)} tokens/s`);
  console.log(`whole: ${median(m => m.whole)} rows/s`);
} finally {
  rmSync(workspace, { recursive: true, force: true });
}
