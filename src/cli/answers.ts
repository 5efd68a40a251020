import { clip } from '../base/text.ts';
import type { DeviceReport } from '../engine/devices.ts';
import { describeDifference } from '../evaluation/bootstrap.ts';
import { alignTable, formatInterval, formatNumber } from '../evaluation/table.ts';
import type { RunComparison } from '../jobs/compare-runs.ts';
import type { EmbedResult } from '../jobs/embed.ts';
import type { ExportResult } from '../jobs/export.ts';
import type { ModelExportResult } from '../jobs/export-model.ts';
import type { IndexResult } from '../jobs/index.ts';
import type { JudgePlan, JudgeResult, LabelResult } from '../jobs/judge.ts';
import type { EvaluateResult, SearchResult } from '../jobs/measure.ts';
import type { CorpusResult, MineResult } from '../jobs/mine.ts';
import type { RunList } from '../jobs/runs.ts';
import type { TrainAnswer } from '../jobs/train.ts';
import type { DropReason } from '../mining/rule.ts';
import { formInWords } from '../retrieval/vector-file.ts';
import type { RunState } from '../training/run-folder.ts';
import type { Problem } from '../trajectory/model.ts';
import type { IndexStatus } from '../workspace/index.ts';

/** What commands say to people: the same as their JSON, shorter. */

/** Problems are listed up to this many; `--json` has all. */
const listed = 20;
const plain = { scale: 1, digits: 2 };

export function ofIndexing(result: IndexResult): string {
  const { found, read, unchanged, removed, bytes, notices } = result;
  return [
    ...notices,
    `${found} files that may be logs: ${read} read (${(bytes / 1e6).toFixed(1)} MB), ${unchanged} unchanged, ${removed} gone.`,
    ofStatus(result),
  ].join('\n');
}

export function ofStatus({
  trajectories,
  searches,
  browses,
  groups,
  problems,
  notLogs,
}: IndexStatus): string {
  const rows = groups.map(group => [
    group.retriever ?? '(not named)',
    group.outcome,
    String(group.n),
    ...[group.searches, group.browses].map(value => formatNumber(value, plain)),
    group.ratio === null ? '–' : formatNumber(group.ratio, plain),
    formatNumber(group.steps, plain),
  ]);
  return [
    `${trajectories} trajectories, ${searches} searches, ${browses} browses.`,
    ...(rows.length === 0
      ? []
      : [alignTable(['retriever', 'outcome', 'N', 'avg. S', 'avg. B', 'B/S', 'avg. T'], rows)]),
    ...ofProblems(problems),
    ...(notLogs === 0 ? [] : [describeStrangers(notLogs)]),
  ].join('\n');
}

function describeStrangers(files: number): string {
  const are = files === 1 ? '1 file is no log' : `${files} files are no logs`;
  return `${are} of a known format, and left aside; name one to \`lrat index\` to be told why.`;
}

function ofProblems(problems: readonly Problem[]): string[] {
  if (problems.length === 0) return ['No problems.'];
  const lines = problems
    .slice(0, listed)
    .map(({ log, place, reason }) => `  ${log}${place === '' ? '' : `, ${place}`}: ${reason}`);
  const more =
    problems.length > listed ? [`  … and ${problems.length - listed} more (--json has them all)`] : [];
  return [`${problems.length} problem${problems.length === 1 ? '' : 's'}:`, ...lines, ...more];
}

export function ofJudging({
  judge,
  relevant,
  irrelevant,
  unknown,
  byPeople,
  already,
  usage,
  agreement,
}: JudgeResult): string {
  const kind = judge.kind === 'rules' ? 'rules, not a model' : 'a model';
  return [
    `Judge ${judge.name} (${kind}): ${relevant} relevant, ${irrelevant} irrelevant, ${unknown} unknown.`,
    `Left alone: ${byPeople} labelled by people, ${already} judged before.`,
    ...(usage === null
      ? []
      : [
          `Asked ${usage.asked} times, ${usage.fromCache} from the cache, ${usage.failed} failed; ${usage.inputTokens} tokens in, ${usage.outputTokens} out${usage.cost === null ? '' : `, cost ${usage.cost.toFixed(4)}`}.`,
        ]),
    ...(agreement.compared === 0
      ? []
      : [
          `With people on ${agreement.compared} browses: κ ${agreement.kappa === null ? 'undefined' : formatNumber(agreement.kappa, plain)}.`,
        ]),
  ].join('\n');
}

