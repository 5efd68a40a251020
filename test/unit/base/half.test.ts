import { expect, it } from 'vitest';
import { halfPrecision, toHalfPrecision } from '../../../src/base/half.ts';

const numbers = halfPrecision();

it('knows the numbers of 16 bits', () => {
  // From the tables of IEEE 754: ±1, the greatest, the least normal, the least of all.
  const known: readonly [number, number][] = [
    [0x3c00, 1],
    [0xbc00, -1],
    [0x3555, 0.333251953125],
    [0x7bff, 65504],
    [0x0400, 2 ** -14],
    [0x0001, 2 ** -24],
    [0x7c00, Number.POSITIVE_INFINITY],
  ];
  for (const [bits, number] of known) expect(numbers[bits]).toBe(number);
});

it('gives each of them back', () => {
  const bits = toHalfPrecision(numbers);
  for (let i = 0; i < bits.length; i++) {
    if (Number.isNaN(numbers[i])) expect(numbers[bits[i]!]).toBeNaN();
    else expect(bits[i]).toBe(i);
  }
});

it('rounds to the nearest, and to the even one between two', () => {
  for (let low = 0; low < 0x7bff; low++) {
    const [a, b] = [numbers[low]!, numbers[low + 1]!];
    // The middle has one bit more, which 32 bits hold; a step of 2⁻²³ beside it decides.
    const middle = (a + b) / 2;
    const even = low % 2 === 0 ? low : low + 1;
    const some = Float32Array.of(middle, middle * (1 - 2 ** -22), middle * (1 + 2 ** -22), -middle);
    expect([...toHalfPrecision(some)]).toEqual([even, low, low + 1, even | 0x8000]);
  }
  expect([...toHalfPrecision(Float32Array.of(65519, 65520, 1e9, -1e9))]).toEqual([
    0x7bff, 0x7c00, 0x7c00, 0xfc00,
  ]);
});
