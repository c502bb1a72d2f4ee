import type { EventFrame } from '../../src/protocol/server-frames.ts';
import { eventually } from '../support/deadline.ts';
import type { Random } from '../support/random.ts';
import { wholeLog } from '../support/rest-client.ts';
import type { Wire } from '../support/wire.ts';
import type { Answer, WireClient } from '../support/wire-client.ts';
import type { Order } from './ledger.ts';
import { Ledger } from './ledger.ts';

/** Orders each writer keeps under way. */
const IN_FLIGHT = 16;
/** Milliseconds after which a sender without an answer has been met with silence. */
const SILENCE_MS = 60_000;

interface Member {
  readonly name: string;
  readonly token: string;
  /** The server it talks to. */
  readonly wire: Wire;
  /** Where it stands in each conversation: the last seq it was given. */
  readonly positions: Map<string, number>;
  ws: WireClient;
  /** While it is on its way back. */
  returning: Promise<void> | undefined;
}

/**
 * People who write and read in some conversations, on one server or on several of one store, and come back after
 * each crash where they were.
 *
 * Owns: the people, their positions, the ledger. Does not own: the servers; the test kills them.
 */
export class Load {
  readonly ledger = new Ledger();
  readonly conversations: readonly string[];
  readonly #wires: readonly Wire[];
  readonly #random: Random;
  readonly #epochs = new Map<string, string>();
  #writers: Member[] = [];
  #readers: Member[] = [];
  #made = 0;

  constructor(wires: readonly Wire[], random: Random, conversations = 4) {
    this.#wires = wires;
    this.#random = random;
    this.conversations = Array.from({ length: conversations }, (_, index) => `crash-${index}`);
  }

  async meet(writers: number, readers: number): Promise<void> {
    for (let index = 0; index < writers + readers; index += 1) {
      const wire = this.#wires[index % this.#wires.length];
      if (wire === undefined) throw new Error('no server');
      const { name, token, ws } = await wire.person(`Person ${index}`);
      const member = { name, token, wire, ws, positions: new Map(), returning: undefined };
      await this.#attend(member);
      (index < writers ? this.#writers : this.#readers).push(member);
    }
  }

  /** Everybody connects again and joins where they were; each must find its place in the log. */
  async comeBack(): Promise<void> {
    await Promise.all(
      [...this.#writers, ...this.#readers].map(async (member) => {
        member.ws = await member.wire.connect({ token: member.token });
        await this.#attend(member);
      }),
    );
  }

  /** Sends again what was never answered with an ack, and says of each whether the log had it already. */
  async retry(): Promise<void> {
    await this.#decide();
    const logs = await this.#replay(this.#wires[0]);
    await Promise.all(
      this.ledger.open.map(async (order) => {
        const isStored = Ledger.isIn(logs.get(order.conversation) ?? [], order);
        if (isStored && order.isRefused)
          this.ledger.violations.push(`${order.key} was refused, and is there`);
        const { ws } = this.#writerOf(order);
        this.ledger.answered(order, await patiently(ws, order), isStored);
      }),
    );
    // And some that were answered: they are duplicates, at the same seq.
    await this.retryAcked(5);
  }

  /** Sends some that were answered again, each over a server by chance. */
  async retryAcked(count: number): Promise<void> {
    const known = this.ledger.acked;
    for (let time = 0; time < Math.min(count, known.length); time += 1) {
      const order = this.#random.pick(known);
      const writer = this.#writerOf(order);
      const wire = this.#random.pick(this.#wires);
      const elsewhere =
        wire === writer.wire ? undefined : await wire.connect({ token: writer.token });
      const answer = await patiently(elsewhere ?? writer.ws, order);
      this.ledger.answered(order, answer, true);
      await elsewhere?.close();
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

  /**
   * Writes until it is told to stop, through whatever happens: who is refused waits as long as it is told, who is cut
   * off comes back. Silence is a violation.
   */
  async writeThrough(isOver: () => boolean, onAck: (answer: Answer) => void): Promise<void> {
    const lanes = this.#writers.flatMap((writer) =>
      Array.from({ length: IN_FLIGHT / 4 }, async () => {
        while (!isOver()) {
          const order = this.#order(writer);
          this.ledger.orders.push(order);
          await this.#sendThrough(writer, order, onAck);
        }
      }),
    );
    await Promise.all(lanes);
  }

  /** Everybody has all of it: those who were cut off come back, and then each is given what the log has. */
  async settle(): Promise<void> {
    const heads = await this.heads();
    await Promise.all(
      [...this.#writers, ...this.#readers].map(async (member) => {
        if (await isGone(member.ws)) await this.#return(member);
        for (const [id, head] of heads) await member.ws.waitForSeq(id, head);
        this.#remember(member);
      }),
    );
  }

