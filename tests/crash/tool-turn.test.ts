import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { type StubCall, startModelStub } from '../agent/model-stub.ts';
import { wholeLog } from '../support/rest-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';
import { type Person, useWire } from '../support/wire.ts';

/**
 * A turn of a model with a tool is killed at each of its steps. The model is a stub over HTTP, the tool is one of an
 * MCP server that writes down what it runs, and both outlive the server that is killed.
 */

const COUNTER = fileURLToPath(new URL('../agent/tools/mcp-counter.ts', import.meta.url));

const folder = temporaryFolder();
const COUNTS = folder.path('counts');
const MCP_FILE = folder.path('mcp.json');

type Answer = (call: StubCall, n: number) => void;

/** How the model answers in this test; `n` counts its calls there from 1. */
let answer: Answer = (call) => call.end();
let calls: StubCall[] = [];

const stub = await startModelStub((call) => answer(call, calls.push(call)));
const counter = { command: process.execPath, args: [COUNTER, COUNTS], tools: ['count'] };
const mcpServers = { counter: { ...counter, approval: 'none' }, careful: { ...counter } };
writeFileSync(COUNTS, '');
writeFileSync(MCP_FILE, JSON.stringify({ mcpServers }));

const wire = useWire({
  store: 'sqlite:{dir}/colloquy.db',
  agent: 'openai',
  model: 'm',
  'openai-base-url': stub.url,
  'mcp-file': MCP_FILE,
});

afterAll(async () => {
  await stub.close();
  folder.clear();
});

interface Scene {
  readonly id: string;
  readonly ada: Person;
}

async function scene(how: Answer): Promise<Scene> {
  answer = how;
  calls = [];
  const { id, people } = await wire.room('Ada');
  return { id, ada: people[0] as Person };
}

/** How often the tool wrote this: `begin label`, `end label`. */
function counts(line: string): number {
  return readFileSync(COUNTS, 'utf8')
    .split('\n')
    .filter((one) => one === line).length;
}

/** What tools said in the prompt of a call, behind the last message of a person. */
function toldBy(call: StubCall): readonly string[] {
  const { messages } = call.body;
  const asked = messages.findLastIndex(({ role }) => role === 'user');
  return messages
    .slice(asked + 1)
    .flatMap(({ role, content = '' }) => (role === 'tool' ? [content] : []));
}

/** What a person asks for: `SERVER LABEL`, or `SERVER LABEL MS`. */
function askedOf(call: StubCall) {
  const said = call.body.messages.findLast(({ role }) => role === 'user')?.['content'] ?? '';
  const [, server = '?', label = '?', ms = '0'] = /(\w+) (\w+)(?: (\d+))?$/u.exec(said) ?? [];
  return { id: `c_${label}`, name: `${server}__count`, args: { label, ms: Number(ms) } };
}

/** Asks for the tool once, and then says what it said. */
const whole: Answer = (call) => {
  const told = toldBy(call);
  if (told.length === 0) {
    call.token('Counting.');
    call.ask(askedOf(call));
    return call.finish('tool_calls');
  }
  for (const token of ['It says: ', ...told]) call.token(token);
  call.finish();
};

/** The turn that answers a message, when it is over. */
async function over({ id, ada }: Scene, seq: number) {
  const rest = wire.rest(ada.token);
  const turnOf = async () => {
    const { body } = await rest.request('GET', `/v1/conversations/${id}/turns`);
    return body.items.find((turn: { trigger_seq: number }) => turn.trigger_seq === seq);
  };
  await until(async () =>
    /completed|failed|cancelled|superseded/u.test((await turnOf())?.state ?? ''),
  );
  return turnOf();
}

/** The turn completed, its tool ran once, its message is there once, and no number is missing. */
async function expectWhole(scene: Scene, { label, seq }: { label: string; seq: number }) {
  const turn = await over(scene, seq);
  expect(turn).toMatchObject({ state: 'completed', trigger_seq: seq });
  expect(counts(`begin ${label}`)).toBe(1);
  const log = await wholeLog(wire.rest(scene.ada.token), scene.id);
  const answers = log.filter((event) => event.kind === 'message' && event.turn_id === turn.turn_id);
  expect(answers).toMatchObject([{ seq: turn.message_seq, content: turn.text, reply_to: seq }]);
  expect(log.map((event) => event.seq)).toEqual(log.map((_, index) => index + 1));
  return turn;
}

