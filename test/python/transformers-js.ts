// Exports a transformer and encodes with it as a user of transformers.js would: node transformers-js.ts MODEL PREPARED OUT
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { unwatched } from '../../src/base/progress.ts';
import { exportOnnx } from '../../src/encoder/open.ts';
import { readTokenizerJson } from '../../src/encoder/tokenizer.ts';
import { modelTokenizer } from '../../src/encoder/transformer/tokens.ts';

const [model, prepared, out] = process.argv.slice(2) as [string, string, string];
const read = (...path: string[]) => JSON.parse(readFileSync(join(...path), 'utf8'));
exportOnnx(model, unwatched);

process.env.ORT_DISABLE_TELEMETRY = '1';
const { env, pipeline } = await import('@huggingface/transformers');
env.allowRemoteModels = false;
const { texts }: { texts: string[] } = read(prepared, 'texts.json');
const { prompts } = read(model, 'config_sentence_transformers.json');
const pooled: string = read(model, '1_Pooling', 'config.json').pooling_mode;
const pooling = pooled === 'lasttoken' ? 'last_token' : (pooled as 'mean' | 'cls');
const tokenizer = modelTokenizer(readTokenizerJson(join(model, 'tokenizer.json')), model, 64);

const vectors: Record<string, unknown> = {};
for (const dtype of ['fp32', 'q8'] as const) {
  const extract = await pipeline('feature-extraction', resolve(model), { dtype });
  for (const kind of ['query', 'document']) {
    const prompted = texts.map(text => prompts[kind] + text);
    const rows = (await extract(prompted, { pooling, normalize: true })).tolist();
    // One at a time nothing is padded.
    const single = (await extract(prompted[0]!, { pooling, normalize: true })).tolist();
    // Its tokenizers see some white space and letters in another way than the ones that models are trained with.
    const ids: bigint[][] = prompted.map(
      text => extract.tokenizer(text, { truncation: true }).input_ids.tolist()[0],
    );
    const same = prompted.map((text, i) => `${ids[i]}` === `${[...tokenizer.encode(text)]}`);
    vectors[`${dtype} ${kind}`] = { rows, same, single: single[0] };
  }
}
writeFileSync(join(out, 'transformers-js.json'), JSON.stringify(vectors));
