import { type AgentSettings, agentsOf } from '../src/domain/conversation.ts';
import type { EventBodies, Verdict } from '../src/domain/event.ts';
import type { ParticipantId } from '../src/domain/ids.ts';
import type { Turn } from '../src/domain/turn.ts';
import type { ActorParts } from './actor-parts.ts';
import { unbegun } from './asking.ts';
import type { ConversationActor } from './conversation-actor.ts';
import { Seats } from './seats.ts';
import type { Staged } from './stage.ts';
import { Turns } from './turns.ts';

/** The agents' seats in a conversation; undefined when the process has no agent at all. */
export function seatAgents(actor: ConversationActor, parts: ActorParts): Seats | undefined {
  if (!hasAgents(parts)) return undefined;
  return new Seats((agent) => seatAgent(actor, parts, agent));
}

/** Somebody here can answer. */
export function hasAgents({ agent, agents }: ActorParts): boolean {
  return agent !== undefined || (agents?.size ?? 0) > 0;
}

/** One agent's seat: what its turns see of the conversation, and what they may do. */
function seatAgent(
  actor: ConversationActor,
  { agent, agents, store, clock, limits, counters, report, runner }: ActorParts,
  id: ParticipantId,
): Turns {
  return new Turns({
    agent: agents?.get(id) ?? agent,
    clock,
    runner,
    limits: limits.turns,
    notify: (notice) => actor.notify(notice),
    commit: (draft) => {
      const outcome = actor.post(draft);
      if (draft.kind === 'turn.decided') {
        void outcome.then((stored) => {
          if (stored.ok && !stored.value.duplicate) counters.decided(verdictIn(draft.body));
        });
      }
      return outcome;
    },
    messages: async ({ limit, upToSeq = actor.conversation.headSeq }) => {
      const beforeSeq = upToSeq + 1;
      const read = await store.readMessages(actor.id, { beforeSeq, limit });
      if (!read.ok) throw new Error('the log could not be read', { cause: read.failure.cause });
      return read.value;
    },
    readRecord: async (id) => {
      const read = await store.readTurn(actor.id, id);
      return read.ok ? read.value : undefined;
    },
    onEnded: (state, tookMs) => counters.turnEnded(state, tookMs),
    onError: (turn, cause) =>
      report('turn_error', { conversation_id: actor.id, turn_id: turn.id, cause }),
  });
}

export type Asked = Pick<Staged, 'asked' | 'conversation'>;

/** The same of a batch that was thought lost: they begin when their attempt was written down again. */
export function lateTurns({ asked, conversation }: Asked): Asked {
  return { asked: asked.map(unbegun), conversation };
}

function verdictIn(body: string): Verdict {
  return (JSON.parse(body) as EventBodies['turn.decided']).decision;
}

/** Takes up the turns that a batch asks for; each does to those of its agent before it what `while_busy` says. */
export function takeTurns(seats: Seats, { asked, conversation }: Asked): void {
  const agents = agentsOf(conversation);
  for (const turn of asked) {
    const settings = agents.find(({ id }) => id === turn.agentId);
    takeTurn(seats.of(turn.agentId), turn, settings?.whileBusy);
  }
}

function takeTurn(
  turns: Turns,
  turn: Turn,
  whileBusy: AgentSettings['whileBusy'] | undefined,
): void {
  switch (whileBusy) {
    case 'interrupt':
    case 'rollback':
      turns.supersedeQueued();
      turns.supersedeRunning(whileBusy === 'interrupt');
      turns.take(turn);
      return;
    case 'debounce': {
      // Who wrote before it is answered, too.
      const askers = turns.supersedeQueued().flatMap(({ askedBy = [] }) => askedBy);
      const askedBy = [...new Set([...askers, ...(turn.askedBy ?? [])])];
      turns.waitForQuiet();
      turns.enqueue([{ ...turn, askedBy }]);
      return;
    }
    default:
      turns.take(turn);
  }
}
