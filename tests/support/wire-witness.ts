import { isDeepStrictEqual } from 'node:util';
import type { EventFrame, ServerFrame, ServerFrames } from '../../src/protocol/server-frames.ts';
import { SERVER_FRAMES } from '../../src/protocol/server-frames.ts';
import { flawsOf } from './failures.ts';
import { TurnWitness } from './turn-witness.ts';

/**
 * Watches one connection and writes down every promise of the contract that a frame breaks.
 *
 * Owns: where this connection stands in each conversation, and which requests are answered.
 * Does not own: the socket. Pure: feed it frames, read `violations`.
 *
 * Held on every frame, in every test:
 * 1. It has the shape of its type, and no field that the schema does not name.
 * 2. In an attached conversation events are after_seq + 1, after_seq + 2, …, each once; there are
 *    none where the connection is not attached; `live` comes once, when the replay is over.
 * 3. A request has one answer.
 * 4. A failure has the status of its reason; a 429 or 503 says when to come back.
 * 5. Turns as in turn-witness.ts.
 * 6. Nobody but its sender sees a key.
 * 7. A close of the server's own comes after a `bye`.
 */
export class WireWitness {
  readonly violations: string[] = [];
  readonly #attached = new Map<string, { next: number; isLive: boolean }>();
  readonly #joins = new Map<string, number | undefined>();
  readonly #open = new Set<string>();
  readonly #answered = new Set<string>();
  readonly #turns = new TurnWitness((text) => this.violations.push(text));
  #self: string | undefined;

  /** From now on this connection may be spared deltas: it does not read in time. */
  slows(): void {
    this.#turns.isSlow = true;
  }

  /** Tells the witness of a request before it is sent. */
  asks(frame: Readonly<Record<string, unknown>>): void {
    const { id, type, after_seq: after } = frame;
    if (typeof id !== 'string') return;
    this.#open.add(id);
    if (type === 'join') this.#joins.set(id, typeof after === 'number' ? after : undefined);
  }

  /** Judges one text frame; gives it typed, or undefined where it is no frame at all. */
  sees(text: string): ServerFrame | undefined {
    const frame = this.#parse(text);
    if (!frame) return undefined;
    this.#judge(frame);
    return frame;
  }

  /** Judges the end: whoever is sent away by the server is told why before. */
  closes(code: number, last: ServerFrame | undefined): void {
    if (code >= 4_000 && last?.type !== 'bye') this.#broken(`closed with ${code} without a bye`);
  }

  /** The next seq this connection must be given in a conversation it is attached to. */
  nextSeq(conversation: string): number | undefined {
    return this.#attached.get(conversation)?.next;
  }

  #parse(text: string): ServerFrame | undefined {
    let raw: { readonly type?: unknown };
    try {
      raw = JSON.parse(text);
    } catch {
      this.#broken(`not JSON: ${text.slice(0, 200)}`);
      return undefined;
    }
    const schema = Object.entries(SERVER_FRAMES).find(([type]) => type === raw.type)?.[1];
    if (!schema) {
      this.#broken(`unknown frame: ${text.slice(0, 200)}`);
      return undefined;
    }
    const parsed = schema.safeParse(raw);
    if (!parsed.success) {
      this.#broken(`not a ${raw.type}: ${text.slice(0, 300)}: ${parsed.error.message}`);
      return raw as ServerFrame;
    }
    if (!isDeepStrictEqual(parsed.data, raw)) {
      this.#broken(`a ${raw.type} with a field of no schema: ${text.slice(0, 300)}`);
    }
    return parsed.data;
  }

  #judge(frame: ServerFrame): void {
    switch (frame.type) {
      case 'welcome':
        this.#self = frame.participant.id;
        return;
      case 'joined':
        this.#answers(frame.id, frame.type);
        this.#joined(frame);
        return;
      case 'live':
        this.#live(frame);
        return;
      case 'left':
        this.#answers(frame.id, frame.type);
        this.#attached.delete(frame.conversation_id);
        return;
      case 'reset':
        if (frame.id !== undefined) this.#answers(frame.id, frame.type);
        this.#attached.delete(frame.conversation_id);
        return;
      case 'event':
        this.#event(frame);
        return;
      case 'ack':
      case 'ok':
        this.#answers(frame.id, frame.type);
        return;
      case 'pong':
        if (frame.id !== undefined) this.#answers(frame.id, frame.type);
        return;
      case 'error':
        this.#failed(frame);
        return;
      case 'turn.started':
      case 'turn.delta':
      case 'turn.snapshot':
      case 'turn.ended':
        this.#mustBeAttached(frame);
        this.#turns.sees(frame, this.#attached.get(frame.conversation_id)?.next ?? 0);
        return;
      case 'turn.tool_call':
      case 'turn.tool_result':
      case 'presence':
      case 'typing':
      case 'read':
        this.#mustBeAttached(frame);
        return;
      case 'bye':
        return;
      default:
        frame satisfies never;
    }
  }

  #joined(frame: ServerFrames['joined']): void {
    const { conversation_id: id, head_seq: head } = frame;
    const after = this.#joins.get(frame.id);
    if (after !== undefined && after > head) {
      this.#broken(`joined ${id} after ${after}, beyond its head ${head}`);
    }
    this.#attached.set(id, { next: (after ?? head) + 1, isLive: false });
    this.#turns.attaches(id, frame.turns);
    const ids = frame.participants.map((participant) => participant.id);
    if (new Set(ids).size !== ids.length) this.#broken(`a participant of ${id} is listed twice`);
  }

  #live({ conversation_id: id, head_seq: head }: ServerFrames['live']): void {
    const at = this.#attached.get(id);
    if (!at) {
      this.#broken(`live in ${id}, which is not attached`);
      return;
    }
    if (at.isLive) this.#broken(`live twice in ${id}`);
    if (at.next <= head) this.#broken(`live at ${head} in ${id} before event ${at.next}`);
    at.isLive = true;
  }

  #event(frame: EventFrame): void {
    const { conversation_id: id, seq } = frame;
    const at = this.#attached.get(id);
    if (!at) {
      this.#broken(`event ${seq} of ${id}, which is not attached`);
      return;
    }
    if (seq !== at.next) this.#broken(`event ${seq} of ${id} where ${at.next} was due`);
    at.next = Math.max(at.next, seq + 1);
    if ('key' in frame && frame.key !== undefined && frame.from.id !== this.#self) {
      this.#broken(`event ${seq} of ${id} shows the key of ${frame.from.id}`);
    }
    if (frame.kind === 'message') this.#turns.message(frame);
  }

  #failed(frame: ServerFrames['error']): void {
    if (frame.id !== undefined) this.#answers(frame.id, frame.type);
    const flaws = flawsOf({
      status: frame.code,
      reason: frame.reason,
      text: frame.message,
      retryAfterMs: frame.retry_after_ms,
    });
    for (const flaw of flaws) this.#broken(flaw);
  }

  #answers(id: string, type: string): void {
    if (this.#answered.has(id)) this.#broken(`a second answer to ${id}: ${type}`);
    if (this.#open.delete(id)) this.#answered.add(id);
  }

  #mustBeAttached(frame: { readonly type: string; readonly conversation_id: string }): void {
    const { type, conversation_id: id } = frame;
    if (!this.#attached.has(id)) this.#broken(`${type} in ${id}, which is not attached`);
  }

  #broken(text: string): void {
    this.violations.push(text);
  }
}
