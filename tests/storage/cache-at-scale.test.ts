import { describe, expect, test } from 'vitest';
import type { LogEvent } from '../../src/domain/event.ts';
import { type ConversationId, conversationId } from '../../src/domain/ids.ts';
import { CachedStore } from '../../storage/cache/cached-store.ts';
import { MemoryStore } from '../../storage/memory/memory-store.ts';
import type { Effect, Store } from '../../storage/store.ts';
import { ann, bob, deletion, edit, granted, made, message, seqs } from '../contract/fixtures.ts';
import { ObservedStore } from '../support/observed-store.ts';
import { Random } from '../support/random.ts';

const CONVERSATIONS = 10_000;
const CACHED = 10;
const STEPS = 30_000;

/** What one conversation must be, in the plainest terms there are. */
interface Plain {
  /** Of each event that is there, by seq: what a reader sees. */
  readonly bodies: Map<number, string>;
  /** Messages that stand, by seq: their text now; undefined when deleted. */
  readonly texts: Map<number, string | undefined>;
  readonly edits: Map<number, number[]>;
  readonly keys: Map<string, number>;
  first: number;
  head: number;
}

function plain(): Plain {
  return {
    bodies: new Map(),
    texts: new Map(),
    edits: new Map(),
    keys: new Map(),
    first: 1,
    head: 0,
  };
}

/** A store and the plain model of it, taken through the same steps. */
class Walk {
  readonly #random: Random;
  readonly #stores: readonly Store[];
  readonly #model = new Map<ConversationId, Plain>();
  readonly #lives = new Map<ConversationId, number>();
  readonly did = new Map<string, number>();

  constructor(stores: readonly Store[], seed: number) {
    this.#stores = stores;
    this.#random = new Random(seed);
  }

  async step(): Promise<void> {
    const id = this.#someId();
    const name = this.#random.pick(STEPS_OF_A_WALK);
    this.did.set(name, (this.did.get(name) ?? 0) + 1);
    await this[name](id);
  }

