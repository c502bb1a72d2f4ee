import { describe, expect, it } from 'vitest';
import { Random, RUN_SEED } from '../support/random.ts';
import type { Wire } from '../support/wire.ts';
import { useWire } from '../support/wire.ts';
import type { Answer, WireClient } from '../support/wire-client.ts';

/**
 * People who do everything at once, at random: send, retry, edit, delete, join anywhere, leave, stop
 * reading, drop the connection and come back. What each connection sees is held to the contract by
 * its witness; what is stored in the end, here.
 */

const CONVERSATIONS = 3;
const PEOPLE = 5;
const STEPS = 150;

interface Sent {
  readonly conversation: string;
  readonly key: string;
  readonly content: string;
  seq?: number;
}

class Actor {
  readonly sent: Sent[] = [];
  readonly surprises: string[] = [];
  readonly #wire: Wire;
  readonly #random: Random;
  readonly #ids: readonly string[];
  readonly #name: string;
  readonly #answers: Promise<unknown>[] = [];
  readonly #dropped = new Set<WireClient>();
  ws!: WireClient;
  token = '';

  constructor(wire: Wire, { random, ids, name }: { random: Random; ids: string[]; name: string }) {
    this.#wire = wire;
    this.#random = random;
    this.#ids = ids;
    this.#name = name;
  }

  async enter(): Promise<void> {
    this.ws = await this.#wire.connect({ name: this.#name });
    this.token = this.ws.token;
    for (const id of this.#ids) await this.ws.joinLive(id, { create: true, after_seq: 0 });
  }

  async play(): Promise<void> {
    for (let step = 0; step < STEPS; step += 1) {
      await this.#step(step);
      // A breath now and then, so that steps of all interleave with what the server does.
      if (this.#random.chance(0.2)) await new Promise((resolve) => setImmediate(resolve));
    }
    this.ws.resume();
    await Promise.all(this.#answers);
  }

  async #step(step: number): Promise<void> {
    const id = this.#random.pick(this.#ids);
    const old = this.sent.length > 0 ? this.#random.pick(this.sent) : undefined;
    const dice = this.#random.next();
    if (dice < 0.5 || !old) this.#send(id, step);
    else if (dice < 0.6) this.#order(old);
    else if (dice < 0.68) this.#change('edit', old, { content: `${old.content} edited` });
    else if (dice < 0.72) this.#change('delete', old, {});
    else if (dice < 0.84) this.#join(id);
    else if (dice < 0.9) this.#leave(id);
    else if (dice < 0.94) this.ws.pause();
    else if (dice < 0.98) this.ws.resume();
    else await this.#reconnect();
  }

  #send(conversation: string, step: number): void {
    const padding = 'x'.repeat(this.#random.chance(0.2) ? this.#random.whole(1, 6_000) : 0);
    const key = `${this.#name}-${step}`;
    const sent = { conversation, key, content: `${key} ${padding}` };
    this.sent.push(sent);
    this.#order(sent);
  }

  #order(sent: Sent): void {
    const { conversation, key, content } = sent;
    this.#ask({ type: 'send', conversation_id: conversation, key, content }, (answer) => {
      if (answer.type !== 'ack') return this.#unlessRefused(answer, [429]);
      if (sent.seq !== undefined && sent.seq !== answer.seq) this.#odd('two seqs for', sent);
      sent.seq = answer.seq;
    });
  }

  #change(type: string, { conversation, seq }: Sent, fields: Record<string, unknown>): void {
    if (seq === undefined) return;
    this.#ask({ type, conversation_id: conversation, seq, ...fields }, (answer) => {
      if (answer.type !== 'ack') this.#unlessRefused(answer, [429, 410]);
    });
  }

  #join(id: string): void {
    const known = this.ws.attachedSeq(id) ?? 0;
    const after = this.#random.chance(0.3) ? {} : { after_seq: this.#random.whole(0, known) };
    this.#ask({ type: 'join', conversation_id: id, ...after }, (answer) => {
      if (answer.type !== 'joined') this.#odd('a join was answered with', answer);
    });
  }

  #leave(id: string): void {
    this.#ask({ type: 'leave', conversation_id: id }, (answer) => {
      if (answer.type === 'error') this.#unlessRefused(answer, [400, 403, 404, 409]);
    });
  }

  async #reconnect(): Promise<void> {
    const positions = this.#ids.map((id) => [id, this.ws.attachedSeq(id) ?? 0] as const);
    this.#dropped.add(this.ws);
    this.ws.terminate();
    this.ws = await this.#wire.connect({ token: this.token });
    for (const [id, after] of positions) await this.ws.joinLive(id, { after_seq: after });
  }

  /** Asks without waiting; a connection that was dropped meanwhile owes no answer. */
  #ask(frame: Parameters<WireClient['ask']>[0], judge: (answer: Answer) => void): void {
    const { ws } = this;
    this.#answers.push(
      ws.ask(frame, { withinMs: 60_000 }).then(judge, (error: Error) => {
        if (!this.#dropped.has(ws) || ws.violations.length > 0)
          this.#odd('no answer', error.message);
      }),
    );
  }

  #unlessRefused(answer: Answer, codes: readonly number[]): void {
    if (answer.type !== 'error' || !codes.includes(answer.code)) this.#odd('answered', answer);
  }

  #odd(what: string, detail: unknown): void {
    this.surprises.push(`${what} ${JSON.stringify(detail).slice(0, 300)}`);
  }
}

