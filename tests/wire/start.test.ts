import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Flags } from '../support/server-process.ts';
import { ServerProcess } from '../support/server-process.ts';
import { withServer } from '../support/wire.ts';

let server: ServerProcess | undefined;
afterEach(async () => {
  await server?.dispose();
  server = undefined;
});

/** Starts a server that cannot, and gives what it said. */
async function refusedStart(flags: Flags): Promise<string> {
  server ??= new ServerProcess();
  const exit = await server.run(flags);
  expect(exit).toEqual({ code: 1, signal: null });
  expect(server.output).not.toMatch(/\n\s+at |Unhandled|node:internal/);
  return server.output;
}

describe('a start that fails', () => {
  it('for a port in use ends with exit code 1 and says which', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    expect(await refusedStart({ port })).toContain(String(port));
    other.close();
  });

  it('for a port in use touches nothing that the server on it is doing with the same store', async () => {
    const flags = { store: 'sqlite:{dir}/colloquy.db', agent: 'scripted' };
    await withServer(flags, async (wire) => {
      const { id, people } = await wire.room('Ada');
      const ada = people[0];
      if (!ada) return expect.unreachable();
      await ada.ws.send(id, 'tokens: 9000; rate: 100');
      const turn = await ada.ws.waitFor('turn.started');
      const store = `sqlite:${wire.server.path('colloquy.db')}`;
      await refusedStart({ store, agent: 'scripted', port: wire.server.port });
      const seen = ada.ws.framesOf('turn.delta').at(-1)?.index ?? 0;
      await ada.ws.waitFor('turn.delta', (delta) => delta.index > seen);
      const cancel = { type: 'cancel', conversation_id: id, turn_id: turn.turn_id };
      expect(await ada.ws.ask(cancel)).toMatchObject({ type: 'ok' });
      expect(await ada.ws.waitFor('turn.ended')).toMatchObject({ state: 'cancelled', attempt: 1 });
      expect(ada.ws.framesOf('turn.started')).toHaveLength(1);
    });
  });

  it('for a store that will not open ends with exit code 1 and says which', async () => {
    server = new ServerProcess();
    mkdirSync(server.path('a-folder.db'));
    expect(await refusedStart({ store: 'sqlite:{dir}/a-folder.db' })).toContain('a-folder.db');
  });

  it('for bad settings ends with exit code 1 and names all of them in one message', async () => {
    const output = await refusedStart({
      'mailbox-capacity': 0,
      'log-level': 'loud',
      store: 'carrier-pigeon:',
    });
    for (const name of [/mailbox.capacity/i, /log.level/i, /store/i]) expect(output).toMatch(name);
  });

  it('for a flag that is none ends with exit code 1 and names it', async () => {
    expect(await refusedStart({ 'mail-box': 5 })).toContain('mail-box');
  });
});

it('listens on the port it prints, with its store and agent said, and ends with 0 on SIGINT', async () => {
  server = new ServerProcess({ store: 'sqlite:{dir}/new/folder/colloquy.db' });
  await server.start();
  expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
  expect(server.output).toContain('sqlite');
  expect(await server.kill('SIGINT')).toEqual({ code: 0, signal: null });
});
