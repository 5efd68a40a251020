import { figuresIn } from '../base/figures.ts';
import type {
  CandidateView,
  DropReasonName,
  Fate,
  LabelView,
  StepKind,
  StepView,
  TrajectoryHead,
} from '../protocol.ts';
import type { BrowseKey } from '../trajectory/outline.ts';

/** A browse where it stands in a text: in a transcript, or in the log itself. */
export interface BrowseMark {
  readonly key: BrowseKey;
  /** 0-based. */
  readonly line: number;
  readonly column: number;
  readonly label: LabelView;
  /** Of its pair; null if it gives none. */
  readonly weight: number | null;
  /** Why it gives no pair, or null. */
  readonly noPair: DropReasonName | null;
  /** Tokens of the post-browse reasoning; null if unknown. */
  readonly tokens: number | null;
}

/** What became of a candidate, at its line of a transcript. */
export interface CandidateMark {
  readonly line: number;
  readonly fate: Fate;
  readonly weight: number | null;
}

/** A trajectory as text, and where its steps stand in it. Lines count from 0. */
export interface Transcript {
  readonly text: string;
  readonly steps: readonly {
    readonly kind: StepKind;
    readonly step: number;
    readonly name: string;
    readonly line: number;
    /** The last line of the step. */
    readonly end: number;
  }[];
  readonly browses: readonly BrowseMark[];
  readonly candidates: readonly CandidateMark[];
}

/** The words that a transcript has of its own, in the reader's language; `{0}` stands for a number. */
export interface TranscriptWords {
  readonly language: string;
  readonly outcomes: Readonly<Record<TrajectoryHead['outcome'], string>>;
  readonly kinds: Readonly<Record<StepKind, string>>;
  readonly tokens: string;
  readonly postBrowseTokens: string;
  readonly unknownDocument: string;
  /** Said where a text was cut after so many characters. */
  readonly cut: string;
}

/**
 * Writes a trajectory out for reading: a heading for each step, its text indented below. Labels stand beside the text, not
 * in it, so that it stays the same when they change.
 */
export function transcriptOf(
  head: TrajectoryHead,
  steps: readonly StepView[],
  words: TranscriptWords,
): Transcript {
  const lines: string[] = [];
  const { whole } = figuresIn(words.language);
  const marks: { browses: BrowseMark[]; candidates: CandidateMark[] } = { browses: [], candidates: [] };
  const spans: Transcript['steps'][number][] = [];
  const indented = (text: string, by = '    ') => {
    for (const line of text.split(/\r\n|\r|\n/)) lines.push(line === '' ? '' : by + line);
  };

  const facts = [words.outcomes[head.outcome], head.agent, head.retriever, head.log].filter(
    fact => fact !== null,
  );
  lines.push(head.question ?? head.trajectory, facts.join(' · '), '');
  for (const step of steps) {
    const line = lines.length;
    const { name, body, isCut = false } = content(step, words, whole);
    lines.push(`[${step.step}] ${words.kinds[step.kind]}${name === '' ? '' : `  ${name}`}`);
    if (step.kind === 'search') {
      for (const candidate of step.candidates) {
        marks.candidates.push({ line: lines.length, fate: candidate.fate, weight: candidate.weight });
        lines.push(`  ${String(candidate.rank).padStart(3)}. ${titleOf(candidate)}`);
        if (candidate.snippet !== '') indented(candidate.snippet.replace(/\s+/g, ' '), '       ');
      }
    }
    if (step.kind === 'browse') {
      const key = { log: head.log, trajectory: head.trajectory, step: step.step, doc: step.doc };
      marks.browses.push({ ...markOf(step, key), line, column: 0 });
    }
    if (body !== '') indented(body);
    if (isCut) indented(`… ${put(words.cut, whole(body.length))}`);
    spans.push({ kind: step.kind, step: step.step, name, line, end: lines.length - 1 });
    lines.push('');
  }
  return { text: lines.join('\n'), steps: spans, ...marks };
}

/** What is marked of a browse, wherever it stands. */
export function markOf(
  { label, pair, noPair, tokens }: StepView & { kind: 'browse' },
  key: BrowseKey,
): Omit<BrowseMark, 'line' | 'column'> {
  return { key, label, weight: pair?.weight ?? null, noPair, tokens };
}

function content(
  step: StepView,
  words: TranscriptWords,
  whole: (figure: number) => string,
): { name: string; body: string; isCut?: boolean } {
  switch (step.kind) {
    case 'think':
      return {
        name: put(step.postBrowse ? words.postBrowseTokens : words.tokens, whole(step.tokens)),
        body: step.text,
        isCut: step.cut !== null,
      };
    case 'search':
      return { name: oneLine(step.query), body: step.error ?? '' };
    case 'browse':
      return {
        name: [step.title, step.doc === null ? words.unknownDocument : `(${step.doc})`]
          .filter(part => part !== null)
          .join(' '),
        body: step.error ?? step.text,
        isCut: step.error === null && step.cut !== null,
      };
    case 'tool':
      return { name: step.name, body: '' };
    case 'answer':
      return { name: '', body: step.text, isCut: step.cut !== null };
  }
}

function put(words: string, number: string): string {
  return words.replace('{0}', number);
}

function titleOf({ title, id }: CandidateView): string {
  return title === null ? id : `${oneLine(title)} (${id})`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
