// One round of turns with one server, in a process of its own on the client's core: `measure.ts NAME TURNS`.
// The model is in here too: it answers at once, so that what is measured is what is around it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startColloquy } from './colloquy.ts';
import { startLangGraph } from './langgraph.ts';
import { type InstantModel, startModel } from './model.ts';
import type { Answered, Person, TurnServer } from './turn.ts';

/** Times in milliseconds. */
export interface MeasuredTurns {
  readonly first: readonly number[];
  /** From the model's last token to the end of the answer. */
  readonly end: readonly number[];
  readonly cpuMs: number;
  /** With `AT_ONCE` people asking. */
  readonly perSecond: number;
  readonly cpuMsAtOnce: number;
}

export const SERVERS: Readonly<
  Record<string, (model: string, folder: string) => Promise<TurnServer>>
> = { colloquy: startColloquy, langgraph: startLangGraph };

export const TOKENS = 20;
export const AT_ONCE = 8;
/**
 * Turns before anything is measured, of so many people at once: a fresh process takes two to three times as long, and
 * both sides still got faster after 250. After 800 neither does.
 */
const WARM_UP = { people: 64, turns: 16 };

async function measure(name: string, turns: number): Promise<MeasuredTurns> {
  const start = SERVERS[name];
  if (start === undefined) throw new Error(`no server is called '${name}'`);
  const folder = mkdtempSync(join(tmpdir(), 'colloquy-bench-'));
  const model = await startModel(TOKENS);
  try {
    const server = await start(model.url, folder);
    try {
      return await measureOn(server, model, turns);
    } finally {
      await server.stop();
    }
  } finally {
    await model.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureOn(
  server: TurnServer,
  model: InstantModel,
  turns: number,
): Promise<MeasuredTurns> {
  const people = await Promise.all(Array.from({ length: WARM_UP.people }, () => server.person()));
  const [one] = people;
  if (one === undefined) throw new Error('nobody is there');
  await Promise.all(people.map((person) => askInTurn(person, WARM_UP.turns, model)));
  const some = people.slice(0, AT_ONCE);
  const alone = await spending(server, () => askInTurn(one, turns, model));
  const together = await spending(server, () =>
    Promise.all(some.map((person) => askInTurn(person, turns, model))),
  );
  for (const person of people) person.leave();
  const all = turns * AT_ONCE;
  return {
    first: alone.result.map(({ first }) => first),
    end: alone.result.map(({ end }) => end),
    cpuMs: (alone.cpu / turns) * 1_000,
    perSecond: all / together.seconds,
    cpuMsAtOnce: (together.cpu / all) * 1_000,
  };
}

async function spending<T>(server: TurnServer, work: () => Promise<T>) {
  const [cpu, from] = [server.cpuSeconds(), performance.now()];
  const result = await work();
  return {
    result,
    cpu: server.cpuSeconds() - cpu,
    seconds: (performance.now() - from) / 1_000,
  };
}

let questions = 0;

async function askInTurn(person: Person, turns: number, model: InstantModel) {
  const times: { first: number; end: number }[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    questions += 1;
    const words = `What is in question #${questions}?`;
    const answered = await person.ask(words);
    isWhole(answered);
    const { askedAt, firstAt, endAt } = answered;
    times.push({ first: firstAt - askedAt, end: endAt - model.lastTokenAt(words) });
  }
  return times;
}

function isWhole({ text }: Answered): void {
  const whole = Array.from({ length: TOKENS }, (_, token) => ` word${token}`).join('');
  if (text.trim() !== whole.trim()) throw new Error(`the answer is not whole: '${text}'`);
}

if (import.meta.main) {
  const [name = '', turns = '20'] = process.argv.slice(2);
  process.stdout.write(JSON.stringify(await measure(name, Number(turns))));
}
