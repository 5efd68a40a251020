import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { LratError } from '../base/errors.ts';
import { fingerprint, normaliseText } from '../base/text.ts';
import { readPairs } from '../mining/pair-file.ts';

/** A pair as training sees it; documents are positions in `TrainingSet.documents`. */
export interface TrainingRow {
  readonly query: string;
  readonly positives: readonly number[];
  /** None of them is in `known`. */
  readonly negatives: readonly number[];
  readonly weight: number;
  /** The trajectory it was mined from, or its question where that is not known. */
  readonly trajectory: string;
  /** Documents that must not count as negatives: the known positives of its query and question, and their copies. */
  readonly known: ReadonlySet<number>;
}

export interface TrainingSet {
  /** Each with its own id and text; several may share one of the two. */
  readonly documents: readonly { readonly id: string; readonly text: string }[];
  readonly rows: readonly TrainingRow[];
  /** Rows and negatives that were left out, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
  /** SHA-256 of the file, in hexadecimal digits. */
  readonly hash: string;
  /** For model cards. */
  readonly provenance: {
    readonly logs: number;
    readonly modes: readonly string[];
    readonly questions: number;
  };
}

/**
 * Reads a pair file (JSON Lines). Rows that the judge found irrelevant (`satisfied: false`) have no positive and are left
 * out. Negatives that are known positives are removed.
 *
 * @throws LratError naming file and line if the file cannot be read, a line is malformed, or no row is left.
 */
export async function readTrainingSet(path: string): Promise<TrainingSet> {
  const documents: { id: string; text: string }[] = [];
  const positions = new Map<string, number>();
  const intern = (id: string, text: string): number => {
    const key = `${id}\0${text}`;
    let position = positions.get(key);
    if (position === undefined) {
      position = documents.push({ id, text }) - 1;
      positions.set(key, position);
    }
    return position;
  };
  const dropped: Record<string, number> = {};
  const drop = (reason: string, count = 1) => {
    if (count > 0) dropped[reason] = (dropped[reason] ?? 0) + count;
  };
  const lines: {
    query: string;
    question: string | null;
    weight: number;
    trajectory: string;
    positives: number[];
    negatives: number[];
  }[] = [];
  const logs = new Set<string>();
  const modes = new Set<string>();
  const questions = new Set<string>();

  for (const row of readPairs(path)) {
    if (!row.satisfied) {
      drop('judged irrelevant');
      continue;
    }
    lines.push({
      query: row.query,
      question: row.question,
      weight: row.reweight_rate,
      trajectory: row.trajectory === null ? (row.question ?? row.query) : `${row.log}\0${row.trajectory}`,
      positives: row.pos.map((text, i) => intern(row.pos_id[i]!, text)),
      negatives: row.neg.map((text, i) => intern(row.neg_id[i]!, text)),
    });
    if (row.log !== null) logs.add(row.log);
    if (row.mode !== null) modes.add(row.mode);
    if (row.question !== null) questions.add(row.question);
  }
  if (lines.length === 0) {
    throw new LratError('has no row to train on.', {
      place: path,
      remedy: 'Mine pairs from logs with browses that are judged relevant.',
    });
  }

  // A document of the same id or the same text as a known positive is that positive.
  const copies = copiesOf(documents);
  const byQuery = new Map<string, Set<number>>();
  const byQuestion = new Map<string, Set<number>>();
  const addTo = (sets: Map<string, Set<number>>, key: string, positives: readonly number[]) => {
    const set = sets.get(key) ?? new Set();
    sets.set(key, set);
    for (const positive of positives) for (const copy of copies(positive)) set.add(copy);
  };
  for (const { query, question, positives } of lines) {
    addTo(byQuery, normaliseText(query), positives);
    if (question !== null) addTo(byQuestion, normaliseText(question), positives);
  }
  const rows = lines.map(({ query, question, weight, trajectory, positives, negatives }): TrainingRow => {
    const ofQuery = byQuery.get(normaliseText(query))!;
    const known =
      question === null ? ofQuery : new Set([...ofQuery, ...byQuestion.get(normaliseText(question))!]);
    const kept = negatives.filter(negative => !known.has(negative));
    drop('negatives that are known positives', negatives.length - kept.length);
    return { query, positives, negatives: kept, weight, trajectory, known };
  });
  const provenance = { logs: logs.size, modes: [...modes].sort(), questions: questions.size };
  return { documents, rows, dropped, hash: await hashOf(path), provenance };
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}

/** For each document, all that have its id or its normalised text, itself included. */
function copiesOf(documents: TrainingSet['documents']): (document: number) => Iterable<number> {
  const byId = Map.groupBy(documents.keys(), i => documents[i]!.id);
  const texts = documents.map(({ text }) => fingerprint(normaliseText(text)));
  const byText = Map.groupBy(documents.keys(), i => texts[i]!);
  return document => [...byId.get(documents[document]!.id)!, ...byText.get(texts[document]!)!];
}
