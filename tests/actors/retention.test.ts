import { describe, expect, it, onTestFinished } from 'vitest';
import type { ConversationActor } from '../../actors/conversation-actor.ts';
import { Retention, type RetentionPolicy } from '../../actors/retention.ts';
import type { Log } from '../../src/observability/log.ts';
import type { ControlledStore } from '../support/controlled-store.ts';
import { ada, listen, message, settled, World } from '../support/test-actors.ts';

const DAY_MS = 86_400_000;
const SWEEP_MS = 60_000;

interface Line {
  readonly level: keyof Log;
  readonly event: string;
  readonly about: Readonly<Record<string, unknown>> | undefined;
}

class Scene {
  readonly lines: Line[] = [];
  readonly world: World;
  readonly retention: Retention;

  constructor(policy: Partial<RetentionPolicy>, world = new World()) {
    this.world = world;
    const write = (level: keyof Log) => (event: string, about?: Line['about']) => {
      this.lines.push({ level, event, about });
    };
    this.retention = new Retention({
      policy: { maxAgeMs: 0, maxEvents: 0, sweepMs: SWEEP_MS, ...policy },
      registry: world.registry,
      store: world.parts.store,
      clock: world.clock,
      log: {
        debug: write('debug'),
        info: write('info'),
        warn: write('warn'),
        error: write('error'),
      },
      counters: world.meters,
    });
    onTestFinished(() => this.retention.stop());
  }

  get store(): ControlledStore {
    return this.world.store;
  }

  /** A room with `count` messages; each a day after the one before when it is `slow`. */
  async room(count: number, slow = false): Promise<ConversationActor> {
    const { id } = await this.world.room();
    for (let at = 0; at < count; at += 1) {
      const actor = await this.world.actor(id);
      await actor.post(message(ada, `m${at}`));
      if (slow) await this.world.clock.pass(DAY_MS);
    }
    return this.world.actor(id);
  }

  async first(actor: ConversationActor): Promise<number | undefined> {
    return (await this.world.log(actor.id))[0]?.seq;
  }
}

describe('retention by count', () => {
  it('trims to the newest so many, at start and again', async () => {
    const scene = new Scene({ maxEvents: 5 });
    const actor = await scene.room(20);
    const { outlet, dismissals } = listen(actor, { outlet: scene.world.outlet() });
    scene.retention.start();
    await settled();
    expect(await scene.first(actor)).toBe(17);
    expect(actor.conversation).toMatchObject({ firstSeq: 17, headSeq: 21 });
    await actor.post(message(ada, 'one more'));
    await scene.world.clock.pass(SWEEP_MS - 1);
    expect(await scene.first(actor)).toBe(17);
    await scene.world.clock.pass(1);
    expect(await scene.first(actor)).toBe(18);
    expect([dismissals, outlet.contents]).toEqual([[], ['one more']]);
    expect(scene.world.meters.trimmed).toBe(17);
  });

  it('lets a conversation grow by a tenth before it trims it again', async () => {
    const scene = new Scene({ maxEvents: 20 });
    const actor = await scene.room(21);
    scene.retention.start();
    await settled();
    expect(await scene.first(actor)).toBe(1);
    await actor.post(message(ada, 'one more'));
    await scene.world.clock.pass(SWEEP_MS);
    expect(await scene.first(actor)).toBe(4);
  });

  it('takes thousands of events out in steps', async () => {
    const scene = new Scene({ maxEvents: 1 });
    const actor = await scene.room(0);
    const log = Array.from({ length: 12_000 }, (_, at) => ({
      seq: at + 2,
      kind: 'message' as const,
      author: ada,
      createdAt: 1,
      key: null,
      body: '{"content":""}',
    }));
    await scene.store.inner.append({ id: actor.id, expectedHead: 1, events: log, effects: [] });
    await actor.lookAnew();
    scene.retention.start();
    await settled();
    expect(await scene.first(actor)).toBe(5_001);
    await scene.world.clock.pass(1_000);
    expect(await scene.first(actor)).toBe(12_001);
  });
});

describe('retention by age', () => {
  it('trims what is older, found in a handful of reads', async () => {
    const scene = new Scene({ maxAgeMs: 7 * DAY_MS });
    const actor = await scene.room(30, true);
    scene.retention.start();
    await settled();
    const log = await scene.world.log(actor.id);
    const cut = scene.world.clock.now() - 7 * DAY_MS;
    expect(log.map(({ createdAt }) => createdAt >= cut)).toEqual(log.map(() => true));
    expect(log).toHaveLength(7);
    expect(scene.store.countOf('readEvents')).toBeLessThan(8);
  });

  it('trims all of a conversation in which nobody speaks any more, which then goes on', async () => {
    const scene = new Scene({ maxAgeMs: DAY_MS });
    const { id } = await scene.room(3);
    await scene.world.clock.pass(2 * DAY_MS);
    expect(scene.world.registry.peek(id)).toBeUndefined();
    scene.retention.start();
    await settled();
    expect(await scene.world.log(id)).toEqual([]);
    // It was woken for that, and sleeps again.
    expect(scene.world.registry.peek(id)).toBeUndefined();
    const actor = await scene.world.actor(id);
    expect(actor.conversation).toMatchObject({ firstSeq: 5, headSeq: 4 });
    expect(await actor.post(message(ada, 'again'))).toMatchObject({ value: { seq: 5 } });
  });

  it('does not read a log again of which it knows that nothing is old', async () => {
    const scene = new Scene({ maxAgeMs: DAY_MS });
    await scene.room(3);
    scene.retention.start();
    await settled();
    const reads = scene.store.countOf('readEvents');
    await scene.world.clock.pass(10 * SWEEP_MS);
    expect(scene.store.countOf('readEvents')).toBe(reads);
  });

  it('goes by both rules when both are set', async () => {
    const scene = new Scene({ maxAgeMs: 9 * DAY_MS, maxEvents: 4 });
    const actor = await scene.room(12, true);
    scene.retention.start();
    await settled();
    expect(await scene.first(actor)).toBe(10);
  });
});

