import type { Graph } from '../../engine/graph.ts';
import { cast, mul } from '../../engine/operators.ts';
import { type HostTensor, type Shape, sizeOf, tensor } from '../../engine/tensor.ts';
import { type Architecture, type Dropout, joined, type TokenInputs } from './architecture.ts';
import type { Bucket } from './buckets.ts';

/** Of 256 equally likely numbers, how many drop a number out: at least one, for a rate above 0 must have an effect. */
function droppedOf256(rate: number): number {
  return rate === 0 ? 0 : Math.max(1, Math.round(256 * rate));
}

/** The part that is dropped out if `rate` is asked for: the nearest multiple of 1/256 that is not 0. */
function actualRate(rate: number): number {
  return droppedOf256(rate) / 256;
}

/** Declares what is kept as inputs of the graph. @param rate to drop out, from 0 to below 1 */
export function dropoutInputs(
  graph: Graph,
  rate: number,
  { dropout, hidden }: Pick<Architecture, 'dropout' | 'hidden'>,
  buckets: readonly TokenInputs[],
): Dropout {
  const kept = (name: string, shape: Shape) => graph.input(name, 'bool', shape);
  const scale = 1 / (1 - actualRate(rate));
  return {
    hidden(x, place) {
      const masks = buckets.map(({ ids }, i) =>
        cast(kept(hiddenName(place, i), [...ids.shape, hidden]), 'float32'),
      );
      return mul(x, mul(joined(masks), scale));
    },
    attention(place, tokens) {
      const [texts, length] = tokens.ids.shape as [number, number];
      const name = attentionName(place, buckets.indexOf(tokens));
      return { mask: kept(name, [texts, dropout.heads, length, length]), scale };
    },
  };
}

/** The same inputs as tensors. @param seed of the step */
export function dropoutTensors(
  { dropout, hidden }: Pick<Architecture, 'dropout' | 'hidden'>,
  rate: number,
  seed: number,
  buckets: readonly Bucket[],
  lengths: readonly number[],
): Record<string, HostTensor> {
  const inputs: Record<string, HostTensor> = {};
  const dropped = droppedOf256(rate);
  for (const [i, { members, texts, length }] of buckets.entries()) {
    for (const [place, name] of dropout.hidden.entries()) {
      const mask = new Uint8Array(texts * length * hidden);
      for (const [row, member] of members.entries()) {
        const own = mask.subarray(row * length * hidden, (row * length + lengths[member]!) * hidden);
        draw(own, dropped, mixed(seed, member, 2 * place));
      }
      inputs[hiddenName(name, i)] = tensor('bool', [texts, length, hidden], mask);
    }
    for (const [place, name] of dropout.attention.entries()) {
      const shape = [texts, dropout.heads, length, length];
      const mask = new Uint8Array(sizeOf(shape));
      for (const [row, member] of members.entries()) {
        const size = lengths[member]!;
        const own = new Uint8Array(dropout.heads * size * size);
        draw(own, dropped, mixed(seed, member, 2 * place + 1));
        // Of a shorter text the square of its own positions.
        for (let line = 0; line < dropout.heads * size; line++) {
          const [head, position] = [Math.floor(line / size), line % size];
          const start = ((row * dropout.heads + head) * length + position) * length;
          mask.set(own.subarray(line * size, (line + 1) * size), start);
        }
      }
      inputs[attentionName(name, i)] = tensor('bool', shape, mask);
    }
  }
  return inputs;
}

function hiddenName(place: string, bucket: number): string {
  return `kept.${place}.${bucket}`;
}

function attentionName(place: string, bucket: number): string {
  return `kept.attention.${place}.${bucket}`;
}

/** Ones and zeros from Marsaglia's xorshift generator, four from each of its numbers. */
function draw(mask: Uint8Array, dropped: number, seed: number): void {
  let state = seed;
  for (let i = 0; i < mask.length; i += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    mask[i] = (state & 255) < dropped ? 0 : 1;
    mask[i + 1] = ((state >>> 8) & 255) < dropped ? 0 : 1;
    mask[i + 2] = ((state >>> 16) & 255) < dropped ? 0 : 1;
    mask[i + 3] = state >>> 24 < dropped ? 0 : 1;
  }
}

/** Three numbers as a seed that is not zero and shows nothing of them (the mixing of MurmurHash3). */
function mixed(...numbers: readonly number[]): number {
  let hash = 0x9747b28c;
  for (const number of numbers) {
    hash = Math.imul(hash ^ number, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
  }
  return hash === 0 ? 1 : hash;
}
