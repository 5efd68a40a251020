import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { runDemo } from '../../../src/agent/demo.ts';
import { LratError } from '../../../src/base/errors.ts';
import { unwatched } from '../../../src/base/progress.ts';
import { modelFolder } from '../../../src/encoder/hub.ts';
import { openEncoder } from '../../../src/encoder/open.ts';
import { exportModel } from '../../../src/jobs/export-model.ts';
import { saveRandomModel } from './transformer-models.ts';

const root = mkdtempSync(join(tmpdir(), 'lrat-hub-'));
const served = join(root, 'served');
/** What was asked for, and which file breaks off in the middle. */
let [asked, broken]: [string[], string] = [[], ''];

// The hub, as far as it is one: files of a repository at a revision.
const server = createServer((request, response) => {
  const [, , , , , ...path] = request.url!.split('/');
  asked.push(request.url!);
  const file = join(served, ...path);
  if (!request.url!.startsWith('/some/tiny/resolve/')) response.writeHead(401).end();
  else if (!existsSync(file)) response.writeHead(404).end();
  else {
    const content = readFileSync(file);
    response.writeHead(200, { 'content-length': content.length });
    if (path.at(-1) !== broken) response.end(content);
    else response.write(content.subarray(0, 100), () => response.destroy());
  }
});

