import { type Agreement, agreement } from '../judge/agreement.ts';
import type { BrowseKey, Label, TrajectoryOutline } from '../trajectory/outline.ts';
import type { GivenLabel, LabelSource, ResolvedLabels } from '../workspace/labels.ts';

/**
 * What waits for a person: `waiting`, browses that nobody and nothing has labelled; `lowConfidence`, labels of a judge
 * below a confidence; `disagreement`, people against each other or against a judge.
 */
export const queueNames = ['waiting', 'lowConfidence', 'disagreement'] as const;
export type QueueName = (typeof queueNames)[number];

export const queueOrders = ['place', 'confidence', 'reasoning'] as const;
/** By place in the logs, the least confident first, or the longest post-browse reasoning first. */
export type QueueOrder = (typeof queueOrders)[number];

/** A browse in a queue. */
export interface QueuedBrowse {
  readonly key: BrowseKey;
  readonly question: string | null;
  /** Tokens of the post-browse reasoning; null if unknown. */
  readonly reasoningTokens: number | null;
  /** The labels in force, the one that counts last. */
  readonly given: readonly GivenLabel[];
}

/** A judge's agreement with people, where both have labelled. */
export interface JudgeAgreement extends Agreement {
  readonly judge: LabelSource;
}

/** The queues of a workspace's labels as they stand, and how its judges agree with its people. */
export class LabelQueues {
  readonly labelled: number;
  readonly browses: number;
  readonly agreements: readonly JudgeAgreement[];
  readonly #all: readonly QueuedBrowse[];
  readonly #queues: Readonly<Record<QueueName, QueuedBrowse[]>>;
  readonly #sorted = new Map<string, readonly QueuedBrowse[]>();

  /** @param low a judge's label is of low confidence below this, from 0 to 1 */
  constructor(outlines: Iterable<TrajectoryOutline>, labels: ResolvedLabels, low: number) {
    const queues: Record<QueueName, QueuedBrowse[]> = { waiting: [], lowConfidence: [], disagreement: [] };
    const compared = new Map<string, { judge: LabelSource; labels: { person: Label; judge: Label }[] }>();
    const all: QueuedBrowse[] = [];
    for (const { log, trajectory, question, steps } of outlines) {
      for (const step of steps) {
        if (step.kind !== 'browse') continue;
        const key = { log, trajectory, step: step.step, doc: step.doc };
        const given = labels.of(key);
        const browse = { key, question, reasoningTokens: step.reasoningTokens, given };
        all.push(browse);
        if (waits(browse)) queues.waiting.push(browse);
        if (isLow(given, low)) queues.lowConfidence.push(browse);
        if (disagree(given)) queues.disagreement.push(browse);
        const person = given.findLast(({ source }) => source.kind === 'person');
        if (person === undefined) continue;
        for (const { source, label } of given) {
          if (source.kind === 'person') continue;
          const name = JSON.stringify([source.kind, source.name]);
          const pairs = compared.get(name) ?? { judge: source, labels: [] };
          pairs.labels.push({ person: person.label, judge: label });
          compared.set(name, pairs);
        }
      }
    }
    this.#all = all;
    this.browses = all.length;
    this.labelled = all.length - queues.waiting.length;
    this.#queues = queues;
    this.agreements = [...compared.values()].map(pairs => ({
      judge: pairs.judge,
      ...agreement(pairs.labels),
    }));
  }

  count(queue: QueueName): number {
    return this.#queues[queue].length;
  }

  /** Browses of a queue from a position on, at most `limit`. */
  page(queue: QueueName, order: QueueOrder, from: number, limit: number): readonly QueuedBrowse[] {
    const name = `${queue} ${order}`;
    let browses = this.#sorted.get(name);
    if (browses === undefined) {
      browses = sorted(this.#queues[queue], order);
      this.#sorted.set(name, browses);
    }
    return browses.slice(from, from + limit);
  }

  /**
   * The browse that waits next after another one, which may have a label by now; from the start again at the end. Null
   * if none waits.
   */
  next(after: BrowseKey | null, order: QueueOrder): QueuedBrowse | null {
    const all = sorted(this.#all, order);
    const at = after === null ? -1 : all.findIndex(({ key }) => isSame(key, after));
    return all.slice(at + 1).find(waits) ?? all.find(waits) ?? null;
  }
}

function waits({ given }: QueuedBrowse): boolean {
  return (given.at(-1)?.label ?? 'unknown') === 'unknown';
}

function sorted(browses: readonly QueuedBrowse[], order: QueueOrder): readonly QueuedBrowse[] {
  switch (order) {
    case 'place':
      return browses;
    case 'confidence':
      return browses.toSorted((a, b) => confidence(a.given) - confidence(b.given));
    case 'reasoning':
      return browses.toSorted((a, b) => (b.reasoningTokens ?? -1) - (a.reasoningTokens ?? -1));
  }
}

function confidence(given: readonly GivenLabel[]): number {
  return given.at(-1)?.confidence ?? 1;
}

/** A person's word needs no second look. */
function isLow(given: readonly GivenLabel[], low: number): boolean {
  const counts = given.at(-1);
  return counts !== undefined && counts.source.kind !== 'person' && (counts.confidence ?? 1) < low;
}

/** Whether a person has decided, and another person or a judge otherwise. */
function disagree(given: readonly GivenLabel[]): boolean {
  const decided = given.filter(({ label }) => label !== 'unknown');
  const person = decided.find(({ source }) => source.kind === 'person');
  return person !== undefined && decided.some(({ label }) => label !== person.label);
}

function isSame(a: BrowseKey, b: BrowseKey): boolean {
  return a.log === b.log && a.trajectory === b.trajectory && a.step === b.step && a.doc === b.doc;
}