it('killed before the call is written down: the turn begins again, and the tool runs once', async () => {
  const { id, ada } = await scene((call, n) =>
    n === 1 ? call.token('Counting.') : whole(call, n),
  );
  const { seq } = await ada.ws.send(id, 'counter one');
  await ada.ws.waitFor('turn.delta');
  await wire.server.restart('SIGKILL');
  const turn = await expectWhole({ id, ada }, { label: 'one', seq });
  expect(turn).toMatchObject({ attempt: 2, text: 'Counting.\n\nIt says: counted one' });
});

it('killed while the tool runs: it does not run again, and the answer knows that nobody knows', async () => {
  const { id, ada } = await scene(whole);
  const { seq } = await ada.ws.send(id, 'counter two 2000');
  await until(() => counts('begin two') === 1);
  await wire.server.restart('SIGKILL');
  const turn = await expectWhole({ id, ada }, { label: 'two', seq });
  expect(turn.text).toMatch(/^Counting\.\n\nIt says: Error: interrupted: it is not known/u);
  expect(calls).toHaveLength(2);
});

it('told to stop while the tool runs: the next process knows that nobody knows, too', async () => {
  const { id, ada } = await scene(whole);
  const { seq } = await ada.ws.send(id, 'counter stopped 4000');
  await until(() => counts('begin stopped') === 1);
  await wire.server.restart('SIGTERM');
  const turn = await expectWhole({ id, ada }, { label: 'stopped', seq });
  expect(turn.text).toMatch(/^Counting\.\n\nIt says: Error: interrupted/u);
});

it('killed after the tool ran: its result is used again, and the model is not asked for it anew', async () => {
  const { id, ada } = await scene((call, n) => (n === 2 ? call.token('It') : whole(call, n)));
  const { seq } = await ada.ws.send(id, 'counter three');
  await ada.ws.waitFor('turn.delta', ({ text }) => text.includes('It'));
  await wire.server.restart('SIGKILL');
  const turn = await expectWhole({ id, ada }, { label: 'three', seq });
  expect(turn).toMatchObject({ attempt: 2, text: 'Counting.\n\nIt says: counted three' });
  expect(calls.map((call) => toldBy(call).length)).toEqual([0, 1, 1]);
});

it('killed while it waits for people, twice: it goes on waiting, and runs once when it is allowed', async () => {
  const { id, ada } = await scene(whole);
  const { seq } = await ada.ws.send(id, 'careful four');
  const asked = await ada.ws.waitFor('turn.tool_call');
  expect(asked).toMatchObject({ needs_approval: true, args: { label: 'four', ms: 0 } });
  for (let i = 0; i < 2; i++) {
    await wire.server.restart('SIGKILL');
    const rest = wire.rest(ada.token);
    const waits = async () =>
      (await rest.request('GET', `/v1/conversations/${id}/turns/${asked.turn_id}`)).body.state ===
      'awaiting_approval';
    await until(waits);
    expect(counts('begin four')).toBe(0);
  }
  const ws = await wire.connect({ token: ada.token });
  await ws.joinLive(id, { after_seq: seq });
  const { turn_id, call_id } = asked;
  const decision = { type: 'decide', conversation_id: id, turn_id, call_id, decision: 'approve' };
  expect(await ws.ask(decision)).toMatchObject({ type: 'ok' });
  const turn = await expectWhole({ id, ada }, { label: 'four', seq });
  expect(turn.text).toBe('Counting.\n\nIt says: counted four');
  expect(
    ws.framesOf('turn.ended').filter((end) => end.turn_id === turn_id).length,
  ).toBeLessThanOrEqual(1);
});

it('killed at any moment, also while the answer is stored: one message, one run, one end', async () => {
  const { id, ada } = await scene(whole);
  let ws = ada.ws;
  for (const [i, ms] of [0, 10].entries()) {
    const label = `many${i}`;
    const before = calls.length;
    const { seq } = await ws.send(id, `counter ${label}`);
    // The model has answered the second time: what is left is to store it.
    await until(() => calls.length >= before + 2);
    await new Promise((resolve) => setTimeout(resolve, ms));
    await wire.server.restart('SIGKILL');
    const turn = await expectWhole({ id, ada }, { label, seq });
    expect(turn.text).toBe(`Counting.\n\nIt says: counted ${label}`);
    ws = await wire.connect({ token: ada.token });
    await ws.joinLive(id, { after_seq: 0 });
  }
});
