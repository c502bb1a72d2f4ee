/** What a client needs from the world. All of it can be given, so that tests have their own time and sockets. */

/** The part of the standard WebSocket that is used; browsers, Node 22 and `ws` have it. */
export interface Socket {
  send(text: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'open', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(
    type: 'close',
    listener: (event: { readonly code: number; readonly reason: string }) => void,
  ): void;
  addEventListener(type: 'error', listener: () => void): void;
}

export type SocketConstructor = new (url: string) => Socket;

/** Ends a timer that has not run; harmless afterwards. */
export type Stop = () => void;

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  after(ms: number, run: () => void): Stop;
}

/** `localStorage` fits. */
export interface KeyValueStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** Keeps nothing beyond the life of the client: for Node, and where storage is switched off. */
export function memoryStorage(): KeyValueStorage {
  const values = new Map<string, string>();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
}

const HEX = 16;

/** An idempotency key: 128 random bits, so that no two sends ever share one. */
export function newKey(): string {
  // Not randomUUID: browsers offer that on secure origins only.
  const bytes = crypto.getRandomValues(new Uint8Array(HEX));
  return Array.from(bytes, (byte) => byte.toString(HEX).padStart(2, '0')).join('');
}
