import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as z from 'zod';
import { errorCode, LratError } from '../base/errors.ts';
import { AtomicFile } from '../base/files.ts';
import { halfPrecision } from '../base/half.ts';
import { sharedFloats } from '../base/shared.ts';

/** A tensor in main memory, row-major. */
export interface FloatTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Bytes from the beginning of the file. */
  readonly begin: number;
  readonly end: number;
}

const elementBytes: Record<string, number> = {
  F64: 8,
  I64: 8,
  U64: 8,
  F32: 4,
  I32: 4,
  U32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

/** What the format's own library allows. */
const headerLimit = 100_000_000;

/** The header of a `.safetensors` file, checked; tensors are read when they are asked for. */
export interface Safetensors {
  readonly path: string;
  readonly names: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * Reads a tensor of type F32, F16 or BF16 into 32 bits (`sharedFloats`).
   * @param shape sizes that it must have; -1 leaves one open.
   * @throws LratError if it is missing, or of another type or shape.
   */
  floats(name: string, shape: readonly number[]): FloatTensor;
}

/** @throws LratError if the file is missing, cut off, or its header is not what the format says. */
export function openSafetensors(path: string): Safetensors {
  const fail = (message: string, remedy = 'Copy or download the file again.'): never => {
    throw new LratError(message, { place: path, remedy });
  };
  const { header, begin, size } = withFile(path, file => {
    const { size } = fstatSync(file);
    const length = size < 8 ? -1 : Number(read(file, 0, 8).readBigUInt64LE());
    if (length < 2) fail(`is no safetensors file: it has ${size} bytes and no header.`);
    if (length > headerLimit) fail(`is no safetensors file: its header would have ${length} bytes.`);
    if (8 + length > size) fail(`is cut off: the header has ${length} bytes, the file ${size}.`);
    return { header: read(file, 8, length).toString(), begin: 8 + length, size };
  });

  let parsed: unknown;
  try {
    parsed = JSON.parse(header);
  } catch {
    fail('is no safetensors file: its header is not JSON.');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return fail('is no safetensors file: its header is not an object.');
  }
  let metadata: Record<string, string> = {};
  const entries = new Map<string, Entry>();
  for (const [name, value] of Object.entries(parsed)) {
    if (name === '__metadata__') metadata = value as Record<string, string>;
    else entries.set(name, checkEntry(value, begin, size) ?? fail(`tensor '${name}' is described wrongly.`));
  }
  for (const [name, { end }] of entries) {
    if (end > size) fail(`is cut off: tensor '${name}' ends at byte ${end}, the file has ${size}.`);
  }

  return {
    path,
    names: [...entries.keys()],
    metadata,
    floats(name, shape) {
      const entry = entries.get(name);
      if (entry === undefined) {
        const there = [...entries.keys()].slice(0, 5).join(', ') || 'none';
        return fail(
          `tensor '${name}' is missing (there: ${there}).`,
          'Export the model again with all its tensors.',
        );
      }
      const fill = filling[entry.dtype];
      if (fill === undefined) {
        return fail(
          `tensor '${name}' is ${entry.dtype}; F32, F16 or BF16 is needed.`,
          'Save the model in floating point of 16 or 32 bits.',
        );
      }
      const fits =
        entry.shape.length === shape.length && shape.every((n, i) => n === -1 || n === entry.shape[i]);
      if (!fits) {
        fail(
          `tensor '${name}' has shape [${entry.shape.join(', ')}], [${shape.join(', ').replaceAll('-1', 'any')}] is needed.`,
          'The tensors and the other files of the folder belong to different models: copy the whole folder again.',
        );
      }
      const data = sharedFloats(entry.shape.reduce((product, n) => product * n, 1));
      withFile(path, file => fill(data, bytes => readInto(bytes, file, entry.begin)));
      return { shape: entry.shape, data };
    },
  };
}

/** Reads the numbers of each type that a model may be kept in, into 32 bits. */
const filling: Readonly<Record<string, (data: Float32Array, read: (bytes: Buffer) => void) => void>> = {
  F32: (data, read) => read(Buffer.from(data.buffer)),
  BF16(data, read) {
    const bits = new Uint32Array(data.buffer);
    const halves = halvesOf(data.length, read);
    for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  },
  F16(data, read) {
    const table = halfPrecision();
    const halves = halvesOf(data.length, read);
    for (let i = 0; i < halves.length; i++) data[i] = table[halves[i]!]!;
  },
};

function halvesOf(length: number, read: (bytes: Buffer) => void): Uint16Array {
  const halves = new Uint16Array(length);
  read(Buffer.from(halves.buffer));
  return halves;
}

function checkEntry(value: unknown, begin: number, size: number): Entry | null {
  if (typeof value !== 'object' || value === null) return null;
  const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
  const whole = (list: unknown): list is number[] =>
    Array.isArray(list) && list.every(n => Number.isSafeInteger(n) && (n as number) >= 0);
  if (typeof dtype !== 'string' || !(dtype in elementBytes) || !whole(shape) || !whole(offsets)) return null;
  const [from, to] = offsets;
  if (offsets.length !== 2 || from! > to!) return null;
  if (shape.reduce((product, n) => product * n, elementBytes[dtype]!) !== to! - from!) return null;
  // The end is compared with the file's size by the caller, which has the better message.
  return from! > size ? null : { dtype, shape, begin: begin + from!, end: begin + to! };
}

function withFile<T>(path: string, use: (file: number) => T): T {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    const message = errorCode(cause) === 'ENOENT' ? 'does not exist.' : `cannot be read (${String(cause)}).`;
    throw new LratError(message, { place: path, remedy: 'Name a complete model folder.', cause });
  }
  try {
    return use(file);
  } finally {
    closeSync(file);
  }
}

