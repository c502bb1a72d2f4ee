import type { ActorParts } from './actor-parts.ts';
import type { ConversationActor } from './conversation-actor.ts';
import type { Staged } from './stage.ts';
import { Turns } from './turns.ts';

/** The agent's seat in a conversation: what its turns see of it, and what they may do. */
export function seatAgent(
  actor: ConversationActor,
  { agent, store, clock, limits, counters, report, runner }: ActorParts,
): Turns | undefined {
  if (agent === undefined) return undefined;
  return new Turns({
    agent,
    clock,
    runner,
    limits: limits.turns,
    notify: (notice) => actor.notify(notice),
    commit: (draft) => actor.post(draft),
    messages: async ({ limit, upToSeq = actor.conversation.headSeq }) => {
      const beforeSeq = upToSeq + 1;
      const read = await store.readMessages(actor.id, { beforeSeq, limit });
      if (!read.ok) throw new Error('the log could not be read', { cause: read.failure.cause });
      return read.value;
    },
    onEnded: (state, tookMs) => counters.turnEnded(state, tookMs),
    onError: (turn, cause) =>
      report('turn_error', { conversation_id: actor.id, turn_id: turn.id, cause }),
  });
}

/** Takes up the turns that a batch asks for; each does to those before it what `while_busy` says. */
export function takeTurns(turns: Turns, { asked, conversation }: Staged): void {
  const whileBusy = conversation.agent?.whileBusy;
  for (const turn of asked) {
    const isNewest = whileBusy === 'interrupt' || whileBusy === 'rollback';
    if (isNewest || whileBusy === 'debounce') turns.supersedeQueued();
    if (isNewest) turns.supersedeRunning();
    turns.enqueue([turn]);
  }
}
