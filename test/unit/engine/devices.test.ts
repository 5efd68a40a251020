import { describe, expect, test } from 'vitest';
import { LratError } from '../../../src/base/errors.ts';
import { chooseDevice, computationFailed, judge, judgeTrial } from '../../../src/engine/devices.ts';

const said = (...lines: object[]) => lines.map(line => `${JSON.stringify(line)}\n`).join('');
const timed = { cpu: 18, webgpu: 1.25 };

describe('what a trial of WebGPU has shown', () => {
  test('times, and the largest tensor that it computed with', () => {
    const output = said(timed, { half: true }, { tensorBytes: 2 ** 28 }, { tensorBytes: 2 ** 29 });
    expect(judgeTrial(output, 0)).toEqual({ works: true, times: timed, half: true, tensorBytes: 2 ** 29 });
  });

  test('without larger ones, what WebGPU guarantees', () => {
    expect(judgeTrial(said(timed), 0)).toMatchObject({ works: true, tensorBytes: 2 ** 27 });
  });

  test('a process that broke at a larger tensor, in the middle of a line, has shown the rest', () => {
    const output = `${said(timed, { tensorBytes: 2 ** 28 })}{"tensorBy`;
    expect(judgeTrial(output, 'SIGABRT')).toEqual({
      ...{ works: true, times: timed, half: false, tensorBytes: 2 ** 28 },
    });
  });

  test.each<[string, string, string | number, string]>([
    [
      'no adapter',
      said({ failed: 'webgpu_context.cc:136 … Failed to get a WebGPU adapter: No supported adapters\n' }),
      0,
      'there is no GPU that it could use',
    ],
    ['a failure', said({ failed: 'no  device\nfor you' }), 0, 'no device for you'],
    ['a driver that ends its process', '', 'SIGSEGV', 'a trial of it ended its process (SIGSEGV)'],
    ['a driver that hangs', '', 'SIGKILL', 'a trial was not done after 60 s'],
  ])('%s', (_, output, end, reason) => {
    expect(judgeTrial(output, end)).toEqual({ works: false, reason });
  });
});

test('memory that runs out on the CPU has a remedy', () => {
  const failed = computationFailed(new Error('Non-zero status code: std::bad_alloc'), 'cpu', "model 'm'");
  expect(failed.message).toContain('there is not enough memory for a computation');
  expect(failed).toMatchObject({ place: "model 'm'", remedy: expect.stringContaining('smaller model') });
});

describe('the choice', () => {
  const product = 'a product of two 1024 × 1024 matrices takes';

  test('the GPU where it is much faster', () => {
    const trial = judgeTrial(said(timed), 0);
    expect(judge('auto', trial)).toEqual({
      device: 'webgpu',
      reason: `The GPU is faster: ${product} 1.3 ms on WebGPU and 18 ms on the CPU.`,
    });
  });

  test('else the CPU; a slow adapter is taken when it is asked for', () => {
    const trial = judgeTrial(said({ cpu: 18, webgpu: 655 }), 0);
    expect(judge('auto', trial)).toEqual({
      device: 'cpu',
      reason: `The GPU is not worth it: ${product} 655 ms on WebGPU and 18 ms on the CPU.`,
    });
    expect(judge('webgpu', trial).device).toBe('webgpu');
  });

  test('the CPU where a tensor is larger than the GPU computes with, which cannot be asked for', () => {
    const trial = judgeTrial(said(timed, { tensorBytes: 2 ** 28 }), 0);
    const table = { name: 'word_embeddings', bytes: 622_329_856 };
    const reason = 'word_embeddings has 623 MB, and this GPU computes with tensors of at most 269 MB';
    expect(judge('auto', trial, table)).toEqual({
      device: 'cpu',
      reason: `The GPU is too small: ${reason}.`,
    });
    expect(() => judge('webgpu', trial, table)).toThrow(`${reason}.`);
    expect(judge('auto', trial, { ...table, bytes: 2 ** 28 }).device).toBe('webgpu');
  });

  test('the CPU where WebGPU does not work, unless it is asked for', () => {
    const trial = judgeTrial('', 1);
    expect(judge('auto', trial)).toEqual({
      device: 'cpu',
      reason: 'WebGPU does not work here: a trial of it ended its process (1).',
    });
    expect(() => judge('webgpu', trial)).toThrow(LratError);
    expect(() => judge('webgpu', trial)).toThrow(/^WebGPU does not work here: a trial of it ended/);
  });

  test('the CPU, asked for, tries nothing', async () => {
    expect(await chooseDevice('cpu')).toEqual({ device: 'cpu', reason: 'The CPU was asked for.' });
  });
});
