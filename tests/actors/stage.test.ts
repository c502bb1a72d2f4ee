import { describe, expect, it } from 'vitest';
import type { Draft, Unsettled } from '../../actors/draft.ts';
import { plainBatch } from '../../actors/plain-batch.ts';
import { type Staged, type StageView, stage } from '../../actors/stage.ts';
import type { AgentSettings, Conversation } from '../../src/domain/conversation.ts';
import { conversationId, epoch, turnId } from '../../src/domain/ids.ts';
import type { Member, Role } from '../../src/domain/participant.ts';
import type { Turn } from '../../src/domain/turn.ts';
import {
  ada,
  assistant,
  bob,
  cy,
  deletion,
  edit,
  joining,
  leaving,
  message,
  person,
  wordOf,
} from '../support/test-actors.ts';

const NOW = 1_700_000_000_000;

const conversation: Conversation = {
  id: conversationId('c'),
  epoch: epoch('e'),
  title: null,
  visibility: 'open',
  agent: null,
  metadata: {},
  createdAt: 1,
  updatedAt: 1,
  createdBy: ada.id,
  createdKey: null,
  headSeq: 10,
  firstSeq: 1,
};

function view(
  more: Partial<Omit<StageView, 'conversation'>> & { conversation?: Partial<Conversation> } = {},
  roles: ReadonlyArray<readonly [typeof ada, Role]> = [
    [ada, 'owner'],
    [bob, 'member'],
  ],
): StageView {
  const members = new Map(roles.map(([who, role]) => [who.id, { ...who, role } as Member]));
  return {
    members,
    maxParticipants: 4,
    maxQueuedTurns: 2,
    beginsTurns: false,
    runner: undefined,
    openTurns: () => 0,
    chain: { maxHops: 3, maxAgentTurns: 6 },
    isErased: () => false,
    agentOf: () => undefined,
    ...more,
    conversation: { ...conversation, ...more.conversation },
  };
}

function staged(of: StageView, ...drafts: Array<Unsettled<Draft>>): Staged {
  const settle = () => expect.unreachable('staging settles nothing');
  return stage(
    of,
    drafts.map((draft) => ({ ...draft, settle }) as Draft),
    NOW,
  );
}

function answers({ answered }: Staged): string[] {
  return answered.map(({ outcome }) => wordOf(outcome));
}

function events({ numbered }: Staged): string[] {
  return numbered.map(({ event }) => `${event.seq} ${event.kind} ${event.author.id}`);
}

const withAgent = (more: Partial<AgentSettings> = {}) => ({
  conversation: { agent: { ...assistant, ...more } },
});

