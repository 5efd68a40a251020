import { clip, oneLine, printable } from '../base/text.ts';
import { alignTable } from '../evaluation/table.ts';
import type { Diagnosis, StepAccount } from './doctor.ts';

/** So many of each are listed; the JSON of `lrat doctor` has more. */
const listed = 20;

/** A diagnosis as text, as `lrat doctor` prints it and the editor shows it. */
export function describeDiagnosis(found: Diagnosis): string {
  const { log, bytes, sources, shapes, unrecognised, trajectories, accounts, shown, problems } = found;
  const { noPairs, unread, inVain } = found;
  const parts = [
    `${log}, ${(bytes / 1e6).toFixed(2)} MB`,
    ...cut(sources.map(({ member, what }) => `${member === null ? '' : `${member}: `}read as ${what}`)),
  ];
  if (unrecognised !== null) parts.push(`No log: ${unrecognised}`);
  if (shapes.length > 0) {
    const lines = shapes.flatMap(({ records, first, kind, reason, claims }) => [
      `  ${count(records, 'record')}, the first at ${first}: ${kind === 'known' ? claims[0]!.format : kind} (${reason})`,
      // A single claim is the reason itself.
      ...(claims.length < 2 ? [] : claims).map(
        ({ format, score, reason }) => `      ${format}, score ${score.toFixed(2)}: ${reason}`,
      ),
    ]);
    parts.push('', 'What the records are taken for', ...cut(lines));
  }
  if (trajectories > 0) {
    const rows = accounts
      .slice(0, listed)
      .map(({ trajectory, format, place, searches, candidates, browses, listed, outcome }) => [
        clip(oneLine(trajectory), 40),
        format,
        place,
        ...[searches, candidates, browses, listed].map(String),
        outcome,
      ]);
    const counts = ['searches', 'candidates', 'browses', 'of listed'];
    const header = ['trajectory', 'format', 'begins at', ...counts, 'outcome'];
    parts.push('', count(trajectories, 'trajectory'), alignTable(header, rows));
    if (trajectories > rows.length) parts.push(`… and ${trajectories - rows.length} more (--json has more)`);
    parts.push(
      ...cut(noPairs.map(({ reason, trajectories }) => `${trajectories} can give no pairs: ${reason}`)),
    );
    // Of a single one its steps are told, too, below.
    if (trajectories > 1 && found.skipped.length > 0) {
      const lines = found.skipped.map(
        ({ reason, times, trajectories }) =>
          `  ${times} × ${reason}, in ${count(trajectories, 'trajectory')}`,
      );
      parts.push('', 'Not read into a step, in all', ...cut(lines));
    }
  }
  if (shown !== null) {
    parts.push('', `“${oneLine(shown.trajectory)}”, step by step`);
    const account = accounts.find(({ trajectory }) => trajectory === shown.trajectory);
    if (account?.question != null) parts.push(`  question: ${oneLine(account.question)}`);
    parts.push(...(shown.steps.length === 0 ? ['  no steps'] : shown.steps.map(stepLine)));
    const skipped = Map.groupBy(account?.skipped ?? [], ({ reason }) => reason);
    if (skipped.size > 0) parts.push('Not read into a step');
    for (const [reason, those] of skipped) {
      const steps = those.flatMap(({ step }) => (step === null ? [] : [step]));
      const at = steps.length === 0 ? '' : ` (step ${cut(steps.map(String)).join(', ')})`;
      parts.push(`  ${those.length} × ${reason}${at}`);
    }
  }
  if (unread.length > 0) {
    parts.push('', 'Fields that are not read, by the description in the configuration');
    parts.push(
      ...cut(unread.map(({ format, field, times }) => `  ${format}: ${field}, ${count(times, 'time')}`)),
    );
  }
  if (inVain.length > 0) {
    parts.push('', 'Paths of the description that found nothing that can be read');
    parts.push(
      ...cut(
        inVain.map(
          ({ format, option, path, followed }) =>
            `  ${format}: ${option} “${path}”, followed ${count(followed, 'time')}`,
        ),
      ),
    );
  }
  const lines = problems.map(
    ({ place, reason }) => `  ${place === '' ? 'the whole file' : place}: ${reason}`,
  );
  parts.push(
    '',
    problems.length === 0 ? 'No problems.' : `${count(problems.length, 'problem')}:`,
    ...cut(lines),
  );
  return printable(parts.join('\n'));
}

/** What a step was read as, on one line. */
function stepLine(step: StepAccount): string {
  const { line, column, member, kind, what } = step;
  const place = line === null ? '–' : `${line}:${column}`;
  const said =
    kind === 'browse' && what === '' ? 'a document that the log does not name' : clip(oneLine(what), 80);
  const words = [String(step.step).padStart(6), kind.padEnd(6), place.padStart(10), member ?? '', said]
    .filter(Boolean)
    .join('  ');
  const results = resultsOf(step).join('; ');
  return results === '' ? words : `${words}  → ${clip(results, 120)}`;
}

/** What came of a step. */
function resultsOf({ kind, size, listed, error }: StepAccount): string[] {
  const failure = error === null ? null : `failed: ${oneLine(error)}`;
  if (kind === 'search') return [failure ?? count(size ?? 0, 'candidate')];
  if (kind !== 'browse') return failure === null ? [] : [failure];
  const search =
    listed === null ? '' : `step ${listed.step}${listed.part === 0 ? '' : `, query ${listed.part + 1},`}`;
  return [
    listed === null ? 'in no list before it' : `listed by ${search} at rank ${listed.rank}`,
    failure ?? (size === null ? 'reasoning after it unknown' : `${size} characters of reasoning after it`),
  ];
}

function count(n: number, what: string): string {
  return `${n} ${n === 1 ? what : what.endsWith('y') ? `${what.slice(0, -1)}ies` : `${what}s`}`;
}

/** The first lines of many. */
function cut(lines: readonly string[]): string[] {
  if (lines.length <= listed) return [...lines];
  return [...lines.slice(0, listed), `… and ${lines.length - listed} more (--json has more)`];
}