export function ofJudgePlan(plan: JudgePlan): string {
  const { judge, toJudge, fromCache, byPeople, already, withoutReasoning, inputTokens, inputCost } = plan;
  return [
    `Judge ${judge.name} would judge ${toJudge} browses.`,
    `Left alone: ${byPeople} labelled by people, ${already} judged before, ${withoutReasoning} without reasoning.`,
    ...(inputTokens === null
      ? []
      : [
          `It would ask ${toJudge - fromCache} times, ${fromCache} from the cache; about ${inputTokens} tokens in${inputCost === null ? '' : `, cost ${inputCost.toFixed(4)} without the answers`}.`,
        ]),
  ].join('\n');
}

export function ofLabelling({ log, step, label, documents }: LabelResult): string {
  return `${log}, step ${step}: ${label}${documents.length > 1 ? ` for ${documents.length} documents` : ''}.`;
}

/** What a browse that gave no row is called. */
const drops: Record<DropReason, string> = {
  irrelevant: 'judged irrelevant',
  unknown: 'label unknown',
  noDocument: 'document not told by the log',
  neverListed: 'never listed before',
  notInList: 'not in the lists that the mode looks at',
  reread: 'read again, merged',
  otherOutcome: 'trajectory of another outcome',
  noText: 'no text',
};

export function ofMining(result: MineResult): string {
  const {
    mode,
    rows,
    trajectories,
    searches,
    browses,
    dropped,
    corrected,
    guarded,
    withoutNegatives,
    halfLife,
    muRaw,
  } = result;
  const lines = Object.entries(dropped).filter(([, count]) => count > 0);
  return [
    `${rows} pairs (${mode}) from ${trajectories} trajectories, ${searches} searches, ${browses} browses → ${result.out}`,
    `Half-life β ${halfLife ?? '–'} tokens (${result.tokenizer}), μ_raw ${muRaw === null ? '–' : muRaw.toFixed(6)}.`,
    ...(lines.length === 0
      ? []
      : [
          'Browses without a row:',
          ...lines.map(([reason, count]) => `  ${count} ${drops[reason as DropReason]}`),
        ]),
    `${corrected} queries are not those of the latest search; ${guarded} negatives set aside by the guard; ${withoutNegatives} pairs without negatives.`,
    ...result.notices,
    ...(result.problems.length === 0 ? [] : ofProblems(result.problems)),
  ].join('\n');
}

export function ofCorpus({ out, documents, shows }: CorpusResult): string {
  return `${documents} documents (${shows.document} as opened, ${shows.snippet} snippets, ${shows.extract} extracts) → ${out}`;
}

export function ofModelExport({ family, files }: ModelExportResult): string {
  const written = files.map(({ path, bytes }) => `${path} (${(bytes / 1e6).toFixed(1)} MB)`);
  return [`A ${family} encoder as ONNX:`, ...written].join('\n');
}

export function ofExport({ out, layout, rows, leftOut, columns, weights }: ExportResult): string {
  const missing = [
    ...(leftOut.irrelevant > 0 ? [`${leftOut.irrelevant} judged irrelevant`] : []),
    ...(leftOut.withoutNegatives > 0 ? [`${leftOut.withoutNegatives} without negatives`] : []),
  ];
  return [
    `${rows} rows for ${layout} → ${out}`,
    ...(missing.length === 0 ? [] : [`Left out, for the layout cannot say it: ${missing.join(', ')}.`]),
    ...(columns === null
      ? []
      : [
          `Negatives a row: ${columns.negatives}; ${columns.repeating} rows have fewer and repeat theirs, ` +
            `${columns.cut} negatives of other rows are left out.`,
        ]),
    `Weights: ${weights}.`,
  ].join('\n');
}