describe('the sweep', () => {
  it('does nothing when all is kept', async () => {
    const scene = new Scene({});
    await scene.room(3);
    scene.retention.start();
    await scene.world.clock.pass(10 * SWEEP_MS);
    expect([scene.store.countOf('heads'), scene.lines]).toEqual([0, []]);
  });

  it('is paced: a hundred conversations, then a pause', async () => {
    const scene = new Scene({ maxEvents: 1 }, new World({ limits: { maxLive: 1_000 } }));
    const actors: ConversationActor[] = [];
    for (let at = 0; at < 250; at += 1) actors.push(await scene.room(3));
    const isTrimmed = ({ conversation }: ConversationActor) => conversation.firstSeq > 1;
    scene.retention.start();
    await settled();
    expect(actors.filter(isTrimmed)).toHaveLength(100);
    await scene.world.clock.pass(100);
    expect(actors.filter(isTrimmed)).toHaveLength(200);
    await scene.world.clock.pass(100);
    expect(actors.filter(isTrimmed)).toHaveLength(250);
  });

  it('gives up when the store fails, and comes again', async () => {
    const scene = new Scene({ maxEvents: 2 });
    const actor = await scene.room(9);
    scene.store.doom('heads', 'none');
    scene.store.doom('append', 'none');
    scene.retention.start();
    for (let sweep = 1; sweep <= 2; sweep += 1) {
      await scene.world.clock.pass(SWEEP_MS - 1);
      expect(await scene.first(actor)).toBe(1);
      const warnings = scene.lines.filter(({ level }) => level === 'warn');
      expect(warnings.map(({ event }) => event)).toEqual(Array(sweep).fill('retention_failed'));
      await scene.world.clock.pass(1);
    }
    expect(await scene.first(actor)).toBe(9);
  });

  it('passes over a conversation that cannot be trimmed now, and ends when that is all of them', async () => {
    const scene = new Scene({ maxEvents: 2 }, new World({ limits: { maxLive: 100 } }));
    const actors: ConversationActor[] = [];
    for (let at = 0; at < 10; at += 1) actors.push(await scene.room(3));
    const left = () => actors.filter(({ conversation }) => conversation.firstSeq === 1).length;
    scene.store.doom('append', 'none', 'ok', 'none', 'none', 'none');
    scene.retention.start();
    await settled();
    expect(left()).toBe(9);
    expect(scene.lines.filter(({ event }) => event === 'retention_failed')).toHaveLength(4);
    await scene.world.clock.pass(SWEEP_MS);
    expect(left()).toBe(0);
  });

  it('leaves a conversation alone that was deleted and made again since it was looked at', async () => {
    const scene = new Scene({ maxEvents: 2 });
    const { id } = await scene.room(9);
    scene.store.holdAnswers('heads');
    scene.retention.start();
    await settled();
    await scene.world.registry.remove(id);
    const again = await scene.world.room({}, id);
    await again.post(message(ada, 'a'));
    scene.store.letGo();
    await settled();
    expect(again.conversation).toMatchObject({ firstSeq: 1, headSeq: 2 });
  });

  it('tells of each conversation at debug, and of itself at info when something went', async () => {
    const scene = new Scene({ maxEvents: 2 });
    const { id } = await scene.room(9);
    scene.retention.start();
    await scene.world.clock.pass(SWEEP_MS);
    expect(scene.lines).toMatchObject([
      { level: 'debug', event: 'conversation_trimmed', about: { conversation_id: id, events: 8 } },
      { level: 'info', event: 'retention_swept', about: { conversations: 1, events: 8 } },
      { level: 'debug', event: 'retention_swept', about: { conversations: 0, events: 0 } },
    ]);
  });

  it('stops at once in a pause, and touches nothing afterwards', async () => {
    const scene = new Scene({ maxEvents: 2 });
    const actor = await scene.room(9);
    scene.retention.start();
    await settled();
    await scene.retention.stop();
    await actor.post(message(ada, 'a'));
    const calls = scene.store.countOf('heads');
    await scene.world.clock.pass(10 * SWEEP_MS);
    expect(scene.store.countOf('heads')).toBe(calls);
    expect(scene.lines.map(({ event }) => event)).not.toContain('retention_failed');
  });

  it('stops in the middle of a sweep when what it asked the store is answered', async () => {
    const scene = new Scene({ maxEvents: 2 });
    await scene.room(9);
    const other = await scene.room(9);
    scene.store.hold('heads');
    scene.retention.start();
    await settled();
    const stopped = scene.retention.stop();
    scene.store.letGo();
    await stopped;
    expect(await scene.first(other)).toBe(1);
  });
});
