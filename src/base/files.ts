import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  write,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { errorCode, LratError } from './errors.ts';

const remedies: Record<string, string> = {
  ENOSPC: 'Free space on the disk and run the command again; nothing that was there before has changed.',
  EACCES: 'Give this user permission to write there, or choose another place.',
  EROFS: 'The file system is read-only; choose another place.',
};

const writePart = promisify(write);

/** A failed write as an error that names the file and the remedy. */
export function writeError(path: string, cause: unknown): LratError {
  const remedy = remedies[errorCode(cause) ?? ''];
  return new LratError(`could not be written (${cause instanceof Error ? cause.message : String(cause)}).`, {
    place: path,
    cause,
    ...(remedy === undefined ? {} : { remedy }),
  });
}

/**
 * To be asked before the work whose result will be renamed to `path`: a folder would refuse that, and a device or a pipe
 * would be replaced by a file.
 */
export function refuseUnlessFile(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) {
    throw new LratError('is a folder, a device or a pipe, which a file must not replace.', {
      place: path,
      remedy: 'Name a file, new or to be replaced.',
    });
  }
}

/** A file that is written in pieces under a temporary name and takes its own name when it is whole. */
export class AtomicFile {
  readonly path: string;
  readonly #temporary: string;
  #descriptor: number | undefined;
  /** What is written in the background. */
  #writing: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.path = path;
    this.#temporary = `${path}.${randomUUID().slice(0, 8)}.tmp`;
    refuseUnlessFile(path);
    try {
      mkdirSync(dirname(path), { recursive: true });
      this.#descriptor = openSync(this.#temporary, 'wx');
    } catch (error) {
      throw writeError(path, error);
    }
  }

  write(data: string | Uint8Array): void {
    try {
      const bytes = typeof data === 'string' ? Buffer.from(data) : data;
      for (let written = 0; written < bytes.length; ) {
        written += writeSync(this.#descriptor!, bytes, written);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * Writes in the background, after what was handed over before; resolves when that is written, so that no more than one
   * piece is under way. `settle` before the file is committed or discarded, or written to otherwise.
   */
  async writeSoon(data: string): Promise<void> {
    const before = this.#writing;
    const bytes = Buffer.from(data);
    this.#writing = before.then(async () => {
      for (let written = 0; written < bytes.length; )
        written += (await writePart(this.#descriptor!, bytes, written)).bytesWritten;
    });
    // Told to whoever waits for it; nobody may until later.
    this.#writing.catch(() => {});
    await before.catch(error => this.#fail(error));
  }

  /** Waits until everything is written. */
  async settle(): Promise<void> {
    await this.#writing.catch(error => this.#fail(error));
  }

  #fail(error: unknown): never {
    this.discard();
    throw writeError(this.path, error);
  }

  /**
   * Makes the file whole: it appears under its own name, in place of what was there.
   * @param isLasting whether it must be there after a power cut too, which takes the disk's time
   */
  commit({ isLasting = true } = {}): void {
    try {
      if (isLasting) fsyncSync(this.#descriptor!);
      closeSync(this.#descriptor!);
      this.#descriptor = undefined;
      renameSync(this.#temporary, this.path);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Leaves what was there before as it was. */
  discard(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
    rmSync(this.#temporary, { force: true });
  }
}

/** Writes a whole file by temporary name and rename: a reader sees the old content or the new, never a part. */
export function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  options: { isLasting?: boolean } = {},
): void {
  const file = new AtomicFile(path);
  file.write(data);
  file.commit(options);
}
