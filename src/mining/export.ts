import type { PairRow } from './pair.ts';

/**
 * The layouts that pairs are exported in, each a JSON object a line, as `datasets.load_dataset('json', …)` reads them.
 *
 * - `lrat`: the rows of `lrat mine --out`, the weight in `reweight_rate`.
 * - `sentence-transformers`: `anchor`, `positive`, `negative_1` … `negative_n`, `label`. Its collator (v3 on,
 *   `SentenceTransformerDataCollator`) takes every column but `label` or `score` for a text, in their order, so that a
 *   weight under any other name would be read as a document. Its ranking losses ignore labels: weights reach the loss
 *   only if the loss reads them from `labels`.
 * - `flagembedding`: `query`, `pos`, `neg`, with `pos_id`, `neg_id` and `reweight_rate` beside (`AbsEmbedderTrainDataset`
 *   reads the first three by name; `pos_scores` are a teacher's scores, no weights). The trainer of the released code reads
 *   `reweight_rate`, the stock one ignores it.
 * - `tevatron`: `query_id`, `query`, `positive_passages` and `negative_passages` of `docid` and `text`, without titles,
 *   which belong to the text already (`TrainDataset`, the self-contained format). `reweight_rate` beside is ignored.
 */
export const layouts = ['lrat', 'sentence-transformers', 'flagembedding', 'tevatron'] as const;

export type Layout = (typeof layouts)[number];

/** Where the weight of a row stands in a layout, and who reads it there. */
export const weightPlaces: Readonly<Record<Layout, string>> = {
  lrat: '`reweight_rate`, which `lrat train` reads',
  'sentence-transformers': '`label`, which its ranking losses ignore: read it in a loss of your own',
  flagembedding: '`reweight_rate`, which LRAT’s trainers read and the stock trainer ignores',
  tevatron: '`reweight_rate`, which its trainer ignores',
};

/** Why a row has no line: only `lrat` can say that a row is irrelevant, or mix rows with and without negatives. */
export type LeftOut = 'irrelevant' | 'withoutNegatives';

/**
 * The lines of a row in a layout, or why it has none.
 *
 * @param number 1-based number of the row in its file, which names the query for Tevatron: a question has many
 * @param negatives negatives of every line in the layout of sentence-transformers, where all rows have the same columns;
 *   0 says that no row has any, and lets rows without pass in every layout
 */
export function exportRow(
  row: PairRow,
  { layout, number, negatives }: { layout: Layout; number: number; negatives: number },
): readonly object[] | LeftOut {
  if (layout === 'lrat') return [row];
  if (!row.satisfied) return 'irrelevant';
  // The trainers draw negatives with replacement where there are too few, and fail where there are none.
  if (row.neg.length === 0 && negatives > 0) return 'withoutNegatives';
  const { query, pos, neg, pos_id, neg_id, reweight_rate } = row;
  switch (layout) {
    case 'flagembedding':
      return [{ query, pos, neg, pos_id, neg_id, reweight_rate }];
    case 'tevatron': {
      const passages = (texts: readonly string[], ids: readonly string[]) =>
        texts.map((text, i) => ({ docid: ids[i]!, text }));
      return [
        {
          query_id: String(number),
          query,
          positive_passages: passages(pos, pos_id),
          negative_passages: passages(neg, neg_id),
          reweight_rate,
        },
      ];
    }
    case 'sentence-transformers':
      // A line has one positive: a row of several is a line each, and its weight is shared among them.
      return pos.map(positive => ({
        anchor: query,
        positive,
        ...Object.fromEntries(
          Array.from({ length: negatives }, (_, i) => [`negative_${i + 1}`, neg[i % neg.length]!]),
        ),
        label: reweight_rate / pos.length,
      }));
  }
}
