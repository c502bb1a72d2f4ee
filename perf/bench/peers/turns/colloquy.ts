import { join } from 'node:path';
import { ROOT, startServer } from '../../harness/contender.ts';
import { ENVIRONMENT } from '../contenders.ts';
import { threadSeconds } from './cpu.ts';
import type { Answered, Person, TurnServer } from './turn.ts';

interface Frame {
  readonly type: string;
  readonly text?: string;
  readonly state?: string;
}

/** Colloquy with its agent on that model, on SQLite at its defaults. */
export async function startColloquy(model: string, folder: string): Promise<TurnServer> {
  const main = join(ROOT, 'src/cli/main.ts');
  const store = `sqlite:${join(folder, 'c.db')}`;
  const agent = ['--agent', 'openai', '--openai-base-url', model, '--model', 'bench'];
  const command = [process.execPath, main, 'serve', '--port', '0', '--store', store, ...agent];
  const { port, pid, stop } = await startServer(command, ENVIRONMENT);
  return { cpuSeconds: () => threadSeconds(pid), stop, person: () => person(port) };
}

let conversations = 0;

async function person(port: number): Promise<Person> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/ws`);
  let hear = (_frame: Frame) => {};
  socket.addEventListener('message', ({ data }) => hear(JSON.parse(String(data)) as Frame));
  const say = (frame: object) => socket.send(JSON.stringify(frame));
  /** Listens until `isLast` says so. */
  const until = (isLast: (frame: Frame) => boolean) =>
    new Promise<void>((resolve, reject) => {
      hear = (frame) => {
        if (frame.type === 'error') reject(new Error(JSON.stringify(frame)));
        else if (isLast(frame)) resolve();
      };
    });
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', () => reject(new Error('no connection')), { once: true });
  });
  say({ type: 'hello' });
  await until(({ type }) => type === 'welcome');
  const ask = async (content: string): Promise<Answered> => {
    conversations += 1;
    const conversation_id = `bench-${conversations}`;
    say({ type: 'join', id: 'j', conversation_id, create: true });
    await until(({ type }) => type === 'live');
    const answered = { askedAt: performance.now(), firstAt: 0, endAt: 0, text: '' };
    say({ type: 'send', id: 's', conversation_id, content });
    await until((frame) => hasEnded(frame, answered));
    say({ type: 'leave', id: 'l', conversation_id });
    await until(({ type }) => type === 'left');
    return answered;
  };
  return { ask, leave: () => socket.close() };
}

function hasEnded(
  frame: Frame,
  answered: { firstAt: number; endAt: number; text: string },
): boolean {
  if (frame.type === 'turn.delta') {
    if (answered.text === '') answered.firstAt = performance.now();
    answered.text += frame.text;
  }
  if (frame.type !== 'turn.ended') return false;
  answered.endAt = performance.now();
  if (frame.state !== 'completed') throw new Error(`the turn ended as ${frame.state}`);
  return true;
}
