import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { basename } from 'node:path';
import { z } from 'zod';
import { errorCode, LratError } from '../base/errors.ts';
import { writeError } from '../base/files.ts';
import type { Problem } from '../trajectory/model.ts';
import type { BrowseKey, Label } from '../trajectory/outline.ts';

/** Who or what gave a label. */
const sourceSchema = z.object({
  kind: z.enum(['person', 'model', 'rules']),
  name: z.string(),
  /** Fingerprint of prompt, model and settings, for a label that a judge gave. */
  fingerprint: z.string().optional(),
});

/** One line of `labels.jsonl`. Bare lines `{log, step, label}`, as other tools write them, count as a person's. */
const recordSchema = z.object({
  version: z.literal(1).default(1),
  /** File name of the log, or its path relative to the folder that was indexed. */
  log: z.string().min(1),
  /** Which trajectory of the log; may be left out where there is one. */
  trajectory: z.string().optional(),
  step: z.int().min(0),
  /** Which document, where a step opened several; without it the label is for all of them. */
  doc: z.string().nullable().optional(),
  /** `null` takes back what the same kind of source said before. */
  label: z.enum(['relevant', 'irrelevant', 'unknown']).nullable(),
  source: sourceSchema.default({ kind: 'person', name: 'label file' }),
  /** From 0 to 1. */
  confidence: z.number().min(0).max(1).optional(),
  reason: z.string().optional(),
  note: z.string().optional(),
  /** ISO 8601. */
  at: z.string().optional(),
});

export type LabelSource = z.infer<typeof sourceSchema>;
export type LabelRecord = z.infer<typeof recordSchema>;
/** A label to be appended; the version is filled in. */
export type NewLabel = Omit<LabelRecord, 'version'>;

const rank = { person: 2, model: 1, rules: 0 } as const;

/** A record and the line of the file that holds it. */
interface Entry {
  readonly record: LabelRecord;
  readonly line: number;
}

/** The labels of a workspace or of a label file: append-only, people outrank models, models outrank rules. */
export class Labels {
  readonly path: string;
  /** Lines that could not be read. They stay in the file. */
  readonly problems: readonly Problem[];
  /** By log, step, trajectory and document (`*` where the record names none): the newest record of each rank. */
  readonly #entries = new Map<string, (Entry | undefined)[]>();

  private constructor(path: string, text: string) {
    this.path = path;
    const problems: Problem[] = [];
    for (const [index, line] of text.split('\n').entries()) {
      if (line.trim() === '') continue;
      const fault = this.#take(line, index + 1);
      if (fault !== null)
        problems.push({ log: path, place: `line ${index + 1}`, reason: `${fault} The line was left out.` });
    }
    this.problems = problems;
  }

  /** Reads a label file; one that does not exist holds no labels, unless it must exist. */
  static read(path: string, { mustExist = false } = {}): Labels {
    try {
      return new Labels(path, readFileSync(path, 'utf8').replace(/^\uFEFF/, ''));
    } catch (error) {
      if (errorCode(error) === 'ENOENT' && !mustExist) return new Labels(path, '');
      throw new LratError(errorCode(error) === 'ENOENT' ? 'does not exist.' : 'cannot be read.', {
        place: path,
        remedy: 'Name a file of lines {log, step, label} that this user may read.',
        cause: error,
      });
    }
  }

  /** What counts for a browse. */
  readonly labelOf = (browse: BrowseKey): Label => this.recordOf(browse)?.label ?? 'unknown';

  /** The record that decides a browse's label, or null. */
  recordOf(browse: BrowseKey): LabelRecord | null {
    let best: Entry | null = null;
    for (const entries of this.#of(browse)) {
      for (const entry of entries) if (entry !== undefined && outranks(entry, best)) best = entry;
    }
    return best?.record ?? null;
  }

  /** The newest label of a browse by one kind of source, whether it decides or not. */
  recordBy(kind: LabelSource['kind'], browse: BrowseKey): LabelRecord | null {
    let best: Entry | null = null;
    for (const entries of this.#of(browse)) {
      const entry = entries[rank[kind]];
      if (entry !== undefined && (best === null || entry.line > best.line)) best = entry;
    }
    return best === null || best.record.label === null ? null : best.record;
  }

  /** Every record that counts within its rank, with its place, for checks and statistics. */
  *all(): Generator<{ readonly record: LabelRecord; readonly place: string }> {
    for (const entries of this.#entries.values()) {
      for (const entry of entries)
        if (entry !== undefined) yield { record: entry.record, place: `line ${entry.line}` };
    }
  }

  *#of({ log, trajectory, step, doc }: BrowseKey): Generator<readonly (Entry | undefined)[]> {
    // A record may name the log by its path or by its file name, and leave trajectory and document out.
    for (const name of new Set([log, basename(log)])) {
      for (const run of [trajectory, '*']) {
        for (const document of [doc ?? '', '*']) {
          const entries = this.#entries.get(key(name, step, run, document));
          if (entries !== undefined) yield entries;
        }
      }
    }
  }

  /** Takes a line in; says what is wrong with it, or null. */
  #take(line: string, number: number): string | null {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      return 'It is not JSON (a crash may have cut it off).';
    }
    const read = recordSchema.safeParse(value);
    if (!read.success) {
      const [issue] = read.error.issues;
      return `“${issue!.path.join('.')}”: ${issue!.message}.`;
    }
    const record = read.data;
    const at = key(
      record.log,
      record.step,
      record.trajectory ?? '*',
      record.doc === undefined ? '*' : (record.doc ?? ''),
    );
    const entries = this.#entries.get(at) ?? [];
    entries[rank[record.source.kind]] = { record, line: number };
    this.#entries.set(at, entries);
    return null;
  }
}

function outranks({ record, line }: Entry, other: Entry | null): boolean {
  // A label that was taken back leaves the decision to the others.
  if (record.label === null) return false;
  if (other === null) return true;
  const difference = rank[record.source.kind] - rank[other.record.source.kind];
  return difference > 0 || (difference === 0 && line > other.line);
}

function key(log: string, step: number, trajectory: string, doc: string): string {
  return JSON.stringify([log, step, trajectory, doc]);
}

/**
 * Appends labels to a label file, in one write, and makes sure that they are on the disk. A half line that a crash left
 * at the file's end stays as it is; ours begin on a line of their own.
 */
export function appendLabels(path: string, labels: readonly NewLabel[]): void {
  if (labels.length === 0) return;
  const lines = labels.map(label => `${JSON.stringify({ version: 1, ...label })}\n`).join('');
  try {
    const file = openSync(path, 'a+');
    try {
      const { size } = fstatSync(file);
      const last = Buffer.alloc(1);
      const whole = size === 0 || (readSync(file, last, 0, 1, size - 1) === 1 && last.toString() === '\n');
      const bytes = Buffer.from(whole ? lines : `\n${lines}`);
      const written = writeSync(file, bytes);
      if (written < bytes.length)
        throw Object.assign(new Error('the disk took only a part'), { code: 'ENOSPC' });
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw writeError(path, error);
  }
}
