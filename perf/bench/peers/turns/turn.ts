/** A server that takes turns. */
export interface TurnServer {
  /** Seconds of CPU that it and the processes under it have used so far. */
  readonly cpuSeconds: () => number;
  /** A person, with a conversation of its own for each turn. */
  readonly person: () => Promise<Person>;
  readonly stop: () => Promise<void>;
}

export interface Person {
  /** Makes a conversation, asks in it, and waits for the end of the answer. */
  readonly ask: (words: string) => Promise<Answered>;
  readonly leave: () => void;
}

/** By `performance.now`. The conversation was there before `askedAt`. */
export interface Answered {
  readonly askedAt: number;
  readonly firstAt: number;
  readonly endAt: number;
  readonly text: string;
}
