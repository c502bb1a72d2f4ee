import type { EventFrame, ServerFrames } from '../../src/protocol/server-frames.ts';

type TurnFrame = ServerFrames['turn.started' | 'turn.delta' | 'turn.snapshot' | 'turn.ended'];

interface Attempt {
  /** The index the next delta must have; undefined where this connection saw no beginning. */
  next: number | undefined;
  text: string;
  isOver: boolean;
}

/**
 * The promises about turns, on one connection: deltas count from 0 without a gap unless a snapshot
 * repairs it; an older attempt is silent once a newer one began; nothing comes after `turn.ended`;
 * the final event comes before it, and is the deltas' concatenation.
 */
export class TurnWitness {
  /** One that was too slow may have been spared the last deltas: it has the final event. */
  isSlow = false;
  readonly #attempts = new Map<string, Attempt>();
  readonly #newest = new Map<string, number>();
  readonly #answers = new Map<string, { readonly seq: number; readonly content: string }>();
  readonly #broken: (text: string) => void;

  constructor(broken: (text: string) => void) {
    this.#broken = broken;
  }

  /** A join: what runs there is as its snapshots say, and whatever was known of it is replaced. */
  attaches(conversation: string, snapshots: readonly ServerFrames['turn.snapshot'][]): void {
    for (const [key, attempt] of this.#attempts) {
      if (key.startsWith(`${conversation}/`) && !attempt.isOver) this.#attempts.delete(key);
    }
    for (const snapshot of snapshots) this.sees(snapshot, 0);
  }

  message(event: Extract<EventFrame, { kind: 'message' }>): void {
    if (event.turn_id === undefined || event.deleted) return;
    const key = `${event.conversation_id}/${event.turn_id}`;
    const before = this.#answers.get(key);
    if (before && before.seq !== event.seq) this.#broken(`turn ${key} has two messages`);
    this.#answers.set(key, { seq: event.seq, content: event.content ?? '' });
  }

  /** `nextSeq`: the seq due next in this conversation, so all before it has been seen. */
  sees(frame: TurnFrame, nextSeq: number): void {
    const turn = `${frame.conversation_id}/${frame.turn_id}`;
    const key = `${turn}/${frame.attempt}`;
    const known = this.#attempts.get(key);
    if (known?.isOver) {
      this.#broken(`${frame.type} after turn.ended of ${key}`);
      return;
    }
    const newest = this.#newest.get(turn) ?? 0;
    if (frame.attempt < newest) this.#broken(`${frame.type} of ${key} after attempt ${newest}`);
    this.#newest.set(turn, Math.max(newest, frame.attempt));
    switch (frame.type) {
      case 'turn.started':
        if (known) this.#broken(`turn.started twice for ${key}`);
        this.#attempts.set(key, { next: 0, text: '', isOver: false });
        return;
      case 'turn.snapshot':
        this.#attempts.set(key, { next: frame.next_index, text: frame.text, isOver: false });
        return;
      case 'turn.delta':
        this.#delta(key, frame);
        return;
      case 'turn.ended':
        this.#ended(turn, frame, nextSeq);
        return;
      default:
        frame satisfies never;
    }
  }

  #delta(key: string, frame: ServerFrames['turn.delta']): void {
    const attempt = this.#attempts.get(key);
    if (attempt?.next === undefined) {
      this.#broken(`delta ${frame.index} of ${key}, which was never started here`);
      return;
    }
    if (frame.index !== attempt.next) {
      this.#broken(`delta ${frame.index} of ${key} where ${attempt.next} was due`);
    }
    attempt.next = frame.index + 1;
    attempt.text += frame.text;
  }

  #ended(turn: string, frame: ServerFrames['turn.ended'], nextSeq: number): void {
    const key = `${turn}/${frame.attempt}`;
    const attempt = this.#attempts.get(key);
    this.#attempts.set(key, { next: undefined, text: '', isOver: true });
    if (frame.state === 'failed' && !frame.error) this.#broken(`${key} failed without an error`);
    // A part that is kept has its event, too.
    if (frame.state !== 'completed' && frame.seq === undefined) return;
    if (frame.seq === undefined) {
      this.#broken(`${key} is completed without a seq`);
      return;
    }
    if (frame.seq >= nextSeq) this.#broken(`turn.ended of ${key} before its event ${frame.seq}`);
    const answer = this.#answers.get(turn);
    if (answer && answer.seq !== frame.seq) {
      this.#broken(`turn.ended of ${key} says seq ${frame.seq}, its event is ${answer.seq}`);
    }
    if (answer && attempt) this.#compare(key, attempt.text, answer.content);
  }

  #compare(key: string, text: string, content: string): void {
    const isGood = this.isSlow ? content.startsWith(text) : content === text;
    if (!isGood) this.#broken(`the deltas of ${key} are not its message's content`);
  }
}
