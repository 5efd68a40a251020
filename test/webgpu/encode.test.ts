import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { unwatched } from '../../src/base/progress.ts';
import { openEncoder } from '../../src/encoder/open.ts';
import { embedCorpus } from '../../src/jobs/embed.ts';
import { readVectorHeader, readVectors } from '../../src/retrieval/vector-file.ts';
import { saveRandomModel } from '../unit/encoder/transformer-models.ts';

const root = mkdtempSync(join(tmpdir(), 'lrat-webgpu-encode-'));
afterAll(() => rmSync(root, { recursive: true }));
const texts = ['', 'the', 'who sees the red fox', 'dogs and the fox jumps over lazy dogs', 'how many'];

it.each(['bert', 'qwen3'] as const)(
  'vectors of %s are those of the CPU, alone and among others',
  async family => {
    const folder = join(root, family);
    saveRandomModel(folder, family);
    const [cpu, gpu] = [
      await openEncoder(folder),
      await openEncoder(folder, { device: async () => 'webgpu' }),
    ];
    const expected = await cpu.encode(texts, 'document');
    const vectors = await gpu.encode(texts, 'document');
    expect(vectors.some(x => x !== 0)).toBe(true);
    for (const [i, x] of vectors.entries()) expect(x).toBeCloseTo(expected[i]!, 5);
    const alone = await gpu.encode(texts.slice(2, 3), 'document');
    for (const [i, x] of alone.entries()) expect(x).toBeCloseTo(expected[2 * cpu.dimension + i]!, 5);
    await gpu.dispose();
  },
);

it('a corpus is embedded there, and the answer says where', async () => {
  const folder = join(root, 'bert');
  const corpus = join(root, 'corpus.jsonl');
  writeFileSync(corpus, texts.map((text, i) => JSON.stringify({ docid: `d${i}`, text })).join('\n'));
  const request = { workspace: root, model: folder, corpus };
  const [cpu, gpu] = [join(root, 'cpu.vectors'), join(root, 'gpu.vectors')];
  const said: string[] = [];
  const job = { ...unwatched, report: ({ task }: { task: string }) => said.push(task) };
  const { computing } = await embedCorpus({ ...request, out: gpu, device: 'webgpu' }, job);
  expect(computing).toMatch(/^computing on webgpu: WebGPU was asked for; /);
  expect(said).toContain(computing);
  await embedCorpus({ ...request, out: cpu, device: 'cpu' }, unwatched);
  const numbersOf = (path: string) => readVectors(path, readVectorHeader(path).source).vectors.numbers;
  const expected = numbersOf(cpu);
  for (const [i, x] of numbersOf(gpu).entries()) expect(x).toBeCloseTo(expected[i]!, 5);
  expect(readFileSync(gpu).length).toBe(readFileSync(cpu).length);
});
