const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];

/** Whether native code takes arrays on shared memory: Node.js lets it since 22.21 and 24.9 (nodejs/node#59071). */
const nativeCodeShares = (major === 22 && minor >= 21) || (major === 24 && minor >= 9) || major > 24;

/** Zeros that threads see together, as what is sent to one is the same memory, if native code can be given such as well. */
export function sharedFloats(length: number): Float32Array {
  return nativeCodeShares ? new Float32Array(new SharedArrayBuffer(4 * length)) : new Float32Array(length);
}

export function isShared({ buffer }: ArrayBufferView): boolean {
  return buffer instanceof SharedArrayBuffer;
}
