import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openTokenCounter } from '../../src/base/tokenizer.ts';
import { mine } from '../../src/mining/mine.ts';
import { readLog } from '../../src/trajectory/log.ts';
import type { Trajectory } from '../../src/trajectory/model.ts';
import { type LabelLookup, outlineOf, type TrajectoryOutline } from '../../src/trajectory/outline.ts';
import { attributedRows, type Row } from '../unit/mining/reference.ts';
import { type RawRun, rawFile, textOf } from './raw-steps.ts';

const data = join(import.meta.dirname, '../../../shared/data');
const present = existsSync(data);
if (!present) console.warn(`Skipped: there is no ${data}.`);

const paths = (present ? readdirSync(data, { recursive: true, encoding: 'utf8' }) : [])
  .filter(path => statSync(join(data, path)).isFile())
  .map(path => path.replaceAll(sep, '/'))
  .sort();

/** The outline that a run's raw steps give; trajectories are told apart by their order alone. */
function rawOutline({ question, steps }: RawRun, ordinal: number): TrajectoryOutline {
  return {
    ...{ log: 'log', trajectory: String(ordinal), queryId: null, question, outcome: 'unknown' },
    steps: steps.map(step =>
      step.kind === 'search' ? step : { ...step, reasoningTokens: wordsIn(step.reasoning) },
    ),
  };
}

function wordsIn(text: string | null): number | null {
  return text === null ? null : text.split(/\s+/).filter(word => word !== '').length;
}

/** As a judge labels: what nobody thought about is unknown; of the others every fourth is irrelevant. */
function labelsOf(outlines: readonly TrajectoryOutline[]): LabelLookup {
  const labels = new Map<string, 'relevant' | 'irrelevant'>();
  for (const { trajectory, steps } of outlines) {
    for (const step of steps) {
      if (step.kind !== 'browse' || step.reasoningTokens === null) continue;
      labels.set(`${trajectory} ${step.step} ${step.doc}`, labels.size % 4 === 3 ? 'irrelevant' : 'relevant');
    }
  }
  return ({ trajectory, step, doc }) => labels.get(`${trajectory} ${step} ${doc}`) ?? 'unknown';
}

describe.skipIf(!present)('every file of the real data', () => {
  let total = 0;

  it.each(paths)('%s', async path => {
    const bytes = readFileSync(join(data, path));
    const file = rawFile(path);
    const records = [...readLog(join(data, path))];
    if (file.kind === 'no log') {
      expect(records).toMatchObject([{ kind: 'unrecognised' }]);
      return;
    }
    const trajectories = records.map((record): Trajectory => {
      if (record.kind !== 'trajectory') throw new Error(record.reason);
      return record.trajectory;
    });
    const counter = await openTokenCounter('words');
    const outlines = trajectories.map((trajectory, i) => ({
      ...outlineOf('log', trajectory, counter),
      trajectory: String(i),
    }));

    if (file.kind === 'barren') {
      expect(trajectories).toHaveLength(file.runs(bytes));
      expect(file.lacks.exec(textOf(path, bytes))?.[0]).toBeUndefined();
      const mined = await mine(outlines, () => 'relevant', { mode: 'attributed', outcome: 'all' });
      expect(mined.pairs).toEqual([]);
      return;
    }
    const raw = file.runs(textOf(path, bytes)).map(rawOutline);
    const searchesAndBrowses = (all: readonly TrajectoryOutline[]) =>
      all.map(({ steps }) =>
        steps.flatMap(step =>
          step.kind === 'search'
            ? { query: step.query, part: step.part, at: step.step, documents: step.documents }
            : step.kind === 'browse'
              ? { doc: step.doc, part: step.part, at: step.step, words: step.reasoningTokens }
              : [],
        ),
      );
    expect(searchesAndBrowses(outlines)).toEqual(searchesAndBrowses(raw));

    const labelOf = labelsOf(raw);
    const sameQuestion = (a: TrajectoryOutline, b: TrajectoryOutline) => a.question === b.question;
    const rows = raw.flatMap(outline =>
      attributedRows(outline, raw, labelOf, sameQuestion, (a, b) => a === b),
    );
    const mined = await mine(outlines, labelOf, { mode: 'attributed', outcome: 'all' });
    const shown = ({
      searchStep,
      searchPart,
      browseStep,
      query,
      positive,
      negatives,
      reasoningTokens,
    }: Row) => ({
      ...{ searchStep, searchPart, browseStep, query, positive, negatives, reasoningTokens },
    });
    expect(mined.pairs.map(pair => shown(pair))).toEqual(rows.map(shown));
    total += rows.length;
  });

  it('gives pairs at all', () => {
    expect(total).toBeGreaterThan(20);
  });
});
