import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { LratError } from '../base/errors.ts';
import { workerUrl } from '../base/worker.ts';
import type { DeviceWish } from './device-wish.ts';
import type { Products } from './graph.ts';
import { type Device, onnxRuntime } from './runtime.ts';

/** Where to compute, and why there. */
export interface DeviceChoice {
  readonly device: Device;
  /** A sentence for people. */
  readonly reason: string;
}

/** What the trial process (`webgpu-probe.ts`) says, a line of JSON each, as soon as it is known. */
export type ProbeLine =
  | { readonly failed: string }
  /** Milliseconds of a product of two square matrices of `productSize` rows. */
  | { readonly cpu: number; readonly webgpu: number }
  /** Whether a product of matrices in half precision came out right. */
  | { readonly half: boolean }
  /** Bytes of a tensor that was computed with, as input and as result at once. */
  | { readonly tensorBytes: number };

/** Rows of the matrices whose product is timed. */
export const productSize = 1024;
/** WebGPU's own guarantee for a buffer that a computation binds. */
export const guaranteedTensorBytes = 2 ** 27;
/** The GPU is taken where it is so many times as fast: less is lost again on the way to it and back. */
export const worthwhileSpeedup = 2;

/** A trial process has this long for everything. */
const trialSeconds = 60;

/** What a trial of WebGPU has shown. */
export type Trial =
  | { readonly works: false; readonly reason: string }
  | {
      readonly works: true;
      /** Milliseconds of a product of matrices. */
      readonly times: { readonly cpu: number; readonly webgpu: number };
      /** Whether it multiplies matrices in half precision. */
      readonly half: boolean;
      /** Bytes of the largest tensor to compute with. */
      readonly tensorBytes: number;
    };

let tried: Promise<Trial> | undefined;

/** Tries WebGPU in a process of its own, once per process: there is no other way to learn what the adapter can do. */
export function tryWebGpu(): Promise<Trial> {
  tried ??= runTrial();
  return tried;
}