  async send(id: ConversationId): Promise<void> {
    const one = await this.#thereIs(id);
    const seq = one.head + 1;
    const key = `k${this.#random.whole(0, 30)}`;
    const taken = one.keys.get(key);
    const event = message(seq, { content: `said at ${seq}`, key });
    const result = await this.#store.append({
      ...{ id, expectedHead: one.head, events: [event] },
      effects: [],
    });
    if (taken !== undefined) {
      expect(result).toMatchObject({ failure: { reason: 'keys_taken', taken: [{ seq: taken }] } });
      return;
    }
    granted(result);
    one.keys.set(key, seq);
    one.texts.set(seq, `said at ${seq}`);
    this.#appended(one, event);
  }

  async edit(id: ConversationId): Promise<void> {
    const one = await this.#thereIs(id);
    const targetSeq = this.#standing(one);
    if (targetSeq === undefined) return;
    const seq = one.head + 1;
    const event = edit(seq, targetSeq, `edited at ${seq}`);
    await this.#append(id, event, { kind: 'edited', targetSeq, seq });
    one.texts.set(targetSeq, `edited at ${seq}`);
    one.edits.set(targetSeq, [...(one.edits.get(targetSeq) ?? []), seq]);
    this.#appended(one, event);
  }

  async delete(id: ConversationId): Promise<void> {
    const one = await this.#thereIs(id);
    const targetSeq = this.#standing(one);
    if (targetSeq === undefined) return;
    const event = deletion(one.head + 1, targetSeq);
    await this.#append(id, event, { kind: 'erased', targetSeq });
    one.texts.set(targetSeq, undefined);
    if (one.bodies.has(targetSeq)) one.bodies.set(targetSeq, '{"deleted":true}');
    for (const seq of one.edits.get(targetSeq) ?? [])
      if (one.bodies.has(seq)) one.bodies.set(seq, `{"target_seq":${targetSeq},"deleted":true}`);
    this.#appended(one, event);
  }

  async trim(id: ConversationId): Promise<void> {
    const one = await this.#thereIs(id);
    const firstSeq = this.#random.whole(Math.max(1, one.head - 8), one.head + 1);
    granted(
      await this.#store.append({
        ...{ id, expectedHead: one.head, events: [] },
        effects: [{ kind: 'trimmed', firstSeq }],
      }),
    );
    one.first = Math.max(one.first, firstSeq);
    for (const map of [one.bodies, one.texts])
      for (const seq of map.keys()) if (seq < one.first) map.delete(seq);
  }

  async remove(id: ConversationId): Promise<void> {
    const wasThere = this.#model.delete(id);
    expect(granted(await this.#store.remove(id))).toBe(wasThere);
  }

  async load(id: ConversationId): Promise<void> {
    const one = this.#model.get(id);
    const loaded = granted(await this.#store.load(id))?.conversation;
    expect([loaded?.firstSeq, loaded?.headSeq]).toEqual([one?.first, one?.head]);
  }

  async readEvents(id: ConversationId): Promise<void> {
    const one = this.#model.get(id) ?? plain();
    const afterSeq = this.#random.whole(0, one.head + 1);
    const limit = this.#random.whole(1, 12);
    const page = granted(await this.#store.readEvents(id, { afterSeq, limit }));
    const expected = [...one.bodies].filter(([seq]) => seq > afterSeq).slice(0, limit);
    expect(page.map(({ seq, body }) => [seq, body])).toEqual(expected);
  }

  async readMessages(id: ConversationId): Promise<void> {
    const one = this.#model.get(id) ?? plain();
    const beforeSeq = this.#random.whole(1, one.head + 2);
    const limit = this.#random.whole(1, 12);
    const page = granted(await this.#store.readMessages(id, { beforeSeq, limit }));
    const expected = [...one.texts].filter(([seq]) => seq < beforeSeq).slice(-limit);
    expect(page.map(({ event: { seq }, body }) => [seq, body.content])).toEqual(expected);
  }

  async findKey(id: ConversationId): Promise<void> {
    const one = this.#model.get(id) ?? plain();
    const key = `k${this.#random.whole(0, 60)}`;
    expect(granted(await this.#store.findKey(id, ann.id, key))).toBe(one.keys.get(key));
    expect(granted(await this.#store.findKey(id, bob.id, key))).toBeUndefined();
  }

  /** Every conversation, whole. */
  async checkAll(): Promise<void> {
    for (const [id, one] of this.#model) {
      for (const store of this.#stores) {
        const log = granted(await store.readEvents(id, { afterSeq: 0, limit: 1_000 }));
        expect(seqs(log)).toEqual([...one.bodies.keys()]);
        expect(log.map(({ body }) => body)).toEqual([...one.bodies.values()]);
      }
    }
  }

  /** Any of the servers: all of them must know what each did. */
  get #store(): Store {
    return this.#random.pick(this.#stores);
  }

  /** Mostly the same forty, so that something is in the cache, and every now and then any of them. */
  #someId(): ConversationId {
    const within = this.#random.chance(0.8) ? 40 : CONVERSATIONS;
    return conversationId(`c_${this.#random.whole(0, within - 1)}`);
  }

  async #thereIs(id: ConversationId): Promise<Plain> {
    const known = this.#model.get(id);
    if (known !== undefined) return known;
    const life = (this.#lives.get(id) ?? 0) + 1;
    this.#lives.set(id, life);
    await made(this.#store, [], { id, epoch: `e_${life}` });
    const one = plain();
    this.#model.set(id, one);
    return one;
  }

  #standing(one: Plain): number | undefined {
    const seqs = [...one.texts].filter(([, text]) => text !== undefined).map(([seq]) => seq);
    return seqs.length === 0 ? undefined : this.#random.pick(seqs);
  }

  async #append(id: ConversationId, event: LogEvent, effect: Effect): Promise<void> {
    const expectedHead = event.seq - 1;
    granted(await this.#store.append({ id, expectedHead, events: [event], effects: [effect] }));
  }

  #appended(one: Plain, event: LogEvent): void {
    one.bodies.set(event.seq, event.body);
    one.head = event.seq;
  }
}

const STEPS_OF_A_WALK = [
  ...(['send', 'send', 'send', 'send', 'edit', 'delete', 'trim', 'remove', 'load'] as const),
  ...(['readEvents', 'readEvents', 'readEvents', 'readMessages', 'findKey', 'findKey'] as const),
] as const;

describe(`${CACHED} cached conversations and ${CONVERSATIONS} in use`, () => {
  test.for([
    { name: 'one server', isShared: false, servers: 1 },
    { name: 'two servers on one store', isShared: true, servers: 2 },
  ])('everything is right: $name', async ({ isShared, servers }) => {
    const inner = new ObservedStore(new MemoryStore());
    inner.isShared = isShared;
    const limits = { maxBytes: 10_000_000, maxConversations: CACHED };
    const stores = Array.from({ length: servers }, () => new CachedStore(inner, limits));
    const walk = new Walk(stores, 20_260);
    for (let index = 0; index < CONVERSATIONS; index += 1)
      await walk.send(conversationId(`c_${index}`));
    for (let step = 0; step < STEPS; step += 1) {
      inner.calls.length = 0;
      await walk.step();
    }
    await walk.checkAll();
    expect(walk.did.size).toBe(new Set(STEPS_OF_A_WALK).size);
    for (const store of stores) {
      const { hits, misses, evictions, conversations } = store.stats();
      expect(conversations).toBeLessThanOrEqual(CACHED);
      expect(Math.min(hits, misses, evictions)).toBeGreaterThan(200);
    }
  });
});
