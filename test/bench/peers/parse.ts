import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The least that a reader of logs can do: JSON.parse over the files of a folder, in one thread, nothing kept. */
const folder = process.argv[2]!;
let runs = 0;
for (const name of readdirSync(folder)) {
  const text = readFileSync(join(folder, name), 'utf8');
  const records = name.endsWith('.jsonl') ? text.trimEnd().split('\n') : [text];
  for (const record of records) JSON.parse(record);
  runs += records.length;
}
console.log(JSON.stringify({ runs }));
