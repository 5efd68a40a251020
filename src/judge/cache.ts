import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';
import { errorCode, LratError } from '../base/errors.ts';
import { writeError } from '../base/files.ts';

const entrySchema = z.object({
  /** SHA-256 of prompt, model and settings. */
  key: z.string(),
  label: z.enum(['relevant', 'irrelevant']),
  reason: z.string(),
});
export type CachedVerdict = z.infer<typeof entrySchema>;

/** Verdicts that a model has given, in a file that is only ever appended to: what was paid for survives any kill. */
export class VerdictCache {
  readonly #path: string;
  readonly #verdicts = new Map<string, CachedVerdict>();
  #descriptor: number | undefined;

  constructor(path: string) {
    this.#path = path;
    for (const line of this.#read().split('\n')) {
      const entry = parse(line);
      if (entry !== null) this.#verdicts.set(entry.key, entry);
    }
  }

  get(key: string): CachedVerdict | undefined {
    return this.#verdicts.get(key);
  }

  add(verdict: CachedVerdict): void {
    this.#verdicts.set(verdict.key, verdict);
    try {
      this.#descriptor ??= this.#open();
      writeSync(this.#descriptor, `${JSON.stringify(verdict)}\n`);
    } catch (error) {
      throw writeError(this.#path, error);
    }
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #open(): number {
    mkdirSync(dirname(this.#path), { recursive: true });
    const descriptor = openSync(this.#path, 'a+');
    // A kill may have cut the last line: it stays, and the next one begins on its own line.
    const { size } = fstatSync(descriptor);
    if (size > 0 && !this.#read().endsWith('\n')) writeSync(descriptor, '\n');
    return descriptor;
  }

  #read(): string {
    try {
      return readFileSync(this.#path, 'utf8');
    } catch (cause) {
      if (errorCode(cause) === 'ENOENT') return '';
      throw new LratError(`could not be read (${errorCode(cause) ?? String(cause)}).`, {
        place: this.#path,
        remedy:
          'Give this user permission to read it, or move it away: it only saves asking the model again.',
        cause,
      });
    }
  }
}

function parse(line: string): CachedVerdict | null {
  try {
    return entrySchema.parse(JSON.parse(line));
  } catch {
    return null;
  }
}
