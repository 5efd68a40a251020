import type { Fate, LabelValue, StepKind } from '../../src/protocol.ts';
import * as l10n from '../ui/l10n.ts';

/** The field's words in the reader's language. */
export function kindWord(kind: StepKind): string {
  switch (kind) {
    case 'think':
      return l10n.t('think');
    case 'search':
      return l10n.t('search');
    case 'browse':
      return l10n.t('browse');
    case 'tool':
      return l10n.t('tool');
    case 'answer':
      return l10n.t('answer');
  }
}

export function labelWord(label: LabelValue): string {
  switch (label) {
    case 'relevant':
      return l10n.t('relevant');
    case 'irrelevant':
      return l10n.t('irrelevant');
    case 'unknown':
      return l10n.t('unlabelled');
  }
}

/** Shape and word beside every colour: colour never means something alone. */
export const fates: Record<Fate, { readonly shape: string; readonly word: string }> = {
  positive: { shape: '●', word: l10n.t('positive') },
  negative: { shape: '○', word: l10n.t('negative') },
  irrelevant: { shape: '✕', word: l10n.t('irrelevant') },
  aside: { shape: '◐', word: l10n.t('set aside') },
  listed: { shape: '·', word: l10n.t('listed') },
};
