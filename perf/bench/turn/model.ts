// A model for the benchmark of turns, in a process of its own: OpenAI's chat completions over bare sockets.
//
// The last question says how it is answered: `200@50` is 200 tokens at 50 a second, `20@0` is 20 at once, and behind
// `with a tool` is first asked for the time. Each token is the time at which it was sent, in microseconds of the clock
// that all processes of a machine share.

import { createServer, type Socket } from 'node:net';

const HEAD =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
/** Milliseconds between two looks at who is due. */
const TICK_MS = 2;

interface Answer {
  readonly socket: Socket;
  readonly tokens: number;
  readonly gapMs: number;
  said: number;
  dueAt: number;
}

const answers = new Set<Answer>();

const server = createServer((socket) => {
  let got = '';
  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    got += bytes.toString('latin1');
    for (;;) {
      const body = bodyOf(got);
      if (body === undefined) return;
      got = got.slice(body.end);
      begin(socket, body.text);
    }
  });
});

/** The first request that is whole. */
function bodyOf(got: string): { text: string; end: number } | undefined {
  const start = got.indexOf('\r\n\r\n') + 4;
  if (start === 3) return undefined;
  const length = Number(/content-length: (\d+)/i.exec(got.slice(0, start))?.[1] ?? 0);
  const end = start + length;
  return got.length < end ? undefined : { text: got.slice(start, end), end };
}

function begin(socket: Socket, body: string): void {
  const asked = [...body.matchAll(/(\d+)@(\d+)( with a tool)?/g)].at(-1) ?? [];
  const [, tokens = '20', rate = '0', tool] = asked;
  if (tool !== undefined && !body.includes('"role":"tool"')) {
    askForTime(socket);
    return;
  }
  const gapMs = rate === '0' ? 0 : 1_000 / Number(rate);
  const answer = { socket, tokens: Number(tokens), gapMs, said: 0, dueAt: performance.now() };
  socket.write(HEAD);
  if (gapMs > 0) {
    answers.add(answer);
    return;
  }
  socket.cork();
  while (answer.said < answer.tokens) say(answer);
  end(answer);
  socket.uncork();
}

function say(answer: Answer): void {
  answer.said += 1;
  const content = `${process.hrtime.bigint() / 1_000n} `;
  answer.socket.write(
    chunk({ index: 0, delta: { role: 'assistant', content }, finish_reason: null }),
  );
}

function askForTime(socket: Socket): void {
  const call = { name: 'current_time', arguments: '{"timezone":"Europe/Vienna"}' };
  const tool_calls = [{ index: 0, id: 'call_time', type: 'function', function: call }];
  socket.cork();
  socket.write(HEAD);
  socket.write(chunk({ index: 0, delta: { role: 'assistant', tool_calls }, finish_reason: null }));
  end({ socket, tokens: 9 }, 'tool_calls');
  socket.uncork();
}

function end({ socket, tokens }: Pick<Answer, 'socket' | 'tokens'>, reason = 'stop'): void {
  const usage = { prompt_tokens: 50, completion_tokens: tokens, total_tokens: 50 + tokens };
  socket.write(chunk({ index: 0, delta: {}, finish_reason: reason }));
  socket.write(framed(event([], { usage })));
  socket.write(framed('data: [DONE]\n\n'));
  socket.write('0\r\n\r\n');
}

function chunk(choice: object): string {
  return framed(event([choice], {}));
}

function event(choices: readonly object[], more: object): string {
  const head = { id: 'x', object: 'chat.completion.chunk', created: 1, model: 'm' };
  return `data: ${JSON.stringify({ ...head, choices, ...more })}\n\n`;
}

function framed(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

setInterval(() => {
  const now = performance.now();
  for (const answer of answers) {
    if (answer.dueAt > now) continue;
    answer.dueAt += answer.gapMs;
    if (answer.said < answer.tokens) say(answer);
    else {
      end(answer);
      answers.delete(answer);
    }
  }
}, TICK_MS);

process.on('SIGTERM', () => process.exit(0));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object') console.log(`http://127.0.0.1:${address?.port}/v1`);
});
