import type { ParticipantId } from '../src/domain/ids.ts';
import type { Publish } from './outlet.ts';
import type { Subscription } from './subscription.ts';

/** Up to this many listeners, a write to each is as cheap as a topic (perf/README.md). */
const DIRECT_LISTENERS = 4;
/** Connections of those who speak that are kept out of the topic. */
const MOST_SPEAKERS = 8;
/** Events after which one who has said nothing more may make room for another who speaks. */
const SILENT_EVENTS = 64;

/** Another frame for the connections of one participant, or none when it is undefined. */
interface Special {
  readonly participantId: ParticipantId;
  readonly frame: string | undefined;
}

interface FanOutOptions {
  readonly topic: string;
  readonly publish: Publish;
  /** Every connection of each participant, the live ones and others. */
  readonly byParticipant: ReadonlyMap<ParticipantId, Iterable<Subscription>>;
}

/**
 * The live subscriptions of one conversation, and how a frame reaches them: one by one, or through the topic.
 *
 * Owns: who is live, and who of them is in the topic. Does not own: when somebody is live, what was given to whom.
 * Invariants: F1. Each of them gets every frame, in order, in one of the two ways. F2. Who goes over to the other way
 * has nothing waiting in the one before: what was published goes out before anything is written to the connection
 * itself; what is queued for it is flushed before it enters the topic.
 *
 * In a big room those who speak are kept out of the topic. Their own events have another form for them, with their
 * key: beside the topic each would be a write of its own, to stay in order with what the topic gives them. Queued,
 * those of a batch and their acks are one write.
 */
export class FanOut {
  readonly #options: FanOutOptions;
  readonly #live = new Set<Subscription>();
  /** The live ones that are written to one by one; undefined when that has changed. */
  #direct: readonly Subscription[] | undefined;
  /** Those who are kept out of the topic. */
  #speakers: readonly Subscription[] = [];
  /** There were more than are written to one by one: all but those who speak are in the topic. */
  #hasTopic = false;

  constructor(options: FanOutOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#live.size;
  }

  /** All of them. */
  get live(): Iterable<Subscription> {
    return (this.#isSmall ? this.#direct : undefined) ?? this.#live;
  }

  /** What it was given until now goes out before what comes through here. */
  add(subscription: Subscription): void {
    this.#live.add(subscription);
    this.#direct = undefined;
    if (this.#hasTopic || this.#isSmall) {
      this.#bringIn(subscription);
      return;
    }
    this.#hasTopic = true;
    for (const one of this.#live) this.#bringIn(one);
  }

  #bringIn({ outlet }: Subscription): void {
    outlet.flush(); // F2
    if (this.#hasTopic) outlet.topics?.enter(this.#options.topic);
  }

  /** False when it was not there. */
  remove(subscription: Subscription): boolean {
    if (!this.#live.delete(subscription)) return false;
    this.#direct = undefined;
    if (subscription.spokeAt === undefined) this.#leave(subscription);
    else this.#speakers = this.#speakers.filter((speaker) => speaker !== subscription);
    subscription.spokeAt = undefined;
    return true;
  }

  #leave({ outlet }: Subscription): void {
    if (this.#hasTopic) outlet.topics?.leave(this.#options.topic);
  }

  /** Gives a frame to all of them. `seq` is that of an event, and `special` is about its author then. */
  send(frame: string, special?: Special, seq?: number): void {
    if (!this.#isSmall) this.#publish(frame, special, seq);
    this.#direct ??= this.#findDirect();
    for (const subscription of this.#direct) {
      if (subscription.participantId !== special?.participantId)
        subscription.outlet.send(frame, seq);
      else if (special.frame !== undefined) subscription.outlet.send(special.frame, seq);
    }
  }

  get #isSmall(): boolean {
    return this.#live.size <= DIRECT_LISTENERS;
  }

  #findDirect(): readonly Subscription[] {
    const isSmall = this.#isSmall;
    return [...this.#live].filter(
      ({ outlet, spokeAt }) => isSmall || outlet.topics === undefined || spokeAt !== undefined,
    );
  }

  /** Through the topic, to all that are in it. */
  #publish(frame: string, special?: Special, seq?: number): void {
    const { topic, publish } = this.#options;
    const own = special && this.#inTopicOf(special.participantId, seq);
    if (special === undefined || own === undefined || this.#takeOut(own, seq)) {
      publish(topic, frame);
      return;
    }
    this.#publishToOthers(frame, own);
    for (const { outlet } of own) {
      if (special.frame === undefined) continue;
      outlet.send(special.frame, seq);
      outlet.flush();
    }
  }

  /** Those of the participant that are in the topic, if any; of the others it is remembered that they spoke. */
  #inTopicOf(participantId: ParticipantId, seq?: number): readonly Subscription[] | undefined {
    let found: Subscription[] | undefined;
    for (const subscription of this.#options.byParticipant.get(participantId) ?? []) {
      if (subscription.state !== 'live' || subscription.outlet.topics === undefined) continue;
      if (subscription.spokeAt !== undefined) {
        subscription.spokeAt = seq ?? subscription.spokeAt;
      } else {
        found ??= [];
        found.push(subscription);
      }
    }
    return found;
  }

  /** Takes those who speak out of the topic; false when there is no room, or nobody speaks. */
  #takeOut(speaking: readonly Subscription[], seq?: number): boolean {
    if (seq === undefined || !this.#makeRoom(speaking.length, seq)) return false;
    for (const subscription of speaking) {
      subscription.outlet.topics?.leave(this.#options.topic);
      subscription.spokeAt = seq;
    }
    this.#speakers = [...this.#speakers, ...speaking];
    this.#direct = undefined;
    return true;
  }

  #makeRoom(count: number, seq: number): boolean {
    if (this.#speakers.length + count <= MOST_SPEAKERS) return true;
    const isSilent = ({ spokeAt = 0 }: Subscription) => seq - spokeAt > SILENT_EVENTS;
    const staying = this.#speakers.filter((speaker) => !isSilent(speaker));
    if (staying.length + count > MOST_SPEAKERS) return false;
    for (const speaker of this.#speakers) if (isSilent(speaker)) this.#putBack(speaker);
    this.#speakers = staying;
    return true;
  }

  #putBack(speaker: Subscription): void {
    speaker.spokeAt = undefined;
    speaker.outlet.flush(); // F2
    speaker.outlet.topics?.enter(this.#options.topic);
  }

  /** One write to the topic, which none of `except` gets. */
  #publishToOthers(frame: string, except: readonly Subscription[]): void {
    const { topic, publish } = this.#options;
    const [first] = except;
    if (except.length === 1) {
      first?.outlet.topics?.publishToOthers(topic, frame);
      return;
    }
    for (const { outlet } of except) outlet.topics?.leave(topic);
    publish(topic, frame);
    for (const { outlet } of except) outlet.topics?.enter(topic);
  }
}