describe('a staged batch', () => {
  it('is numbered from the head on, in the order of the drafts, at one time', () => {
    const batch = staged(view(), message(ada, 'a'), message(bob, 'b'), message(ada, 'c'));
    expect(batch.expectedHead).toBe(10);
    expect(events(batch)).toEqual(['11 message ada', '12 message bob', '13 message ada']);
    expect(batch.numbered.map(({ event }) => event.createdAt)).toEqual([NOW, NOW, NOW]);
    expect(batch.conversation.headSeq).toBe(13);
    expect(batch.effects).toEqual([]);
  });

  it('leaves what it was given as it was', () => {
    const before = view();
    const members = new Map(before.members);
    staged(before, joining(cy), leaving(bob), deletion(ada, 2));
    expect(before.members).toEqual(members);
    expect(before.conversation.headSeq).toBe(10);
  });

  it('uses no number for a draft that is refused', () => {
    const batch = staged(view(), message(ada, 'a'), message(cy, 'stranger'), message(bob, 'b'));
    expect(events(batch)).toEqual(['11 message ada', '12 message bob']);
    expect(answers(batch)).toEqual(['not_a_participant']);
  });

  describe('with the same key twice', () => {
    it('makes one event, and the later drafts its twins', () => {
      const batch = staged(
        view(),
        message(ada, 'a', { key: 'k' }),
        message(ada, 'a', { key: 'k' }),
        message(ada, 'other', { key: 'k' }),
      );
      expect(events(batch)).toEqual(['11 message ada']);
      expect(batch.numbered[0]?.twins).toHaveLength(2);
    });

    it('keeps the keys of two senders apart', () => {
      const batch = staged(
        view(),
        message(ada, 'a', { key: 'k' }),
        message(bob, 'b', { key: 'k' }),
      );
      expect(events(batch)).toEqual(['11 message ada', '12 message bob']);
    });

    it('gives a second draft its own chance when the first was refused', () => {
      const batch = staged(
        view(),
        message(ada, 'a', { key: 'k', replyTo: 12 }),
        message(ada, 'b', { key: 'k' }),
      );
      expect(answers(batch)).toEqual(['invalid_field']);
      expect(events(batch)).toEqual(['11 message ada']);
    });
  });

  describe('judges each draft by what those before it leave behind', () => {
    it('lets one who joins a moment before send', () => {
      const batch = staged(view(), message(cy, 'early'), joining(cy), message(cy, 'hello'));
      expect(answers(batch)).toEqual(['not_a_participant']);
      expect(events(batch)).toEqual(['11 participant.joined cy', '12 message cy']);
      expect(batch.members.has(cy.id)).toBe(true);
    });

    it('refuses one who left, or was removed, a moment before', () => {
      const batch = staged(view(), leaving(bob), message(bob, 'late'));
      expect(events(batch)).toEqual(['11 participant.left bob']);
      expect(answers(batch)).toEqual(['not_a_participant']);
      expect(batch.effects).toEqual([{ kind: 'member_gone', participantId: bob.id }]);
    });

    it('refuses one who was made an observer a moment before', () => {
      const change = {
        kind: 'participant.role_changed',
        author: ada,
        key: null,
        participantId: bob.id,
        role: 'observer',
      } as const;
      const batch = staged(view(), change, message(bob, 'late'), change);
      expect(events(batch)).toEqual(['11 participant.role_changed ada']);
      expect(answers(batch)).toEqual(['forbidden', 'again 11']);
    });

    it('counts the participants of the batch', () => {
      const more = [person('p1'), person('p2'), person('p3')].map((who) => joining(who));
      const batch = staged(view(), ...more, leaving(bob), joining(person('p3')));
      expect(answers(batch)).toEqual(['too_many_participants']);
      expect(batch.numbered).toHaveLength(4);
      expect(batch.members.size).toBe(4);
    });

    it('refuses to touch a message that was deleted a moment before', () => {
      const batch = staged(view(), edit(ada, 3, 'x'), deletion(ada, 3), edit(ada, 3, 'y'));
      expect(answers(batch)).toEqual(['deleted']);
      expect(batch.effects).toEqual([
        { kind: 'edited', targetSeq: 3, seq: 11 },
        { kind: 'erased', targetSeq: 3 },
      ]);
      expect(answers(staged(view({ isErased: (seq) => seq === 4 }), deletion(ada, 4)))).toEqual([
        'deleted',
      ]);
    });

    it('gives a second delete of the same message no event', () => {
      const batch = staged(view(), deletion(ada, 3), deletion(ada, 3));
      expect(batch.numbered).toHaveLength(1);
      expect(answers(batch)).toEqual(['deleted']);
    });
  });

  describe('takes joins and leaves', () => {
    it('answers one who is there already with a receipt and no event', () => {
      const batch = staged(view(), joining(bob));
      expect(answers(batch)).toEqual(['again 10']);
      expect(batch.numbered).toEqual([]);
    });

    it('lets owners add and remove others, and nobody else', () => {
      const refused = staged(view(), joining(cy, 'member', bob), leaving(ada, bob));
      expect(answers(refused)).toEqual(['forbidden', 'forbidden']);
      const batch = staged(view(), joining(cy, 'observer', ada), leaving(bob, ada));
      expect(events(batch)).toEqual(['11 participant.joined ada', '12 participant.left ada']);
      expect(batch.members.get(cy.id)?.role).toBe('observer');
    });

    it('hides an invite-only conversation from one who comes uninvited', () => {
      const invite = view({ conversation: { visibility: 'invite' } });
      expect(answers(staged(invite, joining(cy)))).toEqual(['conversation_not_found']);
      expect(events(staged(invite, joining(cy, 'member', ada)))).toEqual([
        '11 participant.joined ada',
      ]);
    });

    it('says so when there is nobody to remove', () => {
      expect(answers(staged(view(), leaving(cy, ada)))).toEqual(['not_found']);
    });
  });

  it('refuses a reply to a seq that is not there yet, and takes one to a draft before it', () => {
    const batch = staged(
      view(),
      message(ada, 'a'),
      message(bob, 'b', { replyTo: 11 }),
      message(bob, 'c', { replyTo: 13 }),
    );
    expect(events(batch)).toEqual(['11 message ada', '12 message bob']);
    expect(answers(batch)).toEqual(['invalid_field']);
  });

  it('lets observers say nothing', () => {
    const of = view({}, [
      [ada, 'owner'],
      [bob, 'observer'],
    ]);
    expect(answers(staged(of, message(bob, 'x'), edit(bob, 3, 'y'), deletion(bob, 3)))).toEqual([
      'forbidden',
      'forbidden',
      'forbidden',
    ]);
  });

  describe('changes settings', () => {
    const update = (author: typeof ada, changes: Record<string, unknown>) =>
      ({ kind: 'conversation.updated', author, key: null, changes }) as Unsettled<Draft>;

    it('logs and stores what changes, and nothing that stays', () => {
      const batch = staged(view(), update(ada, { title: 'T', visibility: 'open' }));
      expect(JSON.parse(batch.numbered[0]?.event.body ?? '')).toEqual({ changes: { title: 'T' } });
      expect(batch.conversation).toMatchObject({ title: 'T', updatedAt: NOW, headSeq: 11 });
      expect(batch.effects).toMatchObject([{ kind: 'settings', conversation: { title: 'T' } }]);
    });

    it('is for owners, and gives no event when all is so already', () => {
      const same = update(ada, { title: null, metadata: {} });
      expect(answers(staged(view(), update(bob, { title: 'T' }), same))).toEqual([
        'forbidden',
        'again 10',
      ]);
    });

    it('rules the drafts after it', () => {
      const batch = staged(view(), update(ada, { visibility: 'invite' }), joining(cy));
      expect(answers(batch)).toEqual(['conversation_not_found']);
    });
  });

  describe('asks the agent', () => {
    it('writes a queued turn down with the message that asks for it', () => {
      const batch = staged(view(withAgent()), message(ada, 'a'), message(ada, 'b'));
      const queued = { state: 'queued', attempt: 0 };
      const each = [11, 12].map((triggerSeq) => ({ triggerSeq, ...queued }));
      expect(batch.asked).toMatchObject(each);
      expect(batch.effects).toEqual(batch.asked.map((turn) => ({ kind: 'turn', turn })));
    });

    it('writes a turn that need not wait down with its first attempt, if there are agents here', () => {
      const free = { ...withAgent(), beginsTurns: true, runner: 'r_1' };
      const begun = { state: 'thinking', attempt: 1, startedAt: NOW, lease: { runner: 'r_1' } };
      const queued = { state: 'queued', attempt: 0, startedAt: null };
      const both = staged(view(free), message(ada, 'a'), message(ada, 'b'));
      expect(both.asked).toMatchObject([begun, queued]);
      expect(both.effects).toEqual(both.asked.map((turn) => ({ kind: 'turn', turn })));
      const busy = staged(view({ ...free, openTurns: () => 1 }), message(ada, 'a'));
      expect(busy.asked).toMatchObject([queued]);
      const quiet = withAgent({ whileBusy: 'debounce' });
      expect(staged(view({ ...free, ...quiet }), message(ada, 'a')).asked).toMatchObject([queued]);
    });

    it('stores what is said when the queue is full, and asks for no turn', () => {
      const of = view({ ...withAgent(), openTurns: () => 1 });
      const batch = staged(of, message(ada, 'a'), message(ada, 'b'));
      expect(batch.numbered).toHaveLength(2);
      expect(batch.asked.map(({ triggerSeq }) => triggerSeq)).toEqual([11]);
    });

    it('refuses, where that is the policy, what comes while a turn is open, in the batch too', () => {
      const of = view(withAgent({ whileBusy: 'reject' }));
      const batch = staged(of, message(ada, 'a'), message(ada, 'b'));
      expect(events(batch)).toEqual(['11 message ada']);
      expect(answers(batch)).toEqual(['turn_in_progress']);
      expect(batch.asked).toHaveLength(1);
    });

    it('answers all, the mentioned, or nobody, as the settings say', () => {
      const asks = (speaks: AgentSettings['speaks'], ...drafts: Array<Unsettled<Draft>>) =>
        staged(
          view({
            ...withAgent({ speaks }),
            maxQueuedTurns: 9,
            agentOf: (seq) => (seq === 5 ? assistant.id : undefined),
          }),
          ...drafts,
        ).asked.map(({ triggerSeq }) => triggerSeq - 10);
      const talk = [
        message(ada, 'hello'),
        message(ada, 'hello @assistant'),
        message(ada, 'so?', { replyTo: 5 }),
      ];
      expect(asks('always', ...talk)).toEqual([1, 2, 3]);
      expect(asks('mention', ...talk)).toEqual([2]);
      expect(asks('never', ...talk)).toEqual([]);
      expect(asks('auto', ...talk)).toEqual([2, 3]);
      expect(asks('auto', leaving(bob), ...talk)).toEqual([2, 3, 4]);
    });

    it('commits the end of a turn together with its message', () => {
      const ends: Turn = {
        id: turnId('t'),
        conversationId: conversation.id,
        agentId: assistant.id,
        agentName: 'Assistant',
        triggerSeq: 9,
        state: 'completed',
        attempt: 1,
        createdAt: 1,
        startedAt: 2,
        endedAt: 3,
        usage: null,
        error: null,
        messageSeq: null,
      };
      const author = { id: assistant.id, name: 'Assistant', kind: 'agent' } as const;
      const answer = { ...message(author, 'x', { key: 't' }), ends } as Unsettled<Draft>;
      const batch = staged(view(withAgent()), message(ada, 'a'), answer);
      expect(batch.effects.at(-1)).toEqual({ kind: 'turn', turn: { ...ends, messageSeq: 12 } });
      expect(batch.asked).toHaveLength(1);
    });
  });

  it('takes the record of a turn as an effect without an event', () => {
    const turn = { id: 't', state: 'thinking' } as unknown as Turn;
    const author = { id: assistant.id, name: 'Assistant', kind: 'agent' } as const;
    const batch = staged(view(), { kind: 'turn', author, key: null, turn });
    expect(batch.numbered).toEqual([]);
    expect(batch.effects).toEqual([{ kind: 'turn', turn }]);
    expect(batch.silent).toHaveLength(1);
  });
});

