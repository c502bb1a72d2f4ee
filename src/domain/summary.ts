/**
 * What a model made of the messages from one seq to another, for the prompts of later turns. It never stands for the
 * log: it may be gone at any time, and is made again.
 */
export interface Summary {
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}
