import { rmSync } from 'node:fs';
import { basename } from 'node:path';
import * as z from 'zod';
import { LratError } from '../base/errors.ts';
import { openSafetensors, type Safetensors, writeSafetensors } from '../encoder/safetensors.ts';
import type { TrainableEncoder } from '../encoder/trainable.ts';
import type { Moments } from './learner.ts';
import type { RunFolder } from './run-folder.ts';
import type { Thrift } from './step.ts';

/** How far a training has come. */
export interface Position extends Thrift {
  /** Steps taken. */
  readonly step: number;
  /** Steps taken of the epoch at hand. */
  readonly stepOfEpoch: number;
  /** Counted from 0. */
  readonly epoch: number;
  /** Steps after which the model was last measured, and compared with the best; null before the first time. */
  readonly measured: number | null;
  /** The best state that was measured, if one has to be kept. */
  readonly best?: Best | undefined;
  /** The state of the random numbers at the beginning of that epoch, from which it can be drawn again. */
  readonly random: readonly number[];
}

/** A measured state of the model. */
export interface Best {
  readonly step: number;
  /** Of the figure that the states are compared by. */
  readonly value: number;
  /** Measurements since then. */
  readonly since: number;
}

const positionSchema = z.strictObject({
  step: z.int(),
  stepOfEpoch: z.int(),
  epoch: z.int(),
  random: z.array(z.int()),
  measured: z.int().nullable(),
  best: z.strictObject({ step: z.int(), value: z.number(), since: z.int() }).optional(),
  tokensPerPass: z.int().positive().optional(),
  sparing: z.boolean().optional(),
});

/**
 * Writes parameters, moments and position as one file, which appears when it is whole; keeps the one before it, and removes
 * those after it, which are of a future that was abandoned.
 */
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
  const path = run.checkpoint(position.step);
  writeSafetensors(path, tensors, { position: JSON.stringify(position) });
  const all = run.listCheckpoints();
  const kept = all.filter(each => each <= path).slice(0, 2);
  for (const each of all) if (!kept.includes(each)) rmSync(each, { force: true });
  removeUnnamedBest(run, position.best);
}

/**
 * Brings model and moments back to the newest checkpoint that is whole, and says in the log which are not; null if there is
 * none at all.
 * @throws LratError if there are checkpoints, and none of them is whole
 */
export function restoreCheckpoint(
  run: RunFolder,
  model: TrainableEncoder,
  moments: Moments,
): Position | null {
  let failure: unknown = null;
  for (const path of run.listCheckpoints()) {
    let file: Safetensors;
    let position: Position;
    try {
      file = openSafetensors(path);
      position = positionOf(file);
    } catch (error) {
      failure ??= error;
      run.log(`${basename(path)} cannot be used: ${(error as Error).message}`);
      continue;
    }
    for (const [name, { shape, data }] of model.parameters) {
      data.set(file.floats(name, shape).data);
      for (const key of [`${name}.moment1`, `${name}.moment2`])
        moments.get(key)!.set(file.floats(key, shape).data);
    }
    return position;
  }
  if (failure === null) return null;
  throw new LratError('holds no checkpoint that is whole.', {
    place: run.checkpoints,
    remedy: 'Remove this folder: the run then begins anew.',
    cause: failure,
  });
}

/** @throws LratError if it is no checkpoint */
function positionOf(file: Safetensors): Position {
  try {
    return positionSchema.parse(JSON.parse(file.metadata.position ?? ''));
  } catch (cause) {
    throw new LratError('has no position of a training.', { place: file.path, cause });
  }
}

/**
 * Keeps the parameters as they are now, the best after so many steps. What a checkpoint names as the best stays: a crash may
 * bring the run back to it.
 */
export function saveBest(run: RunFolder, model: TrainableEncoder, best: Best): void {
  writeSafetensors(run.best(best.step), model.parameters);
  removeUnnamedBest(run, best);
}

/** Brings the model back to its best parameters. */
export function restoreBest(run: RunFolder, model: TrainableEncoder, best: Best): void {
  const file = openSafetensors(run.best(best.step));
  for (const [name, { shape, data }] of model.parameters) data.set(file.floats(name, shape).data);
}

/** Removes best states but for the one of now and those of the checkpoints. */
function removeUnnamedBest(run: RunFolder, now: Best | undefined): void {
  const states = run.listBest();
  if (states.length < 2) return;
  const named = [now, ...run.listCheckpoints().map(bestNamedBy)].map(best => best && run.best(best.step));
  for (const path of states) if (!named.includes(path)) rmSync(path, { force: true });
}

function bestNamedBy(checkpoint: string): Best | undefined {
  try {
    return positionOf(openSafetensors(checkpoint)).best;
  } catch {
    // Nothing comes back to a checkpoint that is damaged.
    return undefined;
  }
}
