/** Numbers of 16 bits (IEEE 754 binary16), as bits: neither Node 20 nor 22 has an array of them. */

let table: Float32Array | undefined;

/** Every such number, by its bits. */
export function halfPrecision(): Float32Array {
  table ??= Float32Array.from({ length: 2 ** 16 }, (_, bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
  });
  return table;
}

/** The nearest such number of each, the even one of two: beyond 65,504 infinity, below 2⁻²⁵ zero. */
export function toHalfPrecision(numbers: Float32Array): Uint16Array {
  const halves = new Uint16Array(numbers.length);
  const number = new Float32Array(1);
  const bits = new Uint32Array(number.buffer);
  for (let i = 0; i < numbers.length; i++) {
    number[0] = numbers[i]!;
    const sign = (bits[0]! >>> 16) & 0x8000;
    const size = bits[0]! & 0x7fffffff;
    if (size > 0x7f800000) halves[i] = 0x7e00;
    else if (size >= 0x47800000) halves[i] = sign | 0x7c00;
    else if (size < 0x38800000) {
      // Below 2⁻¹⁴ the steps are of 2⁻²⁴, as those of 32 bits are from ½ on: adding ½ rounds.
      number[0] = Math.abs(number[0]) + 0.5;
      halves[i] = sign | (bits[0]! - 0x3f000000);
    } else halves[i] = sign | ((size - 0x38000000 + 0xfff + ((size >> 13) & 1)) >> 13);
  }
  return halves;
}
