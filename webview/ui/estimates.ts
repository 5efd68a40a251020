import type { EstimateView } from '../../src/protocol.ts';
import * as l10n from './l10n.ts';
import { decimal, percent, range, signed } from './numbers.ts';

/** Above this a difference may well be chance. */
const significance = 0.05;

type Difference = EstimateView & { readonly p: number };

/** The class of a difference: its colour, which its sign and `describeP` say too. */
export function verdictOf({ mean, p }: Difference): 'muted' | 'better' | 'worse' {
  if (p >= significance) return 'muted';
  return mean > 0 ? 'better' : 'worse';
}

export function describeP(p: number): string {
  if (p >= significance) return l10n.t('not significant');
  return p < 0.001 ? `< ${decimal(0.001, 3)}` : decimal(p, 3);
}

/** `[60.1, 64.5]` */
export function bounds({ low, high }: EstimateView): string {
  return range(percent(low), percent(high));
}

/** `+2.2 [+0.4, +4.1]` */
export function signedInterval({ mean, low, high }: EstimateView): string {
  return `${signed(mean)} ${range(signed(low), signed(high))}`;
}
