import { describe, expect, it } from 'vitest';
import { type TranscriptWords, transcriptOf } from '../../../src/jobs/transcript.ts';
import type { LabelView, StepView, TrajectoryHead } from '../../../src/protocol.ts';

const german: TranscriptWords = {
  language: 'de',
  outcomes: { correct: 'richtig', incorrect: 'falsch', unknown: 'Ausgang unbekannt' },
  kinds: { think: 'Denken', search: 'Suche', browse: 'Lesen', tool: 'Werkzeug', answer: 'Antwort' },
  tokens: '{0} Tokens',
  postBrowseTokens: 'nach dem Lesen, {0} Tokens',
  unknownDocument: 'Dokument unbekannt',
  cut: 'nach {0} Zeichen abgeschnitten; der Rest steht im Log',
};
const head: TrajectoryHead = {
  ...{ log: 'a.json', trajectory: '1', question: 'Wo?', outcome: 'unknown' },
  ...{ agent: null, retriever: null, references: [], outline: [], pairs: 0, meanWeight: null },
  ...{ intensity: null, noPairs: null, simulation: false },
};
const place = (step: number) => ({ index: step, step, place: null });
const label: LabelView = {
  ...{ value: 'unknown', by: null, name: '', isOwn: false, confidence: null, reason: null, notes: [] },
};
const browse: StepView = {
  ...{ ...place(1), kind: 'browse', doc: null, title: null, text: '', cut: null, shows: 'document' },
  ...{ tokens: null, label, pair: null, noPair: 'noDocument', error: null },
};

describe('a transcript', () => {
  it('has no words but those of the log and of the reader', () => {
    const steps: StepView[] = [
      { ...place(0), kind: 'think', text: 'a', cut: null, tokens: 1200, postBrowse: false },
      browse,
      { ...place(2), kind: 'think', text: 'b', cut: null, tokens: 7, postBrowse: true },
      { ...place(3), kind: 'answer', text: 'c'.repeat(5000), cut: { from: 0, length: 5001 } },
    ];
    const { text, browses } = transcriptOf(head, steps, german);
    expect(text.split('\n')).toEqual([
      'Wo?',
      'Ausgang unbekannt · a.json',
      '',
      '[0] Denken  1.200 Tokens',
      '    a',
      '',
      '[1] Lesen  Dokument unbekannt',
      '',
      '[2] Denken  nach dem Lesen, 7 Tokens',
      '    b',
      '',
      '[3] Antwort',
      `    ${'c'.repeat(5000)}`,
      '    … nach 5.000 Zeichen abgeschnitten; der Rest steht im Log',
      '',
    ]);
    // A reason is named, not worded: the editor says it in the reader's language.
    expect(browses.map(({ noPair, line }) => [noPair, line])).toEqual([['noDocument', 6]]);
  });
});
