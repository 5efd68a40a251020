/** What kind of text is encoded: models may treat queries and documents differently (prompts). */
export type TextKind = 'query' | 'document';

/** Text to vector. */
export interface Encoder {
  readonly name: string;
  readonly dimension: number;
  /** Row-major `texts.length × dimension`, each row L2-normalised (a text without a known token gives zeros). */
  encode(texts: readonly string[], kind: TextKind): Promise<Float32Array>;
  /** Frees what the encoder holds outside of JavaScript's memory; it must not be used afterwards. */
  dispose(): Promise<void>;
}
