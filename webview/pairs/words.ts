import type { BrowseFate, PairCare, PairChange, PairRowView, PairSubset } from '../../src/protocol.ts';
import * as l10n from '../ui/l10n.ts';

/** What became of a browse, in the reader's language. */
export function fateWord(fate: BrowseFate): string {
  switch (fate) {
    case 'pair':
      return l10n.t('pairs');
    case 'unsatisfied':
      return l10n.t('irrelevant, written but not trained on');
    case 'irrelevantByPerson':
      return l10n.t('irrelevant, by a person');
    case 'irrelevantByJudge':
      return l10n.t('irrelevant, by the judge');
    case 'reread':
      return l10n.t('read again, merged');
    case 'neverListed':
      return l10n.t('never listed');
    case 'notInList':
      return l10n.t('not in the list that this mode looks at');
    case 'noDocument':
      return l10n.t('no document in the log');
    case 'unknown':
      return l10n.t('label unknown');
  }
}

export function careWord(care: PairCare): string {
  switch (care) {
    case 'aside':
      return l10n.t('negatives set aside, relevant in another run');
    case 'sameText':
      return l10n.t('negatives with the text of a positive');
    case 'corrected':
      return l10n.t('query corrected against “latest”');
  }
}

export function changeWord(change: PairChange): string {
  switch (change) {
    case 'gained':
      return l10n.t('gained');
    case 'lost':
      return l10n.t('lost');
    case 'query':
      return l10n.t('with another query');
    case 'weight':
      return l10n.t('with another weight');
  }
}

/** What the table shows, as a heading says it. */
export function subsetWord(subset: PairSubset): string {
  switch (subset) {
    case 'pairs':
      return l10n.t('all pairs');
    case 'pair':
      return l10n.t('pairs');
    case 'person':
      return l10n.t('pairs by a person’s label');
    case 'model':
      return l10n.t('pairs by a model’s label');
    case 'rules':
      return l10n.t('pairs by the rules’ label');
    case 'aside':
    case 'sameText':
    case 'corrected':
      return careWord(subset);
    case 'gained':
    case 'lost':
    case 'query':
    case 'weight':
      return changeWord(subset);
    default:
      return fateWord(subset);
  }
}

/** Who gave a label. */
export function whoWord({ by, name, label }: Pick<PairRowView, 'by' | 'name' | 'label'>): string {
  switch (by) {
    case 'person':
      return name;
    case 'model':
      return name;
    case 'rules':
      return l10n.t('rules');
    case null:
      return label === 'relevant' ? l10n.t('a later reading') : '';
  }
}

export const whole = (value: number): string => Math.round(value).toLocaleString();
