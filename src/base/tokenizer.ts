/** Counts the tokens of a text, special tokens excluded: the unit of reasoning length `l` (LRAT, section 5.3). */
export interface TokenCounter {
  /** As recorded beside every length: `words`, `cl100k_base`, or the folder of a `tokenizer.json`. */
  readonly name: string;
  count(text: string): number;
}
