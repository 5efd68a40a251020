import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, posix } from 'node:path';
import * as z from 'zod';
import { LratError } from '../base/errors.ts';
import { AtomicFile } from '../base/files.ts';
import type { Job } from '../base/progress.ts';
import { homeFolder } from '../base/user.ts';
import { hubReference } from './hub-reference.ts';
import { readModules } from './model-folder.ts';
import { readArchitecture } from './transformer/model.ts';

/** The settings of transformers.js that say where the hub is and how it is asked; bundled, nothing else of it is there. */
type Hub = Pick<
  typeof import('@huggingface/transformers')['env'],
  'remoteHost' | 'remotePathTemplate' | 'fetch'
>;

/**
 * The folder of a model: the one that is named, or for `hub:ORGANISATION/NAME[@REVISION]` a copy of what the hub has, fetched
 * the first time that it is asked for and kept in the user's cache. A fetch that breaks off goes on with the next file.
 *
 * The hub is the one of transformers.js, or what the environment names in `HF_ENDPOINT`.
 *
 * @throws LratError if the hub cannot be reached, or does not have the model in a form that can be used, or in the open; the
 * signal's reason if the job is stopped
 */
export async function modelFolder(model: string, job: Job): Promise<string> {
  if (!model.startsWith('hub:')) return model;
  const { id, revision = 'main' } = hubReference.exec(model)?.groups ?? {};
  if (id === undefined) {
    throw new LratError('names no model of the hub.', {
      place: model,
      remedy: 'Write hub:ORGANISATION/NAME, or hub:ORGANISATION/NAME@REVISION.',
    });
  }
  const folder = join(cacheFolder(), 'hub', encodeURIComponent(revision), id);
  if (existsSync(folder)) return folder;
  const loading = `${folder}.part`;
  mkdirSync(loading, { recursive: true });
  await fetchModel(await openHub(), { model, id, revision, folder: loading }, job);
  try {
    renameSync(loading, folder);
  } catch (error) {
    // Another process may have been quicker.
    if (!existsSync(folder)) throw error;
    rmSync(loading, { recursive: true, force: true });
  }
  return folder;
}

function cacheFolder(): string {
  const own = process.platform === 'win32' ? process.env.LOCALAPPDATA : process.env.XDG_CACHE_HOME;
  return join(own || join(homeFolder() ?? tmpdir(), '.cache'), 'lrat');
}

async function openHub(): Promise<Hub> {
  // Where it is not bundled, it loads ONNX Runtime, which reads this then.
  process.env.ORT_DISABLE_TELEMETRY = '1';
  const { env } = await import('@huggingface/transformers');
  const remoteHost = process.env.HF_ENDPOINT || env.remoteHost;
  return { remoteHost, remotePathTemplate: env.remotePathTemplate, fetch: env.fetch };
}

interface Wanted {
  /** As the user wrote it. */
  readonly model: string;
  readonly id: string;
  readonly revision: string;
  readonly folder: string;
}

const shardIndex = z.object({ weight_map: z.record(z.string(), z.string()) });

const remedy =
  'Check the name; a model in the layout of sentence-transformers, or a checkpoint of a known architecture, is needed.';

/** Fetches what a model folder is read from, and nothing that is for other programs. */
async function fetchModel(hub: Hub, wanted: Wanted, job: Job): Promise<void> {
  const get = (path: string) => fetchFile(hub, wanted, path, job);
  const need = async (path: string) => {
    if (await get(path)) return;
    throw new LratError(`has no ${path}, at the revision ${wanted.revision}.`, {
      place: wanted.model,
      remedy,
    });
  };
  // A plain checkpoint has its config alone.
  if (!(await get('modules.json')) && !(await get('config.json'))) {
    throw new LratError(`has neither modules.json nor config.json, at the revision ${wanted.revision}.`, {
      place: wanted.model,
      remedy,
    });
  }
  await get('config_sentence_transformers.json');
  for (const { type, folder, path } of readModules(wanted.folder)) {
    const inModule = (name: string) => posix.join(path, name);
    await get(inModule('config.json'));
    if (type !== 'Transformer' && type !== 'StaticEmbedding') continue;
    if (type === 'Transformer') {
      await need(inModule('config.json'));
      // An architecture that is not known is refused before its weights come.
      readArchitecture(folder);
    }
    for (const name of ['sentence_bert_config.json', 'tokenizer_config.json']) await get(inModule(name));
    await need(inModule('tokenizer.json'));
    if (await get(inModule('model.safetensors'))) continue;
    const index = inModule('model.safetensors.index.json');
    await need(index);
    for (const shard of shardsOf(wanted, index)) await need(inModule(shard));
  }
}

function shardsOf(wanted: Wanted, index: string): Set<string> {
  try {
    const { weight_map: files } = shardIndex.parse(
      JSON.parse(readFileSync(join(wanted.folder, index), 'utf8')),
    );
    const shards = new Set(Object.values(files));
    if ([...shards].every(name => basename(name) === name)) return shards;
  } catch {
    // Said below.
  }
  throw unusable(wanted, `${index} is no index of shards`);
}

function unusable({ model }: Wanted, reason: string): LratError {
  return new LratError(`cannot be used: ${reason}.`, { place: model, remedy: 'Choose another model.' });
}

/** Fetches a file, unless it is there. @returns false if the hub does not have it */
async function fetchFile(hub: Hub, wanted: Wanted, path: string, job: Job): Promise<boolean> {
  const target = join(wanted.folder, path);
  if (existsSync(target)) return true;
  const folder = hub.remotePathTemplate
    .replaceAll('{model}', wanted.id)
    .replaceAll('{revision}', encodeURIComponent(wanted.revision));
  const url = `${hub.remoteHost.replace(/\/+$/, '')}/${folder.replace(/\/+$/, '')}/${path}`;
  const fail = (message: string, remedy: string, cause?: unknown) =>
    new LratError(message, { place: wanted.model, remedy, cause });
  const offline = (cause: unknown) => {
    job.signal.throwIfAborted();
    const { message, cause: reason } = cause as Error & { cause?: { code?: string } };
    return fail(
      `cannot be fetched: ${hub.remoteHost} cannot be reached, or broke off (${reason?.code ?? message}).`,
      'Check the connection and run the command again, which goes on from here; or copy the model from another machine and name its folder.',
      cause,
    );
  };
  let response: Response;
  try {
    response = await hub.fetch(url, { signal: job.signal });
  } catch (error) {
    throw offline(error);
  }
  if (response.status === 404) return false;
  if (response.status === 401 || response.status === 403) {
    const message = `cannot be fetched: it does not exist, or is not open to everyone (${response.status} for ${path}).`;
    throw fail(
      message,
      'Check the name; download a model that needs an account by other means, and name its folder.',
    );
  }
  if (!response.ok || response.body === null) {
    const message = `cannot be fetched: ${hub.remoteHost} answered ${response.status} for ${path}.`;
    throw fail(message, 'Run the command again later, which goes on from here.');
  }
  const length = Number(response.headers.get('content-length') ?? Number.NaN);
  const total = Number.isNaN(length) ? undefined : megabytes(length);
  const file = new AtomicFile(target);
  let bytes = 0;
  try {
    for await (const part of response.body) {
      file.write(part);
      bytes += part.length;
      job.report({ task: `Fetching ${wanted.id}`, done: megabytes(bytes), total, unit: 'MB', detail: path });
    }
  } catch (error) {
    file.discard();
    throw error instanceof LratError ? error : offline(error);
  }
  file.commit();
  return true;
}

const megabytes = (bytes: number) => Math.round(bytes / 1e5) / 10;
