import type { ConversationId, TurnId } from '../src/domain/ids.ts';
import type { Turn } from '../src/domain/turn.ts';
import type { ActorParts } from './actor-parts.ts';
import type { Registry } from './registry.ts';

/** Looks, and so renewals, in the time after which a turn is nobody's: as many may be missed. */
const LOOKS = 4;

/** What a record looked like, and since when, by the clock of this server. */
interface Sighting {
  readonly print: string;
  readonly since: number;
}

/**
 * The open turns of a store that servers share: each is run by the server that lives.
 *
 * Owns: what was seen of the turns of others. Does not own: the turns that run here (`Turns`).
 * Invariants: O1. A turn whose server renews it is left alone: only one whose record was seen unchanged for
 * `turnLeaseMs`, by one clock, while the store answered, is taken. O2. Who takes one writes its name into the record
 * and begins at its next look, if its name still stands there: of several that take it at once, the last one has it
 * (Fischer's exclusion; a look is longer than a write). O3. A turn that another server has taken is let go of here.
 *
 * Not excluded: a server that stands still, or is cut off from the store alone, for more than `turnLeaseMs` runs what
 * it was running beside who took it, until its next look. The log takes one answer all the same: it has the turn's key.
 */
export class TurnWatch {
  readonly #parts: ActorParts;
  readonly #registry: Registry;
  readonly #runner: string;
  #seen = new Map<TurnId, Sighting>();
  /** Turns into which our name was written, at this look and at the one before. */
  #claims = new Set<TurnId>();
  #claimed: ReadonlySet<TurnId> = new Set();
  #isStopped = false;
  #takeBack: () => void = () => {};

  constructor(parts: ActorParts, registry: Registry, runner: string) {
    this.#parts = parts;
    this.#registry = registry;
    this.#runner = runner;
  }

  /** Looks now, and then again and again. The promise is kept after the first look. */
  async start(): Promise<void> {
    try {
      await this.#look();
    } catch (cause) {
      // Nothing is known of what others did meanwhile (O1).
      this.#seen.clear();
      this.#parts.report('turn_recovery_failed', { cause });
    }
    if (this.#isStopped) return;
    this.#takeBack = this.#parts.clock.after(this.#parts.limits.turnLeaseMs / LOOKS, () => {
      void this.start();
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#takeBack();
  }

  async #look(): Promise<void> {
    const before = this.#seen;
    this.#seen = new Map();
    this.#claimed = this.#claims;
    this.#claims = new Set();
    const found = await this.#parts.store.listConversationsWithOpenTurns();
    if (!found.ok) throw new Error('the store does not answer', { cause: found.failure.cause });
    for (const id of found.value) {
      if (this.#isStopped) return;
      await this.#lookAt(id, before);
    }
  }

  async #lookAt(id: ConversationId, before: ReadonlyMap<TurnId, Sighting>): Promise<void> {
    const open = await this.#parts.store.readOpenTurns(id);
    if (!open.ok) throw new Error('the store does not answer', { cause: open.failure.cause });
    for (const turn of open.value) {
      const known = before.get(turn.id);
      const print = printOf(turn);
      const isSame = known?.print === print;
      const sighting = isSame ? known : { print, since: this.#parts.clock.now() };
      this.#seen.set(turn.id, sighting);
      if (this.#registry.peek(id)?.turns?.has(turn.id) === true) this.#keep(id, turn, isSame);
      else if (this.#isClaimed(turn)) await this.#take(id, turn);
      else if (this.#isAbandoned(sighting)) await this.#claim(id, turn);
    }
  }

  /** We wrote our name into it at the look before, and it still stands there (O2). */
  #isClaimed({ id, lease }: Turn): boolean {
    return this.#claimed.has(id) && lease?.runner === this.#runner;
  }

  #isAbandoned({ since }: Sighting): boolean {
    return this.#parts.clock.now() - since >= this.#parts.limits.turnLeaseMs;
  }

  /** It is open here: says so in its record, unless that names another (O3). One that ends soon costs no write. */
  #keep(id: ConversationId, turn: Turn, isOld: boolean): void {
    const turns = this.#registry.peek(id)?.turns;
    if (turn.lease !== undefined && turn.lease.runner !== this.#runner) turns?.letGo(turn.id);
    else if (isOld || (turn.lease?.renewals ?? 0) > 0) turns?.renew(turn.id);
  }

  async #claim(id: ConversationId, turn: Turn): Promise<void> {
    const actor = await this.#registry.get(id);
    if (!actor.ok) return;
    const author = { id: turn.agentId, name: turn.agentName, kind: 'agent' } as const;
    const lease = { runner: this.#runner, renewals: 0 };
    this.#claims.add(turn.id);
    await actor.value.post({ kind: 'turn', author, key: null, turn: { ...turn, lease } });
  }

  async #take(id: ConversationId, turn: Turn): Promise<void> {
    const actor = await this.#registry.get(id);
    if (actor.ok) actor.value.turns?.enqueue([turn]);
  }
}

/** What changes when somebody does something for it. */
function printOf({ state, attempt, lease }: Turn): string {
  return `${state} ${attempt} ${lease?.runner} ${lease?.renewals}`;
}
