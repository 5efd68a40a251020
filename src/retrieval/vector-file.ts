import { createHash } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as z from 'zod';
import { errorCode, LratError } from '../base/errors.ts';
import { refuseUnlessFile, writeError } from '../base/files.ts';
import { numberBytes, pack, precisions, sharedVectors, type Vectors } from './vectors.ts';

/**
 * The file of a corpus' vectors, in little-endian order as on every platform that this runs on:
 *
 *     magic, 8 bytes · version, u32 · length of the header, u32
 *     header: JSON, `VectorHeader` · seal
 *     blocks of `block` vectors, the last one of what is left: numbers · of int8 scales, f32 · seal
 *     ids of the documents, JSON · seal
 *
 * A seal is a SHA-256, 32 bytes, of the header's seal, the place (u32: of a block its number from 0, of the ids the number
 * of blocks) and what stands there. So a file can be written block by block and gone on with: what was written before a
 * crash counts up to the last block whose seal is right.
 */
const magic = Buffer.from('LRATVECS');
const version = 1;
const prefixBytes = 16;
const sealBytes = 32;

const headerSchema = z.strictObject({
  /** Fingerprints of what the vectors were made of. */
  source: z.strictObject({ model: z.string(), corpus: z.string() }),
  precision: z.enum(precisions),
  /** In how many bits the encoder multiplied matrices, if not in 32. */
  products: z.literal('int8').optional(),
  /** Tokens of a text that were read, if not as many as the model says. */
  maxTokens: z.int().positive().optional(),
  dimension: z.int().positive(),
  /** Documents of the corpus. */
  documents: z.int().nonnegative(),
  /** Vectors of a block. */
  block: z.int().positive(),
});

export type VectorHeader = Readonly<z.infer<typeof headerSchema>>;
export type VectorSource = VectorHeader['source'];
/** How vectors are computed and kept. */
export type VectorForm = Pick<VectorHeader, 'precision' | 'products' | 'maxTokens'>;

/** A form in words, of which the first is the precision, and the others say what is not as with the model alone. */
export function formInWords({ precision, products, maxTokens }: VectorForm): string[] {
  return [
    precision,
    ...(products === undefined ? [] : [`products in ${products}`]),
    ...(maxTokens === undefined ? [] : [`texts cut to ${maxTokens} tokens`]),
  ];
}

const remake = 'Make the vectors again, with lrat embed, from this corpus and with this model.';

/** Vectors that are written, and may be lost in a crash, at a time. */
export const blockSize = 2048;

/** Bytes read or written at once: less than 2 GiB, which is all that the system takes. */
const pieceBytes = 1 << 28;

function sealOf(place: number | null, headerSeal: Uint8Array, ...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256').update(headerSeal);
  if (place !== null) hash.update(Uint32Array.of(place));
  for (const part of parts) {
    for (let i = 0; i < part.length; i += pieceBytes) hash.update(part.subarray(i, i + pieceBytes));
  }
  return hash.digest();
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);

function encodeHeader(header: VectorHeader): { bytes: Buffer; seal: Buffer } {
  const json = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(prefixBytes);
  magic.copy(prefix);
  prefix.writeUInt32LE(version, magic.length);
  prefix.writeUInt32LE(json.length, magic.length + 4);
  const bytes = Buffer.concat([prefix, json]);
  return { bytes, seal: sealOf(null, bytes) };
}

const rowBytes = ({ precision, dimension }: VectorHeader) =>
  dimension * numberBytes[precision] + (precision === 'int8' ? 4 : 0);

/** Where block `n` begins, from the end of the header on; all blocks before it are whole. */
const blockOffset = (header: VectorHeader, n: number) => n * (header.block * rowBytes(header) + sealBytes);

const blockCount = ({ documents, block }: VectorHeader) => Math.ceil(documents / block);

/** Reads from a place of a file as many bytes as there are, at most as many as fit. */
function readInto(file: number, bytes: Uint8Array, offset: number): number {
  let done = 0;
  for (let n = 1; n > 0 && done < bytes.length; done += n) {
    n = readSync(file, bytes, done, Math.min(bytes.length - done, pieceBytes), offset + done);
  }
  return done;
}

function readAt(file: number, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(Math.max(0, length));
  return bytes.subarray(0, readInto(file, bytes, offset));
}

interface Opened {
  readonly header: VectorHeader;
  readonly seal: Buffer;
  /** Where the blocks begin. */
  readonly start: number;
}

