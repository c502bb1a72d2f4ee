import type { SocketConstructor } from '../../src/client/environment.ts';
import type { ClientFrame, LogEvent, ServerFrame, ServerFrameOf } from '../../src/client/wire.ts';
import { settled } from './simulated-clock.ts';

type Listener = (event: never) => void;

/** The far end of one socket: what the client said on it, and the means to answer. */
export class FakeSocket {
  readonly url: string;
  readonly said: ClientFrame[] = [];
  isOpen = true;
  readonly #listeners: Record<string, Listener[]> = {};

  constructor(url: string) {
    this.url = url;
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners[type] = [...(this.#listeners[type] ?? []), listener];
  }

  send(text: string): void {
    if (!this.isOpen) throw new Error('sent into a closed socket');
    this.said.push(JSON.parse(text) as ClientFrame);
  }

  close(): void {
    this.isOpen = false;
  }

  emit(type: string, event: unknown): void {
    for (const listener of this.#listeners[type] ?? []) listener(event as never);
  }

  /** The server says something. */
  say(frame: ServerFrame): void {
    this.emit('message', { data: JSON.stringify(frame) });
  }

  /** The connection ends, from the server's side or the network's. */
  end(code = 1006, reason = ''): void {
    this.isOpen = false;
    this.emit('close', { code, reason });
  }

  /** Frames of one type that the client said. */
  heard<T extends ClientFrame['type']>(type: T): Extract<ClientFrame, { type: T }>[] {
    return this.said.filter(
      (frame): frame is Extract<ClientFrame, { type: T }> => frame.type === type,
    );
  }

  last<T extends ClientFrame['type']>(type: T): Extract<ClientFrame, { type: T }> {
    const frame = this.heard(type).at(-1);
    if (frame === undefined) throw new Error(`the client said no ${type}`);
    return frame;
  }
}

export const ADA = { id: 'p_ada', name: 'Ada', kind: 'human' } as const;
export const BEN = { id: 'p_ben', name: 'Ben', kind: 'human' } as const;
export const ROOM = 'c_room';

/** A server that does only what the test says. */
export class ScriptedServer {
  readonly sockets: FakeSocket[] = [];

  readonly WebSocket: SocketConstructor = (() => {
    const { sockets } = this;
    return class extends FakeSocket {
      constructor(url: string) {
        super(url);
        sockets.push(this);
      }
    };
  })();

  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error('nobody has connected');
    return socket;
  }

  /** Opens the newest socket and welcomes the client on it. */
  async welcome(more: Partial<ServerFrameOf<'welcome'>> = {}): Promise<void> {
    await this.open();
    this.socket.say({
      type: 'welcome',
      session_id: 's',
      participant: ADA,
      limits: {
        max_frame_bytes: 65_536,
        max_message_chars: 10_000,
        mailbox_capacity: 1_024,
        max_conversations_per_connection: 64,
      },
      heartbeat_ms: 30_000,
      server: { name: 'colloquy', version: '0' },
      ...more,
    });
    await settled();
  }

  async open(): Promise<void> {
    this.socket.emit('open', {});
    await settled();
  }

  /** Answers the last join; the head is where the client is unless said otherwise. */
  joined(more: Partial<ServerFrameOf<'joined'>> = {}): void {
    const join = this.socket.last('join');
    this.socket.say({
      type: 'joined',
      id: join.id,
      conversation_id: join.conversation_id,
      epoch: 'e1',
      head_seq: join.after_seq ?? 0,
      first_seq: 1,
      role: 'member',
      participants: [{ ...ADA, role: 'member', online: true }],
      turns: [],
      ...more,
    });
  }

  live(headSeq: number): void {
    this.socket.say({ type: 'live', conversation_id: ROOM, head_seq: headSeq });
  }

  message(seq: number, more: Partial<Extract<LogEvent, { kind: 'message' }>> = {}): void {
    this.socket.say({
      type: 'event',
      conversation_id: ROOM,
      seq,
      kind: 'message',
      event_id: `e1.${seq}`,
      from: BEN,
      created_at: '2026-01-01T00:00:00.000Z',
      content: `message ${seq}`,
      ...more,
    });
  }

  /** Answers a send, edit or delete; the last send when not said. */
  ack(
    seq: number,
    asked: { id: string; key?: string | undefined } = this.socket.last('send'),
  ): void {
    this.socket.say({
      type: 'ack',
      id: asked.id,
      conversation_id: ROOM,
      key: asked.key,
      seq,
      created_at: '2026-01-01T00:00:00.000Z',
      duplicate: false,
    });
  }

  refuse(
    asked: { id: string },
    error: Pick<ServerFrameOf<'error'>, 'code' | 'reason' | 'retryable'> & {
      retry_after_ms?: number;
    },
  ): void {
    this.socket.say({ type: 'error', id: asked.id, message: error.reason, ...error });
  }
}
