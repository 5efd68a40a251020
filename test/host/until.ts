/** What something gives once it gives anything, within some milliseconds. */
export async function until<Value>(
  what: string,
  look: () => Promise<Value | undefined | false>,
  patience = 40_000,
): Promise<Value> {
  const deadline = Date.now() + patience;
  while (Date.now() < deadline) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  throw new Error(`waited in vain for ${what}`);
}
