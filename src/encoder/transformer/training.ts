import { cpSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Graph, Value } from '../../engine/graph.ts';
import type { TextKind } from '../encoder.ts';
import { type ModelCard, renderCard, writeModelFolder } from '../model-folder.ts';
import { writeSafetensors } from '../safetensors.ts';
import type { Parameter, TrainableEncoder } from '../trainable.ts';
import { type Bucket, roundedUp, rowLength } from './buckets.ts';
import { forward, type TextInputs, textTensors, transformerEncoder } from './encoder.ts';
import { type TransformerModel, wrapperConfig } from './model.ts';

const kinds = ['query', 'document'] as const satisfies readonly TextKind[];

/** Transformers for the trainer. A batch is padded to its longest query and its longest document. */
export function trainableTransformer(base: TransformerModel): TrainableEncoder {
  // Training works in place, and a base may be trained more than once.
  const parameters = new Map(
    [...base.parameters].map(([name, parameter]): [string, Parameter] => [
      name,
      { ...parameter, data: parameter.data.slice() },
    ]),
  );
  const model: TransformerModel = { ...base, parameters };
  const known = { query: new Map<string, Int32Array>(), document: new Map<string, Int32Array>() };
  const tokensOf = (text: string, kind: TextKind): Int32Array => {
    let tokens = known[kind].get(text);
    if (tokens === undefined) {
      tokens = model.tokenizer.encode(model.prompts[kind] + text);
      known[kind].set(text, tokens);
    }
    return tokens;
  };

  return {
    family: model.architecture.family,
    parameters,

    batch(queries, documents) {
      const inputs: Record<string, ReturnType<typeof textTensors>[keyof TextInputs]> = {};
      let tokens = 0;
      const bucketOf = (texts: readonly string[], kind: TextKind): Bucket => {
        const own = texts.map(text => tokensOf(text, kind));
        const longest = Math.max(...own.map(({ length }) => length));
        const bucket = {
          members: [...own.keys()],
          texts: roundedUp(own.length, 1),
          length: rowLength(longest, model.maxTokens),
        };
        for (const [name, values] of Object.entries(textTensors(bucket, own, model.pooling)))
          inputs[`${kind}.${name}`] = values;
        tokens += own.reduce((sum, { length }) => sum + length, 0);
        return bucket;
      };
      const [query, document] = [bucketOf(queries, 'query'), bucketOf(documents, 'document')];
      return {
        key: [query, document].map(({ texts, length }) => `${texts}×${length}`).join(),
        inputs,
        rows: new Map(),
        queries: query.texts,
        documents: document.texts,
        tokens,
      };
    },

    forward(graph: Graph, values: ReadonlyMap<string, Value>, inputs) {
      const [queries, documents] = kinds.map(kind =>
        forward(model, graph, name => values.get(name)!, {
          ids: inputs[`${kind}.ids`]!,
          mask: inputs[`${kind}.mask`]!,
          shares: inputs[`${kind}.shares`]!,
        }),
      );
      return { queries: queries!, documents: documents! };
    },

    encoder: name => transformerEncoder(name, model),
    save: (dir, card) => saveTransformer(dir, model, card),
  };
}

/** Files beside the weights that are larger belong to other frameworks. */
const largestFile = 64 * 2 ** 20;
/** Weights of this and of other frameworks, and what is written anew. */
const left =
  /^(?:README\.md|.*\.(?:safetensors|safetensors\.index\.json|bin|bin\.index\.json|h5|msgpack|onnx|ot|gguf))$/i;

/** Writes the model as it was read, with its parameters as they are now in 32 bits, in place of the model that was there. */
export function saveTransformer(dir: string, model: TransformerModel, card: ModelCard): void {
  const { architecture, parameters, folder: base } = model;
  writeModelFolder(dir, folder => {
    for (const { name, parentPath } of readdirSync(base, { recursive: true, withFileTypes: true })) {
      const from = join(parentPath, name);
      const isKept = statSync(from).isFile() && !left.test(name) && statSync(from).size <= largestFile;
      if (isKept) cpSync(from, join(folder, from.slice(base.length)));
    }
    const wrapper = join(folder, wrapperConfig);
    const settings = existsSync(wrapper) ? JSON.parse(readFileSync(wrapper, 'utf8')) : {};
    const content = { ...settings, max_seq_length: model.maxTokens };
    writeFileSync(wrapper, `${JSON.stringify(content, null, 2)}\n`);
    writeSafetensors(join(folder, 'model.safetensors'), parameters, { format: 'pt' });
    const facts = {
      name: basename(dir),
      kind: `A ${architecture.family} encoder (${model.pooling} pooling):`,
      dimension: architecture.hidden,
    };
    writeFileSync(join(folder, 'README.md'), renderCard(facts, card));
  });
}