/** The header of a file; what is wrong with it, if it has none. */
function readHeader(file: number): Opened | string {
  const prefix = readAt(file, 0, prefixBytes);
  if (prefix.length < prefixBytes || !prefix.subarray(0, magic.length).equals(magic))
    return 'holds no vectors that LRAT wrote.';
  const written = prefix.readUInt32LE(magic.length);
  if (written !== version) return `holds vectors of version ${written}; this LRAT reads version ${version}.`;
  const length = Math.min(prefix.readUInt32LE(magic.length + 4), fstatSync(file).size);
  const json = readAt(file, prefixBytes, length);
  const seal = sealOf(null, Buffer.concat([prefix, json]));
  const start = prefixBytes + length + sealBytes;
  if (!readAt(file, start - sealBytes, sealBytes).equals(seal)) return 'is cut off or damaged in its header.';
  return { header: headerSchema.parse(JSON.parse(json.toString())), seal, start };
}

/** Reads a block into its place among the vectors; false if it is not whole. */
function readBlock(
  file: number,
  { header, seal, start }: Opened,
  n: number,
  vectors: Vectors,
  at: number,
): boolean {
  const rows = Math.min(header.block, header.documents - n * header.block);
  const { dimension } = header;
  const numbers = bytesOf(vectors.numbers.subarray(at * dimension, (at + rows) * dimension));
  const scales = bytesOf(vectors.scales.subarray(at, at + rows));
  const offset = start + blockOffset(header, n);
  const end = offset + numbers.length + scales.length;
  return (
    readInto(file, numbers, offset) === numbers.length &&
    readInto(file, scales, offset + numbers.length) === scales.length &&
    readAt(file, end, sealBytes).equals(sealOf(n, seal, numbers, scales))
  );
}

/** Opens a file, which is closed after the work. */
function withFile<Result>(path: string, work: (file: number) => Result): Result {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    const missing = errorCode(cause) === 'ENOENT';
    throw new LratError(missing ? 'does not exist.' : `cannot be read (${errorCode(cause)}).`, {
      place: path,
      remedy: missing ? 'Make it first, with lrat embed.' : 'Name a file that this user may read.',
      cause,
    });
  }
  try {
    return work(file);
  } finally {
    closeSync(file);
  }
}

/** What a file of vectors says of itself. @throws LratError if it is missing or no such file. */
export function readVectorHeader(path: string): VectorHeader {
  const opened = withFile(path, readHeader);
  if (typeof opened === 'string') throw new LratError(opened, { place: path, remedy: remake });
  return opened.header;
}

/**
 * Reads the vectors of a corpus.
 * @param expected what they must have been made of
 * @throws LratError if the file is missing, foreign, cut off or damaged, or holds vectors of another model or corpus.
 */
export function readVectors(
  path: string,
  expected: VectorSource,
): { ids: readonly string[]; vectors: Vectors } {
  const fail = (message: string): never => {
    throw new LratError(message, { place: path, remedy: remake });
  };
  return withFile(path, file => {
    const opened = readHeader(file);
    if (typeof opened === 'string') return fail(opened);
    const { header, seal, start } = opened;
    for (const what of ['model', 'corpus'] as const) {
      if (header.source[what] !== expected[what]) {
        fail(`holds the vectors of another ${what} (${header.source[what]}, ${expected[what]} is needed).`);
      }
    }
    const blocks = blockCount(header);
    const end = fstatSync(file).size - sealBytes;
    const idsAt = start + blocks * sealBytes + header.documents * rowBytes(header);
    if (end < idsAt) fail('is cut off.');
    const vectors = sharedVectors(header.precision, header.documents, header.dimension);
    for (let n = 0; n < blocks; n++) {
      if (!readBlock(file, opened, n, vectors, n * header.block)) {
        fail(`is damaged: block ${n + 1} of ${blocks} is not what was written.`);
      }
    }
    const ids = readAt(file, idsAt, end - idsAt);
    if (!readAt(file, end, sealBytes).equals(sealOf(blocks, seal, ids))) fail('is damaged among its ids.');
    return { ids: JSON.parse(ids.toString()) as string[], vectors };
  });
}

/**
 * Writes a file of vectors, block by block, under a temporary name that tells the process: `NAME.PID.partial`. What a
 * process left that was stopped or killed is gone on with by the next one; a block that is not whole is written anew.
 */
export class VectorWriter {
  readonly #path: string;
  readonly #temporary: string;
  #file: number | undefined;
  readonly #opened: Opened;
  #blocks: number;

