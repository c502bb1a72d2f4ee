import { type Failure, failure } from '../src/domain/failure.ts';
import type { ParticipantId, TurnId } from '../src/domain/ids.ts';
import { err, type Result } from '../src/domain/result.ts';
import type { Turn } from '../src/domain/turn.ts';
import type { TurnSnapshot } from './outlet.ts';
import type { Decision } from './turn-calls.ts';
import type { Turns } from './turns.ts';

/**
 * The agents' turns in one conversation: each agent has its own, one at a time. Owns which seats are taken; a seat is
 * made with an agent's first turn, and kept while the conversation lives.
 */
export class Seats {
  readonly #seat: (agent: ParticipantId) => Turns;
  readonly #seats = new Map<ParticipantId, Turns>();
  #isCutOff = false;

  constructor(seat: (agent: ParticipantId) => Turns) {
    this.#seat = seat;
  }

  of(agent: ParticipantId): Turns {
    const known = this.#seats.get(agent);
    if (known !== undefined) return known;
    const made = this.#seat(agent);
    if (this.#isCutOff) made.cutOff();
    this.#seats.set(agent, made);
    return made;
  }

  /** Turns of one agent that have not ended. */
  openOf(agent: ParticipantId): number {
    return this.#seats.get(agent)?.open ?? 0;
  }

  /** Turns that have not ended. */
  get open(): number {
    let open = 0;
    for (const turns of this.#seats.values()) open += turns.open;
    return open;
  }

  /** Something here is not yet as durable as it will be. */
  get hasWork(): boolean {
    return this.#all().some(({ hasWork }) => hasWork);
  }

  has(id: TurnId): boolean {
    return this.#with(id) !== undefined;
  }

  /** Takes turns that are written down: new ones, or such as an earlier process did not finish. */
  enqueue(turns: readonly Turn[]): void {
    for (const turn of turns) this.of(turn.agentId).enqueue([turn]);
  }

  /** The turns that run. */
  snapshots(): TurnSnapshot[] {
    return this.#all().flatMap((turns) => turns.snapshots());
  }

  /** Undefined when it was told to stop; why not otherwise. Its end is told as `turn.ended`. */
  cancel(id: TurnId): Failure | undefined {
    const turns = this.#with(id);
    return turns === undefined ? failure('turn_not_found') : turns.cancel(id);
  }

  /** Somebody decides about a tool call of a turn that runs. */
  async decide(id: TurnId, decision: Decision): Promise<Result<void, Failure>> {
    return this.#with(id)?.decide(id, decision) ?? err(failure('turn_not_found'));
  }

  renew(id: TurnId): void {
    this.#with(id)?.renew(id);
  }

  letGo(id: TurnId): void {
    this.#with(id)?.letGo(id);
  }

  /** Resolves when every agent is silent, or waits for people. */
  async whenIdle(): Promise<void> {
    await Promise.all(this.#all().map((turns) => turns.whenIdle()));
  }

  /** Stops at once and writes nothing: the next process finds the turns unfinished. */
  cutOff(): void {
    this.#isCutOff = true;
    for (const turns of this.#seats.values()) turns.cutOff();
  }

  #with(id: TurnId): Turns | undefined {
    return this.#all().find((turns) => turns.has(id));
  }

  #all(): Turns[] {
    return [...this.#seats.values()];
  }
}
