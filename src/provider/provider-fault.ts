interface Traits {
  /** The same call may be made again, if nothing of it was used yet. */
  readonly isTransient: boolean;
  /** A sign that the endpoint is broken, and not the request: it counts for the breaker. */
  readonly breaks: boolean;
}

const FINAL: Traits = { isTransient: false, breaks: false };
const TRANSIENT: Traits = { isTransient: true, breaks: false };
const BROKEN: Traits = { isTransient: true, breaks: true };

/** Every way a call to an OpenAI-compatible endpoint ends badly. */
const FAULTS = {
  rate_limited: TRANSIENT,
  broken: BROKEN,
  unreachable: BROKEN,
  cut: BROKEN,
  late: { isTransient: false, breaks: true },
  stalled: FINAL,
  /** The breaker is open. */
  resting: FINAL,
  /** More calls at once than there may be: it was not made. */
  busy: TRANSIENT,
  no_quota: FINAL,
  unauthorized: FINAL,
  unknown_model: FINAL,
  too_long: FINAL,
  rejected: FINAL,
  empty: FINAL,
  filtered: FINAL,
  /** It answered, and not what was asked for. */
  nonsense: FINAL,
  unexpected: FINAL,
} as const satisfies Readonly<Record<string, Traits>>;

export type FaultKind = keyof typeof FAULTS;

/** A call that ended badly. Its message is for the log: no secret in it, and nothing of what was sent. */
export class ProviderFault extends Error {
  readonly kind: FaultKind;
  /** Milliseconds the endpoint asked to be left alone. */
  readonly retryAfterMs: number | undefined;

  constructor(kind: FaultKind, detail: string, retryAfterMs?: number) {
    super(`${kind}: ${detail}`);
    this.name = 'ProviderFault';
    this.kind = kind;
    this.retryAfterMs = retryAfterMs;
  }

  get isTransient(): boolean {
    return FAULTS[this.kind].isTransient;
  }

  get breaks(): boolean {
    return FAULTS[this.kind].breaks;
  }
}
