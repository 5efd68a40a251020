import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Job } from '../../base/progress.ts';
import { dynamicModel } from '../../engine/dynamic.ts';
import { Graph } from '../../engine/graph.ts';
import { type ModelFile, writeModel } from '../../engine/model-file.ts';
import { byteLength, elementTypes, type OnnxModel, type OnnxNode } from '../../engine/onnx.ts';
import { quantised } from '../../engine/quantise.ts';
import { changeSettings, exportFields, type Module } from '../model-folder.ts';
import { declareParameters, parameterTensors } from './encoder.ts';
import { readTransformer, type TransformerModel } from './model.ts';

/** The inputs of our graph by the names, and in the types, that Hugging Face's tokenizers give. */
const inputNames = {
  input_ids: { own: 'ids', type: 'int32' },
  attention_mask: { own: 'mask', type: 'float32' },
  token_type_ids: { own: 'types', type: 'int32' },
} as const;

/** Where in `config.json` transformers.js finds what it has to know, and of it which models have a second file. */
const [settingsField, twoFiles] = [exportFields['config.json'], 'use_external_data_format'] as const;

/**
 * Writes the transformer of a model folder as ONNX, in 32 bits and with its products in 8, to where transformers.js looks:
 * `onnx/model.onnx` and `onnx/model_quantized.onnx` beside its `config.json`. They give the hidden states of the last layer
 * (`last_hidden_state`); pooling is the caller's, as with every such model. Where transformers.js needs it, the folder's
 * settings say that there is a second file with weights, and that a model that pools by the last token pads at the start.
 *
 * @param most bytes that weights may take in a model's own file, as of `writeModel`
 * @throws LratError as `readTransformer`, or if a file cannot be written; the signal's reason if the job is stopped
 */
export function exportTransformer(
  dir: string,
  modules: readonly Module[],
  job: Job,
  most?: number,
): ModelFile[] {
  const model = readTransformer(dir, modules);
  const whole = hiddenStates(basename(dir), model);
  const folder = modules[0]!.folder;
  const versions = { 'model.onnx': whole, 'model_quantized.onnx': quantised(whole) };
  const files = Object.entries(versions).map(([name, version]): [string, ModelFile[]] => {
    const total = megabytes((version.weights ?? []).reduce((sum, weight) => sum + byteLength(weight), 0));
    const written = writeModel(
      join(folder, 'onnx', name),
      version,
      bytes => {
        job.signal.throwIfAborted();
        job.report({ task: `Writing ${name}`, done: megabytes(bytes), total, unit: 'MB' });
      },
      most,
    );
    return [name, written];
  });
  tellOfSecondFiles(
    join(folder, 'config.json'),
    files.flatMap(([name, { length }]) => (length > 1 ? [name] : [])),
  );
  if (model.pooling === 'lasttoken') padAtStart(join(folder, 'tokenizer_config.json'));
  return files.flatMap(([, written]) => written);
}

const megabytes = (bytes: number) => Math.round(bytes / 1e6);

/** The model from token ids to hidden states. */
function hiddenStates(name: string, model: TransformerModel): OnnxModel {
  const { architecture } = model;
  const build = ({ texts, length }: { texts: number; length: number }) => {
    const graph = new Graph(name);
    const parameters = declareParameters(graph, model);
    const tokens = {
      ids: graph.input('ids', 'int32', [texts, length]),
      mask: graph.input('mask', 'float32', [texts, length]),
      // Models for one text, as RoBERTa's are, have tokenizers that do not tell.
      ...(architecture.family === 'bert' ? { types: graph.input('types', 'int32', [texts, length]) } : {}),
    };
    return { graph, outputs: { last_hidden_state: architecture.forward(graph, parameters, [tokens]) } };
  };
  const own = dynamicModel(build, parameterTensors(model), 'standard');
  const casts: OnnxNode[] = [];
  const inputs = Object.entries(inputNames).flatMap(([name, { own: to, type }]) => {
    const input = own.inputs.find(({ name }) => name === to);
    if (input === undefined) return [];
    casts.push({ type: 'Cast', inputs: [name], outputs: [to], attributes: { to: elementTypes[type] } });
    return [{ name, type: 'int64' as const, shape: input.shape }];
  });
  return { ...own, inputs, nodes: [...casts, ...own.nodes] };
}

/** transformers.js reads a second file only of models whose config says that they have one. */
function tellOfSecondFiles(place: string, names: readonly string[]): void {
  changeSettings(place, config => {
    const { [twoFiles]: before, ...settings } = (config[settingsField] ?? {}) as Record<string, unknown>;
    if (names.length === 0 && before === undefined) return config;
    const told =
      names.length === 0 ? {} : { [twoFiles]: Object.fromEntries(names.map(name => [name, true])) };
    return { ...config, [settingsField]: { ...settings, ...told } };
  });
}

/** transformers.js takes the last position of a row for its last token, which is so where rows are padded at their start. */
function padAtStart(place: string): void {
  const side = exportFields['tokenizer_config.json'];
  if (existsSync(place))
    changeSettings(place, config => (config[side] === 'left' ? config : { ...config, [side]: 'left' }));
}
