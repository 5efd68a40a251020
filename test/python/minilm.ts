// Token ids and vectors of a published model: node minilm.ts MODEL PREPARED OUT
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { putIds, putVectors } from './encodings.ts';

const [model, prepared, out] = process.argv.slice(2) as [string, string, string];
const { texts }: { texts: string[] } = JSON.parse(readFileSync(join(prepared, 'texts.json'), 'utf8'));
putIds(model, out);
await putVectors(join(out, 'vectors.json'), model, texts);
