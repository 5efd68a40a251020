import { resolve } from 'node:path';
import packageJson from '../../package.json' with { type: 'json' };
import type { Job } from '../base/progress.ts';
import { fingerprint, normaliseText } from '../base/text.ts';
import { openTokenCounter } from '../base/tokenizer.ts';
import { mine } from '../mining/mine.ts';
import type { MiningMode } from '../mining/pair.ts';
import { missingTextNotice, type PairSetRecord, writePairs } from '../mining/pair-file.ts';
import { preSearchReasoning } from '../mining/pre-search-reasoning.ts';
import type { Problem, Trajectory } from '../trajectory/model.ts';
import { CorpusFile, type TextSource } from '../workspace/corpus.ts';
import { readSettings, type TrajectoryIndex } from '../workspace/index.ts';
import { LabelStore } from '../workspace/labels.ts';
import { SeenTexts, writeCorpus } from '../workspace/texts.ts';
import { inWorkspace, type OpenWorkspace, requireTrajectories } from './workspace.ts';

export interface MineRequest {
  readonly workspace: string;
  readonly mode?: MiningMode | undefined;
  readonly labels?: string | undefined;
  readonly corpus?: string | undefined;
  readonly tokenizer?: string | undefined;
  readonly outcome: 'correct' | 'incorrect' | 'all';
  readonly out: string;
}

export interface MineResult extends PairSetRecord {
  /** Path of the pair file. */
  readonly out: string;
  /** Labels and corpus lines that could not be used. */
  readonly problems: readonly Problem[];
  readonly notices: readonly string[];
}

/** Mines the pairs of a workspace and writes them with their texts. */
export function minePairs(request: MineRequest, job: Job): Promise<MineResult> {
  return inWorkspace(request.workspace, async workspace => {
    const { paths, config, index, notices } = workspace;
    const status = requireTrajectories(workspace);
    const store = LabelStore.open(request.labels ?? paths.labels, {
      mustExist: request.labels !== undefined,
    });
    const labels = store.resolve(index);
    const usual = readSettings(config, paths).tokenizer;
    const tokenizer = request.tokenizer ?? usual;
    // The index has the lengths in the workspace's own unit; for another one the logs are read.
    const counter = tokenizer === usual ? undefined : await openTokenCounter(tokenizer);
    const corpus =
      request.corpus ?? (config.corpus === null ? null : resolve(paths.workspace, config.corpus));
    const texts = await openTexts(corpus, workspace, job);
    try {
      const mode = request.mode ?? config.mining.mode;
      const mined = await mine(
        index.outlines({}, counter),
        labels.lookup,
        { mode, outcome: request.outcome, textKey: textKeys(texts) },
        job,
      );
      const record = await writePairs(
        request.out,
        mined,
        { text: doc => texts.text(doc), preSearchReasoning: reasoningReader(index) },
        {
          ...{ mode, outcome: request.outcome, tokenizer, corpus, lrat: packageJson.version },
          labels: request.labels ?? null,
          judges: store.sources(),
        },
        job,
      );
      const missing = missingTextNotice(mined.withoutText, corpus);
      const unjudged = mined.browses > 0 && mined.dropped.unknown === mined.browses;
      return {
        ...record,
        out: request.out,
        problems: [
          ...store.problems,
          ...labels.problems,
          ...(texts instanceof CorpusFile ? texts.problems : []),
          // Why logs give no pairs is news to whoever gets none.
          ...(mined.pairs.length === 0 ? status.problems : []),
        ],
        notices: [
          ...notices,
          ...(missing === null ? [] : [missing]),
          ...(unjudged ? ['No browse has a label. Run `lrat judge`, or give labels with --labels.'] : []),
        ],
      };
    } finally {
      texts.close();
    }
  });
}

function openTexts(
  corpus: string | null,
  { index, paths }: OpenWorkspace,
  job: Job,
): Promise<CorpusFile | SeenTexts> {
  return corpus === null ? SeenTexts.collect(index, paths, { job }) : CorpusFile.open(corpus, job);
}

/** Fingerprints of normalised texts, each made once. */
function textKeys(texts: TextSource): (doc: string) => string | undefined {
  const known = new Map<string, string | undefined>();
  return doc => {
    if (!known.has(doc)) {
      const text = texts.text(doc);
      known.set(doc, text === undefined ? undefined : fingerprint(normaliseText(text)));
    }
    return known.get(doc);
  };
}

/** Reads the reasoning before a pair's search from its log. Pairs come by trajectory, so the last one read is kept. */
function reasoningReader(index: TrajectoryIndex) {
  let last: { readonly log: string; readonly id: string; readonly trajectory: Trajectory } | undefined;
  return ({ log, trajectory: id, searchStep }: { log: string; trajectory: string; searchStep: number }) => {
    if (last?.log !== log || last.id !== id) last = { log, id, trajectory: index.trajectory(log, id) };
    return preSearchReasoning(last.trajectory, searchStep);
  };
}

export interface CorpusResult {
  readonly out: string;
  readonly documents: number;
  /** Documents whose text is the document as a browse showed it, the longest snippet, or an extract. */
  readonly shows: Readonly<Record<'document' | 'snippet' | 'extract', number>>;
}

/** Writes the texts of all documents that the logs of a workspace show. */
export function writeSeenCorpus(
  { workspace, out }: { workspace: string; out: string },
  job: Job,
): Promise<CorpusResult> {
  return inWorkspace(workspace, async open => {
    const { index, paths } = open;
    requireTrajectories(open);
    const shows = await writeCorpus(index, paths, out, job);
    return { out, documents: shows.document + shows.snippet + shows.extract, shows };
  });
}
