import { type Graph, toOnnx, type Value } from '../../../src/engine/graph.ts';
import { loadModel } from '../../../src/engine/inference.ts';
import type { Device } from '../../../src/engine/runtime.ts';
import type { Tensor } from '../../../src/engine/tensor.ts';

/** A graph that runs. `Outputs` says under which names it gives results. */
export interface Program<Outputs> {
  /** The inputs that this program needs, by name. */
  readonly inputs: ReadonlyMap<string, Value>;
  /** Takes any of the graph's inputs and uses those it needs, so that programs of one graph can be fed alike. */
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Results<Outputs>>;
  dispose(): Promise<void>;
}

/** A tensor for each output. */
export type Results<Outputs> = { [Name in keyof Outputs]: Tensor };

/**
 * Makes a program that computes `outputs` (each under its key) from what they depend on, at the sizes of the graph alone and
 * with no operators fused: what is tested is each by itself. `keep` names outputs that stay in the device's memory.
 */
export async function compile<Outputs extends Readonly<Record<string, Value>>>(
  graph: Graph,
  outputs: Outputs,
  {
    device,
    threads,
    keep = [],
  }: { readonly device: Device; readonly threads: number; readonly keep?: readonly string[] },
): Promise<Program<Outputs>> {
  const { model, inputs, outputNames } = toOnnx(graph, Object.values(outputs));
  const nameOf = (key: string) => outputNames.get(outputs[key]!)!;
  const loaded = await loadModel(model, { device, threads, keep: keep.map(nameOf) });
  return {
    inputs,
    async run(feeds) {
      const results = await loaded.run(feeds);
      return Object.fromEntries(
        Object.keys(outputs).map(key => [key, results[nameOf(key)]!]),
      ) as Results<Outputs>;
    },
    dispose: () => loaded.dispose(),
  };
}