  /**
   * The newest seq of each conversation, once every server gives the same: what a server that was killed had sent to
   * the store may land after its socket was cut. None may give less than any has given before.
   */
  async heads(): Promise<ReadonlyMap<string, number>> {
    const heads = new Map<string, number>();
    const wanted = 'the same heads from every server';
    await eventually(wanted, async () => (await this.#raise(heads)) === 0, SILENCE_MS);
    return heads;
  }

  /** How many of the heads that the servers give are others than those that are known. */
  async #raise(heads: Map<string, number>): Promise<number> {
    const token = this.#writers[0]?.token;
    let others = 0;
    for (const id of this.conversations) {
      for (const wire of this.#wires) {
        const { body } = await wire.rest(token).get(`/v1/conversations/${id}`);
        const known = heads.get(id) ?? 0;
        if (body.head_seq === known) continue;
        others += 1;
        if (body.head_seq > known) heads.set(id, body.head_seq);
        else this.ledger.violations.push(`${id}: head ${known}, and then ${body.head_seq}`);
      }
    }
    return others;
  }

  /** Holds every log, replayed from its beginning by each server, against the ledger. */
  async audit(): Promise<void> {
    for (const wire of this.#wires) {
      for (const [id, log] of await this.#replay(wire)) this.ledger.audit(id, log);
    }
  }

  /** The same with the logs as REST gives them. */
  async auditOverRest(): Promise<void> {
    for (const wire of this.#wires) {
      const rest = wire.rest(this.#writers[0]?.token);
      for (const id of this.conversations) this.ledger.audit(id, await wholeLog(rest, id));
    }
  }

  /**
   * Has one more order stored in each conversation. A conversation may be read while nobody knows whether its last
   * batch was stored; it takes nothing new before that is known, and then what is lost can't land any more.
   */
  async #decide(): Promise<void> {
    const [writer] = this.#writers;
    if (writer === undefined) throw new Error('nobody writes');
    for (const conversation of this.conversations) {
      const order = this.#order(writer, conversation);
      this.ledger.orders.push(order);
      this.ledger.answered(order, await patiently(writer.ws, order));
    }
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

  async #sendThrough(
    writer: Member,
    order: Order,
    onAnswer: (answer: Answer) => void,
  ): Promise<void> {
    const { ws } = writer;
    const answer = await ws
      .ask(frameOf(order), { withinMs: SILENCE_MS })
      .catch((error: Error) => error);
    if (answer instanceof Error) {
      if (!(await isGone(ws))) this.ledger.violations.push(`${order.key}: ${answer.message}`);
      await this.#return(writer);
      return;
    }
    onAnswer(answer);
    if (answer.type !== 'error') {
      this.ledger.answered(order, answer);
      return;
    }
    this.ledger.refused(order, answer);
    await new Promise((resolve) => setTimeout(resolve, answer.retry_after_ms ?? 100));
  }

  /** Connects again and joins where it was, as often as it takes; once for all who wait for it. */
  #return(member: Member): Promise<void> {
    member.returning ??= this.#reconnected(member).finally(() => {
      member.returning = undefined;
    });
    return member.returning;
  }

  async #reconnected(member: Member): Promise<void> {
    await eventually(
      `${member.name} is back`,
      async () => {
        if (await isGone(member.ws)) this.#remember(member);
        else return true;
        const ws = await member.wire.connect({ token: member.token }).catch(() => undefined);
        if (ws === undefined) return false;
        member.ws = ws;
        return this.#attend(member).then(
          () => true,
          () => ws.close().then(() => false),
        );
      },
      60_000,
    );
  }

  #order({ name }: Member, conversation = this.#random.pick(this.conversations)): Order {
    this.#made += 1;
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

  #writerOf(order: Order): Member {
    const writer = this.#writers.find(({ name }) => name === order.sender);
    if (!writer) throw new Error(`nobody is ${order.sender}`);
    return writer;
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

  async #replay(wire: Wire | undefined): Promise<Map<string, EventFrame[]>> {
    const token = this.#writers[0]?.token ?? '';
    if (wire === undefined) throw new Error('no server');
    const ws = await wire.connect({ token });
    for (const id of this.conversations) await ws.joinLive(id, { after_seq: 0 });
    const logs = new Map(this.conversations.map((id) => [id, ws.events(id)]));
    await ws.close();
    return logs;
  }

  #remember({ ws, positions }: Member): void {
    for (const event of ws.framesOf('event')) this.ledger.saw(event);
    for (const id of this.conversations) {
      const seq = ws.attachedSeq(id);
      if (seq !== undefined) positions.set(id, seq);
    }
    this.ledger.violations.push(...ws.violations);
  }
}

/** The answer, once it is none that says to ask again: a conversation is back some seconds after its store. */
function patiently(ws: WireClient, order: Order): Promise<Answer> {
  return eventually(`${order.key} is answered`, async () => {
    const answer = await ws.ask(frameOf(order));
    if (answer.type !== 'error' || !answer.retryable) return answer;
    await new Promise((resolve) => setTimeout(resolve, answer.retry_after_ms ?? 100));
    return undefined;
  });
}

/** Whether the connection has ended. */
function isGone(ws: WireClient): Promise<boolean> {
  const open = Symbol('open');
  return Promise.race([ws.closed, Promise.resolve(open)]).then((first) => first !== open);
}

function frameOf({ conversation, content, key, target }: Order) {
  const frame = { conversation_id: conversation, content, key };
  return target === undefined
    ? { type: 'send', ...frame }
    : { type: 'edit', ...frame, seq: target };
}
