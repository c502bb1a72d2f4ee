import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A model that answers at once: so many tokens in one go, over OpenAI's wire. */
export interface InstantModel {
  readonly url: string;
  /** When the last token of the answer to the question with these words was written, by `performance.now`. */
  readonly lastTokenAt: (words: string) => number;
  readonly close: () => Promise<void>;
}

/** Every question names itself by `#NUMBER`. */
const NAME = /#\d+/g;

export async function startModel(tokens: number): Promise<InstantModel> {
  const written = new Map<string, number>();
  const server = createServer(async (request, response) => {
    const asked = (await textOf(request)).match(NAME)?.at(-1) ?? '';
    answer(response, tokens, () => written.set(asked, performance.now()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    lastTokenAt: (words) => written.get(words.match(NAME)?.at(-1) ?? '') ?? Number.NaN,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

function answer(response: ServerResponse, tokens: number, onLastToken: () => void): void {
  const said = { id: 'bench', object: 'chat.completion.chunk', created: 1, model: 'bench' };
  const send = (more: object) =>
    response.write(`data: ${JSON.stringify({ ...said, ...more })}\n\n`);
  const choice = (delta: object, finish_reason: string | null) => [
    { index: 0, delta, finish_reason },
  ];
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (let token = 0; token < tokens; token += 1) {
    send({ choices: choice({ role: 'assistant', content: ` word${token}` }, null) });
  }
  onLastToken();
  send({ choices: choice({}, 'stop') });
  const usage = { prompt_tokens: 7, completion_tokens: tokens, total_tokens: tokens + 7 };
  send({ choices: [], usage });
  response.end('data: [DONE]\n\n');
}
