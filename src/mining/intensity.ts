/** The two numbers that fix the weights of a set of pairs (paper, section 5.3); null where no length is known. */
export interface IntensityScale {
  /** `β`, in tokens: the median length. A reasoning of this length counts half of what the longest could. */
  readonly halfLife: number | null;
  /** `μ_raw`: the mean of `1 − exp(−ln2·l/β)`, which makes the mean weight 1. */
  readonly muRaw: number | null;
}

/** Only a reasoning that is known and not empty has a length to speak of, as in the released builder. */
const isKnown = (length: number | null): length is number => length !== null && length > 0;

/** `β` and `μ_raw` of a set of reasoning lengths. */
export function intensityScale(lengths: readonly (number | null)[]): IntensityScale {
  const known = lengths.filter(isKnown).sort((a, b) => a - b);
  if (known.length === 0) return { halfLife: null, muRaw: null };
  const half = known.length / 2;
  const halfLife = (known[Math.ceil(half) - 1]! + known[Math.floor(half)]!) / 2;
  const muRaw = known.reduce((sum, length) => sum + saturation(length, halfLife), 0) / known.length;
  return { halfLife, muRaw };
}

/** Relevance intensity `w = (1 − exp(−ln2·l/β)) / μ_raw`; 1 where the length is not known. */
export function relevanceIntensity(length: number | null, { halfLife, muRaw }: IntensityScale): number {
  if (!isKnown(length) || halfLife === null || muRaw === null) return 1;
  return saturation(length, halfLife) / muRaw;
}

/** `1 − exp(−ln2·l/β)`: from 0 to 1, one half at the half-life. */
function saturation(length: number, halfLife: number): number {
  return -Math.expm1((-Math.LN2 * length) / halfLife);
}
