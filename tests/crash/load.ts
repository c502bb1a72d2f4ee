import type { EventFrame } from '../../src/protocol/server-frames.ts';
import type { Random } from '../support/random.ts';
import { wholeLog } from '../support/rest-client.ts';
import type { Wire } from '../support/wire.ts';
import type { WireClient } from '../support/wire-client.ts';
import type { Order } from './ledger.ts';
import { Ledger } from './ledger.ts';

/** Orders each writer keeps under way. */
const IN_FLIGHT = 16;

interface Member {
  readonly name: string;
  readonly token: string;
  /** Where it stands in each conversation: the last seq it was given. */
  readonly positions: Map<string, number>;
  ws: WireClient;
}

/**
 * People who write and read in some conversations, and come back after each crash where they were.
 *
 * Owns: the people, their positions, the ledger. Does not own: the server; the test kills it.
 */
export class Load {
  readonly ledger = new Ledger();
  readonly conversations: readonly string[];
  readonly #wire: Wire;
  readonly #random: Random;
  readonly #epochs = new Map<string, string>();
  #writers: Member[] = [];
  #readers: Member[] = [];
  #made = 0;

  constructor(wire: Wire, random: Random, conversations = 4) {
    this.#wire = wire;
    this.#random = random;
    this.conversations = Array.from({ length: conversations }, (_, index) => `crash-${index}`);
  }

  async meet(writers: number, readers: number): Promise<void> {
    for (let index = 0; index < writers + readers; index += 1) {
      const { name, token, ws } = await this.#wire.person(`Person ${index}`);
      const member: Member = { name, token, ws, positions: new Map() };
      await this.#attend(member);
      (index < writers ? this.#writers : this.#readers).push(member);
    }
  }

  /** Everybody connects again and joins where they were; each must find its place in the log. */
  async comeBack(): Promise<void> {
    await Promise.all(
      [...this.#writers, ...this.#readers].map(async (member) => {
        member.ws = await this.#wire.connect({ token: member.token });
        await this.#attend(member);
      }),
    );
  }

  /** Sends again what was never answered, and says of each whether the log had it already. */
  async retry(): Promise<void> {
    const logs = await this.#replay();
    await Promise.all(
      this.ledger.open.map(async (order) => {
        const isStored = Ledger.isIn(logs.get(order.conversation) ?? [], order);
        const writer = this.#writers.find(({ name }) => name === order.sender);
        if (!writer) throw new Error(`nobody is ${order.sender}`);
        this.ledger.answered(order, await writer.ws.ask(frameOf(order)), isStored);
      }),
    );
    // And some that were answered: they are duplicates, at the same seq.
    const known = this.ledger.acked;
    for (let count = 0; count < Math.min(5, known.length); count += 1) {
      const order = this.#random.pick(known);
      const writer = this.#writers.find(({ name }) => name === order.sender);
      if (writer) this.ledger.answered(order, await writer.ws.ask(frameOf(order)), true);
    }
  }

  /** Writes until the connections break. `onAck` is called at the first ack. */
  async writeUntilCut(onAck: () => void): Promise<void> {
    const lanes = this.#writers.flatMap((writer) =>
      Array.from({ length: IN_FLIGHT }, () => this.#write(writer, onAck)),
    );
    await Promise.all(lanes);
    for (const member of [...this.#writers, ...this.#readers]) {
      await member.ws.closed;
      this.#remember(member);
    }
  }

  /** Holds every log, replayed from its beginning, against the ledger. */
  async audit(): Promise<void> {
    for (const [id, log] of await this.#replay()) this.ledger.audit(id, log);
  }

  /** The same with the logs as REST gives them. */
  async auditOverRest(): Promise<void> {
    const rest = this.#wire.rest(this.#writers[0]?.token);
    for (const id of this.conversations) this.ledger.audit(id, await wholeLog(rest, id));
  }

  async #write(writer: Member, onAck: () => void): Promise<void> {
    for (;;) {
      const order = this.#order(writer);
      this.ledger.orders.push(order);
      const answer = await writer.ws.ask(frameOf(order)).catch(() => undefined);
      if (!answer) return;
      if (answer.type === 'error' && answer.code === 429) continue;
      this.ledger.answered(order, answer, false);
      onAck();
    }
  }

  #order({ name }: Member): Order {
    this.#made += 1;
    const conversation = this.#random.pick(this.conversations);
    const padding = 'x'.repeat(this.#random.chance(0.1) ? this.#random.whole(1, 4_000) : 20);
    const own = this.#random.chance(0.1)
      ? this.ledger.acked.findLast(
          (order) => order.sender === name && order.conversation === conversation && !order.target,
        )
      : undefined;
    return {
      conversation,
      sender: name,
      key: `key-${this.#made}`,
      content: `order ${this.#made} ${padding}`,
      target: own?.seq,
      seq: undefined,
    };
  }

  async #attend({ ws, positions }: Member): Promise<void> {
    for (const id of this.conversations) {
      const epoch = this.#epochs.get(id);
      const after = positions.get(id) ?? 0;
      const joined = await ws.joinLive(id, {
        create: epoch === undefined,
        after_seq: after,
        ...(epoch !== undefined && { epoch }),
      });
      this.#epochs.set(id, joined.epoch);
    }
  }

  async #replay(): Promise<Map<string, EventFrame[]>> {
    const token = this.#writers[0]?.token ?? '';
    const ws = await this.#wire.connect({ token });
    for (const id of this.conversations) await ws.joinLive(id, { after_seq: 0 });
    const logs = new Map(this.conversations.map((id) => [id, ws.events(id)]));
    await ws.close();
    return logs;
  }

  #remember({ ws, positions }: Member): void {
    for (const event of ws.framesOf('event')) this.ledger.saw(event);
    for (const id of this.conversations) positions.set(id, ws.lastSeq(id));
    this.ledger.violations.push(...ws.violations);
  }
}

function frameOf({ conversation, content, key, target }: Order) {
  const frame = { conversation_id: conversation, content, key };
  return target === undefined
    ? { type: 'send', ...frame }
    : { type: 'edit', ...frame, seq: target };
}