/** What models are read from: one file, or several that an index names. */
export type Tensors = Pick<Safetensors, 'names' | 'floats'>;

const shardIndex = z.object({ weight_map: z.record(z.string(), z.string()) });

/**
 * Opens `model.safetensors` of a folder, or the shards that `model.safetensors.index.json` names.
 * @throws LratError as `openSafetensors`, or if the index is malformed or names files elsewhere
 */
export function openModelTensors(folder: string): Tensors {
  const single = join(folder, 'model.safetensors');
  const place = `${single}.index.json`;
  if (existsSync(single) || !existsSync(place)) return openSafetensors(single);
  const damaged = (cause?: unknown) =>
    new LratError('is no index of shards.', { place, remedy: 'Copy the whole model folder again.', cause });
  let files: Record<string, string>;
  try {
    files = shardIndex.parse(JSON.parse(readFileSync(place, 'utf8'))).weight_map;
  } catch (cause) {
    throw damaged(cause);
  }
  if (Object.values(files).some(file => basename(file) !== file)) throw damaged();
  const shards = new Map<string, Safetensors>();
  return {
    names: Object.keys(files),
    floats(name, shape) {
      const file = files[name];
      if (file === undefined) {
        throw new LratError(`tensor '${name}' is missing.`, {
          place,
          remedy: 'Export the model again with all its tensors.',
        });
      }
      const shard = shards.get(file) ?? openSafetensors(join(folder, file));
      shards.set(file, shard);
      return shard.floats(name, shape);
    },
  };
}

function read(file: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  readInto(bytes, file, position);
  return bytes;
}

function readInto(bytes: Buffer, file: number, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    const n = readSync(file, bytes, done, Math.min(bytes.length - done, 1 << 30), position + done);
    if (n === 0) throw new Error('the file became shorter while it was read');
    done += n;
  }
}

/** Writes F32 tensors; the file appears when it is whole. */
export function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, FloatTensor>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  const header: Record<string, unknown> =
    Object.keys(metadata).length === 0 ? {} : { __metadata__: metadata };
  let offset = 0;
  for (const [name, { shape, data }] of tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header));
  // Blanks bring the data to a multiple of 8 bytes, as the format wants.
  const padded = Buffer.alloc(Math.ceil(json.length / 8) * 8, ' ');
  json.copy(padded);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  const file = new AtomicFile(path);
  file.write(Buffer.concat([length, padded]));
  for (const { data } of tensors.values())
    file.write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  file.commit();
}
