import { isMainThread } from 'node:worker_threads';
import type * as Ort from 'onnxruntime-node';
import { LratError } from '../base/errors.ts';
import { type Graph, toOnnx, type Value } from './graph.ts';
import { encodeModel } from './onnx.ts';
import { describeType, HostTensor, type Tensor, type TensorData } from './tensor.ts';

export interface CompileOptions {
  /** Where it runs. */
  readonly device: 'cpu';
  /** Threads within one operator. */
  readonly threads: number;
}

/**
 * A graph that runs. `Outputs` says under which names it gives results.
 *
 * A run occupies the thread that it is called from until it is done, though it returns a promise: programs belong into a
 * command-line process or a worker, never on an editor's thread.
 */
export interface Program<Outputs> {
  /** The inputs that this program needs, by name. */
  readonly inputs: ReadonlyMap<string, Value>;
  /**
   * Computes the outputs. Takes any of the graph's inputs and uses those it needs, so that programs of one graph can be
   * fed alike. The same feeds give the same results.
   *
   * @throws LratError if an input is missing, unknown or of another type, or if the computation fails.
   */
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Results<Outputs>>;
  dispose(): Promise<void>;
}

/** A tensor for each output. */
export type Results<Outputs> = { [Name in keyof Outputs]: Tensor };

let loading: Promise<typeof Ort> | undefined;

/** ONNX Runtime reads the variable when it is loaded, and sends telemetry unless it is set. */
function onnxRuntime(): Promise<typeof Ort> {
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

/** What could compute on this machine, and what does. */
export interface DeviceReport {
  /** Version of ONNX Runtime. */
  readonly runtime: string;
  /** Its execution providers; one that is not bundled needs libraries of its own. */
  readonly providers: readonly { readonly name: string; readonly bundled: boolean }[];
  readonly used: CompileOptions['device'];
}

export async function describeDevices(): Promise<DeviceReport> {
  const ort = await onnxRuntime();
  return { runtime: ort.env.versions.common, providers: ort.listSupportedBackends(), used: 'cpu' };
}

/** Makes a program that computes `outputs` (each under its key) from what they depend on. */
export async function compile<Outputs extends Readonly<Record<string, Value>>>(
  graph: Graph,
  outputs: Outputs,
  options: CompileOptions,
): Promise<Program<Outputs>> {
  const ort = await onnxRuntime();
  const place = `graph '${graph.name}'`;
  const named = Object.entries(outputs);
  const { model, inputs, outputNames } = toOnnx(
    graph,
    named.map(([, value]) => value),
  );
  let session: Ort.InferenceSession;
  try {
    session = await ort.InferenceSession.create(encodeModel(model), {
      executionProviders: [options.device],
      intraOpNumThreads: options.threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      // Plans of memory use are kept per shape and cost more than they save (1.65 GB against 2.7 GB on a small BERT).
      enableMemPattern: false,
      // Errors come as exceptions; the log would print them as well.
      logSeverityLevel: 4,
    });
  } catch (error) {
    throw new LratError(`ONNX Runtime refused the graph: ${message(error)}`, { place, cause: error });
  }

  return {
    inputs,
    async run(feeds) {
      const unknown = Object.keys(feeds).filter(name => !graph.inputs.has(name));
      if (unknown.length > 0) throw new LratError(`there is no input ${unknown.join(', ')}.`, { place });
      const ortFeeds: Record<string, Ort.Tensor> = {};
      for (const [name, value] of inputs) {
        const fed = feeds[name];
        if (fed === undefined)
          throw new LratError(`the input ${name} ${describeType(value)} is missing.`, { place });
        if (describeType(fed) !== describeType(value)) {
          throw new LratError(
            `the input ${name} is ${describeType(value)} and was fed ${describeType(fed)}.`,
            { place },
          );
        }
        ortFeeds[name] = new ort.Tensor(fed.dtype, await fed.read(), fed.shape);
      }
      let results: Ort.InferenceSession.ReturnType;
      try {
        results = await session.run(ortFeeds);
      } catch (error) {
        throw new LratError(`the computation failed: ${message(error)}`, { place, cause: error });
      }
      const tensors: Record<string, Tensor> = {};
      for (const [key, value] of named) {
        const { data } = results[outputNames.get(value)!] as Ort.Tensor;
        tensors[key] = new HostTensor(value.dtype, value.shape, data as TensorData);
      }
      return tensors as Results<Outputs>;
    },
    dispose: () => session.release(),
  };
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
