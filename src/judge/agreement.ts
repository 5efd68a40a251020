import type { Label } from '../trajectory/outline.ts';

/** How a judge's labels agree with people's on the browses that both have labelled. */
export interface Agreement {
  /** Browses that both call relevant or irrelevant: the sum of the four counts. */
  readonly compared: number;
  readonly bothRelevant: number;
  readonly bothIrrelevant: number;
  /** The person says relevant, the judge irrelevant: a positive is lost. */
  readonly missed: number;
  /** The person says irrelevant, the judge relevant: a false positive is trained on. */
  readonly admitted: number;
  /** One of them, or both, say unknown. */
  readonly undecided: number;
  /** Share of equal labels; null if nothing was compared. */
  readonly observed: number | null;
  /** Cohen's kappa; null if it is not defined, because chance alone would agree always. */
  readonly kappa: number | null;
}

export function agreement(labels: Iterable<{ readonly person: Label; readonly judge: Label }>): Agreement {
  let [bothRelevant, bothIrrelevant, missed, admitted, undecided] = [0, 0, 0, 0, 0];
  for (const { person, judge } of labels) {
    if (person === 'unknown' || judge === 'unknown') undecided++;
    else if (person === judge) person === 'relevant' ? bothRelevant++ : bothIrrelevant++;
    else person === 'relevant' ? missed++ : admitted++;
  }
  const compared = bothRelevant + bothIrrelevant + missed + admitted;
  const counts = { compared, bothRelevant, bothIrrelevant, missed, admitted, undecided };
  if (compared === 0) return { ...counts, observed: null, kappa: null };
  const observed = (bothRelevant + bothIrrelevant) / compared;
  const person = (bothRelevant + missed) / compared;
  const judge = (bothRelevant + admitted) / compared;
  const byChance = person * judge + (1 - person) * (1 - judge);
  return { ...counts, observed, kappa: byChance === 1 ? null : (observed - byChance) / (1 - byChance) };
}