  /**
   * @throws LratError if a living process writes the same file, if what was begun is of another model or corpus, or in another form,
   * or if nothing can be written there.
   */
  constructor(path: string, header: VectorHeader) {
    refuseUnlessFile(path);
    this.#path = path;
    this.#temporary = `${path}.${process.pid}.partial`;
    const { bytes, seal } = encodeHeader(header);
    this.#opened = { header, seal, start: bytes.length + sealBytes };
    try {
      mkdirSync(dirname(path), { recursive: true });
      const begun = takeBegun(path, this.#temporary);
      this.#file = openSync(this.#temporary, begun ? 'r+' : 'wx+');
    } catch (error) {
      throw error instanceof LratError ? error : writeError(path, error);
    }
    try {
      this.#blocks = this.#wholeBlocks();
      if (this.#blocks === 0) {
        ftruncateSync(this.#file, 0);
        this.#write(0, bytes, seal);
      } else ftruncateSync(this.#file, this.#end());
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Vectors that are written. */
  get size(): number {
    const { block, documents } = this.#opened.header;
    return Math.min(documents, this.#blocks * block);
  }

  /**
   * Writes the next block.
   * @param rows row-major; `block` vectors, or those that are left
   */
  append(rows: Float32Array): void {
    const { dimension, precision, documents, block } = this.#opened.header;
    if (rows.length !== dimension * Math.min(block, documents - this.size)) {
      throw new RangeError(
        `${rows.length} numbers are not the next block of vectors of dimension ${dimension}`,
      );
    }
    const { numbers, scales } = pack(rows, dimension, precision);
    const parts = [bytesOf(numbers), bytesOf(scales)];
    this.#write(this.#end(), ...parts, sealOf(this.#blocks, this.#opened.seal, ...parts));
    this.#blocks++;
  }

  /** Makes the file whole: it appears under its own name, in place of what was there. */
  finish(ids: readonly string[]): void {
    const { header, seal } = this.#opened;
    if (ids.length !== header.documents || this.size !== ids.length) {
      throw new RangeError(`${ids.length} ids for ${this.size} of ${header.documents} vectors`);
    }
    const bytes = Buffer.from(JSON.stringify(ids));
    this.#write(this.#end(), bytes, sealOf(this.#blocks, seal, bytes));
    try {
      fsyncSync(this.#file!);
      this.close();
      renameSync(this.#temporary, this.#path);
    } catch (error) {
      throw writeError(this.#path, error);
    }
  }

  /** What is written stays, for the next one to go on with. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  /** Where the next block goes. The last block may be short, so that this is right behind the last one too. */
  #end(): number {
    const { header, start } = this.#opened;
    return start + this.#blocks * sealBytes + this.size * rowBytes(header);
  }

  #write(offset: number, ...parts: readonly Uint8Array[]): void {
    try {
      let at = offset;
      for (const part of parts) {
        for (let done = 0; done < part.length; ) {
          const n = writeSync(this.#file!, part, done, Math.min(part.length - done, pieceBytes), at);
          done += n;
          at += n;
        }
      }
    } catch (error) {
      throw writeError(this.#path, error);
    }
  }

  /** How many blocks of what was begun are whole, from the first on. */
  #wholeBlocks(): number {
    const found = readHeader(this.#file!);
    // Cut off in its header: there is nothing to lose.
    if (typeof found === 'string') return 0;
    const { header } = this.#opened;
    const another = differences.find(([, of]) => of(found.header) !== of(header));
    if (another !== undefined) {
      const [what, of] = another;
      throw new LratError(`was begun with another ${what} (${of(found.header)}, now ${of(header)}).`, {
        place: this.#temporary,
        remedy:
          'Go on with it as it was begun (lrat embed, --precision, --int8, --max-length), or delete this file.',
      });
    }
    const vectors = sharedVectors(
      header.precision,
      Math.min(header.block, header.documents),
      header.dimension,
    );
    let n = 0;
    while (n < blockCount(header) && readBlock(this.#file!, found, n, vectors, 0)) n++;
    return n;
  }
}

/** In what the header of one file may differ from another's, with words for it. */
const differences: readonly (readonly [string, (header: VectorHeader) => string | number])[] = [
  ['model', ({ source }) => source.model],
  ['corpus', ({ source }) => source.corpus],
  ['precision', ({ precision }) => precision],
  ['precision of products', ({ products }) => products ?? 'fp32'],
  ['greatest length of texts', ({ maxTokens }) => maxTokens ?? "the model's own"],
  ['dimension', ({ dimension }) => dimension],
  ['number of documents', ({ documents }) => documents],
  ['size of blocks', ({ block }) => block],
];

/** Takes over, under its own name, what another process has begun and not finished; false if there is no such file. */
function takeBegun(path: string, temporary: string): boolean {
  const begun = readdirSync(dirname(path)).flatMap(name => {
    const pid = /^\.(\d+)\.partial$/.exec(
      name.startsWith(basename(path)) ? name.slice(basename(path).length) : '',
    );
    return pid === null ? [] : [{ file: join(dirname(path), name), pid: Number(pid[1]) }];
  })[0];
  if (begun === undefined) return false;
  if (begun.pid !== process.pid && lives(begun.pid)) {
    throw new LratError(`is being written by process ${begun.pid}.`, {
      place: path,
      remedy: `Wait for it, or stop it; if that process is something else, delete ${begun.file}.`,
    });
  }
  renameSync(begun.file, temporary);
  return true;
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user may not be signalled, but is there.
    return errorCode(error) === 'EPERM';
  }
}
