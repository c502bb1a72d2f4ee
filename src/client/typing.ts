import type { Clock, Stop } from './environment.ts';

/** One who says nothing more for this long has stopped typing, whether or not that was said. */
const OTHERS_EXPIRE_MS = 8_000;
/** Our own typing is said again this often while it goes on. */
const REPEAT_MS = 3_000;
const OWN_EXPIRES_MS = 5_000;

/** Who is typing, by participant id. */
export class OthersTyping {
  readonly #clock: Clock;
  readonly #onChange: () => void;
  readonly #stops = new Map<string, Stop>();
  #ids: readonly string[] = [];

  constructor(clock: Clock, onChange: () => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** In the order they began; the same array until it changes. */
  get ids(): readonly string[] {
    return this.#ids;
  }

  hear(participantId: string, isActive: boolean): void {
    const was = this.#stops.get(participantId);
    was?.();
    if (isActive) {
      const stop = this.#clock.after(OTHERS_EXPIRE_MS, () => this.hear(participantId, false));
      this.#stops.set(participantId, stop);
    } else {
      this.#stops.delete(participantId);
    }
    if ((was !== undefined) !== isActive) this.#changed();
  }

  clear(): void {
    for (const stop of this.#stops.values()) stop();
    this.#stops.clear();
    if (this.#ids.length > 0) this.#changed();
  }

  #changed(): void {
    this.#ids = [...this.#stops.keys()];
    this.#onChange();
  }
}

/** Says that we type, at most every few seconds, and that we stopped, also when nobody tells us so. */
export class OwnTyping {
  readonly #clock: Clock;
  readonly #tell: (isActive: boolean) => void;
  #saidAtMs: number | undefined;
  #stopTimer: Stop = () => undefined;

  constructor(clock: Clock, tell: (isActive: boolean) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  set(isActive: boolean): void {
    this.#stopTimer();
    const now = this.#clock.now();
    if (!isActive) {
      if (this.#saidAtMs !== undefined) this.#tell(false);
      this.#saidAtMs = undefined;
      return;
    }
    this.#stopTimer = this.#clock.after(OWN_EXPIRES_MS, () => this.set(false));
    if (this.#saidAtMs !== undefined && now - this.#saidAtMs < REPEAT_MS) return;
    this.#saidAtMs = now;
    this.#tell(true);
  }

  /** The connection is gone: nobody thinks that we type. */
  forget(): void {
    this.#stopTimer();
    this.#saidAtMs = undefined;
  }
}