describe('a batch of one plain message', () => {
  const standingOf = ({ conversation: headless, members }: StageView) => ({
    headless,
    headSeq: headless.headSeq,
    members,
  });
  const draftOf = (draft: Unsettled<Draft>) =>
    ({ ...draft, settle: () => expect.unreachable('staging settles nothing') }) as Draft;

  it.each([
    ['without a key', message(ada, 'a')],
    ['with a key', message(bob, 'b', { key: 'k' })],
  ])('is the same as any other, %s', (_, draft) => {
    const [of, drafts] = [view(), [draftOf(draft)]];
    const plain = plainBatch(standingOf(of), drafts, NOW);
    const { numbered, ...any } = stage(of, drafts, NOW);
    for (const [field, value] of Object.entries(any))
      expect(plain?.[field as keyof typeof any]).toEqual(value);
    expect(plain?.numbered.map(({ draft, event, twins }) => ({ draft, event, twins }))).toEqual(
      numbered,
    );
    expect(plain).toMatchObject({ id: of.conversation.id });
  });

  it.each([
    ['of two', view(), [message(ada, 'a'), message(ada, 'b')]],
    ['of something else', view(), [joining(cy)]],
    ['of a stranger', view(), [message(cy, 'a')]],
    ['of an observer', view({}, [[ada, 'observer']]), [message(ada, 'a')]],
    ['that an agent may answer', view(withAgent()), [message(ada, 'a')]],
    ['that replies', view(), [{ ...message(ada, 'a'), replyTo: 3 }]],
  ])('is none when it is one %s', (_, of, drafts) => {
    expect(
      plainBatch(standingOf(of), (drafts as Unsettled<Draft>[]).map(draftOf), NOW),
    ).toBeUndefined();
  });
});
