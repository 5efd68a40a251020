import type { LabelView, LengthRange, PairColumn, PairSelection } from '../../src/protocol.ts';
import * as l10n from '../ui/l10n.ts';
import { reasonWord } from '../words.ts';

/** What a selection of rows is called. */
export function selectionWord(selection: PairSelection): string {
  switch (selection) {
    case 'browses':
      return l10n.t('browses');
    case 'pairs':
      return l10n.t('pairs to train on');
    case 'weighed':
      return l10n.t('rows of this mining');
    case 'unsatisfied':
      return l10n.t('rows of irrelevant browses');
    case 'dropped':
      return l10n.t('browses without a pair');
    case 'irrelevantByPerson':
      return l10n.t('irrelevant, by a person');
    case 'irrelevantByJudge':
      return l10n.t('irrelevant, by a judge');
    case 'corrected':
      return l10n.t('query corrected against “latest”');
    case 'guarded':
      return l10n.t('lost negatives that another run found relevant');
    case 'withoutNegatives':
      return l10n.t('without negatives of their own');
    case 'byPerson':
      return l10n.t('labelled by a person');
    case 'byModel':
      return l10n.t('labelled by a model');
    case 'byRules':
      return l10n.t('labelled by rules');
    case 'gained':
      return l10n.t('gained');
    case 'lost':
      return l10n.t('lost');
    case 'otherQuery':
      return l10n.t('another query');
    case 'otherWeight':
      return l10n.t('another weight');
    default:
      return reasonWord(selection);
  }
}

/** A range of reasoning lengths, in words. */
export function rangeWord({ from, to }: LengthRange): string {
  if (to === null) return l10n.t('{0} tokens and more', from);
  return to === from + 1 ? l10n.t('{0} tokens', from) : l10n.t('{0} to {1} tokens', from, to - 1);
}

export function columnWord(column: PairColumn): string {
  switch (column) {
    case 'query':
      return l10n.t('Query');
    case 'positive':
      return l10n.t('Positive');
    case 'negatives':
      return l10n.t('Neg.');
    case 'tokens':
      return l10n.t('Tokens');
    case 'weight':
      return l10n.t('Weight');
    case 'label':
      return l10n.t('Label');
    case 'place':
      return l10n.t('From');
  }
}

export function sourceWord({ isOwn, name }: LabelView): string {
  return isOwn ? l10n.t('you') : name;
}
