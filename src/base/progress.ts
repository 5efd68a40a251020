/** How far a long piece of work has come. Counts are of `unit`; `total` is undefined while it is not known. */
export interface Progress {
  /** What is going on, in the present tense: `Indexing`, `Training`. */
  readonly task: string;
  readonly done: number;
  readonly total: number | undefined;
  readonly unit: string;
  /** A short addition for people, such as the current loss. */
  readonly detail?: string;
}

/** A line that carries progress as JSON, as the command line writes it for the programs that start it. */
export function parseProgress(line: string): Progress | undefined {
  if (!line.startsWith('{"task":')) return undefined;
  try {
    return JSON.parse(line) as Progress;
  } catch {
    return undefined;
  }
}

/** What every long piece of work takes: a way to report, and a way to be stopped. */
export interface Job {
  readonly report: (progress: Progress) => void;
  readonly signal: AbortSignal;
}

/** A job that nobody watches and nobody stops. */
export const unwatched: Job = { report: () => {}, signal: new AbortController().signal };
