import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pinned, SERVER_CORE } from '../../harness/contender.ts';
import { PEERS } from '../install.ts';
import { threadSeconds } from './cpu.ts';
import type { Answered, Person, TurnServer } from './turn.ts';

const START_MS = 60_000;
const STOP_MS = 5_000;

/**
 * LangGraph's server for JavaScript as its docs start it: `langgraphjs dev`, without the browser. In a folder of
 * its own, because it writes its state and a `.gitignore` beside the graph.
 */
export async function startLangGraph(model: string, folder: string): Promise<TurnServer> {
  const app = join(folder, 'app');
  mkdirSync(app);
  cpSync(join(PEERS, 'langgraph'), app, { recursive: true });
  symlinkSync(join(PEERS, 'node_modules'), join(app, 'node_modules'));
  writeFileSync(join(app, 'package.json'), '{"name":"bench","private":true,"type":"module"}\n');
  const port = await freePort();
  const cli = join(app, 'node_modules/@langchain/langgraph-cli/dist/cli/cli.mjs');
  const flags = ['dev', '--no-browser', '--host', '127.0.0.1', '--port', String(port)];
  const [program = '', ...args] = pinned(SERVER_CORE, [process.execPath, cli, ...flags]);
  const env = { PATH: process.env['PATH'], MODEL_URL: model, LANGGRAPH_CLI_NO_ANALYTICS: '1' };
  // It starts processes of its own, so the whole group is ended.
  const child = spawn(program, args, { cwd: app, env, stdio: 'ignore', detached: true });
  const leader = child.pid ?? 0;
  const stop = () => endGroup(leader);
  endWithThis(leader);
  const url = `http://127.0.0.1:${port}`;
  try {
    await isUp(url);
  } catch (error) {
    await stop();
    throw error;
  }
  return { cpuSeconds: () => groupSeconds(leader), stop, person: async () => person(url) };
}

function person(url: string): Person {
  return { ask: (words) => ask(url, words), leave: () => {} };
}

/** As its docs have it: a thread, then a run on it whose messages are streamed. */
async function ask(url: string, words: string): Promise<Answered> {
  const thread = (await (await post(`${url}/threads`, {})).json()) as { thread_id: string };
  const askedAt = performance.now();
  const response = await post(`${url}/threads/${thread.thread_id}/runs/stream`, {
    assistant_id: 'agent',
    input: { messages: [{ role: 'user', content: words }] },
    stream_mode: ['messages-tuple'],
  });
  const answered = { askedAt, firstAt: 0, endAt: 0, text: '' };
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    const events = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n\r?\n/);
    rest = events.pop() ?? '';
    for (const event of events) hear(event, answered);
  }
  answered.endAt = performance.now();
  return answered;
}

function hear(event: string, answered: { firstAt: number; text: string }): void {
  const kind = /^event: (.*)$/m.exec(event)?.[1];
  const data = /^data: (.*)$/m.exec(event)?.[1] ?? '';
  if (kind === 'error') throw new Error(data);
  if (kind !== 'messages') return;
  const [message] = JSON.parse(data) as [{ type: string; content: unknown }];
  if (message.type !== 'ai' || typeof message.content !== 'string') return;
  if (answered.text === '' && message.content !== '') answered.firstAt = performance.now();
  answered.text += message.content;
}

async function post(url: string, body: object): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return answer;
}

async function isUp(url: string): Promise<void> {
  const deadline = performance.now() + START_MS;
  for (;;) {
    const answer = await fetch(`${url}/ok`).catch(() => undefined);
    if (answer?.ok) return;
    if (performance.now() > deadline) throw new Error("LangGraph's server did not start");
    await pause(200);
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

interface Stat {
  readonly pid: number;
  readonly state: string;
  readonly group: number;
}

/** Every process of the group (proc(5)). */
function groupOf(leader: number): Stat[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => statOf(Number(pid)))
    .filter(({ group }) => group === leader);
}

function statOf(pid: number): Stat[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in brackets may hold blanks: count from behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return [{ pid, state: fields[0] ?? '', group: Number(fields[2]) }];
  } catch {
    return []; // It has just ended.
  }
}

function groupSeconds(leader: number): number {
  return groupOf(leader).reduce((sum, { pid }) => sum + threadSeconds(pid), 0);
}

/** A group of its own hears nothing of a Ctrl-C. */
function endWithThis(leader: number): void {
  process.once('exit', () => {
    if (groupOf(leader).length > 0) process.kill(-leader, 'SIGKILL');
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
}

async function endGroup(leader: number): Promise<void> {
  const isThere = () => groupOf(leader).some(({ state }) => state !== 'Z');
  const end = (signal: NodeJS.Signals) => {
    try {
      process.kill(-leader, signal);
    } catch {
      // It has just ended.
    }
  };
  end('SIGTERM');
  for (const deadline = performance.now() + STOP_MS; isThere(); await pause(50)) {
    if (performance.now() > deadline) end('SIGKILL');
  }
}
