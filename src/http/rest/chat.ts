import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { defaultSettings, found } from '../../../actors/commands.ts';
import type { ConversationActor } from '../../../actors/conversation-actor.ts';
import { cancelTurn } from '../../../actors/turn-commands.ts';
import { type Failure, failure } from '../../domain/failure.ts';
import { conversationId } from '../../domain/ids.ts';
import type { Author } from '../../domain/participant.ts';
import { err, ok, type Result } from '../../domain/result.ts';
import { ChatBody, StreamBody } from '../../protocol/answer-records.ts';
import { ConversationPath } from '../../protocol/rest.ts';
import { LastSink, StreamSink } from '../answer/answer-sinks.ts';
import { type Following, pose, type Question } from '../answer/question.ts';
import { noteDeed } from '../audited.ts';
import type { Edge } from '../edge.ts';
import { ANSWER_EVENTS, ANSWER_LINES, type StreamFormat } from '../stream-format.ts';
import { reach } from './reach.ts';
import { type Answer, json } from './reply.ts';
import { type RawCall, type RestParts, type Route, route } from './route.ts';

/** One call: a message in, its answer out; as it is made, or when it is done. */
export const CHAT_ROUTES: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/conversations/{id}/stream',
    params: ConversationPath,
    body: StreamBody,
    handle: async ({ params, body, ...call }) => {
      const reached = await reach(call.edge, params.id, call.who);
      if (!reached.ok) return reached;
      const { content, reply_to: replyTo } = body;
      const { actor } = reached.value;
      return streamed({ ...call, actor, wish: body, said: { content, replyTo } });
    },
  }),
  route({
    method: 'POST',
    path: '/v1/chat/stream',
    body: ChatBody,
    handle: async ({ body, ...call }) =>
      inConversation(call, body, (actor) =>
        streamed({ ...call, actor, wish: body, said: { content: body.message } }),
      ),
  }),
  route({
    method: 'POST',
    path: '/v1/chat',
    body: ChatBody,
    handle: async ({ body, ...call }) =>
      inConversation(call, body, (actor) =>
        answered({ ...call, actor, wish: body, said: { content: body.message } }),
      ),
  }),
];

type Chat = z.infer<typeof ChatBody>;

/** Who calls, and what a route has to answer with. */
interface Caller extends RestParts {
  readonly who: Author;
  readonly key: string | null;
  readonly header: RawCall['header'];
  readonly onGone: RawCall['onGone'];
  readonly from: RawCall['from'];
}

interface Asked extends Caller {
  readonly actor: ConversationActor;
  readonly said: Pick<Question, 'content' | 'replyTo'>;
  readonly wish: Pick<Chat, 'agent_id' | 'metadata' | 'cancel_on_disconnect'>;
}

/** The conversation that is meant, or a new one of the caller's, which is gone again when nothing was stored in it. */
async function inConversation(
  { edge, who, key, from }: Caller,
  { conversation_id: id }: Chat,
  then: (actor: ConversationActor) => Promise<Answer>,
): Promise<Answer> {
  if (id !== undefined) {
    const reached = await reach(edge, id, who);
    return reached.ok ? then(reached.value.actor) : reached;
  }
  const begun = await newConversation(edge, who, key);
  if (!begun.ok) return begun;
  const { actor, isNew } = begun.value;
  const answer = await then(actor);
  const isEmpty = !answer.ok && actor.conversation.headSeq === 1;
  if (isNew && isEmpty) await edge.registry.remove(actor.id);
  else if (isNew) {
    const made = {
      action: 'conversation.created',
      conversationId: actor.id,
      outcome: ok(0),
    } as const;
    noteDeed(edge.audit, { participantId: who.id, from }, made);
  }
  return answer;
}