const wires = {
  'in memory, with room': useWire(),
  'on sqlite, with no room at all': useWire({
    store: 'sqlite:{dir}/colloquy.db',
    'mailbox-capacity': 16,
    'outbound-bytes': 4_096,
    'cache-bytes': 0,
    'cache-conversations': 0,
    'idle-ms': 100,
  }),
};

describe.each(Object.entries(wires))('chaos %s', (_, wire) => {
  it.each([1, 2, 3])(
    'leaves every log whole, and every connection’s view of it (round %i)',
    async (round) => {
      const random = new Random(RUN_SEED + round);
      const ids = Array.from({ length: CONVERSATIONS }, () => wire.id('chaos'));
      const actors = Array.from(
        { length: PEOPLE },
        (_, index) => new Actor(wire, { random, ids, name: `actor-${index}` }),
      );
      for (const actor of actors) await actor.enter();
      await Promise.all(actors.map((actor) => actor.play()));
      expect(actors.flatMap(({ surprises }) => surprises)).toEqual([]);

      // Every order once more, until it is taken: it is stored now, and was stored once.
      for (const { sent, ws } of actors) {
        for (const order of sent) {
          const { conversation, key, content, seq } = order;
          let answer = await ws.trySend(conversation, content, { key });
          while (answer.type === 'error' && answer.code === 429) {
            answer = await ws.trySend(conversation, content, { key });
          }
          expect(answer).toMatchObject({ type: 'ack', ...(seq && { seq, duplicate: true }) });
          if (answer.type === 'ack') order.seq = answer.seq;
        }
      }
      for (const id of ids) await expectOneLog(wire, { id, actors });
    },
  );
});

/** Everybody replays the same log, gapless from 1, with each order in it once at its seq. */
async function expectOneLog(
  wire: Wire,
  { id, actors }: { id: string; actors: readonly Actor[] },
): Promise<void> {
  const logs = await Promise.all(
    actors.map(async ({ token }) => {
      const reader = await wire.connect({ token });
      await reader.joinLive(id, { after_seq: 0 });
      return reader.events(id).map((event) => ({ ...event, key: undefined }));
    }),
  );
  const [log = []] = logs;
  for (const other of logs) expect(other).toEqual(log);
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
  const orders = actors.flatMap(({ sent }) => sent).filter((sent) => sent.conversation === id);
  expect(new Set(orders.map(({ seq }) => seq)).size).toBe(orders.length);
  for (const { seq = 0, content } of orders) {
    const event = log[seq - 1];
    expect(event).toMatchObject({ kind: 'message', seq });
    if (event?.kind === 'message' && !event.deleted) expect(event.content).toBe(content);
  }
  expect(log.filter(({ kind }) => kind === 'message')).toHaveLength(orders.length);
}
