import type { AgentSettings } from '../src/domain/conversation.ts';
import type { ParticipantId, TurnId } from '../src/domain/ids.ts';
import type { Turn } from '../src/domain/turn.ts';
import type { Effect } from '../storage/store.ts';
import { type Ask, begun, isNewestOnly, newTurn } from './asking.ts';
import type { StageView } from './stage.ts';

type NoTurn = 'turn_in_progress' | 'turn_queue_full';

interface Parts {
  readonly view: StageView;
  readonly now: number;
  /** Those of the batch: the records of turns are among them. */
  readonly effects: Effect[];
}

/** The turns that one batch asks for, beside those that are open. */
export class AskedTurns {
  readonly turns: Turn[] = [];
  readonly #parts: Parts;
  /** Turns whose end somebody waits for: they are superseded, and told so, not withdrawn. */
  #awaited: readonly TurnId[] | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Why the agent takes no further turn now. */
  refuses(agent: AgentSettings): NoTurn | undefined {
    if (isNewestOnly(agent)) return undefined;
    const open = this.#open(agent);
    if (open > 0 && agent.whileBusy === 'reject') return 'turn_in_progress';
    return open >= this.#parts.view.maxQueuedTurns ? 'turn_queue_full' : undefined;
  }

  ask(ask: Ask, conversationId: Turn['conversationId']): NoTurn | undefined {
    const { view, now, effects } = this.#parts;
    const refused = this.refuses(ask.agent);
    if (refused !== undefined) return refused;
    const queued = newTurn(ask, conversationId, now);
    const turn = this.#beginsNow(ask.agent) ? begun(queued, view.runner) : queued;
    if (ask.turnId !== undefined) this.#awaited = [...(this.#awaited ?? []), ask.turnId];
    this.turns.push(turn);
    effects.push({ kind: 'turn', turn });
    return undefined;
  }

  /** A message of this batch is not to be answered, for a newer one is. Who asked is the answer. */
  withdraw({ id }: AgentSettings): readonly ParticipantId[] {
    const { view, effects } = this.#parts;
    const { headSeq } = view.conversation;
    const at = this.turns.findLastIndex(
      (it) => it.agentId === id && it.triggerSeq > headSeq && !this.#awaited?.includes(it.id),
    );
    const [turn] = at === -1 ? [] : this.turns.splice(at, 1);
    if (turn === undefined) return [];
    const effect = effects.findLastIndex((it) => it.kind === 'turn' && it.turn === turn);
    effects.splice(effect, 1);
    return turn.askedBy ?? [];
  }

  #open({ id }: AgentSettings): number {
    const asked = this.turns.filter(({ agentId }) => agentId === id).length;
    return this.#parts.view.openTurns(id) + asked;
  }

  /** It waits for no other turn, and not for quiet: written down now, its attempt costs no commit before its first word. */
  #beginsNow(agent: AgentSettings): boolean {
    const isHere = this.#parts.view.beginsTurns && agent.whileBusy !== 'debounce';
    return isHere && this.#open(agent) === 0;
  }
}
