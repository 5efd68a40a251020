import { isMainThread } from 'node:worker_threads';
import type * as Ort from 'onnxruntime-node';
import { LratError } from '../base/errors.ts';
import { encodeModel, type OnnxModel } from './onnx.ts';

/** Where a program can run. */
export type Device = 'cpu' | 'webgpu';

let loading: Promise<typeof Ort> | undefined;

/** ONNX Runtime reads the variable when it is loaded, and sends telemetry unless it is set. */
export function onnxRuntime(): Promise<typeof Ort> {
  if (!isMainThread && process.env.ORT_DISABLE_TELEMETRY !== '1') {
    // A worker's environment is a copy which native code does not see.
    throw new Error(
      'set ORT_DISABLE_TELEMETRY=1 in the main thread before a worker is started that uses the engine',
    );
  }
  process.env.ORT_DISABLE_TELEMETRY = '1';
  loading ??= import('onnxruntime-node');
  return loading;
}

export interface SessionOptions {
  readonly device: Device;
  readonly threads: number;
  /** Names of outputs that stay in the GPU's memory. */
  readonly onDevice?: readonly string[];
  /** Weights that the model names and does not contain. */
  readonly weights?: OnnxModel['weights'] | undefined;
}

/** A model in ONNX Runtime. @throws LratError if the runtime refuses it */
export async function openSession(
  model: OnnxModel,
  { device, threads, onDevice = [], weights = [] }: SessionOptions,
): Promise<Ort.InferenceSession> {
  const ort = await onnxRuntime();
  try {
    const bytes = encodeModel(model, ({ name }) => ({ location: name, offset: 0 }));
    return await ort.InferenceSession.create(bytes, {
      executionProviders: [device],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      // Plans of memory use are kept per shape and cost more than they save (1.65 GB against 2.7 GB on a small BERT).
      enableMemPattern: false,
      // Errors come as exceptions; the log would print them as well.
      logSeverityLevel: 4,
      ...(onDevice.length > 0 && {
        preferredOutputLocation: Object.fromEntries(onDevice.map(name => [name, 'gpu-buffer' as const])),
      }),
      // Handed over as they are: a protobuf would be another copy, and ends at 2 GB.
      ...(weights.length > 0 && {
        externalData: weights.map(({ name, bytes }) => ({ path: name, data: bytes() })),
      }),
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new LratError(`ONNX Runtime refused the graph: ${reason}`, {
      place: `model '${model.name}'`,
      cause: error,
    });
  }
}
