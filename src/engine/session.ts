import type * as Ort from 'onnxruntime-node';
import { LratError } from '../base/errors.ts';
import { fromRuntime, prepareCopies, toRuntime } from './device-tensor.ts';
import { computationFailed, tooLarge, workingWebGpu } from './devices.ts';
import { ancestry, type Graph, toOnnx, type Value } from './graph.ts';
import { type Device, openSession } from './runtime.ts';
import { byteSize, describeType, type Tensor } from './tensor.ts';

export interface CompileOptions {
  /** Where it runs (see `chooseDevice`). */
  readonly device: Device;
  /** Threads within one operator of the CPU. */
  readonly threads: number;
  /**
   * Outputs that stay in the device's memory: to feed another run with, without a way through main memory. Each takes its
   * memory until it is disposed of. On the CPU there is nothing to keep apart.
   */
  readonly keep?: readonly string[];
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

/** Makes a program that computes `outputs` (each under its key) from what they depend on. */
export async function compile<Outputs extends Readonly<Record<string, Value>>>(
  graph: Graph,
  outputs: Outputs,
  { device, threads, keep = [] }: CompileOptions,
): Promise<Program<Outputs>> {
  const place = `graph '${graph.name}'`;
  const named = Object.entries(outputs);
  const values = named.map(([, value]) => value);
  const unknown = keep.filter(name => outputs[name] === undefined);
  if (unknown.length > 0) throw new RangeError(`${place} has no output ${unknown.join(', ')} to keep`);
  if (device === 'webgpu') await prepareWebGpu(values, place);
  const { model, inputs, outputNames } = toOnnx(graph, values);
  const onDevice = device === 'cpu' ? [] : keep.map(name => outputNames.get(outputs[name]!)!);
  const session = await openSession(model, { device, threads, onDevice });

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
        ortFeeds[name] = await toRuntime(fed, device);
      }
      let results: Ort.InferenceSession.ReturnType;
      try {
        results = await session.run(ortFeeds);
      } catch (error) {
        throw computationFailed(error, device, place);
      }
      const tensors: Record<string, Tensor> = {};
      for (const [key, value] of named) {
        tensors[key] = fromRuntime(value, results[outputNames.get(value)!] as Ort.Tensor);
      }
      return tensors as Results<Outputs>;
    },
    dispose: () => session.release(),
  };
}

/**
 * Makes sure that WebGPU works and that what is computed fits: the runtime finds out in the middle of a run, and a driver
 * may take the process with it.
 */
async function prepareWebGpu(values: readonly Value[], place: string): Promise<void> {
  const { tensorBytes } = await workingWebGpu(place);
  const all = ancestry(values);
  const double = all.find(({ dtype }) => dtype === 'float64');
  if (double !== undefined)
    throw new LratError(`${double.name} is float64, which WebGPU does not have.`, {
      place,
      remedy: 'Compute on the CPU.',
    });
  const large = all.find(value => byteSize(value) > tensorBytes);
  if (large !== undefined) {
    const named = { name: `${large.name} ${describeType(large)}`, bytes: byteSize(large) };
    throw new LratError(`${tooLarge(named, tensorBytes)}.`, {
      place,
      remedy: 'Compute on the CPU, or with smaller batches where the size comes of them.',
    });
  }
  await prepareCopies();
}
