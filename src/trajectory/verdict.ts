import type { Outcome } from './model.ts';
import { field, isFields } from './values.ts';

const verdictFields = [
  'correct',
  'is_correct',
  'judge_result',
  'final_judge_result',
  'gpt4o_output',
  'judgement',
  'judgment',
];

/** A verdict as logs and evaluation files write it: `true`, `"True"`, `"yes"` or `1`. Else unknown. */
export function outcomeOf(verdict: unknown): Outcome {
  if (verdict === true || verdict === 1) return 'correct';
  if (verdict === false || verdict === 0) return 'incorrect';
  if (typeof verdict !== 'string') return 'unknown';
  if (/^\s*(?:true|yes|correct|1)[.!]?\s*$/i.test(verdict)) return 'correct';
  return /^\s*(?:false|no|incorrect|wrong|0)[.!]?\s*$/i.test(verdict) ? 'incorrect' : 'unknown';
}

/** What a record itself says of its final answer: nothing is inferred. */
export function explicitVerdict(record: unknown): Outcome {
  for (const name of verdictFields) {
    const verdict = field(record, name);
    // One level down and no further: `judge_result: {correct}`.
    const outcome = isFields(verdict) ? outcomeOf(field(verdict, 'correct')) : outcomeOf(verdict);
    if (outcome !== 'unknown') return outcome;
  }
  return 'unknown';
}
