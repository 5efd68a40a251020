const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const [encoder, decoder] = [new TextEncoder(), new TextDecoder('utf-8', { ignoreBOM: true })];

/** Of a unit of the trie: how far its children are from it, by exclusive or. */
const offset = (unit: number) => (unit >>> 10) << ((unit & 0x200) >>> 6);
const hasLeaf = (unit: number) => (unit & 0x100) !== 0;
const isLeaf = (unit: number) => unit >>> 31 === 1;

/**
 * What the normalizer `Precompiled` of a `tokenizer.json` does in Rust (the crate spm_precompiled): SentencePiece's table
 * of characters and what stands for them, taken by grapheme.
 *
 * @param charsmap base64 of the size of a double-array trie in bytes (32 bits, little-endian), the trie (darts-clone), and
 * the replacements that its leaves point to, UTF-8 that ends in NUL.
 * @throws Error if it is damaged.
 */
export function precompiled(charsmap: unknown): (text: string) => string {
  const { units, replacements } = decode(charsmap);

  /** What stands for the shortest beginning of `piece` that is in the table, and so for all of it; null if none is. */
  function replacement(piece: string): string | null {
    let at = offset(units[0]!);
    for (const byte of encoder.encode(piece)) {
      at ^= byte;
      const unit = units[at] ?? 0;
      if (byte === 0 || isLeaf(unit) || (unit & 0xff) !== byte) return null;
      at ^= offset(unit);
      if (hasLeaf(unit)) {
        const start = units[at]! & 0x7fffffff;
        return decoder.decode(replacements.subarray(start, replacements.indexOf(0, start)));
      }
    }
    return null;
  }

  function normalize(grapheme: string): string {
    const whole = Buffer.byteLength(grapheme) < 6 ? replacement(grapheme) : null;
    return whole ?? Array.from(grapheme, character => replacement(character) ?? character).join('');
  }

  // Of one unit of UTF-16, as most graphemes are: so that it stays small.
  const known = new Map<string, string>();
  return text => {
    let normalized = '';
    for (const { segment } of graphemes.segment(text)) {
      const found = known.get(segment) ?? normalize(segment);
      if (segment.length === 1) known.set(segment, found);
      normalized += found;
    }
    return normalized;
  };
}

/** The trie and the replacements of a charsmap: every leaf is there and points to one of them. */
function decode(charsmap: unknown): { readonly units: Uint32Array; readonly replacements: Buffer } {
  const bytes = Buffer.from(typeof charsmap === 'string' ? charsmap : '', 'base64');
  const size = bytes.length < 4 ? 0 : bytes.readUInt32LE();
  const whole =
    bytes.toString('base64') === charsmap && size > 0 && size % 4 === 0 && 4 + size < bytes.length;
  if (!whole) throw damaged();
  const units = Uint32Array.from({ length: size / 4 }, (_, i) => bytes.readUInt32LE(4 + 4 * i));
  const replacements = bytes.subarray(4 + size);
  const points = (unit: number | undefined) =>
    unit !== undefined && isLeaf(unit) && replacements.indexOf(0, unit & 0x7fffffff) >= 0;
  for (const [i, unit] of units.entries())
    if (!isLeaf(unit) && hasLeaf(unit) && !points(units[i ^ offset(unit)])) throw damaged();
  return { units, replacements };
}

const damaged = () => new Error('the charsmap of its normalizer is damaged');
