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

/** What every long piece of work takes: a way to report, and a way to be stopped. */
export interface Job {
  readonly report: (progress: Progress) => void;
  readonly signal: AbortSignal;
}

/** A job that nobody watches and nobody stops. */
export const unwatched: Job = { report: () => {}, signal: new AbortController().signal };