function runTrial(): Promise<Trial> {
  return new Promise(resolve => {
    const script = fileURLToPath(workerUrl(import.meta.url, 'webgpu-probe'));
    const child = spawn(process.execPath, [script], {
      // In the desktop program execPath is Electron, which is Node when told so.
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1', ORT_DISABLE_TELEMETRY: '1' },
      windowsHide: true,
      timeout: trialSeconds * 1000,
      killSignal: 'SIGKILL',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
    child.on('error', error => resolve({ works: false, reason: error.message }));
    child.on('close', (code, signal) => resolve(judgeTrial(output, signal ?? code)));
  });
}

/** @param end exit code or signal of the trial process */
export function judgeTrial(output: string, end: number | string | null): Trial {
  const lines = output
    .split('\n')
    .filter(line => line.endsWith('}'))
    .map(line => JSON.parse(line) as ProbeLine);
  const failed = lines.find(line => 'failed' in line);
  if (failed !== undefined) return { works: false, reason: explain(failed.failed) };
  const times = lines.find(line => 'webgpu' in line);
  if (times === undefined) {
    return {
      works: false,
      reason:
        end === 'SIGKILL'
          ? `a trial was not done after ${trialSeconds} s`
          : `a trial of it ended its process (${end})`,
    };
  }
  // A process that broke while it tried a larger tensor has shown what it can.
  const sizes = lines.flatMap(line => ('tensorBytes' in line ? [line.tensorBytes] : []));
  const half = lines.some(line => 'half' in line && line.half);
  return { works: true, times, half, tensorBytes: Math.max(guaranteedTensorBytes, ...sizes) };
}

function explain(message: string): string {
  return /no supported adapters/i.test(message)
    ? 'there is no GPU that it could use'
    : message.replaceAll(/\s+/g, ' ').trim();
}

/**
 * Where to compute: the named device, or with `auto` the GPU if it works and is worth it, else the CPU. Software adapters
 * (lavapipe, SwiftShader, WARP) are slower than the CPU that they run on, so that only their name gets them.
 *
 * @param largest of the tensors that are to be there
 * @throws LratError if WebGPU is asked for by name and does not work, or cannot compute with so large a tensor
 */
export async function chooseDevice(wish: DeviceWish, largest?: NamedSize): Promise<DeviceChoice> {
  if (wish === 'cpu') return { device: 'cpu', reason: 'The CPU was asked for.' };
  return judge(wish, await tryWebGpu(), largest);
}

/** What `chooseDevice` makes of a trial. */
export function judge(wish: Exclude<DeviceWish, 'cpu'>, trial: Trial, largest?: NamedSize): DeviceChoice {
  if (!trial.works) {
    if (wish === 'auto') return { device: 'cpu', reason: `WebGPU does not work here: ${trial.reason}.` };
    throw new LratError(`WebGPU does not work here: ${trial.reason}.`, {
      remedy: 'Compute on the CPU, or install the driver of the GPU (on Linux one for Vulkan) and try again.',
    });
  }
  const { cpu, webgpu } = trial.times;
  if (largest !== undefined && largest.bytes > trial.tensorBytes) {
    const reason = tooLarge(largest, trial.tensorBytes);
    if (wish === 'auto') return { device: 'cpu', reason: `The GPU is too small: ${reason}.` };
    throw new LratError(`${reason}.`, { place: largest.name, remedy: 'Compute on the CPU.' });
  }
  const product = `a product of two ${productSize} × ${productSize} matrices takes ${milliseconds(webgpu)} on WebGPU and ${milliseconds(cpu)} on the CPU`;
  if (wish === 'webgpu') return { device: 'webgpu', reason: `WebGPU was asked for; ${product}.` };
  if (cpu >= worthwhileSpeedup * webgpu)
    return { device: 'webgpu', reason: `The GPU is faster: ${product}.` };
  return { device: 'cpu', reason: `The GPU is not worth it: ${product}.` };
}

/** A tensor by its name and bytes. */
export interface NamedSize {
  readonly name: string;
  readonly bytes: number;
}

/** The largest of some tensors. */
export function largestOf(
  tensors: Iterable<readonly [string, { readonly data: { readonly byteLength: number } }]>,
): NamedSize {
  const sizes = Array.from(tensors, ([name, { data }]) => ({ name, bytes: data.byteLength }));
  return sizes.reduce((a, b) => (b.bytes > a.bytes ? b : a));
}

/** That a tensor is larger than the GPU computes with, as the end of a sentence. */
function tooLarge({ name, bytes }: NamedSize, tensorBytes: number): string {
  const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6).toLocaleString('en')} MB`;
  return `${name} has ${megabytes(bytes)}, and this GPU computes with tensors of at most ${megabytes(tensorBytes)}`;
}

function milliseconds(time: number): string {
  return `${time < 10 ? time.toFixed(1) : Math.round(time)} ms`;
}

/** What the trial has shown. @throws LratError if WebGPU does not work */
export async function workingWebGpu(place: string): Promise<Extract<Trial, { works: true }>> {
  const trial = await tryWebGpu();
  if (trial.works) return trial;
  throw new LratError(`WebGPU does not work here: ${trial.reason}.`, {
    place,
    remedy: 'Compute on the CPU.',
  });
}

/** What is told of a run that failed. After the GPU is lost, nothing of this process computes on it any more. */
export function computationFailed(error: unknown, device: Device, place: string): LratError {
  const message = error instanceof Error ? error.message : String(error);
  if (device === 'webgpu' && /\[invalid buffer|out_of_(device|host)_memory/i.test(message)) {
    return new LratError(`the GPU failed to allocate memory: ${message}`, {
      place,
      remedy: 'Compute with smaller batches, or on the CPU.',
      cause: error,
    });
  }
  if (device === 'webgpu' && /device.{0,20}lost|failed to (wait|download|map)/i.test(message)) {
    return new LratError(
      `the GPU was lost in the middle of a computation, or has no memory left at all: ${message}`,
      {
        place,
        remedy:
          'What was in its memory is gone, and this process cannot use it any more. Start again from the last checkpoint; if it happens again, on the CPU (lrat train --resume RUN --device cpu).',
        cause: error,
      },
    );
  }
  if (/bad_alloc|bad allocation|failed to allocate memory/i.test(message)) {
    return new LratError(`there is not enough memory for a computation: ${message}`, {
      place,
      remedy:
        'Free memory, have texts cut shorter (lrat embed --max-length, before a search), or take a smaller model.',
      cause: error,
    });
  }
  return new LratError(`the computation failed: ${message}`, { place, cause: error });
}

/** In which numbers to multiply matrices where half precision is wished for, and why. */
export async function chooseProducts(device: Device): Promise<{ products: Products; reason: string }> {
  if (device === 'cpu')
    return { products: 'float32', reason: 'A CPU does not multiply faster in half precision.' };
  const trial = await tryWebGpu();
  return trial.works && trial.half
    ? { products: 'float16', reason: 'Half precision was asked for, and the GPU has it.' }
    : { products: 'float32', reason: 'The GPU has no half precision.' };
}

/** What could compute on this machine, and what does. */
export interface DeviceReport {
  /** Version of ONNX Runtime. */
  readonly runtime: string;
  /** Its execution providers; one that is not bundled needs libraries of its own. */
  readonly providers: readonly { readonly name: string; readonly bundled: boolean }[];
  /** What `auto` is here. */
  readonly chosen: DeviceChoice;
}

export async function describeDevices(): Promise<DeviceReport> {
  const ort = await onnxRuntime();
  return {
    runtime: ort.env.versions.common,
    providers: ort.listSupportedBackends(),
    chosen: await chooseDevice('auto'),
  };
}
