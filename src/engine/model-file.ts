import { rmSync } from 'node:fs';
import { basename } from 'node:path';
import { AtomicFile } from '../base/files.ts';
import { byteLength, encodeModel, encodeWeight, type OnnxModel, type OnnxWeight } from './onnx.ts';

/** Protobuf ends at 2 GiB; some is left for what is not weights. */
const largestModel = 2 ** 31 - 2 ** 26;
/** Where the system maps files into memory, weights have to begin at such multiples (Windows' is the largest). */
const alignment = 2 ** 16;
/** Bytes that are written by one call. */
const piece = 2 ** 28;

export interface ModelFile {
  readonly path: string;
  readonly bytes: number;
}

/**
 * Writes a model as an ONNX file, weight by weight, so that no more than one of them is in memory twice. The weights of a
 * model that is too large for one file go into a second one beside it, `<path>_data`, where ONNX Runtime looks for them.
 *
 * @param onWeight called before each weight; what it throws ends the writing, and leaves the files that were there
 * @param most bytes that weights may take in the model's own file
 * @returns the files, the model's own first
 */
export function writeModel(
  path: string,
  model: OnnxModel,
  onWeight: (bytesBefore: number) => void,
  most = largestModel,
): ModelFile[] {
  const weights = model.weights ?? [];
  const isOneFile = weights.reduce((sum, weight) => sum + byteLength(weight), 0) <= most;
  const dataPath = `${path}_data`;
  const places = new Map<OnnxWeight, number>();
  const file = new AtomicFile(path);
  const data = isOneFile ? null : new AtomicFile(dataPath);
  const written = { file: 0, data: 0 };
  const put = (to: keyof typeof written, bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length; at += piece)
      (to === 'file' ? file : data!).write(bytes.subarray(at, at + piece));
    written[to] += bytes.length;
  };
  try {
    if (data === null) put('file', encodeModel(model));
    for (const weight of weights) {
      onWeight(written.file + written.data);
      if (data === null) put('file', encodeWeight(weight));
      else {
        put('data', new Uint8Array(-written.data & (alignment - 1)));
        places.set(weight, written.data);
        put('data', weight.bytes());
      }
    }
    if (data !== null) {
      const location = basename(dataPath);
      put(
        'file',
        encodeModel(model, weight => ({ location, offset: places.get(weight)! })),
      );
    }
  } catch (error) {
    file.discard();
    data?.discard();
    throw error;
  }
  data?.commit();
  file.commit();
  if (data === null) rmSync(dataPath, { force: true });
  const own = { path, bytes: written.file };
  return data === null ? [own] : [own, { path: dataPath, bytes: written.data }];
}
