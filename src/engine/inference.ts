import type * as Ort from 'onnxruntime-node';
import { fromRuntime, prepareCopies, toRuntime } from './device-tensor.ts';
import { computationFailed, workingWebGpu } from './devices.ts';
import type { OnnxModel } from './onnx.ts';
import { type Device, openSession } from './runtime.ts';
import type { DataType, HostTensor, Tensor } from './tensor.ts';

/** A model that runs. */
export interface LoadedModel<Result extends Tensor = HostTensor> {
  /**
   * Computes the outputs. It occupies the thread that it is called from until it is done, though it returns a promise: it
   * belongs into a command-line process or a worker, never on an editor's thread. The same feeds give the same results.
   * @param into tensors in main memory that outputs of the same names and shapes are written to, and given back as
   * @throws LratError if that fails
   */
  run(
    feeds: Readonly<Record<string, Tensor>>,
    into?: Readonly<Record<string, HostTensor>>,
  ): Promise<Readonly<Record<string, Result>>>;
  dispose(): Promise<void>;
}

interface LoadOptions {
  readonly device: Device;
  readonly threads: number;
}

/**
 * Makes a model ready to run. Its weights are not needed any more afterwards.
 * @param options `keep` names outputs that stay in the device's memory: to feed another run with, without a way through main
 * memory. Each takes its memory until it is disposed of. On the CPU there is nothing to keep apart.
 */
export function loadModel(model: OnnxModel, options: LoadOptions): Promise<LoadedModel>;
export function loadModel(
  model: OnnxModel,
  options: LoadOptions & { readonly keep: readonly string[] },
): Promise<LoadedModel<Tensor>>;
export async function loadModel(
  model: OnnxModel,
  { device, threads, keep = [] }: LoadOptions & { readonly keep?: readonly string[] },
): Promise<LoadedModel<Tensor>> {
  const place = `model '${model.name}'`;
  if (device === 'webgpu') {
    await workingWebGpu(place);
    await prepareCopies();
  }
  const onDevice = device === 'cpu' ? [] : keep;
  const session = await openSession(model, { device, threads, onDevice, weights: model.weights });
  return {
    async run(feeds, into = {}) {
      const given: Record<string, Ort.Tensor> = {};
      for (const { name } of model.inputs) given[name] = await toRuntime(feeds[name]!, device);
      const wanted: Record<string, Ort.Tensor | null> = {};
      for (const { name } of model.outputs) {
        const place = into[name];
        wanted[name] = place === undefined ? null : await toRuntime(place, 'cpu');
      }
      let results: Ort.InferenceSession.ReturnType;
      try {
        results = await session.run(given, wanted);
      } catch (error) {
        throw computationFailed(error, device, place);
      }
      return Object.fromEntries(
        model.outputs.map(({ name, type }) => {
          const place = into[name];
          if (place !== undefined) return [name, place];
          const result = results[name] as Ort.Tensor;
          const tensorType = { dtype: type as DataType, shape: result.dims };
          return [name, fromRuntime(tensorType, result)];
        }),
      );
    },
    dispose: () => session.release(),
  };
}
