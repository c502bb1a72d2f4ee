import type { ConversationId } from '../../../src/domain/ids.ts';
import { startColloquy } from '../harness/colloquy.ts';
import { Wire } from '../harness/wire.ts';

/** Events that the cache has of a conversation, but for those that joining adds. */
const CACHED_EVENTS = 250;
const ROUNDS = 10;

export interface Resumed {
  /** Events a second that one client gets, from the first join to the last `live`. */
  readonly whole: number;
  readonly newest: number;
}

/** A client that comes back to conversations of `events` events, one after the other, and to their newest ones. */
export async function resumeOverTheWire(
  store: string,
  { ids, events }: { readonly ids: readonly ConversationId[]; readonly events: number },
): Promise<Resumed> {
  const server = await startColloquy({ store });
  try {
    const { wire } = await Wire.open(server.port);
    let got = 0;
    wire.onFrame = (text) => {
      if (!text.startsWith('{"type":"event"')) return false;
      got += 1;
      return true;
    };
    const resume = async (id: ConversationId, afterSeq: number) => {
      const live = wire.next('live');
      wire.say({ type: 'join', id: 'j', conversation_id: id, after_seq: afterSeq });
      await live;
    };
    const rate = async (afterSeq: number) => {
      for (const id of ids) await resume(id, afterSeq);
      got = 0;
      const started = performance.now();
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const id of ids) await resume(id, afterSeq);
      }
      const seconds = (performance.now() - started) / 1_000;
      if (got < ROUNDS * ids.length * (events - afterSeq))
        throw new Error(`only ${got} events came`);
      return got / seconds;
    };
    const whole = await rate(0);
    const newest = await rate(events - CACHED_EVENTS);
    wire.close();
    return { whole, newest };
  } finally {
    await server.stop();
  }
}