/** The same participant and key begin the same conversation. */
async function newConversation(
  edge: Edge,
  who: Author,
  key: string | null,
): Promise<Result<{ actor: ConversationActor; isNew: boolean }, Failure>> {
  const named = key === null ? {} : { id: idFor(who, key) };
  const wanted = { by: who, key: null, ...named, ...defaultSettings(edge.defaults) };
  const made = await found(edge.registry, wanted, edge.clock.now());
  if (made.ok) return ok({ actor: made.value, isNew: true });
  if (made.failure.reason !== 'already_exists' || named.id === undefined) return made;
  const reached = await reach(edge, named.id, who);
  return reached.ok ? ok({ actor: reached.value.actor, isNew: false }) : reached;
}

function idFor(who: Author, key: string) {
  const digest = createHash('sha256').update(`chat\n${who.id}\n${key}`).digest('base64url');
  return conversationId(`c_${digest.slice(0, 22)}`);
}

async function streamed(asked: Asked): Promise<Answer> {
  const { streams, edge, header } = asked;
  const refused = streams.refusal();
  if (refused !== undefined) return err(refused);
  const format = formatOf(header('accept'));
  const held = new Holding(asked);
  const sink = new StreamSink(format, held.over);
  const posed = await pose(edge, questionOf(asked), sink);
  if (!posed.ok) return posed;
  held.begin(posed.value, () => sink.beat());
  sink.onDrained = posed.value.drained;
  const { contentType } = format;
  return ok({ kind: 'stream', contentType, open: (response) => sink.open(response) });
}

async function answered(asked: Asked): Promise<Answer> {
  const { streams, edge, actor } = asked;
  const refused = streams.refusal();
  if (refused !== undefined) return err(refused);
  const held = new Holding(asked);
  const sink = new LastSink(held.over);
  const posed = await pose(edge, questionOf(asked), sink);
  if (!posed.ok) return posed;
  held.begin(posed.value, () => {});
  const last = await sink.last;
  const { seq } = posed.value.receipt;
  if (last.type === 'error') {
    const message = `${last.message} The message is stored as ${seq} of ${actor.id}.`;
    return err(failure('answer_failed', { message }));
  }
  const { type: _, ...rest } = last;
  return ok(json(200, { ...rest, accepted_seq: seq }));
}

function questionOf({ actor, who, key, said, wish }: Asked): Question {
  return { actor, who, key, ...said, agentId: wish.agent_id, metadata: wish.metadata };
}

/** The better of the two that is asked for; events where nothing is. */
function formatOf(accept: string): StreamFormat {
  return /\bapplication\/x-ndjson\b/i.test(accept) ? ANSWER_LINES : ANSWER_EVENTS;
}

/**
 * An answer that is followed, among the open responses of the server. Invariant: it is let go of once, however it ends,
 * and the turn is taken back only for a client that went away before the end and asked for that.
 */
class Holding {
  readonly #asked: Asked;
  #following: Following | undefined;
  #letGo = () => {};
  #isOver = false;
  #isGone = false;

  constructor(asked: Asked) {
    this.#asked = asked;
    asked.onGone(() => {
      if (this.#isOver) return;
      this.#isGone = true;
      this.#cancel();
      this.over();
    });
  }

  begin(following: Following, beat: () => void): void {
    const { streams, edge } = this.#asked;
    this.#following = following;
    this.#letGo = streams.hold({
      beat: () => {
        beat();
        following.look().catch((cause) => edge.log.warn('answer_not_looked_at', { cause }));
      },
      end: () => following.close('draining'),
    });
    // It may have gone, or ended, while the question was stored.
    if (this.#isGone) this.#cancel();
    if (this.#isOver) this.#release();
  }

  readonly over = (): void => {
    this.#isOver = true;
    this.#release();
  };

  #release(): void {
    this.#following?.letGo();
    this.#letGo();
  }

  #cancel(): void {
    const { actor, wish, who, edge } = this.#asked;
    if (this.#following === undefined || !wish.cancel_on_disconnect) return;
    cancelTurn(actor, who, this.#following.turnId).catch((cause) =>
      edge.log.warn('answer_not_cancelled', { cause }),
    );
  }
}
