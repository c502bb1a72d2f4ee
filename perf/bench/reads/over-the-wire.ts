import type { ConversationId } from '../../../src/domain/ids.ts';
import { startColloquy } from '../harness/colloquy.ts';
import { CountingWire } from './counting-wire.ts';

const ROUNDS = 10;
/** Before what is measured: pages of a replay come to the cache one a round. */
const WARM_ROUNDS = 6;

/** What a client gets that comes back, from the first join to the last `live`. */
interface Resume {
  readonly perSecond: number;
  /** Microseconds of the server's CPU an event. */
  readonly cpuUs: number;
}

/** A client that comes back to conversations of `events` events, one after the other, and has none of them. */
export async function resumeOverTheWire(
  store: string,
  { ids, events }: { readonly ids: readonly ConversationId[]; readonly events: number },
  flags: readonly string[],
): Promise<Resume> {
  const server = await startColloquy({ store, flags });
  try {
    const wire = await CountingWire.open(server.port);
    const resume = async (id: ConversationId) => {
      const live = wire.next('live');
      wire.say({ type: 'join', id: 'j', conversation_id: id, after_seq: 0 });
      await live;
    };
    const rounds = async (count: number) => {
      for (let round = 0; round < count; round += 1) for (const id of ids) await resume(id);
    };
    await rounds(WARM_ROUNDS);
    const [before, cpu] = [wire.events, server.cpuSeconds()];
    const started = performance.now();
    await rounds(ROUNDS);
    const seconds = (performance.now() - started) / 1_000;
    const got = wire.events - before;
    if (got < ROUNDS * ids.length * events) throw new Error(`only ${got} events came`);
    wire.close();
    return { perSecond: got / seconds, cpuUs: ((server.cpuSeconds() - cpu) * 1e6) / got };
  } finally {
    await server.stop();
  }
}
