import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { errorCode, LratError } from '../base/errors.ts';
import { AtomicFile } from '../base/files.ts';

/**
 * The file of an index, in little-endian order as on every platform that this runs on:
 *
 *     magic, 8 bytes · version, u32 · length of the header, u32
 *     header: JSON { kind, meta, sections: { name: { type, length } } }, blanks to a multiple of 8 bytes
 *     sections in the header's order, zeros to a multiple of 8 bytes each
 *     SHA-256 of everything before, 32 bytes
 */
const magic = Buffer.from('LRATINDX');
/** Also raised when the analyser gives other terms: those of the query must be those of the index. */
const version = 1;
const prefixBytes = 16;
const checksumBytes = 32;
const alignment = 8;

/** What a file can hold: whole numbers, or strings (as JSON). */
export type Section = Uint32Array | readonly string[];

interface Header {
  readonly kind: string;
  readonly meta: unknown;
  readonly sections: Readonly<
    Record<string, { readonly type: keyof typeof decoders; readonly length: number }>
  >;
}

const decoders = {
  u32: (bytes: Buffer) => new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4),
  strings: (bytes: Buffer) => JSON.parse(bytes.toString()) as string[],
};

function encode(section: Section): { type: keyof typeof decoders; bytes: Uint8Array } {
  if (section instanceof Uint32Array) {
    return { type: 'u32', bytes: new Uint8Array(section.buffer, section.byteOffset, section.byteLength) };
  }
  return { type: 'strings', bytes: Buffer.from(JSON.stringify(section)) };
}

const padding = (length: number) => -length & (alignment - 1);

/** Writes an index; the file appears when it is whole. */
export function writeIndexFile(
  path: string,
  kind: string,
  meta: object,
  sections: Readonly<Record<string, Section>>,
): void {
  const encoded = Object.entries(sections).map(([name, section]) => ({ name, ...encode(section) }));
  const described = Object.fromEntries(
    encoded.map(({ name, type, bytes }) => [name, { type, length: bytes.length }]),
  );
  const header = Buffer.from(JSON.stringify({ kind, meta, sections: described } satisfies Header));
  const prefix = Buffer.alloc(prefixBytes);
  magic.copy(prefix);
  prefix.writeUInt32LE(version, 8);
  prefix.writeUInt32LE(header.length + padding(header.length), 12);

  const file = new AtomicFile(path);
  const hash = createHash('sha256');
  const write = (bytes: Uint8Array) => {
    for (const piece of pieces(bytes)) {
      hash.update(piece);
      file.write(piece);
    }
  };
  write(prefix);
  write(Buffer.concat([header, Buffer.alloc(padding(header.length), ' ')]));
  for (const { bytes } of encoded) {
    write(bytes);
    write(Buffer.alloc(padding(bytes.length)));
  }
  file.write(hash.digest());
  file.commit();
}

/** An index as read: what its writer gave, under the same names. */
export interface IndexFile<Meta, Sections> {
  readonly meta: Meta;
  readonly sections: Sections;
}

/**
 * Reads an index that `writeIndexFile` wrote under the same kind. The numbers are views of the file's bytes in memory.
 * The types are the caller's word: what has the right kind, version and checksum is what its writer wrote.
 *
 * @throws LratError if the file is missing, foreign, of another kind or version, cut off or damaged.
 */
export function readIndexFile<Meta, Sections extends Readonly<Record<string, Section>>>(
  path: string,
  kind: string,
): IndexFile<Meta, Sections> {
  const fail = (message: string): never => {
    throw new LratError(message, { place: path, remedy: rebuild });
  };
  const bytes = readWhole(path);
  if (bytes.length < prefixBytes || !bytes.subarray(0, magic.length).equals(magic)) {
    fail('is no index that LRAT wrote.');
  }
  const written = bytes.readUInt32LE(8);
  if (written !== version) fail(`is an index of version ${written}; this LRAT reads version ${version}.`);
  const end = Math.max(0, bytes.length - checksumBytes);
  if (!checksum(bytes.subarray(0, end)).equals(bytes.subarray(end))) {
    fail('is cut off or damaged: its checksum does not match.');
  }

  let offset = prefixBytes + bytes.readUInt32LE(12);
  const header = JSON.parse(bytes.toString('utf8', prefixBytes, offset)) as Header;
  if (header.kind !== kind) fail(`is an index of another kind ('${header.kind}', '${kind}' is needed).`);
  const sections: Record<string, Section> = {};
  for (const [name, { type, length }] of Object.entries(header.sections)) {
    sections[name] = decoders[type](bytes.subarray(offset, offset + length));
    offset += length + padding(length);
  }
  return { meta: header.meta as Meta, sections: sections as Sections };
}

/** The remedy for every index that cannot be used: an index is made from its corpus at any time. */
export const rebuild = 'Delete it and build the index again from the corpus.';

function checksum(bytes: Uint8Array): Buffer {
  const hash = createHash('sha256');
  for (const piece of pieces(bytes)) hash.update(piece);
  return hash.digest();
}

/** Hashes, reads and writes take less than 2 GiB at once; an index may be larger. */
const pieceBytes = 1 << 28;

function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += pieceBytes) yield bytes.subarray(i, i + pieceBytes);
}

/** A file's bytes in memory of their own, so that they are aligned for every element type. */
function readWhole(path: string): Buffer {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const bytes = Buffer.from(new ArrayBuffer(fstatSync(file).size));
    let done = 0;
    for (let n = 1; n > 0 && done < bytes.length; done += n) {
      n = readSync(file, bytes, done, Math.min(bytes.length - done, pieceBytes), done);
    }
    return bytes.subarray(0, done);
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') {
      throw new LratError('does not exist.', { place: path, remedy: 'Build the index first.', cause });
    }
    throw new LratError(`cannot be read (${cause instanceof Error ? cause.message : String(cause)}).`, {
      place: path,
      remedy: 'Name a file that this user may read.',
      cause,
    });
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
