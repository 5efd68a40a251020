import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { measure } from '../../src/evaluation/metrics.ts';
import { readQrels, readQueries } from '../../src/evaluation/trec.ts';

const data = join(import.meta.dirname, '../../../shared/data/lrat');
const present = existsSync(data);
if (!present) console.warn(`Skipped: the benchmark's judgements are not at ${data}.`);

describe.skipIf(!present)('the questions of InfoSeek-Eval', () => {
  it('are 300, numbered from 0, without the answers beside them', () => {
    const path = join(data, 'InfoSeek-Eval.tsv');
    const questions = readQueries(path);
    expect(questions.map(({ id }) => id)).toEqual(
      Array.from({ length: 300 }, (_, i) => `InfoSeek-Eval_${i}`),
    );
    const answers = readFileSync(path, 'utf8').trimEnd().split('\n');
    for (const [i, { id, text }] of questions.entries()) {
      expect(answers[i]!.startsWith(`${id}\t`)).toBe(true);
      expect(text).not.toContain('\t');
      expect(answers[i]).toContain(text);
    }
  });
});

describe.skipIf(!present)('the judgements of BrowseComp-Plus', () => {
  const evidence = present ? readQrels(join(data, 'qrel_evidence.txt')) : new Map();
  const golds = present ? readQrels(join(data, 'qrel_golds.txt')) : new Map();
  const judgements = (qrels: typeof evidence) => [...qrels.values()].reduce((sum, { size }) => sum + size, 0);

  it('are 5,064 of evidence and 2,407 of golds, for the same 830 questions', () => {
    expect([judgements(evidence), judgements(golds)]).toEqual([5064, 2407]);
    expect([evidence.size, golds.size]).toEqual([830, 830]);
    expect(new Set(golds.keys())).toEqual(new Set(evidence.keys()));
  });

  it('are those of the files, line by line', () => {
    const lines = readFileSync(join(data, 'qrel_golds.txt'), 'utf8').trimEnd().split('\n');
    const read = [...golds].flatMap(([query, gains]) =>
      [...gains].map(([document, gain]) => `${query} Q0 ${document} ${gain}`),
    );
    expect(read.toSorted()).toEqual(lines.toSorted());
  });

  it('score a ranking of the evidence itself, best first, as perfect up to the cut-off', () => {
    for (const gains of evidence.values()) {
      const scores = measure([...gains.keys()], gains, [5]);
      expect(scores).toEqual({ 'recall@5': Math.min(1, 5 / gains.size), 'MRR@5': 1, 'nDCG@5': 1 });
    }
  });
});