export function ofTraining(result: TrainAnswer): string {
  const { state, run, model, rows, steps, kept, loss, rowsPerSecond, figures, computing, heldOut } = result;
  return [
    state === 'finished'
      ? `Trained on ${rows} pairs in ${steps} steps, loss ${loss?.toFixed(4) ?? '–'}, ${Math.round(rowsPerSecond)} rows/s → ${model}`
      : `Stopped after ${steps} steps. Go on with: lrat train --resume ${run}`,
    ...(kept === null ? [] : [`The state after step ${kept} was the best, and is kept.`]),
    ...Object.entries(figures).map(
      ([name, value]) => `  ${name} on held-out questions: ${formatNumber(value)}`,
    ),
    ...computing,
    ...(heldOut === null ? [] : [`Held-out pairs: ${heldOut}`]),
    `Run: ${run}`,
  ].join('\n');
}

const countWords: Readonly<Record<string, string>> = {
  already: 'judged before',
  byPeople: 'labelled by people',
};

export function ofRuns({ runs, problems }: RunList): string {
  const rows = runs.map(({ id, kind, state, step, steps, loss, figures, counts, name, title }) => [
    id,
    kind,
    state,
    `${step}/${steps}`,
    loss === null ? '–' : loss.toFixed(4),
    [
      ...Object.entries(figures).map(([figure, value]) => `${figure} ${formatNumber(value)}`),
      ...Object.entries(counts)
        .filter(([, count]) => count > 0)
        .map(([what, count]) => `${count} ${countWords[what] ?? what}`),
    ].join(', '),
    `${name}: ${title}`,
  ]);
  return [
    rows.length === 0
      ? 'No runs yet. `lrat judge`, `lrat mine`, `lrat train` and `lrat eval` make them.'
      : alignTable(['run', 'kind', 'state', 'step', 'loss', 'result', 'what'], rows),
    ...(problems.length === 0 ? [] : ofProblems(problems)),
  ].join('\n');
}

export function ofStopping({ run, stopped }: { run: string; stopped: RunState }): string {
  return `${run}: ${stopped}.`;
}

export function ofDevices({ runtime, providers, chosen }: DeviceReport): string {
  const names = providers.map(({ name, bundled }) => (bundled ? name : `${name} (not bundled)`));
  return `Chosen device: ${chosen.device}. ${chosen.reason}\nONNX Runtime ${runtime} knows ${names.join(', ')}.`;
}

export function ofEmbedding(result: EmbedResult): string {
  const { documents, encoded, dimension, computing, bytes, out, problems } = result;
  const before = documents - encoded;
  return [
    `${documents} vectors of ${dimension} numbers (${formInWords(result).join(', ')}), ${(bytes / 1e6).toFixed(1)} MB → ${out}`,
    ...(computing === null ? [] : [computing]),
    ...(before === 0 ? [] : [`${encoded} were made now, ${before} before.`]),
    ...(problems.length === 0 ? [] : ofProblems(problems)),
  ].join('\n');
}

export function ofSearch({ hits, retriever, problems, notices }: SearchResult): string {
  const lines = hits.map(
    ({ rank, id, score, text }) =>
      `${String(rank).padStart(3)}  ${score.toFixed(4)}  ${id}  ${clip(text.replace(/\s+/g, ' '), 90)}`,
  );
  return [
    ...(lines.length === 0 ? [`${retriever} finds nothing.`] : lines),
    ...notices,
    ...(problems.length === 0 ? [] : ofProblems(problems)),
  ].join('\n');
}

export function ofEvaluation(evaluation: EvaluateResult): string {
  const { withoutRelevant, runs, problems, notices } = evaluation;
  return [
    ...(withoutRelevant === 0 ? [] : [`${withoutRelevant} queries left out: nothing is relevant to them.`]),
    ofComparison(evaluation),
    ...runs.map(run => `Run file: ${run}`),
    ...notices,
    ...(problems.length === 0 ? [] : ofProblems(problems)),
  ].join('\n');
}

export function ofComparison({ metrics, rows, differences, queries, questions }: RunComparison): string {
  const table = alignTable(
    ['retriever', ...metrics],
    rows.map(({ retriever, metrics: values }) => [
      retriever,
      ...metrics.map(metric => formatInterval(values[metric]!)),
    ]),
  );
  return [
    `${queries} queries of ${questions} questions. Means in percent, with 95 % intervals.`,
    table,
    ...differences.flatMap(({ retriever, baseline, metrics: values }) => [
      `${retriever} against ${baseline}:`,
      ...metrics.map(metric => `  ${metric} ${describeDifference(values[metric]!)}`),
    ]),
  ].join('\n');
}
