import type { LogEvent } from '../src/domain/event.ts';
import type { Result } from '../src/domain/result.ts';
import type { EventPage } from '../storage/store.ts';
import type { ActorParts } from './actor-parts.ts';
import type { AudienceCounters, AudienceOptions } from './audience.ts';
import type { Clock } from './clock.ts';
import type { ConversationActor } from './conversation-actor.ts';
import type { Encoder, Notice, Origin, Publish } from './outlet.ts';

/** What an audience sees of its conversation. A class: as closures it would cost each conversation 1 kB. */
export class AudienceView implements AudienceOptions {
  readonly #actor: ConversationActor;
  readonly #parts: ActorParts;
  #origin: Origin | undefined;

  constructor(actor: ConversationActor, parts: ActorParts) {
    this.#actor = actor;
    this.#parts = parts;
  }

  get topic(): string {
    return this.#actor.id;
  }

  get encoder(): Encoder {
    return this.#parts.encoder;
  }

  get publish(): Publish {
    return this.#parts.publish;
  }

  get clock(): Clock {
    return this.#parts.clock;
  }

  get outboundBytes(): number {
    return this.#parts.limits.outboundBytes;
  }

  get counters(): AudienceCounters {
    return this.#parts.counters;
  }

  /** A conversation has one epoch as long as anybody listens to it. */
  origin(): Origin {
    this.#origin ??= this.#makeOrigin();
    return this.#origin;
  }

  #makeOrigin(): Origin {
    const { id, epoch } = this.#actor.headless;
    return { id, epoch, stem: this.#parts.encoder.stem({ id, epoch }) };
  }

  headSeq(): number {
    return this.#actor.headSeq;
  }

  firstSeq(): number {
    return this.#actor.headless.firstSeq;
  }

  onHole(): void {
    void this.#actor.lookAnew();
  }

  readEvents(page: EventPage): Promise<Result<readonly LogEvent[], unknown>> {
    return this.#parts.store.readEvents(this.#actor.id, page);
  }

  turnSnapshots(): readonly Notice[] {
    return this.#actor.turnSnapshots().map((turn) => ({ kind: 'turn.snapshot', ...turn }));
  }

  onReadFailed(cause: unknown): void {
    this.#parts.report('replay_failed', { conversation_id: this.#actor.id, cause });
  }
}
