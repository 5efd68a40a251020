/** Finds words that somebody looks for in a text, case ignored; they stand in the pattern's only group. */
export function patternOf(words: string): RegExp {
  return new RegExp(`(${words.replace(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`)})`, 'giu');
}