beforeAll(async () => {
  saveRandomModel(served, 'bert');
  writeFileSync(join(served, 'pytorch_model.bin'), 'weights for others');
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening));
});
afterAll(() => {
  server.close();
  rmSync(root, { recursive: true });
});
beforeEach(() => {
  [asked, broken] = [[], ''];
  const cache = mkdtempSync(join(root, 'cache-'));
  for (const name of ['XDG_CACHE_HOME', 'LOCALAPPDATA']) vi.stubEnv(name, cache);
  vi.stubEnv('HF_ENDPOINT', `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});
afterEach(() => vi.unstubAllEnvs());

async function refusal(model: string): Promise<LratError> {
  const error = await modelFolder(model, unwatched).catch((error: unknown) => error);
  if (error instanceof LratError) return error;
  throw new Error('it was fetched');
}

describe('a model of the hub', () => {
  it('is fetched once, without what is for others, and is the model that is there', async () => {
    const reports: string[] = [];
    const job = { ...unwatched, report: ({ task }: { task: string }) => void reports.push(task) };
    const folder = await modelFolder('hub:some/tiny', job);
    expect(reports).toContain('Fetching some/tiny');
    expect(folder.endsWith(join('some', 'tiny'))).toBe(true);
    expect(existsSync(join(folder, 'pytorch_model.bin'))).toBe(false);
    const [own, fetched] = [await openEncoder(served), await openEncoder(folder)];
    expect(fetched.name).toBe('tiny');
    expect(await fetched.encode(['the red fox'], 'query')).toEqual(
      await own.encode(['the red fox'], 'query'),
    );
    await Promise.all([own.dispose(), fetched.dispose()]);
    asked = [];
    expect(await modelFolder('hub:some/tiny', unwatched)).toBe(folder);
    expect(asked).toEqual([]);
  });

  it('is that of the revision that is named', async () => {
    const [main, other] = [
      await modelFolder('hub:some/tiny', unwatched),
      await modelFolder('hub:some/tiny@refs/pr/1', unwatched),
    ];
    expect(other).not.toBe(main);
    expect(asked).toContain('/some/tiny/resolve/refs%2Fpr%2F1/modules.json');
  });

  it('comes in shards too', async () => {
    const [weights, index] = ['model.safetensors', 'model.safetensors.index.json'].map(name =>
      join(served, name),
    );
    const [shard, content] = ['model-00001-of-00001.safetensors', readFileSync(weights!)];
    writeFileSync(join(served, shard), content);
    rmSync(weights!);
    writeFileSync(index!, JSON.stringify({ weight_map: { 'embeddings.word_embeddings.weight': shard } }));
    const folder = await modelFolder('hub:some/tiny', unwatched);
    expect(readFileSync(join(folder, shard)).equals(content)).toBe(true);
    writeFileSync(index!, JSON.stringify({ weight_map: { weight: '../../elsewhere' } }));
    expect((await refusal('hub:some/tiny@other')).message).toMatch(/no index of shards/);
    for (const name of [index!, join(served, shard)]) rmSync(name);
    writeFileSync(weights!, content);
  });

  it('goes on where its fetching broke off', async () => {
    broken = 'model.safetensors';
    expect((await refusal('hub:some/tiny')).message).toMatch(/cannot be reached, or broke off/);
    const unfinished = readdirSync(process.env.XDG_CACHE_HOME!, { recursive: true }).map(String);
    expect(unfinished.some(name => name.endsWith('modules.json'))).toBe(true);
    expect(unfinished.some(name => /safetensors/.test(name))).toBe(false);
    [asked, broken] = [[], ''];
    const folder = await modelFolder('hub:some/tiny', unwatched);
    expect(asked).not.toContain('/some/tiny/resolve/main/modules.json');
    expect(readFileSync(join(folder, 'model.safetensors'))).toEqual(
      readFileSync(join(served, 'model.safetensors')),
    );
  });

  it('that is not there, not open or not of the layout is refused', async () => {
    expect((await refusal('hub:some/secret')).message).toMatch(
      /does not exist, or is not open to everyone \(401/,
    );
    rmSync(join(served, 'tokenizer.json'));
    const { message, place } = await refusal('hub:some/tiny');
    expect([message, place]).toEqual(['has no tokenizer.json, at the revision main.', 'hub:some/tiny']);
    saveRandomModel(served, 'bert');
    expect((await refusal('hub:tiny')).remedy).toMatch(/ORGANISATION\/NAME/);
    expect((await refusal('hub:../../etc')).message).toMatch(/names no model/);
    for (const revision of ['.', '..'])
      expect((await refusal(`hub:some/tiny@${revision}`)).message).toMatch(/names no model/);
  });

  it('may be a plain checkpoint, of an architecture that is known', async () => {
    const [modules, config] = ['modules.json', 'config.json'].map(name => join(served, name));
    rmSync(modules!);
    const [own, fetched] = [
      await openEncoder(served),
      await openEncoder(await modelFolder('hub:some/tiny', unwatched)),
    ];
    const text = ['the red fox'];
    expect(await fetched.encode(text, 'query')).toEqual(await own.encode(text, 'query'));
    await Promise.all([own.dispose(), fetched.dispose()]);
    asked = [];
    writeFileSync(config!, JSON.stringify({ model_type: 'mamba' }));
    expect((await refusal('hub:some/tiny@other')).message).toMatch(/architecture mamba/);
    expect(asked.filter(path => path.endsWith('.safetensors'))).toEqual([]);
    rmSync(config!);
    const { message, place } = await refusal('hub:some/tiny@third');
    expect([message, place]).toEqual([
      'has neither modules.json nor config.json, at the revision third.',
      'hub:some/tiny@third',
    ]);
    saveRandomModel(served, 'bert');
  });

  it('says what to do without a connection', async () => {
    vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:9');
    const { message, remedy } = await refusal('hub:some/tiny');
    expect(message).toMatch(/^cannot be fetched: http:\/\/127\.0\.0\.1:9 cannot be reached/);
    expect(remedy).toMatch(/name its folder/);
  });

  it('is not fetched any further when that is stopped', async () => {
    const stop = new AbortController();
    const job = { report: () => stop.abort(), signal: stop.signal };
    await expect(modelFolder('hub:some/tiny', job)).rejects.toThrow(/abort/i);
  });

  it('is exported where its copy lies', async () => {
    const { model, files } = await exportModel({ model: 'hub:some/tiny' }, unwatched);
    expect(model).toBe(await modelFolder('hub:some/tiny', unwatched));
    expect(files.length).toBeGreaterThan(0);
    for (const { path } of files) {
      expect(path.startsWith(model)).toBe(true);
      expect(existsSync(path)).toBe(true);
    }
  });

  it('is what the demo starts from', async () => {
    const stop = new AbortController();
    // What the demo says first comes after its model.
    const demo = runDemo({
      ...{ seed: 1, base: 'hub:some/tiny', out: join(root, 'demo') },
      ...{ job: { report: () => {}, signal: stop.signal }, print: () => stop.abort() },
    });
    await expect(demo).rejects.toThrow(/abort/i);
    expect(asked).toContain('/some/tiny/resolve/main/model.safetensors');
  });

  it('is no folder: those are taken as they are', async () => {
    expect(await modelFolder('models/hub', unwatched)).toBe('models/hub');
  });
});
