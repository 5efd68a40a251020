/**
 * An error that a user can act on: what is wrong, where, and what to do about it.
 * Everything that the product raises on purpose is one of these; anything else is a bug.
 */
export class LratError extends Error {
  /** File, and where known the line or record, that the error is about. */
  readonly place: string | undefined;
  /** What the user can do about it, as a sentence. */
  readonly remedy: string | undefined;

  constructor(message: string, options: { place?: string; remedy?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'LratError';
    this.place = options.place;
    this.remedy = options.remedy;
  }
}

/** One line for people: `place: message. remedy`. */
export function describeError(error: unknown): string {
  if (error instanceof LratError) {
    const where = error.place === undefined ? '' : `${error.place}: `;
    return `${where}${error.message}${error.remedy === undefined ? '' : ` ${error.remedy}`}`;
  }
  return error instanceof Error ? error.message : String(error);
}

/** The system's code of an error (`ENOENT`, `ENOSPC`, …), if it has one. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
