import { rmSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { LratError } from '../base/errors.ts';
import { openSafetensors, writeSafetensors } from '../encoder/safetensors.ts';
import type { TrainableEncoder } from '../encoder/trainable.ts';
import type { RunFolder } from './run-folder.ts';
import type { Moments } from './step.ts';

/** How far a training has come. */
export interface Position {
  /** Steps taken. */
  readonly step: number;
  /** Steps taken of the epoch at hand. */
  readonly stepOfEpoch: number;
  /** Counted from 0. */
  readonly epoch: number;
  /** The state of the random numbers at the beginning of that epoch, from which it can be drawn again. */
  readonly random: readonly number[];
}

const positionSchema = z.strictObject({
  step: z.int(),
  stepOfEpoch: z.int(),
  epoch: z.int(),
  random: z.array(z.int()),
});

/** Writes parameters, moments and position as one file, which appears when it is whole; keeps the one before it. */
export function saveCheckpoint(
  run: RunFolder,
  model: TrainableEncoder,
  moments: Moments,
  position: Position,
): void {
  const tensors = new Map(
    [...model.parameters].flatMap(([name, { shape, data }]) => [
      [name, { shape, data }] as const,
      ...[`${name}.moment1`, `${name}.moment2`].map(
        key => [key, { shape, data: moments.get(key)! }] as const,
      ),
    ]),
  );
  const name = `step-${String(position.step).padStart(9, '0')}.safetensors`;
  writeSafetensors(join(run.checkpoints, name), tensors, { position: JSON.stringify(position) });
  for (const old of run.listCheckpoints().slice(2)) rmSync(old, { force: true });
}

/** Brings model and moments back to the newest checkpoint; null if there is none. */
export function restoreCheckpoint(
  run: RunFolder,
  model: TrainableEncoder,
  moments: Moments,
): Position | null {
  const [path] = run.listCheckpoints();
  if (path === undefined) return null;
  const file = openSafetensors(path);
  let position: Position;
  try {
    position = positionSchema.parse(JSON.parse(file.metadata.position ?? ''));
  } catch (cause) {
    throw new LratError('has no position of a training.', {
      place: path,
      remedy: 'Remove this file: the run then resumes from the checkpoint before it.',
      cause,
    });
  }
  for (const [name, { shape, data }] of model.parameters) {
    data.set(file.floats(name, shape).data);
    for (const key of [`${name}.moment1`, `${name}.moment2`])
      moments.get(key)!.set(file.floats(key, shape).data);
  }
  return position;
}
