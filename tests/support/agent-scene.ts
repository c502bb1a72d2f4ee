import type { ConversationActor } from '../../actors/conversation-actor.ts';
import type { AgentSettings } from '../../src/domain/conversation.ts';
import { turnId } from '../../src/domain/ids.ts';
import type { Turn } from '../../src/domain/turn.ts';
import { ControlledStore } from './controlled-store.ts';
import {
  ada,
  assistant,
  listen,
  message,
  settled,
  World,
  type WorldOptions,
} from './test-actors.ts';
import { TestAgent } from './test-agent.ts';
import type { Got, TestOutlet } from './test-outlet.ts';

/** A conversation with an agent that a test speaks for, and a reader who sees all of it. */
export async function scene(options: WorldOptions & { settings?: Partial<AgentSettings> } = {}) {
  const agent = new TestAgent();
  const world = new World({ agent, ...options });
  const actor = await world.room({ agent: { ...assistant, ...options.settings } });
  const { outlet } = listen(actor, { outlet: world.outlet() });
  const ask = async (content: string) => {
    const outcome = await actor.post(message(ada, content));
    await settled();
    if (!outcome.ok) throw new Error(outcome.failure.reason);
    return outcome.value.seq;
  };
  return { agent, world, actor, outlet, ask };
}

/** The next process on the same store, after the first one ended without a word; somebody listens from the head on. */
export async function afterCrash(
  first: { readonly world: World; readonly actor: ConversationActor },
  options: WorldOptions = {},
) {
  first.world.store.down();
  const agent = new TestAgent();
  const store = new ControlledStore(first.world.store.inner);
  const world = new World({ agent, store, clock: first.world.clock, ...options });
  const actor = await world.actor(first.actor.id);
  const { outlet } = listen(actor, { outlet: world.outlet() });
  await world.registry.recoverTurns();
  await world.actor(actor.id);
  await settled();
  return { agent, world, actor, outlet };
}

/** What a reader saw of the agent, a word a frame. */
export function story(outlet: TestOutlet): string[] {
  return outlet.got.flatMap(({ type, attempt, state, text, seq, kind, from }: Got) => {
    if (type === 'turn.started') return [`started ${attempt}`];
    if (type === 'turn.delta') return [`"${text}"`];
    if (type === 'turn.ended') return [`${state}${seq === undefined ? '' : ` ${seq}`}`];
    const isAgents = (from as { kind?: string } | undefined)?.kind === 'agent';
    return type === 'event' && kind === 'message' && isAgents ? [`event ${seq}`] : [];
  });
}

export async function recordOf(world: World, actor: ConversationActor, id: string): Promise<Turn> {
  const read = await world.store.inner.readTurn(actor.id, turnId(id));
  if (!read.ok || read.value === undefined) throw new Error('no such turn');
  return read.value;
}

export function idOf(outlet: TestOutlet, at = -1): string {
  return String(outlet.of('turn.started').at(at)?.['turn_id']);
}
